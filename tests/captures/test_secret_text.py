from __future__ import annotations

import time

import pytest

from captures.model import Headers
from captures.redacting.redaction import RedactionPolicy, Redactor
from captures.redacting.secret_text import decoded, encoded
from tests.captures.making import exchange
from tests.corpus import each

KEY = b"k" * 32


def read(kind: str, body: str | bytes, **section: list[str]) -> bytes:
    headers: Headers = ((b"Content-Type", kind.encode()),)
    raw = body if isinstance(body, bytes) else body.encode()
    new = Redactor(KEY, RedactionPolicy.from_config(section)).exchange(exchange(headers=headers, body=raw))
    assert not new.notes.get("unscannable")
    return new.request.body


@each(
    ("kind", "text"),
    [
        ("text/plain", "password: required. The token must not be empty; secret = none"),
        ("text/plain", "error: invalid password: changed 3 days ago"),
        ("text/plain", "page 3 of 17, token count: 1234, keys: 12"),
        ("text/html", '<label for="password">Password:</label><input id="password" name="password" type="text">'),
        ("text/html", '<a href="/reset?step=2" class="token token-string">x</a> <p>Password: your choice</p>'),
        ("text/html", '<input name="csrf_token" value="q8Zt4LmPx0VbN3rTyW7s">'),
        ("application/javascript", "var token=e.target.value,password=t;this.secret=n(r);if(apiKey===null){}"),
        ("application/javascript", 'o={type:"password",label:"Your password",token:"access_token"}'),
        ("text/css", ".token{color:#fff}a:hover{secret:abcdef12}"),
        ("application/xml", "<Items><Key>photos/2024/cat.png</Key><NextToken>a1b2c3d4e5f6a7b8c9d0</NextToken></Items>"),
        ("application/xml", "<Policy PasswordLength='12'><PasswordExpired>false</PasswordExpired></Policy>"),
        ("text/csv", "user,plan\nada,basic\n"),
    ],
)
def test_what_only_speaks_of_secrets_stays(kind: str, text: str) -> None:
    assert read(kind, text) == text.encode()


def test_the_encoding_stays() -> None:
    text = "<a>\u00e9<password>hunter22</password></a>"
    for name in ("utf-8", "utf-16", "utf-16-le", "iso-8859-1"):
        kind = "text/xml" if name in ("utf-8", "utf-16") else f"text/xml; charset={name}"
        new = read(kind, text.encode(name))
        assert b"hunter22" not in new
        assert "hunter22".encode("utf-16-le") not in new
        assert new.decode(name)[:13] == text[:13]
    mark, said, encoding = decoded(b"\xef\xbb\xbf a\xff", None)
    assert mark + encoded(said, encoding) == b"\xef\xbb\xbf a\xff"


def test_configured_names_count_in_text_and_markup() -> None:
    for kind, text in (
        ("text/plain", "badge=A-17-B\n"),
        ("text/xml", "<x><badge>A-17-B</badge></x>"),
        ("text/html", '<input name="badge" value="A-17-B">'),
        ("text/csv", "user,badge\nada,A-17-B\n"),
    ):
        assert b"A-17-B" not in read(kind, text, query=["badge"])
        assert b"A-17-B" in read(kind, text)


def test_a_table_with_quotes_keeps_them() -> None:
    body = 'user,password\n"a, b",hunter22\n"c","hu""nt er2"\n"odd,hunter22\nx,"hunter22"y\n'
    new = read("text/csv", body).decode()
    assert "hunter22" not in new
    assert 'hu""nt' not in new
    assert [line.partition(",")[0] for line in new.splitlines()] == ["user", '"a', '"c"', '"odd', "x"]


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["text/html", "text/xml", "text/plain", "text/csv", "application/javascript"])
@pytest.mark.parametrize(
    "unit",
    ["<password>", "<a b='", '<a b="', "<![CDATA[", "<a><![CDATA[", "</password>", "password=", 'password="', "token: ",
     "a=b;", "<a ", "'a", '"a', "<input name=token ", "?a=b", "https://", "a.b.c.", "password=\\", "&#x", "]]"],
)  # fmt: skip
def test_time_grows_with_the_length_alone(kind: str, unit: str) -> None:
    def seconds(size: int) -> float:
        body = "x" + unit * (size // len(unit)) + " password=1"
        started = time.process_time()
        Redactor(KEY).exchange(exchange(headers=((b"Content-Type", kind.encode()),), body=body.encode()))
        return time.process_time() - started

    seconds(1_000)
    assert seconds(120_000) < 0.5 + 30 * max(min(seconds(15_000) for _ in range(2)), 0.003)
