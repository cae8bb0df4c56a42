"""How a recording stands, on a terminal and in a log: one line that is kept up to date, or a line now and then."""

from __future__ import annotations

import os
import shutil
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, TextIO

from captures.visible import visible
from recorder.child import Event
from recorder.watching.words import Part, fitted, parts

EVERY = 60.0  # seconds between two lines where there is no terminal
RECENT = 10.0  # seconds the rate is taken over
RED, PLAIN, CLEAR = "\x1b[31m", "\x1b[0m", "\r\x1b[K"


class StatusLine:
    """Shows counters on ``out``. A terminal that has gone is no trouble of the recording's."""

    def __init__(
        self,
        out: TextIO,
        environment: Mapping[str, str] = os.environ,
        clock: Callable[[], float] = time.monotonic,
        width: Callable[[], int] = lambda: shutil.get_terminal_size().columns,
    ) -> None:
        self._out = out
        self._live = out.isatty() and environment.get("TERM") != "dumb"
        self._colour = self._live and not environment.get("NO_COLOR")  # no-color.org
        self._clock, self._width = clock, width
        self._shown = False  # the line stands there now, without an end
        self._began = self._last = clock()
        self._recent: deque[tuple[float, int]] = deque([(self._began, 0)])  # when how many were seen
        self._dropped = 0
        self._lossy = float("-inf")  # when the latest loss was noticed

    def begin(self) -> None:
        """The recording begins now."""
        self._began = self._last = self._clock()
        self._recent = deque([(self._began, 0)])

    def __call__(self, event: Event) -> None:
        """Show ``event``, the proxy's counters, where it is time to."""
        now = self._clock()
        shown = parts(event, now - self._began, self._rate(now, event.get("seen", 0)), _size(event))
        if self._live:
            text = fitted(shown, self._width() - 1)
            lost = next((one.text for one in shown if one.alarming), "")
            if self._colour and lost and lost in text:
                text = text.replace(lost, f"{RED}{lost}{PLAIN}")
            self._put(CLEAR + text)
            self._shown = True
        elif self._loses(now, event):
            self._put(f"warning: exchanges are being lost: {_joined(shown)}\n")
            self._last = now
        elif now - self._last >= EVERY:
            self._put(f"{_joined(shown)}\n")
            self._last = now

    def clear(self) -> None:
        """Make room for another line."""
        if self._shown:
            self._put(CLEAR)
            self._shown = False

    def _put(self, text: str) -> None:
        with suppress(OSError, ValueError):
            self._out.write(text)
            self._out.flush()

    def _rate(self, now: float, seen: int) -> float:
        self._recent.append((now, seen))
        while len(self._recent) > 2 and now - self._recent[1][0] >= RECENT:
            self._recent.popleft()
        since, before = self._recent[0]
        return (seen - before) / (now - since) if now > since else 0.0

    def _loses(self, now: float, event: Event) -> bool:
        """Whether a loss begins: the first one, or the first after a minute without."""
        dropped = event.get("dropped", 0)
        if dropped <= self._dropped:
            return False
        begins = now - self._lossy >= EVERY
        self._dropped, self._lossy = dropped, now
        return begins


def _joined(shown: Sequence[Part]) -> str:
    return visible(", ".join(one.text for one in shown))


def _size(event: Mapping[str, Any]) -> int | None:
    """Bytes of the file that is written to now, with its log."""
    size = None
    for path, _ in list(event.get("files") or ())[-1:]:
        for end in ("", "-wal"):
            with suppress(OSError):
                size = (size or 0) + Path(f"{path}{end}").stat().st_size
    return size
