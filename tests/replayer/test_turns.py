"""Several replays beside each other: one exchange at a time, whose turn comes changes, and nobody waits for ever."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import pytest

from captures.model import Direction, Exchange, Timing
from replayer.turns import Turns
from tests.replayer.tapes import request

ONE = Exchange(1, Direction.INBOUND, request(), Timing(1.0))


async def play(plans: Sequence[Sequence[int]], *, dies: tuple[int, int] | None = None) -> list[tuple[str, int, int]]:
    """Sides that send the exchanges of ``plans``; what happened, in order. ``dies``: (side, exchange) that fails."""
    turns = Turns(len(plans))
    log: list[tuple[str, int, int]] = []

    async def side(number: int, exchanges: Sequence[int]) -> None:
        async def send(recorded: Exchange) -> Exchange:
            log.append(("begins", number, recorded.id))
            for _ in range(number + 1):
                await asyncio.sleep(0)
            log.append(("ends", number, recorded.id))
            if dies == (number, recorded.id):
                raise OSError("gone")
            return recorded

        try:
            in_turn = turns.of(number, send)
            for exchange in exchanges:
                await in_turn(replace(ONE, id=exchange))
        except OSError:
            pass
        finally:
            turns.leave(number)

    async with asyncio.timeout(5):
        await asyncio.gather(*(side(number, exchanges) for number, exchanges in enumerate(plans)))
    return log


def begun(log: list[tuple[str, int, int]]) -> list[tuple[int, int]]:
    return [(exchange, number) for what, number, exchange in log if what == "begins"]


@pytest.mark.parametrize("plans", [[[1, 2, 3]] * 3, [[1, 2, 3], [2, 3], [1, 3]], [[1, 2], [], [2]], [[5], [1, 2]]])
def test_never_two_at_once_and_exchange_by_exchange(plans: list[list[int]]) -> None:
    log = asyncio.run(play(plans))
    for before, after in zip(log[::2], log[1::2], strict=True):
        assert (before[0], after[0]) == ("begins", "ends")
        assert before[1:] == after[1:]
    order = [exchange for exchange, _ in begun(log)]
    assert order == sorted(order)
    assert sorted(begun(log)) == sorted((one, number) for number, plan in enumerate(plans) for one in plan)


def test_who_is_first_changes() -> None:
    log = begun(asyncio.run(play([[1, 2, 3]] * 3)))
    firsts = {exchange: next(number for one, number in log if one == exchange) for exchange in (1, 2, 3)}
    assert sorted(firsts.values()) == [0, 1, 2]


def test_nobody_waits_for_one_that_is_gone() -> None:
    log = asyncio.run(play([[1, 2, 3], [1, 2, 3]], dies=(1, 1)))
    assert [pair for pair in begun(log) if pair[1] == 0] == [(1, 0), (2, 0), (3, 0)]
    assert (2, 1) not in begun(log)


def test_one_that_is_cancelled_while_it_waits_holds_nobody_up() -> None:
    async def scene() -> list[int]:
        turns, sent = Turns(2), []

        async def send(recorded: Exchange) -> Exchange:
            sent.append(recorded.id)
            return recorded

        waiting = asyncio.create_task(turns.of(0, send)(ONE))
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        turns.leave(0)
        async with asyncio.timeout(5):
            await turns.of(1, send)(ONE)
        return sent

    assert asyncio.run(scene()) == [1]
