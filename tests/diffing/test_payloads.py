"""What opaque values hold; and that no recogniser is brought down by any text."""

from __future__ import annotations

import base64
import json
import zlib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diffing.messages import linkheaders
from diffing.values import dateforms, hosts, moments, payloads, signatures, textforms, traceids
from diffing.values.following import core
from diffing.values.moments import Clock
from diffing.values.volatile import shape_of
from tests.corpus import each


def sealed(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


@pytest.mark.parametrize("value", [{"offset": 20}, [1, "a"], "orders:20:asc", "{half"])
def test_what_base64_hides(value: Any) -> None:
    assert payloads.opened(sealed(value)) == value


@pytest.mark.parametrize(
    "text", ["", "abc", "aB3dE5gH7jK9mN1pQ3sT5vW7", sealed("\x00\x01\x02"), sealed([[]] * 300)[:-1], "ü" * 8]
)
def test_what_hides_nothing(text: str) -> None:
    assert payloads.opened(text) is None or isinstance(payloads.opened(text), str)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (f"{sealed({'a': 1})}.ZzXqAQ.b3f9kQ92", ({"a": 1}, (6, 8))),
        (f"s:{sealed({'a': 1})}", ({"a": 1}, ())),
        (f"{sealed([1, 2])}--b3f9kQ92", ([1, 2], (8,))),
        ("." + base64.urlsafe_b64encode(zlib.compress(b'{"a":1}')).decode() + ".ZzXqAQ", ({"a": 1}, (6,))),
        ('j:{"a":1}', ({"a": 1}, ())),
        (f"{sealed('plain')}.ZzXqAQ.b3f9kQ92", None),
        ("aB3dE5gH7jK9.ZzXqAQ.b3f9kQ92", None),
    ],
)
def test_what_a_signed_value_says(value: str, said: Any) -> None:
    assert payloads.signed(value) == said


def test_a_token_too_nested_to_be_walked_is_no_jwt() -> None:
    deep = sealed("[" * 300 + "]" * 300)
    assert payloads.jwt(f"{deep}.{deep}.x") is None


@pytest.mark.parametrize(
    ("one", "other", "found"),
    [
        ({"a": 1, "b": {"c": [1, 2]}}, {"a": 1, "b": {"c": [1, 3]}}, [(2, 3, ("b", "c"))]),
        ({"a": 1}, {"b": 1}, [(None, None, ())]),
        ([1], [1, 2], [(None, None, ())]),
        ({"a": [1]}, {"a": 1}, [(None, None, ("a",))]),
        (1, True, [(1, True, ())]),
    ],
)
def test_unequal_members(one: Any, other: Any, found: list[Any]) -> None:
    assert list(payloads.unequal_members(one, other)) == found


@each(
    ("old", "new", "expected"),
    [
        ("red-shirt", "blue-shirt", ("red-shirt", "blue-shirt")),
        ("/p/red-shirt/x", "/p/blue-shirt/x", ("red-shirt", "blue-shirt")),
        ("Red Shirt of red", "Blue Shirt of red", ("Red", "Blue")),
        ("red and red", "blue and blue", ("red", "blue")),
        ("A Red Shirt", "A Blue Coat", ("Red Shirt", "Blue Coat")),
        ("red, not green", "blue, not yellow", None),
        ("one two", "one", None),
        ("12", "13", None),
    ],
)
def test_the_core_of_a_change(old: str, new: str, expected: tuple[str, str] | None) -> None:
    assert core(old, new) == expected


_ANY = st.one_of(st.text(max_size=60), st.text('0123456789abcdefABCDEF-_.:/=?&%+TZWP "{}<>;,', max_size=60))


@settings(max_examples=150, deadline=None)
@given(_ANY, _ANY)
def test_recognisers_are_total(one: str, other: str) -> None:
    shape_of(one)
    moments.read(one)
    dateforms.calendar(one)
    payloads.opened(one)
    payloads.jwt(f"{one}.{other}.x")
    payloads.signed(one)
    payloads.signed(f"{sealed({'a': one})}.{other}.x")
    linkheaders.parse(one)
    traceids.same_form(one, other)
    core(one, other)
    for name in ("hostname", "build", "path", "elapsed", "pointer", one):
        hosts.named(other, name)
    textforms.same_text(one, other)
    left, right = signatures.parse(f"/a?sig={one}&{other}"), signatures.parse(f"/a?sig={other}&{one}")
    if left is not None and right is not None:
        clock = Clock(0.0, 1.0)
        signatures.complaint(left, right, clock, clock, lambda *_: False)
    assert textforms.same_text(one, other) == textforms.same_text(other, one)
