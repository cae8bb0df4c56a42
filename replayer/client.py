"""Sends recorded requests to the target as they were recorded, and reads what comes back.

A client of its own because every library normalises something: header case and order, duplicates, ``%2F`` in the
target, redirects, cookies, decompression. Connections are reused the way the recorded client did: exchanges that
shared a connection share one here (over HTTP/1.1 a second one when both are under way at once, over HTTP/2 the same).
Whatever the target does is an :class:`Outcome`; nothing it does is raised.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from captures.model import Failure, Request, Response, Timing
from replayer.plan import MAX_BODY, Connections, HttpVersion
from replayer.target import Target
from replayer.wire.dial import Dial, Dialler
from replayer.wire.http1_wire import Http1Wire
from replayer.wire.http2_wire import Http2Wire
from replayer.wire.leaving import Leaving
from replayer.wire.pool import IdleWires
from replayer.wire.reply import Change, DialError, Repeat, Reply
from replayer.wire.shared import SharedWires

__all__ = ["Client", "Outcome", "Target", "MAX_IDLE"]

MAX_IDLE = 32
"""Idle connections kept, or as many as were ever in use at once: a long capture has many clients, a target has few
file descriptors."""

IDEMPOTENT = frozenset({"GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE"})  # RFC 9110 section 9.2.2

MAX_REPEATS = 16

POOL = "*"  # the one name of all connections when they are pooled


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one request came to."""

    timing: Timing
    response: Response | None = None
    failure: Failure | None = None
    changes: tuple[Change, ...] = field(default=())  # what was not sent as recorded, as {"where", "why"}
    interim: tuple[int, ...] = ()  # statuses of the 1xx answers before the response


class Client:
    """Connections to one target. Use from one event loop, for any number of requests at once; close it in the end."""

    def __init__(
        self,
        target: Target,
        *,
        timeout: float = 30.0,
        ca: Path | None = None,
        connections: Connections = Connections.RECORDED,
        http_version: HttpVersion = HttpVersion.AUTO,
        max_body: int = MAX_BODY,
        now: Callable[[], float] = time.time,
        dial: Dial | None = None,
    ) -> None:
        """``timeout``: seconds for each exchange, from connecting to the last byte of its body.

        ``dial`` makes a connection to (host, port) where that is not one of our own network.
        """
        self.target = target
        self._timeout = timeout
        self._pooled = connections is Connections.POOLED
        self._version = http_version
        self._now = now
        self._dialler = Dialler(target, ca, now, max_body, dial)
        self._idle = IdleWires(MAX_IDLE)
        self._shared = SharedWires(self._dialler, MAX_IDLE, grow=self._pooled, forced=http_version is HttpVersion.TWO)
        self._flying = 0

    async def send(self, request: Request, *, connection: str = "", leave: Leaving | None = None) -> Outcome:
        """Send ``request``; never raises for what the target does. ``connection`` names the recorded connection.

        ``leave``: where to leave an answer that has no end.
        """
        name = POOL if self._pooled else connection
        started = self._now()
        deadline = asyncio.get_running_loop().time() + self._timeout
        self._flying += 1
        if self._flying > self._idle.limit:
            self._idle.limit = self._shared.limit = self._flying
        try:
            two = self._wants_http2(request)
            reply = await self._attempt(request, name, deadline, two, leave)
            repeats = 0
            while self._may_repeat(reply.repeat, request.method, repeats):
                two = two and reply.repeat is not Repeat.AS_HTTP1
                repeats += 1
                reply = await self._attempt(request, name, deadline, two, leave)
        except DialError as error:
            return Outcome(Timing(started, None, None, self._now()), None, error.failure)
        finally:
            self._flying -= 1
        timing = Timing(started, reply.request_done, reply.first_byte, self._now())
        return Outcome(timing, reply.response, reply.failure, reply.changes, reply.interim)

    async def close(self) -> None:
        """Close every connection."""
        self._idle.close()
        self._shared.close()
        await asyncio.sleep(0)  # lets the transports run their connection_lost

    async def _attempt(self, request: Request, name: str, deadline: float, two: bool, leave: Leaving | None) -> Reply:
        leave = replace(leave) if leave is not None else None  # each answer is counted for itself
        wire: Http1Wire | Http2Wire | None = None
        if two:
            wire = await self._shared.wire(name, deadline, self._timeout)
        if isinstance(wire, Http2Wire):
            reply = await wire.exchange(request, deadline, self._timeout, leave)
            if not name:
                wire.close()
            return reply
        if wire is None and name:
            wire = await self._idle.take(name)
        if wire is None:
            wire = await self._dialler.http1(deadline, self._timeout)
        reply = await wire.exchange(request, deadline, self._timeout, leave)
        if wire.reusable and name:
            self._idle.keep(name, wire)
        else:
            wire.close()
        return reply

    def _wants_http2(self, request: Request) -> bool:
        if self._version is HttpVersion.AUTO:
            return not request.http_version.startswith("HTTP/1.") and self._shared.speaks is not False
        return self._version is HttpVersion.TWO

    def _may_repeat(self, repeat: Repeat, method: str, repeats: int) -> bool:
        """Whether a request that was sent again ``repeats`` times may go out once more.

        What was perhaps processed once only (RFC 9112 9.3.1), what certainly was not a few times: a server that
        says GOAWAY after its hundredth request says so to all that were sent ahead.
        """
        if repeat is Repeat.ALWAYS:
            return repeats < MAX_REPEATS
        if repeat is Repeat.IDEMPOTENT:
            return repeats == 0 and method in IDEMPOTENT
        return repeat is Repeat.AS_HTTP1 and self._version is HttpVersion.AUTO
