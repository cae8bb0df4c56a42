from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from captures.formats.jsonspans import Marks, quoted, replaced, scalars
from tests.corpus import each

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


@each(
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


@given(VALUES, st.lists(st.tuples(st.integers(0, 400), st.integers(0, 30)), max_size=4), st.data())
def test_what_is_marked_is_seen(value: Any, spans: list[tuple[int, int]], data: st.DataObject) -> None:
    for text in (json.dumps(value), json.dumps(value, indent=1, ensure_ascii=False)):
        every = list(scalars(text))
        names = sorted({step for one in every for step in one.place if isinstance(step, str) and step.isidentifier()})
        names = [name for name in names if name.isascii()]
        awake = data.draw(st.sets(st.sampled_from(names), max_size=2)) if names else set()
        named = [one.span() for name in awake for one in re.finditer(f'"{name}"', text)]
        marks = Marks.of([*named, *((start, start + width + 1) for start, width in spans)], awake)
        seen = list(scalars(text, marks))
        wanted = [
            one
            for one in every
            if any(start < one.end and one.start < end for start, end in zip(marks.starts, marks.ends, strict=True))
            or awake & set(one.place)
        ]
        assert [one for one in every if one in seen] == seen
        assert not [one for one in wanted if one not in seen]


@pytest.mark.parametrize(
    "text", ['{"a":[1,2,],"b":1}', '[{"a":1},{"b"}]', '{"a":tru,"b":1}', '{"a":1 "b":2}', "[[1]", "[1}"]
)
def test_what_is_passed_over_is_read_all_the_same(text: str) -> None:
    with pytest.raises(ValueError, match="line 1"):
        list(scalars(text, Marks.of([])))


def test_only_what_is_chosen_changes() -> None:
    text = '{ "a":1.50 , "b" :"\\u0041", "a": [ true ] }'
    assert replaced(text, lambda one: '"x"' if one.place == ("b",) else None) == text.replace('"\\u0041"', '"x"')


def test_nesting_costs_no_stack() -> None:
    assert len(list(scalars("[" * 50_000 + "1" + "]" * 50_000))) == 1


def test_quoted_stays_ascii_where_it_was() -> None:
    assert quoted("é", '"e"') == '"\\u00e9"'
    assert quoted("é", '"è"') == '"é"'
    assert quoted("\ud800é", '"è"') == '"\\ud800\\u00e9"'
