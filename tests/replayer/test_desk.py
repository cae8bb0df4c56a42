"""Overlapping requests: each call is answered from the recording of the request that made it."""

from __future__ import annotations

import random
import sqlite3
from contextlib import closing
from hashlib import sha256
from pathlib import Path

import pytest

from captures.model import Cause, CauseHow, FailureKind, Headers, Response, Timing
from captures.store import Capture
from replayer.library import KEPT
from replayer.plan import OnMiss
from tests.replayer.desks import At, desk_of
from tests.replayer.tapes import NOW, Tape, request, response

PARALLEL = 50
STOCK = request(target="/stock", host="inventory.test")


def trace(number: int) -> Headers:
    return ((b"Traceparent", b"00-%032x-%016x-01" % (number + 1, number + 1)),)


def crowd(tape: Tape) -> None:
    """Fifty orders; each asks for the same stock (its own answer, twice) and charges its own amount."""
    for number in range(PARALLEL):
        order = tape.inbound(request("POST", "/orders", {"n": number}), response(201), connection=f"c{number}")
        tape.outbound(order, STOCK, response(200, {"first": number}))
        tape.outbound(order, STOCK, response(200, {"second": number}))
        charge = request("POST", "/charges", {"amount": number}, host="pay.test")
        tape.outbound(order, charge, response(200, {"charged": number}))


def inbounds(at: At, path: Path) -> list[int]:
    with Capture.open(path) as capture:
        return [row["id"] for row in capture.query("SELECT id FROM exchange WHERE direction = 'inbound' ORDER BY id")]


@pytest.mark.parametrize("seed", range(3))
def test_fifty_overlapping_requests_that_propagate_their_trace_get_each_its_own_answers(
    tmp_path: Path, seed: int
) -> None:
    with desk_of(tmp_path / "c.sqlite", crowd) as at:
        recorded = inbounds(at, tmp_path / "c.sqlite")
        for number, identity in enumerate(recorded):
            at.begin(identity, trace(number))
        calls = [(number, turn) for number in range(PARALLEL) for turn in range(2)]
        random.Random(seed).shuffle(calls)
        seen: dict[int, list[bytes]] = {}
        for number, _ in calls:
            live = request(target="/stock", host="inventory.test", headers=trace(number))
            seen.setdefault(number, []).append(at.body(live))
        for number in range(PARALLEL):
            assert seen[number] == [b'{"first": %d}' % number, b'{"second": %d}' % number]
        assert {call.cause.how for call in at.written.exchanges if call.cause} == {CauseHow.TRACE_HEADER}
        assert {call.notes["matched"] for call in at.written.exchanges} == {"exact"}


def test_fifty_overlapping_requests_without_traces_never_steal_and_never_repeat_an_answer(tmp_path: Path) -> None:
    with desk_of(tmp_path / "c.sqlite", crowd) as at:
        for identity in inbounds(at, tmp_path / "c.sqlite"):
            at.begin(identity)
        order = list(range(PARALLEL))
        random.Random(7).shuffle(order)
        for number in order:  # what tells them apart decides, whatever the order
            charge = request("POST", "/charges", {"amount": number}, host="pay.test")
            assert at.body(charge) == b'{"charged": %d}' % number
        stock = [at.body(STOCK) for _ in range(2 * PARALLEL)]
        assert sorted(stock) == sorted(
            body for n in range(PARALLEL) for body in (b'{"first": %d}' % n, b'{"second": %d}' % n)
        )
        assert stock[:2] == [b'{"first": 0}', b'{"second": 0}']  # of equals the oldest
        assert {call.cause.how for call in at.written.exchanges if call.cause} == {CauseHow.AMBIGUOUS}
        assert len({call.replay_of for call in at.written.exchanges}) == 3 * PARALLEL


def test_an_exact_match_in_any_open_exchange_beats_a_volatile_one_in_the_first(tmp_path: Path) -> None:
    one, other = request(target="/p/pay_5f3a9c1", host="pay.test"), request(target="/p/pay_x8k2m9p", host="pay.test")

    def record(tape: Tape) -> None:
        tape.outbound(tape.inbound(request(), response()), one, response(200, "one"))
        tape.outbound(tape.inbound(request(), response()), other, response(200, "other"))

    with desk_of(tmp_path / "c.sqlite", record) as at:
        for identity in inbounds(at, tmp_path / "c.sqlite"):
            at.begin(identity)
        assert at.body(other) == b'"other"'
        assert at.notes["matched"] == "exact"


def test_what_has_ended_comes_after_what_is_open(tmp_path: Path) -> None:
    def record(tape: Tape) -> None:
        for number in (1, 2, 3):
            tape.outbound(tape.inbound(request(), response()), STOCK, response(200, number))

    with desk_of(tmp_path / "c.sqlite", record) as at:
        first, second, third = inbounds(at, tmp_path / "c.sqlite")
        at.end(at.begin(first))
        at.begin(second)
        assert at.body(STOCK) == b"2"
        assert at.written.exchanges[-1].cause.how is CauseHow.WINDOW  # type: ignore[union-attr]
        at.begin(third)
        assert at.body(STOCK) == b"3"
        # Both have theirs: the last answer again rather than that of the request that has ended.
        assert at.body(STOCK) == b"2"
        assert at.notes["matched"] == "exhausted"


def test_a_late_call_is_laid_to_the_exchange_that_was_recorded_making_it(tmp_path: Path) -> None:
    audit = request("POST", "/audit", {"order": 1}, host="audit.test")

    def record(tape: Tape) -> None:
        tape.outbound(tape.inbound(request("POST", "/orders"), response()), audit, response(202))
        tape.outbound(tape.inbound(request(), response()), STOCK, response(200, 2))

    with desk_of(tmp_path / "c.sqlite", record) as at:
        first, second = inbounds(at, tmp_path / "c.sqlite")
        at.end(at.begin(first))
        at.begin(second)
        assert at.ask(audit).response is not None
        written = at.written.exchanges[-1]
        assert written.notes["matched"] == "exact"
        assert written.cause is not None
        assert written.cause.how is CauseHow.AMBIGUOUS
        assert f"recorded exchange {first}, which had ended" in written.cause.evidence


def test_a_trace_id_that_some_of_the_open_share_narrows_the_search(tmp_path: Path) -> None:
    def record(tape: Tape) -> None:
        for number in range(3):
            tape.outbound(tape.inbound(request(), response()), STOCK, response(200, number))

    with desk_of(tmp_path / "c.sqlite", record) as at:
        first, second, third = inbounds(at, tmp_path / "c.sqlite")
        at.begin(first)
        at.begin(second, trace(1))
        at.begin(third, trace(1))
        shared = request(target="/stock", host="inventory.test", headers=trace(1))
        assert [at.body(shared) for _ in range(3)] == [b"1", b"2", b"0"]


def test_pools_of_open_exchanges_are_kept_and_those_that_ended_are_let_go(tmp_path: Path) -> None:
    with desk_of(tmp_path / "c.sqlite", crowd) as at:
        recorded = inbounds(at, tmp_path / "c.sqlite")
        runs = [at.begin(identity) for identity in recorded]
        assert at.body(STOCK) == b'{"first": 0}'  # looks into all fifty
        assert len(at.library._pools) == PARALLEL > KEPT
        assert at.body(STOCK) == b'{"second": 0}'  # what was served is known, none was loaded anew
        for run in runs:
            at.end(run)
        assert len(at.library._pools) == KEPT


def test_a_strict_replay_in_parallel_still_refuses_what_none_of_them_asked(tmp_path: Path) -> None:
    with desk_of(tmp_path / "c.sqlite", crowd, on_miss=OnMiss.STRICT) as at:
        for identity in inbounds(at, tmp_path / "c.sqlite")[:5]:
            at.begin(identity)
        answer = at.ask(request("POST", "/charges", {"amount": 99}, host="pay.test"))
        assert answer.response is not None
        assert answer.response.status == 502


def slow(tape: Tape) -> None:
    at = NOW + 1
    tape.outbound(None, STOCK, response(200, b"x" * 64), timing=Timing(at, at, at + 0.2, at + 0.6))
    tape.outbound(None, request(target="/down"), None, failure=FailureKind.RESET, timing=Timing(at, at, None, at + 2))


@pytest.mark.parametrize("factor", [0.0, 0.5, 3.0])
def test_recorded_latency_by_the_factor(tmp_path: Path, factor: float) -> None:
    with desk_of(tmp_path / "c.sqlite", slow, latency=factor) as at:
        answer = at.ask(STOCK)
        assert answer.hold == pytest.approx(0.2 * factor, abs=1e-5)
        assert sum(piece.after for piece in answer.pieces) == pytest.approx(0.4 * factor, abs=1e-5)
        assert b"".join(piece.data for piece in answer.pieces) in (b"x" * 64, b"")
        timing = at.written.exchanges[-1].timing
        assert timing.ended is not None
        assert timing.response_started is not None
        assert timing.ended - timing.response_started == pytest.approx(0.4 * factor, abs=1e-4)
        assert at.ask(request(target="/down")).hold == pytest.approx(2 * factor, abs=1e-5)


def test_events_are_cut_where_the_capture_says_they_came(tmp_path: Path) -> None:
    kind = ((b"Content-Type", b"text/event-stream"), (b"Transfer-Encoding", b"chunked"))
    path = tmp_path / "c.sqlite"
    with Tape(path) as tape:
        at = NOW + 1
        call = tape.outbound(
            None,
            request(target="/e"),
            Response(200, kind, b"data: 1\n\ndata: 2\n\n"),
            timing=Timing(at, at, at, at + 1),
        )
    with closing(sqlite3.connect(path)) as connection, connection:
        for number, later in enumerate((0.25, 0.75)):
            event = b"data: %d\n\n" % (number + 1)
            body = connection.execute(
                "INSERT INTO body (sha256, size, codec, data) VALUES (?, ?, 'raw', ?)",
                (sha256(event).digest(), len(event), event),
            ).lastrowid
            connection.execute(
                "INSERT INTO message (exchange, seq, from_client, kind, at, body) VALUES (?, ?, 0, 'event', ?, ?)",
                (call, number, at + later, body),
            )
    with Capture.open(path) as capture:
        answer = At(capture, [], latency=2.0).ask(request(target="/e"))
    assert [piece.data for piece in answer.pieces] == [b"data: 1\n\n", b"data: 2\n\n"]
    assert [piece.after for piece in answer.pieces] == pytest.approx([0.5, 1.0], abs=1e-4)


def test_a_stream_that_its_client_left_does_not_end(tmp_path: Path) -> None:
    kind = ((b"Content-Type", b"text/event-stream"), (b"Transfer-Encoding", b"chunked"))

    def record(tape: Tape) -> None:
        left = Response(200, kind, b"data: 1\n\n")
        tape.outbound(None, request(target="/e"), left, failure=FailureKind.ABORTED)
        tape.outbound(None, request(target="/j"), response(200, {}), failure=FailureKind.ABORTED)

    with desk_of(tmp_path / "c.sqlite", record) as at:
        assert at.ask(request(target="/e")).ends is False
        assert at.ask(request(target="/j")).ends is True


def test_an_answer_nobody_could_tell_apart_goes_to_a_request_that_was_open_then(tmp_path: Path) -> None:
    """The first request is not replayed: its answer is not the second's."""
    open_to_question = Cause(CauseHow.AMBIGUOUS, None, "inbound exchanges 1, 3 were open")

    def parallel(tape: Tape) -> None:
        for number in range(2):
            tape.inbound(request("POST", "/orders"), response(201), timing=Timing(NOW + number, ended=NOW + number + 1))
            at = Timing(NOW + number + 0.5, ended=NOW + number + 0.6)
            tape.outbound(open_to_question, STOCK, response(200, {"n": number}), timing=at)

    with desk_of(tmp_path / "c.sqlite", parallel) as at:
        _, second = inbounds(at, tmp_path / "c.sqlite")
        at.begin(second)
        assert at.body(STOCK) == b'{"n": 1}'


def test_a_call_that_a_guess_laid_to_another_request_is_found_all_the_same(tmp_path: Path) -> None:
    one, other = "5b0c6a8e-58f4-4d7e-9d2a-0c9f3a1b7e44", "0e9d5c1a-7f2b-4c3d-8e6f-1a2b3c4d5e6f"

    def record(tape: Tape) -> None:
        first = tape.inbound(request(), response())
        tape.inbound(request("POST", "/orders"), response(201))
        guess = Cause(CauseHow.VALUE_FLOW, first, "a guess: a value (uuid) of this call stood in that request")
        tape.outbound(guess, request("POST", "/charges", {"key": one}, host="pay.test"), response(201, {"n": 1}))

    with desk_of(tmp_path / "c.sqlite", record) as at:
        _, second = inbounds(at, tmp_path / "c.sqlite")
        at.begin(second, trace(2))
        live = request("POST", "/charges", {"key": other}, host="pay.test", headers=trace(2))
        assert at.body(live) == b'{"n": 1}'
        assert at.notes["matched"] == "volatile"
