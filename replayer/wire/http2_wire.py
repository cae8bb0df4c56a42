"""One HTTP/2 connection to the target, for many requests at once (RFC 9113), over h2."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import cast

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.events import (
    DataReceived,
    Event,
    InformationalResponseReceived,
    RemoteSettingsChanged,
    ResponseReceived,
    StreamEnded,
    StreamReset,
    TrailersReceived,
    WindowUpdated,
)
from h2.exceptions import ProtocolError as H2Error
from h2.settings import SettingCodes, Settings

from captures.model import Failure, FailureKind, Request, header
from replayer.http1 import MAX_HEAD, ProtocolError
from replayer.wire.frames import GOAWAY, Frame, FrameCutter, goaway_of
from replayer.wire.http2_messages import request_headers, response_head, response_trailers, trailer_list
from replayer.wire.http2_stream import Stream
from replayer.wire.leaving import Leaving, left
from replayer.wire.reply import EXPECT_WAIT, Change, Repeat, Reply, broken_off, too_late, too_long

STREAM_WINDOW = 1024 * 1024  # bytes the target may send ahead on one stream
CONNECTION_WINDOW = 16 * 1024 * 1024


class NotHttp2Error(Exception):
    """What answered does not speak HTTP/2, or is gone."""

    def __init__(self, kind: FailureKind, why: str) -> None:
        super().__init__(why)
        self.kind = kind


class Http2Wire(asyncio.Protocol):
    """Made by a dialler. :meth:`ready` first, then any number of :meth:`exchange`."""

    def __init__(self, now: Callable[[], float], max_body: int) -> None:
        self._now = now
        self._max_body = max_body
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport = cast(asyncio.Transport, None)  # set by connection_made
        self._h2 = _connection()
        self._frames = FrameCutter()
        self._streams: dict[int, Stream] = {}
        self._waiting: deque[asyncio.Future[None]] = deque()  # for one of the server's streams
        self._ready: asyncio.Future[None] = self._loop.create_future()
        self._open = False
        self._draining = False  # GOAWAY came: what is under way may end, nothing new begins
        self._why = ""  # GOAWAY's reason, for what breaks off afterwards
        self._paused = False
        self._exchanges = 0

    @property
    def usable(self) -> bool:
        """Whether another request may be sent."""
        return self._open and not self._draining

    @property
    def busy(self) -> int:
        """Requests under way, or waiting for a stream."""
        return len(self._streams) + len(self._waiting)

    @property
    def room(self) -> bool:
        """Whether a request would not have to wait for another one's end."""
        return self.usable and self.busy < self._h2.remote_settings.max_concurrent_streams

    async def ready(self) -> None:
        """Wait for the server's settings. Raises :class:`NotHttp2Error`."""
        await self._ready

    async def exchange(
        self,
        request: Request,
        deadline: float,
        timeout: float,  # noqa: ASYNC109
        leave: Leaving | None = None,
    ) -> Reply:
        """Send ``request`` and read its response. ``deadline``: loop time; ``timeout``: the seconds it stands for."""
        stream: Stream | None = None
        headers, changes = request_headers(request)
        reused, self._exchanges = self._exchanges > 0, self._exchanges + 1
        sent: float | None = None
        try:
            async with asyncio.timeout_at(deadline):
                if reused and not self._streams:  # an end that came while it was idle: let the loop read it,
                    await asyncio.sleep(0)
                    await asyncio.sleep(0)  # and its callbacks run
                if not await self._turn():
                    return Reply(None, None, None, broken_off("closed", head=False, begun=False), Repeat.ALWAYS)
                stream = self._begin(headers, request)
                stream.leave = leave
                stream.sent = whole = await self._upload(stream, request, changes)
                sent = self._now()
                failure = await stream.done
                if not whole and failure is None:
                    changes.append({"where": "body", "why": "the target answered before all of it was sent"})
        except TimeoutError:
            head = stream is not None and stream.head is not None
            failure = left() if head and leave is not None else too_late(timeout, head=head)
        except H2Error as error:
            failure = Failure(FailureKind.PROTOCOL, f"it cannot be sent over HTTP/2 ({type(error).__name__})")
        finally:
            if stream is not None:
                self._end(stream)
        if stream is None:
            return Reply(None, None, None, failure)
        repeat = stream.repeat
        if repeat is Repeat.IDEMPOTENT and not reused:
            repeat = Repeat.NEVER
        return Reply(sent, stream.first_byte, stream.response(), failure, repeat, tuple(changes), tuple(stream.interim))

    # -- sending --------------------------------------------------------------------------------------------------

    async def _turn(self) -> bool:
        """Wait until the server allows one more stream; False where none may begin any more."""
        while self.usable and len(self._streams) >= self._h2.remote_settings.max_concurrent_streams:
            turn = self._loop.create_future()
            self._waiting.append(turn)
            try:
                await turn
            finally:
                with suppress(ValueError):
                    self._waiting.remove(turn)
        return self.usable

    def _begin(self, headers: list[tuple[bytes, bytes]], request: Request) -> Stream:
        stream = Stream(self._h2.get_next_available_stream_id(), self._loop)
        if stream.identity > 2**31 - 1000:
            self._draining = True  # RFC 9113 5.1.1: stream identifiers cannot be reused
        self._streams[stream.identity] = stream
        self._h2.send_headers(stream.identity, headers, end_stream=not request.body and not request.trailers)
        self._flush()
        return stream

    async def _upload(self, stream: Stream, request: Request, changes: list[Change]) -> bool:
        """Send body and trailers as far as the windows allow; False when the answer made an end of it."""
        if request.body and (header(request.headers, "expect") or b"").strip().lower() == b"100-continue":
            await self._ask_first(stream, changes)
            if stream.head is not None:
                return False
        body, at = request.body, 0
        while at < len(body):
            if stream.done.done():
                return False
            room = min(self._h2.local_flow_control_window(stream.identity), self._h2.max_outbound_frame_size)
            if room <= 0 or self._paused:
                await stream.changed()
                continue
            piece = body[at : at + room]
            at += len(piece)
            self._h2.send_data(stream.identity, piece, end_stream=at == len(body) and not request.trailers)
            self._flush()
        if stream.done.done() and request.trailers:
            return False
        if request.trailers:
            self._h2.send_headers(stream.identity, trailer_list(request.trailers), end_stream=True)
            self._flush()
        return True

    async def _ask_first(self, stream: Stream, changes: list[Change]) -> None:
        """``Expect: 100-continue``: wait for a 100, for an answer in its place, or for a while."""
        try:
            async with asyncio.timeout(EXPECT_WAIT):
                while not (stream.head or stream.done.done() or 100 in stream.interim):
                    await stream.changed()
        except TimeoutError:
            changes.append({"where": "body", "why": f"sent without a 100 (Continue), after {EXPECT_WAIT:g} s"})

    def _end(self, stream: Stream) -> None:
        """Forget ``stream``; what of it is still open is cancelled."""
        self._streams.pop(stream.identity, None)
        if self._open and not stream.closed:
            with suppress(H2Error):
                self._h2.reset_stream(stream.identity, ErrorCodes.CANCEL)
            self._flush()
        if self._draining and not self._streams:
            self.close()
        self._next()

    def _next(self) -> None:
        """Let those who wait for a stream look again, in their order."""
        for turn in self._waiting:
            if not turn.done():
                turn.set_result(None)

    def _flush(self) -> None:
        data = self._h2.data_to_send()
        if data and self._open:
            self._transport.write(data)

    def close(self) -> None:
        """Say GOAWAY and close. Requests under way fail."""
        if self._open:
            with suppress(H2Error):
                self._h2.close_connection()
            self._flush()
            if self._transport.get_write_buffer_size() > 0:
                self._transport.abort()
            else:
                self._transport.close()
        self._lost("closed")

    def abort(self) -> None:
        """Close without any courtesy."""
        self._transport.abort()
        self._lost("closed")

    # -- what comes -----------------------------------------------------------------------------------------------

    def _frame(self, frame: Frame) -> None:
        if frame.kind == GOAWAY:
            self._going_away(*goaway_of(frame))
            return
        for event in self._h2.receive_data(frame.raw):
            self._event(event)

    def _event(self, event: Event) -> None:
        if isinstance(event, RemoteSettingsChanged):
            if not self._ready.done():
                self._ready.set_result(None)
            self._wake_all()
            self._next()
            return
        identity = getattr(event, "stream_id", None)
        if isinstance(event, WindowUpdated) and not identity:
            self._wake_all()
            return
        if isinstance(event, DataReceived) and event.flow_controlled_length:
            self._h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        stream = self._streams.get(identity) if identity is not None else None
        if stream is None or stream.done.done():
            return
        try:
            self._of_stream(event, stream)
        except ProtocolError as error:
            stream.finish(Failure(FailureKind.PROTOCOL, str(error)))

    def _of_stream(self, event: Event, stream: Stream) -> None:
        if isinstance(event, WindowUpdated):
            stream.wake()
        elif isinstance(event, InformationalResponseReceived):
            stream.interim.append(response_head(event.headers).status)
            stream.seen(self._now)
        elif isinstance(event, ResponseReceived):
            stream.head = response_head(event.headers)
            stream.seen(self._now)
            stream.leave_or_stay()
        elif isinstance(event, DataReceived):
            stream.body += event.data
            if len(stream.body) > self._max_body:
                stream.finish(too_long(self._max_body))
            else:
                stream.leave_or_stay()
        elif isinstance(event, TrailersReceived):
            stream.trailers = response_trailers(event.headers)
        elif isinstance(event, StreamEnded):
            stream.ended = True
            stream.finish(None)
        elif isinstance(event, StreamReset):
            self._reset(stream, event.error_code)

    def _reset(self, stream: Stream, code: int) -> None:
        stream.reset = True
        repeat = {
            ErrorCodes.REFUSED_STREAM: Repeat.ALWAYS,
            ErrorCodes.HTTP_1_1_REQUIRED: Repeat.AS_HTTP1,
        }.get(ErrorCodes(code) if code in list(ErrorCodes) else ErrorCodes.NO_ERROR, Repeat.NEVER)
        how = f"reset by the target ({_name(code)})"
        stream.finish(broken_off(how, head=stream.head is not None, begun=stream.begun, what="stream"), repeat)

    def _going_away(self, last: int, code: int) -> None:
        """RFC 9113 6.8: streams above ``last`` were not processed, the others are still answered."""
        self._draining = True
        if code:
            self._why = f" by the target ({_name(code)})"
        for stream in list(self._streams.values()):
            if stream.identity > last:
                failure = broken_off(f"closed{self._why}", head=False, begun=False)
                stream.finish(failure, Repeat.ALWAYS)
        self._next()
        if not self._streams:
            self.close()

    def _broken(self, identity: int, why: str) -> None:
        """A frame on stream ``identity`` (0: the connection) is not HTTP/2: nothing after it can be read."""
        self._flush()  # h2 has put a GOAWAY there that says so
        for stream in list(self._streams.values()):
            if identity in (0, stream.identity):
                stream.finish(Failure(FailureKind.PROTOCOL, why))
        self._why = " after a frame that breaks HTTP/2"
        self._not_ready(FailureKind.PROTOCOL, why)
        self.abort()

    def _lost(self, how: str) -> None:
        self._open = False
        for stream in list(self._streams.values()):
            failure = broken_off(f"{how}{self._why}", head=stream.head is not None, begun=stream.begun)
            stream.finish(failure, Repeat.NEVER if stream.begun or self._why else Repeat.IDEMPOTENT)
        self._not_ready(FailureKind.RESET, f"the connection was {how} before HTTP/2 settings")
        self._next()

    def _not_ready(self, kind: FailureKind, why: str) -> None:
        if not self._ready.done():
            self._ready.set_exception(NotHttp2Error(kind, why))
            self._ready.exception()  # nobody may be waiting any more

    def _wake_all(self) -> None:
        for stream in self._streams.values():
            stream.wake()

    # -- asyncio.Protocol -----------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by the loop."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop's are no subclass
        self._open = True
        self._h2.initiate_connection()
        self._h2.increment_flow_control_window(CONNECTION_WINDOW)
        self._flush()

    def data_received(self, data: bytes) -> None:
        """Called by the loop."""
        stream = 0
        try:
            for frame in self._frames.feed(data):
                stream = frame.stream
                self._frame(frame)
                stream = 0
        except ProtocolError as error:
            self._broken(stream, str(error))
        except H2Error as error:
            self._broken(stream, f"a frame breaks HTTP/2 ({type(error).__name__})")
        else:
            self._flush()

    def eof_received(self) -> bool:
        """Called by the loop."""
        self._lost("closed")
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """Called by the loop."""
        self._lost("closed" if exc is None else "reset")

    def pause_writing(self) -> None:
        """Called by the loop: its buffer is full."""
        self._paused = True

    def resume_writing(self) -> None:
        """Called by the loop."""
        self._paused = False
        self._wake_all()


def _connection() -> H2Connection:
    """h2 set to pass header lists on as they are: they are checked and made by :mod:`replayer.wire.http2_messages`."""
    connection = H2Connection(
        H2Configuration(
            client_side=True,
            header_encoding=None,
            validate_outbound_headers=False,
            normalize_outbound_headers=False,
            validate_inbound_headers=False,
            normalize_inbound_headers=False,
        )
    )
    connection.local_settings = Settings(
        client=True,
        initial_values={
            SettingCodes.ENABLE_PUSH: 0,
            SettingCodes.MAX_CONCURRENT_STREAMS: 100,
            SettingCodes.INITIAL_WINDOW_SIZE: STREAM_WINDOW,
            SettingCodes.MAX_HEADER_LIST_SIZE: MAX_HEAD,
        },
    )
    return connection


def _name(code: int) -> str:
    return ErrorCodes(code).name if code in list(ErrorCodes) else f"code {code}"
