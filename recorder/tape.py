"""The add-on that turns mitmproxy's events into exchanges.

Its hooks run on the proxy's event loop, in the path of the traffic: they copy references (bytes are immutable) and
hand the exchange to the writer, whose thread redacts, compresses and commits. Every exchange whose request head
arrived ends on the tape exactly once: with a response, with a failure, or cut short by the end of the recording. The
messages of a long one go there as they come (``recorder.streams``).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from mitmproxy import flow as mitm_flow
from mitmproxy.connection import Client, ConnectionState
from mitmproxy.http import HTTPFlow, Response

from captures.model import Direction, Exchange, Failure, FailureKind, Headers, Timing, authority
from recorder import messages
from recorder.choosing import Chooser
from recorder.connections import Connections, Doors
from recorder.desk import Desk
from recorder.failures import HUNG_UP, STOPPED, Broken, failure_of
from recorder.listeners import Listener, Role
from recorder.plan import MAX_MESSAGES
from recorder.relay import Relay
from recorder.sockets import notice_at_next_read
from recorder.streams import Conversation, Limits, cutter_of, is_grpc
from recorder.tee import BUFFERED, Held, Tee

TEE = "retape.request"
"""Key of a request's tee in ``flow.metadata``: ``recorder.mends`` finds it there."""

COMING = "retape.coming"
"""Key in ``flow.metadata``, while a server is connected to: gives the pieces of the request that wait for it."""

INFORMATIONAL = "retape.informational"
"""Key of the 1xx responses in ``flow.metadata``, a list of ``(status, header names)``: ``recorder.mends`` fills it."""
LOOK = 0.02
"""Seconds between two looks whether there is room again, for a request that waits for it."""

UNREAD = "retape.unread"
"""Key in ``flow.metadata`` of a WebSocket whose frames could not be read (they pass all the same)."""

PINGS = "retape.pings"
"""Key in ``flow.metadata``: how many WebSocket pings passed."""

LIMIT = "retape.limit"
"""Key in ``flow.metadata``: bytes of one WebSocket message that are kept; a longer one has its length in ``size``."""

SEARCHED = 256 * 1024  # bytes of a streamed request's body that is put together for the linker
MESSAGES_SIZE = 4  # times the largest body: bytes of one exchange's messages that are kept
NOT_CLOSED = 1006  # the "code" of a WebSocket that ended without a close frame (RFC 6455, 7.1.5)


@dataclass(slots=True)
class _Open:
    """An exchange that has begun."""

    flow: HTTPFlow
    id: int
    listener: Listener
    started: float
    headers: Headers  # as received: later steps of the proxy may drop Expect and Upgrade
    request: Tee
    response: Tee
    notes: dict[str, Any] = field(default_factory=dict)
    said: Conversation | None = None  # its messages, where it has many


class Tape:
    """Records what passes through ``doors``."""

    def __init__(
        self,
        desk: Desk | Relay,
        doors: Doors,
        connections: Connections,
        *,
        dependencies: Mapping[str, str],
        max_body: int,
        blocks: bool = False,
        inject_trace: bool = False,
        chooser: Chooser | None = None,
        max_messages: int = MAX_MESSAGES,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._desk = desk
        self._doors = doors
        self._connections = connections
        self._dependencies = dependencies
        self._max_body = max_body
        self._blocks = blocks
        self.held_back = 0  # requests that had to wait for room in the writer's queue
        self._inject_trace = inject_trace
        self._chooser = chooser
        self._limits = Limits(max_body, max_messages, MESSAGES_SIZE * max_body)
        self._held = Held()
        self._now = now
        self._ending = False
        self._open: dict[str, _Open] = {}  # by flow id
        self._clients: dict[str, set[str]] = {}  # client connection id -> its open flow ids

    # -- what the proxy process asks --------------------------------------------------------------------------------

    def open_count(self, *roles: Role) -> int:
        """How many exchanges have begun and not ended (on listeners of ``roles``; all when none is given)."""
        return sum(not roles or one.listener.role in roles for one in self._open.values())

    def is_busy(self, client: str) -> bool:
        """Whether client connection ``client`` carries an open exchange."""
        return bool(self._clients.get(client))

    def ending(self) -> None:
        """From now on what breaks off does so because the recording stops, and is nobody's fault."""
        self._ending = True

    def finish(self) -> None:
        """Put every exchange that is still open on the tape, as a failure."""
        for one in list(self._open.values()):
            self._put(one, Failure(FailureKind.ABORTED, STOPPED))

    # -- HTTP --------------------------------------------------------------------------------------------------------

    def requestheaders(self, flow: HTTPFlow) -> Awaitable[None] | None:
        """A request's head has arrived. Where the traffic gives way to the recording, its connection may wait."""
        if self.is_held_back():
            return self._begin_later(flow)
        self.begin(flow)
        return None

    def is_held_back(self) -> bool:
        """Whether a request that comes now has to wait until there is room for it."""
        return self._blocks and self._desk.is_full() and not self._ending

    async def _begin_later(self, flow: HTTPFlow) -> None:
        self.held_back += 1
        await self._room()
        self.begin(flow)

    async def _room(self) -> None:
        try:
            while self._desk.is_full() and not self._ending:  # noqa: ASYNC110 - it is full in another thread
                await asyncio.sleep(LOOK)
        except asyncio.CancelledError:
            notice_at_next_read()

    def is_ours(self, address: tuple[str, int]) -> bool:
        """Whether a listener of the recording is at ``address``."""
        return self._doors.at((address[0].lower(), address[1])) is not None

    def begin(self, flow: HTTPFlow) -> None:
        """A request's head is there, and nothing makes it wait."""
        listener = self._doors.of(flow.client_conn)
        if listener.role is Role.OUTBOUND:
            listener = messages.lead_to_dependency(flow.request, listener, self._doors)
        headers = messages.fields(flow.request.data.headers)
        notes: dict[str, Any] = {}
        at = time.monotonic()
        identity = self._desk.start()
        if listener.role is Role.INBOUND:
            added = messages.add_trace(flow.request, headers) if self._inject_trace else ()
            if added:
                notes["injected"] = {name.decode(): value.decode() for name, value in added}
            self._desk.inbound_started(identity, (*headers, *added), at, flow.request.data.path)
        else:
            line = flow.client_conn.id if flow.request.is_http11 or flow.request.is_http10 else ""
            self._desk.call_started(identity, headers, at, flow.request.data.path, line)
        if listener.role is Role.DEPENDENCY and listener.target is not None:
            if flow.request.host_header is not None:
                notes["host"] = flow.request.host_header
            headers = messages.address(flow.request, listener.target)
        if flow.request.data.authority and not flow.request.is_http11:
            notes["authority"] = flow.request.authority  # HTTP/2 has it in place of Host
        one = _Open(
            flow, identity, listener, flow.request.timestamp_start, headers,
            Tee(self._max_body, self._held), Tee(self._max_body, self._held), notes,
        )  # fmt: skip
        self._open[flow.id] = one
        self._clients.setdefault(flow.client_conn.id, set()).add(flow.id)
        flow.metadata[TEE] = one.request
        flow.metadata[LIMIT] = self._max_body
        grpc = is_grpc(headers)
        if grpc or messages.is_open_ended(flow.request) or messages.announced_length(headers) > one.request.passes_over:
            flow.request.stream = one.request
        if grpc:
            self._listen(one, one.request, headers)
        if listener.role is Role.OUTBOUND:
            messages.drop_words_to_proxy(flow.request.data.headers)
        messages.drop_h2c_upgrade(flow.request.data.headers)

    def request(self, flow: HTTPFlow) -> None:
        """A request is complete. What it holds may show which calls it causes."""
        one = self._open.get(flow.id)
        if one is None or one.listener.role is not Role.INBOUND:
            return
        content = flow.request.data.content
        # What was not announced as large is searched whole, however it passed.
        if content or 0 < one.request.size <= (BUFFERED if not flow.request.stream else SEARCHED):
            self._desk.inbound_body(one.id, one.headers, content or one.request.body())
        wanted = None if self._chooser is None else self._chooser.asked(flow, lambda: content or one.request.body())
        if wanted is not None:
            self._desk.settle(one.id, wanted)

    def responseheaders(self, flow: HTTPFlow) -> None:
        """A response's head has arrived. Its body passes through: the client waits for nothing, a part is kept."""
        one = self._open.get(flow.id)
        if one is not None and flow.response is not None and flow.response.status_code != 101:
            flow.response.stream = one.response
            if one.listener.role is Role.INBOUND:
                self._desk.inbound_answered(one.id)
            self._listen(one, one.response, messages.fields(flow.response.data.headers))

    def response(self, flow: HTTPFlow) -> None:
        """A response is complete."""
        one = self._open.get(flow.id)
        if one is None:
            return
        if flow.websocket is not None:
            self._conversation(one).begin()
            if one.listener.role is Role.INBOUND:  # the handshake is answered: it causes no call any more
                self._desk.inbound_ended(one.id, time.monotonic())
            return  # the exchange ends when the socket does
        if flow.response is not None and flow.response.status_code == 101:
            one.notes["upgrade"] = messages.protocol_of(flow.response)
            self._connections.upgraded(flow.client_conn)  # what follows passes, and is not recorded
        self._answered(one)

    def _answered(self, one: _Open) -> None:
        if one.flow.request.timestamp_end is None:
            one.notes["early_response"] = True  # the server answered before the request was complete
        left = one.flow.client_conn.state is ConnectionState.CAN_WRITE and _ends_with_its_listener(one.flow.response)
        self._put(one, Failure(FailureKind.ABORTED, HUNG_UP) if left else None)

    def error(self, flow: HTTPFlow) -> None:
        """An exchange broke. Its client sees the connection break as well, not an error page of ours."""
        one = self._open.get(flow.id)
        if one is None or flow.error is None:
            return
        address = (flow.request.host, flow.request.port)
        failure = failure_of(
            Broken(
                flow.error.msg,
                request_complete=flow.request.timestamp_end is not None,
                response_started=flow.response is not None,
                upstream=self._connections.why(flow.client_conn.id, address),
                client_left=flow.client_conn.state is ConnectionState.CAN_WRITE,
            )
        )
        if failure.kind is FailureKind.ABORTED and _has_whole_answer(one):
            self._answered(one)
            return
        if self._ending and failure.kind in (FailureKind.ABORTED, FailureKind.RESET, FailureKind.TRUNCATED):
            failure = Failure(FailureKind.ABORTED, STOPPED)
        self._put(one, failure)
        if failure.kind is not FailureKind.PROTOCOL or flow.request.timestamp_end is not None:
            flow.error = mitm_flow.Error(mitm_flow.Error.KILLED_MESSAGE)

    def websocket_message(self, flow: HTTPFlow) -> Awaitable[None] | None:
        """A message goes to the writer; mitmproxy would keep them all in memory. The socket may have to wait then."""
        one = self._open.get(flow.id)
        if flow.websocket is not None:
            if one is not None:
                said = self._conversation(one)
                for message in flow.websocket.messages:
                    said.say(
                        message.from_client, "text" if message.is_text else "binary", message.content, message.size
                    )
            flow.websocket.messages.clear()
        return self._room() if self.is_held_back() else None

    def websocket_end(self, flow: HTTPFlow) -> None:
        """A WebSocket was closed."""
        one = self._open.get(flow.id)
        socket = flow.websocket
        if one is None or socket is None:
            return
        if socket.close_code == NOT_CLOSED and self._ending:
            self._put(one, Failure(FailureKind.ABORTED, STOPPED))
            return
        by_client = bool(socket.closed_by_client)
        one.notes["websocket_close"] = {"code": socket.close_code, "by": "client" if by_client else "server"}
        said = self._conversation(one)
        one.notes["websocket"] = said.count
        if socket.close_code not in (None, NOT_CLOSED):
            # What the frame said is a message, and searched for secrets like one.
            said.say(by_client, "close", (socket.close_reason or "").encode())
        self._put(one, None)

    def client_disconnected(self, client: Client) -> None:
        """Whatever of the connection is still open will never end by itself (a layer of mitmproxy crashed)."""
        for flow_id in list(self._clients.pop(client.id, ())):
            one = self._open.get(flow_id)
            if one is not None:
                for piece in one.flow.metadata.pop(COMING, list)():
                    one.request(piece)
                self._put(
                    one,
                    Failure(FailureKind.ABORTED, STOPPED if self._ending else "the connection ended"),
                )

    # -- putting it on the tape --------------------------------------------------------------------------------------

    def _conversation(self, one: _Open) -> Conversation:
        if one.said is None:
            chooser = self._chooser
            one.said = Conversation(
                self._desk, self._limits, lambda: self._exchange(one, None, None), self._now, identity=one.id,
                wanted=None if chooser is None else lambda exchange: chooser.opens(one.flow, exchange),
            )  # fmt: skip
        return one.said

    def _listen(self, one: _Open, tee: Tee, headers: Headers) -> None:
        """Where the body is made of messages, put each on the tape when it has come."""
        found = cutter_of(headers, self._max_body)
        if found is None:
            return
        kind, cutter = found
        said = self._conversation(one)
        said.listen(tee, tee is one.request, kind, cutter)
        if kind == "event":
            said.begin()

    def _put(self, one: _Open, failure: Failure | None) -> None:
        flow = one.flow
        self._open.pop(flow.id, None)
        siblings = self._clients.get(flow.client_conn.id)
        if siblings is not None:
            siblings.discard(flow.id)
        if one.listener.role is Role.INBOUND:
            self._desk.inbound_ended(one.id, time.monotonic())
        left = one.said.finish() if one.said is not None else ()
        if one.said is not None:
            one.notes.update(one.said.notes())
            if flow.websocket is not None:
                one.notes.setdefault("websocket", one.said.count)
                if PINGS in flow.metadata:
                    one.notes["pings"] = flow.metadata[PINGS]
        for side, tee in (("request", one.request), ("response", one.response)):
            if tee.cut:
                one.notes[f"{side}_body_length"] = tee.size
                one.notes[f"{side}_body_sha256"] = tee.sha256
        if UNREAD in flow.metadata:
            one.notes["websocket_unread"] = True
        if INFORMATIONAL in flow.metadata:
            one.notes["informational"] = flow.metadata[INFORMATIONAL]
        exchange = self._exchange(one, failure, self._now())
        begun = bool(one.said and one.said.begun)
        wanted = begun or self._chooser is None or self._chooser.wants(flow, exchange)
        self._desk.put(exchange, wanted, left, begun)
        one.request.release()
        one.response.release()

    def _exchange(self, one: _Open, failure: Failure | None, ended: float | None) -> Exchange:
        """The exchange as it stands."""
        request, response = one.flow.request, one.flow.response
        whole = ended is not None or request.timestamp_end is not None
        silent = one.flow.websocket is not None and one.said is not None and one.said.incomplete
        return Exchange(
            id=one.id,
            direction=Direction.INBOUND if one.listener.role is Role.INBOUND else Direction.OUTBOUND,
            request=messages.request_of(request, one.listener.target, one.headers, one.request if whole else Tee(0)),
            response=messages.response_of(response, one.response),
            failure=failure,
            timing=Timing(one.started, request.timestamp_end, response.timestamp_start if response else None, ended),
            dependency=self._dependency(one),
            connection=one.flow.client_conn.id,
            body_truncated=one.request.cut or one.response.cut or "early_response" in one.notes or silent,
            notes=dict(one.notes),
        )

    def _dependency(self, one: _Open) -> str | None:
        if one.listener.role is Role.INBOUND:
            return None
        if one.listener.name:
            return one.listener.name
        where = authority(one.flow.request.host.lower(), one.flow.request.port)
        return self._dependencies.get(where, where)


def _ends_with_its_listener(response: Response | None) -> bool:
    """Whether ``response`` is a stream of events that does not say itself where it ends."""
    if response is None:
        return False
    headers = messages.fields(response.data.headers)
    framed = any(name.lower() in (b"content-length", b"transfer-encoding") for name, _ in headers)
    return response.is_http11 and not framed and messages.media_type(headers).startswith(b"text/event-stream")


def _has_whole_answer(one: _Open) -> bool:
    """Whether all that the answer announced has passed: over HTTP/2 a client may leave then, before the stream ends."""
    response = one.flow.response
    announced = messages.announced_length(messages.fields(response.data.headers)) if response is not None else 0
    return 0 < announced == one.response.size
