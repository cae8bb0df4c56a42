"""How a difference gets its class: what the corpus (``test_cases.py``) does not say."""

from __future__ import annotations

import json
from typing import Any

import pytest

from diffing.classes import class_of
from diffing.contract import facts
from diffing.contract.profile import Node
from diffing.contract.refining import place_of, recount
from diffing.exchange import Context, learn_recorded
from diffing.model import Judgement, Level
from diffing.place import Place
from tests.corpus import each
from tests.diffing.pairs import exchange, judge


def recorded(*bodies: Any, status: int = 200) -> tuple[Any, ...]:
    return tuple(
        exchange(json.dumps(body), target=f"/things?n={at}", status=status) for at, body in enumerate(bodies, 1)
    )


def judged(bodies: list[Any], replayed: Any, status: int = 200) -> Judgement:
    first, *rest = recorded(*bodies, status=status)
    return judge(first, exchange(json.dumps(replayed), replayed=True, status=status), None, tuple(rest))


def learnt(*bodies: Any) -> Node:
    context = Context()
    for one in recorded(*bodies):
        learn_recorded(one, context)
    node = context.profile.tree("GET /things 200", "body")
    assert node is not None
    return node


@each("count", range(1, 12))
def test_what_is_constant_takes_five_samples_of_three_requests(count: int) -> None:
    found = judged([{"v": "a"}] * count, {"v": "b"}).findings
    assert [one.class_id for one in found] == [f"response.body.{'constant' if count >= 5 else 'value'}-changed"]
    same = [exchange('{"v": "a"}')] * count
    node_of_one_request = judge(same[0], exchange('{"v": "b"}', replayed=True), None, tuple(same[1:])).findings
    assert [one.class_id for one in node_of_one_request] == ["response.body.value-changed"]


@pytest.mark.parametrize(("values", "listed"), [(3, True), (12, True), (13, False)])
def test_an_enumeration_has_at_most_twelve_values(values: int, listed: bool) -> None:
    names = [f"{chr(97 + at)}{'x' * 4}" for at in range(values)]
    node = learnt(*({"state": name} for name in names * 5)).children["state"]
    assert (facts.enumeration(node, "state") is not None) is listed


def test_a_finding_counts_what_it_rests_on() -> None:
    found = judged([{"price": at} for at in range(412)], {"price": 999}).findings
    assert [(one.class_id, one.evidence) for one in found] == [
        ("response.body.out-of-range", "0 to 411 in 412/412 recorded samples")
    ]


def test_a_place_is_found_by_its_trail() -> None:
    context = Context()
    for one in recorded({"rows": [{"id": 1, "by": {"ord_8fk2b1": 7}}]}):
        learn_recorded(one, context)
    place = Place.__new__(Place)
    place.profile, place.scope = context.profile, "GET /things 200"
    node = place_of(place, ("rows", 4, "by", "ord_zzzzz9"))
    assert node is not None
    assert node.types == {"number": 1}
    assert place_of(place, ("rows", "none", "by")) is None


def test_an_unusual_count_is_evidence() -> None:
    node = learnt(*({"rows": ["a", "b"]} for _ in range(30))).children["rows"]
    assert recount("array-item-added", ["a"], ["a", "b", "c"], node, "1 item")[1].endswith("now 3")
    assert recount("array-item-removed", ["a", "b"], ["a"], node, "1 item")[1].endswith("now 1")
    assert recount("array-item-removed", ["a", "b"], [], node, "2 items")[0] == "array-emptied"
    assert recount("array-item-added", ["a"], ["a", "b"], None, "1 item") == ("array-item-added", "1 item")


def test_an_error_of_another_shape_is_one_finding_that_tells_a_few_details() -> None:
    old = {f"field_{letter}": 1 for letter in "abcdefg"}
    (found,) = judged([old], {"title": "no"}, status=422).findings
    assert found.class_id == "response.error-shape"
    assert class_of(found.class_id).level is Level.ERROR
    assert found.location == found.path == "response.body"
    assert found.evidence.count("removed") == 4
    assert found.evidence.endswith("and 4 more")
    assert (found.recorded, found.replayed) == (old, {"title": "no"})


def test_a_secret_in_an_error_is_not_folded_into_its_shape() -> None:
    found = judged([{"error": "no"}], {"title": "no", "password": "hunter22x"}, status=500).findings
    assert {one.class_id for one in found} == {"response.error-shape", "response.body.secret-exposed"}
