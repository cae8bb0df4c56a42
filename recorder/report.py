"""Events of a child process to its parent: JSON lines on what was stdout."""

from __future__ import annotations

import json
import os
import threading
from contextlib import suppress
from typing import Any


class Report:
    """Writes events. A parent that is gone is noticed on stdin, not here."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        # What a library prints must not end between our lines.
        self._out = os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1)
        os.dup2(2, 1)

    def __call__(self, **event: Any) -> None:
        with self._lock, suppress(OSError, ValueError):
            self._out.write(json.dumps(event) + "\n")
