"""The add-on that turns mitmproxy's events into exchanges.

Its hooks run on the proxy's event loop, in the path of the traffic: they copy references (bytes are immutable) and
hand the exchange to the writer, whose thread redacts, compresses and commits. Every exchange whose request head
arrived ends on the tape exactly once: with a response, with a failure, or cut short by the end of the recording.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from mitmproxy import flow as mitm_flow
from mitmproxy.connection import Client
from mitmproxy.http import HTTPFlow

from captures.links import Linker
from captures.model import Cause, Direction, Exchange, Failure, FailureKind, Headers, Timing
from captures.writer import CaptureWriter
from recorder import messages
from recorder.connections import Connections, Doors
from recorder.failures import STOPPED, Broken, failure_of
from recorder.listeners import Listener, Role, authority
from recorder.tee import Tee

TEE = "retape.request"
"""Key of a request's tee in ``flow.metadata``: ``recorder.mends`` finds it there."""

STREAMED_REQUESTS = (b"application/grpc",)
"""Requests of these media types are conversations: the server answers before they end."""


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
    cause: Cause | None
    notes: dict[str, Any] = field(default_factory=dict)
    messages: int = 0  # of a WebSocket


class Tape:
    """Records what passes through ``doors``."""

    def __init__(
        self,
        writer: CaptureWriter,
        linker: Linker,
        doors: Doors,
        connections: Connections,
        *,
        dependencies: Mapping[str, str],
        max_body: int,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._writer = writer
        self._linker = linker
        self._doors = doors
        self._connections = connections
        self._dependencies = dependencies
        self._max_body = max_body
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

    def requestheaders(self, flow: HTTPFlow) -> None:
        """A request's head has arrived."""
        listener = self._doors.of(flow.client_conn)
        if listener.role is Role.OUTBOUND:
            listener = messages.lead_to_dependency(flow.request, listener, self._doors)
        headers = messages.fields(flow.request.data.headers)
        notes: dict[str, Any] = {}
        at = time.monotonic()
        identity = self._writer.reserve_id()
        cause = None
        if listener.role is Role.INBOUND:
            self._linker.inbound_started(identity, headers, at)
        else:
            cause = self._linker.cause_of(headers, at)
        if listener.role is Role.DEPENDENCY and listener.target is not None:
            if flow.request.host_header is not None:
                notes["host"] = flow.request.host_header
            headers = messages.address(flow.request, listener.target)
        if flow.request.data.authority and not flow.request.is_http11:
            notes["authority"] = flow.request.authority  # HTTP/2 has it in place of Host
        one = _Open(
            flow, identity, listener, flow.request.timestamp_start, headers,
            Tee(self._max_body), Tee(self._max_body), cause, notes,
        )  # fmt: skip
        self._open[flow.id] = one
        self._clients.setdefault(flow.client_conn.id, set()).add(flow.id)
        flow.metadata[TEE] = one.request
        large = messages.announced_length(headers) > one.request.passes_over
        if large or messages.media_type(headers).startswith(STREAMED_REQUESTS):
            flow.request.stream = one.request
        messages.drop_h2c_upgrade(flow.request.data.headers)

    def responseheaders(self, flow: HTTPFlow) -> None:
        """A response's head has arrived. Its body passes through: the client waits for nothing, a part is kept."""
        one = self._open.get(flow.id)
        if one is not None and flow.response is not None and flow.response.status_code != 101:
            flow.response.stream = one.response

    def response(self, flow: HTTPFlow) -> None:
        """A response is complete."""
        one = self._open.get(flow.id)
        if one is None:
            return
        if flow.websocket is not None:
            if one.listener.role is Role.INBOUND:  # the handshake is answered: it causes no call any more
                self._linker.inbound_ended(one.id, time.monotonic())
            return  # the exchange ends when the socket does
        if flow.request.timestamp_end is None:
            one.notes["early_response"] = True  # the server answered before the request was complete
        self._put(one, None)

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
            )
        )
        if self._ending and failure.kind in (FailureKind.ABORTED, FailureKind.RESET, FailureKind.TRUNCATED):
            failure = Failure(FailureKind.ABORTED, STOPPED)
        self._put(one, failure)
        if failure.kind is not FailureKind.PROTOCOL or flow.request.timestamp_end is not None:
            flow.error = mitm_flow.Error(mitm_flow.Error.KILLED_MESSAGE)

    def websocket_message(self, flow: HTTPFlow) -> None:
        """Messages are counted; mitmproxy would keep them all in memory."""
        one = self._open.get(flow.id)
        if flow.websocket is not None:
            if one is not None:
                one.messages += len(flow.websocket.messages)
            flow.websocket.messages.clear()

    def websocket_end(self, flow: HTTPFlow) -> None:
        """A WebSocket was closed."""
        one = self._open.get(flow.id)
        if one is not None:
            self._put(one, None)

    def client_disconnected(self, client: Client) -> None:
        """Whatever of the connection is still open will never end by itself (a layer of mitmproxy crashed)."""
        for flow_id in list(self._clients.pop(client.id, ())):
            if flow_id in self._open:
                self._put(
                    self._open[flow_id],
                    Failure(FailureKind.ABORTED, STOPPED if self._ending else "the connection ended"),
                )

    # -- putting it on the tape --------------------------------------------------------------------------------------

    def _put(self, one: _Open, failure: Failure | None) -> None:
        flow = one.flow
        self._open.pop(flow.id, None)
        siblings = self._clients.get(flow.client_conn.id)
        if siblings is not None:
            siblings.discard(flow.id)
        role = one.listener.role
        if role is Role.INBOUND:
            self._linker.inbound_ended(one.id, time.monotonic())
        if one.messages or flow.websocket is not None:
            one.notes["websocket"] = one.messages
        for side, tee in (("request", one.request), ("response", one.response)):
            if tee.truncated:
                one.notes[f"{side}_body_length"] = tee.size
        response = flow.response
        ended = self._now()
        request = flow.request
        self._writer.put(
            Exchange(
                id=one.id,
                direction=Direction.INBOUND if role is Role.INBOUND else Direction.OUTBOUND,
                request=messages.request_of(flow.request, one.listener, one.headers, one.request),
                response=messages.response_of(flow.response, one.response),
                failure=failure,
                timing=Timing(
                    one.started, request.timestamp_end, response.timestamp_start if response else None, ended
                ),
                dependency=self._dependency(one),
                cause=one.cause,
                connection=flow.client_conn.id,
                body_truncated=one.request.truncated or one.response.truncated or "early_response" in one.notes,
                notes=one.notes,
            )
        )

    def _dependency(self, one: _Open) -> str | None:
        if one.listener.role is Role.INBOUND:
            return None
        if one.listener.name:
            return one.listener.name
        where = authority(one.flow.request.host.lower(), one.flow.request.port)
        return self._dependencies.get(where, where)
