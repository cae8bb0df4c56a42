"""The add-on that turns mitmproxy's events into exchanges.

Its hooks run on the proxy's event loop, in the path of the traffic: they copy references (bytes are immutable) and
hand the exchange to the writer, whose thread redacts, compresses and commits. Every exchange whose request head
arrived ends on the tape exactly once: with a response, with a failure, or cut short by the end of the recording.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from mitmproxy import flow as mitm_flow
from mitmproxy.http import Headers as MitmHeaders
from mitmproxy.http import HTTPFlow
from mitmproxy.proxy import server_hooks
from mitmproxy.tcp import TCPFlow
from mitmproxy.tls import ClientHelloData, TlsData

from captures.links import Linker
from captures.model import Cause, Direction, Exchange, Failure, FailureKind, Headers, Request, Response, Timing
from captures.writer import CaptureWriter
from recorder.failures import Broken, connect_failure, failure_of, tls_failure
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
    """Records what passes through ``listeners`` (by mitmproxy's mode specification)."""

    def __init__(
        self,
        writer: CaptureWriter,
        linker: Linker,
        *,
        dependencies: Mapping[str, str],
        max_body: int,
        warn: Callable[[str, str], None],
        now: Callable[[], float] = time.time,
    ) -> None:
        self.listeners: dict[str, Listener] = {}
        self.opaque: Counter[str] = Counter()  # connections that were not HTTP, by destination
        self.untrusted: Counter[str] = Counter()  # connections whose client refused our certificate
        self._writer = writer
        self._linker = linker
        self._dependencies = dependencies
        self._max_body = max_body
        self._warn = warn
        self._now = now
        self._open: dict[str, _Open] = {}  # by flow id
        self._clients: dict[str, set[str]] = {}  # client connection id -> its open flow ids
        self._unreachable: dict[tuple[str, tuple[str, int]], Failure] = {}  # (client, server address) -> why

    # -- what the proxy process asks --------------------------------------------------------------------------------

    def open_count(self, *roles: Role) -> int:
        """How many exchanges have begun and not ended (on listeners of ``roles``; all when none is given)."""
        return sum(not roles or one.listener.role in roles for one in self._open.values())

    def is_busy(self, client: str) -> bool:
        """Whether client connection ``client`` carries an open exchange."""
        return bool(self._clients.get(client))

    def finish(self, reason: str) -> None:
        """Put every exchange that is still open on the tape, as a failure."""
        for one in list(self._open.values()):
            self._fail(one, Failure(FailureKind.ABORTED, reason))

    # -- HTTP --------------------------------------------------------------------------------------------------------

    def requestheaders(self, flow: HTTPFlow) -> None:
        """A request's head has arrived."""
        listener = self.listeners[flow.client_conn.proxy_mode.full_spec]
        headers: Headers = flow.request.data.headers.fields
        notes: dict[str, Any] = {}
        at = time.monotonic()
        identity = self._writer.reserve_id()
        cause = None
        if listener.role is Role.INBOUND:
            self._linker.inbound_started(identity, headers, at)
        else:
            cause = self._linker.cause_of(headers, at)
        if listener.role is Role.DEPENDENCY and listener.target is not None:
            headers = self._address_dependency(flow, listener, notes)
        if flow.request.data.authority and not flow.request.is_http11:
            notes["authority"] = flow.request.authority  # HTTP/2 has it in place of Host
        one = _Open(
            flow, identity, listener, flow.request.timestamp_start, headers,
            Tee(self._max_body), Tee(self._max_body), cause, notes,
        )  # fmt: skip
        self._open[flow.id] = one
        self._clients.setdefault(flow.client_conn.id, set()).add(flow.id)
        flow.metadata[TEE] = one.request
        if _length(headers) > one.request.passes_over or _media_type(headers).startswith(STREAMED_REQUESTS):
            flow.request.stream = one.request
        _drop_h2c_upgrade(flow.request.data.headers)

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
                upstream=self._unreachable.get((flow.client_conn.id, address)),
            )
        )
        self._fail(one, failure)
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

    # -- connections -------------------------------------------------------------------------------------------------

    def tls_clienthello(self, data: ClientHelloData) -> None:
        """Shake hands with the server first, so that its choice of HTTP version is what the client is offered."""
        if data.context.server.tls:
            data.establish_server_tls_first = True

    def server_connected(self, data: server_hooks.ServerConnectionHookData) -> None:
        """A server accepted the connection."""
        if data.server.address:
            self._unreachable.pop((data.client.id, data.server.address[:2]), None)

    def server_connect_error(self, data: server_hooks.ServerConnectionHookData) -> None:
        """A server did not accept the connection."""
        if data.server.address:
            self._unreachable[data.client.id, data.server.address[:2]] = connect_failure(data.server.error or "")

    def tls_failed_server(self, data: TlsData) -> None:
        """A server's TLS handshake failed."""
        if data.conn.address:
            failure = tls_failure(data.conn.error or "")
            self._unreachable[data.context.client.id, data.conn.address[:2]] = failure

    def tls_failed_client(self, data: TlsData) -> None:
        """A client gave up the handshake with us: it does not know our authority."""
        host = data.conn.sni or (data.context.server.address or ("an unknown host",))[0]
        self.untrusted[host] += 1
        if self.untrusted[host] == 1:
            self._warn("untrusted", host)

    def client_disconnected(self, client: Any) -> None:
        """Whatever of the connection is still open will never end by itself (a layer of mitmproxy crashed)."""
        for flow_id in list(self._clients.pop(client.id, ())):
            if flow_id in self._open:
                self._fail(self._open[flow_id], Failure(FailureKind.ABORTED, "the connection ended"))
        for key in [key for key in self._unreachable if key[0] == client.id]:
            del self._unreachable[key]

    def tcp_start(self, flow: TCPFlow) -> None:
        """A connection that is not HTTP passes through; what it says is not recorded."""
        host, port = (flow.server_conn.address or ("an unknown host", 0))[:2]
        where = authority(host, port)
        self.opaque[where] += 1
        if self.opaque[where] == 1:
            self._warn("opaque", where)

    def tcp_message(self, flow: TCPFlow) -> None:
        """mitmproxy would keep the whole connection in memory."""
        flow.messages.clear()

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
                request=_request(one),
                response=_response(one),
                failure=failure,
                timing=Timing(
                    one.started, request.timestamp_end, response.timestamp_start if response else None, ended
                ),
                dependency=self._dependency(one),
                cause=one.cause,
                connection=flow.client_conn.id,
                body_truncated=one.request.truncated or one.response.truncated,
                notes=one.notes,
            )
        )

    def _fail(self, one: _Open, failure: Failure) -> None:
        self._put(one, failure)

    def _dependency(self, one: _Open) -> str | None:
        if one.listener.role is Role.INBOUND:
            return None
        if one.listener.name:
            return one.listener.name
        where = authority(one.flow.request.host.lower(), one.flow.request.port)
        return self._dependencies.get(where, where)

    def _address_dependency(self, flow: HTTPFlow, listener: Listener, notes: dict[str, Any]) -> Headers:
        """Give the request the Host its server knows: the service only knows our listener's address."""
        target = listener.target
        assert target is not None
        default = {"http": 80, "https": 443}[target.scheme]
        host = target.host if target.port == default else authority(target.host, target.port)
        sent = flow.request.host_header
        if sent is not None:
            notes["host"] = sent
        if flow.request.is_http2 or flow.request.is_http3:
            flow.request.authority = host
        else:
            flow.request.data.headers.fields = tuple(
                (name, host.encode("idna") if name.lower() == b"host" else value)
                for name, value in flow.request.data.headers.fields
            )
        return _fields(flow.request.data.headers)


def _request(one: _Open) -> Request:
    request = one.flow.request
    target = one.listener.target
    if target is not None:
        scheme, host, port = target.scheme, target.host, target.port
    else:
        scheme, host, port = request.scheme, request.host.lower(), request.port
    body = request.data.content
    if body is None:
        body = one.request.body()
    return Request(
        method=request.method,
        scheme=scheme,
        host=host,
        port=port,
        target=request.data.path,
        headers=one.headers,
        body=body,
        trailers=_fields(request.data.trailers),
        http_version=request.http_version,
    )


def _response(one: _Open) -> Response | None:
    response = one.flow.response
    if response is None:
        return None
    return Response(
        status=response.status_code,
        headers=response.data.headers.fields,
        body=response.data.content or one.response.body(),
        reason=response.data.reason,
        trailers=_fields(response.data.trailers),
        http_version=response.http_version,
    )


def _fields(headers: MitmHeaders | None) -> Headers:
    fields: Headers = headers.fields if headers else ()
    return fields


def _length(headers: Headers) -> int:
    """The length a request announces; 0 when it announces none (or nonsense: that is for the service to refuse)."""
    for name, value in headers:
        if name.lower() == b"content-length":
            return int(value) if value.isdigit() else 0
    return 0


def _media_type(headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    for name, value in headers:
        if name.lower() == b"content-type":
            return value.lower()
    return b""


def _drop_h2c_upgrade(headers: MitmHeaders) -> None:
    """Keep the server from switching a recorded connection to HTTP/2 (RFC 9113 3.1: the upgrade is obsolete).

    Java's HttpClient offers it on every cleartext connection; ignoring the offer is always allowed.
    """
    if headers.get("upgrade", "").lower() != "h2c":
        return
    for name in ("upgrade", "http2-settings"):
        headers.pop(name, None)
    kept = [
        word.strip()
        for word in headers.get("connection", "").split(",")
        if word.strip().lower() not in ("", "upgrade", "http2-settings")
    ]
    if kept:
        headers["connection"] = ", ".join(kept)
    else:
        headers.pop("connection", None)
