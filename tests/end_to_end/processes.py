"""Real processes for the end-to-end tests: ``retape`` itself, and what it records. Failures show their last lines."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

RETAPE = Path(sys.executable).parent / "retape"
TAIL = 40  # lines shown of a failure
ROUTING = ("http_proxy", "https_proxy", "all_proxy", "no_proxy", "ssl_cert_file", "requests_ca_bundle", "node_options")
INHERITED_TARGETS = ("pythonpath", "port", "retape_port")


def clean_environment() -> dict[str, str]:
    """Our environment without what would route, trust or configure the processes under test from outside."""
    drop = (*ROUTING, *INHERITED_TARGETS)
    return {
        key: value
        for key, value in os.environ.items()
        if key.lower() not in drop and not key.lower().startswith(("pip_", "retape_", "npm_config_"))
    }


def read_report(path: Path) -> dict[str, Any]:
    """The JSON report at ``path``."""
    value: dict[str, Any] = json.loads(path.read_text())
    return value


def wait_until(condition: Callable[[], Any], what: str, seconds: float = 60.0) -> Any:
    """Poll ``condition`` until it is true; its value. Fails naming ``what``."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds:g} s: {what}")
        time.sleep(0.01)


def accepts(port: int) -> bool:
    """Whether loopback's ``port`` accepts a connection."""
    try:
        with socket.create_connection(("127.0.0.1", port), 1):
            return True
    except OSError:
        return False


@dataclass(frozen=True, slots=True)
class Finished:
    """What a process left behind."""

    argv: tuple[str, ...]
    code: int
    stdout: str
    stderr: str

    def expect(self, code: int) -> Self:
        """Fail, showing its output, unless it ended with ``code`` and without a traceback."""
        assert self.code == code, f"expected exit {code}\n{self}"
        assert "Traceback (most recent call last)" not in self.stderr, str(self)
        return self

    def says(self, *words: str) -> Self:
        """Fail, showing its output, unless stderr has each of ``words`` (any case)."""
        for word in words:
            assert word.lower() in self.stderr.lower(), f"stderr does not say {word!r}\n{self}"
        return self

    def __str__(self) -> str:
        return f"$ {' '.join(self.argv)}\nexit {self.code}{_shown(self.stdout, self.stderr)}"


class Running:
    """A process in a group of its own, its output collected line by line."""

    def __init__(self, argv: Sequence[str], *, env: Mapping[str, str], cwd: Path) -> None:
        self.argv = tuple(argv)
        self.process = subprocess.Popen(
            argv,
            env=dict(env),
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        self.out: list[str] = []
        self.err: list[str] = []
        self._readers = [
            threading.Thread(target=_collect, args=(self.process.stdout, self.out), daemon=True),
            threading.Thread(target=_collect, args=(self.process.stderr, self.err), daemon=True),
        ]
        for reader in self._readers:
            reader.start()

    @property
    def pid(self) -> int:
        """Its process id, also of its group."""
        return self.process.pid

    def wait_for(self, condition: Callable[[], Any], what: str, seconds: float = 60.0) -> Any:
        """Poll ``condition`` while it runs; its value. Fails with its output when it ends first."""

        deadline = time.monotonic() + seconds
        while True:
            ended = self.process.poll() is not None
            value = condition()
            if value:
                return value
            if ended:
                raise AssertionError(f"it ended before: {what}\n{self.finished(5)}")
            if time.monotonic() > deadline:
                raise AssertionError(f"not within {seconds:g} s: {what}\n{self}")
            time.sleep(0.01)

    def wait_port(self, port: int, seconds: float = 60.0) -> Self:
        """Wait until ``port`` accepts."""
        self.wait_for(lambda: accepts(port), f"{self.argv[0]} listens on {port}", seconds)
        return self

    def event(self, name: str, seconds: float = 60.0) -> dict[str, Any]:
        """The first JSON line on its stdout whose ``event`` is ``name``, waited for."""
        found: list[dict[str, Any]] = self.wait_for(lambda: self.events(name), f"event {name!r}", seconds)
        return found[0]

    def events(self, name: str) -> list[dict[str, Any]]:
        """Every JSON line on its stdout so far whose ``event`` is ``name``."""
        values = [json.loads(line) for line in list(self.out) if line.startswith("{")]
        return [value for value in values if value.get("event") == name]

    def finished(self, seconds: float = 60.0) -> Finished:
        """Wait for its end. Fails with its output when it still runs after ``seconds``."""
        try:
            code = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"still running after {seconds:g} s\n{self}") from None
        for reader in self._readers:
            reader.join(20)  # a grandchild may hold the pipe open
        return Finished(self.argv, code, "".join(self.out), "".join(self.err))

    def interrupt(self, *, group: bool = True, signum: int = signal.SIGINT) -> None:
        """Send what Ctrl-C in a terminal sends: SIGINT to the whole foreground group."""
        with suppress(ProcessLookupError):
            if group:
                os.killpg(self.pid, signum)
            else:
                os.kill(self.pid, signum)

    def stop(self, seconds: float = 60.0) -> Finished:
        """SIGINT to the process itself, then wait."""
        self.interrupt(group=False)
        return self.finished(seconds)

    def terminate(self) -> None:
        """End it and what is left of its group; never fails."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(5)
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        self.process.wait()

    def __str__(self) -> str:
        return f"$ {' '.join(self.argv)}{_shown(''.join(self.out), ''.join(self.err))}"


@dataclass(frozen=True, slots=True)
class Recording:
    """``retape record``, ready, and where it listens by role."""

    process: Running
    ports: Mapping[str, int]

    @property
    def inbound(self) -> str:
        """The URL clients are to use."""
        return f"http://127.0.0.1:{self.ports['inbound']}"

    def stop(self) -> dict[str, Any]:
        """Ctrl-C; its ``done`` event. Fails unless it ends with 0."""
        self.process.stop().expect(0)
        return self.process.event("done")


class Bench:
    """One test's folder, state folder and processes; everything started here is ended with :meth:`close`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.work = folder / "work"
        self.work.mkdir()
        self.state = folder / "state"
        self._running: list[Running] = []

    @property
    def environment(self) -> dict[str, str]:
        """For ``retape``: clean, with a state folder of this test's own."""
        return {**clean_environment(), "RETAPE_STATE_DIR": str(self.state), "COLUMNS": "120", "NO_COLOR": "1"}

    def start(self, *argv: object, env: Mapping[str, str] | None = None, cwd: Path | None = None) -> Running:
        """Start some third-party process."""
        running = Running([str(word) for word in argv], env=env or clean_environment(), cwd=cwd or self.work)
        self._running.append(running)
        return running

    def retape(self, *arguments: object, env: Mapping[str, str] | None = None, cwd: Path | None = None) -> Running:
        """Start ``retape``."""
        return self.start(RETAPE, *arguments, env={**self.environment, **(env or {})}, cwd=cwd)

    def run(self, *arguments: object, seconds: float = 90.0, env: Mapping[str, str] | None = None) -> Finished:
        """Run ``retape`` to its end."""
        return self.retape(*arguments, env=env).finished(seconds)

    def record(
        self, capture: Path, *options: object, command: Sequence[str] = (), env: Mapping[str, str] | None = None
    ) -> Recording:
        """Start ``retape record`` into ``capture`` and wait until it is ready."""
        words = ["record", "--format", "json", "-o", capture, *options, *(["--", *command] if command else [])]
        process = self.retape(*words, env=env)
        process.event("ready", 60)
        return Recording(process, {one["role"]: one["port"] for one in process.events("listening")})

    def close(self) -> None:
        """End what still runs."""
        for running in reversed(self._running):
            running.terminate()


def _collect(source: Any, lines: list[str]) -> None:
    for line in source:
        lines.append(line)


def _shown(stdout: str, stderr: str) -> str:
    return f"\n-- stdout\n{_tail(stdout)}\n-- stderr\n{_tail(stderr)}"


def _tail(text: str) -> str:
    lines = text.splitlines()
    return "\n".join([f"… {len(lines) - TAIL} lines before", *lines[-TAIL:]] if len(lines) > TAIL else lines)
