"""Waiting for late calls, on virtual time."""

from __future__ import annotations

import asyncio

import pytest

from captures.model import Exchange
from replayer.settling import GRACE, SETTLE, settle
from tests.replayer.simulation.virtual import VirtualLoop, run
from tests.replayer.test_precedence import exchange


class Desk:
    """Late calls at ``times`` (seconds after the answer), recorded ``early`` seconds earlier."""

    def __init__(self, loop: VirtualLoop, times: list[float], early: float = 0.0) -> None:
        self._loop = loop
        self._left = [(at, at - early) for at in times]

    def awaits(self, recorded: Exchange, cap: float = 0.0) -> float | None:
        del recorded, cap
        return max((said for _, said in self._left), default=None)

    async def answered(self) -> None:
        at, _ = self._left[0]
        await asyncio.sleep(1_000 + at - self._loop.time())
        del self._left[0]


@pytest.mark.parametrize(
    ("times", "early", "waited"),
    [
        ([], 0.0, 0.0),
        ([0.5], 0.0, 0.5),
        ([0.2, 0.5, 1.0], 0.0, 1.0),
        ([0.9], 0.8, 0.1 + GRACE),  # recorded after 0.1 s: later than that by more than the grace is not waited for
        ([9.0], 0.0, SETTLE),
    ],
)
def test_until_all_have_come_or_will_not_come(times: list[float], early: float, waited: float) -> None:
    loop = VirtualLoop()
    run(settle(Desk(loop, times, early), exchange(1, "GET /")), loop)
    assert loop.time() - 1_000 == pytest.approx(waited)
