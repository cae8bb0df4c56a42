"""One client's connection on the short way: which exchange is under way on it, and how it ends.

What a message is made of passes first and is noted after, so that nobody waits for our bookkeeping. What breaks off is
told as mitmproxy tells it, and seen by both sides as it would be without us.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from typing import Any

from mitmproxy.connection import Client, ConnectionState
from mitmproxy.flow import Error
from mitmproxy.http import Headers, HTTPFlow, Request
from mitmproxy.net.http import http1
from mitmproxy.proxy.events import ConnectionClosed, DataReceived, Event
from mitmproxy.proxy.layers.http import HttpLayer, HTTPMode

from recorder.mends.connections import SERVER_RESET, was_reset
from recorder.mends.halves import is_half_closed
from recorder.plain.bodies import Body, Broken, UntilClosed, body_of
from recorder.plain.heads import Head, answer_of, plain_head
from recorder.plain.lanes import Clear, idle_server, waits
from recorder.plain.passing import Lane, Passing
from recorder.sockets import close, send
from recorder.tape import INFORMATIONAL, TEE, Tape

EARLY = 64 * 1024  # bytes that a client may send beyond its request before it has to wait for the answer
Events = Sequence[Event]


class Path:
    """What is done with the bytes of one client's connection, and of the servers' made for it."""

    def __init__(self, layer: HttpLayer, tape: Tape) -> None:
        self._layer = layer
        self._tape = tape
        self._client: Client = layer.context.client
        self._lane: Lane | None = None  # that was taken last, and is still idle
        self._passing: Passing | None = None
        self._early = b""  # what the client sent beyond the request that is under way
        self._halved = False  # the client has closed its half
        self._room: asyncio.Future[None] | None = None  # is awaited while there is no more room for that

    def is_full(self, event: Event) -> bool:
        """Whether ``event`` has to wait, as its client has sent too much beyond the request that is under way."""
        return len(self._early) >= EARLY and type(event) is DataReceived and event.connection is self._client

    async def room(self) -> None:
        """Return when the request under way has been answered."""
        self._room = asyncio.get_running_loop().create_future()
        await self._room

    def take(self, handler: Any, event: Event) -> Events:
        """Take ``event`` of mitmproxy's ``handler``; what is left for mitmproxy."""
        passing = self._passing
        if type(event) is DataReceived:
            if event.connection is self._client:
                return self._asked(handler, event) if passing is None else self._more(handler, passing, event.data)
            if passing is not None and event.connection is passing.lane.server:
                return self._answer(handler, passing, event.data)
        elif passing is not None and type(event) is ConnectionClosed:
            if event.connection is self._client:
                if self._is_to_be_answered(passing):
                    self._halved = True
                    self._close_half(handler, passing)
                    return ()
                self._client_left(handler, passing)
            elif event.connection is passing.lane.server:
                self._server_left(handler, passing)
        self._lane = None  # after this it may not be idle
        return (event,)

    def give_up(self, handler: Any, event: Event) -> Events:
        """Something went wrong here with ``event``: what is under way breaks off. What is left for mitmproxy."""
        passing, self._passing, self._lane = self._passing, None, None
        self._all_early()
        if passing is not None:
            close(handler, passing.lane.server)
        close(handler, self._client)  # whose end puts on the tape what is open
        return () if type(event) is DataReceived else (event,)  # nobody can tell how much of it was used

    # -- what the client sends -------------------------------------------------------------------------------------

    def _asked(self, handler: Any, event: DataReceived) -> Events:
        """The client says something while nothing is under way."""
        codec = self._lane.from_client if self._lane is not None else self._waits()
        if codec is None:
            return (event,)
        data = codec.decode(event.data)
        if not data and not codec.ended:
            return (DataReceived(self._client, b""),)  # a part of a TLS record, or what is TLS's own
        return self._begin(handler, codec, data)

    def _waits(self) -> Clear | None:
        try:
            return waits(self._layer)
        except Exception:
            logging.getLogger(__name__).exception("the short way could not be looked for")
            return None

    def _begin(self, handler: Any, codec: Clear, data: bytes) -> Events:
        """Begin an exchange, if ``data`` is a plain request to a server that is known here."""
        opened = None
        if not codec.ended and not self._tape.is_held_back():
            try:
                opened = self._opened(codec, data)
            except Exception:  # nothing has passed yet: there is the other way
                logging.getLogger(__name__).exception("the short way could not be taken")
        if opened is None:
            self._lane = None
            return (DataReceived(self._client, codec.give_back(data)),)
        passing, head, size = opened
        self._passing, self._lane = passing, passing.lane
        return self._ask(handler, passing, data[size:], head)

    def _opened(self, codec: Clear, data: bytes) -> tuple[Passing, bytes, int] | None:
        """An exchange that begins with ``data``, its head for the server, and how many bytes that has in ``data``."""
        head = plain_head(data)
        lane = None if head is None else self._to(head, codec)
        if head is None or lane is None:
            return None
        flow = HTTPFlow(self._client, lane.server)
        host, port = lane.address[:2]
        flow.request = Request(
            host, port, head.method, b"https" if lane.server.tls else b"http", b"", head.target, b"HTTP/1.1",
            Headers(head.headers), None, None, time.time(), None,
        )  # fmt: skip
        self._tape.begin(flow)
        raw = head.raw
        if head.server is not None or flow.request.data.headers.fields != head.headers:
            raw = http1.assemble_request_head(flow.request)
        return Passing(flow, lane, body_of(head.length), head.closes, flow.metadata[TEE]), raw, len(head.raw)

    def _to(self, head: Head, codec: Clear) -> Lane | None:
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
        return None if found is None else Lane(address, found[0], codec, found[1])

    def _more(self, handler: Any, passing: Passing, data: bytes) -> Events:
        """More from the client while an exchange is under way."""
        codec = passing.lane.from_client
        data = codec.decode(data)
        if not codec.ended:
            return self._ask(handler, passing, data) if data else (DataReceived(self._client, b""),)
        self._lane = None
        rest = self._ask(handler, passing, data) if data else ()
        if self._passing is passing:
            self._client_left(handler, passing)
        return rest or (DataReceived(self._client, b""),)

    def _ask(self, handler: Any, passing: Passing, data: bytes, head: bytes = b"") -> Events:
        """Pass ``data`` of the request on (after its ``head``), and note it. What is beyond its end has to wait."""
        asked = passing.asked
        content, wrong = b"", ""
        if asked.done:
            self._early += data
            data = b""
        elif data:
            content, wrong = _read(asked, data)
            if asked.left_over:
                self._early += data[-asked.left_over :]
                data = data[: -asked.left_over]
        if head or data:
            send(handler, passing.lane.server, passing.lane.from_server, head + data)
        if content and not passing.answered:
            passing.request(content)
        if wrong:
            self._fail(handler, passing, wrong)
            return ()
        if passing.answered:
            return self._end(handler, passing) if asked.done else ()
        if asked.done and passing.flow.request.timestamp_end is None:
            passing.request(b"")
            if asked.trailers:
                passing.flow.request.trailers = Headers(asked.trailers)
            passing.flow.request.timestamp_end = time.time()
            _tell(self._tape.request, passing.flow)
        return ()

    # -- what the server sends -------------------------------------------------------------------------------------

    def _answer(self, handler: Any, passing: Passing, data: bytes) -> Events:
        """The server says something while an exchange is under way."""
        codec = passing.lane.from_server
        data = codec.decode(data)
        if codec.ended:
            self._lane = None
        rest: Events = ()
        if not data:
            if not codec.ended:
                return (DataReceived(passing.lane.server, b""),)
        elif passing.switched:
            send(handler, self._client, passing.lane.from_client, data)
        elif passing.answered:
            close(handler, passing.lane.server)  # nobody asked for it
            self._lane = None
        else:
            rest = self._pass(handler, passing, data)
        if not codec.ended:
            return rest
        if self._passing is passing:
            self._server_left(handler, passing)
        return (DataReceived(passing.lane.server, b""), *rest)

    def _pass(self, handler: Any, passing: Passing, data: bytes) -> Events:
        """Pass ``data`` of the answer on, and note it."""
        head = b""
        if passing.body is None:
            passing.begun.data += data
            try:
                head = self._head(handler, passing)
            except ValueError:
                self._fail(handler, passing, "Cannot parse HTTP response")
                return ()
            data = bytes(passing.begun.data)
        body = passing.body
        if body is None:
            return ()
        content, wrong = _read(body, data) if data else (b"", "")
        surplus = body.left_over
        send(handler, self._client, passing.lane.from_client, head + data[: len(data) - surplus])
        if head:
            _tell(self._tape.responseheaders, passing.flow)
            passing.response = passing.flow.response.stream or None
        if passing.flow.response.status_code == 101:
            return self._switch(handler, passing)
        if content and passing.response is not None:
            passing.response(content)
        if wrong:
            self._fail(handler, passing, wrong)
            return ()
        if not body.done:
            return ()
        if surplus:
            close(handler, passing.lane.server)
            self._lane = None
        return self._answered(handler, passing, body)

    def _head(self, handler: Any, passing: Passing) -> bytes:
        """Take the head of the answer, and informational ones before it, off what has come; empty where it is not
        complete. Raises :class:`ValueError` for what is none.
        """
        while raw := passing.begun.head():
            response = answer_of(raw)
            if response.status_code == 101:
                passing.answer(response, UntilClosed())
                return raw
            size = http1.expected_http_body_size(passing.flow.request, response)
            if not 100 <= response.status_code <= 199:
                passing.answer(response, body_of(size))
                return raw
            names = [name.decode("latin-1") for name, _ in response.headers.fields]
            passing.flow.metadata.setdefault(INFORMATIONAL, []).append([response.status_code, names])
            send(handler, self._client, passing.lane.from_client, raw)
        return b""

    def _switch(self, handler: Any, passing: Passing) -> Events:
        """The server goes on in a protocol that nobody asked for. That passes both ways, and is not recorded."""
        passing.switched = True
        passing.asked = UntilClosed()
        early = self._all_early()
        self._answered(handler, passing, passing.asked)
        return self._ask(handler, passing, early) if early else ()

    def _answered(self, handler: Any, passing: Passing, body: Body) -> Events:
        """The whole answer has passed. Whoever still sends its request may do so to the end."""
        response = passing.flow.response
        response.timestamp_end = time.time()
        if body.trailers:
            response.trailers = Headers(body.trailers)
        if passing.response is not None:
            passing.response(b"")
        _tell(self._tape.response, passing.flow)
        passing.answered = True
        return self._end(handler, passing) if passing.asked.done else ()

    # -- ends --------------------------------------------------------------------------------------------------------

    def _end(self, handler: Any, passing: Passing) -> Events:
        """The exchange is over; the next may have been asked for already."""
        self._passing = None
        early = self._all_early()
        if passing.closes:
            self._lane = None
            close(handler, passing.lane.server)
            close(handler, self._client)
            return ()
        rest: Events = ()
        if early and self._lane is None:
            rest = (DataReceived(self._client, passing.lane.from_client.give_back(early)),)
        elif early:
            rest = self._begin(handler, passing.lane.from_client, early)
        return (*rest, *self._halve(handler)) if self._halved else rest

    def _is_to_be_answered(self, passing: Passing) -> bool:
        """Whether a client that sends nothing more may wait for its answer, as on the long way (``mends.halves``)."""
        server = passing.lane.server
        waits = passing.asked.done and server.state is ConnectionState.OPEN and not server.tls
        return waits and is_half_closed(self._client)

    def _close_half(self, handler: Any, passing: Passing) -> None:
        """The server shall know that nothing follows, if nothing does."""
        if not self._early:
            passing.closes = True
            handler.close_connection(passing.lane.server, half_close=True)

    def _halve(self, handler: Any) -> Events:
        """The client has closed its half, and what it had asked before is under way now, or not ours."""
        passing = self._passing
        if passing is not None and self._is_to_be_answered(passing):
            self._close_half(handler, passing)
            return ()
        if passing is not None:
            self._client_left(handler, passing)
        return (ConnectionClosed(self._client),)

    def _all_early(self) -> bytes:
        """What the client sent early, and make room for more."""
        early, self._early = self._early, b""
        if self._room is not None and not self._room.done():
            self._room.set_result(None)
        return early

    def _client_left(self, handler: Any, passing: Passing) -> None:
        if passing.answered:
            self._passing = None
        elif passing.asked.done or passing.body is not None:
            self._break(passing, "Client disconnected.")
        else:
            self._break(passing, "HTTP/1 protocol error: peer closed connection without sending complete message body")
        close(handler, passing.lane.server)

    def _server_left(self, handler: Any, passing: Passing) -> None:
        passing.closes = True
        if passing.switched:
            self._end(handler, passing)
        elif passing.answered:
            pass
        elif was_reset(passing.lane.server):
            self._client.close_by_reset = True
            self._fail(handler, passing, SERVER_RESET)
        elif passing.body is None:
            begun = "unexpected server response" if passing.begun.data else "server closed connection"
            self._fail(handler, passing, begun)
        elif wrong := passing.body.end():
            self._fail(handler, passing, wrong)
        else:
            self._answered(handler, passing, passing.body)
        if self._passing is passing and self._client in handler.transports:
            # The client still sends, to nobody. The end tells it, and leaves it time to read what was answered: a reset
            # would take that away.
            handler.close_connection(self._client, half_close=True)

    def _fail(self, handler: Any, passing: Passing, message: str) -> None:
        """The exchange cannot go on: nor do its connections."""
        self._break(passing, message)
        close(handler, passing.lane.server)
        close(handler, self._client)

    def _break(self, passing: Passing, message: str) -> None:
        self._passing = self._lane = None
        self._all_early()
        passing.flow.error = Error(message)
        _tell(self._tape.error, passing.flow)


def _read(body: Body, data: bytes) -> tuple[bytes, str]:
    """The content in ``data`` of ``body``, and what is wrong with it."""
    try:
        return body.read(data), ""
    except Broken as error:
        return error.content, str(error)


def _tell(hook: Callable[[HTTPFlow], object], flow: HTTPFlow) -> None:
    """Tell the tape. As in the dispatch of hooks: whatever goes wrong there, the service's traffic must flow."""
    try:
        hook(flow)
    except Exception:
        logging.getLogger(__name__).exception("the tape failed")
