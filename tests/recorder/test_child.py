"""A child process, heard by its parent."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from recorder.child import ChildProcess, Event

CHILD = """
import sys

def main():
    sys.stdin.readline()
    for line in ('{"event": "one"}', "no JSON", "[]", '{"event": "two"}'):
        print(line, flush=True)
    return 3
"""


def test_an_event_that_its_hearer_cannot_take_is_not_the_last_one_heard(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "told.py").write_text(CHILD)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    heard: list[str] = []
    over = threading.Event()

    def hear(event: Event) -> None:
        heard.append(f"{event['event']} {event.get('code', '')}")
        if event["event"] == "exited":
            over.set()
        elif event["event"] == "one":
            raise KeyError("bound")

    child = ChildProcess.start("told", hear)
    child.plan(b"\n")
    assert over.wait(60)
    assert child.end(60) == 3
    assert heard == ["one ", "two ", "exited 3"]
    assert "'one' was not understood (KeyError)" in child.last_words()


SLOW = """
import time

def main():
    print('{"event": "up"}', flush=True)
    time.sleep(600)
"""


def test_who_makes_progress_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "slow.py").write_text(SLOW)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    up = threading.Event()
    child = ChildProcess.start("slow", lambda event: up.set())
    assert up.wait(60)
    asked: list[int] = []

    def progress() -> int:
        asked.append(min(len(asked), 3))
        return asked[-1]

    assert child.end(0.05, progress) == -9
    assert asked == [0, 1, 2, 3, 3], "it was killed when nothing more happened, and not before"
