"""What a comparison that is traced took for what: items of arrays, and values that stand elsewhere now."""

from __future__ import annotations

import json
from typing import Any

import pytest

from diffing.exchange import Context, compare_exchange, learn_pair, learn_recorded
from diffing.model import Arrangement
from tests.diffing.pairs import exchange

ORDER = [{"sku": "A-1", "n": 1}, {"sku": "B-7", "n": 2}, {"sku": "C-3", "n": 3}]


def arranged(recorded: Any, replayed: Any, *, trace: bool = True) -> tuple[Arrangement, ...]:
    one, other = exchange(json.dumps(recorded)), exchange(json.dumps(replayed), replayed=True)
    context = Context(trace=trace)
    learn_recorded(one, context)
    learn_pair(one, other, context)
    return compare_exchange(one, other, context).arranged


@pytest.mark.parametrize(
    ("recorded", "replayed", "expected"),
    [
        ({"items": ORDER}, {"items": ORDER[::-1]}, [(("items",), ("items",), ((0, 2), (1, 1), (2, 0)))]),
        ({"items": ORDER}, {"items": ORDER[1:]}, [(("items",), ("items",), ((1, 0), (2, 1)))]),
        (
            {"a": {"reference": "a long value of its own"}, "b": {"x": 1}},
            {"a": {}, "b": {"x": 1, "reference": "a long value of its own"}},
            [(("a", "reference"), ("b", "reference"), None)],
        ),
        ({"items": ORDER}, {"items": ORDER}, []),
    ],
)
def test_items_and_moves_are_told(recorded: Any, replayed: Any, expected: list[Any]) -> None:
    found = arranged(recorded, replayed)
    assert [(one.recorded, one.replayed, one.pairs) for one in found] == expected
    assert {one.where for one in found} <= {"response.body"}


def test_nothing_is_told_that_is_not_asked_for() -> None:
    assert arranged({"items": ORDER}, {"items": ORDER[::-1]}, trace=False) == ()
