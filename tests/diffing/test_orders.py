"""Order that means nothing: learnt from the recording, or said by a rule; the items are compared all the same."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from tests.corpus import each
from tests.diffing.pairs import exchange, judge

AB, BA = '{"tags": ["a", "b"]}', '{"tags": ["b", "a"]}'
RULE = [{"id": "any-order", "location": "$.tags", "expect": "unordered"}]
ROWS = '{"rows": [{"name": "a", "v": 1}, {"name": "b", "v": 2}]}'
SWOR = '{"rows": [{"name": "b", "v": 2}, {"name": "a", "v": 1}]}'


def changes(
    recorded: str, replayed: str, rules: list[dict[str, Any]] | None, *samples: Any
) -> tuple[set[str], set[str]]:
    others = tuple(exchange(one) if isinstance(one, str) else one for one in samples)
    judgement = judge(exchange(recorded), exchange(replayed, replayed=True), rules, others)
    found = Counter(finding.class_id.removeprefix("response.body.") for finding in judgement.findings)
    return set(found), set(judgement.rules)


@pytest.mark.parametrize(("one", "other"), [(AB, BA), (ROWS, SWOR)])
def test_an_order_that_varied_in_the_recording_may_vary(one: str, other: str) -> None:
    assert changes(one, other, None, one) == ({"array-order"}, set())
    assert changes(one, other, None, other) == (set(), {"builtin.unordered-array"})


@pytest.mark.parametrize(
    "samples",
    [
        (exchange(BA, target="/things?sort=name"),),  # asked for another order
        (exchange("{}", method="POST", target="/things/1/move"), exchange(BA)),  # an item was moved in between
        (exchange(BA, method="POST"),),
        ('{"tags": ["b", "c"]}', '{"tags": ["c", "a"]}'),  # other items
    ],
)
def test_an_order_that_has_a_reason_is_kept(samples: tuple[Any, ...]) -> None:
    assert changes(AB, BA, None, *samples) == ({"array-order"}, set())


def test_an_array_inside_an_item_is_only_compared_with_its_own() -> None:
    one = '[{"id": "x", "tags": ["a", "b"]}, {"id": "y", "tags": ["b", "a"]}]'
    other = '[{"id": "x", "tags": ["b", "a"]}, {"id": "y", "tags": ["b", "a"]}]'
    assert changes(one, other, None, one) == ({"array-order"}, set())
    assert changes(one, other, None, other) == (set(), {"builtin.unordered-array"})


@each(
    ("replayed", "found"),
    [
        (["b", "a", "c"], set()),
        (["c", "b"], {"array-item-removed"}),
        (["c", "b", "a", "d"], {"array-item-added"}),
        (["c", "b", "d"], {"value-changed"}),
        (["c", "b", "a", "a"], {"array-multiplicity"}),
        ([], {"array-emptied"}),
        ("abc", {"type-changed"}),
        (None, {"became-null"}),
    ],
)
def test_unordered_lets_only_the_order_differ(replayed: Any, found: set[str]) -> None:
    import json

    body = json.dumps({"tags": replayed})
    got, rules = changes('{"tags": ["a", "b", "c"]}', body, RULE)
    assert got == found
    assert found or rules == {"any-order"}


def test_unordered_compares_the_items_as_ever() -> None:
    rules = [{**RULE[0], "location": "$.rows"}]
    assert changes(ROWS, SWOR, rules) == (set(), {"any-order"})
    assert changes(ROWS, SWOR.replace("2", "3"), rules) == ({"value-changed"}, {"any-order"})
