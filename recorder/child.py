"""The parent's end of a child process: starts it, reads its events, tells it what to do."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, Self

Event = Mapping[str, Any]
LAST_LINES = 20


class ChildProcess:
    """One that runs. ``hear`` gets its events, on a thread; the last one is ``{"event": "exited", "code": ...}``."""

    def __init__(self, process: subprocess.Popen[bytes], hear: Callable[[Event], None]) -> None:
        self._process = process
        self._hear = hear
        self._tail: deque[str] = deque(maxlen=LAST_LINES)
        self._threads = [
            threading.Thread(target=self._read_errors, args=(process.stderr,), daemon=True),
            threading.Thread(target=self._read_events, args=(process.stdout,), daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    @classmethod
    def start(cls, module: str, hear: Callable[[Event], None], lines: Sequence[int] = ()) -> Self:
        """Start ``module``'s ``main`` and hand it the file descriptors ``lines``; it waits for its plan.

        It gets a session of its own: a Ctrl-C in the terminal is for the parent to interpret. ``-P`` and the explicit
        path keep a ``recorder.py`` in the working directory from being taken for ours.
        """
        house = str(Path(__file__).resolve().parent.parent)
        code = f"import sys; sys.path.insert(0, {house!r}); from {module} import main; sys.exit(main())"
        process = subprocess.Popen(
            [sys.executable, "-O", "-P", "-c", code, *map(str, lines)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
            pass_fds=lines,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
        return cls(process, hear)

    def plan(self, line: bytes) -> None:
        """Hand it its plan, before any command."""
        self._write(line)

    def send(self, command: str) -> None:
        """One of its commands. A process that is gone shows in the events, not here."""
        self._write(command.encode() + b"\n")

    def last_words(self) -> str:
        """The last lines it wrote to stderr."""
        return "\n".join(self._tail)

    def kill(self) -> None:
        """End it at once."""
        self._process.kill()

    def end(self, timeout: float, progress: Callable[[], object] = lambda: None) -> int:
        """Close its stdin (after it was told to stop), wait, kill it after ``timeout`` seconds; its exit code.

        As long as ``progress`` says something else after that time, it is waited for as long again.
        """
        stdin = self._process.stdin
        if stdin is not None:
            with suppress(OSError):
                stdin.close()
        seen = progress()
        code = self._wait(timeout)
        while code is None and seen != (seen := progress()):
            code = self._wait(timeout)
        if code is None:
            self._process.kill()
            code = self._process.wait()
        for thread in self._threads:
            thread.join(2.0)
        for stream in (self._process.stdout, self._process.stderr):
            if stream is not None:
                stream.close()
        return code

    def _wait(self, timeout: float) -> int | None:
        try:
            return self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            return None

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
                    self._tell(event)
        self._tell({"event": "exited", "code": self._process.wait()})

    def _tell(self, event: Event) -> None:
        try:
            self._hear(event)
        except Exception as error:  # noqa: BLE001 - without this thread nobody would hear that the process has ended
            self._tail.append(f"its event {event.get('event')!r} was not understood ({type(error).__name__})")

    def _read_errors(self, source: IO[bytes] | None) -> None:
        for line in source or ():
            self._tail.append(line.decode("utf-8", "replace").rstrip())
            if os.environ.get("RETAPE_DEBUG"):
                sys.stderr.write(line.decode("utf-8", "replace"))
