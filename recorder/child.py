"""The parent's end of the proxy process: starts it, reads its events, tells it to stop."""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, Self

from recorder.plan import ProxyPlan

Event = Mapping[str, Any]
LAST_LINES = 20


class ProxyProcess:
    """``recorder.proxy`` running. Its events arrive in :attr:`events`; the last one is ``{"event": "exited", ...}``."""

    def __init__(self, process: subprocess.Popen[bytes], events: queue.SimpleQueue[Event]) -> None:
        self.events = events
        self._process = process
        self._tail: deque[str] = deque(maxlen=LAST_LINES)
        self._threads = [
            threading.Thread(target=self._read_errors, args=(process.stderr,), daemon=True),
            threading.Thread(target=self._read_events, args=(process.stdout,), daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    @classmethod
    def start(cls, plan: ProxyPlan, events: queue.SimpleQueue[Event]) -> Self:
        """Start the process and hand it ``plan``.

        It gets a session of its own: a Ctrl-C in the terminal is for the parent to interpret. ``-P`` and the explicit
        path keep a ``recorder.py`` in the working directory from being taken for ours.
        """
        house = str(Path(__file__).resolve().parent.parent)
        code = f"import sys; sys.path.insert(0, {house!r}); from recorder.proxy import main; sys.exit(main())"
        process = subprocess.Popen(
            [sys.executable, "-O", "-P", "-c", code],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
        proxy = cls(process, events)
        proxy._write(plan.to_line())
        return proxy

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def send(self, command: str) -> None:
        """One of the commands in ``recorder.proxy``. A process that is gone shows in :attr:`events`, not here."""
        self._write(command.encode() + b"\n")

    def last_words(self) -> str:
        """The last lines it wrote to stderr."""
        return "\n".join(self._tail)

    def end(self, timeout: float = 15.0) -> int:
        """Close its stdin (after it was told to stop), wait, kill it after ``timeout`` seconds; its exit code."""
        stdin = self._process.stdin
        if stdin is not None:
            with suppress(OSError):
                stdin.close()
        try:
            code = self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            self._process.kill()
            code = self._process.wait()
        for thread in self._threads:
            thread.join(2.0)
        for stream in (self._process.stdout, self._process.stderr):
            if stream is not None:
                stream.close()
        return code

    def _write(self, line: bytes) -> None:
        stdin = self._process.stdin
        if stdin is not None and not stdin.closed:
            with suppress(OSError):
                stdin.write(line)
                stdin.flush()

    def _read_events(self, source: IO[bytes] | None) -> None:
        for line in source or ():
            with suppress(ValueError):
                event = json.loads(line)
                if isinstance(event, dict):
                    self.events.put(event)
        self.events.put({"event": "exited", "code": self._process.wait()})

    def _read_errors(self, source: IO[bytes] | None) -> None:
        for line in source or ():
            self._tail.append(line.decode("utf-8", "replace").rstrip())
            if os.environ.get("RETAPE_DEBUG"):
                sys.stderr.write(line.decode("utf-8", "replace"))
