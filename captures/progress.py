"""How far a long pass over a capture has come, on one line of a terminal; elsewhere nothing is said."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self, TextIO

EVERY = 0.2  # seconds


class Pass:
    """Call it with how many of ``total`` are done. As a context manager it leaves no line behind."""

    def __init__(
        self, what: str, total: int, stream: TextIO | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._what, self._total, self._clock = what, total, clock
        self._stream = stream or sys.stderr
        self._shown = self._stream.isatty()
        self._next = clock() + EVERY * 5  # what is done within a second needs no word
        self._width = 0

    def __call__(self, done: int) -> None:
        """``done`` are done."""
        now = self._clock()
        if not self._shown or now < self._next:
            return
        self._next = now + EVERY
        share = f" ({done * 100 // self._total} %)" if self._total else ""
        text = f"{self._what}: {done:,}{f' of {self._total:,}' if self._total else ''}{share}"
        self._stream.write("\r" + text.ljust(self._width))
        self._stream.flush()
        self._width = len(text)

    def clear(self) -> None:
        """Take the line away, for something else to be printed."""
        if self._width:
            self._stream.write("\r" + " " * self._width + "\r")
            self._stream.flush()
            self._width = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.clear()
