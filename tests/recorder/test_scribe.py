"""What several proxies tell is put in the order of time, and nothing they began is forgotten."""

from __future__ import annotations

import socket
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from captures.links import CauseHow
from captures.model import Direction, Exchange, Failure, FailureKind, Request, Response, Timing
from captures.store import Capture
from captures.writer import CaptureWriter
from recorder.choosing import Choice
from recorder.desk import Desk
from recorder.line import receive
from recorder.relay import CALL, Relay, total
from recorder.scribe import OVERDUE, Intake, attend
from tests.recorder.conftest import until

HEADERS = ((b"Host", b"a"),)
TRACE = (b"traceparent", b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[CaptureWriter]:
    with CaptureWriter(tmp_path / "one.sqlite", mode="record", blocks=True) as writer:
        yield writer


def exchange(handle: int, target: str, direction: Direction = Direction.INBOUND, body: bytes = b"") -> Exchange:
    request = Request("GET", "http", "a", 80, target.encode(), HEADERS, body)
    return Exchange(handle, direction, request, Timing(1.0, 2.0), Response(200, HEADERS, b"ok"))


def inbound(handle: int, at: float, *more: tuple[bytes, bytes]) -> list[tuple[Any, ...]]:
    return [(at, "start", handle), (at, "inbound_started", handle, (*HEADERS, *more), at, b"/")]


def call(handle: int, at: float, *more: tuple[bytes, bytes]) -> list[tuple[Any, ...]]:
    return [(at, "start", handle), (at, "call_started", handle, (*HEADERS, *more), at, b"/", "")]


def put(at: float, one: Exchange) -> tuple[Any, ...]:
    return (at, "put", one, True)


def recorded(writer: CaptureWriter) -> list[Exchange]:
    writer.close()
    with Capture.open(writer.path) as capture:
        return list(capture.exchanges())


def test_ids_follow_the_order_of_start_over_all_proxies(writer: CaptureWriter) -> None:
    intake = Intake(Desk(writer, Choice()), 2)
    intake.take(0, (4.0, [*inbound(1, 1.0), *inbound(2, 3.0), put(3.5, exchange(1, "/first"))]), 4.0)
    assert writer.counters().seen == 0  # the other may have something earlier to tell
    intake.take(1, (5.0, [*inbound(1, 2.0), put(2.5, exchange(1, "/second"))]), 5.0)
    intake.take(0, (6.0, [put(5.5, exchange(2, "/third"))]), 6.0)
    intake.gone(0, 7.0)
    intake.gone(1, 7.0)
    assert [(one.id, one.request.target) for one in recorded(writer)] == [
        (1, b"/first"),
        (2, b"/second"),
        (3, b"/third"),
    ]


def test_a_call_through_one_proxy_is_caused_by_a_request_through_another(writer: CaptureWriter) -> None:
    intake = Intake(Desk(writer, Choice()), 2)
    calls = [*call(1, 2.0), put(2.2, exchange(1, "/by-time", Direction.OUTBOUND))]
    calls += [*call(2, 4.0, TRACE), put(4.2, exchange(2, "/by-trace", Direction.OUTBOUND))]
    intake.take(1, (9.0, calls), 2.5)
    requests = [*inbound(1, 1.0, TRACE), *inbound(2, 3.0)]
    requests += [(5.0, "inbound_ended", 1, 5.0), put(5.0, exchange(1, "/one")), put(6.0, exchange(2, "/two"))]
    intake.take(0, (9.0, requests), 9.0)
    intake.gone(0, 9.0)
    intake.gone(1, 9.0)
    causes = {one.request.target: (one.cause.how, one.cause.exchange) for one in recorded(writer) if one.cause}
    assert causes == {b"/by-time": (CauseHow.WINDOW, 1), b"/by-trace": (CauseHow.TRACE_HEADER, 1)}


def test_who_is_silent_is_waited_for_a_while_only(writer: CaptureWriter) -> None:
    intake = Intake(Desk(writer, Choice()), 2)
    intake.take(0, (2.0, [*inbound(1, 1.0), put(1.5, exchange(1, "/"))]), 2.0)
    assert writer.counters().seen == 0
    intake.apply(2.0 + OVERDUE + 0.1)
    assert writer.counters().seen == 1


def test_what_is_old_when_it_comes_waits_for_the_others_all_the_same(writer: CaptureWriter) -> None:
    intake = Intake(Desk(writer, Choice()), 2)
    intake.take(1, (9.0, [*call(1, 2.0, TRACE), put(2.2, exchange(1, "/call", Direction.OUTBOUND))]), 9.0)
    intake.take(0, (9.0, [*inbound(1, 1.0, TRACE)]), 9.5)  # both had waited for another writing process
    intake.gone(0, 9.5)
    intake.gone(1, 9.5)
    (only,) = recorded(writer)
    assert only.cause is not None
    assert only.cause.how is CauseHow.TRACE_HEADER


def test_what_is_told_by_one_that_has_ended_waits_for_the_others_all_the_same(writer: CaptureWriter) -> None:
    intake = Intake(Desk(writer, Choice()), 2)
    intake.take(1, (9.0, [*call(1, 2.0, TRACE), put(2.2, exchange(1, "/call", Direction.OUTBOUND))]), 9.0)
    intake.gone(1, 9.1)
    intake.take(0, (9.0, [*inbound(1, 1.0, TRACE)]), 9.2)
    intake.gone(0, 9.3)
    (only,) = recorded(writer)
    assert only.cause is not None
    assert only.cause.how is CauseHow.TRACE_HEADER


def test_what_a_killed_proxy_had_begun_is_counted_as_lost(writer: CaptureWriter) -> None:
    intake = Intake(Desk(writer, Choice()), 2)
    intake.take(
        0,
        (3.0, [*inbound(1, 1.0), *inbound(2, 2.0), (2.5, "inbound_ended", 1, 2.5), put(2.5, exchange(1, "/kept"))]),
        3.0,
    )
    assert intake.gone(0, 4.0) == 0, "the other may have something earlier to tell"
    assert intake.take(1, (9.0, [*call(1, 5.0), put(6.0, exchange(1, "/after", Direction.OUTBOUND))]), 9.0) == 1
    assert writer.counters().dropped_by["proxy_died"] == 1
    kept, after = recorded(writer)
    assert kept.request.target == b"/kept"
    assert after.cause is not None
    assert after.cause.how is CauseHow.NONE  # what is gone causes nothing any more
    counters = writer.counters()
    assert (counters.seen, counters.written, counters.dropped) == (3, 2, 1)


def test_what_cannot_be_applied_is_counted_and_the_rest_goes_on(writer: CaptureWriter) -> None:
    intake = Intake(Desk(writer, Choice()), 1)
    intake.take(0, (2.0, [(1.0, "nonsense"), put(1.0, exchange(9, "/unknown")), *inbound(1, 1.0)]), 2.0)
    intake.take(0, (3.0, [put(2.5, exchange(1, "/"))]), 3.0)
    assert intake.faults == 2
    assert len(recorded(writer)) == 1


def test_an_exchange_that_cannot_be_taken_is_counted_as_lost(writer: CaptureWriter) -> None:
    intake = Intake(Desk(writer, Choice()), 1)
    nothing: Any = None
    broken = replace(exchange(1, "/"), request=nothing)
    intake.take(0, (2.0, [*inbound(1, 1.0), put(1.5, broken)]), 2.0)
    assert intake.gone(0, 3.0) == 0
    counters = writer.counters()
    assert (counters.seen, counters.dropped_by["unwritten"], counters.dropped_by["proxy_died"]) == (1, 1, 0)
    assert intake.faults == 1


# -- over a socket ------------------------------------------------------------------------------------------------


class Quiet:
    """In place of a report."""

    def __call__(self, **_: Any) -> None:
        pass


def test_everything_goes_over_as_it_was(writer: CaptureWriter) -> None:
    ours, theirs = socket.socketpair()
    desk = Desk(writer, Choice())
    intake = Intake(desk, 1)
    reading = threading.Thread(target=attend, args=(intake, desk, [theirs], Quiet()))
    reading.start()
    relay = Relay(ours, 1 << 30)
    request, outer = relay.start(), relay.start()
    relay.inbound_started(request, HEADERS, time.monotonic(), b"/")
    relay.inbound_body(request, HEADERS, b"x" * 1_000_000)
    relay.call_started(outer, HEADERS, time.monotonic(), b"/pay", "c1")
    broken = Failure(FailureKind.RESET, "gone")
    call = Exchange(
        outer, Direction.OUTBOUND, exchange(0, "/pay").request, Timing(1.0), failure=broken, dependency="pay"
    )
    relay.put(call)
    relay.inbound_ended(request, time.monotonic())
    large = exchange(request, "/", body=b"x" * 1_000_000)
    relay.put(large)
    relay.close({"refused": 2, "opaque": {"a:1": 1}}, "now")
    reading.join(30)
    assert not reading.is_alive()
    assert (intake.metas, intake.endings, intake.faults) == ([{"refused": 2, "opaque": {"a:1": 1}}], ["now"], 0)
    first, second = recorded(writer)
    assert first.request == large.request
    assert (second.failure, second.dependency) == (broken, "pay")
    assert second.cause is not None
    assert (second.cause.how, second.cause.exchange) == (CauseHow.WINDOW, 1)


def test_what_does_not_fit_is_dropped_here_and_counted_there(writer: CaptureWriter) -> None:
    ours, theirs = socket.socketpair()
    relay = Relay(ours, 100_000)
    for _ in range(20):  # nobody reads
        relay.put(exchange(relay.start(), "/", body=b"x" * 50_000))
    desk = Desk(writer, Choice())
    reading = threading.Thread(target=attend, args=(Intake(desk, 1), desk, [theirs], Quiet()))
    reading.start()
    relay.close()
    reading.join(30)
    counters = writer.counters()
    assert counters.seen == 20
    assert counters.dropped == counters.dropped_by["queue_full"] >= 17
    assert len(recorded(writer)) == 20 - counters.dropped > 0


def test_who_blocks_sees_that_it_is_full_and_loses_nothing() -> None:
    ours, theirs = socket.socketpair()
    relay = Relay(ours, 100_000, blocks=True)
    assert not relay.is_full()
    for _ in range(3):
        relay.put(exchange(relay.start(), "/", body=b"x" * 500_000))
    assert relay.is_full()
    with theirs.makefile("rb") as source:
        closing = threading.Thread(target=relay.close)
        closing.start()
        calls = []
        while (batch := receive(source)) is not None:
            calls += batch[1]
        closing.join(30)
    assert [name for _, name, *_ in calls].count("put") == 3
    assert not relay.is_full()


def test_what_is_told_while_nothing_can_be_written_is_counted_at_once_and_does_not_pile_up(tmp_path: Path) -> None:
    path = tmp_path / "locked.sqlite"
    ours, theirs = socket.socketpair()
    with CaptureWriter(
        path, mode="record", blocks=True, spills=True, patience=float("inf"), max_queued_bytes=100_000
    ) as writer:
        desk = Desk(writer, Choice())
        intake = Intake(desk, 1)
        reading = threading.Thread(target=attend, args=(intake, desk, [theirs], Quiet()))
        reading.start()
        relay = Relay(ours, 10_000_000)
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            relay.put(exchange(relay.start(), "/", body=b"x" * 50_000))
            until(lambda: writer.counters().trouble, "the trouble")
            for _ in range(100):
                relay.put(exchange(relay.start(), "/", body=b"x" * 50_000))
            until(lambda: writer.counters().seen == 101, "all of them")
            assert writer.counters().dropped == writer.counters().dropped_by["locked"] > 0
            other.execute("ROLLBACK")
        relay.close()
        reading.join(30)
        kept = 101 - writer.counters().dropped
        assert len(recorded(writer)) == kept >= 1


def test_a_batch_that_is_cut_short_is_none_and_a_writer_that_is_gone_stops_nobody() -> None:
    ours, theirs = socket.socketpair()
    ours.sendall(b"\x80\x05\x95\xff\x00\x00")
    ours.close()
    with theirs.makefile("rb") as source:
        assert receive(source) is None
    ours, theirs = socket.socketpair()
    relay = Relay(ours, 100_000, blocks=True)
    theirs.close()
    for _ in range(5):
        relay.put(exchange(relay.start(), "/", body=b"x" * 500_000))
    relay.close()
    assert not relay.is_full()


def test_numbers_of_several_are_added() -> None:
    assert total([{"open": 1, "opaque": {"a": 1}}, {"open": 2, "opaque": {"a": 2, "b": 3}}, {}]) == {
        "open": 3,
        "opaque": {"a": 3, "b": 3},
    }


# -- without room, and to another writing process -----------------------------------------------------------------


@pytest.mark.slow
def test_what_has_no_room_leaves_no_note_each() -> None:
    ours, theirs = socket.socketpair()
    relay = Relay(ours, 100_000)
    relay.put(exchange(relay.start(), "/", body=b"x" * 10_000_000))  # nobody reads: all that follows waits
    for _ in range(20_000):
        handle = relay.start()
        relay.inbound_started(handle, HEADERS, time.monotonic(), b"/")
        relay.inbound_body(handle, HEADERS, b"x" * 10_000)
        relay.settle(handle, True)
        relay.inbound_answered(handle)
        relay.inbound_ended(handle, time.monotonic())
        relay.put(exchange(handle, "/", body=b"x" * 50_000))
    closing = threading.Thread(target=relay.close)
    closing.start()
    calls = []
    with theirs.makefile("rb") as source:
        while (batch := receive(source)) is not None:
            calls += batch[1]
    closing.join(60)
    lost = sum(call[2] if call[1] == "drop" else call[1] == "lose" for call in calls)
    assert lost + [call[1] for call in calls].count("put") == 20_001
    assert len(calls) < 100_000 / CALL + 20


def test_another_writing_process_is_told_of_what_is_open_and_how_much_went_to_the_one_before() -> None:
    first, to_first = socket.socketpair()
    second, to_second = socket.socketpair()
    renewals, parent = socket.socketpair()
    broke: list[int] = []
    relay = Relay(to_first, 1 << 30, renewals=renewals, broke=broke.append)
    with first, first.makefile("rb") as source:
        kept, socket_ = relay.start(), relay.start()
        relay.inbound_started(kept, HEADERS, 1.0, b"/open")
        relay.begin(exchange(socket_, "/socket"))
        relay.put(exchange(relay.start(), "/ended"))
        told = names(source, 6)
    assert told == ["start", "start", "inbound_started", "begin", "start", "put"]
    relay.put(exchange(relay.start(), "/on-the-way"))  # to a process that is gone
    until(lambda: broke == [2], "how many had gone over: one that ended, one that is written while it goes on")
    relay.put(exchange(kept, "/open"))
    socket.send_fds(parent, [b"+"], [to_second.fileno()])
    to_second.close()
    with second, second.makefile("rb") as source:
        again = names(source, 7)
        assert again == ["start", "inbound_started", "start", "begin", "start", "put", "put"]
        until(lambda: relay.counters() == {"ended": 3, "told": 3, "untold": 0}, "the count")
    parent.close()  # nobody comes any more
    relay.put(exchange(relay.start(), "/nobody"))
    relay.close()
    assert broke == [2, 3]
    assert relay.counters() == {"ended": 4, "told": 0, "untold": 1}


def names(source: Any, number: int) -> list[str]:
    """The next ``number`` calls, each by its name."""
    found: list[str] = []
    while len(found) < number:
        batch = receive(source)
        assert batch is not None
        found += [name for _, name, *_ in batch[1]]
    return found
