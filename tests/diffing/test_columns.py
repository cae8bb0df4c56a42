"""Rows counted column by column come to just what each value counted by itself comes to."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from captures.formats.jsontext import read
from diffing.contract import profile as profiles
from diffing.contract.profile import Node, Profile

SCOPE = "PUT /things 200"
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-5, 5),
    st.floats(-2, 2),
    st.sampled_from(["", "a", "b", "x" * 90, "2026-11-20T09:00:00Z", "2026-11-20T09:00:01Z", "ord_8fk2b1"]),
)
ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "id": SCALARS,
            "type": st.sampled_from(["a", "b"]),
            "created_at": SCALARS,
            "updated_at": SCALARS,
            "total": st.integers(0, 3),
            "rows": st.lists(SCALARS, max_size=6),
            "owner": st.none() | st.fixed_dictionaries({"id": SCALARS}),
        }
    ),
    max_size=9,
)


def learnt(document: Any) -> Node:
    profile = Profile()
    profile.add(SCOPE, "body", document, None, 1)
    profile.add(SCOPE, "body", document, None, 2)
    tree = profile.tree(SCOPE, "body")
    assert tree is not None
    return tree


def alone(document: Any, monkeypatch: pytest.MonkeyPatch) -> Node:
    with monkeypatch.context() as patch:
        patch.setattr(profiles, "FEWEST", 10**9)
        return learnt(document)


def told(node: Node | None) -> Any:
    if node is None:
        return None
    own = {name: getattr(node, name) for name in Node.__slots__ if name not in ("children", "items")}
    return own, {name: told(child) for name, child in node.children.items()}, told(node.items)


@given(ROWS)
@pytest.mark.slow
def test_columns_come_to_what_single_values_come_to(rows: list[Any]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        assert told(learnt(rows)) == told(alone(rows, patch))


@pytest.mark.parametrize(
    "text",
    [
        "[1, 2.5, 1.0, 1e3, 3]",
        "[NaN, NaN, 1.5, 2.5, NaN]",
        "[true, false, 1, 0, null]",
        '[{"a": 1}, {"a": 1}, {"b": 1}, {"a": 1, "b": 2}, 7]',
        '[{"a": 1, "b": 2}, {"b": 2, "a": 1}, {"a": 1, "b": 2}, {"a": 1, "b": 2}]',
        '[{"8f3a2b1c9d": 1}, {"8f3a2b1c9d": 2}, {"8f3a2b1c9d": 2}, {"8f3a2b1c9d": 4}]',
        "[[1], [2, 3], [], [4]]",
        "[[[1]], [[2]], [[3]], [[4]], [[5]]]",
        f"[{', '.join(map(str, range(300)))}]",
        f"[{', '.join(str(n % 90) for n in range(300))}]",
    ],
)
def test_columns_of_every_kind(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    document = read(text).value
    assert told(learnt(document)) == told(alone(document, monkeypatch))
