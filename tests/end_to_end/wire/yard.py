"""Where the cases run: servers, one recorder in front of all of them, and the capture it leaves."""

from __future__ import annotations

import fcntl
import pickle
import sys
import traceback
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TypeVar

import pytest

from captures.model import Exchange, Message
from captures.store import Capture
from captures.trust import CERTIFICATE_FILE
from tests.end_to_end import software
from tests.end_to_end.processes import Bench, Running
from tests.end_to_end.wire.seen import Case, Outcome, Seen

Result = TypeVar("Result")
PROGRAMS = Path(__file__).with_name("programs")
"""Clients and servers that run in a virtual environment of their own (see ``requirements.txt``)."""

ROOT = Path(__file__).resolve().parents[3]


def tools() -> Path:
    """The ``bin`` folder of the clients' and servers' virtual environment."""
    return software.python_tools(name="wire")


class Yard:
    """Servers and a recorder, all ended by :meth:`close`."""

    def __init__(self, folder: Path) -> None:
        self.bench = Bench(folder)
        self.folder = folder
        self.capture = folder / "wire.sqlite"
        self._recorder: Running | None = None
        self._doors: list[str] = []
        self._options: list[str] = []

    @property
    def authority(self) -> Path:
        """The certificate that clients of the recorder trust, once it has started."""
        return self.bench.state / CERTIFICATE_FILE

    def origin(self) -> int:
        """Start the raw server; its port."""
        running = self.bench.start(sys.executable, "-m", "tests.end_to_end.wire.origin", cwd=ROOT)
        return int(running.event("listening")["port"])

    def door(self, name: str, *options: str) -> None:
        """Have the recorder open a listener; its port is ``ports()[name]``."""
        self._doors.append(name)
        self._options += options

    def record(self, *options: str) -> dict[str, int]:
        """Start the recorder with the doors named so far, in the order it opens them; their ports."""
        words = ["record", "--format", "json", "-o", self.capture, *self._options, *options]
        self._recorder = self.bench.retape(*words)
        self._recorder.event("ready", 60)
        return dict(zip(self._doors, (one["port"] for one in self._recorder.events("listening")), strict=True))

    def stop(self) -> list[Exchange]:
        """Stop recording; what is on the tape."""
        assert self._recorder is not None
        self._recorder.stop().expect(0)
        with Capture.open(self.capture) as capture:
            return list(capture.exchanges())

    def messages(self) -> dict[int, list[Message]]:
        """The messages of each exchange on the tape, by its id."""
        with Capture.open(self.capture) as capture:
            return {one.id: list(capture.messages(one.id)) for one in capture.exchanges()}

    def close(self) -> None:
        """End everything."""
        self.bench.close()


def on_tape(cases: Iterable[Case], exchanges: Iterable[Exchange]) -> dict[Case, tuple[Exchange, ...]]:
    """The exchanges of each case."""
    found: dict[bytes, list[Exchange]] = {}
    for exchange in exchanges:
        found.setdefault(exchange.request.target, []).append(exchange)
    return {case: tuple(found.get(case.target.encode(), ())) for case in cases}


def outcomes(
    cases: Iterable[Case],
    direct: Mapping[Case, Seen],
    through: Mapping[Case, Seen],
    exchanges: Iterable[Exchange],
) -> dict[str, Outcome]:
    """What became of each case, by its id."""
    taped = on_tape(cases, exchanges)
    return {case.id: Outcome(direct[case], through[case], taped[case]) for case in taped}


def once(factory: pytest.TempPathFactory, worker: str, name: str, work: Callable[[Yard], Result]) -> Result:
    """Do ``work`` once per session of pytest, also where several processes share it; what it found out.

    Its result is pickled: values only.
    """
    base = factory.getbasetemp() if worker == "master" else factory.getbasetemp().parent
    folder = base / f"wire-{name}"
    result, broken = folder / "result", folder / "broken"
    with (base / f"wire-{name}.lock").open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            folder.mkdir()
            yard = Yard(folder)
            try:
                result.write_bytes(pickle.dumps(work(yard)))
            except BaseException:
                broken.write_text(traceback.format_exc())
                raise
            finally:
                yard.close()
        assert not broken.exists(), f"it broke when it was done for another test:\n{broken.read_text()}"
        loaded: Result = pickle.loads(result.read_bytes())
        return loaded
