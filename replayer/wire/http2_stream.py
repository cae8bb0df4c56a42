"""One request and its response on an HTTP/2 connection: what has come so far, and who waits for more."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from captures.model import Failure, Headers, Response
from replayer.wire.http2_messages import VERSION, Head
from replayer.wire.leaving import Leaving, left
from replayer.wire.reply import Repeat


class Stream:
    """Filled by the connection, waited for by the request."""

    __slots__ = (
        "_departure", "_loop", "_wake", "body", "done", "ended", "first_byte", "head", "identity",
        "interim", "leave", "repeat", "reset", "sent", "trailers",
    )  # fmt: skip

    def __init__(self, identity: int, loop: asyncio.AbstractEventLoop) -> None:
        self.identity = identity
        self.leave: Leaving | None = None  # the answer before its end
        self._departure: asyncio.TimerHandle | None = None
        self.head: Head | None = None
        self.interim: list[int] = []
        self.body = bytearray()
        self.trailers: Headers = ()
        self.first_byte: float | None = None
        self.repeat = Repeat.NEVER
        self.sent = False  # the request, to its end
        self.ended = False  # the response came to its end
        self.reset = False  # by the target
        self.done: asyncio.Future[Failure | None] = loop.create_future()
        self._loop = loop
        self._wake: asyncio.Future[None] | None = None

    @property
    def begun(self) -> bool:
        """Whether anything of an answer came."""
        return self.first_byte is not None

    @property
    def closed(self) -> bool:
        """Whether neither side may send more on it."""
        return self.reset or (self.sent and self.ended)

    def seen(self, now: Callable[[], float]) -> None:
        """Something of an answer came."""
        if self.first_byte is None:
            self.first_byte = now()
        self.wake()

    def leave_or_stay(self) -> None:
        """End here where the recorded client left."""
        if self.leave is None:
            return
        if self.leave.reached(self.body):
            self.finish(left())
        elif self._departure is None:
            self._departure = self._loop.call_later(self.leave.seconds, self.finish, left())

    def finish(self, failure: Failure | None, repeat: Repeat = Repeat.NEVER) -> None:
        """The response is complete, or will not come."""
        if self._departure is not None:
            self._departure.cancel()
        if not self.done.done():
            self.repeat = repeat
            self.done.set_result(failure)
        self.wake()

    def wake(self) -> None:
        """Something changed that a sender may wait for: room in a window, an interim answer, the end."""
        if self._wake is not None and not self._wake.done():
            self._wake.set_result(None)

    async def changed(self) -> None:
        """Wait for :meth:`wake`."""
        self._wake = self._loop.create_future()
        await self._wake

    def response(self) -> Response | None:
        """What came so far."""
        if self.head is None:
            return None
        return Response(self.head.status, self.head.headers, bytes(self.body), b"", self.trailers, VERSION)
