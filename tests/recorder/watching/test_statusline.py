"""The line on a terminal (a real one), and the lines in a log."""

from __future__ import annotations

import io
import os
import pty
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from recorder.watching.statusline import StatusLine
from recorder.watching.words import duration, fitted, parts
from tests.corpus import each
from tests.recorder.conftest import answering, ask, until

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Shown:
    """A line with a clock of its own."""

    def __init__(self, out: io.StringIO, width: int = 120, **environment: str) -> None:
        self.at = 1000.0
        self.out = out
        self.line = StatusLine(out, environment, lambda: self.at, lambda: width)
        self.line.begin()

    def after(self, seconds: float, **counters: Any) -> str:
        """What is written when ``counters`` come after ``seconds``."""
        self.at += seconds
        before = len(self.out.getvalue())
        self.line(counters)
        return self.out.getvalue()[before:]


def test_on_a_terminal_one_line_is_kept_up_to_date(tmp_path: Path) -> None:
    file = tmp_path / "x.sqlite"
    file.write_bytes(b"x" * 1500)
    Path(f"{file}-wal").write_bytes(b"x" * 500)
    shown = Shown(Terminal())
    text = shown.after(1, seen=30, written=28, open=3, queued=2, lag=0.2, files=[["gone", 1], [str(file), 1]])
    assert text == "\r\x1b[K1 s · 28 written · 30 seen · 30/s · 3 open · 2 queued · 2.0 kB"
    text = shown.after(64, seen=30, written=30, open=0, lag=4.4)
    assert text == "\r\x1b[K1:05 · 30 written · 0/s · 0 open · lag 4 s"
    before = len(shown.out.getvalue())
    shown.line.clear()
    shown.line.clear()
    assert shown.out.getvalue()[before:] == "\r\x1b[K", "there is one line to clear"


def test_a_loss_is_red_unless_colour_is_not_wanted() -> None:
    lossy = {"seen": 9, "written": 4, "dropped": 5, "dropped_by": {"queue_full": 3, "disk_full": 2, "locked": 0}}
    assert "\x1b[31m5 DROPPED (queue full 3, disk full 2)\x1b[0m" in Shown(Terminal()).after(1, **lossy)
    plain = Shown(Terminal(), NO_COLOR="1").after(1, **lossy)
    assert plain.startswith("\r\x1b[K1 s · 4 written · 5 DROPPED (queue full 3, disk full 2)")
    assert plain.count("\x1b") == 1


WIDE = "2 d 3:00:07 · 1,234,567 written · 5 DROPPED (disk full) · 1,234,572 seen · 33/s"


@each(
    ("width", "text"),
    [
        (200, f"{WIDE} · 2 open · lag 9 s · 1.5 GB"),
        (90, f"{WIDE} · lag 9 s"),
        (60, "2 d 3:00:07 · 1,234,567 written · 5 DROPPED (disk full)"),
        (45, "1,234,567 written · 5 DROPPED (disk full)"),
        (20, "1,234,567 written"),
        (10, "1,234,567…"),
        (1, "…"),
        (0, ""),
    ],
)  # fmt: skip
def test_what_matters_most_stays_on_a_narrow_terminal(width: int, text: str) -> None:
    counters = {
        "seen": 1_234_572,
        "written": 1_234_567,
        "dropped": 5,
        "dropped_by": {"disk_full": 5},
        "open": 2,
        "lag": 9.0,
    }
    assert fitted(parts(counters, 183_607, 33.2, 1_500_000_000), width) == text
    assert len(text) <= width


def test_a_log_gets_a_line_a_minute_and_one_at_once_when_a_loss_begins() -> None:
    shown = Shown(io.StringIO())
    assert shown.after(1, seen=1, written=1) == ""
    assert shown.after(59, seen=2, written=2) == "1:00, 2 written, 0.0/s, 0 open\n"
    assert shown.after(10, seen=9, written=2) == ""
    lossy = {"dropped": 3, "dropped_by": {"queue_full": 3}}
    told = "warning: exchanges are being lost: 1:11, 2 written, 3 DROPPED (queue full), 9 seen, 0.6/s, 0 open\n"
    assert shown.after(1, seen=9, written=2, **lossy) == told
    assert shown.after(1, seen=9, written=2, dropped=4) == "", "the loss goes on: that is in the next line"
    assert "4 DROPPED" in shown.after(60, seen=9, written=2, dropped=4)
    assert shown.after(1, seen=9, written=2, dropped=5).startswith("warning: "), "a new one"


def test_a_dumb_terminal_is_a_log() -> None:
    assert Shown(Terminal(), TERM="dumb").after(1, seen=1, written=1) == ""


def test_what_the_system_says_cannot_move_the_cursor() -> None:
    assert "\x1b[2J" not in Shown(Terminal(), NO_COLOR="1").after(1, trouble="no \x1b[2J room")


def test_a_terminal_that_has_gone_is_no_trouble() -> None:
    out = Terminal()
    shown = Shown(out)
    out.close()
    shown.line({"written": 1})


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0 s"), (59.9, "59 s"), (60, "1:00"), (3725, "1:02:05"), (86_400, "1 d 0:00:00")]
)
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.slow
def test_a_real_recorder_on_a_real_terminal(tmp_path: Path, lab: Any) -> None:
    origin = lab.origin(answering(OK))
    ours, theirs = pty.openpty()
    environment = {**os.environ, "RETAPE_STATE_DIR": str(tmp_path / "state"), "TERM": "xterm", "COLUMNS": "100"}
    process = subprocess.Popen(
        [sys.executable, "-m", "retape", "record", "-o", "x.sqlite", "--inbound", f"0=http://127.0.0.1:{origin}"],
        cwd=tmp_path, env=environment, stderr=theirs, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    os.close(theirs)
    seen = bytearray()
    reader = threading.Thread(target=_read, args=(ours, seen.extend), daemon=True)
    reader.start()
    try:
        until(lambda: b"Stop with Ctrl-C" in seen, "the recorder's start")
        port = int(seen.partition(b"inbound     http://127.0.0.1:")[2].split()[0])
        assert ask(port, b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").endswith(b"ok")
        until(lambda: b"1 written" in seen, "the line")
    finally:
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0
        reader.join(10)
        os.close(ours)
    last = seen.rpartition(b"1 written")[2]
    assert b"\r\x1b[KStopping: interrupted.\r\n" in last, "the line makes room for what is said next"


def _read(descriptor: int, take: Callable[[bytes], object]) -> None:
    while True:
        try:
            chunk = os.read(descriptor, 4096)
        except OSError:  # EIO: nobody has the other end
            return
        if not chunk:
            return
        take(chunk)


def test_what_is_left_out_on_purpose_is_shown() -> None:
    counted = {"written": 5, "left_out": 2, "left_out_calls": 1, "sampled_out": 1_000, "sampled_out_calls": 0}
    assert [part.text for part in parts(counted)][:2] == ["5 written", "1,003 left out"]
    assert not any("left out" in part.text for part in parts({"written": 5, "left_out": 0}))
