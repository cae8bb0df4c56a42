"""Where the short way takes mitmproxy's events."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any

from mitmproxy.proxy import events, mode_servers
from mitmproxy.proxy.layer import NextLayer
from mitmproxy.proxy.layers.http import HttpLayer
from mitmproxy.proxy.layers.tls import TLSLayer
from mitmproxy.tls import TlsData

from recorder.plain.path import Path
from recorder.sockets import notice_at_next_read
from recorder.tape import Tape

ATTRIBUTE = "retape_path"
"""Of a client's connection: its :class:`Path`."""


class ShortWay:
    """The add-on that opens it. It must come after mitmproxy's own choice of layers."""

    def __init__(self, tape: Tape) -> None:
        self._tape = tape
        take()

    def next_layer(self, next_layer: NextLayer) -> None:
        """A connection turns out to be HTTP. (Inside a tunnel, the tunnel's content is what counts.)"""
        layer, client = next_layer.layer, next_layer.context.client
        while isinstance(layer, TLSLayer):  # it comes with what is to be inside
            layer = layer.child_layer
        if type(layer) is HttpLayer and client.transport_protocol == "tcp" and client.alpn != b"h2":
            setattr(client, ATTRIBUTE, Path(layer, self._tape))

    def tls_established_client(self, data: TlsData) -> None:
        """Both sides know which HTTP they speak."""
        if data.conn.alpn == b"h2" and hasattr(data.conn, ATTRIBUTE):
            delattr(data.conn, ATTRIBUTE)


def take() -> None:
    """Have every connection's events offered to its path first, once per process."""
    handler = mode_servers.ProxyConnectionHandler
    if not getattr(handler.server_event, "offers", False):
        handler.server_event = _offering(handler.server_event)


def _offering(original: Callable[..., Any]) -> Callable[..., Any]:
    async def server_event(self: Any, event: events.Event) -> None:
        path: Path | None = getattr(self.client, ATTRIBUTE, None)
        if path is None:
            await original(self, event)
            return
        while path.is_full(event):
            try:
                await path.room()
            except asyncio.CancelledError:
                notice_at_next_read()
                return
        try:
            left = path.take(self, event)
        except Exception:
            # As in the dispatch of hooks: the service's other traffic must flow, whatever goes wrong in here.
            logging.getLogger(__name__).exception("the short way failed")
            left = path.give_up(self, event)
        self.timeout_watchdog.register_activity()
        for one in left:
            await original(self, one)

    server_event.offers = True  # type: ignore[attr-defined]
    return server_event
