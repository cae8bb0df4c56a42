"""The fast proof that two JSON texts say the same: right whenever it says so, and it says so where it pays."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from captures.formats import jsontext
from captures.formats.jsonlayout import same_but_layout
from tests.corpus import each


def proven(left: str, right: str) -> bool:
    assert same_but_layout(right.encode(), left.encode()) is same_but_layout(left.encode(), right.encode())
    return same_but_layout(left.encode(), right.encode())


@each(
    ("left", "right"),
    [
        ('{"a":1}', '{ "a" : 1 }'),
        ('{"a":1.10,"b":[1E5,-0.0]}', '{"a": 1.10, "b": [1E5, -0.0]}'),
        ('{"a":12345678901234567890123}', '{"a": 12345678901234567890123}'),
        ('{"a":"x y","b":"\\u00e9"}', '{"a": "x y", "b": "\\u00e9"}'),
        ('{"a":1,"b":{"c":1.5,"d":null}}', '{"b": {"d": null, "c": 1.5}, "a": 1}'),
        ('{"a":"\\u00e9\\ud83d\\ude00"}', '{"a": "é😀"}'),
        ('{"a":"\\u00E9","b":1}', '{"b": 1, "a": "é"}'),
        ("[]", "[ ]"),
        ('"a"', ' "a"'),
    ],
)
def test_layout_is_proven(left: str, right: str) -> None:
    assert proven(left, right)


@each(
    ("left", "right"),
    [
        ('{"a":1}', '{"a":1.0}'),
        ('{"a":1.10}', '{"a":1.1}'),
        ('{"a":1.10,"b":1}', '{"b":1,"a":1.1}'),
        ('{"a":1e2}', '{"a":100}'),
        ('{"a":true}', '{"a":1}'),
        ('{"a":"x y"}', '{"a":"xy"}'),
        ('{"a b":1,"ab":1.0}', '{"ab":1,"a b":1.0}'),
        ('{"a":1,"a":1}', '{"a":1}'),
        ('{"a":"x y","a":1}', '{"a":"xy","a":1}'),  # only a shadowed value differs
        ('{"a": "\\u0022:", "a":1}', '{"a":"\\u0022 :","a":1}'),
        ('{"k":"1","k":"\\u0022:"}', '{"k":"1 ","k":"\\u0022:"}'),
        ('{"a":"\\\\u00e9"}', '{"a":"\\\\é"}'),
        ('{"a":12345678901234567890123}', '{"b":1,"a":12345678901234567890124}'),
        ("[1,2]", "[2,1]"),
        ('{"a":NaN}', '{"a": NaN}'),
        ("nonsense", "non sense"),
        ("[1 2]", "[12]"),
        ('{"a":"\\ud800"}', '{"a": "\\ud800"}'),
        ("[" * 2000 + "]" * 2000, "[" * 2000 + " " + "]" * 2000),
        ("[" * 300 + "]" * 300, "[" * 300 + " " + "]" * 300),
    ],
)
def test_what_differs_or_is_not_sure_is_not_proven(left: str, right: str) -> None:
    assert not proven(left, right)


TRICKY = st.sampled_from(
    ["a", "a b", "ab", ' "', '":', '" :', "\\", "é", "é ", "\u2028", "😀", "", "1", "u0022", "\\u00e9"]
)
NUMBERS = st.sampled_from(["1", "1.0", "1.00", "1e0", "-0", "-0.0", "0", "1E400", "9007199254740993", "true", "null"])


def rendered(draw: Any, depth: int) -> str:
    """JSON text with layout, repeated keys, number forms and escapes as they come."""

    def blank() -> str:
        return str(draw(st.sampled_from(["", "", " ", "\n"])))

    def quoted(text: str) -> str:
        plain = json.dumps(text, ensure_ascii=draw(st.booleans()))
        return plain.replace('\\"', "\\u0022") if draw(st.integers(0, 3)) == 0 else plain

    choice = draw(st.integers(0, 5 if depth else 2))
    if choice == 0:
        return str(draw(NUMBERS))
    if choice <= 2:
        return quoted(draw(TRICKY))
    count = draw(st.integers(0, 3))
    if choice == 3:
        return "[" + ",".join(blank() + rendered(draw, depth - 1) + blank() for _ in range(count)) + "]"
    members = (f"{blank()}{quoted(draw(TRICKY))}{blank()}:{blank()}{rendered(draw, depth - 1)}" for _ in range(count))
    return "{" + ",".join(members) + blank() + "}"


TEXTS = st.composite(lambda draw: rendered(draw, 2))()


def said(text: str) -> object:
    """Everything a text says: values, number forms, and repeated keys with all their values."""
    from diffing.walk.flatten import flatten

    value = json.loads(
        text,
        parse_float=jsontext.Number,
        object_pairs_hook=lambda pairs: [{"key": key, "value": value} for key, value in sorted(pairs, key=repr)],
    )
    return flatten(value)


@settings(max_examples=300)
@given(TEXTS, TEXTS, st.data())
@pytest.mark.slow
def test_proven_means_equal(left: str, other: str, data: Any) -> None:
    blanks = data.draw(st.sampled_from(["", " ", "\t"]))
    for right in (other, left.replace(" ", blanks), left.replace(",", ", "), left.replace(":", ": ")):
        if same_but_layout(left.encode(), right.encode()):
            assert said(left) == said(right)


@settings(max_examples=50)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(st.characters(exclude_categories=["Cs"])),
        lambda inner: st.lists(inner) | st.dictionaries(st.text("abc é"), inner),
    )
)
@pytest.mark.slow
def test_blanks_and_order_are_always_proven(value: Any) -> None:
    compact = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    assert proven(compact, json.dumps(value, ensure_ascii=False, indent=2))
    if "\\u" not in compact and "\x7f" not in compact:
        assert proven(compact, json.dumps(value, ensure_ascii=False, sort_keys=True))
