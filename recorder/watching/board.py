"""What is known of a recording while it runs: written by the recording's own thread, read by whoever asks.

Everything comes from the counters that the proxy process reports once a second anyway, so that no question reaches
the process the traffic goes through. A proxy that hangs reports nothing: that shows as age, and as ill health.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from recorder.child import Event
from recorder.settings import Settings
from recorder.succession import paths_of
from recorder.watching.observers import Deaf

STALE = 10.0  # seconds without counters after which the proxy counts as hung; it reports every second


class Phase(StrEnum):
    """Where a recording stands."""

    STARTING = "starting"
    RECORDING = "recording"
    STOPPING = "stopping"


@dataclass(frozen=True, slots=True)
class View:
    """A recording at one moment."""

    phase: Phase
    counters: Mapping[str, Any] = field(default_factory=dict)  # as the proxy process reports them (recorder.proxy)
    age: float = 0.0  # seconds since it did
    started: float = 0.0  # Unix time
    capture_bytes: int | None = None  # of all its files with their logs; None when none can be looked at
    free_bytes: int | None = None  # of the disk it is on

    @property
    def ailment(self) -> str:
        """Why this is not healthy, or nothing. Loss is no ailment: a restart would lose more."""
        if self.phase is not Phase.RECORDING:
            return self.phase.value
        return f"the proxy process has not reported for {self.age:.0f} s" if self.age > STALE else ""


class Board(Deaf):
    """Keeps the latest of everything; safe to ask from any thread."""

    def __init__(
        self, capture: Path, clock: Callable[[], float] = time.monotonic, now: Callable[[], float] = time.time
    ) -> None:
        self._clock = clock
        self._guard = threading.Lock()
        self._files = [capture]  # the one that is written to is the last one
        self._phase = Phase.STARTING
        self._untold = 0  # bytes of older files
        self._counters: Mapping[str, Any] = {}
        self._heard = clock()
        self._started = now()

    def ready(self, settings: Settings) -> None:
        """Recording from now on."""
        with self._guard:
            self._phase, self._heard = Phase.RECORDING, self._clock()

    def counters(self, event: Event) -> None:
        """The proxy is alive, and how far it is; ``files`` are those it has written that are still there."""
        files = [Path(path) for path in paths_of(event)]
        with self._guard:
            self._counters, self._heard = event, self._clock()
            self._files = files or self._files
            self._untold = (event.get("untold_files") or {}).get("bytes", 0)

    def stopping(self, why: str) -> None:
        """The end has begun."""
        with self._guard:
            self._phase = Phase.STOPPING

    def view(self) -> View:
        """Everything as it is now."""
        with self._guard:
            phase, counters, started = self._phase, self._counters, self._started
            files, untold = self._files, self._untold
            age = self._clock() - self._heard
        sizes = [size for file in files if (size := _size(file)) is not None]
        return View(phase, counters, age, started, sum(sizes) + untold if sizes else None, _free(files[-1]))


def _size(capture: Path) -> int | None:
    """Bytes of the file and of the log that SQLite keeps beside it."""
    try:
        size = capture.stat().st_size
    except OSError:
        return None
    try:
        return size + Path(f"{capture}-wal").stat().st_size
    except OSError:
        return size


def _free(capture: Path) -> int | None:
    """Bytes that we may still write on the disk of ``capture``."""
    try:
        disk = os.statvfs(capture.resolve().parent)
    except OSError:
        return None
    return disk.f_bavail * disk.f_frsize
