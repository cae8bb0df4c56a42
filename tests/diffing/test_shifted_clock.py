"""A build whose clock was set to the recording's date: what is fresh is fresh by that clock."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from captures.model import Direction, Exchange
from diffing.exchange import Context, compare_exchange, learn_pair, learn_recorded
from diffing.model import Judgement
from diffing.values.moments import Clock
from tests.diffing.pairs import NOW, THEN, exchange

AHEAD = THEN - NOW


def iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def said(at: float, *, replayed: bool = False) -> Exchange:
    return exchange(json.dumps({"quoted": iso(at), "until": iso(at + 3600)}), replayed=replayed)


def call(parent: Exchange, at: float) -> Exchange:
    request = replace(parent.request, method="POST", host="audit.test", body=json.dumps({"sent": iso(at)}).encode())
    return replace(parent, id=parent.id + 1, direction=Direction.OUTBOUND, request=request, replay_of=None)


def judged(ahead: float, seen: float) -> Judgement:
    """An answer and a call in the recording's second, and the same by a build that sees ``seen`` at that moment."""
    context = Context(replayed_ahead=ahead)
    recorded, replayed = said(THEN), said(seen, replayed=True)
    calls = (call(recorded, THEN),), (call(replayed, seen),)
    for one in (recorded, *calls[0]):
        learn_recorded(one, context)
    learn_pair(recorded, replayed, context, *calls)
    return compare_exchange(recorded, replayed, context, *calls)


@pytest.mark.parametrize(
    ("ahead", "seen", "clean"),
    [
        (0.0, NOW, True),
        (AHEAD, THEN + 1, True),
        (AHEAD, NOW, False),  # it did not heed the clock
        (0.0, THEN + 60, False),  # nobody set one: a time in the past
    ],
)
def test_times_are_judged_by_the_clock_that_the_build_saw(ahead: float, seen: float, clean: bool) -> None:
    findings = judged(ahead, seen).findings
    assert (not findings) == clean
    if not clean:
        assert {finding.location for finding in findings} >= {"response.body $.quoted"}
        assert any("outbound" in finding.location for finding in findings)


def test_a_clock_is_read_in_the_service_s_own_time() -> None:
    clock = Clock.of(NOW, NOW + 5, AHEAD)
    assert (clock.started, clock.now) == (THEN, THEN + 5)
    assert clock.at(NOW + 7) == Clock(THEN, THEN + 7, AHEAD)
