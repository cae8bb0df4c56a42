"""Whatever goes wrong with the capture while it is recorded: the traffic flows, and what is lost is counted.

Real processes, real traffic. Every client gets every byte; what the file says of itself is what is in it.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
import termios
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from captures.model import Session
from captures.service import free_port
from captures.store import Capture
from tests.recorder.conftest import Lab, head, until
from tests.recorder.running import Recorder, Start, descendants, gone, traffic

pytestmark = pytest.mark.slow

SIZE = 20_000


def answer(path: str) -> bytes:
    """What the service answers: bytes of each path's own that do not compress."""
    body = bytes(i ^ j for i, j in zip(os_random(path), PAD, strict=True))
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % SIZE + body


PAD = os.urandom(SIZE)


def os_random(path: str) -> bytes:
    return (path.encode() * (SIZE // len(path) + 1))[:SIZE]


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    path = (await head(reader)).split()[1].decode()
    writer.write(answer(path))
    await writer.drain()


@pytest.fixture
def recorder(lab: Lab, start: Start) -> Recorder:
    """A recorder in front of the service."""
    started: Recorder = start("--inbound", f"0=http://127.0.0.1:{lab.origin(serve)}")
    started.event("ready")
    return started


def last_session(path: Path) -> tuple[Session, int]:
    """The last session of the capture at ``path``, and how many exchanges of it are there. The file must be whole."""
    with Capture.open(path) as capture:
        assert capture.damage() == []
        session = capture.sessions()[-1]
        return session, sum(1 for _ in capture.exchanges(session=session.id))


def events(recorder: Recorder, name: str) -> list[dict[str, Any]]:
    return [event for event in list(recorder.events) if event["event"] == name]


def test_a_disk_that_is_full_for_a_while_loses_nothing(lab: Lab, start: Start) -> None:
    def small_disk() -> None:  # the kernel's way of a small disk, which needs no right to mount one
        resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, resource.RLIM_INFINITY))

    recorder = start("--inbound", f"0=http://127.0.0.1:{lab.origin(serve)}", preexec_fn=small_disk)
    with traffic(recorder.port("inbound"), answer) as running:
        until(lambda: events(recorder, "trouble"), "the trouble")
        running.more(50)
        for pid in descendants(recorder.process.pid):
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        until(lambda: events(recorder, "trouble")[-1]["why"] == "", "the end of the trouble")
        seen = running.end()
    code, text = recorder.end()
    assert (code, text) == (0, "")
    session, there = last_session(recorder.capture)
    assert (session.seen, session.written, session.dropped, there) == (seen, seen, 0, seen)
    assert session.ended is not None


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 3 MB."""
    folder = tmp_path / "tiny"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("mounting needs root; the test above has the same by a limit")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_disk_that_stays_full(lab: Lab, start: Start, tiny_disk: Path) -> None:
    recorder = start("--inbound", f"0=http://127.0.0.1:{lab.origin(serve)}", into=tiny_disk)
    with traffic(recorder.port("inbound"), answer) as running:
        until(lambda: events(recorder, "trouble"), "the trouble")
        running.more(50)
        seen = running.end()
    code, text = recorder.end()
    assert code == 3
    session, there = last_session(recorder.capture)
    assert (session.seen, session.written, session.dropped) == (seen, there, seen - there)
    assert session.dropped >= 50
    assert session.ended is not None  # for the last counters a little room was kept
    lost = f"{session.dropped} of {seen} exchanges could not be written to {recorder.capture}"
    assert text.startswith(f"retape: {lost}: the disk is full")
    assert "hint: Make room on the disk" in text
    assert recorder.events[-1]["dropped_by"] == {"disk_full": session.dropped}


@pytest.mark.parametrize("let_go", [True, False])
def test_a_file_that_another_program_locks(recorder: Recorder, let_go: bool) -> None:
    with traffic(recorder.port("inbound"), answer) as running:
        running.more(5)
        until(lambda: len(recorder.exchanges()) >= 5, "the first on disk")
        other = sqlite3.connect(recorder.capture, isolation_level=None)
        other.execute("BEGIN EXCLUSIVE")
        until(lambda: events(recorder, "trouble"), "the trouble")
        running.more(30)
        if let_go:
            other.execute("ROLLBACK")
            other.close()
            until(lambda: events(recorder, "trouble")[-1]["why"] == "", "the end of the trouble")
        seen = running.end()
    code, text = recorder.end()
    done = recorder.events[-1]
    assert done["seen"] == seen
    if let_go:
        assert (code, text, done["dropped"]) == (0, "", 0)
        with Capture.open(recorder.capture) as capture:
            assert capture.check() == []
            assert capture.count() == seen
        return
    other.execute("ROLLBACK")
    other.close()
    assert code == 3
    assert "another program holds a lock on the file" in text
    assert "hint: Close the other program" in text
    assert done["dropped_by"] == {"locked": done["dropped"]}
    session, there = last_session(recorder.capture)
    assert (session.written, there) == (done["written"], seen - done["dropped"])
    assert session.ended is None  # nothing could be written down any more, and `capture verify` says so


def test_permissions_that_are_taken_away_harm_nothing(recorder: Recorder) -> None:
    with traffic(recorder.port("inbound"), answer) as running:
        running.more(5)
        recorder.capture.chmod(0o400)
        recorder.capture.parent.chmod(0o500)
        running.more(20)
        seen = running.end()
    code, text = recorder.end()
    recorder.capture.parent.chmod(0o700)
    assert (code, text) == (0, "")
    with Capture.open(recorder.capture) as capture:
        assert capture.count() == seen


def test_a_file_that_is_removed(recorder: Recorder) -> None:
    with traffic(recorder.port("inbound"), answer) as running:
        running.more(20)
        until(lambda: len(recorder.exchanges()) >= 20, "some on disk")
        recorder.capture.unlink()
        until(recorder.capture.exists, "another file")
        running.more(20)
        seen = running.end()
    code, text = recorder.end()
    assert code == 3
    session, there = last_session(recorder.capture)
    assert (session.seen, session.written, session.dropped) == (seen, there, seen - there)
    assert 0 < session.dropped < seen - 20 + 2  # what came later is there
    assert session.meta["follows"] == {"file": "cli.sqlite", "why": "removed"}
    assert f"retape: {session.dropped} of {seen} exchanges are lost, which were written to" in text
    assert recorder.events[-1]["dropped_by"] == {"file_removed": session.dropped}


def test_a_file_that_is_moved_is_completed_there(recorder: Recorder) -> None:
    moved = recorder.capture.with_name("yesterday.sqlite")
    with traffic(recorder.port("inbound"), answer) as running:
        running.more(20)
        recorder.capture.rename(moved)
        until(recorder.capture.exists, "another file")
        running.more(20)
        seen = running.end()
    code, text = recorder.end()
    assert (code, text) == (0, "")
    (first, some), (second, rest) = last_session(moved), last_session(recorder.capture)
    assert (first.written, second.written, some + rest) == (some, rest, seen)
    assert first.seen + second.seen == seen
    assert first.ended is not None
    assert second.meta["follows"] == {"file": "cli.sqlite", "why": "moved"}
    assert recorder.events[-1]["files"] == [str(moved), str(recorder.capture)]
    assert recorder.events[-1]["inbound"] == seen
    assert sorted(file.name for file in moved.parent.glob("*.sqlite*")) == ["cli.sqlite", "yesterday.sqlite"]


@pytest.mark.parametrize("how", ["replaced", "overwritten", "cut"])
def test_what_another_program_put_in_its_place_is_left_alone(recorder: Recorder, how: str) -> None:
    notes = b"notes to self, nothing more " * 9
    with traffic(recorder.port("inbound"), answer) as running:
        running.more(20)
        until(lambda: len(recorder.exchanges()) >= 20, "the first on disk")
        if how == "replaced":
            recorder.capture.with_name("new").write_bytes(notes)
            recorder.capture.with_name("new").replace(recorder.capture)
        elif how == "overwritten":
            recorder.capture.write_bytes(notes)
        else:
            os.truncate(recorder.capture, 0)
        until(lambda: events(recorder, "next-file"), "another file")
        running.more(20)
        seen = running.end()
    code, _ = recorder.end()
    assert code == 3
    following = Path(events(recorder, "next-file")[0]["capture"])
    assert following.name.startswith("cli-20")
    session, there = last_session(following)
    assert (session.seen, session.written, session.dropped) == (seen, there, seen - there)
    assert session.dropped >= 20
    assert recorder.events[-1]["files"] == [str(following)]
    assert recorder.capture.read_bytes() == (b"" if how == "cut" else notes)


def test_a_folder_that_is_gone_for_a_while(lab: Lab, start: Start, tmp_path: Path) -> None:
    folder = tmp_path / "captures"
    folder.mkdir()
    recorder = start("--inbound", f"0=http://127.0.0.1:{lab.origin(serve)}", into=folder)
    with traffic(recorder.port("inbound"), answer) as running:
        running.more(20)
        until(lambda: len(recorder.exchanges()) >= 20, "the first on disk")
        shutil.rmtree(folder)
        until(lambda: events(recorder, "trouble"), "the trouble")
        assert events(recorder, "trouble")[0]["why"].startswith("the folder of the capture is gone")
        running.more(20)
        folder.mkdir()
        until(lambda: events(recorder, "trouble")[-1]["why"] == "", "the end of the trouble")
        running.more(5)
        seen = running.end()
    code, _ = recorder.end()
    assert code == 3
    session, there = last_session(recorder.capture)
    assert (session.seen, session.written, session.dropped) == (seen, there, seen - there)
    assert there >= 25  # what came while the folder was gone waited in memory
    assert recorder.events[-1]["dropped_by"] == {"file_removed": session.dropped}


def test_a_folder_that_stays_gone(lab: Lab, start: Start, tmp_path: Path) -> None:
    folder = tmp_path / "captures"
    folder.mkdir()
    recorder = start("--inbound", f"0=http://127.0.0.1:{lab.origin(serve)}", into=folder)
    with traffic(recorder.port("inbound"), answer) as running:
        running.more(5)
        shutil.rmtree(folder)
        running.more(10)
        seen = running.end()
    code, text = recorder.end()
    assert code == 3
    assert "vanished while it was being recorded: all it held is lost" in text
    assert f"({seen} exchanges of this session)" in text
    assert not folder.exists()


@pytest.mark.parametrize("how", [shutil.rmtree, lambda folder: folder.chmod(0o000)])
def test_a_state_folder_that_goes_while_recording(recorder: Recorder, how: Callable[[Path], None]) -> None:
    with traffic(recorder.port("inbound"), answer) as running:
        running.more(5)
        how(recorder.capture.parent / "state")
        running.more(10)
        seen = running.end()
    assert recorder.end() == (0, "")
    assert len(recorder.exchanges()) == seen


def test_a_state_folder_that_cannot_be_made(start: Start) -> None:
    code, text = start("--outbound", "0", env={"RETAPE_STATE_DIR": "/proc/nowhere"}).end(None)
    assert code == 2
    assert "The state folder /proc/nowhere cannot be made" in text
    assert "hint: Set RETAPE_STATE_DIR" in text


def test_a_hang_up_ends_a_recording_in_good_order(recorder: Recorder) -> None:
    with traffic(recorder.port("inbound"), answer) as running:
        running.more(5)
        seen = running.end()
    assert recorder.end(signal.SIGHUP) == (0, "")
    session, there = last_session(recorder.capture)
    assert (there, session.written) == (seen, seen)
    assert session.ended is not None


def test_a_terminal_that_is_closed_takes_nothing_along(lab: Lab, tmp_path: Path) -> None:
    port, capture = free_port(), tmp_path / "shop.sqlite"
    ours, terminal = os.openpty()
    argv = ["record", "--inbound", f"{port}=http://127.0.0.1:{lab.origin(serve)}", "-o", str(capture)]
    process = subprocess.Popen(
        [sys.executable, "-m", "retape", *argv], stdin=terminal, stdout=terminal, stderr=terminal,
        start_new_session=True, preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        env={**os.environ, "RETAPE_STATE_DIR": str(tmp_path)},
    )  # fmt: skip
    os.close(terminal)
    shown = b""
    while b"Stop with Ctrl-C" not in shown:
        shown += os.read(ours, 4096)
    with traffic(port, answer) as running:
        running.more(5)
        seen = running.end()
    children = descendants(process.pid)
    os.close(ours)  # the kernel hangs up, and nothing can be printed any more
    process.wait(60)
    assert all(map(gone, children))
    session, there = last_session(capture)
    assert (there, session.written) == (seen, seen)
    assert session.ended is not None
