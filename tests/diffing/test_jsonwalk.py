"""Laws of comparing JSON, and its bounds in time and depth."""

from __future__ import annotations

import json
import random
import time
from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diffing.model import Column
from tests.diffing.pairs import exchange, judge, judge_json

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-10, 10),
    st.sampled_from([1.0, 0.5, 1.25, 1e30]),
    st.sampled_from(["", "a", "b", "1", "true", "ord_a1b2c3d4e5", "2026-11-20T09:00:00Z", "SKU-17"]),
)
NAMES = st.sampled_from(["id", "name", "v", "created_at", "a.b"])
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=5), st.dictionaries(NAMES, inner, max_size=4)),
    max_leaves=20,
)


def changes(recorded: str, replayed: str) -> Counter[str]:
    return Counter(finding.class_id.rpartition(".")[2] for finding in judge_json(recorded, replayed).findings)


@given(VALUES)
def test_a_value_equals_itself_however_it_is_laid_out(value: Any) -> None:
    judgement = judge_json(json.dumps(value), json.dumps(value, indent=1))
    assert judgement.findings == ()
    assert set(judgement.rules) <= {"builtin.layout"}


@given(VALUES, VALUES)
def test_unequal_values_end_as_a_finding_or_a_rule(left: Any, right: Any) -> None:
    one, other = json.dumps(left, sort_keys=True), json.dumps(right, sort_keys=True)
    judgement = judge_json(one, other)
    if one == other:
        assert judgement.column is Column.SAME
    else:
        assert judgement.findings or judgement.rules
        assert "response.body.changed" not in {finding.class_id for finding in judgement.findings}


PLAIN = st.recursive(
    st.one_of(st.booleans(), st.integers(0, 3), st.sampled_from(["x", "y"])),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.sampled_from("pqr"), inner, max_size=3)),
    max_leaves=12,
)


@given(PLAIN, PLAIN)
def test_swapping_the_sides_mirrors_the_findings(left: Any, right: Any) -> None:
    forth = changes(json.dumps(left), json.dumps(right))
    back = changes(json.dumps(right), json.dumps(left))
    assert forth["type-changed"] == back["type-changed"]
    assert bool(forth) == bool(back)
    if not isinstance(left, list) and not isinstance(right, list) and "[" not in json.dumps([left, right])[1:-1]:
        assert forth["field-removed"] == back["field-added"]
        assert forth["value-changed"] == back["value-changed"]


@given(st.lists(st.integers(0, 4), max_size=8), st.lists(st.integers(0, 4), max_size=8))
def test_no_duplicate_is_ever_lost(left: list[int], right: list[int]) -> None:
    found = changes(json.dumps(left), json.dumps(right))
    assert bool(found) == (left != right)
    if Counter(left) == Counter(right) and left != right:
        assert set(found) == {"array-order"}


@settings(max_examples=50)
@given(st.lists(st.integers(0, 3), min_size=1, max_size=6), st.lists(st.integers(0, 3), min_size=1, max_size=6))
def test_rows_with_one_key_are_never_lost(left: list[int], right: list[int]) -> None:
    def rows(values: list[int]) -> str:
        return json.dumps([{"id": 1, "v": value} for value in values])

    assert bool(changes(rows(left), rows(right))) == (left != right)


@pytest.mark.parametrize("depth", [50, 850])
@pytest.mark.parametrize(("open_", "close"), [("[", "]"), ('{"a":', "}")])
def test_depth_is_no_danger(depth: int, open_: str, close: str) -> None:
    def nested(value: str) -> str:
        return open_ * depth + value + close * depth

    started = time.perf_counter()
    assert changes(nested("1"), nested("2")) == {"value-changed": 1}
    assert judge_json(nested("1"), nested("1") + " ").findings == ()
    assert time.perf_counter() - started < 2


def table(count: int) -> list[dict[str, Any]]:
    chance = random.Random(1)
    return [
        {
            "id": at,
            "name": f"name {at}",
            "price": round(chance.random() * 100, 2),
            "tags": ["a", "b"],
            "active": at % 3 == 0,
            "owner": {"id": at % 7, "team": "x"},
            "note": None,
            "updated": "2026-11-01",
            "rank": at % 11,
        }
        for at in range(count)
    ]


@pytest.mark.parametrize("key", [True, False])
def test_two_thousand_rows_shuffled_with_a_third_changed(key: bool) -> None:
    rows, chance = table(2000), random.Random(2)
    shuffled = json.loads(json.dumps(rows))
    chance.shuffle(shuffled)
    changed = 0
    for row in shuffled:
        if chance.random() < 0.3:
            row["rank"] += 100
            changed += 1
        if not key:
            del row["id"]
    if not key:
        for row in rows:
            del row["id"]
    one, other = exchange(json.dumps(rows)), exchange(json.dumps(shuffled), replayed=True)
    started = time.perf_counter()
    judgement = judge(one, other)
    assert time.perf_counter() - started < 1.5  # learning and judging; judging alone is benchmarked
    found = Counter(finding.class_id for finding in judgement.findings)
    assert found == {"response.body.value-changed": changed, "response.body.array-order": 1}


def test_adversarial_arrays_end() -> None:
    rows = [{"v": at % 3, "w": [at % 5] * 3} for at in range(4000)]
    other = [{"v": (at + 1) % 3, "w": [at % 7] * 3} for at in range(3900)]
    started = time.perf_counter()
    judgement = judge_json(json.dumps(rows), json.dumps(other))
    assert judgement.findings
    assert time.perf_counter() - started < 5


def test_optional_fields_are_told_from_required_ones_by_the_samples() -> None:
    present, absent = '{"a": 1, "b": 2}', '{"a": 1}'
    required = judge_json(present, absent, None, *[present] * 9).findings[0]
    assert (required.class_id, required.evidence) == ("response.body.field-removed", "10/10 recorded samples")
    optional = judge_json(present, absent, None, *[present] * 4, *[absent] * 5).findings[0]
    assert (optional.class_id, optional.evidence) == ("response.body.optional-field-removed", "5/10 recorded samples")


def test_null_is_judged_by_the_samples() -> None:
    assert judge_json('{"a": 1}', '{"a": null}', None, '{"a": 2}').findings[0].class_id == "response.body.became-null"
    assert (
        judge_json('{"a": 1}', '{"a": null}', None, '{"a": null}').findings[0].class_id == "response.body.null-changed"
    )


def test_a_place_that_never_repeats_is_a_second_signal() -> None:
    def body(text: str) -> str:
        return json.dumps({"colour": text})

    uuids = [f"3f0c5a52-7a35-4f11-9a66-0f8a6f3d1a{at:02d}" for at in range(20)]
    assert judge_json(body(uuids[0]), body(uuids[9]), None, *map(body, uuids[1:5])).findings == ()
    assert judge_json(body(uuids[0]), body(uuids[9]), None, *[body(uuids[0])] * 5).findings != ()
