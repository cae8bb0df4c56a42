"""What the recording says of each place, and that it may be learnt in parts."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from diffing.contract import facts
from diffing.contract.merging import REQUESTS
from diffing.contract.profile import Node, Profile

SCOPE, PART = "GET /things 200", "body"
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(-5, 5), st.floats(-2, 2), st.sampled_from(["", "a", "b", "7", "ord_8fk2b1"])
)
NAMES = st.sampled_from(["id", "type", "rows", "price", "total", "8f3a2b1c9d"])
DOCUMENTS = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=4), max_leaves=12
)
LISTS = st.lists(st.tuples(DOCUMENTS, st.integers(1, 5)), max_size=8)


def learnt(documents: list[tuple[Any, int]]) -> Profile:
    profile = Profile()
    for document, request in documents:
        profile.add(SCOPE, PART, document, None, request)
    return profile


def of(*documents: Any) -> Node:
    tree = learnt([(document, at) for at, document in enumerate(documents)]).tree(SCOPE, PART)
    assert tree is not None
    return tree


def told(node: Node | None) -> Any:
    """Every fact of a tree but those that hang on which answer followed which."""
    if node is None:
        return None
    aside = ("children", "items", "orders", "moves", "sorts", "relations", "mapped", "uncombined", "unordered")
    own = {name: getattr(node, name) for name in Node.__slots__ if name not in aside}
    return own, {name: told(child) for name, child in node.children.items()}, told(node.items)


@pytest.mark.slow
@given(LISTS, LISTS)
def test_parts_merge_into_the_whole_in_any_order(one: list[tuple[Any, int]], other: list[tuple[Any, int]]) -> None:
    whole = learnt([*one, *other])
    for first, second in ((one, other), (other, one)):
        merged = learnt(first)
        merged.merge(learnt(second))
        assert told(merged.tree(SCOPE, PART)) == told(whole.tree(SCOPE, PART))
        assert merged.nodes == whole.nodes


def test_every_fact_of_a_place_is_merged() -> None:
    """A fact that ``diffing.contract.merging`` forgets would be lost in silence when a recording is learnt in parts."""
    rich = {
        "created_at": "2026-11-20T09:00:00.000001Z",
        "updated_at": "2026-11-20T09:00:05.000001Z",
        "rows": [{"id": n, "at": n} for n in range(9)],
        "type": "a",
        "ratio": 1.5,
        "note": None,
    }
    merged, profile = Profile(), Profile()
    asked = profile.writes, 0
    for number in range(4):
        profile.add("PUT /things 200", PART, {**rich, "type": f"a{number % 2}"}, ("asked", str(asked[1])), number)
    tree = profile.tree("PUT /things 200", PART)
    expected = copy.deepcopy(tree)
    assert expected is not None
    part = Profile()
    part.add("PUT /things 200", PART, {}, None, 1)
    part.merge(profile)
    merged.merge(part)
    got = merged.tree("PUT /things 200", PART)
    assert got is not None
    for name in Node.__slots__:
        before, after = getattr(expected, name), getattr(got, name)
        if name in ("seen", "objects"):
            assert after == before + 1
        elif name not in ("children", "items", "mapped", "requests", "bar"):
            assert after == before, name
    for name in expected.children:
        assert told(got.children[name]) == told(expected.children[name])


def test_headers_and_endpoints_are_merged() -> None:
    one, other = Profile(), Profile()
    one.add_headers(SCOPE, {"etag"})
    other.add_headers(SCOPE, {"etag", "vary"})
    one.endpoints["GET /things"], other.endpoints["GET /things"] = 1, 2
    one.merge(other)
    assert one.header_evidence(SCOPE, "etag") == (2, 2)
    assert one.header_evidence(SCOPE, "vary") == (1, 2)
    assert one.endpoints == {"GET /things": 3}


def test_a_place_says_what_stood_there() -> None:
    node = of({"a": 1, "b": [1, 2]}, {"a": 2.5, "b": []}, {"a": "xyz"}, {"a": None}, {})
    a, b = node.children["a"], node.children["b"]
    assert (a.seen, a.nulls, a.types) == (4, 1, {"number": 2, "string": 1, "null": 1})
    assert (a.low, a.high, a.fractions, a.shortest, a.longest) == (1, 2.5, 1, 3, 3)
    assert (b.fewest, b.most, b.filled) == (0, 2, 1)
    assert node.evidence("a") == "4/5 recorded samples"
    assert len(node.requests) == REQUESTS


@pytest.mark.parametrize(
    ("values", "varies"),
    [([1, 2], False), ([1, 2, 3], True), ([1, 2, 3, 1], False), (list(range(500)), True), (["a", "b", "c"], True)],
)
def test_a_value_varies_that_never_comes_twice(values: list[Any], varies: bool) -> None:
    assert of(*values).varies() is varies


def test_numbers_of_one_value_and_other_types_are_told_apart() -> None:
    node = of(1, True, "1", 1.5)
    assert set(map(str, node.values.counts)) == {"1", "(True,)", "1.5"}
    assert len(node.values.counts) == 4


def test_the_format_of_a_place_is_a_vote() -> None:
    node = of("2026-11-20", "2026-11-21", "soon")
    assert facts.formats(node) == {"date": 2, "": 1}
    assert facts.formats(None) == {}


def test_a_profile_stays_bounded() -> None:
    node = of(*[f"value-{n}" for n in range(3000)])
    assert len(node.values.counts) == 64
    assert len(node.requests) == REQUESTS
    assert not facts.enumeration(node, "state")
