"""What goes wrong while something runs: Ctrl-C at any moment, ``kill -9``, a full disk, a capture still growing."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from captures.model import Direction
from captures.service import free_port
from captures.store import Capture
from tests.end_to_end import captures_made
from tests.end_to_end.processes import Bench, Finished, Running, read_report, wait_until
from tests.end_to_end.service import ARRIVED
from tests.pace import Pace

pytestmark = [pytest.mark.end_to_end, pytest.mark.slow]

SERVICE = Path(__file__).with_name("service.py")
COMMAND = (sys.executable, str(SERVICE), "{port}")


def serve(bench: Bench) -> str:
    """``service.py`` running; its URL."""
    port = free_port()
    bench.start(sys.executable, SERVICE, port).wait_port(port)
    return f"http://127.0.0.1:{port}"


def assert_intact(bench: Bench, path: Path, *, ended: bool = True) -> int:
    """Fail unless ``path`` opens and is sound; how many exchanges are in it."""
    verified = bench.run("capture", "verify", path)
    assert "Traceback" not in verified.stderr, str(verified)
    if ended:
        verified.expect(0)
    with Capture.open(path) as capture:
        complaints = [one for one in capture.check() if ended or "has no end" not in one]
        assert complaints == []
        return len(list(capture.exchanges()))


def on_disk(capture: Path) -> int:
    """How many inbound exchanges a capture that is being written holds so far."""
    if not capture.exists():
        return 0
    with Capture.open(capture) as growing:
        return growing.count(Direction.INBOUND)


def no_process_left(running: Running) -> None:
    """Fail when something of the process's group still runs."""

    def gone() -> bool:
        try:
            os.killpg(running.pid, 0)
        except (ProcessLookupError, PermissionError):
            return True
        return False

    wait_until(gone, f"every process of {running.argv[1]} is gone")


def ours(finished: Finished) -> bool:
    """Whether our first line ran: before it, a Ctrl-C is Python's to answer, by dying of it or with exit 1."""
    return finished.code not in (-signal.SIGINT, 1) or "retape: " in finished.stderr or "retape.py" in finished.stderr


# -- Ctrl-C ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("delay", [0.05, 0.3, 0.7, 1.2])
def test_ctrl_c_while_a_recording_starts(bench: Bench, delay: float) -> None:
    capture = bench.folder / "made.sqlite"
    running = bench.retape("record", "--inbound", "0", "-o", capture, "--", *COMMAND)
    # The moment is the thing under test: nothing tells of it from outside.
    time.sleep(delay)
    running.interrupt()
    finished = running.finished()
    if ours(finished):
        assert finished.code in (0, 130, -signal.SIGINT), str(finished)
        finished.expect(finished.code)
    no_process_left(running)
    if capture.exists() and capture.stat().st_size:
        assert_intact(bench, capture)


def test_ctrl_c_while_requests_are_open(bench: Bench) -> None:
    capture = bench.folder / "made.sqlite"
    recording = bench.record(capture, "--inbound", "0", command=COMMAND)
    with httpx.Client(base_url=recording.inbound, trust_env=False, timeout=60) as client:
        for number in range(20):
            assert client.get(f"/items/{number}").status_code == 200
    slow = bench.start(
        sys.executable, "-c",
        f"import urllib.request; print(urllib.request.urlopen({recording.inbound + '/slow/1.5'!r}).status)",
    )  # fmt: skip
    service = recording.process
    service.wait_for(lambda: any(ARRIVED in line for line in service.err), "the slow request has arrived")
    service.interrupt()  # the whole group, as a terminal does
    service.finished().expect(0)
    assert slow.finished().expect(0).stdout == "200\n", "what was open when Ctrl-C came was not let finish"
    no_process_left(service)
    assert assert_intact(bench, capture) == 21


def test_a_second_ctrl_c_does_not_wait(bench: Bench) -> None:
    capture = bench.folder / "made.sqlite"
    recording = bench.record(capture, "--inbound", "0", command=COMMAND)
    with httpx.Client(base_url=recording.inbound, trust_env=False, timeout=60) as client:
        assert client.get("/items/1").status_code == 200
    bench.start(
        sys.executable, "-c", f"import urllib.request; urllib.request.urlopen({recording.inbound + '/slow/100'!r})"
    )
    running = recording.process
    running.wait_for(lambda: any(ARRIVED in line for line in running.err), "the slow request has arrived")
    recording.process.interrupt()
    recording.process.event("stopping")
    recording.process.interrupt()
    started = time.monotonic()
    finished = recording.process.finished()
    assert finished.code in (0, 130), str(finished)
    finished.expect(finished.code)
    assert time.monotonic() - started < 60
    no_process_left(recording.process)
    assert assert_intact(bench, capture) == 2


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
def test_a_recording_without_a_command_stops_normally(bench: Bench, signum: int) -> None:
    capture = bench.folder / "made.sqlite"
    recording = bench.record(capture, "--inbound", f"0={serve(bench)}")
    with httpx.Client(base_url=recording.inbound, trust_env=False, timeout=60) as client:
        assert client.get("/items/1").status_code == 200
    recording.process.interrupt(group=False, signum=signum)
    recording.process.finished().expect(0)
    assert assert_intact(bench, capture) == 1


@pytest.mark.parametrize("moment", ["start", "service", "middle"])
def test_ctrl_c_during_a_replay(bench: Bench, moment: str) -> None:
    capture = captures_made.items(bench.folder / "items.sqlite", 40)
    slow = captures_made.slow(bench.folder / "slow.sqlite", 40, 0.2)
    before = capture.read_bytes()
    run = bench.folder / "run.sqlite"
    given = slow if moment == "middle" else capture
    running = bench.retape("replay", given, "-o", run, "--", *COMMAND)
    if moment == "start":
        time.sleep(0.15)
    elif moment == "service":
        running.wait_for(lambda: run.exists() or running.process.poll() is not None, "the run is begun")
    else:
        running.wait_for(lambda: on_disk(run) >= 3, "three exchanges are replayed")
    running.interrupt()
    finished = running.finished()
    if ours(finished):
        finished.expect(130).says("interrupted")
    no_process_left(running)
    assert capture.read_bytes() == before
    if moment == "middle":
        assert 3 <= assert_intact(bench, run) < 40
        with Capture.open(run) as kept:
            assert len(kept.skipped()) + kept.count(Direction.INBOUND) == 40, "the rest of the ledger is lost"


# -- kill -9 -----------------------------------------------------------------------------------------------------------


def test_kill_nine_loses_at_most_the_last_second(bench: Bench) -> None:
    capture = bench.folder / "made.sqlite"
    recording = bench.record(capture, "--inbound", f"0={serve(bench)}")
    sent: list[float] = []
    with Pace(bench.folder) as pace, httpx.Client(base_url=recording.inbound, trust_env=False, timeout=60) as client:
        while sum(at < time.monotonic() - pace.allowed(1.2) for at in sent) <= 60:
            assert client.get(f"/items/{len(sent)}").status_code == 200
            sent.append(time.monotonic())
            time.sleep(0.005)
        for pid in [recording.process.pid, *_children(recording.process.pid)]:
            os.kill(pid, signal.SIGKILL)
        killed = time.monotonic()
        recording.process.process.wait(60)
    older = sum(at < killed - pace.allowed(1.0) for at in sent)
    kept = assert_intact(bench, capture, ended=False)
    assert older <= kept <= len(sent)
    # The next recording goes on in the same file.
    again = bench.record(capture, "--inbound", f"0={serve(bench)}")
    with httpx.Client(base_url=again.inbound, trust_env=False, timeout=60) as client:
        assert client.get("/items/again").status_code == 200
    again.stop()
    assert assert_intact(bench, capture, ended=False) == kept + 1


def _children(pid: int) -> list[int]:
    listed = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True, check=False)
    return [int(word) for word in listed.stdout.split()]


# -- a full disk -------------------------------------------------------------------------------------------------------


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 3 MB; skips where none can be mounted."""
    folder = tmp_path / "small"
    folder.mkdir()
    if os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("mounting a small file system needs root")
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(folder)], capture_output=True, text=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"a tmpfs cannot be mounted here: {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def test_the_disk_is_full(bench: Bench, small_disk: Path) -> None:
    capture = small_disk / "made.sqlite"
    recording = bench.record(capture, "--inbound", f"0={serve(bench)}")
    with httpx.Client(base_url=recording.inbound, trust_env=False, timeout=60) as client:
        assert client.get("/items/before").status_code == 200
        wait_until(lambda: on_disk(capture) == 1, "the first exchange is on disk")
        for _ in range(40):  # 8 MB that no codec makes smaller
            answer = client.get("/big/200000")
            assert (answer.status_code, len(answer.content)) == (200, 200_000), "the traffic itself suffered"
        assert client.get("/items/after").status_code == 200
    recording.process.interrupt(group=False)
    finished = recording.process.finished(60).expect(3).says("could not be written", "full", "hint:")
    done = recording.process.event("done")
    assert done["seen"] == 42, str(finished)
    assert done["dropped"] > 0
    assert done["written"] + done["dropped"] == done["seen"]
    assert done["written"] >= 1
    with Capture.open(capture) as kept:
        assert kept.count() == done["written"]


# -- replaying while recording -----------------------------------------------------------------------------------------


def test_replaying_a_capture_that_is_still_being_recorded(bench: Bench) -> None:
    capture, report = bench.folder / "made.sqlite", bench.folder / "report.json"
    url = serve(bench)
    recording = bench.record(capture, "--inbound", f"0={url}")
    with httpx.Client(base_url=recording.inbound, trust_env=False, timeout=60) as client:
        for number in range(10):
            assert client.get(f"/items/{number}").status_code == 200
        wait_until(lambda: on_disk(capture) == 10, "ten exchanges are on disk")
        replayed = bench.run("replay", capture, "--target", url, "--report", f"json={report}").expect(0)
        replayed.says("being recorded")
        assert read_report(report)["ledger"]["recorded"] == 10
        assert client.get("/items/later").status_code == 200
    done = recording.stop()
    assert (done["written"], done["dropped"]) == (11, 0)
    assert assert_intact(bench, capture) == 11


def test_recording_into_a_capture_that_is_being_recorded(bench: Bench) -> None:
    capture = bench.folder / "made.sqlite"
    url = serve(bench)
    recording = bench.record(capture, "--inbound", f"0={url}")
    second = bench.run("record", "--inbound", f"0={url}", "-o", capture)
    second.expect(2).says(capture.name, "another retape process", "hint:")
    recording.stop()
