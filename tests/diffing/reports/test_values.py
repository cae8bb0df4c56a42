from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from captures.formats.decoding import Number
from diffing.model import ABSENT
from diffing.reports.values import dump, same, shown, shown_pair
from tests.corpus import each

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(codec=None)),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(JSON)
@pytest.mark.slow
def test_dump_is_the_json_of_the_standard_library(value: Any) -> None:
    assert dump(value) == json.dumps(value, separators=(",", ":"))
    assert json.loads(dump(value, indent=2)) == value
    assert json.loads(dump(value, ascii_only=False)) == value
    assert same(value, json.loads(dump(value)))


@pytest.mark.parametrize("literal", ["18.40", "1.0", "0.1", "12345678901234567890.123456789"])
def test_numbers_keep_their_digits(literal: str) -> None:
    assert dump({"n": Number(literal)}) == f'{{"n":{literal}}}'


def test_deep_documents_do_not_recurse() -> None:
    value: Any = 1
    for _ in range(5_000):
        value = [value]
    assert dump(value).count("[") == 5_000
    assert same(value, value)


def test_what_json_has_no_form_for_is_refused() -> None:
    with pytest.raises(TypeError, match="bytes has no JSON form"):
        dump({"x": b"1"})


@each(
    ("left", "right", "equal"),
    [
        (1, 1, True),
        (1, True, False),
        (1, Number("1.0"), False),
        (Number("1.10"), Number("1.1"), False),
        (None, ABSENT, False),
        (ABSENT, ABSENT, True),
        ([1], {"0": 1}, False),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}, True),
        ({"a": [1, 2]}, {"a": [2, 1]}, False),
        ("", None, False),
    ],
)
def test_same_is_exact(left: Any, right: Any, equal: bool) -> None:
    assert same(left, right) is equal
    assert same(right, left) is equal


def test_one_line_for_people() -> None:
    assert shown(ABSENT) == "(absent)"
    assert shown(None) == "null"
    assert shown({"a": ["\x1b", "é"]}) == '{"a": ["\\u001b", "é"]}'
    assert shown("x" * 500, 10) == '"xxxxxxxxx… (502 characters)'
    assert shown_pair("x" * 500 + "a", "x" * 500 + "b", 40) == ('…xxxxxxxxxxa"', '…xxxxxxxxxxb"')
