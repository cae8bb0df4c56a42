"""HTTP/2 bodies for somebody who reads slowly, or not at all.

mitmproxy lets each side send without end and keeps what the other does not take: a client that leaves a download in the
middle without closing it costs as much memory as its server has to send. Here a stream's sender may be
:data:`WINDOW` ahead, and gets room for more when most of that has been taken. Other streams go on.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from h2.connection import H2Connection
from mitmproxy.proxy import commands
from mitmproxy.proxy.layers.http import HttpLayer, SendHttp
from mitmproxy.proxy.layers.http import _http2 as mitm
from mitmproxy.proxy.layers.http._base import HttpEvent
from mitmproxy.proxy.layers.http._http_h2 import BufferedH2Connection

from recorder.mends.events import Commands, Wanted

WINDOW = 4 * 1024 * 1024
"""Bytes that the sender of one stream may be ahead: 40 MB/s where an answer takes a tenth of a second."""

LOW = WINDOW // 4
"""Bytes of a stream that are left to be taken when its sender gets room for more."""


def wraps() -> list[Wanted]:
    """What is mended here."""
    return [
        (BufferedH2Connection, "__init__", _limit_window),
        (BufferedH2Connection, "acknowledge_received_data", _owe_room),
        (mitm.Http2Connection, "__init__", _introduce),
        (mitm.Http2Server, "_handle_event", _give_room),
        (mitm.Http2Client, "_handle_event", _give_room),
    ]


@dataclass
class Room(HttpEvent):  # type: ignore[misc]
    """What came of a stream (by the number it has on the connection that hears this) has been taken."""


def _limit_window(original: Callable[..., None]) -> Callable[..., None]:
    def init(self: Any, *arguments: Any, **options: Any) -> None:
        original(self, *arguments, **options)
        self.local_settings.initial_window_size = WINDOW
        self.local_settings.acknowledge()  # nothing has been said yet: the first SETTINGS will
        self.owed = {}  # by stream: bytes that came and were not taken yet
        self.is_kept = lambda _: False

    return init


def _owe_room(original: Callable[..., None]) -> Callable[..., None]:
    def acknowledge_received_data(self: Any, size: int, stream: int) -> None:
        # That of the connection is owed with it: its window is 500 times as large.
        if self.is_kept(stream):
            self.owed[stream] = self.owed.get(stream, 0) + size
        else:
            original(self, size + self.owed.pop(stream, 0), stream)

    return acknowledge_received_data


def _introduce(original: Callable[..., None]) -> Callable[..., None]:
    def init(self: Any, context: Any, connection: Any) -> None:
        original(self, context, connection)
        above = [layer for layer in context.layers if isinstance(layer, HttpLayer)]
        self.owing = {}  # by stream: from which connection it came, and its number there
        connection.http2 = self
        if above:
            self.h2_conn.is_kept = lambda number: _is_kept(self, above[-1], number)

    return init


def _is_kept(self: Any, layer: Any, number: int) -> bool:
    """Whether something of stream ``number`` waits for who shall take it; who then remembers to tell."""
    if isinstance(self, mitm.Http2Client):
        taker = getattr(self.context.client, "http2", None)
        there = self.their_stream_id.get(number)
    else:
        stream = layer.streams.get(number)
        taker = None if stream is None else getattr(stream.context.server, "http2", None)
        there = None if taker is None else taker.our_stream_id.get(number)
    if taker is None or not taker.h2_conn.stream_buffers.get(there):
        return False
    taker.owing[there] = (self.conn, number)
    return True


def _give_room(original: Callable[..., Commands]) -> Callable[..., Commands]:
    def handle_event(self: Any, event: Any) -> Commands:
        if isinstance(event, Room):
            return room(self, event)
        return look(self, event) if self.owing else original(self, event)

    def look(self: Any, event: Any) -> Commands:
        yield from original(self, event)
        for number, (source, there) in list(self.owing.items()):
            if sum(len(part.data) for part in self.h2_conn.stream_buffers.get(number, ())) <= LOW:
                del self.owing[number]
                yield SendHttp(Room(there), source)

    def room(self: Any, event: Room) -> Commands:
        h2 = self.h2_conn
        H2Connection.acknowledge_received_data(h2, h2.owed.pop(event.stream_id, 0), event.stream_id)
        data = h2.data_to_send()
        if data:
            yield commands.SendData(self.conn, data)

    return handle_event
