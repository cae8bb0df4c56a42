"""Idle connections of mitmproxy's, and what is between us and their bytes.

Everything here looks at attributes that are private to mitmproxy. What does not look as expected is left to it: the
short way is one that need not be taken.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from mitmproxy.connection import Connection, ConnectionState, Server
from mitmproxy.proxy.layers.http import HttpClient, HttpLayer, HttpStream
from mitmproxy.proxy.layers.http._http1 import Http1Client, Http1Server
from mitmproxy.proxy.layers.modes import HttpProxy, ReverseProxy
from mitmproxy.proxy.layers.tls import ClientTLSLayer, ServerTLSLayer
from mitmproxy.proxy.tunnel import TunnelState
from OpenSSL import SSL

Address = tuple[str, int]
RECORD = 16_384  # bytes of plaintext in a TLS record, at most (RFC 8446 5.1)
PIECE = 65_536  # bytes of ciphertext fetched at once
_BELOW = frozenset({ReverseProxy, HttpProxy, HttpLayer, HttpStream, ClientTLSLayer, ServerTLSLayer})


class Clear:
    """Bytes that are on the wire as they are."""

    ended = False

    def decode(self, data: bytes) -> bytes:
        """The content in ``data``, which came from the socket."""
        return data

    def encode(self, data: bytes) -> bytes:
        """What goes to the socket for ``data``."""
        return data

    def give_back(self, data: bytes) -> bytes:
        """What mitmproxy is to be told came from the socket, so that it sees the content ``data``."""
        return data


class Encrypted(Clear):
    """Bytes in the TLS session of a layer of mitmproxy's."""

    def __init__(self, layer: Any) -> None:
        self._layer = layer
        self._tls = layer.tls

    def decode(self, data: bytes) -> bytes:
        """As the base class. ``ended`` says that nothing will follow: mitmproxy shall look why."""
        self._tls.bio_write(data)
        parts = []
        try:
            while True:
                parts.append(self._tls.recv(RECORD))
        except SSL.WantReadError:
            pass
        except SSL.Error:
            self.ended = True
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def encode(self, data: bytes) -> bytes:
        """As the base class."""
        parts = []
        with suppress(SSL.ZeroReturnError, SSL.SysCallError):  # the peer has ended the session
            self._tls.sendall(data)
        with suppress(SSL.WantReadError):  # all was read
            while True:
                parts.append(self._tls.bio_read(PIECE))
                if len(parts[-1]) < PIECE:
                    break
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def give_back(self, data: bytes) -> bytes:
        """As the base class: the layer finds ``data`` in its session."""
        if data:
            self._layer.tls = _Unread(self._layer, self._tls, data)
        return b""


class _Unread:
    """A TLS session whose next :meth:`recv` gives content that was read before."""

    def __init__(self, layer: Any, tls: Any, data: bytes) -> None:
        self._layer = layer
        self._tls = tls
        self._data = data

    def recv(self, _size: int) -> bytes:
        """What was given back, once."""
        self._layer.tls = self._tls
        return self._data

    def __getattr__(self, name: str) -> Any:
        return getattr(self._tls, name)


def waits(layer: HttpLayer) -> Clear | None:
    """What is between the socket of a client's connection and ``layer``, which waits for the next request.

    None where it does not, or where more is in between than is known here.
    """
    context = layer.context
    if layer.streams or layer.waiting_for_establishment or context.client.state is not ConnectionState.OPEN:
        return None
    if not is_known_below(layer) or any(one._paused is not None for one in context.layers):
        return None
    if not _is_idle(layer.connections.get(context.client), Http1Server):
        return None
    return codec_of(context.client, context.layers)


def idle_server(layer: HttpLayer, address: Address, *, tls: bool) -> tuple[Connection, Clear] | None:
    """The connection of ``layer`` to the server at ``address`` that waits for a request, if there is one."""
    for server, top in layer.connections.items():
        if not isinstance(server, Server) or server.address != address or bool(server.tls) != tls:
            continue
        if server.state is not ConnectionState.OPEN or server.alpn == b"h2" or server.via or server.error:
            continue
        stack = stack_of(top)
        if _is_idle(stack[-1], Http1Client) and all(one._paused is None for one in stack):
            codec = codec_of(server, [*layer.context.layers, *stack])
            return None if codec is None else (server, codec)
    return None


def _is_idle(connection: Any, kind: type) -> bool:
    """Whether a layer that speaks HTTP/1 is of ``kind`` and between two messages."""
    if type(connection) is not kind:
        return False
    one: Any = connection
    return one.state == one.read_headers and one.request is None and not one.buf


def stack_of(top: Any) -> list[Any]:
    """The layers towards a server, from ``top`` to the one that speaks HTTP."""
    stack = [top]
    while isinstance(stack[-1], ServerTLSLayer | HttpClient):
        stack.append(getattr(stack[-1], "child_layer", None))
    return stack


def is_known_below(layer: HttpLayer) -> bool:
    """Whether what is between the client's socket and ``layer`` is known here: TLS, and tunnels around it."""
    below = layer.context.layers
    return all(type(one) in _BELOW for one in below) and all(
        _is_tunnel(one) for one in below if type(one) is HttpLayer and one is not layer
    )


def _is_tunnel(outer: HttpLayer) -> bool:
    """Whether all that ``outer`` carries is one tunnel, whose bytes it hands on as they are."""
    server = outer.connections.get(outer.context.client)
    streams = list(outer.streams.values())
    return (
        type(server) is Http1Server
        and server.state == server.passthrough
        and len(streams) == 1
        and streams[0]._handle_event == streams[0].passthrough
    )


def codec_of(connection: Connection, layers: Iterable[Any]) -> Clear | None:
    """What is between the socket of ``connection`` and HTTP; None where that is not what is known here."""
    found = {
        id(one): one for one in layers if isinstance(one, ClientTLSLayer | ServerTLSLayer) and one.conn is connection
    }
    if not found:
        return None if connection.tls else Clear()
    if len(found) > 1:
        return None
    (only,) = found.values()
    if only.tunnel_state is not TunnelState.OPEN or only.tls is None or isinstance(only.tls, _Unread):
        return None
    return Encrypted(only)
