"""What the build is put into: all of what was asked for, or a sentence why not."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from captures.errors import UsageError
from captures.store import Capture
from replayer import surroundings
from replayer.client import Target
from replayer.launch import enforced
from replayer.pacing import Pacing
from replayer.plan import Clock, ReplayPlan
from replayer.surroundings import Surroundings, surrounded
from tests.replayer.tapes import NOW, SHOP, Tape, request, response

ELSEWHERE = Target("http", "build.test", 80)
HERE = Target("http", "127.0.0.1", 80)


def plan(**given: Any) -> ReplayPlan:
    return ReplayPlan(Path("run.sqlite"), **given)


@pytest.fixture
def capture(tmp_path: Path) -> Path:
    path = tmp_path / "c.sqlite"
    with Tape(path) as tape:
        for _ in range(3):
            tape.inbound(request(), response())
    return path


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (plan(isolate=True, target=HERE), "holds back a build that retape starts"),
        (plan(isolate=True, target=ELSEWHERE, command=SHOP), "lets nobody reach http://build.test:80"),
        (plan(clock=Clock.RECORDED, target=HERE), "another's cannot be set"),
    ],
)
def test_what_cannot_be_had_is_refused(capture: Path, asked: ReplayPlan, said: str) -> None:
    with (
        Capture.open(capture) as source,
        pytest.raises(UsageError, match=said) as caught,
        surrounded(asked, source, [1]),
    ):
        pytest.fail("it went on without")
    assert caught.value.hint


def test_nothing_asked_for_is_nothing_changed(capture: Path) -> None:
    with Capture.open(capture) as source, surrounded(plan(command=SHOP), source, [1, 2]) as around:
        assert around == Surroundings()
    assert (around.dial, around.serve, around.shift, around.notes()) == (None, None, 0, [])
    assert around.environment({"A": "b"}) == {"A": "b"}


def test_the_clock_begins_with_what_is_sent_first(capture: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(surroundings, "required_library", lambda *_: Path("/lib/it.so"))
    with Capture.open(capture) as source:
        first = next(source.exchanges(ids=[2])).timing.started
        with surrounded(plan(command=SHOP, clock=Clock.RECORDED), source, [2, 3]) as around:
            assert around.clock is not None
            assert around.clock.first == first
            assert around.shift == pytest.approx(first - time.time(), abs=5)
    assert first == pytest.approx(NOW, abs=60)
    assert len(around.notes()) == 1


def test_requests_that_come_long_before_their_time_are_told_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(surroundings, "required_library", lambda *_: Path("/lib/it.so"))
    path = tmp_path / "long.sqlite"
    with Tape(path) as tape:
        tape.inbound(request(), response())
        tape.inbound(request(), response(), after=3600)
    asked = plan(command=SHOP, clock=Clock.RECORDED)
    with Capture.open(path) as source:
        with surrounded(asked, source, [1, 2]) as around:
            assert "--pacing recorded" in around.notes()[1]
        with surrounded(replace(asked, pacing=Pacing(speed=1.0)), source, [1, 2]) as around:
            assert len(around.notes()) == 1


@pytest.mark.parametrize(
    ("asked", "said", "unsaid"),
    [
        (plan(target=HERE), "Nothing held the build's calls back", "opens no connections"),
        (plan(target=HERE, stub_listen=0), "up to its own settings", "Proxy and CA variables were set"),
        (plan(command=SHOP), "a client that ignores them is not held back", "network namespace"),
        (plan(command=SHOP, isolate=True), "it could reach no other address", "is not held back"),
        (plan(command=SHOP, dependencies={"pay": ("http://p.test", "PAY")}), "handed over as listeners", "namespace"),
    ],
)
def test_the_report_says_what_was_enforced_and_what_not(asked: ReplayPlan, said: str, unsaid: str) -> None:
    text = " ".join(enforced([], asked))
    assert said in text
    assert unsaid not in text
