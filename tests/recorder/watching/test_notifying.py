"""What a service manager hears: a real socket, and real recorders."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from recorder.session import Outcome
from recorder.settings import Settings
from recorder.watching.notifying import Notifier
from tests.recorder.conftest import answering, until

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"


class Manager:
    """A socket that hears what systemd would."""

    def __init__(self, address: str) -> None:
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(address)
        self.socket.setblocking(False)
        self.heard: list[str] = []

    def lines(self) -> list[str]:
        """All lines so far, in order."""
        while True:
            try:
                self.heard += self.socket.recv(4096).decode().split("\n")
            except BlockingIOError:
                return self.heard

    def take(self) -> list[str]:
        """The lines since the last time."""
        self.lines()
        taken, self.heard = self.heard, []
        return taken


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[Manager]:
    manager = Manager(str(tmp_path / "notify"))
    yield manager
    manager.socket.close()


def notifier(tmp_path: Path, clock: Any = time.monotonic, **more: str) -> Notifier:
    made = Notifier.from_environment({"NOTIFY_SOCKET": str(tmp_path / "notify"), **more}, process=17)
    assert made is not None
    made._clock = clock
    return made


def test_a_life(manager: Manager, tmp_path: Path) -> None:
    at = 0.0
    settings = Settings(tmp_path / "x.sqlite", ())
    tells = notifier(tmp_path, lambda: at, WATCHDOG_USEC="30000000", WATCHDOG_PID="17")
    tells.ready(settings)
    assert manager.take() == ["READY=1", f"STATUS=Recording into {tmp_path}/x.sqlite"]
    tells.counters({"seen": 2, "written": 1, "open": 1})
    assert manager.take() == ["WATCHDOG=1", "STATUS=1 written, 2 seen, 1 open"]
    at = 1.0
    tells.counters({"seen": 3, "written": 3})
    assert manager.take() == ["WATCHDOG=1"], "the same news not every second"
    at = 2.0
    tells.counters({"seen": 9, "written": 3, "dropped": 2, "dropped_by": {"queue_full": 2, "disk_full": 0}})
    assert manager.take() == ["WATCHDOG=1", "STATUS=3 written, 2 DROPPED (queue full), 9 seen, 0 open"]
    at = 3.0
    tells.counters({"seen": 5, "written": 3, "dropped": 2, "trouble": "no\nroom"})
    assert manager.take()[1] == "STATUS=3 written, 2 DROPPED, not writing: no\\nroom, 5 seen, 0 open"
    tells.stopping("interrupted")
    tells.writing(7)
    assert manager.take()[2:] == ["EXTEND_TIMEOUT_USEC=60000000", "STATUS=Writing what is left: 7 exchanges"]
    tells.counters({"seen": 5, "written": 4, "dropped": 2, "trouble": "no\nroom"})
    assert manager.take() == ["WATCHDOG=1", "EXTEND_TIMEOUT_USEC=60000000"], "as long as it lasts"
    tells.done(settings, Outcome(MappingProxyType({"written": 9, "seen": 9}), None))
    assert manager.take() == ["STATUS=9 written, 0 open"]
    tells.close()


def test_nobody_wants_to_hear() -> None:
    assert Notifier.from_environment({}) is None
    assert Notifier.from_environment({"NOTIFY_SOCKET": "vsock:2:1234"}) is None


@pytest.mark.parametrize("variables", [{}, {"WATCHDOG_USEC": "5000000", "WATCHDOG_PID": "18"}, {"WATCHDOG_USEC": "x"}])
def test_a_watchdog_that_is_not_for_us_is_not_fed(manager: Manager, tmp_path: Path, variables: dict[str, str]) -> None:
    tells = notifier(tmp_path, **variables)
    tells.counters({})
    assert "WATCHDOG=1" not in manager.take()
    tells.close()


def test_the_command_is_not_meant(tmp_path: Path) -> None:
    environment = {"NOTIFY_SOCKET": "@retape-test", "WATCHDOG_USEC": "1", "WATCHDOG_PID": "1", "KEEP": "1"}
    tells = Notifier.from_environment(environment)
    assert environment == {"KEEP": "1"}
    assert tells is not None
    tells.counters({})  # nobody listens there: no trouble of ours
    tells.close()


def test_an_abstract_socket(tmp_path: Path) -> None:
    name = f"retape-test-{os.getpid()}"
    manager = Manager(f"\0{name}")
    tells = Notifier.from_environment({"NOTIFY_SOCKET": f"@{name}"})
    assert tells is not None
    tells.ready(Settings(tmp_path / "x.sqlite", ()))
    assert manager.take()[0] == "READY=1"
    tells.close()
    manager.socket.close()


@pytest.mark.slow
def test_a_real_recorder_and_one_that_hangs(manager: Manager, tmp_path: Path, lab: Any) -> None:
    """The watchdog is fed by the proxy process's reports alone: systemd restarts a recorder whose proxy hangs."""
    origin = lab.origin(answering(OK))
    environment = {
        **os.environ, "RETAPE_STATE_DIR": str(tmp_path / "state"), "NOTIFY_SOCKET": str(tmp_path / "notify"),
        "WATCHDOG_USEC": "20000000",
    }  # fmt: skip
    shown = tmp_path / "shown"
    command = ["sh", "-c", f"env > {shown}; exec sleep 60"]
    process = subprocess.Popen(
        [sys.executable, "-m", "retape", "record", "-o", str(tmp_path / "x.sqlite"), "--outbound", "0",
         "--inbound", f"0=http://127.0.0.1:{origin}", "--", *command],
        cwd=tmp_path, env=environment, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        until(lambda: "READY=1" in manager.lines(), "READY=1")
        assert "WATCHDOG=1" not in manager.heard[: manager.heard.index("READY=1")]
        until(shown.exists)
        until(lambda: "PATH=" in shown.read_text())
        assert "NOTIFY_SOCKET" not in shown.read_text()
        until(lambda: manager.lines().count("WATCHDOG=1") >= 2, "the watchdog's food")
        (child,) = [
            int(pid)
            for pid in Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
            if b"recorder.proxy" in Path(f"/proc/{pid}/cmdline").read_bytes()
        ]
        os.kill(child, signal.SIGSTOP)
        last = [time.monotonic()]

        def starved() -> bool:
            """What was under way may still arrive; then nothing does, for more than the second it comes in."""
            if "WATCHDOG=1" in manager.take():
                last[0] = time.monotonic()
            return time.monotonic() - last[0] > 4

        until(starved, "the end of the watchdog's food")
        os.kill(child, signal.SIGCONT)
        until(lambda: "WATCHDOG=1" in manager.lines(), "food again")
    finally:
        process.terminate()
        _, said = process.communicate(timeout=60)
    assert process.returncode == 0, said
    assert "STOPPING=1" in manager.lines()
