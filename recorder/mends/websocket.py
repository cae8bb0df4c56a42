"""WebSockets passed on as they are.

mitmproxy takes every message apart and makes new frames of it: a fragment waits for the last one of its message,
compressed messages are compressed again and cut otherwise, a socket that breaks (1006) is closed in good order (1000),
and frames of an extension it does not know end the socket. Here bytes go on as they come, and what they say is read
beside it (of a message over the limit the beginning); where that fails, the traffic goes on and the exchange says so.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import wsproto.events
from mitmproxy import websocket
from mitmproxy.proxy import commands, events
from mitmproxy.proxy.layers import websocket as mitm
from wsproto.connection import ConnectionState
from wsproto.frame_protocol import CloseReason, Opcode

from recorder.mends.connections import was_reset
from recorder.mends.events import Commands, Wanted
from recorder.tape import LIMIT, PINGS, UNREAD


def wraps() -> list[Wanted]:
    """What is mended here."""
    return [(mitm.WebsocketLayer, "relay_messages", _pass_bytes)]


def _pass_bytes(original: Callable[..., Commands]) -> Callable[..., Commands]:
    def relay_messages(self: Any, event: Any) -> Commands:
        if isinstance(event, events.DataReceived):
            return passed(self, event)
        if isinstance(event, events.ConnectionClosed):
            return ended(self, event)
        return original(self, event)

    def passed(self: Any, event: Any) -> Commands:
        from_client = event.connection == self.context.client
        source, other = (self.client_ws, self.server_ws) if from_client else (self.server_ws, self.client_ws)
        yield commands.SendData(other.conn, event.data)
        if getattr(source, "unread", False):
            return
        source.receive_data(event.data)
        for said in source.events():
            if isinstance(said, wsproto.events.Message):
                yield from _message(self, source, said, from_client)
            elif isinstance(said, wsproto.events.Ping):
                self.flow.metadata[PINGS] = self.flow.metadata.get(PINGS, 0) + 1
            elif isinstance(said, wsproto.events.CloseConnection):
                source.unread = True  # nothing comes after it from this side
                if source.state is ConnectionState.OPEN:
                    self.flow.metadata[UNREAD] = True  # no frame said so: wsproto could not read one
                else:
                    _note_end(self, said.code, said.reason, from_client)

    def ended(self: Any, event: Any) -> Commands:
        from_client = event.connection == self.context.client
        code = None if UNREAD in self.flow.metadata else CloseReason.ABNORMAL_CLOSURE
        _note_end(self, code, None, from_client)
        if was_reset(event.connection) and not from_client:
            self.context.client.close_by_reset = True
        for side in (self.server_ws, self.client_ws):
            yield commands.CloseConnection(side.conn)
        yield mitm.WebsocketEndHook(self.flow)
        self.flow.live = False
        self._handle_event = self.done

    return relay_messages


def _message(self: Any, source: Any, said: Any, from_client: bool) -> Commands:
    text = isinstance(said.data, str)
    data = said.data.encode() if text else bytes(said.data)
    size = getattr(source, "size", 0)
    source.frame_buf.append(data[: max(0, self.flow.metadata[LIMIT] - size)])
    source.size = size + len(data)
    if said.message_finished:
        content = b"".join(source.frame_buf)
        kind = Opcode.TEXT if text else Opcode.BINARY
        message = websocket.WebSocketMessage(kind, from_client, content)
        message.size = source.size
        source.frame_buf, source.size = [], 0
        self.flow.websocket.messages.append(message)
        yield mitm.WebsocketMessageHook(self.flow)


def _note_end(self: Any, code: int | None, reason: str | None, by_client: bool) -> None:
    """The first who closes says why."""
    end = self.flow.websocket
    if end.timestamp_end is None:
        end.timestamp_end = time.time()
        end.closed_by_client, end.close_code, end.close_reason = by_client, code, reason
