"""Connecting to the target: TCP, TLS, and which HTTP is spoken (ALPN, or prior knowledge where there is no TLS)."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from captures.model import FailureKind
from replayer.target import Target
from replayer.wire.http1_wire import Http1Wire
from replayer.wire.http2_wire import Http2Wire, NotHttp2Error
from replayer.wire.reply import DialError

P = TypeVar("P", bound=asyncio.Protocol)
Dial = Callable[[str, int], Awaitable[socket.socket]]
"""Makes a connection to a host and port that are not of our own network. Raises :class:`OSError`."""

Address = tuple[socket.AddressFamily, socket.SocketKind, int, str, Any]  # as getaddrinfo gives it

PROBE = 3.0
"""Seconds a target may take to answer the preface of HTTP/2 before it counts as one that does not speak it."""


class Dialler:
    """Makes connections to one target. Every method raises :class:`DialError` when there is none."""

    def __init__(
        self, target: Target, ca: Path | None, now: Callable[[], float], max_body: int, dial: Dial | None = None
    ) -> None:
        self._target = target
        self._dial = dial
        self._now = now
        self._max_body = max_body
        self._plain = _context(target, ca, ["http/1.1"])
        self._both = _context(target, ca, ["h2", "http/1.1"])

    async def http1(self, deadline: float, timeout: float) -> Http1Wire:  # noqa: ASYNC109
        """A connection that speaks HTTP/1.1."""
        return await self._connect(lambda: Http1Wire(self._now, self._max_body), self._plain, deadline, timeout)

    async def http2(
        self,
        deadline: float,
        timeout: float,  # noqa: ASYNC109
        *,
        forced: bool = False,
    ) -> Http2Wire | Http1Wire | None:
        """A connection that speaks HTTP/2; under TLS perhaps one of HTTP/1.1, which is then what the target chose.

        None: there is no TLS to choose with, and the target answered the preface of HTTP/2 with something else.
        ``forced``: both are a :class:`DialError` instead.
        """
        patience = deadline
        if self._both is None:
            wire = await self._connect(lambda: Http2Wire(self._now, self._max_body), None, deadline, timeout)
            if not forced:
                patience = min(deadline, asyncio.get_running_loop().time() + PROBE)
        else:
            chooser = await self._connect(lambda: _Chooser(self._now, self._max_body), self._both, deadline, timeout)
            assert chooser.wire is not None
            if isinstance(chooser.wire, Http1Wire):
                if not forced:
                    return chooser.wire
                chooser.wire.abort()
                raise DialError(FailureKind.PROTOCOL, "the target does not speak HTTP/2: ALPN did not choose it")
            wire = chooser.wire
        try:
            async with asyncio.timeout_at(patience):
                await wire.ready()
        except TimeoutError as error:
            wire.abort()
            if forced or self._both is not None:
                raise DialError(FailureKind.TIMEOUT, f"no HTTP/2 settings within {timeout:g} s") from error
        except NotHttp2Error as error:
            wire.abort()
            if forced or self._both is not None:
                raise DialError(error.kind, str(error)) from error
        except asyncio.CancelledError:
            wire.abort()
            raise
        else:
            return wire
        return None

    async def _connect(
        self,
        make: Callable[[], P],
        context: ssl.SSLContext | None,
        deadline: float,
        timeout: float,  # noqa: ASYNC109
    ) -> P:
        loop = asyncio.get_running_loop()
        sock = None
        try:
            async with asyncio.timeout_at(deadline):
                sock = await self._tcp()
                name = self._target.host if context is not None else None
                _, protocol = await loop.create_connection(make, sock=sock, ssl=context, server_hostname=name)
                return protocol
        except TimeoutError as error:
            kind, what = (FailureKind.CONNECT, "connection") if sock is None else (FailureKind.TLS, "TLS handshake")
            failure = DialError(kind, f"no {what} within {timeout:g} s")
            failure.__cause__ = error
        except ssl.SSLError as error:
            failure = DialError(FailureKind.TLS, error.reason or "handshake failed")
            failure.__cause__ = error
        except OSError as error:
            kind = FailureKind.CONNECT if sock is None or context is None else FailureKind.TLS
            failure = DialError(kind, error.strerror or type(error).__name__)
            failure.__cause__ = error
        except asyncio.CancelledError:
            if sock is not None:
                sock.close()
            raise
        if sock is not None:
            sock.close()
        raise failure

    async def _tcp(self) -> socket.socket:
        """A connected socket: the first address that accepts. Raises :class:`OSError`."""
        if self._dial is not None:
            return await self._dial(self._target.host, self._target.port)
        loop = asyncio.get_running_loop()
        failed: OSError = OSError("the name has no address")
        for family, kind, protocol, _, address in await self._addresses():
            sock = socket.socket(family, kind, protocol)
            try:
                sock.setblocking(False)
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                await loop.sock_connect(sock, address)
            except OSError as error:
                sock.close()
                failed = error
            except asyncio.CancelledError:
                sock.close()
                raise
            else:
                return sock
        raise failed

    async def _addresses(self) -> Sequence[Address]:
        host, port = self._target.host, self._target.port
        try:
            return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
        except socket.gaierror:  # it is a name
            return await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)


class _Chooser(asyncio.Protocol):
    """Stands in for the connection until ALPN has said which protocol is spoken."""

    def __init__(self, now: Callable[[], float], max_body: int) -> None:
        self.wire: Http1Wire | Http2Wire | None = None
        self._now = now
        self._max_body = max_body

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by the loop once the handshake is complete."""
        chosen = transport.get_extra_info("ssl_object").selected_alpn_protocol()
        wire = (Http2Wire if chosen == "h2" else Http1Wire)(self._now, self._max_body)
        transport.set_protocol(wire)
        wire.connection_made(transport)
        self.wire = wire


def _context(target: Target, ca: Path | None, protocols: list[str]) -> ssl.SSLContext | None:
    if target.scheme != "https":
        return None
    context = ssl.create_default_context(cafile=str(ca) if ca else None)
    if target.loopback and ca is None:  # a build on this machine has a self-made certificate
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols(protocols)
    return context
