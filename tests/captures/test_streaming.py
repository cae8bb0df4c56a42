"""Exchanges that are written while they go on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from captures.digest import digest
from captures.model import Exchange, FailureKind, Message
from captures.store import Capture
from captures.writer import CaptureWriter
from tests.captures.making import capture, exchange

HELLO = exchange(1, target=b"/ws", status=101)


def message(seq: int, body: bytes = b"hello", *, of: int = 1, from_client: bool = True) -> Message:
    return Message(of, seq, from_client, "text", 100.0 + seq, body)


def test_messages_come_back_in_order_and_the_end_takes_the_place_of_the_beginning(tmp_path: Path) -> None:
    path = tmp_path / "a.sqlite"
    said = [message(1), message(2, b"", from_client=False), message(3)]
    with CaptureWriter(path, mode="record") as writer:
        assert writer.begin(HELLO)
        assert writer.add(said[0])
        assert writer.flush()
        with Capture.open(path) as opened:
            one = opened.exchange(1)
            assert one.failure is not None
            assert one.failure.kind is FailureKind.ABORTED
            assert one.notes == {"open": True}
            assert one.body_truncated
            assert list(opened.messages(1)) == said[:1]
            assert opened.sessions()[0].truncated == 1
        assert all(map(writer.add, said[1:]))
        assert writer.put(replace(HELLO, notes={"websocket": 3}))
    with Capture.open(path) as opened:
        assert opened.exchange(1) == replace(HELLO, notes={"websocket": 3})
        assert list(opened.messages(1)) == said
        assert (opened.message_count(1), opened.message_count(), opened.message_counts()(1)) == (3, 3, 3)
        session = opened.sessions()[0]
        assert (session.seen, session.written, session.dropped, session.truncated) == (1, 1, 0, 0)
        assert opened.check() == []


def test_an_exchange_that_is_over_in_no_time_is_written_once(tmp_path: Path) -> None:
    path = tmp_path / "a.sqlite"
    with CaptureWriter(path, mode="record") as writer:
        assert writer.put(exchange(1), (message(1), message(2)))
        assert writer.put(exchange(2))
    with Capture.open(path) as opened:
        assert list(opened.messages(1)) == [message(1), message(2)]
        assert list(opened.messages(2)) == []
        assert opened.check() == []


def test_a_message_of_nothing_that_has_begun_is_refused(tmp_path: Path) -> None:
    with CaptureWriter(tmp_path / "a.sqlite", mode="record") as writer:
        assert not writer.add(message(1))
        assert writer.put(HELLO)
        assert not writer.add(message(1))


def test_a_killed_writer_leaves_what_was_said_until_then(tmp_path: Path) -> None:
    path = tmp_path / "a.sqlite"
    code = (
        "import os, sys, time\n"
        "from tests.captures.test_streaming import HELLO, message\n"
        "from captures.writer import CaptureWriter\n"
        "writer = CaptureWriter(sys.argv[1], mode='record')\n"
        "writer.begin(HELLO)\n"
        "writer.add(message(1)); writer.add(message(2))\n"
        "writer.flush(); print('said', flush=True); time.sleep(60)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", code, str(path)], stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"said\n"
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    process.stdout.close()
    with Capture.open(path) as opened:
        assert opened.damage() == []
        assert "1 exchanges were still open when they were last written" in opened.losses()
        assert list(opened.messages(1)) == [message(1), message(2)]
        assert opened.exchange(1).notes["open"]


def test_messages_that_cannot_be_searched_are_counted_and_not_written(tmp_path: Path) -> None:
    path = tmp_path / "a.sqlite"

    def prepare(message: Message) -> Message | None:
        if message.body == b"raise":
            raise ValueError
        return None if message.body == b"closed" else replace(message, body=b"clean")

    with CaptureWriter(path, mode="record", prepare_messages=lambda exchange: prepare) as writer:
        writer.begin(HELLO)
        for seq, body in enumerate((b"a", b"raise", b"closed"), 1):
            writer.add(message(seq, body))
        writer.put(HELLO)
        assert writer.close().redacted == 1
    with Capture.open(path) as opened:
        assert [one.body for one in opened.messages(1)] == [b"clean"]
        assert opened.exchange(1).notes == {"messages_unscannable": 2, "redacted": {"messages": 1}}
        assert opened.exchange(1).body_truncated


def test_nothing_of_an_exchange_whose_secrets_cannot_be_found_is_written(tmp_path: Path) -> None:
    path = tmp_path / "a.sqlite"

    def refuse(_: Exchange) -> Exchange:
        raise ValueError

    with CaptureWriter(path, mode="record", prepare=refuse, prepare_messages=refuse) as writer:  # type: ignore[arg-type]
        writer.begin(HELLO)
        writer.add(message(1))
        writer.put(HELLO)
        counters = writer.close()
    assert (counters.seen, counters.written, counters.dropped) == (1, 0, 1)
    with Capture.open(path) as opened:
        assert opened.count() == opened.message_count() == 0


def test_what_there_is_no_room_for_is_counted(tmp_path: Path) -> None:
    path = tmp_path / "a.sqlite"
    with CaptureWriter(path, mode="record", max_queued_bytes=20_000) as writer:
        assert writer.begin(HELLO)
        assert not writer.add(message(1, b"x" * 50_000))
        assert not writer.put(exchange(1, status=101, body=b"x" * 50_000)), "its end finds no room either"
        assert writer.flush()
        assert not writer.add(message(2))
        counters = writer.close()
    assert (counters.seen, counters.written, counters.dropped, counters.truncated) == (1, 1, 0, 1)
    with Capture.open(path) as opened:
        assert opened.exchange(1).notes == {"open": True}


def test_a_row_that_cannot_be_written_takes_no_other_along(tmp_path: Path) -> None:
    path = tmp_path / "a.sqlite"
    with CaptureWriter(path, mode="record") as writer:
        writer.begin(HELLO)
        writer.add(message(1))
        writer.add(replace(message(2), kind=object()))  # type: ignore[arg-type]
        writer.add(message(3))
        writer.put(HELLO)
    with Capture.open(path) as opened:
        assert [one.seq for one in opened.messages(1)] == [1, 3]
        assert opened.exchange(1).notes == {"messages_lost": 1}
        assert opened.check() == []


def test_a_file_that_is_moved_keeps_what_was_said_until_then(tmp_path: Path) -> None:
    path, moved = tmp_path / "a.sqlite", tmp_path / "moved.sqlite"
    with CaptureWriter(path, mode="record") as writer:
        writer.begin(HELLO)
        writer.add(message(1))
        assert writer.flush()
        path.rename(moved)
        writer.add(message(2))
        assert writer.flush()
        with Capture.open(path) as opened:
            assert opened.exchange(1).notes == {"open": True}
        writer.put(HELLO)
    with Capture.open(moved) as opened:
        assert list(opened.messages(1)) == [message(1)]
        assert opened.exchange(1).notes == {"open": True}
        assert opened.damage() == []
        assert opened.sessions()[0].seen == 1
    with Capture.open(path) as opened:
        assert list(opened.messages(1)) == [message(2)]
        assert opened.exchange(1).notes == {}
        assert opened.damage() == []
        assert (opened.sessions()[0].seen, opened.sessions()[0].written) == (1, 1)


def test_messages_without_their_exchange_are_a_loss_and_no_damage(tmp_path: Path) -> None:
    import sqlite3

    path = tmp_path / "a.sqlite"
    with CaptureWriter(path, mode="record") as writer:
        writer.put(HELLO, (message(1), message(2)))
        writer.put(exchange(2))
    with sqlite3.connect(path) as connection:
        connection.execute("DELETE FROM packed_exchange WHERE id = 1")
        connection.execute("UPDATE session SET written = 1")
    connection.close()
    with Capture.open(path) as opened:
        assert opened.damage() == []
        assert opened.losses() == ["2 messages belong to 1 exchanges that are not here"]


@pytest.mark.parametrize("column", ["kind = x'00'", "at = -1", "seq = 'x'", "body = 99", "from_client = NULL"])
def test_a_row_that_is_no_message_is_an_error(tmp_path: Path, column: str) -> None:
    import sqlite3

    from captures.errors import CaptureError

    path = tmp_path / "a.sqlite"
    with CaptureWriter(path, mode="record") as writer:
        writer.put(HELLO, (message(1),))
    connection = sqlite3.connect(path)
    connection.executescript("PRAGMA ignore_check_constraints = ON")
    try:
        with connection:
            connection.execute(f"UPDATE message SET {column}")
    except sqlite3.IntegrityError:
        return  # the table itself refuses it
    finally:
        connection.close()
    with Capture.open(path) as opened, pytest.raises(CaptureError):
        list(opened.messages(1))


def test_a_digest_is_over_what_was_said(tmp_path: Path) -> None:
    def of(name: str, *messages: Message) -> str:
        with CaptureWriter(tmp_path / name, mode="record") as writer:
            writer.put(HELLO, messages)
        with Capture.open(tmp_path / name) as opened:
            return digest(opened)

    silent = capture(tmp_path / "silent", HELLO)
    with Capture.open(silent) as opened:
        without = digest(opened)
    assert of("none") == without
    assert of("one", message(1)) == of("same", message(1)) != without
    assert of("other", message(1, b"bye")) != of("again", message(1))
