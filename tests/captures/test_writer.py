from __future__ import annotations

import errno
import math
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from captures.capture_file import CaptureFile, Tally, held
from captures.errors import CaptureError, NotACapture
from captures.model import Exchange
from captures.rotation import Rotation
from captures.store import Capture
from captures.writer import INTERVAL, CaptureWriter, is_being_written
from tests.captures.making import capture, exchange
from tests.pace import Pace

ROOT = Path(__file__).parents[2]


def read(path: Path) -> list[int]:
    with Capture.open(path) as opened:
        return [one.id for one in opened.exchanges()]


def in_trouble(writer: CaptureWriter) -> None:
    """Wait until ``writer`` has found that the file cannot be written."""
    deadline = time.monotonic() + 60
    while not writer.counters().trouble:
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.slow
def test_everything_put_is_there_after_closing(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "x.sqlite"
    with CaptureWriter(path, mode="record", meta={"a": 1}, redaction_key="abc", now=lambda: 5.0) as writer:
        for _ in range(5000):
            assert writer.put(exchange(writer.reserve_id(), body=b"x" * 10, body_truncated=True))
        writer.skip(77, "why")
        counters = writer.close({"b": 2})
    assert (counters.seen, counters.written, counters.dropped, counters.truncated) == (5000, 5000, 0, 5000)
    with Capture.open(path) as opened:
        (session,) = opened.sessions()
        assert (session.mode, session.started, session.ended, session.redaction_key) == ("record", 5.0, 5.0, "abc")
        assert (session.seen, session.written, session.truncated) == (5000, 5000, 5000)
        assert session.meta == {"a": 1, "b": 2}
        assert [(one.exchange, one.reason) for one in opened.skipped()] == [(77, "why")]
        assert opened.check() == []
    assert [file.name for file in path.parent.iterdir()] == ["x.sqlite"]
    assert path.stat().st_mode & 0o777 == 0o600


def test_it_is_on_disk_within_a_second(tmp_path: Path) -> None:
    assert INTERVAL <= 0.5  # what a busy machine adds is not the writer's
    with CaptureWriter(tmp_path / "x.sqlite", mode="record") as writer:
        writer.put(exchange(1))
        deadline = time.monotonic() + 60
        while not read(tmp_path / "x.sqlite"):
            assert time.monotonic() < deadline
            time.sleep(0.01)


def test_a_second_session_goes_on_with_the_ids(tmp_path: Path) -> None:
    path = capture(tmp_path / "x.sqlite", exchange(1), exchange(9))
    with CaptureWriter(path, mode="record") as writer:
        assert writer.session == 2
        assert writer.reserve_id() == 10
        writer.put(exchange(10, session=77))
    with Capture.open(path) as opened:
        assert [one.session for one in opened.exchanges()] == [1, 1, 2]


def test_two_writers_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.sqlite"
    assert not is_being_written(path)
    with CaptureWriter(path, mode="record"):
        assert is_being_written(path)
        with pytest.raises(CaptureError, match="being written by another") as told:
            CaptureWriter(path, mode="record")
        assert "-o" in told.value.hint
        assert is_being_written(path)
    assert not is_being_written(path)
    CaptureWriter(path, mode="record").close()


def test_two_writers_are_refused_also_by_another_name(tmp_path: Path) -> None:
    path, link = tmp_path / "x.sqlite", tmp_path / "current.sqlite"
    link.symlink_to(path.name)
    with CaptureWriter(link, mode="record") as writer:  # makes the file that the link names
        for name in (path, link):
            assert is_being_written(name)
            with pytest.raises(CaptureError, match="being written by another"):
                CaptureWriter(name, mode="record")
        writer.put(exchange(writer.reserve_id()))
    assert read(path) == [1]
    assert sorted(one.name for one in tmp_path.iterdir()) == ["current.sqlite", "x.sqlite"]


def test_what_a_killed_writer_left_is_not_put_into_a_new_capture(tmp_path: Path) -> None:
    left = [tmp_path / f"x.sqlite-{what}" for what in ("wal", "shm", "journal")]
    for one in left:
        one.write_bytes(b"of another capture")  # a journal would be rolled back into this one
    assert read(capture(tmp_path / "x.sqlite", exchange(1))) == [1]
    assert not any(one.exists() for one in left)


def test_a_file_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(CaptureError, match="cannot be made"):
        CaptureWriter(tmp_path / "file" / "x.sqlite", mode="record")
    with pytest.raises(CaptureError):
        CaptureWriter(tmp_path, mode="record")


def test_an_existing_empty_file_becomes_a_capture(tmp_path: Path) -> None:
    path = tmp_path / "x.sqlite"
    path.touch()
    assert read(capture(path, exchange(1))) == [1]


def test_one_that_cannot_be_written_does_not_take_its_batch_along(tmp_path: Path) -> None:
    with CaptureWriter(tmp_path / "x.sqlite", mode="record") as writer:
        for bad in (
            exchange(2, notes={"no json": object()}),
            exchange(3, connection="\ud800"),
            exchange(4, status=2**70),
            exchange(1),  # an id twice
        ):
            writer.put(exchange(writer.reserve_id() * 10))
            writer.put(exchange(1))
            writer.put(bad)
        counters = writer.close()
    assert read(tmp_path / "x.sqlite") == [1, 10, 20, 30, 40]
    assert (counters.seen, counters.written, counters.dropped) == (12, 5, 7)
    assert counters.last_error
    with Capture.open(tmp_path / "x.sqlite") as opened:
        assert opened.check() == ["session 1 dropped 7 of 12 exchanges"]


def test_a_full_queue_drops_and_counts(tmp_path: Path) -> None:
    with CaptureWriter(tmp_path / "x.sqlite", mode="record", max_queued_bytes=2000) as writer:
        assert writer.put(exchange(1, body=b"x" * 1000))
        assert not writer.put(exchange(2, body=b"x" * 1000))
        assert writer.flush()
        assert writer.put(exchange(3, body=b"x" * 1000))
        counters = writer.close()
    assert (counters.seen, counters.written, counters.dropped) == (3, 2, 1)
    assert {reason: n for reason, n in counters.dropped_by.items() if n} == {"queue_full": 1}
    assert counters.last_error == "the queue is full"


def test_what_waits_is_counted_and_timed_until_it_is_committed(tmp_path: Path) -> None:
    """Queue depth and lag are what a dashboard shows: of exchanges that are in memory alone."""
    redacting, go_on = threading.Event(), threading.Event()

    def prepare(one: Exchange) -> Exchange:
        redacting.set()
        assert go_on.wait(20)
        if one.id == 2:
            raise ValueError
        return replace(one, notes={"redacted": {"request header cookie": 2, "response body $.token": 1}})

    with CaptureWriter(tmp_path / "x.sqlite", mode="record", prepare=prepare) as writer:
        assert writer.counters().lag == 0.0
        before = time.monotonic()
        for number in (1, 2, 3):
            writer.put(exchange(number, body=b"x" * 1000))
        assert redacting.wait(20)
        waiting = writer.counters()
        assert (waiting.written, waiting.queued) == (0, 3)
        assert waiting.queued_bytes > 3000
        assert 0 < waiting.lag <= time.monotonic() - before
        assert writer.counters().lag > waiting.lag
        go_on.set()
        assert writer.flush()
        after = writer.counters()
    assert (after.written, after.queued, after.queued_bytes, after.lag) == (2, 0, 0, 0.0)
    assert after.dropped_by["unredacted"] == after.dropped == 1
    assert after.redacted == 6
    assert read(tmp_path / "x.sqlite") == [1, 3]


def test_after_closing_everything_is_refused_and_nothing_waits(tmp_path: Path) -> None:
    writer = CaptureWriter(tmp_path / "x.sqlite", mode="record")
    writer.close()
    assert not writer.put(exchange(1))
    assert writer.flush(timeout=5)
    assert writer.close().dropped == 1


@pytest.mark.slow
def test_closing_while_others_put_loses_nothing_uncounted(tmp_path: Path) -> None:
    writer = CaptureWriter(tmp_path / "x.sqlite", mode="record")
    accepted: list[int] = []

    def work() -> None:
        for _ in range(2000):
            identity = writer.reserve_id()
            if not writer.put(exchange(identity)):
                return
            accepted.append(identity)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    while len(accepted) < 100:
        pass
    writer.close()
    for thread in threads:
        thread.join()
    assert read(tmp_path / "x.sqlite") == sorted(accepted)
    counters = writer.counters()
    assert counters.seen == counters.written + counters.dropped


def test_a_full_disk_is_counted_and_recording_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    connect = sqlite3.connect

    def small(*arguments: object, **options: object) -> sqlite3.Connection:
        connection: sqlite3.Connection = connect(*arguments, **options)  # type: ignore[call-overload]
        connection.execute("PRAGMA max_page_count = 60")
        return connection

    with monkeypatch.context() as patch:
        patch.setattr(sqlite3, "connect", small)
        writer = CaptureWriter(tmp_path / "x.sqlite", mode="record", patience=0)
    for _ in range(40):
        assert writer.put(exchange(writer.reserve_id(), body=os.urandom(20_000)))
        assert writer.flush()
    assert writer.put(exchange(writer.reserve_id()))  # small enough again
    counters = writer.close()
    assert counters.seen == 41
    assert counters.dropped > 10
    assert counters.written + counters.dropped == 41
    assert "full" in counters.last_error
    with Capture.open(tmp_path / "x.sqlite") as opened:
        assert opened.count() == counters.written
        assert opened.exchange(41).id == 41
        assert opened.damage() == []
        assert opened.losses() == [f"session 1 dropped {counters.dropped} of 41 exchanges"]


def test_what_could_not_be_redacted_is_not_written(tmp_path: Path) -> None:
    def prepare(one: Exchange) -> Exchange:
        if one.id == 2:
            raise KeyError("secret")
        return exchange(one.id, session=one.session, target=b"/prepared")

    with CaptureWriter(tmp_path / "x.sqlite", mode="record", prepare=prepare) as writer:
        for identity in (1, 2, 3):
            writer.put(exchange(identity))
        counters = writer.close()
    assert (counters.written, counters.dropped) == (2, 1)
    assert "secret" not in counters.last_error
    with Capture.open(tmp_path / "x.sqlite") as opened:
        assert [(one.id, one.request.target) for one in opened.exchanges()] == [(1, b"/prepared"), (3, b"/prepared")]


KILLED = """
import sys, time
from captures.writer import CaptureWriter
from tests.captures.making import exchange
writer = CaptureWriter(sys.argv[1], mode="record")
started = time.monotonic()
while True:
    identity = writer.reserve_id()
    writer.put(exchange(identity, body=b"x%d" % identity))
    print(identity, time.monotonic() - started, flush=True)
    time.sleep(0.002)
"""


@pytest.mark.slow
def test_kill_9_leaves_an_intact_file_without_the_last_second_at_most(tmp_path: Path) -> None:
    path = tmp_path / "x.sqlite"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", KILLED, str(path)]
    with (
        Pace(tmp_path) as pace,
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment, cwd=ROOT) as process,
    ):
        assert process.stdout is not None
        put: dict[int, float] = {}
        for line in process.stdout:
            identity, at = line.split()
            put[int(identity)] = float(at)
            if float(at) > 0.6 and len(put) % 50 == 0 and process.poll() is None and len(read(path)) > 50:
                process.send_signal(signal.SIGKILL)
    last = max(put.values())
    with Capture.open(path) as opened:
        there = [one.id for one in opened.exchanges()]
        assert there == list(range(1, len(there) + 1))
        assert opened.damage() == []
        assert opened.losses() == ["session 1 has no end: it is still being written, or its writer died"]
    assert not is_being_written(path)
    lost = [at for identity, at in put.items() if identity > len(there)]
    assert all(last - at < pace.allowed(1.0) for at in lost)
    assert len(there) > 50
    with CaptureWriter(path, mode="record") as writer:  # and it can be gone on with
        writer.put(exchange(writer.reserve_id()))
    assert read(path) == [*there, len(there) + 1]


HOLDING = """
import sys
from captures.writer import CaptureWriter

writer = CaptureWriter(sys.argv[1], mode="record")
print("open", flush=True)
sys.stdin.readline()
"""


@pytest.mark.slow
@pytest.mark.parametrize("is_new", [True, False])
def test_another_name_of_a_file_is_no_way_past_its_lock(tmp_path: Path, is_new: bool) -> None:
    path, other = tmp_path / "x.sqlite", tmp_path / "elsewhere" / "y.sqlite"
    other.parent.mkdir()
    if not is_new:
        CaptureWriter(path, mode="record").close()
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", HOLDING, str(path)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment, cwd=ROOT
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "open\n"
        os.link(path, other)
        with pytest.raises(CaptureError, match=r"y\.sqlite is being written by another .* under another name"):
            CaptureWriter(other, mode="record")
        with pytest.raises(CaptureError, match="under another name"), held(other):
            pass
        process.kill()
    assert sorted(file.name for file in other.parent.iterdir()) == ["y.sqlite"]
    assert Path(f"{path}.lock").exists()  # nobody was left to remove it
    assert not is_being_written(path)
    with CaptureWriter(path, mode="record") as writer:
        writer.put(exchange(writer.reserve_id()))
    assert read(other) == [1]
    assert sorted(file.name for file in tmp_path.iterdir()) == ["elsewhere", "x.sqlite"]


def test_a_new_capture_can_be_read_at_once(tmp_path: Path) -> None:
    with CaptureWriter(tmp_path / "x.sqlite", mode="record"):
        assert read(tmp_path / "x.sqlite") == []


@pytest.mark.slow
def test_nobody_meets_half_of_a_new_capture(tmp_path: Path) -> None:
    paths = [tmp_path / f"{number}.sqlite" for number in range(20)]
    met: list[str] = []

    def look() -> None:
        for path in paths:
            while not path.exists():
                pass
            try:
                Capture.open(path).close()
            except CaptureError as error:
                met.append(error.message)

    looking = threading.Thread(target=look)
    looking.start()
    for path in paths:
        CaptureWriter(path, mode="record").close()
    looking.join()
    assert met == []


def test_what_a_killed_writer_left_is_not_in_the_way(tmp_path: Path) -> None:
    path = tmp_path / "x.sqlite"
    for leftover in ("x.sqlite.new", "x.sqlite.new-wal", "x.sqlite-wal", "x.sqlite-shm"):
        (tmp_path / leftover).write_bytes(b"left over" * 1000)
    with CaptureWriter(path, mode="record") as writer:
        writer.put(exchange(writer.reserve_id()))
    assert read(path) == [1]
    assert sorted(one.name for one in tmp_path.iterdir()) == ["x.sqlite"]


def test_while_another_program_locks_the_file_traffic_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "x.sqlite"
    with CaptureWriter(path, mode="record", patience=math.inf) as writer:
        other = sqlite3.connect(path)
        other.execute("BEGIN IMMEDIATE")
        assert writer.put(exchange(1))
        in_trouble(writer)
        counters = writer.counters()
        assert (counters.written, counters.dropped, counters.queued) == (0, 0, 1)
        assert counters.trouble.startswith("another program holds a lock on the file")
        other.rollback()
        other.close()
        assert writer.flush()
        counters = writer.counters()
        assert (counters.written, counters.dropped, counters.queued, counters.trouble) == (1, 0, 0, "")
    assert read(path) == [1]


def test_what_fits_no_more_is_lost_and_counted_by_the_trouble_not_by_the_queue(tmp_path: Path) -> None:
    path = tmp_path / "x.sqlite"
    with CaptureWriter(path, mode="record", patience=math.inf, max_queued_bytes=10_000) as writer:
        other = sqlite3.connect(path)
        other.execute("BEGIN IMMEDIATE")
        assert writer.put(exchange(1, body=b"x" * 5_000))
        in_trouble(writer)
        assert not writer.put(exchange(2, body=b"x" * 5_000))
        assert writer.put(exchange(3))  # a small one still fits
        other.rollback()
        other.close()
        counters = writer.close()
    assert {reason: n for reason, n in counters.dropped_by.items() if n} == {"locked": 1}
    assert read(path) == [1, 3]


def test_a_large_exchange_that_has_no_room_holds_up_no_small_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = CaptureFile.commit

    def full(file: CaptureFile, items: Sequence[Exchange], tally: Tally) -> None:
        if any(item.request.body for item in items):
            raise OSError(errno.ENOSPC, "No space left on device")
        commit(file, items, tally)

    path = tmp_path / "x.sqlite"
    with CaptureWriter(path, mode="record", patience=math.inf) as writer:
        with monkeypatch.context() as patch:
            patch.setattr(CaptureFile, "commit", full)
            for identity in range(1, 30):
                writer.put(exchange(identity, body=b"large" if identity % 5 == 0 else b""))
            small = [identity for identity in range(1, 30) if identity % 5]
            deadline = time.monotonic() + 60
            while read(path) != small:
                assert time.monotonic() < deadline
                time.sleep(0.01)
            assert not writer.flush(timeout=0.1)
            assert writer.counters().queued == 5
        assert writer.flush()
    assert read(path) == list(range(1, 30))


@pytest.mark.parametrize("where", ["_take", "_write"])
def test_an_error_that_nothing_foresaw_is_counted_and_the_recording_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    with CaptureWriter(tmp_path / "x.sqlite", mode="record") as writer:
        writer.put(exchange(1))
        assert writer.flush()
        with monkeypatch.context() as patch:
            patch.setattr(writer, where, lambda *_: [].pop())
            writer.put(exchange(2))
            writer.put(exchange(3))
            assert writer.flush(), "who waits is not left waiting"
        writer.put(exchange(4))
        counters = writer.close()
    assert (counters.seen, counters.written, counters.dropped_by["unwritten"]) == (4, 2, 2)
    assert (counters.queued, counters.queued_bytes) == (0, 0)
    assert counters.last_error == "an error of Retape's own (IndexError)"
    assert read(tmp_path / "x.sqlite") == [1, 4]


@pytest.mark.parametrize(("how", "to_do"), [("removed", ""), ("moved", "rename"), ("moved", "link")])
def test_a_recording_follows_its_file(tmp_path: Path, how: str, to_do: str) -> None:
    path, moved = tmp_path / "x.sqlite", tmp_path / "moved.sqlite"
    with CaptureWriter(path, mode="record") as writer:
        writer.put(exchange(writer.reserve_id()))
        assert writer.flush()
        if to_do == "rename":
            path.rename(moved)
        else:
            if to_do == "link":
                os.link(path, moved)
            path.unlink()
        for _ in range(2):
            writer.put(exchange(writer.reserve_id(), session=1))
        counters = writer.close()
    assert read(path) == [2, 3]
    with Capture.open(path) as opened:
        (session,) = opened.sessions()
        assert session.meta["follows"] == {"file": "x.sqlite", "why": how}
        assert opened.damage() == []
    if how == "moved":
        assert (counters.seen, counters.written, counters.dropped) == (3, 3, 0)
        assert counters.files == ((str(moved), 1), (str(path), 1))
        with Capture.open(moved) as opened:
            assert opened.check() == []
            assert opened.count() == 1
        assert (session.seen, session.written) == (2, 2)
    else:
        assert (counters.seen, counters.written, counters.dropped) == (3, 2, 1)
        assert (session.seen, session.written, session.dropped) == (3, 2, 1)
    assert sorted(file.name for file in tmp_path.iterdir()) == sorted({path.name, *([moved.name] * (how == "moved"))})


def test_a_run_does_not_follow_its_file(tmp_path: Path) -> None:
    path = tmp_path / "x.sqlite"
    with CaptureWriter(path, mode="replay") as writer:
        path.unlink()
        writer.put(exchange(1))
        assert writer.flush()
    assert not path.exists()


@pytest.mark.parametrize("kind", ["pipe", "device", "folder"])
def test_what_is_no_file_is_refused_and_left_alone(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "out"
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    else:
        path = Path("/dev/full")
    before = path.stat().st_mode
    with pytest.raises(NotACapture):
        CaptureWriter(path, mode="record")
    assert path.stat().st_mode == before
    assert not Path(f"{path}.lock").exists()


def test_nothing_is_recorded_into_a_run(tmp_path: Path) -> None:
    path = tmp_path / "run.sqlite"
    CaptureWriter(path, mode="replay").close()
    with pytest.raises(CaptureError, match="is a run"):
        CaptureWriter(path, mode="record")
    assert not is_being_written(path)


@pytest.mark.slow
def test_who_waits_for_room_waits_no_longer_than_the_patience_with_the_file(tmp_path: Path) -> None:
    path = tmp_path / "x.sqlite"
    with CaptureWriter(path, mode="record", blocks=True, patience=0.5, max_queued_bytes=10_000) as writer:
        other = sqlite3.connect(path)
        other.execute("BEGIN IMMEDIATE")
        for identity in range(1, 5):
            assert writer.put(exchange(identity, body=b"x" * 5_000))  # what has begun is taken
        assert writer.is_full()
        assert writer.flush()  # given up
        assert not writer.is_full()
        assert writer.counters().dropped_by["locked"] == 4
        other.rollback()
        other.close()
        writer.put(exchange(5))
    assert read(path) == [5]


def test_who_need_not_wait_is_refused_only_while_the_file_cannot_be_written(tmp_path: Path) -> None:
    path = tmp_path / "x.sqlite"
    patience = float("inf")
    with CaptureWriter(
        path, mode="record", blocks=True, spills=True, patience=patience, max_queued_bytes=10_000
    ) as writer:
        other = sqlite3.connect(path)
        other.execute("BEGIN IMMEDIATE")
        for identity in (1, 2, 3):
            assert writer.put(exchange(identity, body=b"x" * 5_000))  # nothing is known to be wrong
        in_trouble(writer)
        assert not writer.is_full()
        assert not writer.put(exchange(4, body=b"x" * 5_000))
        assert writer.counters().dropped_by["locked"] == 1
        other.rollback()
        other.close()
        assert writer.flush(30)
        assert writer.put(exchange(5, body=b"x" * 5_000))
    assert read(path) == [1, 2, 3, 5]


def test_who_cannot_wait_for_the_end_gets_a_count(tmp_path: Path) -> None:
    path, may = tmp_path / "x.sqlite", threading.Event()

    def slow(one: Exchange) -> Exchange:
        assert one.id < 3 or may.wait(60)
        return one

    with CaptureWriter(path, mode="record", blocks=True, prepare=slow, max_queued_bytes=10_000) as writer:
        writer.put(exchange(1))
        writer.begin(exchange(2))
        assert writer.flush(30)
        for identity in range(3, 9):
            writer.put(exchange(identity, body=b"x" * 5_000))
        writer.put(exchange(2))  # what is in the file of it stays, as one that is open
        assert writer.is_full()
        writer.give_up()
        assert not writer.is_full(), "what is still told is taken, and counted"
        may.set()
    counters = writer.counters()
    assert (counters.seen, counters.written, counters.dropped_by["given_up"], counters.queued) == (8, 2, 6, 0)
    assert "asked to end" in counters.last_error
    assert read(path) == [1, 2]
    with Capture.open(path) as opened:
        assert opened.check() == [
            "session 1 dropped 6 of 8 exchanges",
            "1 exchanges were still open when they were last written",
        ]


@pytest.mark.parametrize("how", ["removed", "replaced", "overwritten"])
@pytest.mark.parametrize("goes_on", [True, False])
def test_nothing_is_left_beside_a_file_that_is_gone(tmp_path: Path, how: str, goes_on: bool) -> None:
    path, another = tmp_path / "x.sqlite", b"another" * 100
    with CaptureWriter(path, mode="record", rotation=Rotation(size=10**9)) as writer:
        for _ in range(5):
            writer.put(exchange(writer.reserve_id()))
        assert writer.flush()
        if how != "overwritten":
            path.unlink()
        if how != "removed":
            path.write_bytes(another)
        if goes_on:
            writer.put(exchange(writer.reserve_id()))
            assert writer.flush()
    counters = writer.counters()
    assert counters.dropped == 5
    assert counters.written == goes_on
    assert not list(tmp_path.glob("x.sqlite-*")), "its log would be taken for one of the next file of its name"
    assert len(list(tmp_path.glob("x-*.sqlite"))) == goes_on
    assert how == "removed" or path.read_bytes() == another
