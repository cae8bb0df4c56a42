"""Calls outside any request: compared as a pool, and never passed over."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from captures.model import Cause, CauseHow, Direction, Exchange, Request, Response, Timing
from captures.writer import CaptureWriter
from diffing.engine import DiffOptions, compare_captures
from diffing.model import Result
from diffing.rulebook.rules import parse_rules

START = 1000.0
NONE = Cause(CauseHow.NONE, None, "")


def inbound(target: str, at: float, replay_of: int | None = None) -> Exchange:
    body = b"{}"
    headers = ((b"Content-Type", b"application/json"),)
    request = Request("GET", "http", "shop", 80, target.encode())
    return Exchange(
        0,
        Direction.INBOUND,
        request,
        Timing(at, at, at, at + 0.1),
        Response(200, headers, body),
        replay_of=replay_of,
    )


def call(
    amount: int,
    at: float,
    replay_of: int | None = None,
    cause: Cause = NONE,
    target: str = "/audit",
    host: str = "audit",
) -> Exchange:
    body = json.dumps({"amount": amount}).encode()
    request = Request("POST", "http", host, 80, target.encode(), ((b"Content-Type", b"application/json"),), body)
    return Exchange(
        0,
        Direction.OUTBOUND,
        request,
        Timing(at, at, at, at),
        Response(200),
        replay_of=replay_of,
        cause=cause,
        dependency=host,
    )


def write(path: Path, exchanges: list[Exchange], *, run: bool) -> Path:
    with CaptureWriter(path, mode="replay" if run else "record", now=lambda: START) as writer:
        for one in exchanges:
            writer.put(replace(one, id=writer.reserve_id()))
    return path


RECORDED = [inbound("/a", START + 1), call(5, START + 1.2), call(7, START + 1.3), inbound("/b", START + 2)]
OUTSIDE, START_UP = "(outside any request)", "(start-up)"


def compare(
    tmp_path: Path,
    calls: list[Exchange],
    recorded: list[Exchange] = RECORDED,
    rules: Sequence[Mapping[str, Any]] = (),
) -> Result:
    source = write(tmp_path / "recorded.sqlite", recorded, run=False)
    sent = [
        replace(one, replay_of=number) for number, one in enumerate(recorded, 1) if one.direction is Direction.INBOUND
    ]
    run = write(tmp_path / "run.sqlite", [*sent, *calls], run=True)
    return compare_captures(source, run, DiffOptions(rules=parse_rules(rules)))


AT = START + 1.5
IN_B = Cause(CauseHow.WINDOW, 2, "the only one open")
CASES: dict[str, tuple[list[Exchange], list[tuple[str, str, str]]]] = {
    "same": ([call(5, AT, 2), call(7, AT, 3)], []),
    "paired in order without stubs": ([call(5, AT), call(7, AT)], []),
    "same, within a bystander": ([call(5, AT, 2, IN_B), call(7, AT, 3, IN_B)], []),
    "gone": ([], [("outbound.missing", OUTSIDE, "error")]),
    "fewer": ([call(5, AT, 2)], [("outbound.fewer", OUTSIDE, "warning")]),
    "twice": ([call(5, AT, 2), call(5, AT, 2, IN_B), call(7, AT, 3)], [("outbound.repeated", OUTSIDE, "warning")]),
    "changed": ([call(6, AT, 2), call(7, AT, 3)], [("outbound.request.body.value-changed", OUTSIDE, "error")]),
    "a miss at start-up": (
        [call(1, START, target="/new"), call(5, AT, 2), call(7, AT, 3)],
        [("outbound.extra", START_UP, "error")],
    ),
    "a miss in the background, of a new dependency": (
        [call(1, AT, host="mail"), call(5, AT, 2), call(7, AT, 3)],
        [("outbound.new-dependency", OUTSIDE, "error")],
    ),
    "a miss under several requests": (
        [call(1, AT, target="/new", cause=Cause(CauseHow.AMBIGUOUS, None, "")), call(5, AT, 2), call(7, AT, 3)],
        [("outbound.extra", OUTSIDE, "error")],
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_the_pool(tmp_path: Path, case: str) -> None:
    calls, expected = CASES[case]
    result = compare(tmp_path, calls)
    assert [(group.class_id, group.endpoint, group.level.value) for group in result.groups] == expected
    assert result.exit_code == (1 if expected else 0), result.reasons


def test_a_miss_says_what_it_asked_for(tmp_path: Path) -> None:
    (group,) = compare(tmp_path, [call(1, AT, target="/new?x=1"), call(5, AT, 2), call(7, AT, 3)]).groups
    assert "/new?x=1" in group.evidence
    assert not group.curl


def test_a_call_long_after_the_last_response_cannot_be_expected(tmp_path: Path) -> None:
    late = [inbound("/a", START + 1), call(5, START + 30)]
    (group,) = compare(tmp_path, [], late).groups
    assert (group.class_id, group.level.value) == ("outbound.unattributed", "info")


def test_the_start_up_of_a_second_session_is_not_repeated(tmp_path: Path) -> None:
    source = tmp_path / "recorded.sqlite"
    for _ in range(2):
        write(source, [call(5, START, target="/config"), inbound("/a", START + 1)], run=False)
    run = write(
        tmp_path / "run.sqlite",
        [call(5, START, 1, target="/config"), inbound("/a", START + 1, 2), inbound("/a", START + 2, 4)],
        run=True,
    )
    assert compare_captures(source, run).groups == ()


def test_a_rule_accepts_a_call_outside_requests(tmp_path: Path) -> None:
    rule = {"id": "late", "location": "outbound audit *", "expect": "optional"}
    assert compare(tmp_path, [], rules=[rule]).groups == ()


OPEN = Cause(CauseHow.AMBIGUOUS, None, "inbound exchanges 1, 2 were open")


@pytest.mark.parametrize(
    ("status", "cause", "at", "gone"),
    [
        (500, OPEN, 1.05, False),  # one of two requests made it, and one of them breaks down now
        (200, OPEN, 1.05, True),
        (404, OPEN, 1.05, True),
        (500, NONE, 1.05, True),  # nobody made it
        (500, OPEN, 1.5, True),  # of those that break down none was open
    ],
)
def test_a_call_of_one_of_several_requests_follows_from_their_breakdown(
    tmp_path: Path, status: int, cause: Cause, at: float, gone: bool
) -> None:
    asked = [inbound("/a", START + 1), inbound("/b", START + 1.01)]
    source = write(tmp_path / "recorded.sqlite", [*asked, call(5, START + at, cause=cause)], run=False)
    answers = [replace(one, replay_of=number) for number, one in enumerate(asked, 1)]
    answers[0] = replace(answers[0], response=replace(answers[0].response or Response(0), status=status))
    run = write(tmp_path / "run.sqlite", answers, run=True)
    classes = {group.class_id for group in compare_captures(source, run).groups}
    assert ("outbound.missing" in classes) is gone
    assert ("response.status.class" in classes) is (status != 200)
