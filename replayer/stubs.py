"""The stub server: stands where the dependencies stood. Its listeners; what they do with a request is ``stubbing``.

A forward proxy (absolute-form and CONNECT, TLS by our own authority) and one reverse listener per ``--dependency``,
each for HTTP/1.1 and HTTP/2. Nothing behind these listeners can open a connection, so nothing the build says leaves the
machine: not when the answers are used up, not at CONNECT, not on an error (compare mitmproxy #8363 and #5024).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from captures.errors import UsageError
from captures.model import authority
from captures.trust import Authority
from replayer.stubbing.answers import Answer, Desk, Piece, Server
from replayer.stubbing.channel import Channel, Conversation
from replayer.stubbing.http1 import Http1Conversation

__all__ = ["Answer", "Desk", "Piece", "Server", "StubServer"]

LOOPBACK = "127.0.0.1"
BACKLOG = 1024  # connections that wait to be accepted

Serve = Callable[[Callable[[], asyncio.Protocol], str, int], Awaitable[asyncio.Server]]
"""Listens on a host and port elsewhere than in our network, with a protocol for each connection."""


def _both(host: str, port: int) -> Sequence[str]:
    del host, port
    return ("h2", "http/1.1")


class StubServer:
    """All listeners of one replay, on one desk. ``offers``: what ALPN offers for a host and port."""

    def __init__(
        self, desk: Desk, authority: Authority | None, offers: Callable[[str, int], Sequence[str]] = _both
    ) -> None:
        self.desk = desk
        self.authority = authority
        self.offers = offers
        self.channels: set[Channel] = set()
        self._servers: list[asyncio.Server] = []
        self._stand_ins: dict[int, Server] = {}  # port of a listener -> the dependency it stands for

    async def listen(
        self,
        server: Server | None = None,
        *,
        host: str = LOOPBACK,
        port: int = 0,
        serve: Serve | None = None,
    ) -> str:
        """Open a listener: the forward proxy, or one that stands for ``server``. Returns its base URL.

        ``serve`` listens where that is not to be in our own network. Raises :class:`UsageError` when the
        port is taken.
        """
        loop = asyncio.get_running_loop()

        def connected() -> Channel:
            return Channel(self, server, Http1Conversation, _second)

        try:
            listening = await (
                serve(connected, host, port)
                if serve is not None
                else loop.create_server(connected, host, port, backlog=BACKLOG)
            )
        except OSError as error:
            raise UsageError(
                f"Port {port} on {host} cannot be listened on: {error.strerror or error}.",
                hint="Choose another port, or 0 for any free one.",
            ) from error
        self._servers.append(listening)
        bound = listening.sockets[0].getsockname()
        if server is not None:
            self._stand_ins[bound[1]] = server
        return f"http://{authority(bound[0], bound[1])}"

    def meant(self, server: Server) -> Server:
        """What ``server`` stands for: a client with proxy variables reaches our own listeners through our proxy."""
        if server.host in ("localhost", "::1") or server.host.startswith("127."):
            return self._stand_ins.get(server.port, server)
        return server

    async def close(self) -> None:
        """Stop listening and drop every connection."""
        for server in self._servers:
            server.close()
        for channel in list(self.channels):
            channel.drop()
        for server in self._servers:
            await server.wait_closed()
        self._servers.clear()


def _second(channel: Channel) -> Conversation:
    from replayer.stubbing.http2 import Http2Conversation  # h2 takes a while to import, and most builds never need it

    return Http2Conversation(channel)
