"""What is equal on both sides is learnt at once: just what walking the two side by side would have noted."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from diffing.contract.profile import Node
from diffing.exchange import Context, learn_pair, learn_recorded
from diffing.values.identity import partners
from diffing.walk import jsonwalk, standing
from diffing.walk.standing import LESSONS
from tests.diffing.pairs import exchange

TEXTS = st.sampled_from(
    ["ord_8fk2b1", "/orders/17/items/ord_8fk2b1", "2026-11-20T09:00:00Z", "71aa5a52-1111-4f11-9a66-0f8a6f3d1bbb",
     "EUR", "plain", "Order #1234", "name 12", "4111111111111111", "{\"id\": 7}", "x" * 200]
)  # fmt: skip
NAMES = st.sampled_from(["id", "order_id", "ids", "name", "at", "ord_8fk2b1", "2026-11-20"])
DOCUMENTS = st.recursive(
    st.none() | st.booleans() | st.integers(0, 3) | st.floats(0, 2) | TEXTS,
    lambda inner: (
        st.lists(inner, max_size=6)
        | st.dictionaries(NAMES, inner, max_size=4)
        | st.lists(st.fixed_dictionaries({"id": st.integers(1, 9), "name": TEXTS, "owner": inner}), max_size=6)
    ),
    max_leaves=10,
)


def facets(node: Node | None) -> Iterator[Any]:
    if node is not None:
        yield node.facets
        for name in sorted(node.children):
            yield name, list(facets(node.children[name]))
        yield list(facets(node.items))


def noted(*bodies: str) -> tuple[Any, ...]:
    context = Context()
    for body in bodies:
        learn_recorded(exchange(body), context)
        learn_pair(exchange(body), exchange(f" {body}", replayed=True), context)
    identity = context.identity
    counts = {
        one: {other: identity.times(one, other) for other in partners(found)} for one, found in identity.forward.items()
    }
    return counts, list(facets(context.profile.tree("GET /things 200", "body")))


@pytest.mark.slow
@given(st.lists(DOCUMENTS, min_size=1, max_size=2))
def test_it_notes_what_the_walk_would(documents: list[Any]) -> None:
    bodies = [json.dumps(document) for document in documents]
    at_once = noted(*bodies)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jsonwalk, "_equal", lambda left, right, level: False)
        assert noted(*bodies) == at_once


def test_lessons_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    assert LESSONS > 4
    monkeypatch.setattr(standing, "LESSONS", 4)
    context = Context()
    body = json.dumps([f"ord_8fk2b{n}" for n in range(10)])
    learn_pair(exchange(body), exchange(body, replayed=True), context)
    assert 0 < len(context.lessons) <= 4
    assert len(context.identity.forward) == 10
