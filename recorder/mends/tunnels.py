"""Connections that are HTTP only at their beginning: CONNECT, and what was upgraded.

* In a tunnel the server is only called once the client has spoken, which waits for ever where the server speaks first
  (SMTP, SSH, MySQL). A client that stays silent for :data:`PATIENCE` gets its server called; not at once, because a
  request to a server that is down is to be on the tape, and its client speaks.
* Half of a tunnel cannot be closed: the answer to what ends with its connection's half is lost.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mitmproxy.connection import Connection
from mitmproxy.proxy import commands, events
from mitmproxy.proxy.layer import NextLayer
from mitmproxy.proxy.layers import TCPLayer
from mitmproxy.proxy.layers.http import HttpStream

from recorder.mends.events import Commands, Wanted

PATIENCE = 0.3  # seconds


def wraps() -> list[Wanted]:
    """What is mended here."""
    return [
        (HttpStream, "handle_connect_regular", _be_patient),
        (HttpStream, "passthrough", _pass_through),
        (TCPLayer, "relay_messages", _close_halves),
    ]


class Patience(commands.RequestWakeup):  # type: ignore[misc]
    """Asks to be told when a client has been silent for long enough."""


def _be_patient(original: Callable[..., Commands]) -> Callable[..., Commands]:
    def handle_connect_regular(self: Any) -> Commands:
        yield from original(self)
        if self._handle_event == self.passthrough:
            yield Patience(PATIENCE)

    return handle_connect_regular


def _pass_through(original: Callable[..., Commands]) -> Callable[..., Commands]:
    def passthrough(self: Any, event: Any) -> Commands:
        if isinstance(event, events.Wakeup) and isinstance(event.command, Patience):
            return call_server(self)
        return with_halves(self, event)

    def call_server(self: Any) -> Commands:
        server, tunnel = self.context.server, self.child_layer
        if isinstance(tunnel, NextLayer) and tunnel.layer is None and not server.connected and not server.error:
            error = yield commands.OpenConnection(server)
            if error:
                yield commands.CloseConnection(self.context.client)

    def with_halves(self: Any, event: Any) -> Commands:
        for command in original(self, event):
            if isinstance(command, HalfClose):
                command = commands.CloseTcpConnection(command.connection, half_close=True)
            yield command

    return passthrough


class HalfClose(commands.Command):  # type: ignore[misc]
    """Closes our half of ``connection``. Of mitmproxy's own command a stream makes one that closes the whole."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection


def _close_halves(original: Callable[..., Commands]) -> Callable[..., Commands]:
    def relay_messages(self: Any, event: Any) -> Commands:
        if isinstance(event, events.ConnectionClosed) and _in_the_clear(self.context):
            return halves(self, event)
        return original(self, event)

    def halves(self: Any, event: Any) -> Commands:
        for command in original(self, event):
            if isinstance(command, commands.CloseTcpConnection) and command.half_close:
                command = HalfClose(command.connection)
            yield command

    return relay_messages


def _in_the_clear(context: Any) -> bool:
    """Whether this is a stream's inside, and there is no TLS in it."""
    inside = any(isinstance(layer, HttpStream) for layer in context.layers)
    return inside and not context.client.tls and not context.server.tls
