"""What rules let pass: examples of every place, in bounded memory, and the trace only where it is shown."""

from __future__ import annotations

from dataclasses import replace

import pytest

from diffing.model import Acceptance, Arrangement, Column, Finding, Judgement
from diffing.outcome import passed
from diffing.outcome.passed import Passed

UUID = Acceptance(("volatile.uuid",), "response.body $.id", "$.id", "a", "b", "uuid v4")
FINDING = Finding("response.body.value-changed", "GET /", "response.body $.x", "$.x", 1, 2, 1)


def judgement(exchange: int, *accepted: Acceptance, endpoint: str = "GET /", drifted: bool = False) -> Judgement:
    findings = (FINDING,) if drifted else ()
    return Judgement(exchange, exchange, endpoint, Column.SAME_BY_RULE, findings, accepted=accepted)


def test_a_place_has_a_few_examples_each_of_another_exchange() -> None:
    gathered = Passed()
    for exchange in range(1, 9):
        gathered.add(judgement(exchange, UUID, replace(UUID, recorded="other")))
    (found,) = gathered.examples().values()
    assert [exchange for exchange, _ in found] == [1, 2, 3]


@pytest.mark.slow
def test_examples_are_bounded_in_all_and_for_each_rule() -> None:
    gathered = Passed()
    for number in range(passed.MOST + 10):
        for rule in ("a", "b", "c", "d", "e", "f"):
            gathered.add(judgement(1, replace(UUID, rules=(rule,)), endpoint=f"GET /{number}"))
    examples = gathered.examples()
    assert sum(map(len, examples.values())) == passed.MOST
    assert sum(len(found) for (rule, _, _), found in examples.items() if rule == "a") <= passed.SHARE


@pytest.mark.parametrize(("drifted", "kept"), [(True, passed.SHOWN), (False, 0)])
def test_the_trace_stays_with_a_few_judgements_that_reports_show(drifted: bool, kept: int) -> None:
    gathered = Passed()
    judged = [gathered.add(judgement(exchange, UUID, drifted=drifted)) for exchange in range(1, 30)]
    assert sum(bool(one.accepted) for one in judged) == kept
    assert all(one.findings == ((FINDING,) if drifted else ()) for one in judged)


def test_a_trace_beyond_the_room_is_given_up() -> None:
    pairs = tuple((at, at) for at in range(passed.TRACED))
    large = replace(judgement(1, UUID, drifted=True), arranged=(Arrangement("response.body", (), (), pairs),))
    assert Passed().add(large).arranged == ()
