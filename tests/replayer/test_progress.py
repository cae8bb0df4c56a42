from __future__ import annotations

import io
from pathlib import Path

from replayer.events import Distrusted, ExchangeDone, Finished, Notice, Passed, Started, StubMiss, TargetDied
from replayer.progress import Progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


EVENTS = (
    Notice("the capture is still being recorded"),
    Started(1200, "http://127.0.0.1:1", Path("run.sqlite")),
    ExchangeDone(1, 1, "GET /", 200, None, 0.1, 1, 1200),
    *(StubMiss(f"GET http://a.test/{number}", 1, 9) for number in range(8)),
    Distrusted("pay.test:443", "unknown ca"),
    Passed(2, "it is a tunnel", 1200, 1200),
    TargetDied("the target stopped answering"),
    Finished(Path("run.sqlite"), 1, 1199, ()),
)


def shown(stream: io.StringIO, *, quiet: bool = False) -> str:
    progress = Progress(stream, quiet=quiet, clock=lambda: 0.0)
    for event in EVENTS:
        progress(event)
    return stream.getvalue()


def test_plain_lines_where_nobody_watches() -> None:
    text = shown(io.StringIO())
    assert "\r" not in text
    assert text.count("no recorded call answers") == 5
    assert "replaying 1,200 exchanges against http://127.0.0.1:1" in text
    assert "does not trust" in text
    assert text.endswith("1 exchange replayed, 1199 not, 8 calls without a recorded answer; the run is run.sqlite\n")


def test_a_counter_in_a_terminal_and_only_trouble_when_quiet() -> None:
    assert "1200/1200" in shown(Terminal())
    quiet = shown(Terminal(), quiet=True)
    assert "replaying" not in quiet
    assert "\r" not in quiet
    assert "stopped answering" in quiet
