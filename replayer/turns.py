"""Several replays of one capture side by side: each exchange goes to one build after the other, never to two at once.

So no build is measured while another one works for the same processor, and whatever slows the machine down slows all
alike. Who is first changes from exchange to exchange. Only for replays that send one request at a time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from captures.model import Exchange

Send = Callable[[Exchange], Awaitable[Exchange]]


@dataclass(slots=True)
class Turns:
    """Shared by ``count`` replays, numbered from 0."""

    count: int
    _waiting: dict[int, tuple[int, asyncio.Future[None]]] = field(default_factory=dict)  # side -> (exchange, its turn)
    _over: dict[int, int] = field(default_factory=dict)  # side -> the exchange it finished last
    _left: set[int] = field(default_factory=set)
    _running: int | None = None

    def of(self, side: int, send: Send) -> Send:
        """``send`` of ``side``, which then waits for its turn."""

        async def in_turn(recorded: Exchange) -> Exchange:
            turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting[side] = recorded.id, turn
            self._next()
            try:
                await turn
                return await send(recorded)
            finally:
                self._waiting.pop(side, None)
                self._over[side] = recorded.id
                if self._running == side:
                    self._running = None
                self._next()

        return in_turn

    def leave(self, side: int) -> None:
        """``side`` sends nothing any more: nobody waits for it."""
        self._left.add(side)
        self._next()

    def _next(self) -> None:
        """Let one go, when everybody who may come to the same exchange is there."""
        if self._running is not None or not self._waiting:
            return
        exchange = min(at for at, _ in self._waiting.values())
        for side in range(self.count):
            missing = side not in self._waiting and side not in self._left
            if missing and self._over.get(side, -1) < exchange:
                return
        here = [side for side, (at, _) in self._waiting.items() if at == exchange]
        self._running = min(here, key=lambda side: (side + exchange) % self.count)
        turn = self._waiting[self._running][1]
        if not turn.done():
            turn.set_result(None)
