"""Whether the build is still there."""

from __future__ import annotations

import asyncio

import pytest

from captures.model import Direction, Exchange, Failure, FailureKind, Timing
from replayer.health import EXITING, Health
from tests.replayer.tapes import request, response


class Build:
    name = "app"
    returncode: int | None = None


def came(kind: FailureKind | None) -> Exchange:
    failure = Failure(kind) if kind is not None else None
    answered = response(200) if kind is None else None
    return Exchange(1, Direction.INBOUND, request(), Timing(0), response=answered, failure=failure)


def complaints(*outcomes: tuple[FailureKind | None, float, float], process: Build | None = None) -> list[str | None]:
    """What is said after each of ``(kind, sent at, over at)``."""
    now = 0.0

    def clock() -> float:
        return now

    async def all_of_them() -> list[str | None]:
        nonlocal now
        health = Health(process, clock)
        found = []
        for kind, began, over in outcomes:
            now = over
            found.append(await health.complaint(came(kind), began))
        return found

    return asyncio.run(all_of_them())


CONNECT = FailureKind.CONNECT


def test_two_refusals_in_a_row() -> None:
    assert complaints((CONNECT, 0, 1), (CONNECT, 1, 2)) == [None, "it refuses connections"]
    assert complaints((CONNECT, 0, 1), (None, 1, 2), (CONNECT, 2, 3)) == [None, None, None]
    assert complaints((CONNECT, 0, 1), (FailureKind.TIMEOUT, 1, 2), (CONNECT, 2, 3)) == [None, None, None]


def test_refusals_at_one_moment_are_one() -> None:
    assert complaints((CONNECT, 0, 1), (CONNECT, 0.5, 1.1), (CONNECT, 1.2, 1.3)) == [
        None, None, "it refuses connections",
    ]  # fmt: skip


@pytest.mark.parametrize("kind", [CONNECT, FailureKind.RESET, FailureKind.TRUNCATED])
def test_a_process_that_ended(kind: FailureKind) -> None:
    build = Build()
    build.returncode = 7
    assert complaints((kind, 0, 1), process=build) == ["app exited with code 7"]


def test_a_process_that_needs_a_moment_to_end(monkeypatch: pytest.MonkeyPatch) -> None:
    build, now = Build(), 0.0

    async def sleep(seconds: float) -> None:
        nonlocal now
        now += seconds
        build.returncode = 3 if now > EXITING / 2 else None

    monkeypatch.setattr("replayer.health.asyncio.sleep", sleep)
    health = Health(build, lambda: now)
    assert asyncio.run(health.complaint(came(FailureKind.RESET), 0.0)) == "app exited with code 3"


def test_a_process_that_lives_may_break_one_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0

    async def sleep(seconds: float) -> None:
        nonlocal now
        now += seconds

    monkeypatch.setattr("replayer.health.asyncio.sleep", sleep)
    assert asyncio.run(Health(Build(), lambda: now).complaint(came(FailureKind.RESET), 0.0)) is None
    assert now > EXITING
