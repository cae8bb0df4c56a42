from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from captures.formats.jsontext import MAX_NESTING, Number, indented, is_sequence, parse
from tests.corpus import each

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(), inner, max_size=5),
    max_leaves=20,
)


@each(
    ("left", "right", "equal"),
    [
        ("1.10", "1.10", True),
        ("1.10", "1.1", False),
        ("1.0", "1", False),
        ("1e2", "100", False),
        ("1e2", "1E2", True),
        ("-0.0", "0.0", False),
        ("12345678901234567890.1", "12345678901234567890.2", False),
        ("1", "1", True),
        ("1", "true", False),
    ],
)
def test_numbers_are_lossless(left: str, right: str, equal: bool) -> None:
    one, other = parse(left)[0], parse(right)[0]
    assert (type(one) is type(other) and one == other) is equal
    if isinstance(one, Number) or isinstance(other, Number):
        assert (one == other) is equal
        assert (one != other) is not equal
        assert not equal or hash(one) == hash(other)


def test_integers_stay_integers() -> None:
    value, _ = parse("[123456789012345678901234567890, 1.5]")
    assert value[0] == 123456789012345678901234567890
    assert type(value[0]) is int
    assert type(value[1]) is Number
    assert value[1] + 1 == Decimal("2.5")


@pytest.mark.parametrize(
    ("text", "paths"),
    [
        ('{"a": 1, "a": 2}', ("$.a",)),
        ('{"a":1,"a" :2}', ("$.a",)),
        ('{"a":1,"a"\n\t :2, "a":3}', ("$.a",)),
        ('[{"x": {"y z": 1, "y z": 2}}, {"q": 1}]', ("$[0].x['y z']",)),
        ('{"a": 1, "\\u0061": 2}', ("$.a",)),
        ('{"a": "\\":", "b": ":"}', ()),
        ('{"a": ":x", "b": "\\\\"}', ()),
        ("{}", ()),
        ("[]", ()),
        ('"a"', ()),
    ],
)
@each("padding", [0, 5000])
def test_repeated_keys_are_told(text: str, paths: tuple[str, ...], padding: int) -> None:
    value, repeated = parse(text + " " * padding)  # short and long texts are read in two ways
    assert repeated == paths
    assert value == json.loads(text)


@each(
    ("text", "reason"),
    [
        ("", "Expecting value at line 1"),
        ("{", "line 1"),
        ('{"a":\n1,}', "line 2"),
        ("NaN", "NaN is no JSON number"),
        ("[-Infinity]", "-Infinity is no JSON number"),
        ("1e99999999999999999999", "exponent"),
        ("1" * 5000, "too many digits"),
        ("[" * (MAX_NESTING + 1) + "]" * (MAX_NESTING + 1), "nested more than 900"),
        ("[" * 100_000, "nested more than 900"),
        ('{"a":' * (MAX_NESTING + 1) + "1" + "}" * (MAX_NESTING + 1), "nested more than 900"),
    ],
)
def test_refused_with_a_sentence(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        parse(text)


def test_many_brackets_are_not_depth() -> None:
    assert len(parse("[" + "[1]," * 2000 + "[1]]")[0]) == 2001
    assert parse('"' + "[" * 2000 + '"')[0] == "[" * 2000


@given(VALUES)
def test_what_json_writes_comes_back(value: Any) -> None:
    for text in (json.dumps(value), json.dumps(value, indent=1, ensure_ascii=False)):
        assert parse(text) == (value, ())
        assert parse(text + " " * 5000) == (value, ())


@given(VALUES)
@pytest.mark.slow
def test_indented_means_the_same(value: Any) -> None:
    assert json.loads(indented(json.dumps(value))) == value


def test_indented_keeps_literals() -> None:
    text = '{"a":[1.10,{"b" : "\\u0041,:{"}],"e":{},"l":[ ],"a":1E5}'
    assert indented(text) == (
        '{\n  "a": [\n    1.10,\n    {\n      "b": "\\u0041,:{"\n    }\n  ],\n  "e": {},\n  "l": [],\n  "a": 1E5\n}'
    )


@each(
    ("data", "expected"),
    [
        (b"", False),
        (b"{}", False),
        (b"{}\n", False),
        (b"[]\n\n", False),
        (b'{\n "a": 1}\n', False),
        (b'{"a": [\n1]}\n', False),
        (b"{}\n{}", True),
        (b'\n{"a": 1}\r\n{"b": 2}\r\n', True),
        (b"[1]\nno JSON", True),
        (b"{a}\n{b}", False),
        (b"1\n2", False),
    ],
)
def test_a_value_on_each_line(data: bytes, expected: bool) -> None:
    assert is_sequence(data) is expected
