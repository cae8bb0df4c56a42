"""One HTTP/1.x connection to the target; one request at a time."""

from __future__ import annotations

import asyncio
import select
import socket
from collections.abc import Callable
from contextlib import suppress
from math import inf
from typing import Any, cast

from captures.model import Failure, FailureKind, Request
from replayer.encoding import EncodedRequest, encode_request
from replayer.http1 import ProtocolError
from replayer.wire.http1_response import ResponseParser
from replayer.wire.leaving import Leaving, left
from replayer.wire.reply import EXPECT_WAIT, Repeat, Reply, broken_off, too_late, too_long

CLOCK = 0.002  # seconds a loop may wake us before the time it was asked for
ONE_WRITE = 64 * 1024  # bytes: up to here head and body are put together for one write

_QUICKACK: int | None = getattr(socket, "TCP_QUICKACK", None)  # Linux only, and not sticky
_POLL: Callable[[], Any] | None = getattr(select, "poll", None)  # not on Windows


class Http1Wire(asyncio.Protocol):
    """Made by a dialler. Wait for :meth:`exchange`; afterwards ask :attr:`reusable`."""

    def __init__(self, now: Callable[[], float], max_body: int) -> None:
        self.open = False
        self.reusable = False  # after an exchange: may another one follow
        self._now = now
        self._max_body = max_body
        self._used = False
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport = cast(asyncio.Transport, None)  # set by connection_made
        self._socket: socket.socket | None = None
        self._poll: Any = None
        self._parser: ResponseParser | None = None
        self._waiter: asyncio.Future[Failure | None] | None = None
        self._go_on: asyncio.Future[None] | None = None  # 100 (Continue), or an answer instead of it
        self._first_byte: float | None = None
        self._leave: Leaving | None = None  # the answer under way before its end
        self._departure: asyncio.TimerHandle | None = None
        self._deadline = self._timeout = 0.0  # of the exchange under way
        self._alarm: asyncio.TimerHandle | None = None
        self._alarm_at = inf

    async def exchange(
        self,
        request: Request,
        deadline: float,
        timeout: float,  # noqa: ASYNC109
        leave: Leaving | None = None,
    ) -> Reply:
        """Send ``request`` and read its response. ``deadline``: loop time; ``timeout``: the seconds it stands for."""
        encoded = encode_request(request)
        changes = encoded.changes
        reused, self._used = self._used, True
        self.reusable = False
        self._first_byte = None
        self._parser = parser = ResponseParser(request.method)
        self._waiter = waiter = self._loop.create_future()
        self._deadline, self._timeout = deadline, timeout
        self._leave = leave
        if deadline < self._alarm_at:
            self._set_alarm(deadline)
        try:
            if not self.open:
                self._finish(broken_off("closed", head=False, begun=False))
            elif encoded.asks and encoded.body:
                await self._ask_first(encoded, parser)
            else:
                self._write(encoded.head, encoded.body)
            request_done = self._now()
            failure = await waiter
        except asyncio.CancelledError:
            self.abort()
            raise
        finally:
            self._waiter = self._parser = None  # an idle connection must not hold a body
            if self._departure is not None:
                self._departure.cancel()
                self._departure = None
        unsent = self._transport.get_write_buffer_size() > 0 or self._go_on is not None
        self._go_on = None
        if failure is None and unsent:
            changes.append({"where": "body", "why": "the target answered before all of it was sent"})
        if failure is None and parser.status == 101:
            failure = Failure(FailureKind.PROTOCOL, "the target switched protocols (101), and only HTTP is replayed")
        self.reusable = failure is None and not unsent and self.open and parser.reusable and encoded.alive
        unread = failure is not None and failure.kind is FailureKind.RESET and not parser.begun
        return Reply(
            request_done,
            self._first_byte,
            parser.response(),
            failure,
            Repeat.IDEMPOTENT if reused and unread else Repeat.NEVER,
            tuple(changes),
            tuple(parser.interim),
        )

    def _write(self, head: bytes, body: bytes) -> None:
        if len(body) <= ONE_WRITE:
            self._transport.write(head + body)
        else:
            self._transport.write(head)
            self._transport.write(body)

    async def _ask_first(self, encoded: EncodedRequest, parser: ResponseParser) -> None:
        """``Expect: 100-continue``: the body only follows when the target wants it, or says nothing for a while."""
        self._go_on = self._loop.create_future()
        self._transport.write(encoded.head)
        await asyncio.wait([self._go_on], timeout=EXPECT_WAIT)
        if parser.status > 0 or not self.open:
            return  # leaving _go_on set: the body was not sent
        if not self._go_on.done():
            why = f"sent without a 100 (Continue), after {EXPECT_WAIT:g} s"
            encoded.changes.append({"where": "body", "why": why})
        self._go_on = None
        self._transport.write(encoded.body)

    def has_ended(self) -> bool | None:
        """Whether a connection that was idle serves no more: it ended, or said what nobody asked for. None: see ends.

        Looked for at the socket, where the loop may not have looked yet. Under TLS what is there may be a session
        ticket, so that nothing can be said before the loop has read it.
        """
        if not self.open:
            return True
        return None if self._poll is None else bool(self._poll.poll(0))

    async def ends(self) -> bool:
        """The same, for a little time."""
        await asyncio.sleep(0)  # the loop reads,
        await asyncio.sleep(0)  # and its callbacks run
        return not self.open

    def close(self) -> None:
        """Close after what is still to be sent; at once where that cannot be sent."""
        if self._transport.get_write_buffer_size() > 0:
            self._transport.abort()
        else:
            self._transport.close()
        self.open = False
        self._no_alarm()

    def abort(self) -> None:
        """Close without any courtesy."""
        self._transport.abort()
        self.open = False
        self._no_alarm()

    def _set_alarm(self, at: float) -> None:
        """One timer for many exchanges: setting and cancelling one for each costs a tenth of the whole."""
        if self._alarm is not None:
            self._alarm.cancel()
        self._alarm_at, self._alarm = at, self._loop.call_at(at, self._rings)

    def _no_alarm(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
        self._alarm_at, self._alarm = inf, None

    def _rings(self) -> None:
        self._alarm_at, self._alarm = inf, None
        if self._waiter is None or self._waiter.done():
            return
        if self._loop.time() < self._deadline - CLOCK:
            self._set_alarm(self._deadline)  # it was set for an exchange that has long been over
            return
        head = self._parser is not None and self._parser.status > 0
        self._fail(left() if head and self._leave is not None else too_late(self._timeout, head=head))

    def _fail(self, failure: Failure) -> None:
        self._finish(failure)
        self.abort()

    def _finish(self, failure: Failure | None) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(failure)
        self._let_go_on()

    def _let_go_on(self) -> None:
        if self._go_on is not None and not self._go_on.done():
            self._go_on.set_result(None)

    # -- asyncio.Protocol -----------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by the loop."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop's are no subclass
        self._socket = transport.get_extra_info("socket")
        self.open = True
        if _POLL is not None and self._socket is not None and transport.get_extra_info("ssl_object") is None:
            self._poll = _POLL()
            self._poll.register(self._socket.fileno(), select.POLLIN)

    def data_received(self, data: bytes) -> None:
        """Called by the loop."""
        parser = self._parser
        if self._waiter is None or self._waiter.done() or parser is None:
            self.abort()  # bytes nobody asked for: this connection is out of step
            return
        if self._first_byte is None:
            self._first_byte = self._now()
        try:
            if parser.feed(data):
                self._finish(None)
                return
        except ProtocolError as error:
            self._fail(Failure(FailureKind.PROTOCOL, str(error)))
            return
        if parser.received > self._max_body:
            self._fail(too_long(self._max_body))
        elif self._leave is not None and parser.status > 0:
            self._leave_or_stay(self._leave, parser)
        elif self._go_on is not None and (parser.status > 0 or 100 in parser.interim):
            self._let_go_on()
        else:
            self._acknowledge_at_once()

    def _leave_or_stay(self, leave: Leaving, parser: ResponseParser) -> None:
        if leave.reached(parser.body):
            self._fail(left())
        elif self._departure is None:
            self._departure = self._loop.call_later(leave.seconds, self._fail, left())

    def _acknowledge_at_once(self) -> None:
        """A server that sends head and body apart would wait 40 ms for our delayed acknowledgement (Nagle)."""
        if _QUICKACK is not None and self._socket is not None:
            with suppress(OSError):
                self._socket.setsockopt(socket.IPPROTO_TCP, _QUICKACK, 1)

    def eof_received(self) -> bool:
        """Called by the loop. What we still have to send is of no use any more: the transport closes."""
        self._ended("closed", clean=True)
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """Called by the loop."""
        self._ended("closed" if exc is None else "reset", clean=exc is None)
        self._no_alarm()

    def _ended(self, how: str, *, clean: bool) -> None:
        self.open = False
        self._poll = None
        parser = self._parser
        if self._waiter is None or self._waiter.done() or parser is None:
            return
        if clean and parser.eof():
            self._finish(None)
        else:
            self._finish(broken_off(how, head=parser.status > 0, begun=parser.begun))
