"""Ctrl-C with several requests under way, Ctrl-C twice, and what a CI log shows of a long replay."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from captures.model import Direction
from captures.store import Capture
from tests.end_to_end import captures_made
from tests.end_to_end.processes import RETAPE, Bench, Running, wait_until
from tests.end_to_end.test_interrupted import COMMAND, assert_intact, on_disk, serve

pytestmark = [pytest.mark.end_to_end, pytest.mark.slow]

STUBBORN = """
import os, signal, sys
from tests.end_to_end.service import Answers, ThreadingHTTPServer
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("pid", os.getpid(), flush=True)
ThreadingHTTPServer.daemon_threads = True
ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Answers).serve_forever()
"""


def stubborn(bench: Bench) -> tuple[Running, Path]:
    """A replay of forty slow exchanges to a build that ignores SIGTERM, two of them done; and its run."""
    capture = captures_made.slow(bench.folder / "slow.sqlite", 40, 0.2)
    run = bench.folder / "run.sqlite"
    running = bench.retape("replay", capture, "-o", run, "--", sys.executable, "-c", STUBBORN, "{port}")
    running.wait_for(lambda: on_disk(run) >= 2, "two exchanges are replayed")
    return running, run


def pid_of(running: Running) -> int:
    """The process of the build."""
    (line,) = [line for line in running.err if line.startswith("pid ")]
    return int(line.split()[1])


def test_ctrl_c_with_several_under_way_leaves_a_run_that_can_be_compared(bench: Bench) -> None:
    capture = captures_made.slow(bench.folder / "slow.sqlite", 60, 0.3)
    run, report = bench.folder / "run.sqlite", bench.folder / "report.json"
    several = ("--concurrency", "8", "--order", "independent")
    running = bench.retape("replay", capture, "-o", run, *several, "--", *COMMAND)
    running.wait_for(lambda: on_disk(run) >= 3, "three exchanges are replayed")
    running.interrupt()
    finished = running.finished().expect(130).says("stopping", "interrupted after", "retape diff")
    assert 3 <= assert_intact(bench, run) < 60
    with Capture.open(run) as kept:
        replayed = {one.replay_of for one in kept.exchanges(direction=Direction.INBOUND)}
        passed = {one.exchange: one.reason for one in kept.skipped()}
    assert replayed | set(passed) == set(range(1, 61))
    assert not replayed & set(passed)
    assert set(passed.values()) == {"the replay was interrupted"}
    hint = re.search(r"retape (diff \S+ \S+)", finished.stderr)
    assert hint is not None
    bench.run(*hint[1].split(), "--report", f"json={report}").expect(3)
    ledger = json.loads(report.read_text())["ledger"]
    assert (ledger["recorded"], ledger["not_replayed"]) == (60, len(passed))


def test_a_second_ctrl_c_ends_a_build_that_will_not_stop(bench: Bench) -> None:
    running, run = stubborn(bench)
    pid = pid_of(running)
    running.interrupt()
    running.wait_for(lambda: any("stopping" in line for line in running.err), "the first is told")
    os.kill(pid, 0)
    started = time.monotonic()
    running.interrupt()
    wait_until(lambda: not _alive(pid), "the build is gone")
    assert time.monotonic() - started < 4.5, "it waited for a build that ignores SIGTERM (five seconds)"
    running.finished().expect(130).says("interrupted after")
    assert 2 <= assert_intact(bench, run) < 40


def test_a_terminal_that_goes_away_ends_the_replay_and_its_build(bench: Bench) -> None:
    running, run = stubborn(bench)
    pid = pid_of(running)
    for _ in range(3):  # the shell's, the kernel's, …
        os.kill(running.pid, signal.SIGHUP)
    finished = running.finished().says("interrupted after")
    assert finished.code == 130, str(finished)  # the build may print a traceback about its client that left
    wait_until(lambda: not _alive(pid), "the build is gone")
    assert 2 <= assert_intact(bench, run) < 40


def test_a_third_ctrl_c_ends_with_130_too(bench: Bench) -> None:
    running, _ = stubborn(bench)
    running.interrupt()
    running.wait_for(lambda: any("stopping" in line for line in running.err), "the first is told")
    running.interrupt()
    running.wait_for(lambda: any("interrupted" in line for line in running.err), "it is about to end")
    with suppress(ProcessLookupError):
        running.interrupt()
    finished = running.finished()
    assert finished.code == 130, str(finished)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="there is no /proc to look into")
def test_kill_nine_takes_the_build_along(bench: Bench) -> None:
    running, run = stubborn(bench)
    pid = pid_of(running)
    os.kill(running.pid, signal.SIGKILL)

    def gone() -> bool:
        """It ignores SIGTERM; and whoever inherits it may leave it a zombie."""
        try:
            return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
        except (FileNotFoundError, ProcessLookupError):
            return True

    wait_until(gone, "the build is gone")
    assert assert_intact(bench, run, ended=False) >= 2


def test_a_line_every_ten_seconds_where_there_is_no_terminal(bench: Bench) -> None:
    capture = captures_made.slow(bench.folder / "slow.sqlite", 24, 0.5)
    finished = bench.run("replay", capture, "--target", serve(bench), "--pacing", "recorded*2").expect(0)
    lines = [line for line in finished.stderr.splitlines() if " of 24 exchanges" in line]
    assert 1 <= len(lines) <= 3, str(finished)
    assert re.fullmatch(r"retape: \d+ of 24 exchanges \(\d+ %\), .*/s, .* late, .* left", lines[0])
    finished.says("requests went out", "at the median")


def test_one_line_that_stays_current_in_a_terminal(bench: Bench) -> None:
    capture = captures_made.slow(bench.folder / "slow.sqlite", 5, 0.2)
    url = serve(bench)
    ours, theirs = pty.openpty()
    argv = [RETAPE, "replay", str(capture), "--target", url]
    process = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=theirs, env=bench.environment, cwd=bench.folder)
    os.close(theirs)
    shown = b""
    while True:
        try:
            data = os.read(ours, 65_536)
        except OSError:  # Linux says EIO where others say end of file
            break
        if not data:
            break
        shown += data
    os.close(ours)
    assert process.wait(30) == 0, shown.decode()
    assert re.search(rb"\r\x1b\[2K[1-4]/5, [\d.]+/s, .* left", shown), shown.decode()
    assert b"5 exchanges replayed" in shown


def test_the_build_dies_with_several_under_way(bench: Bench) -> None:
    capture = captures_made.items(bench.folder / "items.sqlite", 60)
    run, report = bench.folder / "run.sqlite", bench.folder / "report.json"
    several = ("--concurrency", "8", "--order", "independent", "--report", f"json={report}")
    finished = bench.run("replay", capture, "-o", run, *several, "--", *COMMAND, "--die-after", "20")
    finished.expect(3).says("the target stopped answering after", "exited with code 3")
    with Capture.open(run) as kept:
        replayed = [one.replay_of for one in kept.exchanges(direction=Direction.INBOUND)]
        passed = [one.exchange for one in kept.skipped()]
    assert sorted([*replayed, *passed]) == list(range(1, 61)), "each in one column"  # type: ignore[list-item]
    assert 20 < len(replayed) <= 20 + 8 + 1, "nothing was sent while it was found out"
    ledger = json.loads(report.read_text())["ledger"]
    assert (ledger["recorded"], ledger["not_replayed"]) == (60, len(passed))
    assert 20 - 7 <= ledger["same"] + ledger["same_by_rule"] <= 20, "seven may have been cut off with their answers"
