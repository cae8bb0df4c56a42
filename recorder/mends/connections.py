"""Connections below HTTP.

* A reset is taken for an orderly end: of a response without a length, what came would be the whole. It is told from one
  here, and a client whose server reset the connection gets a reset as well.
* Idle client connections are cut after ten minutes (an option only since 12.2.1).
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Callable
from typing import Any

from mitmproxy.proxy import commands, events, server
from mitmproxy.proxy.layers.http import _http1
from mitmproxy.proxy.layers.http._base import ReceiveHttp
from mitmproxy.proxy.layers.http._events import ResponseProtocolError

from recorder.master import IDLE
from recorder.mends.events import Commands, Wanted

LINGER_NONE = struct.pack("ii", 1, 0)  # a socket closed with it resets its connection
SERVER_RESET = "server reset the connection"


def wraps() -> list[Wanted]:
    """What is mended here."""
    return [
        (server.ConnectionHandler, "handle_connection", _keep_how_it_ended),
        (server.ConnectionHandler, "close_connection", _close_by_reset),
        (_http1.Http1Client, "read_body", _tell_reset),
        (_http1.Http1Client, "read_headers", _tell_reset),
    ]


def keep_idle() -> None:
    """Let clients be idle for as long as they like."""
    if hasattr(server, "TCP_TIMEOUT"):
        server.TCP_TIMEOUT = IDLE


def was_reset(connection: Any) -> bool:
    """Whether the peer ended ``connection`` by a reset."""
    ended = getattr(connection, "how_it_ended", None)
    return ended is not None and isinstance(ended(), ConnectionResetError)


def _keep_how_it_ended(original: Callable[..., Any]) -> Callable[..., Any]:
    def handle_connection(self: Any, connection: Any) -> Any:
        # The stream knows why it ended (asyncio keeps the exception); nothing is to be done for each read.
        connection.how_it_ended = getattr(self.transports[connection].reader, "exception", None)
        return original(self, connection)

    return handle_connection


def _tell_reset(original: Callable[..., Commands]) -> Callable[..., Commands]:
    def read(self: Any, event: Any) -> Commands:
        if isinstance(event, events.ConnectionClosed) and was_reset(self.conn) and self.stream_id is not None:
            return reset(self)
        return original(self, event)

    def reset(self: Any) -> Commands:
        self.context.client.close_by_reset = self.context.client.alpn != b"h2"
        yield commands.CloseConnection(self.conn)
        yield ReceiveHttp(ResponseProtocolError(self.stream_id, SERVER_RESET, ResponseProtocolError.code))

    return read


def _close_by_reset(original: Callable[..., Any]) -> Callable[..., Any]:
    def close_connection(self: Any, connection: Any, half_close: bool = False) -> Any:
        if getattr(connection, "close_by_reset", False) and not half_close and not connection.tls:
            writer = self.transports[connection].writer
            raw = writer.get_extra_info("socket") if writer is not None else None
            if raw is not None:
                raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_NONE)
        return original(self, connection, half_close)

    return close_connection
