"""What is handed to a writer's thread, and how much memory it takes there."""

from __future__ import annotations

import queue
import threading
from contextlib import suppress
from dataclasses import dataclass

from captures.model import Exchange, Message, Skipped

EXCHANGE_BYTES, HEADER_BYTES = 1_500, 200  # of memory that an exchange takes beside its bodies (measured: CPython 3.11)
MESSAGE_BYTES = 300  # the same of a message


@dataclass(frozen=True, slots=True)
class Opened:
    """``exchange`` has begun, and its messages follow."""

    exchange: Exchange


@dataclass(frozen=True, slots=True)
class Whole:
    """``exchange`` with all of its messages, or the last of them."""

    exchange: Exchange
    messages: tuple[Message, ...]


@dataclass(frozen=True, slots=True)
class Unended:
    """There was no room for the end of this exchange."""

    exchange: int


@dataclass(frozen=True, slots=True)
class Flush:
    """A mark: ``done`` is set when everything before it is settled."""

    done: threading.Event


Item = Exchange | Whole | Opened | Message | Unended | Skipped


def size_of(item: Exchange | Whole | Opened | Message) -> int:
    """Bytes of memory that ``item`` takes, about: asked for every one, so not counted header by header."""
    if isinstance(item, Message):
        return len(item.body) + MESSAGE_BYTES
    messages = sum(map(size_of, item.messages)) if isinstance(item, Whole) else 0
    exchange = item if isinstance(item, Exchange) else item.exchange
    request, response = exchange.request, exchange.response
    if response is None:
        return len(request.body) + HEADER_BYTES * len(request.headers) + EXCHANGE_BYTES + messages
    headers = len(request.headers) + len(response.headers)
    return len(request.body) + len(response.body) + HEADER_BYTES * headers + EXCHANGE_BYTES + messages


def gathered(
    waiting: queue.SimpleQueue[Item | Flush | None], wait: float | None, hurry: threading.Event, pause: float, most: int
) -> list[Item | Flush | None]:
    """What comes within ``wait`` seconds (None: whenever it comes), and what follows within a ``pause``.

    A batch gathers while its thread sleeps: woken for every item, it would take the interpreter from the traffic's
    thread each time. ``hurry``: there is no time for that.
    """
    try:
        items = [waiting.get(timeout=wait)]
    except queue.Empty:
        return []
    hurry.wait(pause)
    hurry.clear()
    while items[-1] is not None and len(items) < most:
        try:
            items.append(waiting.get_nowait())
        except queue.Empty:
            break
    return items


def left_in(waiting: queue.SimpleQueue[Item | Flush | None]) -> tuple[int, int]:
    """(exchanges, bytes) of what is still in ``waiting``, which keeps its order. Nobody may add to it meanwhile."""
    left: list[Item | Flush | None] = []
    with suppress(queue.Empty):
        while True:
            left.append(waiting.get_nowait())
    for item in left:
        waiting.put(item)
    sized = [item for item in left if isinstance(item, Exchange | Whole | Opened | Message)]
    return sum(isinstance(item, Exchange | Whole) for item in sized), sum(map(size_of, sized))
