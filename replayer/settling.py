"""Waiting for calls that were recorded after the response: the next exchange would be blamed for them."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Protocol

from captures.model import Exchange

SETTLE = 2.0  # seconds a call is waited for that was recorded after its response
GRACE = 0.25  # seconds such a call may be later than it was when recorded


class Answering(Protocol):
    """Who answers the build's calls: :class:`replayer.desk.ReplayDesk`."""

    def awaits(self, recorded: Exchange, cap: float = 0.0) -> float | None:
        """How many seconds after the recorded response calls came that have not come yet, or None."""

    async def answered(self) -> None:
        """Until the next call has been answered."""


async def settle(desk: Answering, recorded: Exchange) -> None:
    """Wait until the late calls of ``recorded`` have come, or will not come any more."""
    with suppress(TimeoutError):
        async with asyncio.timeout(SETTLE):
            while (seconds := desk.awaits(recorded, SETTLE)) is not None:
                async with asyncio.timeout(seconds + GRACE):
                    await desk.answered()
