"""Writes what comes after a time, each thing in its turn: one timer at most, and nothing once it is cancelled."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator

Step = tuple[float, Callable[[], None]]
"""Seconds to wait, and what to do then."""


class Player:
    """Does the steps in order on the running loop. What needs no waiting is done at once.

    ``then`` is called after the last step, unless that was done within :meth:`start`.
    """

    __slots__ = ("_steps", "_then", "_timer")

    def __init__(self, steps: Iterator[Step], then: Callable[[], None]) -> None:
        self._steps = steps
        self._then = then
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> bool:
        """Begin; True when everything is done already."""
        return self._go_on()

    def cancel(self) -> None:
        """Do no more."""
        self._steps = iter(())
        if self._timer is not None:
            self._timer.cancel()

    def _go_on(self) -> bool:
        for seconds, action in self._steps:
            if seconds > 0:
                self._timer = asyncio.get_running_loop().call_later(seconds, self._after, action)
                return False
            action()
        return True

    def _after(self, action: Callable[[], None]) -> None:
        self._timer = None
        action()
        if self._go_on():
            self._then()
