"""HTTP/2 on a connection to the stub server (RFC 9113): many requests at once, each answered on its own stream.

The framing is that of ``h2``; what is ours is what an answer becomes: pseudo-headers, names in lower case, no
connection headers (RFC 9113 8.2.2), trailers as gRPC needs them, and a recorded failure as a reset of its stream alone.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import h2.config
import h2.connection
import h2.errors
import h2.events
import h2.exceptions
import h2.settings

from captures.model import FailureKind, Headers, Request, Response, header
from replayer.stubbing.addressing import destination
from replayer.stubbing.answers import Answer
from replayer.stubbing.channel import Channel
from replayer.stubbing.playing import Player, Step
from replayer.wire.http2_messages import CONNECTION_HEADERS

WINDOW = 16 * 1024 * 1024  # bytes a build may send ahead: request bodies are kept whole anyway
STREAMS = 1_000


@dataclass(slots=True)
class _Stream:
    """A request on its way in, then its answer on its way out."""

    headers: Headers
    body: bytearray = field(default_factory=bytearray)
    trailers: Headers = ()
    player: Player | None = None
    waiting: deque[bytes] = field(default_factory=deque)  # body the window has no room for yet
    last: Headers | None = None  # trailers; what follows the body once nothing waits
    ended: bool = False  # no more body will be added
    broken: bool = False  # it ends in a reset, as recorded


class Http2Conversation:
    """The streams of one connection."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._streams: dict[int, _Stream] = {}
        config = h2.config.H2Configuration(
            client_side=False,
            header_encoding=None,
            validate_outbound_headers=False,  # what was recorded is told as it was
        )
        self._h2 = h2.connection.H2Connection(config)
        self._h2.local_settings = h2.settings.Settings(
            client=False,
            initial_values={
                h2.settings.SettingCodes.MAX_CONCURRENT_STREAMS: STREAMS,
                h2.settings.SettingCodes.INITIAL_WINDOW_SIZE: WINDOW,
                h2.settings.SettingCodes.MAX_HEADER_LIST_SIZE: 256 * 1024,
            },
        )
        self._h2.initiate_connection()
        self._h2.increment_flow_control_window(WINDOW)
        self._flush()

    def received(self, data: bytes) -> None:
        """Plaintext from the build."""
        try:
            events = self._h2.receive_data(data)
        except h2.exceptions.ProtocolError:
            self._flush()  # the GOAWAY that says what was wrong
            self._channel.close()
            return
        for event in events:
            self._on(event)
        self._flush()

    def lost(self) -> None:
        """The connection is gone."""
        for stream in self._streams.values():
            if stream.player is not None:
                stream.player.cancel()
        self._streams.clear()

    def _on(self, event: Any) -> None:
        if isinstance(event, h2.events.RequestReceived):
            self._streams[event.stream_id] = _Stream(_pairs(event.headers))
        elif isinstance(event, h2.events.DataReceived):
            stream = self._streams.get(event.stream_id)
            if stream is not None:
                stream.body += event.data
            self._h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        elif isinstance(event, h2.events.TrailersReceived):
            if event.stream_id in self._streams:
                self._streams[event.stream_id].trailers = _pairs(event.headers)
        elif isinstance(event, h2.events.StreamEnded):
            if event.stream_id in self._streams:
                self._answer(event.stream_id, self._streams[event.stream_id])
        elif isinstance(event, h2.events.StreamReset):
            stream = self._streams.pop(event.stream_id, None)
            if stream is not None and stream.player is not None:
                stream.player.cancel()
        elif isinstance(event, h2.events.WindowUpdated | h2.events.RemoteSettingsChanged):
            for identity in list(self._streams):
                self._send(identity)
        elif isinstance(event, h2.events.ConnectionTerminated):
            self._channel.close()

    # -- answers --------------------------------------------------------------------------------------------------

    def _answer(self, identity: int, stream: _Stream) -> None:
        try:
            request = self._request(stream)
        except ValueError:
            self._reset(identity, h2.errors.ErrorCodes.PROTOCOL_ERROR)
            return
        answer = self._channel.house.desk.answer(request)
        stream.player = Player(self._steps(identity, request.method, answer), self._flush)
        stream.player.start()

    def _request(self, stream: _Stream) -> Request:
        """Raises ``ValueError`` for a target or an authority that is none."""
        channel = self._channel
        pseudo = {name: value for name, value in stream.headers if name.startswith(b":")}
        authority = pseudo.get(b":authority") or header(stream.headers, "host")
        listener = channel.server
        if listener is None and pseudo.get(b":scheme") == b"https" and authority:
            listener = destination(None, b"https://" + authority + b"/", None)[0]
        named, target = destination(listener, pseudo.get(b":path", b"/"), authority)
        server = channel.house.meant(named)
        return Request(
            method=pseudo[b":method"].decode("latin-1"),
            scheme=server.scheme,
            host=server.host,
            port=server.port,
            target=target,
            headers=tuple(pair for pair in stream.headers if not pair[0].startswith(b":")),
            body=bytes(stream.body),
            trailers=stream.trailers,
            http_version="HTTP/2.0",
        )

    def _steps(self, identity: int, method: str, answer: Answer) -> Iterator[Step]:
        response = answer.response
        if response is None:
            yield answer.hold, partial(self._reset, identity, h2.errors.ErrorCodes.INTERNAL_ERROR)
            return
        broken = answer.failure is not None and answer.failure.kind is not FailureKind.ABORTED
        bodiless = method == "HEAD" or response.status in (204, 304)
        body = b"" if bodiless else response.body
        trailers = () if bodiless else _lowered(response.trailers)
        alone = not body and not trailers and not broken and answer.ends
        head = _head(response, method, broken=broken)
        yield answer.hold, partial(self._begin, identity, head, alone)
        if alone:
            return
        if answer.pieces and not bodiless:
            for piece in answer.pieces:
                yield piece.after, partial(self._add, identity, piece.data)
        else:
            yield 0.0, partial(self._add, identity, body)
        if broken or answer.ends:
            yield 0.0, partial(self._end, identity, trailers, broken)

    def _begin(self, identity: int, headers: Headers, end: bool) -> None:
        if identity not in self._streams:
            return
        try:
            self._h2.send_headers(identity, headers, end_stream=end)
        except h2.exceptions.ProtocolError:  # the build reset it, which is told after what came before in one read
            end = True
        if end:
            del self._streams[identity]
        self._flush()

    def _add(self, identity: int, data: bytes) -> None:
        stream = self._streams.get(identity)
        if stream is not None and data:
            stream.waiting.append(data)
            self._send(identity)
            self._flush()

    def _end(self, identity: int, trailers: Headers, broken: bool) -> None:
        stream = self._streams.get(identity)
        if stream is not None:
            stream.last, stream.ended, stream.broken = trailers, True, broken
            self._send(identity)
            self._flush()

    def _send(self, identity: int) -> None:
        """As much of what waits on a stream as its window has room for, then its end."""
        stream = self._streams[identity]
        try:
            if self._sent(identity, stream):
                del self._streams[identity]
        except h2.exceptions.ProtocolError:
            del self._streams[identity]

    def _sent(self, identity: int, stream: _Stream) -> bool:
        """Whether all of it is. Raises ``h2.exceptions.ProtocolError`` for a stream that the build has reset."""
        while stream.waiting:
            room = min(self._h2.local_flow_control_window(identity), self._h2.max_outbound_frame_size)
            if room <= 0:
                return False
            data = stream.waiting.popleft()
            if len(data) > room:
                stream.waiting.appendleft(data[room:])
                data = data[:room]
            only = stream.ended and not (stream.waiting or stream.last or stream.broken)
            self._h2.send_data(identity, data, end_stream=only)
            if only:
                return True
        if not stream.ended:
            return False
        if stream.broken:
            self._h2.reset_stream(identity, h2.errors.ErrorCodes.INTERNAL_ERROR)
        elif stream.last:
            self._h2.send_headers(identity, stream.last, end_stream=True)
        else:
            self._h2.end_stream(identity)
        return True

    def _reset(self, identity: int, code: h2.errors.ErrorCodes) -> None:
        if self._streams.pop(identity, None) is not None:
            with suppress(h2.exceptions.ProtocolError):  # the build was faster
                self._h2.reset_stream(identity, code)
            self._flush()

    def _flush(self) -> None:
        data = self._h2.data_to_send()
        if data:
            self._channel.write(data)


def _pairs(headers: Any) -> Headers:
    return tuple((bytes(name), bytes(value)) for name, value in headers)


def _lowered(headers: Headers) -> Headers:
    return tuple((name.lower(), value) for name, value in headers if name.lower() not in CONNECTION_HEADERS)


def _head(response: Response, method: str, *, broken: bool) -> Headers:
    """Status and headers; a stated length is made true, unless it was the promise that was broken."""
    headers = _lowered(response.headers)
    if method != "HEAD" and not broken and response.status not in (204, 304):
        length = b"%d" % len(response.body)
        headers = tuple((name, length if name == b"content-length" else value) for name, value in headers)
    return ((b":status", b"%d" % response.status), *headers)
