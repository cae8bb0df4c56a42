from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from captures.formats.jsondeep import read_deep
from captures.formats.jsontext import DEEPEST, Literal, Number, Reading, parse, read
from tests.corpus import each

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(), inner, max_size=5),
    max_leaves=20,
)


def depth_of(value: Any) -> int:
    depth = 0
    while isinstance(value, dict | list) and value:
        value = value["a"] if isinstance(value, dict) else value[0]
        depth += 1
    return depth + isinstance(value, dict | list)


@given(VALUES)
@pytest.mark.slow
def test_it_reads_what_the_c_parser_reads(value: Any) -> None:
    for text in (json.dumps(value), json.dumps(value, indent=1, ensure_ascii=False)):
        expected = json.loads(text, parse_float=Decimal)
        assert repr(read_deep(text, 100)) == repr((expected, ()))  # types and digits count
        assert repr(parse(text)) == repr((expected, ()))


@pytest.mark.parametrize("levels", [1_000, 5_000, DEEPEST])
@each(("start", "end"), [("[", "]"), ('{"a":', "}"), ('[{"a" : ', "}\n]")])
def test_deep_text_is_read(levels: int, start: str, end: str) -> None:
    count = levels // (start.count("[") + start.count("{"))
    value = read(start * count + "1.50" + end * count, DEEPEST).value
    assert depth_of(value) == levels


def test_deep_text_is_read_without_loss() -> None:
    text = "[" * 3_000 + '{"a": 1.10, "a": 1E2, "b": [NaN, -Infinity]}' + "]" * 3_000
    reading = read(text, DEEPEST)
    value = reading.value
    for _ in range(3_000):
        (value,) = value
    assert repr(value) == repr({"a": Number("1E2"), "b": [Literal("NaN"), Literal("-Infinity")]})
    where = "$" + "[0]" * 3_000
    assert reading.duplicates == (f"{where}.a",)
    assert reading.defects == (f"NaN at {where}.b[0]", f"-Infinity at {where}.b[1]")


@each(
    ("text", "nesting", "reason"),
    [
        ("[" * 901 + "]" * 901, 900, "nested more than 900"),
        ("[" * 5_000 + "]" * 5_000, 900, "nested more than 900"),
        ("[" * 10_001 + "]" * 10_001, DEEPEST, "nested more than 10000"),
        ("[" * 1_000_000, DEEPEST, "nested more than 10000"),
        ("[" * 3_000, DEEPEST, "Expecting value at line 1 column 3001"),
        ("[" * 3_000 + "\n1,]" + "]" * 2_999, DEEPEST, "line 2 column 3"),
        ("[" * 3_000 + "}" + "]" * 2_999, DEEPEST, "line 1 column 3001"),
        ("[" * 3_000 + "]" * 3_001, DEEPEST, "Extra data"),
    ],
)
def test_deep_text_is_refused_with_a_sentence(text: str, nesting: int, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        read(text, nesting)


MALFORMED = [
    "", "[", "]", "{", '{"a"', '{"a":', '{"a":1', '{"a":1,', '{"a":1,}', "{1:2}", '{"a" 1}', "[1 2]", "[1,,2]", "[,1]",
    "01", "1.", ".5", "-", "+1", "1e", "nul", "True", "'a'", '"a', '"\\x"', '"\\u12"', '"\n"', "[1]]", "1 2", "{,}",
    "[1}", '{"a":1]', "-01", "1.e3", "NaNs", "--Infinity",
]  # fmt: skip


@each("text", MALFORMED)
def test_both_parsers_refuse_the_same(text: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        read(text)
    with pytest.raises(ValueError, match=r"\w"):
        read_deep(text, 100)


@pytest.mark.parametrize("padding", [0, 5_000])
def test_literals_that_are_no_json_are_kept_and_told(padding: int) -> None:
    text = '{"a": NaN, "b": [1, -Infinity], "c": "NaN", "d": Infinity}' + " " * padding
    assert read(text) == Reading(
        {"a": Literal("NaN"), "b": [1, Literal("-Infinity")], "c": "NaN", "d": Literal("Infinity")},
        (),
        ("NaN at $.a", "-Infinity at $.b[1]", "Infinity at $.d"),
    )


@pytest.mark.parametrize("other", ["NaN", Number("1"), 1, Literal("Infinity"), None, float("nan"), Decimal("NaN")])
def test_a_literal_is_equal_only_to_itself(other: object) -> None:
    assert Literal("NaN") == Literal("NaN")
    assert hash(Literal("NaN")) == hash(Literal("NaN"))
    assert Literal("NaN") != other
