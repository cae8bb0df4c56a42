"""The event loop a replay runs on: uvloop where it is installed, asyncio's own elsewhere."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    """:func:`asyncio.run` on the fastest loop there is."""
    with asyncio.Runner(loop_factory=fastest()) as runner:
        return runner.run(coroutine)


def fastest() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """What makes uvloop's loop; None where it is not installed (it is not for Windows nor for PyPy)."""
    try:
        import uvloop
    except ImportError:
        return None
    make: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    return make
