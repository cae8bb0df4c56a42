from __future__ import annotations

import io
import re
from pathlib import Path

import pytest

from captures.model import FailureKind
from replayer.events import (
    Beat,
    Distrusted,
    ExchangeDone,
    Finished,
    Notice,
    Passed,
    Started,
    Stopping,
    StubMiss,
    TargetDied,
)
from replayer.progress import Progress, _seconds


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


RUN = Path("run.sqlite")
EVENTS = (
    Notice("the capture is still being recorded"),
    Started(1200, "http://127.0.0.1:1", RUN),
    ExchangeDone(1, 1, "GET /", 200, None, 0.1, 1, 1200),
    *(StubMiss(f"GET http://a.test/{number}", 1, 9) for number in range(8)),
    Distrusted("pay.test:443", "unknown ca"),
    Passed(2, "it is a tunnel", 1200, 1200),
    TargetDied("the target stopped answering"),
    Stopping(),
    Finished(RUN, 1, 1199, ()),
)


def shown(stream: io.StringIO, *, quiet: bool = False) -> str:
    progress = Progress(stream, quiet=quiet, clock=lambda: 0.0)
    for event in EVENTS:
        progress(event)
    return stream.getvalue()


def paced(stream: io.StringIO, seconds: int) -> str:
    """100 exchanges a second, every tenth of which fails and each of which is 12 ms late, and a beat each second."""
    now = 0.0
    progress = Progress(stream, clock=lambda: now)
    progress(Started(10_000, "http://127.0.0.1:1", RUN))
    for number in range(1, seconds * 100 + 1):
        now = number / 100
        failure = FailureKind.RESET if number % 10 == 0 else None
        progress(ExchangeDone(number, number, "GET /", 200, failure, 0.1, number, 10_000, 0.012))
        if number % 100 == 0:
            progress(Beat(number, 10_000))
    return stream.getvalue()


def test_plain_lines_where_nobody_watches() -> None:
    text = shown(io.StringIO())
    assert "\r" not in text
    assert text.count("no recorded call answers") == 5
    assert "replaying 1,200 exchanges against http://127.0.0.1:1" in text
    assert "does not trust" in text
    assert "Ctrl-C once more" in text
    assert text.endswith("1 exchange replayed, 1199 not, 8 calls without a recorded answer; the run is run.sqlite\n")


def test_a_call_is_no_command_to_a_runner() -> None:
    stream = io.StringIO()
    Progress(stream)(StubMiss("GET http://a.test/##[add-mask]retape", 1, None))
    assert "##[" not in stream.getvalue()


def test_a_counter_in_a_terminal_and_only_trouble_when_quiet() -> None:
    assert "1200/1200" in shown(Terminal())
    quiet = shown(Terminal(), quiet=True)
    assert "replaying" not in quiet
    assert "\r" not in quiet
    assert "stopped answering" in quiet


def test_one_line_every_ten_seconds_where_nobody_watches() -> None:
    first, *lines = paced(io.StringIO(), 35).splitlines()
    assert first.startswith("retape: replaying")
    assert lines == [
        "retape: 1,000 of 10,000 exchanges (10 %), 100/s, 100 failed, 12 ms late, 90 s left",
        "retape: 2,000 of 10,000 exchanges (20 %), 100/s, 200 failed, 12 ms late, 80 s left",
        "retape: 3,000 of 10,000 exchanges (30 %), 100/s, 300 failed, 12 ms late, 70 s left",
    ]


def test_one_line_that_stays_one_in_a_terminal() -> None:
    text = paced(Terminal(), 3)
    assert text.count("\n") == 1
    states = text.split("\r\x1b[2K")
    assert 25 <= len(states) <= 32, "ten a second"
    assert re.fullmatch(r"(299|300)/10000, 100/s, (29|30) failed, 12 ms late, 97 s left", states[-1])


def test_time_goes_by_without_an_answer() -> None:
    now = 0.0
    stream = io.StringIO()
    progress = Progress(stream, clock=lambda: now)
    progress(Started(5, "http://127.0.0.1:1", RUN))
    for second in range(1, 22):
        now = float(second)
        progress(Beat(0, 5))
    assert stream.getvalue().splitlines()[1:] == ["retape: 0 of 5 exchanges (0 %)"] * 2


def test_the_last_line_tells_the_lag() -> None:
    stream = io.StringIO()
    Progress(stream)(Finished(RUN, 5, 0, (), {"p50": 0.001, "p99": 1.25, "max": 130.0}))
    assert "requests went out 1 ms late at the median, 1.2 s at the 99th percentile, 2 min at most" in stream.getvalue()


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 ms"), (0.0123, "12 ms"), (1.26, "1.3 s"), (60, "60 s"), (600, "10 min"), (7_500, "2 h 5 min")],
)
def test_durations(seconds: float, text: str) -> None:
    assert _seconds(seconds) == text
