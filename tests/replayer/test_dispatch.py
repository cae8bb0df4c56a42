"""Workers over a schedule, on virtual time: what an error, a cancellation and a dying build do to the others."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import pytest

from captures.model import Direction, Exchange, Failure, FailureKind, Timing
from replayer.dispatch import Dispatch, Withhold, nothing_missing
from replayer.events import Event
from replayer.health import Health
from replayer.ledger import Ledger
from replayer.plan import Order
from replayer.schedule import Schedule
from tests.replayer.simulation.virtual import VirtualLoop, run
from tests.replayer.tapes import request, response
from tests.replayer.test_schedule import alone

COUNT = 12


@dataclass
class Scene:
    """A dispatch of twelve exchanges that nothing ties, four at once; each takes a second unless ``send`` says else."""

    loop: VirtualLoop = field(default_factory=VirtualLoop)
    sent: list[tuple[int, float]] = field(default_factory=list)
    ended: list[int] = field(default_factory=list)
    skipped: list[tuple[int, str]] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    returncode: int | None = None
    name: str = "app"

    def skip(self, exchange: int, reason: str) -> None:
        self.skipped.append((exchange, reason))

    def dispatch(
        self, answer: Callable[[Exchange], Awaitable[Failure | None]], withhold: Withhold = nothing_missing
    ) -> Dispatch:
        async def send(recorded: Exchange) -> Exchange:
            self.sent.append((recorded.id, self.loop.time() - 1_000))
            failure = await answer(recorded)
            self.ended.append(recorded.id)
            came = None if failure else response()
            return Exchange(
                recorded.id, Direction.INBOUND, request(), Timing(0, 0, 0, 1), response=came, failure=failure
            )

        schedule = Schedule(iter(alone(COUNT)), concurrency=4, order=Order.INDEPENDENT)
        ledger = Ledger(COUNT, frozenset(), self, self.events.append)
        return Dispatch(schedule, send, ledger, Health(self, self.loop.time), self.loop.time, withhold)


async def a_second(recorded: Exchange) -> None:
    del recorded
    await asyncio.sleep(1)


def test_four_at_once_take_a_quarter_of_the_time() -> None:
    scene = Scene()
    dispatch = scene.dispatch(a_second)
    run(dispatch.run(4), scene.loop)
    assert scene.loop.time() == 1_003.0
    assert [at for _, at in scene.sent] == [0.0] * 4 + [1.0] * 4 + [2.0] * 4
    assert dispatch.complaint is None


def test_an_error_ends_it_and_is_not_wrapped() -> None:
    scene = Scene()

    async def answer(recorded: Exchange) -> None:
        await asyncio.sleep(0.5 if recorded.id == 2 else 1)
        if recorded.id == 2:
            raise ValueError("the recording is damaged")

    with pytest.raises(ValueError, match="damaged"):
        run(scene.dispatch(answer).run(4), scene.loop)
    assert scene.ended == []
    assert scene.loop.time() == 1_000.5


def test_cancelled_it_cancels_what_is_under_way() -> None:
    scene = Scene()

    async def main() -> None:
        task = asyncio.ensure_future(scene.dispatch(a_second).run(4))
        await asyncio.sleep(1.5)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    run(main(), scene.loop)
    assert len(scene.sent) == 8
    assert sorted(scene.ended) == [1, 2, 3, 4]


def test_nothing_is_started_while_the_build_may_be_gone_and_what_is_under_way_ends() -> None:
    scene = Scene()

    async def answer(recorded: Exchange) -> Failure | None:
        if recorded.id == 1:
            await asyncio.sleep(0.01)
            scene.loop.call_later(0.1, setattr, scene, "returncode", 3)
            return Failure(FailureKind.RESET)
        await asyncio.sleep(0.05 * recorded.id)
        return None

    dispatch = scene.dispatch(answer)
    run(dispatch.run(4), scene.loop)
    assert dispatch.complaint == "app exited with code 3"
    assert [number for number, _ in scene.sent] == [1, 2, 3, 4]
    assert sorted(scene.ended) == [1, 2, 3, 4]


def test_what_needs_a_value_that_was_never_made_is_passed_over_in_its_turn() -> None:
    scene = Scene()

    def withhold(recorded: Exchange) -> str | None:
        return "it needs the id that exchange 1 did not make" if recorded.id % 2 else None

    run(scene.dispatch(a_second, withhold).run(4), scene.loop)
    assert [number for number, _ in scene.sent] == [2, 4, 6, 8, 10, 12]
    assert [number for number, _ in scene.skipped] == [1, 3, 5, 7, 9, 11]
    assert {reason for _, reason in scene.skipped} == {"it needs the id that exchange 1 did not make"}
    assert scene.loop.time() == 1_002.0
