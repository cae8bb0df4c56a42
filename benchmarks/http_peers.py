"""What a replay's sending is measured against: ``wrk`` as the limit, loops over aiohttp and httpx as what one would
write instead. All on one server, with the same number of connections; they read every body and keep nothing."""

from __future__ import annotations

import asyncio
import re
import shutil
import subprocess
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from replayer import loops

WINDOW = 300
Send = Callable[[int], Awaitable[Any]]


async def timed(send: Send, requests: int, connections: int) -> float:
    """Requests per second of ``connections`` workers that share ``requests`` numbers: see :func:`best_rate`."""
    numbers = iter(range(requests))
    times: list[float] = []

    async def worker() -> None:
        for number in numbers:
            await send(number)
            times.append(time.perf_counter())

    await send(0)  # imports, first connection
    await asyncio.gather(*(worker() for _ in range(connections)))
    return best_rate(times)


def best_rate(times: Sequence[float]) -> float:
    """How many of ``times`` there are a second, where they are densest for :data:`WINDOW` of them in a row.

    Who else uses the machine takes it away for a while now and then, and must not decide.
    """
    window = min(WINDOW, len(times) - 1)
    return max(window / (end - start) for start, end in zip(times, times[window:], strict=False))


def wrk(url: str, seconds: int, connections: int) -> float | None:
    """Requests per second of ``wrk``; None where it is not installed."""
    if shutil.which("wrk") is None:
        return None
    argv = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", f"{url}/items/1?page=1"]
    done = subprocess.run(argv, capture_output=True, text=True, check=True)
    found = re.search(r"Requests/sec:\s+([\d.]+)", done.stdout)
    return float(found[1]) if found else None


def httpx_loop(url: str, requests: int, connections: int) -> float | None:
    """Requests per second of a loop over httpx; None where it is not installed."""
    try:
        import httpx
    except ImportError:
        return None

    async def run() -> float:
        limits = httpx.Limits(max_connections=connections, max_keepalive_connections=connections)
        async with httpx.AsyncClient(base_url=url, trust_env=False, limits=limits) as client:
            return await timed(lambda number: client.get(f"/items/{number}?page=1"), requests, connections)

    return asyncio.run(run())


def aiohttp_loop(url: str, requests: int, connections: int, *, fast: bool = False) -> float | None:
    """Requests per second of a loop over aiohttp, ``fast``: on our own loop; None where it is not installed."""
    try:
        import aiohttp
    except ImportError:
        return None

    async def run() -> float:
        async with aiohttp.ClientSession(url, connector=aiohttp.TCPConnector(limit=connections)) as session:

            async def send(number: int) -> None:
                async with session.get(f"/items/{number}?page=1") as response:
                    await response.read()

            return await timed(send, requests, connections)

    return loops.run(run()) if fast else asyncio.run(run())
