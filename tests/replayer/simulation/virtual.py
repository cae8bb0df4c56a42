"""An event loop on virtual time: when nothing is ready, the clock jumps to the next timer. No sockets, no threads.

The same program takes the same steps every time, and an hour passes in a moment. A program that waits for what can
never come is a :class:`Deadlock` at once, and one that goes round without time passing is :class:`Livelock`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

_T = TypeVar("_T")
MOST_STEPS = 200_000  # without the clock moving


class Deadlock(Exception):
    """Everything waits, and no timer is set."""


class Livelock(Exception):
    """Something goes round and round."""


class _Jumping:
    """Stands where the loop has its selector: waiting for sockets is letting time pass."""

    def __init__(self, loop: VirtualLoop) -> None:
        self._loop = loop
        self._steps = 0

    def select(self, timeout: float | None) -> list[Any]:
        if timeout is None:
            raise Deadlock("everything waits, and no timer is set")
        if timeout > 0:
            self._loop.now += timeout
            self._steps = 0
        self._steps += 1
        if self._steps > MOST_STEPS:
            raise Livelock(f"{MOST_STEPS} steps at {self._loop.now}")
        return []

    def close(self) -> None:
        pass


class VirtualLoop(asyncio.BaseEventLoop):
    """``now`` is the virtual clock, seconds."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 1_000.0
        self._selector = _Jumping(self)

    def time(self) -> float:
        return self.now

    def _process_events(self, event_list: list[Any]) -> None:
        pass

    def _write_to_self(self) -> None:  # a thread would want to wake the loop; there is none
        raise AssertionError("a thread reached into the virtual loop")


def run(coroutine: Coroutine[Any, Any, _T], loop: VirtualLoop) -> _T:
    """``coroutine``'s result. Fails when it leaves a task behind."""
    try:
        result = loop.run_until_complete(coroutine)
        left = asyncio.all_tasks(loop)
        assert not left, f"tasks left behind: {left}"
        return result
    finally:
        for task in (left := asyncio.all_tasks(loop)):
            task.cancel()
        if left:
            loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
        loop.close()
