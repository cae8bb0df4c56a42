"""Whether the build is still there: told from how requests fail, and from its process."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from captures.model import Exchange, FailureKind

EXITING = 0.3  # seconds a process whose connections broke may need to be gone
_BROKEN = frozenset({FailureKind.CONNECT, FailureKind.RESET, FailureKind.TRUNCATED})


class Process(Protocol):
    """A started build: :class:`captures.service.Service`."""

    name: str

    @property
    def returncode(self) -> int | None:
        """None while it runs."""


@dataclass(slots=True)
class Health:
    """Watches one build. ``process`` is None when somebody else started it; ``clock`` is the event loop's."""

    process: Process | None
    clock: Callable[[], float]
    _refused: float | None = None  # when a connection was refused, nothing having been answered since

    async def complaint(self, raw: Exchange, began: float) -> str | None:
        """Why the build must be given up after ``raw`` (sent at ``began`` on the clock), or None.

        Its process has ended, or it refused two connections, the second of them asked for after the first refusal.
        """
        kind = raw.failure.kind if raw.failure is not None else None
        refused_before = self._refused is not None and began >= self._refused
        if kind is not FailureKind.CONNECT:
            self._refused = None
        elif self._refused is None:
            self._refused = self.clock()
        if kind not in _BROKEN:
            return None
        if self.process is not None and await self._has_exited(self.process):
            return f"{self.process.name} exited with code {self.process.returncode}"
        return "it refuses connections" if refused_before and kind is FailureKind.CONNECT else None

    async def _has_exited(self, process: Process) -> bool:
        deadline = self.clock() + EXITING
        while process.returncode is None:
            if self.clock() > deadline:
                return False
            await asyncio.sleep(0.01)
        return True
