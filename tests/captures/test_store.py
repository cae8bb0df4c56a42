from __future__ import annotations

import gc
import os
import random
import sqlite3
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from captures import schema
from captures.errors import CaptureError, CorruptCapture, NewerCapture, NotACapture
from captures.model import Cause, CauseHow, Direction
from captures.store import Capture, identify
from captures.writer import CaptureWriter
from tests.captures.making import JSON, capture, exchange


def outbound(identity: int, by: int | None, dependency: str = "payments") -> object:
    how = CauseHow.WINDOW if by else CauseHow.NONE
    return exchange(identity, direction=Direction.OUTBOUND, dependency=dependency, cause=Cause(how, by, "it was open"))


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    path = tmp_path / "shop.sqlite"
    capture(
        path,
        exchange(1, target=b"/a", response_headers=JSON, response_body=b'{"a": "' + b"x" * 3000 + b'"}'),
        outbound(2, 1),  # type: ignore[arg-type]
        outbound(3, None),  # type: ignore[arg-type]
        exchange(4, target=b"/b", body=b"hello"),
    )
    return capture(path, exchange(5, target=b"/c", replay_of=4), exchange(6, target=b"/d"), mode="replay")


def test_reading(shop: Path) -> None:
    with Capture.open(shop) as opened:
        assert [one.id for one in opened.exchanges()] == [1, 2, 3, 4, 5, 6]
        assert [one.id for one in opened.exchanges(direction=Direction.OUTBOUND)] == [2, 3]
        assert [one.id for one in opened.exchanges(session=2)] == [5, 6]
        assert [one.id for one in opened.exchanges(ids=[6, 1, 99, 1])] == [1, 6]
        assert [one.id for one in opened.exchanges(ids=range(1, 2000), session=1)] == [1, 2, 3, 4]
        assert [one.id for one in opened.caused_by(1)] == [2]
        assert [one.id for one in opened.replays_of(4)] == [5]
        assert (opened.count(), opened.count(Direction.INBOUND)) == (6, 4)
        assert opened.exchange(4).request.body == b"hello"
        assert [(session.mode, session.written) for session in opened.sessions()] == [("record", 4), ("replay", 2)]
        assert list(opened.query("SELECT id FROM exchange WHERE id > ?", [4])) == [{"id": 5}, {"id": 6}]
        assert opened.check() == []


def test_an_unknown_exchange_is_named(shop: Path) -> None:
    with Capture.open(shop) as opened, pytest.raises(CaptureError, match="has no exchange 99") as told:
        opened.exchange(99)
    assert "retape capture ls" in told.value.hint


def test_the_views_read_well(shop: Path) -> None:
    with Capture.open(shop) as opened:
        traffic = list(opened.query("SELECT * FROM traffic ORDER BY id"))
        assert (traffic[0]["request"], traffic[0]["outcome"]) == ("GET /a", "200")
        assert traffic[0]["response_type"] == "application/json"
        calls = list(opened.query("SELECT * FROM outbound_calls"))
        assert (calls[0]["caused_by_request"], calls[0]["dependency"]) == ("GET /a", "payments")
        assert {row["name"] for row in opened.query("SELECT * FROM headers")} == {"Content-Type"}


@pytest.mark.parametrize(
    ("content", "kind", "told"),
    [
        (None, CaptureError, "does not exist"),
        (b"", NotACapture, "not a Retape capture"),
        (b'{"not": "sqlite"}' * 20, NotACapture, "not a Retape capture"),
        (b"SQLite format 3\x00" + b"\x10\x00", CorruptCapture, "cut off"),
        (b"SQLite", CorruptCapture, "cut off"),
    ],
)
def test_what_is_no_capture(tmp_path: Path, content: bytes | None, kind: type[CaptureError], told: str) -> None:
    path = tmp_path / "x.sqlite"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(kind, match=told) as error:
        Capture.open(path)
    assert str(path) in error.value.message


def test_a_directory_is_no_capture(tmp_path: Path) -> None:
    with pytest.raises(NotACapture, match="is a directory"):
        Capture.open(tmp_path)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read(shop: Path) -> None:
    shop.chmod(0)
    with pytest.raises(CaptureError, match="cannot be read"):
        Capture.open(shop)


def test_another_applications_database(tmp_path: Path) -> None:
    path = tmp_path / "x.sqlite"
    other = sqlite3.connect(path)
    other.execute("CREATE TABLE exchange (id)")
    other.commit()
    other.close()
    before = path.read_bytes()
    with pytest.raises(NotACapture, match="another application"):
        Capture.open(path)
    with pytest.raises(NotACapture, match="another application"):
        CaptureWriter(path, mode="record")
    assert path.read_bytes() == before
    assert not Path(f"{path}.lock").exists()


@pytest.mark.parametrize("table", ["packed_exchange", "kind", "session", "DECISION", "head"])
def test_a_view_in_place_of_a_table_is_damage(shop: Path, table: str) -> None:
    """Of a file that somebody else made: each row of it could be computed without end."""
    connection = sqlite3.connect(shop)
    for (view,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'view'").fetchall():
        connection.execute(f"DROP VIEW {view}")
    connection.execute(f"DROP TABLE {table}")
    endless = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT x AS id FROM n WHERE x < 0"
    connection.execute(f"CREATE VIEW {table} AS {endless}")
    connection.commit()
    connection.close()
    with pytest.raises(CorruptCapture, match=f"{table.lower()} is no table"):
        Capture.open(shop)


def test_a_newer_version(shop: Path) -> None:
    connection = sqlite3.connect(shop)
    connection.execute(f"PRAGMA user_version = {schema.VERSION + 1}")
    connection.commit()
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    for open_it in (Capture.open, identify, lambda path: CaptureWriter(path, mode="record")):
        with pytest.raises(NewerCapture, match="newer Retape") as told:
            open_it(shop)
        assert "Upgrade" in told.value.hint


def test_cut_off_anywhere_is_an_error_never_an_empty_capture(shop: Path) -> None:
    whole = shop.read_bytes()
    for length in (50, 100, 4096, 8192, len(whole) // 2, len(whole) - 8192, len(whole) - 1):
        shop.write_bytes(whole[:length])
        with pytest.raises(CaptureError):
            read_all(shop)


def read_all(path: Path) -> None:
    with Capture.open(path) as opened:
        for one in opened.exchanges():
            opened.caused_by(one.id)
        opened.sessions()
        opened.skipped()
        if opened.check():
            raise CorruptCapture("found by the check")


@pytest.mark.slow
def test_flipped_bytes_end_in_a_sentence_or_do_not_matter(shop: Path) -> None:
    whole = shop.read_bytes()
    dice = random.Random(7)
    caught = 0
    for _ in range(150):
        damaged = bytearray(whole)
        for _ in range(dice.choice((1, 3, 50))):
            damaged[dice.randrange(len(damaged))] = dice.randrange(256)
        shop.write_bytes(damaged)
        for leftover in ("-wal", "-shm"):
            Path(f"{shop}{leftover}").unlink(missing_ok=True)
        try:
            read_all(shop)
        except CaptureError as error:
            caught += 1
            assert str(shop) in error.message or "check" in error.message  # noqa: PT017 - any other error fails the test
    assert caught > 15


def test_a_flipped_bit_inside_a_stored_body_is_found(tmp_path: Path) -> None:
    path = capture(tmp_path / "x.sqlite", exchange(response_body=b"0123456789abcdef"))
    path.write_bytes(path.read_bytes().replace(b"0123456789abcdef", b"0123456789abcdeg"))
    with Capture.open(path) as opened:
        assert opened.damage() == ["body 1 is not what was written (its SHA-256 differs)"]


def test_reading_while_another_writes_sees_what_was_there_when_opened(tmp_path: Path) -> None:
    path = tmp_path / "x.sqlite"
    with CaptureWriter(path, mode="record") as writer:
        writer.put(exchange(writer.reserve_id()))
        assert writer.flush()
        with Capture.open(path) as opened:
            writer.put(exchange(writer.reserve_id()))
            assert writer.flush()
            assert opened.count() == 1
            assert [one.id for one in opened.exchanges()] == [1]
            assert opened.losses() == ["session 1 has no end: it is still being written, or its writer died"]
    with Capture.open(path) as opened:
        assert opened.count() == 2


def test_a_file_on_a_read_only_medium(shop: Path) -> None:
    folder = shop.parent
    shop.chmod(0o400)
    folder.chmod(0o500)
    try:
        with Capture.open(shop) as opened:
            assert opened.count() == 6
    finally:
        folder.chmod(0o700)


def test_nothing_can_be_written_through_it(shop: Path) -> None:
    with Capture.open(shop) as opened, pytest.raises(CaptureError):
        list(opened.query("DELETE FROM packed_exchange RETURNING id"))


def test_an_id_beyond_any_is_not_there(tmp_path: Path) -> None:
    path = tmp_path / "c.sqlite"
    CaptureWriter(path, mode="record").close()
    with Capture.open(path) as capture, pytest.raises(CaptureError, match="has no exchange"):
        capture.exchange(10**23)


def test_calls_that_no_single_request_caused(tmp_path: Path) -> None:
    calls = [
        exchange(2, direction=Direction.OUTBOUND, cause=Cause(CauseHow.WINDOW, 1, "")),
        exchange(3, direction=Direction.OUTBOUND, cause=Cause(CauseHow.AMBIGUOUS, None, "")),
        exchange(4, direction=Direction.OUTBOUND, cause=Cause(CauseHow.NONE, None, "")),
        exchange(5, direction=Direction.OUTBOUND, cause=None),
        exchange(6, direction=Direction.OUTBOUND, cause=Cause(CauseHow.TRACE_HEADER, None, "")),
    ]
    with Capture.open(capture(tmp_path / "a.sqlite", exchange(1), *calls)) as opened:
        assert [call.id for call in opened.uncaused(None)] == [3, 4, 5, 6]
        assert [call.id for call in opened.uncaused(1)] == [3, 4, 5, 6]
        assert list(opened.uncaused(2)) == []


def test_the_answer_to_a_recorded_exchange_is_found_by_its_id(tmp_path: Path) -> None:
    with CaptureWriter(tmp_path / "run.sqlite", mode="replay") as writer:
        writer.put(replace(exchange(1), replay_of=7))
        writer.put(replace(exchange(2), replay_of=3))
    with Capture.open(tmp_path / "run.sqlite") as opened:
        assert [opened.answer_to(recorded).id for recorded in (7, 3)] == [1, 2]
        with pytest.raises(CaptureError, match="nothing that answers to recorded exchange 1"):
            opened.answer_to(1)


def test_rows_that_are_left_ask_nothing_of_a_closed_capture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    raised: list[object] = []
    monkeypatch.setattr(sys, "unraisablehook", raised.append)
    with Capture.open(capture(tmp_path / "x.sqlite", exchange(1), exchange(2))) as opened:
        rows = opened.rows("SELECT id FROM exchange")
        assert next(rows) == (1,)
    del rows
    gc.collect()
    assert raised == []
