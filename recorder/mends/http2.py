"""HTTP/2 as it is sent.

* An upstream 1xx is swallowed; a proxy passes it on (RFC 9110 15.2).
* A server's RST_STREAM reaches the client with another error code, so that it does not try again what it may
  (REFUSED_STREAM), and is said to be the client's. It is passed on as it came (RFC 9113 7).
* GOAWAY without an error ends every stream at once, although those under way go on (RFC 9113 6.8; nginx sends it
  after ``keepalive_requests``, gRPC servers after a connection's age). It is passed on, the streams under way end by
  themselves, and new ones the server would not take are refused.
* A connection to the server that breaks becomes an error of each stream; without the recorder the client's own
  connection would have ended, which gRPC and others take for a reason to try again. It ends now as well.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import h2.errors
import h2.events
from hyperframe.frame import GoAwayFrame
from mitmproxy.http import Response
from mitmproxy.proxy import commands
from mitmproxy.proxy.layers.http import HttpStream, SendHttp
from mitmproxy.proxy.layers.http import _http2 as mitm
from mitmproxy.proxy.layers.http._base import HttpEvent, ReceiveHttp
from mitmproxy.proxy.layers.http._events import RequestProtocolError, ResponseProtocolError
from mitmproxy.proxy.layers.http._http_h2 import BufferedH2Connection

from recorder.mends.ended_streams import last_taken
from recorder.mends.events import (
    Commands,
    ResponseInformational,
    Wanted,
    nothing,
    relayed,
    remember_informational,
)

NO_ERROR = h2.errors.ErrorCodes.NO_ERROR
REFUSED = h2.errors.ErrorCodes.REFUSED_STREAM
FIRST_NOTICE = 2**31 - 1  # last stream of a GOAWAY that only announces another one


def wraps() -> list[Wanted]:
    """What is mended here."""
    return [
        (mitm.Http2Client, "handle_h2_event", _receive_from_server),
        (mitm.Http2Server, "handle_h2_event", _receive_from_client),
        (mitm.Http2Server, "_handle_event", _send_to_client),
        (mitm.Http2Server, "close_connection", _say_who_left),
        (mitm.Http2Connection, "_handle_event", _send_reset),
        (HttpStream, "handle_protocol_error", _keep_error_code),
        (BufferedH2Connection, "_receive_goaway_frame", _go_on_after_goaway),
    ]


@dataclass
class GoAway(HttpEvent):  # type: ignore[misc]
    """A server wants no more streams on its connection. ``stream_id``: the last one of the client's it will answer."""

    code: int = 0
    more: bytes = b""


@dataclass(frozen=True, slots=True)
class Leaving:
    """In place of h2's ``ConnectionTerminated``, which it thinks is the end: GOAWAY without an error."""

    last_stream_id: int
    more: bytes


def _go_on_after_goaway(original: Callable[..., Any]) -> Callable[..., Any]:
    def receive_goaway_frame(self: Any, frame: Any) -> Any:
        if frame.error_code == NO_ERROR:
            return [], [Leaving(frame.last_stream_id, frame.additional_data or b"")]
        return original(self, frame)

    return receive_goaway_frame


# -- from the server -------------------------------------------------------------------------------------------------


def _receive_from_server(original: Callable[..., Commands]) -> Callable[..., Commands]:
    def handle_h2_event(self: Any, event: Any) -> Commands:
        if isinstance(event, h2.events.InformationalResponseReceived):
            return _informational(self, event)
        if isinstance(event, h2.events.StreamReset):
            return _reset(self, event, "server")
        if isinstance(event, Leaving):
            return _leaving(self, event)
        if isinstance(event, h2.events.ConnectionTerminated):
            return broken(self, event)
        return original(self, event)

    def broken(self: Any, event: Any) -> Commands:
        if self.context.client.alpn == b"h2":
            last = last_taken(self, event.last_stream_id)
            more = event.additional_data or b""
            yield SendHttp(GoAway(last, int(event.error_code), more), self.context.client)
        return (yield from original(self, event))

    return handle_h2_event


def _informational(self: Any, event: Any) -> Commands:
    status, headers = mitm.parse_h2_response_headers(event.headers)
    stream_id = self.their_stream_id[event.stream_id]
    response = Response(b"HTTP/2.0", status, b"", headers, None, None, 0.0, None)
    remember_informational(self, stream_id, response)
    yield SendHttp(ResponseInformational(stream_id, response), self.context.client)
    return False


def _reset(self: Any, event: Any, by: str) -> Commands:
    if self.streams.pop(event.stream_id, None) is not None:
        known = {int(code): code.name for code in h2.errors.ErrorCodes}
        name = known.get(int(event.error_code), str(event.error_code))
        kind = self.ReceiveProtocolError
        error = kind(event.stream_id, f"stream reset by {by} ({name})", kind.code)
        error.h2_code = int(event.error_code)
        yield ReceiveHttp(error)
    return False


def _leaving(self: Any, event: Leaving) -> Commands:
    """The server answers what it has begun, and nothing that is newer."""
    for ours in [ours for ours in self.streams if ours > event.last_stream_id]:
        del self.streams[ours]
        error = ResponseProtocolError(ours, "stream not taken by server", ResponseProtocolError.code)
        error.h2_code = int(REFUSED)
        yield ReceiveHttp(error)
    if self.context.client.alpn == b"h2":
        last = event.last_stream_id
        last = FIRST_NOTICE if last == FIRST_NOTICE else last_taken(self, last)
        yield SendHttp(GoAway(last, int(NO_ERROR), event.more), self.context.client)
    return False


# -- from and to the client ------------------------------------------------------------------------------------------


def _receive_from_client(original: Callable[..., Commands]) -> Callable[..., Commands]:
    def handle_h2_event(self: Any, event: Any) -> Commands:
        if isinstance(event, h2.events.RequestReceived) and event.stream_id > getattr(
            self, "last_stream", FIRST_NOTICE
        ):
            return refuse(self, event)
        if isinstance(event, h2.events.StreamReset):
            return _reset(self, event, "client")
        if isinstance(event, Leaving):
            return nothing()  # it still wants what it has asked for, then it closes
        return original(self, event)

    def refuse(self: Any, event: Any) -> Commands:
        self.h2_conn.reset_stream(event.stream_id, REFUSED)
        yield from ()
        return False

    return handle_h2_event


def _say_who_left(original: Callable[..., Commands]) -> Callable[..., Commands]:
    """mitmproxy says the same of both sides: of a client that leaves, that its peer closed the connection."""

    def close_connection(self: Any, message: str) -> Commands:
        left = message.startswith(("peer closed", "HTTP/2 connection closed"))
        return original(self, "Client disconnected." if left else message)

    return close_connection


def _send_to_client(original: Callable[..., Commands]) -> Callable[..., Commands]:
    def handle_event(self: Any, event: Any) -> Commands:
        if isinstance(event, HttpEvent) and getattr(self, "closing", False):
            return nothing()  # nobody is there to read it
        if isinstance(event, ResponseInformational):
            return informational(self, event)
        if isinstance(event, GoAway):
            return go_away(self, event)
        if isinstance(event, ResponseProtocolError) and _server_is_gone(event):
            return close(self)
        return original(self, event)

    def informational(self: Any, event: ResponseInformational) -> Commands:
        if self.is_open_for_us(event.stream_id):
            headers = [
                (b":status", b"%d" % event.response.status_code),
                *[(name.lower(), value) for name, value in event.response.headers.fields],
            ]
            self.h2_conn.send_headers(event.stream_id, headers)
            yield commands.SendData(self.conn, self.h2_conn.data_to_send())

    def go_away(self: Any, event: GoAway) -> Commands:
        self.last_stream = event.stream_id
        frame = GoAwayFrame(0, last_stream_id=event.stream_id, error_code=event.code, additional_data=event.more)
        yield commands.SendData(self.conn, self.h2_conn.data_to_send() + frame.serialize())

    def close(self: Any) -> Commands:
        self.closing = True
        yield commands.CloseConnection(self.conn)

    return handle_event


def _server_is_gone(event: Any) -> bool:
    """Whether the connection itself broke, or could not be made, and not only one stream of it."""
    return getattr(event, "h2_code", None) is None and getattr(event, "of_connection", False)


def _send_reset(original: Callable[..., Commands]) -> Callable[..., Commands]:
    def handle_event(self: Any, event: Any) -> Commands:
        if isinstance(event, RequestProtocolError | ResponseProtocolError) and hasattr(event, "h2_code"):
            return reset(self, event)
        return original(self, event)

    def reset(self: Any, event: Any) -> Commands:
        if not self.is_closed(event.stream_id):
            self.h2_conn.reset_stream(event.stream_id, event.h2_code)
            yield commands.SendData(self.conn, self.h2_conn.data_to_send())

    return handle_event


def _keep_error_code(original: Callable[..., Commands]) -> Callable[..., Commands]:
    """An add-on that kills a flow, as ours does with broken ones, must not make another error of it."""

    def handle_protocol_error(self: Any, event: Any) -> Commands:
        code = getattr(event, "h2_code", None)
        of_connection = (
            isinstance(event, ResponseProtocolError) and code is None and self.context.server.alpn in (b"h2", None)
        )

        def marked(command: Any) -> Commands:
            if isinstance(command, SendHttp) and isinstance(command.event, type(event) | ResponseProtocolError):
                if code is not None:
                    command.event.h2_code = code
                command.event.of_connection = of_connection
            yield from ()

        return relayed(original(self, event), ahead=marked)

    return handle_protocol_error
