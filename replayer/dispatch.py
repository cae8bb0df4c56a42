"""Lets requests go out as the schedule allows, a given number at once, until all are over or the build is gone.

As many workers as may be under way take from one :class:`replayer.schedule.Schedule`. One that finds nothing to start
sleeps until another has finished something, or until the next request is due; whoever starts something wakes the next.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from math import inf

from captures.model import Exchange
from replayer.health import Health
from replayer.ledger import Ledger
from replayer.schedule import Schedule, Start, Wait

Withhold = Callable[[Exchange], str | None]
"""Why a recorded exchange must not be sent (a value it carries was never made in this replay), or None.

Asked once for each, when its turn has come: all that it waits for has been answered, withheld, or passed over.
"""


def nothing_missing(recorded: Exchange) -> None:
    """The :data:`Withhold` that lets everything be sent."""
    del recorded


@dataclass(slots=True)
class Dispatch:
    """One replay's sending. ``send`` returns what a recorded exchange came to; ``clock`` is the event loop's."""

    schedule: Schedule
    send: Callable[[Exchange], Awaitable[Exchange]]
    ledger: Ledger
    health: Health
    clock: Callable[[], float]
    withhold: Withhold = nothing_missing
    complaint: str | None = None  # why the build was given up
    _suspected: int = 0  # workers that find out whether the build is gone: nothing is started meanwhile
    _idle: deque[asyncio.Future[None]] = field(default_factory=deque)
    _alarm: asyncio.TimerHandle | None = None

    async def run(self, concurrency: int) -> None:
        """Send everything. Returns early, with :attr:`complaint`, when the build is gone; what is under way ends first.

        Cancelled, it cancels what is under way. Raises what ``send`` and the reading of the recording raise.
        """
        try:
            if concurrency == 1:
                await self._work()
            else:
                await _together([self._work() for _ in range(concurrency)])
        finally:
            if self._alarm is not None:
                self._alarm.cancel()

    async def _work(self) -> None:
        while self.complaint is None:
            step = Wait() if self._suspected else self.schedule.next(self.clock())
            if step is None:
                break
            if isinstance(step, Wait):
                await self._sleep(step.until)
            else:
                await self._send(step)
        self._wake(len(self._idle))

    async def _send(self, step: Start) -> None:
        self._wake()  # another one may be ready, too
        missing = self.withhold(step.recorded)
        if missing is not None:
            self.schedule.finish(step.recorded.id)
            self.ledger.skip(step.recorded.id, missing)
            return
        began = self.clock()
        raw = await self.send(step.recorded)
        # Nothing is awaited between the writing of the row and these two: whatever is cancelled, it is in one column.
        self.schedule.finish(step.recorded.id)
        self.ledger.sent(step.recorded, raw, step.lag)
        self._suspected += 1
        try:
            complaint = await self.health.complaint(raw, began)
        finally:
            self._suspected -= 1
        if complaint is not None and self.complaint is None:
            self.complaint = complaint
        self._wake()

    async def _sleep(self, until: float) -> None:
        loop = asyncio.get_running_loop()
        waiter: asyncio.Future[None] = loop.create_future()
        self._idle.append(waiter)
        if until < inf:
            if self._alarm is not None:
                self._alarm.cancel()  # of a sleeper that has been woken, or of the same request
            self._alarm = loop.call_at(until, self._wake)
        try:
            await waiter
        finally:
            if waiter in self._idle:
                self._idle.remove(waiter)

    def _wake(self, many: int = 1) -> None:
        while many and self._idle:
            waiter = self._idle.popleft()
            if not waiter.done():
                waiter.set_result(None)
                many -= 1


async def _together(jobs: list[Awaitable[None]]) -> None:
    """All of ``jobs``, each of them cancelled when one fails or this is cancelled. Raises the first one's error."""
    tasks = [asyncio.ensure_future(job) for job in jobs]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
    finally:
        for task in tasks:
            task.cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException) and not isinstance(result, asyncio.CancelledError):
            raise result
