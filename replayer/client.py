"""Sends recorded requests to the target as they were recorded, and reads what comes back.

A client of its own because every library normalises something: header case and order, duplicates, ``%2F`` in the
target, redirects, cookies, decompression. Connections are reused the way the recorded client did: exchanges that
shared a connection share one here.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
import time
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from captures.errors import UsageError
from captures.model import Failure, FailureKind, Request, Response, Timing
from replayer.encoding import encode_request
from replayer.http1 import ProtocolError, ResponseParser

MAX_IDLE = 32
"""Idle connections kept: a long capture has many clients, a target has few file descriptors."""

_QUICKACK: int | None = getattr(socket, "TCP_QUICKACK", None)  # Linux only, and not sticky

IDEMPOTENT = frozenset({"GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE"})  # RFC 9110 section 9.2.2


@dataclass(frozen=True, slots=True)
class Target:
    """Where the build listens."""

    scheme: str
    host: str
    port: int

    @classmethod
    def parse(cls, url: str) -> Self:
        """Raises :class:`UsageError` unless ``url`` is ``http(s)://host[:port]``."""
        parts = urlsplit(url if "://" in url else f"http://{url}")
        try:
            port = parts.port
        except ValueError as error:
            raise UsageError(f"The target {url} has a port that is not a number below 65536.") from error
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise UsageError(
                f"The target {url} is not an http or https URL.", hint="Say --target http://127.0.0.1:8000"
            )
        if parts.path not in ("", "/") or parts.query or parts.username:
            raise UsageError(
                f"The target {url} holds more than scheme, host and port; requests go out with their recorded targets.",
                hint=f"Say --target {parts.scheme}://{parts.hostname}:{port or 80}",
            )
        return cls(parts.scheme, parts.hostname, port or (443 if parts.scheme == "https" else 80))

    @property
    def loopback(self) -> bool:
        """Whether the target is on this machine."""
        return self.host in ("localhost", "::1") or self.host.startswith("127.")

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one request came to. ``changes``: what was not sent as recorded, as ``{"where", "why"}``."""

    timing: Timing
    response: Response | None = None
    failure: Failure | None = None
    changes: tuple[dict[str, str], ...] = field(default=())


class Client:
    """Connections to one target. Use from one event loop; close it in the end."""

    def __init__(
        self,
        target: Target,
        *,
        timeout: float = 30.0,
        ca: Path | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        self.target = target
        self._timeout = timeout
        self._now = now
        self._context = _context(target, ca)
        self._idle: OrderedDict[str, _Wire] = OrderedDict()

    async def send(self, request: Request, *, connection: str = "") -> Outcome:
        """Send ``request``; never raises for what the target does. ``connection`` names the recorded connection."""
        data, changes = encode_request(request)
        if connection in self._idle:
            await asyncio.sleep(0)  # let an end of that connection which has arrived be seen
        wire = self._reusable(connection) if connection else None
        reused = wire is not None
        started = self._now()
        try:
            async with asyncio.timeout(self._timeout):
                if wire is None:
                    wire = await self._connect()
                reply = await wire.exchange(data, request.method, self._now)
                if reused and reply.closed_unread and request.method in IDEMPOTENT:
                    wire = await self._connect()  # the server closed an idle connection as we wrote: RFC 9112 9.3.1
                    reply = await wire.exchange(data, request.method, self._now)
        except TimeoutError:
            return self._timed_out(wire, started, changes)
        except ssl.SSLError as error:
            return _failed(FailureKind.TLS, error.reason or "handshake failed", started, self._now(), changes)
        except OSError as error:
            detail = error.strerror or type(error).__name__
            return _failed(FailureKind.CONNECT, detail, started, self._now(), changes)
        except asyncio.CancelledError:
            if wire is not None:
                wire.abort()
            raise
        if reply.reusable and connection:
            self._keep(connection, wire)
        else:
            wire.close()
        timing = Timing(started, reply.request_done, reply.first_byte, self._now())
        return Outcome(timing, reply.response, reply.failure, tuple(changes))

    async def close(self) -> None:
        """Close every connection."""
        for wire in self._idle.values():
            wire.abort()
        self._idle.clear()
        await asyncio.sleep(0)  # lets the transports run their connection_lost

    def _reusable(self, connection: str) -> _Wire | None:
        wire = self._idle.pop(connection, None)
        return wire if wire is not None and wire.open else None

    def _keep(self, connection: str, wire: _Wire) -> None:
        self._idle[connection] = wire
        if len(self._idle) > MAX_IDLE:
            self._idle.popitem(last=False)[1].close()

    async def _connect(self) -> _Wire:
        loop = asyncio.get_running_loop()
        _, wire = await loop.create_connection(_Wire, self.target.host, self.target.port, ssl=self._context)
        return wire

    def _timed_out(self, wire: _Wire | None, started: float, changes: list[dict[str, str]]) -> Outcome:
        detail = f"no complete answer within {self._timeout:g} s"
        ended = self._now()
        if wire is None:
            return _failed(FailureKind.CONNECT, f"no connection within {self._timeout:g} s", started, ended, changes)
        partial = wire.partial()
        wire.abort()
        if partial is None:
            return _failed(FailureKind.TIMEOUT, detail, started, ended, changes)
        failure = Failure(FailureKind.TRUNCATED, f"{detail}: the body did not end")
        return Outcome(Timing(started, started, wire.first_byte, ended), partial, failure, tuple(changes))


def _context(target: Target, ca: Path | None) -> ssl.SSLContext | None:
    if target.scheme != "https":
        return None
    context = ssl.create_default_context(cafile=str(ca) if ca else None)
    if target.loopback and ca is None:  # a build on this machine has a self-made certificate
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _failed(kind: FailureKind, detail: str, started: float, ended: float, changes: list[dict[str, str]]) -> Outcome:
    return Outcome(Timing(started, None, None, ended), None, Failure(kind, detail), tuple(changes))


@dataclass(frozen=True, slots=True)
class _Reply:
    request_done: float
    first_byte: float | None
    response: Response | None
    failure: Failure | None
    reusable: bool
    closed_unread: bool  # the connection ended without one byte of an answer


class _Wire(asyncio.Protocol):
    """One connection; one request at a time."""

    def __init__(self) -> None:
        self.open = False
        self.first_byte: float | None = None
        self._transport: asyncio.Transport | None = None
        self._socket: socket.socket | None = None
        self._parser: ResponseParser | None = None
        self._waiter: asyncio.Future[Failure | None] | None = None
        self._now: Callable[[], float] = time.time

    async def exchange(self, data: bytes, method: str, now: Callable[[], float]) -> _Reply:
        assert self._transport is not None
        self._now = now
        self.first_byte = None
        self._parser = parser = ResponseParser(method)
        self._waiter = asyncio.get_running_loop().create_future()
        if not self.open:
            self._finish(Failure(FailureKind.RESET, "the connection was closed"))
        else:
            self._transport.write(data)
            self._acknowledge_at_once()
        request_done = now()
        failure = await self._waiter
        self._waiter = None
        return _Reply(
            request_done,
            self.first_byte,
            parser.response(),
            failure,
            reusable=failure is None and self.open and parser.reusable,
            closed_unread=failure is not None and failure.kind is FailureKind.RESET and not parser.begun,
        )

    def partial(self) -> Response | None:
        return self._parser.response() if self._parser else None

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()
        self.open = False

    def abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()
        self.open = False

    def _acknowledge_at_once(self) -> None:
        """A server that sends head and body apart would wait 40 ms for our delayed acknowledgement (Nagle)."""
        if _QUICKACK is not None and self._socket is not None:
            with suppress(OSError):
                self._socket.setsockopt(socket.IPPROTO_TCP, _QUICKACK, 1)

    # -- asyncio.Protocol -----------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._socket = transport.get_extra_info("socket")
        self.open = True

    def data_received(self, data: bytes) -> None:
        if self._waiter is None or self._waiter.done() or self._parser is None:
            self.close()  # bytes nobody asked for: this connection is out of step
            return
        if self.first_byte is None:
            self.first_byte = self._now()
        try:
            if self._parser.feed(data):
                self._finish(None)
        except ProtocolError as error:
            self._finish(Failure(FailureKind.PROTOCOL, str(error)))
            self.abort()

    def eof_received(self) -> bool:
        self.open = False
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self.open = False
        parser = self._parser
        if self._waiter is None or self._waiter.done() or parser is None:
            return
        how = "reset" if exc is not None else "closed"
        if exc is None and parser.eof():
            self._finish(None)
        elif parser.head is not None:
            self._finish(Failure(FailureKind.TRUNCATED, f"the connection was {how} inside the body"))
        else:
            where = "inside the response head" if parser.begun else "before a response"
            self._finish(Failure(FailureKind.RESET, f"the connection was {how} {where}"))

    def _finish(self, failure: Failure | None) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(failure)
