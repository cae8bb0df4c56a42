"""The sockets of a connection handler of mitmproxy's, which the short ways write to themselves."""

from __future__ import annotations

import asyncio
from typing import Any, Protocol

from mitmproxy.connection import Connection


class Encoding(Protocol):
    """What is between a socket and what is sent on it."""

    def encode(self, data: bytes) -> bytes:
        """What goes to the socket for ``data``."""


def send(handler: Any, connection: Connection, codec: Encoding, data: bytes) -> None:
    """Send ``data`` on ``connection``, as ``codec`` makes it; nothing where that has ended."""
    io = handler.transports.get(connection)
    if data and io is not None and io.writer is not None and not io.writer.is_closing():
        io.writer.write(codec.encode(data))
        flush = getattr(io.writer, "flush", None)  # see recorder.shortcuts
        if flush is not None:
            flush()


def close(handler: Any, connection: Connection) -> None:
    """Close ``connection``, unless it has ended."""
    if connection in handler.transports:
        handler.close_connection(connection)


def notice_at_next_read() -> None:
    """The connection of this task was cut where mitmproxy does not expect it: it shall notice at its next read."""
    task = asyncio.current_task()
    if task is not None:
        asyncio.get_running_loop().call_soon(task.cancel)
