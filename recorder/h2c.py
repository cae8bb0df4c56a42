"""Cleartext HTTP/2 with prior knowledge (RFC 9113 3.3), which is how most gRPC inside a cluster speaks.

Stock mitmproxy breaks it off. The layer that reads it is there; it only has to be chosen when the client's first
bytes are the connection preface.
"""

from __future__ import annotations

from mitmproxy.proxy import layers, server_hooks
from mitmproxy.proxy.layer import NextLayer
from mitmproxy.proxy.layers.http import HTTPMode

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"


class PriorKnowledge:
    """Must come before mitmproxy's own choice of layers."""

    def next_layer(self, next_layer: NextLayer) -> None:
        """Choose HTTP/2 when its preface has begun."""
        context = next_layer.context
        if next_layer.layer is not None or context.client.tls or context.client.transport_protocol != "tcp":
            return
        if getattr(context.client.proxy_mode, "scheme", "http") != "http":
            return  # a TLS server: mitmproxy's own choice puts TLS in between
        begun = next_layer.data_client()[: len(PREFACE)]
        if len(begun) >= 14 and PREFACE.startswith(begun) and context.server.address:
            context.client.alpn = b"h2"
            if not context.server.tls:
                context.server.alpn = b"h2"
            next_layer.layer = layers.HttpLayer(context, HTTPMode.transparent)

    def server_connected(self, data: server_hooks.ServerConnectionHookData) -> None:
        """The server is spoken to as the client speaks to us."""
        if data.client.alpn == b"h2" and not data.client.tls and not data.server.tls:
            data.server.alpn = b"h2"
