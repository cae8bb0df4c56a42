"""How much a busy machine delays what should happen at once, for tests of promises about time.

"At most the last second is lost" is a promise of the program, not of the disk and the scheduler below it: a second in
which the machine did nothing for anybody is not the program's. So such a test measures, beside what it tests, how long
the same machine takes for a small write that reaches the disk, and allows for it.
"""

from __future__ import annotations

import os
import tempfile
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Self

STEP = 0.02  # seconds between two writes
FACTOR = 5  # a commit under load takes several turns of several processes


class Pace:
    """A thread that writes a byte to the disk of ``folder`` again and again, as long as the context lasts."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._over = threading.Event()
        self._longest = 0.0
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join(60)

    def _run(self) -> None:
        with tempfile.TemporaryFile(dir=self._folder, buffering=0) as file:
            while not self._over.is_set():
                began = time.monotonic()
                time.sleep(STEP)
                file.write(b"x")
                os.fsync(file.fileno())
                self._longest = max(self._longest, time.monotonic() - began - STEP)

    def allowed(self, seconds: float) -> float:
        """``seconds``, and what the machine is to be forgiven."""
        return seconds + FACTOR * self._longest
