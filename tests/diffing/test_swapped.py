"""Answers of identical calls that went to other requests than in the recording: neither drift nor clean."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from captures.model import Cause, CauseHow, Direction, Exchange, Request, Response, Timing
from captures.store import Capture
from captures.writer import CaptureWriter
from diffing.engine import compare_captures
from diffing.model import Result
from diffing.openanswers import OpenAnswers
from tests.diffing.pairs import JSON

OPEN = Cause(CauseHow.AMBIGUOUS, None, "inbound exchanges 1, 2 were open")
Body = dict[str, Any]


def exchange(
    direction: Direction, target: str, body: Body | str, at: float, cause: Cause | None = None, status: int = 200
) -> Exchange:
    text = body if isinstance(body, str) else json.dumps(body)
    headers = ((b"Content-Type", b"text/plain"),) if isinstance(body, str) else JSON
    return Exchange(
        id=0,
        direction=direction,
        request=Request("GET", "http", "shop", 80, target.encode()),
        timing=Timing(at, at, at + 1, at + 1),
        response=Response(status, headers, text.encode()),
        dependency="numbers" if direction is Direction.OUTBOUND else None,
        cause=cause,
    )


def capture(path: Path, exchanges: list[Exchange], *, run: bool = False) -> Path:
    with CaptureWriter(path, mode="replay" if run else "record") as writer:
        for one in exchanges:
            writer.put(replace(one, id=writer.reserve_id()))
    return path


def recorded(path: Path, answers: list[Body], shown: list[Body | str], cause: Cause = OPEN, status: int = 200) -> Path:
    """Two requests open at once (1 and 2), and their calls (3 and 4), which ask for the same."""
    inbound = [exchange(Direction.INBOUND, f"/a/{at}/x", body, 10.0) for at, body in enumerate(shown)]
    calls = [exchange(Direction.OUTBOUND, "/next", body, 10.5, cause) for body in answers]
    calls[1] = replace(calls[1], response=replace(calls[1].response or Response(0), status=status))
    return capture(path, [*inbound, *calls])


def replayed(path: Path, answers: list[tuple[int, Body, int]], shown: list[tuple[Body | str, int]]) -> Path:
    """One after the other: each request, then its call, answered by the recorded call that is named."""
    found: list[Exchange] = []
    for at, ((body, status), (stub, answer, answered)) in enumerate(zip(shown, answers, strict=True)):
        one = exchange(Direction.INBOUND, f"/a/{at}/x", body, 1000.0 + 10 * at, status=status)
        cause = Cause(CauseHow.WINDOW, 2 * at + 1, "")
        call = exchange(Direction.OUTBOUND, "/next", answer, 1000.2 + 10 * at, cause, answered)
        found += [replace(one, replay_of=at + 1), replace(call, replay_of=stub)]
    return capture(path, found, run=True)


def compared(tmp_path: Path, then: list[Body | str], now: list[Body | str], cause: Cause = OPEN) -> Result:
    """The calls were answered by 1 and 2 when they were recorded, and are by 2 and 1."""
    source = recorded(tmp_path / "c", [{"n": 1471}, {"n": 1472}], then, cause)
    run = replayed(tmp_path / "r", [(4, {"n": 1472}, 200), (3, {"n": 1471}, 200)], [(body, 200) for body in now])
    return compare_captures(source, run)


@pytest.mark.parametrize(
    ("then", "now"),
    [
        ([{"count": 1471}, {"count": 1472}], [{"count": 1472}, {"count": 1471}]),
        ([{"of": {"n": 1471}}, {"of": {"n": 1472}}], [{"of": {"n": 1472}}, {"of": {"n": 1471}}]),
        (
            [{"say": "no. 1471 of it"}, {"say": "no. 1472 of it"}],
            [{"say": "no. 1472 of it"}, {"say": "no. 1471 of it"}],
        ),
    ],
)
def test_answers_that_changed_places_are_not_judged_and_the_remedy_is_said(
    tmp_path: Path, then: list[Body | str], now: list[Body | str]
) -> None:
    result = compared(tmp_path, then, now)
    assert result.groups == ()
    assert (result.verdict, result.exit_code) == ("inconclusive", 3)
    assert result.reasons[0].startswith("2 exchanges: a call to numbers GET /next was given what may be the recorded")
    assert "traceparent" in result.reasons[0]
    assert "one request at a time" in result.reasons[0]


@pytest.mark.parametrize(
    ("now", "place"),
    [
        ([{"count": 1499}, {"count": 1471}], "$.count"),  # nothing was ever answered so
        ([{"count": 1472, "more": None}, {"count": 1471}], "$.more"),
        ([{}, {"count": 1471}], "$.count"),
        ([{"count": "1472"}, {"count": 1471}], "$.count"),
    ],
)
def test_what_no_recorded_answer_explains_is_drift_all_the_same(
    tmp_path: Path, now: list[Body | str], place: str
) -> None:
    result = compared(tmp_path, [{"count": 1471}, {"count": 1472}], now)
    assert [group.location for group in result.groups] == [f"response.body {place}"]
    assert result.groups[0].exchanges == (1,)
    assert any("GET /next" in reason for reason in result.reasons), "the other exchange is not judged"


def test_calls_whose_request_is_known_hide_nothing(tmp_path: Path) -> None:
    known = Cause(CauseHow.TRACE_HEADER, 1, "")
    result = compared(tmp_path, [{"count": 1471}, {"count": 1472}], [{"count": 1472}, {"count": 1471}], known)
    counts = {group.location: group.count for group in result.groups}
    assert (result.verdict, counts["response.body $.count"]) == ("drift", 2)


def test_answers_as_recorded_are_clean(tmp_path: Path) -> None:
    shown: list[Body | str] = [{"count": 1471}, {"count": 1472}]
    source = recorded(tmp_path / "c", [{"n": 1471}, {"n": 1472}], shown)
    run = replayed(tmp_path / "r", [(3, {"n": 1471}, 200), (4, {"n": 1472}, 200)], [(body, 200) for body in shown])
    assert compare_captures(source, run).verdict == "clean"


@pytest.mark.parametrize(("failing", "verdict"), [(503, "inconclusive"), (200, "drift")])
def test_a_failure_that_was_given_to_another_request_is_not_the_builds(
    tmp_path: Path, failing: int, verdict: str
) -> None:
    """The call that failed when it was recorded was the second's; now it is the first's, who passes it on."""
    source = recorded(tmp_path / "c", [{"n": 1}, {"n": 2}], [{"ok": True}, {"ok": True}], status=failing)
    run = replayed(
        tmp_path / "r", [(4, {"n": 2}, failing), (3, {"n": 1}, 200)], [({"e": "x"}, 502), ({"ok": True}, 200)]
    )
    assert compare_captures(source, run).verdict == verdict


def test_equal_answers_are_no_question(tmp_path: Path) -> None:
    source = recorded(tmp_path / "c", [{"n": 1}, {"n": 1}], [{}, {}])
    run = replayed(tmp_path / "r", [(3, {"n": 1}, 200), (4, {"n": 1}, 200)], [({}, 200), ({}, 200)])
    with Capture.open(source) as then, Capture.open(run) as now:
        assert OpenAnswers.of(then, now, None).groups == {}


def test_what_a_run_of_several_at_once_mixed_up_is_open_too(tmp_path: Path) -> None:
    known = [Cause(CauseHow.WINDOW, 1, ""), Cause(CauseHow.WINDOW, 2, "")]
    inbound = [exchange(Direction.INBOUND, f"/a/{at}/x", {"count": 1471 + at}, 10.0 + at) for at in (0, 1)]
    calls = [exchange(Direction.OUTBOUND, "/next", {"n": 1471 + at}, 10.5 + at, known[at]) for at in (0, 1)]
    source = capture(tmp_path / "c", [*inbound, *calls])
    answers = [
        replace(exchange(Direction.INBOUND, f"/a/{at}/x", {"count": 1472 - at}, 1000.0), replay_of=at + 1)
        for at in (0, 1)
    ]
    made = [replace(call, cause=OPEN, replay_of=3 + at) for at, call in enumerate(calls)]
    result = compare_captures(source, capture(tmp_path / "r", [*answers, *made], run=True))
    assert (result.verdict, result.groups) == ("inconclusive", ())


@pytest.mark.parametrize(
    ("now", "drifts"),
    [
        ({"double": 2944}, False),  # of what was made of another's answer no value says anything
        ({"double": "2944"}, True),
        ({}, True),
    ],
)
def test_what_is_made_of_an_answer_from_another_time_is_not_judged(tmp_path: Path, now: Body, drifts: bool) -> None:
    inbound = [exchange(Direction.INBOUND, f"/a/{at}/x", {"double": 2942 + 2 * at}, 10.0 + 10 * at) for at in (0, 1)]
    calls = [exchange(Direction.OUTBOUND, "/next", {"n": 1471 + at}, 10.5 + 10 * at, OPEN) for at in (0, 1)]
    source = capture(tmp_path / "c", [*inbound, *calls])
    run = replayed(
        tmp_path / "r", [(4, {"n": 1472}, 200), (3, {"n": 1471}, 200)], [(now, 200), ({"double": 2942}, 200)]
    )
    result = compare_captures(source, run)
    assert (result.verdict == "drift") is drifts
    assert "was given the recorded answer of another request" in result.reasons[0]
