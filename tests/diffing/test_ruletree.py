"""All paths in one walk name just what each names alone."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from captures.jsonpaths import Place, compile_path
from diffing.rulebook.ruletree import RuleState, tree
from tests.captures.test_jsonpath_syntax import DOCUMENT, VALID

SCALARS = st.integers(0, 2) | st.sampled_from(["card", "cash"]) | st.none()
DOCUMENTS = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["a", "b", "k", "0"]), inner, max_size=3)
    ),
    max_leaves=20,
)
PATHS = [
    compile_path(text)
    for text in (
        "$",
        "$.a",
        "$..a",
        "$..*",
        "$.*",
        "$[0]",
        "$['0']",
        "$..[1:3]",
        "$[::2]",
        "$[?@.k == 'card']",
        "$..[?@.k].a",
        "$[?@.k != 1].b",
        "$.a[?@ == 1]",
        "$..[?@ == 'card']",
        "$..a..b",
        "$..[0]..k",
        "$[1:][?@.a]",
        "$..b[*]",
    )
]


def named(document: Any, paths: list[Any]) -> dict[Place, list[str]]:
    """Place -> texts of the paths that name it, by walking with all of them at once."""
    found: dict[Place, list[str]] = {}
    stack: list[tuple[Place, Any, RuleState[str] | None]] = [
        ((), document, tree([(path.text, path.steps) for path in paths]))
    ]
    while stack:
        place, value, state = stack.pop()
        if state is None:
            continue
        if state.here:
            found[place] = list(state.here)
        looking = state.on(value)
        pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        stack.extend(((*place, key), child, looking.step(key)) for key, child in pairs)
    return found


def one_by_one(document: Any, paths: list[Any]) -> dict[Place, list[str]]:
    found: dict[Place, list[str]] = {}
    for path in paths:
        for place, _ in path.find(document):
            found.setdefault(place, []).append(path.text)
    return found


@given(DOCUMENTS, st.lists(st.sampled_from(PATHS), min_size=1, max_size=6, unique=True))
def test_one_walk_is_as_good_as_many(document: Any, paths: list[Any]) -> None:
    assert named(document, paths) == one_by_one(document, paths)


def test_every_accepted_path_at_once() -> None:
    paths = [compile_path(text) for text, _ in VALID]
    assert named(DOCUMENT, paths) == one_by_one(DOCUMENT, paths)


@pytest.mark.slow
def test_a_long_array_makes_few_states() -> None:
    state = tree([("r", compile_path("$[2:4].a").steps), ("s", compile_path("$[*].b").steps)])
    after = [state.step(at) for at in range(50_000)]
    assert len({id(one) for one in after[:10_000]}) <= 10_000
    assert [at for at in range(10) if (one := after[at]) and one.step("a")] == [2, 3]
    assert len(state._after) <= 10_000
