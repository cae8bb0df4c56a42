"""HTTP/2 streams that have ended are forgotten: a connection may live for days, and gRPC's do.

mitmproxy keeps for each stream that a connection ever had the number it has on the other side, and (towards the client)
its state; h2 keeps how the last 65,536 were closed, several megabytes for each connection.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mitmproxy.proxy.layers.http import _http2 as mitm
from mitmproxy.proxy.layers.http._base import HttpEvent, ReceiveHttp
from mitmproxy.proxy.layers.http._events import ResponseEndOfMessage, ResponseProtocolError
from mitmproxy.proxy.layers.http._http_h2 import BufferedH2Connection

from recorder.mends.events import Commands, Wanted

CLOSED = 4_096
"""Streams of one connection whose end is remembered, so that a frame that comes late is told from a wrong one."""
ENDS = (ResponseEndOfMessage, ResponseProtocolError)


def wraps() -> list[Wanted]:
    """What is mended here."""
    return [
        (mitm.Http2Client, "_handle_event", _forget_numbers),
        (mitm.Http2Server, "_handle_event", _forget_states),
        (BufferedH2Connection, "__init__", _forget_ends),
    ]


def last_taken(connection: Any, last: int) -> int:
    """The client's number of the newest stream that is not newer than the server's ``last``; 0 where there is none."""
    numbers = [theirs for ours, theirs in connection.their_stream_id.items() if ours <= last]
    ours, theirs = getattr(connection, "newest_ended", (0, 0))
    return max([*numbers, theirs] if ours <= last else numbers, default=0)


def _forget_numbers(original: Callable[..., Commands]) -> Callable[..., Commands]:
    """A stream has its number as long as anything of it may come: until it is closed on both sides."""

    def handle_event(self: Any, event: Any) -> Commands:
        ended = [event.stream_id] if isinstance(event, HttpEvent) else []  # its number changes inside
        inner, reply = original(self, event), None
        while True:
            try:
                command = inner.send(reply)
            except StopIteration:
                break
            if isinstance(command, ReceiveHttp) and isinstance(command.event, ENDS):
                ended.append(command.event.stream_id)
            reply = yield command
        for theirs in ended:
            ours = self.our_stream_id.get(theirs)
            if ours is not None and ours not in self.streams and self.is_closed(ours):
                del self.our_stream_id[theirs], self.their_stream_id[ours]
                self.newest_ended = max(getattr(self, "newest_ended", (0, 0)), (ours, theirs))

    return handle_event


def _forget_states(original: Callable[..., Commands]) -> Callable[..., Commands]:
    """mitmproxy looks only when a request ends, which is usually before its answer does."""

    def handle_event(self: Any, event: Any) -> Commands:
        if not isinstance(event, ENDS):
            return original(self, event)
        return end(self, event)

    def end(self: Any, event: Any) -> Commands:
        stream = event.stream_id
        yield from original(self, event)
        if self.is_closed(stream):
            self.streams.pop(stream, None)

    return handle_event


def _forget_ends(original: Callable[..., None]) -> Callable[..., None]:
    def init(self: Any, *arguments: Any, **options: Any) -> None:
        self.MAX_CLOSED_STREAMS = CLOSED
        original(self, *arguments, **options)

    return init
