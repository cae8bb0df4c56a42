"""Where the short way of HTTP/2 takes mitmproxy's events."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable, Generator
from typing import Any

from h2.connection import H2Connection
from mitmproxy.connection import Client
from mitmproxy.proxy import events, mode_servers
from mitmproxy.proxy.layers.http import HttpLayer
from mitmproxy.proxy.layers.http._http2 import Http2Client, Http2Server
from mitmproxy.proxy.layers.http._http_h2 import BufferedH2Connection

from recorder.multiplexed.carrier import Carrier
from recorder.multiplexed.lanes import is_known
from recorder.tape import Tape


class ShortStreams:
    """The add-on that opens it."""

    def __init__(self, tape: Tape) -> None:
        self._tape = tape
        if is_known():
            take()

    def client_connected(self, client: Client) -> None:
        """Should it turn out to speak HTTP/2, its streams are told to the tape."""
        client.streams_tape = self._tape

    def client_disconnected(self, client: Client) -> None:
        """Let go of all that hangs on it."""
        client.__dict__.pop("streams_tape", None)
        client.__dict__.pop("carrier", None)


def take() -> None:
    """Have every connection's events offered to its carrier first, once per process."""
    handler = mode_servers.ProxyConnectionHandler
    if getattr(handler.server_event, "carries", False):
        return
    handler.server_event = _carrying(handler.server_event)
    Http2Server.__init__ = _beginning(Http2Server.__init__)
    for side in (Http2Server, Http2Client):
        side.close_connection = _releasing(side.close_connection)
    for name in ("open_inbound_streams", "open_outbound_streams"):
        setattr(BufferedH2Connection, name, _counting(getattr(H2Connection, name)))


def _carrying(original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    async def server_event(self: Any, event: events.Event) -> None:
        carrier: Carrier | None = getattr(self.client, "carrier", None)
        if carrier is None:
            await original(self, event)
            return
        self.timeout_watchdog.register_activity()
        step = carrier.take
        while True:
            try:
                left = step(self, event)
            except Exception:
                # As in the dispatch of hooks, but what was sent is unknown: the two ends must not wait for each other.
                logging.getLogger(__name__).exception("carrying HTTP/2 failed")
                carrier.give_up(self)
                self.client.__dict__.pop("carrier", None)
                return
            if left is None:
                return
            await original(self, left)
            step = carrier.more

    server_event.carries = True  # type: ignore[attr-defined]
    return server_event


def _beginning(original: Callable[..., None]) -> Callable[..., None]:
    def init(self: Any, context: Any) -> None:
        original(self, context)
        client, above = context.client, [layer for layer in context.layers if type(layer) is HttpLayer]
        if above and client.transport_protocol == "tcp" and hasattr(client, "streams_tape"):
            client.carrier = Carrier(above[-1], client.streams_tape)

    return init


def _releasing(original: Callable[..., Any]) -> Callable[..., Any]:
    """What is carried is mitmproxy's before it closes a connection, and tells its streams."""

    def close_connection(self: Any, *arguments: Any) -> Generator[Any, Any, Any]:
        if hasattr(self, "carrier"):
            self.carrier.release()
        yield from original(self, *arguments)

    return close_connection


def _counting(original: property) -> property:
    """The number of open streams with those that are carried."""
    return property(lambda self: original.fget(self) + getattr(self, "carried", 0))  # type: ignore[misc]
