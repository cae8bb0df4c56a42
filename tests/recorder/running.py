"""``retape record`` as a process that a test starts, watches and ends."""

from __future__ import annotations

import itertools
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from captures.store import Capture
from tests.recorder.conftest import ask, until

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"


class Recorder:
    """A running ``retape record --format json``."""

    def __init__(self, folder: Path, *arguments: str, **options: Any) -> None:
        self.capture = options.pop("into", folder) / "cli.sqlite"
        environment = {**os.environ, "RETAPE_STATE_DIR": str(folder / "state"), **options.pop("env", {})}
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy", "NO_PROXY", "no_proxy"):
            environment.pop(name, None)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "retape", "record", "--format", "json", "-o", str(self.capture), *arguments],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=folder, env=environment, **options,
        )  # fmt: skip
        self.events: list[dict[str, Any]] = []
        self.stderr: list[str] = []
        self._threads = [threading.Thread(target=read, daemon=True) for read in (self._read_out, self._read_err)]
        for thread in self._threads:
            thread.start()

    def _read_out(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.events.append(json.loads(line))

    def _read_err(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.stderr.append(line)

    def event(self, name: str) -> dict[str, Any]:
        """The first event called ``name``, awaited."""

        def look() -> dict[str, Any] | None:
            found = next((event for event in list(self.events) if event["event"] == name), None)
            if found is None and self.process.poll() is not None and not self._threads[0].is_alive():
                pytest.fail(f"ended with {self.process.returncode} before {name!r}: {''.join(self.stderr)}")
            return found

        found: dict[str, Any] = until(look, f"the event {name!r}")
        return found

    def port(self, role: str, name: str = "") -> int:
        """Where the listener of ``role`` listens."""
        self.event("ready")
        return int(
            next(e["port"] for e in self.events if e["event"] == "listening" and (e["role"], e["name"]) == (role, name))
        )

    def proxy_pid(self) -> int:
        """The proxy process."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        commands = {int(pid): Path(f"/proc/{pid}/cmdline").read_bytes() for pid in children}
        return next(pid for pid, command in commands.items() if b"recorder.proxy" in command)

    def end(self, number: int | None = signal.SIGINT) -> tuple[int, str]:
        """Send ``number``, wait; the exit code and what was on stderr."""
        if number is not None:
            self.process.send_signal(number)
        code = self.process.wait(60)
        for thread in self._threads:
            thread.join(10)
        assert self.process.stdout is not None
        assert self.process.stderr is not None
        self.process.stdout.close()
        self.process.stderr.close()
        text = "".join(self.stderr)
        assert "Traceback" not in text
        return code, text

    def exchanges(self) -> list[Any]:
        """What is on the tape."""
        with Capture.open(self.capture) as capture:
            return list(capture.exchanges())


Start = Callable[..., Recorder]


def get(path: str, *headers: str) -> bytes:
    return "\r\n".join([f"GET {path} HTTP/1.1", "Host: shop", "Connection: close", *headers, "", ""]).encode()


def gone(pid: int) -> bool:
    """Whether process ``pid`` has ended (a zombie has, once none of its threads is left to hold files and ports)."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        return state == "Z" and len(os.listdir(f"/proc/{pid}/task")) == 1
    except OSError:
        return True


def descendants(pid: int) -> list[int]:
    """Process ``pid``'s children and theirs."""
    found = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):  # a thread that has just ended
            for child in map(int, task.read_text().split()):
                found += [child, *descendants(child)]
    return found


class Traffic:
    """Clients that ask a recorder without pause, each answer checked to the last byte."""

    def __init__(self, port: int, answer: Callable[[str], bytes], clients: int) -> None:
        self.asked = itertools.count()
        self.answered: dict[str, float] = {}  # path -> when its answer was complete; monotonic
        self.wrong: list[str] = []
        self._port = port
        self._answer = answer
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._run, daemon=True) for _ in range(clients)]
        for thread in self._threads:
            thread.start()

    def _run(self) -> None:
        while not self._stop.is_set():
            path = f"/{next(self.asked)}"
            try:
                received = ask(self._port, get(path))
            except OSError as error:
                received = str(error).encode()
            if received == self._answer(path):
                self.answered[path] = time.monotonic()
            elif not self._stop.is_set():
                self.wrong.append(f"{path}: {received[:200]!r}")

    def more(self, number: int) -> None:
        """Wait until ``number`` further answers have come."""
        wanted = len(self.answered) + number
        until(lambda: len(self.answered) >= wanted or self.wrong, f"{number} answers")
        assert not self.wrong

    def stop(self) -> None:
        """From now on no answer is wrong, and none is asked for."""
        self._stop.set()

    def wait(self) -> None:
        """Let each client finish, after :meth:`stop`."""
        for thread in self._threads:
            thread.join(30)

    def end(self) -> int:
        """Let each client finish; how many answers came. None may have been wrong."""
        self.stop()
        self.wait()
        assert not self.wrong
        return len(self.answered)


@contextmanager
def traffic(port: int, answer: Callable[[str], bytes], clients: int = 2) -> Iterator[Traffic]:
    """Traffic inside the block."""
    running = Traffic(port, answer, clients)
    try:
        yield running
    finally:
        running.stop()
