"""One connection of the build to the stub server: its tunnel, its TLS, and whichever protocol it turns out to speak.

The protocol's own state is a *conversation* (``http1``, ``http2``): bytes in, answers out through the channel. HTTP/2
is spoken where ALPN says so, or where a cleartext connection begins with its preface (RFC 9113 sections 3.2 and 3.3).
Nothing here, or in what it calls, can open a connection.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Sequence
from typing import Protocol, cast

from captures.trust import Authority
from replayer.connect import CLIENT_HELLO, TlsChannel
from replayer.stubbing.answers import Desk, Server

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"


class Conversation(Protocol):
    """What is spoken on a connection."""

    def received(self, data: bytes) -> None:
        """Plaintext from the build."""

    def lost(self) -> None:
        """The connection is gone: nothing more is to be written."""


class House(Protocol):
    """What all connections of a stub server share."""

    desk: Desk
    authority: Authority | None
    offers: Callable[[str, int], Sequence[str]]  # ALPN protocols for a server
    channels: set[Channel]

    def meant(self, server: Server) -> Server:
        """What ``server`` stands for."""


class Channel(asyncio.Protocol):
    """A connection. ``server`` is set where every request on it is for one dependency."""

    def __init__(
        self,
        house: House,
        server: Server | None,
        first: Callable[[Channel], Conversation],
        second: Callable[[Channel], Conversation],
    ) -> None:
        self.house = house
        self.server = server
        self.stands_in = server is not None  # a reverse listener: the build knows us by another address
        self.closed = False
        self._http1, self._http2 = first, second
        self._conversation: Conversation | None = None
        self._early = b""  # of a preface that is not complete
        self._transport: asyncio.Transport | None = None
        self._tls: TlsChannel | None = None
        self._tunnel: tuple[str, int] | None = None  # after CONNECT, before its first byte

    # -- asyncio.Protocol -----------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's are no subclass
        self.house.channels.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self.closed = True
        self.house.channels.discard(self)
        if self._conversation is not None:
            self._conversation.lost()
        if self._tls is not None and not self._tls.established and self._tls.sni is not None:
            self._distrusted("the connection was closed inside the handshake")

    def data_received(self, data: bytes) -> None:
        if self.closed:
            return
        if self._tunnel is not None:
            self._enter_tunnel(data)
            return
        if self._tls is not None:
            data = self._decrypt(data)
            if not data:
                return
        if self._conversation is None:
            data = self._early + data
            self._early = b""
            if len(data) < len(PREFACE) and PREFACE.startswith(data):
                self._early = data
                return
            second = data.startswith(PREFACE) or (self._tls is not None and self._tls.protocol == "h2")
            self._conversation = self._http2(self) if second else self._http1(self)
        self._conversation.received(data)

    def eof_received(self) -> bool:
        return False

    # -- for conversations ----------------------------------------------------------------------------------------

    def enter(self, host: str, port: int, rest: bytes) -> None:
        """The build asked for a tunnel: what follows is for ``host:port``."""
        self._tunnel = (host, port)
        self._conversation = None
        self.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        if rest:
            self._enter_tunnel(rest)

    def write(self, data: bytes) -> None:
        """Send ``data``."""
        if self._transport is None or self.closed:
            return
        if self._tls is not None:
            self._tls.write(data)
            self._flush()
        else:
            self._transport.write(data)

    def close(self) -> None:
        """Close once everything written is sent."""
        if self._transport is None or self.closed:
            return
        self.closed = True
        if self._tls is not None and self._tls.established:
            self._tls.end()
            self._flush()
        self._transport.close()

    def drop(self) -> None:
        """Close at once."""
        self.closed = True
        if self._conversation is not None:
            self._conversation.lost()
        if self._transport is not None:
            self._transport.abort()

    # -- tunnels and TLS ------------------------------------------------------------------------------------------

    def _enter_tunnel(self, data: bytes) -> None:
        assert self._tunnel is not None
        (host, port), self._tunnel = self._tunnel, None
        authority = self.house.authority
        if data[0] != CLIENT_HELLO:
            self.server = Server("http", host, port)
        elif authority is None:
            self.close()
            return
        else:
            self.server = Server("https", host, port)
            meant = self.house.meant(Server("http", host, port))
            protocols = tuple(self.house.offers(meant.host, meant.port))
            self._tls = TlsChannel(host, lambda name: authority.leaf_context(name, protocols))
        self.data_received(data)

    def _decrypt(self, data: bytes) -> bytes:
        assert self._tls is not None
        try:
            plain = self._tls.feed(data)
        except ssl.SSLError as error:
            if not self._tls.established:
                self._distrusted(error.reason or "the handshake failed")
            self._flush()
            self.close()
            return b""
        self._flush()
        return plain

    def _distrusted(self, why: str) -> None:
        if self.server is not None and self._tls is not None:
            self._tls.sni = None  # said once
            self.house.desk.distrusted(self.server.host, self.server.port, why)

    def _flush(self) -> None:
        assert self._tls is not None
        pending = self._tls.pending()
        if pending and self._transport is not None:
            self._transport.write(pending)
