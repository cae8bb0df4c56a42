"""One client's connection on the short way: the exchange that is under way on it, and how it ends.

What a message is made of passes first and is noted after, so that nobody waits for our bookkeeping. What breaks off is
told as mitmproxy tells it, and seen by both sides as it would be without us.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, field
from typing import Any

from mitmproxy.connection import Client, Connection
from mitmproxy.flow import Error
from mitmproxy.http import Headers, HTTPFlow, Request, Response
from mitmproxy.net.http import http1
from mitmproxy.proxy.events import ConnectionClosed, DataReceived, Event
from mitmproxy.proxy.layers.http import HttpLayer, HTTPMode

from recorder.mends.connections import SERVER_RESET, was_reset
from recorder.plain.bodies import Body, Broken, UntilClosed, body_of
from recorder.plain.heads import Head, plain_head
from recorder.plain.lanes import Address, Clear, idle_server, waits
from recorder.tape import INFORMATIONAL, TEE, Tape
from recorder.tee import Tee

_BLANK = re.compile(rb"\n\r?\n")  # ends a head, also of those who write no carriage returns
LONGEST = 1024 * 1024  # bytes of an answer's head


@dataclass(frozen=True, slots=True)
class _Lane:
    """A client's connection and a server's that both waited for a request when they were found."""

    address: Address  # as mitmproxy was told it
    server: Connection
    from_client: Clear
    from_server: Clear


@dataclass(slots=True)
class _Passing:
    """An exchange under way on a lane."""

    flow: HTTPFlow
    lane: _Lane
    request: Tee  # copies the request's body
    left: int  # bytes of that body that are still to come
    begun: bytearray = field(default_factory=bytearray)  # of the answer's head, until that is complete
    body: Body | None = None  # of the answer, once its head is there
    response: Tee | None = None  # copies that
    answered: bool = False  # the whole answer has passed
    closes: bool = False  # the connections end with this exchange


class Path:
    """What is done with the bytes of one client's connection, and of the servers' made for it."""

    def __init__(self, layer: HttpLayer, tape: Tape) -> None:
        self._layer = layer
        self._tape = tape
        self._client: Client = layer.context.client
        self._lane: _Lane | None = None  # that was taken last, and is still idle
        self._passing: _Passing | None = None
        self._early = b""  # what the client sent beyond the request that is under way

    def take(self, handler: Any, event: Event) -> Event | None:
        """Take ``event`` of mitmproxy's ``handler``; what is left of it for mitmproxy."""
        passing = self._passing
        if type(event) is DataReceived:
            if event.connection is self._client:
                return self._asked(handler, event) if passing is None else self._more(handler, passing, event.data)
            if passing is not None and event.connection is passing.lane.server:
                return self._answer(handler, passing, event.data)
        elif passing is not None and type(event) is ConnectionClosed:
            if event.connection is self._client:
                self._client_left(handler, passing)
            elif event.connection is passing.lane.server:
                self._server_left(handler, passing)
        self._lane = None  # after this it may not be idle
        return event

    def give_up(self, handler: Any) -> None:
        """Something went wrong here: what is under way breaks off, and the next connection begins anew."""
        passing, self._passing, self._lane = self._passing, None, None
        if passing is not None:
            self._close(handler, passing.lane.server)
        self._close(handler, self._client)  # whose end puts on the tape what is open

    # -- what the client sends -------------------------------------------------------------------------------------

    def _asked(self, handler: Any, event: DataReceived) -> Event | None:
        """The client says something while nothing is under way."""
        codec = self._lane.from_client if self._lane is not None else waits(self._layer)
        if codec is None:
            return event
        data = codec.decode(event.data)
        if not data and not codec.ended:
            return None  # a part of a TLS record, or nothing of ours
        return self._begin(handler, codec, data)

    def _begin(self, handler: Any, codec: Clear, data: bytes) -> Event | None:
        """Begin an exchange, if ``data`` is a plain request to a server that is known here."""
        head = None if codec.ended or self._tape.is_held_back() else plain_head(data)
        lane = None
        if head is not None and len(data) <= len(head.raw) + head.length:
            lane = self._to(head, codec)
        if head is None or lane is None:
            self._lane = None
            return DataReceived(self._client, codec.give_back(data))
        self._lane = lane
        flow = self._flow(lane, head)
        self._tape.begin(flow)
        body = data[len(head.raw) :]
        if head.server is not None or flow.request.data.headers.fields != head.headers:
            data = http1.assemble_request_head(flow.request) + body
        self._send(handler, lane.server, lane.from_server.encode(data))
        self._passing = passing = _Passing(flow, lane, flow.metadata[TEE], head.length)
        self._sent(passing, body)
        return None

    def _to(self, head: Head, codec: Clear) -> _Lane | None:
        """The lane to the server that ``head`` is for."""
        context = self._layer.context
        if (self._layer.mode is HTTPMode.regular) != (head.server is not None):
            return None
        address = head.server or context.server.address
        if self._lane is not None and self._lane.address == address:
            return self._lane
        if head.server is not None and self._tape.is_ours(address):
            return None  # which is where it leads to another server
        found = idle_server(self._layer, address, tls=head.server is None and bool(context.server.tls))
        return None if found is None else _Lane(address, found[0], codec, found[1])

    def _flow(self, lane: _Lane, head: Head) -> HTTPFlow:
        flow = HTTPFlow(self._client, lane.server)
        host, port = lane.address[:2]
        flow.request = Request(
            host, port, head.method, b"https" if lane.server.tls else b"http", b"", head.target, b"HTTP/1.1",
            Headers(head.headers), None, None, time.time(), None,
        )  # fmt: skip
        return flow

    def _more(self, handler: Any, passing: _Passing, data: bytes) -> Event | None:
        """More from the client while an exchange is under way."""
        codec = passing.lane.from_client
        data = codec.decode(data)
        body = data[: passing.left]
        self._early += data[passing.left :]
        rest: Event | None = None
        if body:
            self._send(handler, passing.lane.server, passing.lane.from_server.encode(body))
            if passing.answered:
                passing.left -= len(body)
                rest = None if passing.left else self._end(handler, passing)
            else:
                self._sent(passing, body)
        if not codec.ended:
            return rest
        if self._passing is passing:
            self._client_left(handler, passing)
        self._lane = None
        return DataReceived(self._client, b"")

    def _sent(self, passing: _Passing, body: bytes) -> None:
        """A piece of the request has passed."""
        passing.left -= len(body)
        if body:
            passing.request(body)
        if not passing.left:
            passing.request(b"")
            passing.flow.request.timestamp_end = time.time()
            self._tape.request(passing.flow)

    # -- what the server sends -------------------------------------------------------------------------------------

    def _answer(self, handler: Any, passing: _Passing, data: bytes) -> Event | None:
        """The server says something while an exchange is under way."""
        codec = passing.lane.from_server
        data = codec.decode(data)
        rest: Event | None = None
        if data and passing.answered:
            self._close(handler, passing.lane.server)  # nobody asked for it
        elif data:
            rest = self._pass(handler, passing, data)
        if not codec.ended:
            return rest
        if self._passing is passing:
            self._server_left(handler, passing)
        self._lane = None
        return DataReceived(passing.lane.server, b"")

    def _pass(self, handler: Any, passing: _Passing, data: bytes) -> Event | None:
        """Pass ``data`` of the answer on, and note it."""
        flow = passing.flow
        head = b""
        if passing.body is None:
            passing.begun += data
            try:
                head = self._head(handler, passing)
            except ValueError:
                self._fail(handler, passing, "Cannot parse HTTP response")
                return None
            data = bytes(passing.begun)
        body, content, wrong = passing.body, b"", ""
        if body is None:
            return None
        if data:
            try:
                content = body.read(data)
            except Broken as error:
                wrong = str(error)
        surplus = body.left_over
        self._send(handler, self._client, passing.lane.from_client.encode(head + data[: len(data) - surplus]))
        if head:
            self._tape.responseheaders(flow)
            passing.response = flow.response.stream
        if content and passing.response is not None:
            passing.response(content)
        if wrong:
            self._fail(handler, passing, wrong)
            return None
        if not body.done:
            return None
        if surplus:
            self._close(handler, passing.lane.server)
            self._lane = None
        return self._answered(handler, passing, body)

    def _head(self, handler: Any, passing: _Passing) -> bytes:
        """Take the head of the answer, and informational ones before it, off what has come; empty where it is not
        complete. Raises :class:`ValueError` for what is none.
        """
        while found := _BLANK.search(passing.begun):
            raw = bytes(passing.begun[: found.end()])
            del passing.begun[: found.end()]
            lines = [line.removesuffix(b"\r") for line in raw.split(b"\n")[:-2]]
            response: Response = http1.read_response_head(lines)
            size = http1.expected_http_body_size(passing.flow.request, response)
            if response.status_code == 101:
                raise ValueError("nobody asked for another protocol")
            if not 100 <= response.status_code <= 199:
                passing.flow.response = response
                passing.body = body_of(size)
                passing.closes = isinstance(passing.body, UntilClosed) or _closes(response)
                return raw
            names = [name.decode("latin-1") for name, _ in response.headers.fields]
            passing.flow.metadata.setdefault(INFORMATIONAL, []).append([response.status_code, names])
            self._send(handler, self._client, passing.lane.from_client.encode(raw))
        if len(passing.begun) > LONGEST:
            raise ValueError("the head does not end")
        return b""

    def _answered(self, handler: Any, passing: _Passing, body: Body) -> Event | None:
        """The whole answer has passed. Whoever still sends its request may do so to the end."""
        response = passing.flow.response
        response.timestamp_end = time.time()
        if body.trailers:
            response.trailers = Headers(body.trailers)
        if passing.response is not None:
            passing.response(b"")
        self._tape.response(passing.flow)
        passing.answered = True
        return None if passing.left else self._end(handler, passing)

    # -- ends --------------------------------------------------------------------------------------------------------

    def _end(self, handler: Any, passing: _Passing) -> Event | None:
        """The exchange is over; the next may have been asked for already."""
        self._passing = None
        early, self._early = self._early, b""
        if passing.closes:
            self._close(handler, passing.lane.server)
            self._close(handler, self._client)
            self._lane = None
        elif early:
            if self._lane is None:
                return DataReceived(self._client, passing.lane.from_client.give_back(early))
            return self._begin(handler, passing.lane.from_client, early)
        return None

    def _client_left(self, handler: Any, passing: _Passing) -> None:
        if passing.answered:
            self._passing = None
        elif passing.left:
            self._break(passing, "HTTP/1 protocol error: peer closed connection without sending complete message body")
        else:
            self._break(passing, "Client disconnected.")
        self._close(handler, passing.lane.server)

    def _server_left(self, handler: Any, passing: _Passing) -> None:
        passing.closes = True
        if passing.answered:
            return
        if was_reset(passing.lane.server):
            self._client.close_by_reset = True
            self._fail(handler, passing, SERVER_RESET)
        elif passing.body is None:
            self._fail(handler, passing, "unexpected server response" if passing.begun else "server closed connection")
        elif wrong := passing.body.end():
            self._fail(handler, passing, wrong)
        else:
            self._answered(handler, passing, passing.body)

    def _fail(self, handler: Any, passing: _Passing, message: str) -> None:
        """The exchange cannot go on: nor do its connections."""
        self._break(passing, message)
        self._close(handler, passing.lane.server)
        self._close(handler, self._client)

    def _break(self, passing: _Passing, message: str) -> None:
        self._passing = self._lane = None
        self._early = b""
        passing.flow.error = Error(message)
        self._tape.error(passing.flow)

    # -- sockets -----------------------------------------------------------------------------------------------------

    def _send(self, handler: Any, connection: Connection, data: bytes) -> None:
        io = handler.transports.get(connection)
        if data and io is not None and io.writer is not None and not io.writer.is_closing():
            io.writer.write(data)
            flush = getattr(io.writer, "flush", None)
            if flush is not None:
                flush()

    def _close(self, handler: Any, connection: Connection) -> None:
        if connection in handler.transports:
            handler.close_connection(connection)


def _closes(response: Response) -> bool:
    """Whether the server wants its connection closed after ``response``."""
    said = response.headers.get("connection", "").lower()
    words = [word.strip() for word in said.split(",")]
    return "close" in words or (response.http_version != "HTTP/1.1" and "keep-alive" not in words)
