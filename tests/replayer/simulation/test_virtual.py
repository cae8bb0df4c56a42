"""The virtual loop itself."""

from __future__ import annotations

import asyncio
import time

import pytest

from tests.replayer.simulation.virtual import Deadlock, Livelock, VirtualLoop, run


def test_a_day_passes_in_a_moment_and_timers_fire_in_order() -> None:
    loop = VirtualLoop()
    seen: list[tuple[str, float]] = []

    async def sleeper(name: str, seconds: float) -> None:
        await asyncio.sleep(seconds)
        seen.append((name, loop.time() - 1_000))

    async def main() -> None:
        await asyncio.gather(sleeper("late", 86_400), sleeper("soon", 0.5), sleeper("middle", 60))

    began = time.perf_counter()
    run(main(), loop)
    assert seen == [("soon", 0.5), ("middle", 60.0), ("late", 86_400.0)]
    assert time.perf_counter() - began < 60


def test_timeouts_are_virtual() -> None:
    async def main() -> None:
        async with asyncio.timeout(3600):
            await asyncio.Event().wait()

    with pytest.raises(TimeoutError):
        run(main(), VirtualLoop())


def test_what_can_never_come_is_a_deadlock() -> None:
    async def main() -> None:
        await asyncio.Event().wait()

    with pytest.raises(Deadlock):
        run(main(), VirtualLoop())


def test_going_round_is_a_livelock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.replayer.simulation.virtual.MOST_STEPS", 100)

    async def main() -> None:
        while True:
            await asyncio.sleep(0)

    with pytest.raises(Livelock):
        run(main(), VirtualLoop())


def test_a_task_left_behind_is_told() -> None:
    async def main() -> asyncio.Task[None]:
        return asyncio.ensure_future(asyncio.sleep(1))

    with pytest.raises(AssertionError, match="left behind"):
        run(main(), VirtualLoop())
