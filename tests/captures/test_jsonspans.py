from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from captures.formats.jsonspans import quoted, replaced, scalars

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=15,
)


def test_places_and_spans() -> None:
    text = '{"a" : [1, {"b": "x\\"y"}, [], {} , -1.5e3], "c":null}\n'
    found = list(scalars(text))
    assert [(one.place, one.literal) for one in found] == [
        (("a", 0), "1"),
        (("a", 1, "b"), '"x\\"y"'),
        (("a", 4), "-1.5e3"),
        (("c",), "null"),
    ]
    assert all(text[one.start : one.end] == one.literal for one in found)
    assert found[1].string() == 'x"y'


@pytest.mark.parametrize(
    "text",
    ["", " ", "{", "[1,]", '{"a":}', '{"a" 1}', "[1 2]", "1 2", "{1:2}", "[1}", '{"a":1,}', "[,1]", "]", '{"a":1', '"a',
     '{"a":,"b":1}', "[1,,2]", "nul", "\ufeff1", '{"a"', "<html>"],
)  # fmt: skip
def test_no_json_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="line 1"):
        list(scalars(text))


@given(VALUES)
@pytest.mark.slow
def test_every_scalar_has_its_place(value: Any) -> None:
    for text in (json.dumps(value), json.dumps(value, indent=1, ensure_ascii=False)):
        for one in scalars(text):
            at = value
            for step in one.place:
                at = at[step]
            assert json.loads(one.literal) == at
        assert replaced(text, lambda one: one.literal) == text


def test_only_what_is_chosen_changes() -> None:
    text = '{ "a":1.50 , "b" :"\\u0041", "a": [ true ] }'
    assert replaced(text, lambda one: '"x"' if one.place == ("b",) else None) == text.replace('"\\u0041"', '"x"')


def test_nesting_costs_no_stack() -> None:
    assert len(list(scalars("[" * 50_000 + "1" + "]" * 50_000))) == 1


def test_quoted_stays_ascii_where_it_was() -> None:
    assert quoted("é", '"e"') == '"\\u00e9"'
    assert quoted("é", '"è"') == '"é"'
    assert quoted("\ud800é", '"è"') == '"\\ud800\\u00e9"'
