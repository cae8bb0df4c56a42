"""Calls that a guess laid to a request: judged where they are made, and missed only where nobody makes them."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from captures.model import GUESSES, Cause, CauseHow, Direction, Exchange, Request, Response, Timing
from captures.writer import CaptureWriter
from diffing.engine import compare_captures

JSON = ((b"Content-Type", b"application/json"),)
AT = 1000.0


def inbound(target: str, replay_of: int | None = None) -> Exchange:
    request = Request("GET", "http", "shop", 80, target.encode())
    return Exchange(
        0, Direction.INBOUND, request, Timing(AT, AT, AT, AT + 1), Response(200, JSON, b"{}"), replay_of=replay_of
    )


def call(amount: int, cause: Cause, replay_of: int | None = None) -> Exchange:
    body = json.dumps({"amount": amount}).encode()
    request = Request("POST", "http", "pay", 80, b"/charges", JSON, body)
    timing = Timing(AT + 0.5, AT + 0.5, AT + 0.6, AT + 0.6)
    return Exchange(
        0, Direction.OUTBOUND, request, timing, Response(201), cause=cause, dependency="pay", replay_of=replay_of
    )


def write(path: Path, exchanges: list[Exchange], mode: str) -> Path:
    with CaptureWriter(path, mode=mode, now=lambda: AT) as writer:
        for one in exchanges:
            writer.put(replace(one, id=writer.reserve_id()))
    return path


def by(exchange: int, how: CauseHow = CauseHow.TRACE_HEADER) -> Cause:
    return Cause(how, exchange, "")


@pytest.mark.parametrize("how", GUESSES)
@pytest.mark.parametrize(
    ("made", "expected"),
    [
        ([(5, by(1))], []),
        ([(5, by(2))], []),
        ([(6, by(1))], [("outbound.request.body.value-changed", "GET /a")]),
        ([(6, by(2))], [("outbound.request.body.value-changed", "GET /b")]),
        ([], [("outbound.missing", "GET /a")]),
    ],
    ids=["as guessed", "by another", "changed, as guessed", "changed, by another", "by nobody"],
)
def test_a_guess_is_no_drift(
    tmp_path: Path, how: CauseHow, made: list[tuple[int, Cause]], expected: list[tuple[str, str]]
) -> None:
    recorded = write(tmp_path / "a.sqlite", [inbound("/a"), inbound("/b"), call(5, by(1, how))], "record")
    calls = [call(amount, cause, replay_of=3) for amount, cause in made]
    run = write(tmp_path / "b.sqlite", [inbound("/a", 1), inbound("/b", 2), *calls], "replay")
    result = compare_captures(recorded, run)
    assert [(group.class_id, group.endpoint) for group in result.groups] == expected
