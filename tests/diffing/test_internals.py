"""Signs of a server's inside, and sentences that only look like them."""

from __future__ import annotations

from time import process_time

import pytest

from diffing.contract.internals import internals_in, new_internals
from tests.corpus import each

SIGNS = [
    ('Traceback (most recent call last):\n  File "a.py", line 3', "a Python stack trace"),
    ("at com.shop.Cart.add(Cart.java:41)", "a Java stack trace"),
    ("at com.shop.Cart$Inner.<init>(Cart.kt:41)", "a Java stack trace"),
    ("org.hibernate.exception.ConstraintViolationException: could not", "a Java stack trace"),
    ("    at Object.<anonymous> (/srv/app/index.js:10:15)", "a Node stack trace"),
    ("    at async file:///app/index.mjs:10:15", "a Node stack trace"),
    ("goroutine 1 [running]:", "a Go stack trace"),
    ("   at Shop.Cart.Add(Item item) in /src/Cart.cs:line 12", "a .NET stack trace"),
    ("System.InvalidOperationException: Sequence contains no elements", "a .NET stack trace"),
    ("#0 /var/www/html/index.php(12): run()", "a PHP stack trace"),
    ("Warning: Undefined variable $x in /var/www/a.php on line 3", "a PHP stack trace"),
    ("app/models/cart.rb:12:in 'add'", "a Ruby stack trace"),
    ("thread 'main' panicked at src/main.rs:4:5", "a Rust panic"),
    ("SELECT * FROM orders WHERE id = 1", "SQL"),
    ('INSERT INTO "orders" (id) VALUES (1)', "SQL"),
    ("UPDATE orders SET total = 1", "SQL"),
    ("ORA-00942: table or view does not exist", "SQL"),
    ("SQLSTATE[23000]: Integrity constraint violation", "SQL"),
    ("open /etc/shop/config.yml: no such file", "a path of the server's disk"),
    ("in /app/shop/cart.py", "a path of the server's disk"),
    (r"D:\apps\shop\web.config", "a path of the server's disk"),
]
HARMLESS = [
    "Please select one from the list",
    "Update your settings, then delete them from the list",
    "https://example.com/usr/share/x.py",
    "/orders/7/items",
    "/static/app.js",
    "meet at noon (12:30)",
    "java.util.List",
    "an exception was made",
    "We look at the File menu, line 3",
    "",
    "no such order: 7",
]


@each(("text", "what"), SIGNS)
def test_signs(text: str, what: str) -> None:
    assert what in internals_in(text)
    assert new_internals("Something broke", text)
    assert new_internals(text, text) == ""


@each("text", HARMLESS)
def test_harmless(text: str) -> None:
    assert internals_in(text) == []


@pytest.mark.parametrize(
    "piece", ["at (/a ", "SELECT ", "a.b", "System.", "/a", "at a.", 'File "', "error ", "C:\\a", "[]`at "]
)
@pytest.mark.slow
def test_no_text_takes_long_to_look_into(piece: str) -> None:
    started = process_time()
    internals_in(piece * 50_000)
    assert process_time() - started < 5
