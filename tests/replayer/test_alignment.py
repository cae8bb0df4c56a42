from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from captures.formats.decoding import decode
from replayer.alignment import MISSING, body_pairs, json_pairs, target_pairs, text_pairs
from tests.corpus import each

JSON = ((b"Content-Type", b"application/json"),)


def unequal(one: Any, other: Any) -> list[tuple[str, Any, Any]]:
    return [(pair.path, pair.recorded, pair.replayed) for pair in json_pairs((), one, other) if not pair.equal]


@each(
    ("one", "other", "expected"),
    [
        ({"a": 1}, {"a": 1}, []),
        ({"a": 1}, {"a": 2}, [("$.a", 1, 2)]),
        ({"a": 1}, {"a": "1"}, [("$.a", 1, "1")]),
        ({"a": 1}, {"a": True}, [("$.a", 1, True)]),
        ({"a": 1}, {"b": 1}, [("$.a", 1, MISSING), ("$.b", MISSING, 1)]),
        ({"a": [1, 2]}, {"a": [1, 3, 4]}, [("$.a[1]", 2, 3), ("$.a[2]", MISSING, 4)]),
        ({"a": {}}, {"a": []}, [("$.a", {}, [])]),
        ([{"s": "A", "n": 1}, {"s": "B", "n": 2}], [{"s": "B", "n": 2}, {"s": "A", "n": 9}], [("$[0].n", 1, 9)]),
        ([{"sku": "A"}, {"sku": "B"}], [{"sku": "B"}], [("$[0]", {"sku": "A"}, MISSING)]),
        ([{"id": 11}, {"id": 12}], [{"id": 21}, {"id": 22}], [("$[0].id", 11, 21), ("$[1].id", 12, 22)]),
    ],
)  # fmt: skip
def test_json_leaves(one: Any, other: Any, expected: list[tuple[str, Any, Any]]) -> None:
    assert unequal(one, other) == expected


def test_names_around_a_leaf() -> None:
    (pair,) = json_pairs((), {"order": [{"id": 1}]}, {"order": [{"id": 2}]})
    assert (pair.path, pair.name, pair.parent) == ("$.order[0].id", "id", "order")


def test_targets() -> None:
    pairs = [pair for pair in target_pairs(b"/orders/17?a=1&b=2&a=3", b"/orders/23?b=2&a=1&a=4&c") if not pair.equal]
    assert [(pair.path, pair.name, pair.recorded, pair.replayed) for pair in pairs] == [
        ("path", "orders", "17", "23"), ("query a", "a", "3", "4"), ("query c", "c", MISSING, ""),
    ]  # fmt: skip


def test_words_of_a_text() -> None:
    one = "<p>order abc12</p>\nsame\n<i>x</i>"
    other = "<p>order xyz98</p>\nsame\n<b>x</b>"
    first = next(text_pairs(one, other))
    assert (first.recorded, first.replayed) == ("abc12", "xyz98")
    longer = [(pair.recorded, pair.replayed) for pair in text_pairs(one, "new line\n" + other)]
    assert ("abc12", "xyz98") in longer or ("3 lines", "4 lines") in longer


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=4),
)


@given(VALUES)
@pytest.mark.slow
def test_a_value_equals_itself_everywhere(value: Any) -> None:
    assert all(pair.equal for pair in json_pairs((), value, value) if not isinstance(pair.recorded, dict | list))


@given(st.binary(max_size=60), st.binary(max_size=60))
def test_any_two_bodies_are_paired(one: bytes, other: bytes) -> None:
    for headers in (JSON, (), ((b"Content-Type", b"text/html"),)):
        list(body_pairs(decode(one, headers), decode(other, headers)))
    list(target_pairs(one, other))
