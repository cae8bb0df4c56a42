"""HTTP/1 clients that close their half of the connection once they have asked (netcat, health checks).

mitmproxy takes them for gone. A client may do so and be answered (RFC 9112 9.6), and whether it is the service decides:
its connection is closed by half as well, as it would be without us. Nobody can tell such a client from one that left
for good; a service that goes on for either does so here. Of a service that cannot be told (TLS, HTTP/2) no answer is
awaited, for those who left for good it could be for ever; and of one that cannot be reached for :data:`PATIENCE` only.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mitmproxy.connection import ConnectionState
from mitmproxy.proxy import commands, events
from mitmproxy.proxy.layers.http import HttpLayer
from mitmproxy.proxy.layers.http import _http1 as mitm
from mitmproxy.proxy.layers.http._events import RequestEndOfMessage

from recorder.mends.connections import was_reset
from recorder.mends.events import Commands, Wanted, nothing

PATIENCE = 5.0  # seconds


class Patience(commands.RequestWakeup):  # type: ignore[misc]
    """Asks to be told when a server has been waited for long enough, for a client that may have left."""


def wraps() -> list[Wanted]:
    """What is mended here."""
    return [
        (mitm.Http1Server, "_handle_event", _stay_no_longer),
        (mitm.Http1Server, "wait", _stay),
        (mitm.Http1Server, "mark_done", _leave),
        (mitm.Http1Client, "send", _tell_server),
    ]


def is_half_closed(client: Any) -> bool:
    """Whether ``client`` sends nothing more and may still be sent to."""
    return client.state is ConnectionState.CAN_WRITE and not client.tls and not was_reset(client)


def _stay(original: Callable[..., Commands]) -> Callable[..., Commands]:
    def wait(self: Any, event: Any) -> Commands:
        if isinstance(event, events.ConnectionClosed) and is_half_closed(self.conn) and not hasattr(self, "has_waited"):
            server = _server_of(self)
            if server is not None and server.state is ConnectionState.CLOSED:
                return patiently()  # when it is connected to, the end of the request tells it
            if server is not None and not server.tls:
                return _close_half(server)
        return original(self, event)

    def patiently() -> Commands:
        yield Patience(PATIENCE)

    return wait


def _stay_no_longer(original: Callable[..., Commands]) -> Callable[..., Commands]:
    def _handle_event(self: Any, event: Any) -> Commands:
        if not isinstance(event, events.Wakeup):
            return original(self, event)
        server = _server_of(self)
        if self.state != self.wait or server is None or server.state is not ConnectionState.CLOSED:
            return nothing()
        self.has_waited = True
        return original(self, events.ConnectionClosed(self.conn))

    return _handle_event


def _server_of(self: Any) -> Any:
    """The server's connection of the exchange that is under way."""
    for layer in self.context.layers:
        stream = layer.streams.get(self.stream_id) if isinstance(layer, HttpLayer) else None
        if stream is not None:
            return stream.flow.server_conn
    return None


def _leave(original: Callable[..., Commands]) -> Callable[..., Commands]:
    def mark_done(self: Any, *, request: bool = False, response: bool = False) -> Commands:
        inner = original(self, request=request, response=response)
        return leaving(self, inner) if response and is_half_closed(self.conn) else inner

    def leaving(self: Any, inner: Commands) -> Commands:
        yield from inner
        if self.state in (self.read_headers, self.read_body):  # and nothing follows
            yield from self.state(events.ConnectionClosed(self.conn))

    return mark_done


def _tell_server(original: Callable[..., Commands]) -> Callable[..., Commands]:
    def send(self: Any, event: Any) -> Commands:
        inner = original(self, event)
        return telling(self, inner) if isinstance(event, RequestEndOfMessage) else inner

    def telling(self: Any, inner: Commands) -> Commands:
        yield from inner
        if is_half_closed(self.context.client):
            yield from _close_half(self.conn)

    return send


def _close_half(server: Any) -> Commands:
    if server.state is ConnectionState.OPEN and not server.tls:
        yield commands.CloseTcpConnection(server, half_close=True)
