from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from captures import packing, schema
from captures.model import Cause, CauseHow, Direction, Failure, FailureKind, Timing
from captures.packing import INSERT, Packer, microseconds
from captures.store import Capture
from captures.writer import CaptureWriter
from tests.captures.making import capture, exchange


@pytest.fixture
def connection(tmp_path: Path) -> sqlite3.Connection:
    made = sqlite3.connect(tmp_path / "x.sqlite")
    schema.create(made)
    made.execute("INSERT INTO session (id, mode, started) VALUES (1, 'record', 99.7)")
    made.commit()
    return made


def count(connection: sqlite3.Connection, table: str) -> int:
    (found,) = connection.execute(f"SELECT COUNT(*) FROM {table}").fetchone()
    return int(found)


def test_what_exchanges_have_in_common_is_one_row(connection: sqlite3.Connection) -> None:
    packer = Packer(connection)
    for number in range(1, 21):
        connection.execute(INSERT, packer.row(exchange(number, target=b"/%d" % number, status=200 + number % 2)))
    assert [row[0] for row in connection.execute("SELECT status FROM kind ORDER BY id")] == [201, 200]
    assert [row[0] for row in connection.execute("SELECT status FROM exchange WHERE id < 4")] == [201, 200, 201]


def test_another_session_goes_on_with_the_kinds_and_phrases_of_the_file(connection: sqlite3.Connection) -> None:
    for start in (1, 11):
        packer = Packer(connection)
        for number in range(start, start + 10):
            connection.execute(INSERT, packer.row(exchange(number, notes={"matched": "exact"})))
    assert (count(connection, "kind"), count(connection, "phrase")) == (1, 1)
    assert {row[0] for row in connection.execute("SELECT notes FROM exchange")} == {'{"matched": "exact"}'}


def test_a_text_that_comes_again_is_a_row_of_its_own(connection: sqlite3.Connection) -> None:
    packer = Packer(connection)
    cause = Cause(CauseHow.WINDOW, 1, "the only one that was open")
    failure = Failure(FailureKind.TIMEOUT, "no answer in 30 s")
    for number in range(1, 5):
        one = exchange(number, direction=Direction.OUTBOUND, cause=cause, failure=failure, notes={"number": number})
        connection.execute(INSERT, packer.row(one))
    kinds = "SELECT typeof(cause_evidence), typeof(failure_detail), typeof(notes) FROM packed_exchange"
    assert connection.execute(kinds).fetchall() == [("text", "text", "text"), *[("integer", "integer", "text")] * 3]
    assert count(connection, "phrase") == 2
    shown = connection.execute("SELECT DISTINCT cause_evidence, failure_detail FROM exchange").fetchall()
    assert shown == [(cause.evidence, failure.detail)]


def test_what_was_rolled_back_is_written_again(connection: sqlite3.Connection) -> None:
    packer = Packer(connection)
    lost = exchange(1, body=b"asked", notes={"matched": "exact"})
    for _ in range(3):
        packer.row(lost)
    connection.rollback()
    packer.forget()
    connection.execute(INSERT, packer.row(lost))
    connection.execute(INSERT, packer.row(exchange(2, notes={"matched": "exact"})))
    connection.commit()
    assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
    assert connection.execute("SELECT method, notes FROM exchange").fetchall() == [("GET", '{"matched": "exact"}')] * 2


def test_few_kinds_are_kept_in_mind(connection: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packing, "KINDS", 4)
    packer = Packer(connection)
    for number in range(1, 101):
        connection.execute(INSERT, packer.row(exchange(number, status=200 + number % 7)))
    assert [row[0] for row in connection.execute("SELECT status FROM exchange ORDER BY id")] == [
        200 + number % 7 for number in range(1, 101)
    ]


@pytest.mark.parametrize("started", [0.0, 99.7, 1_790_000_000.123457, 2_000_000_000.999999])
def test_times_are_the_same_to_the_microsecond(tmp_path: Path, started: float) -> None:
    """Also where the exchange began before its session, as one that is imported may have."""
    exact = Timing(started, started + 1e-6, None, started + 3_600)
    between = Timing(started + 3e-7)
    path = capture(tmp_path / "x.sqlite", exchange(1, timing=exact), exchange(2, timing=between))
    with Capture.open(path) as opened:
        first, second = (one.timing for one in opened.exchanges())
    assert first.started == started
    assert first.response_started is None
    assert (microseconds(first.request_done or 0), first.ended) == (microseconds(started) + 1, started + 3_600)
    assert abs(second.started - between.started) <= 0.5e-6 + 1e-9


def test_a_time_that_no_clock_shows_costs_that_exchange_alone(tmp_path: Path) -> None:
    path = tmp_path / "x.sqlite"
    with CaptureWriter(path, mode="record") as writer:
        for number, time in ((1, 5.0), (2, float("inf")), (3, 1e300), (4, float("nan")), (5, 6.0)):
            writer.put(exchange(number, timing=Timing(time)))
    assert writer.counters().dropped == 3
    with Capture.open(path) as opened:
        assert [one.id for one in opened.exchanges()] == [1, 5]
