"""HTTP/1 as it is sent.

* Trailers end in ``NotImplementedError`` and a client that hangs (mitmproxy's issue 2474).
* An upstream 1xx is taken for the final response, and the client hangs (its issue 2229). A proxy passes each on
  (RFC 9110 15.2), a 100 that nobody asked for among them; HTTP/1.0 knows none.
* A request that is no HTTP reaches no add-on: it is counted here.
* A Content-Length that is sent twice with one value is refused (RFC 9110 8.6 lets it be taken for one).
* ``Transfer-Encoding : chunked`` is passed on without its body, whose bytes are then taken for requests (RFC 9112 5.1
  and 11.2: such a request is answered with 400).
* ``Connection: Keep-Alive``, as clients of HTTP/1.0 write it, is not understood in capitals (RFC 9110 7.6.1 takes any
  case): such a client is told that its connection stays, and it is closed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import h11
from h11._readers import ChunkedReader
from mitmproxy.http import Headers
from mitmproxy.net.http import http1, status_codes
from mitmproxy.proxy import commands, events
from mitmproxy.proxy.layers import http as http_layers
from mitmproxy.proxy.layers.http import SendHttp
from mitmproxy.proxy.layers.http import _http1 as mitm
from mitmproxy.proxy.layers.http._base import ReceiveHttp
from mitmproxy.proxy.layers.http._events import (
    RequestEndOfMessage,
    RequestTrailers,
    ResponseEndOfMessage,
    ResponseTrailers,
)

from recorder.mends.events import (
    Commands,
    RequestRefusedHook,
    ResponseInformational,
    Wanted,
    nothing,
    relayed,
    remember_informational,
)

LAST_CHUNK = b"0\r\n\r\n"
FRAMING = (b"content-length", b"transfer-encoding")


def wraps() -> list[Wanted]:
    """What is mended here."""
    return [
        (mitm.Http1Client, "read_headers", _pass_informational),
        (mitm.Http1Server, "read_headers", _tell_refused_head),
        (mitm.Http1Connection, "read_body", _read_trailers),
        (mitm.Http1Client, "send", _send_trailers),
        (mitm.Http1Server, "send", _send_informational),
        (mitm.Http1Server, "send", _send_trailers),
        (mitm, "make_body_reader", _keep_trailers),
        (mitm.http1, "expected_http_body_size", _accept_repeated_length),
        (http_layers, "expected_http_body_size", _accept_repeated_length),
        (mitm.http1, "connection_close", _in_any_case),
    ]


class TrailingReader(ChunkedReader):
    """h11's reader of chunked bodies, with the trailers taken off the end event, where mitmproxy trips over them."""

    trailers: tuple[tuple[bytes, bytes], ...] = ()

    def __call__(self, buffer: Any) -> Any:
        event = super().__call__(buffer)
        if isinstance(event, h11.EndOfMessage) and event.headers:
            self.trailers = tuple((bytes(name), bytes(value)) for name, value in event.headers.raw_items())
            return h11.EndOfMessage()
        return event


def _keep_trailers(original: Callable[[int | None], Any]) -> Callable[[int | None], Any]:
    def make_body_reader(expected_size: int | None) -> Any:
        return TrailingReader() if expected_size is None else original(expected_size)

    make_body_reader.mended = True  # type: ignore[attr-defined]
    return make_body_reader


def _read_trailers(original: Callable[..., Commands]) -> Callable[..., Commands]:
    def read_body(self: Any, event: Any) -> Commands:
        if isinstance(self.body_reader, TrailingReader):
            return with_trailers(self, event)
        return original(self, event)

    def with_trailers(self: Any, event: Any) -> Commands:
        def trailers(command: Any) -> Commands:
            reader = self.body_reader
            if isinstance(command, ReceiveHttp) and isinstance(reader, TrailingReader) and reader.trailers:
                found, reader.trailers = Headers(reader.trailers), ()
                if isinstance(command.event, RequestEndOfMessage):
                    yield ReceiveHttp(RequestTrailers(self.stream_id, found))
                elif isinstance(command.event, ResponseEndOfMessage):
                    yield ReceiveHttp(ResponseTrailers(self.stream_id, found))

        return relayed(original(self, event), ahead=trailers)

    return read_body


def _send_trailers(original: Callable[..., Commands]) -> Callable[..., Commands]:
    def send(self: Any, event: Any) -> Commands:
        if isinstance(event, RequestTrailers | ResponseTrailers):
            self.trailers_to_send = bytes(event.trailers)
            return nothing()
        if isinstance(event, RequestEndOfMessage | ResponseEndOfMessage) and getattr(self, "trailers_to_send", None):
            return with_trailers(self, event)
        return original(self, event)

    def with_trailers(self: Any, event: Any) -> Commands:
        trailers, self.trailers_to_send = self.trailers_to_send, b""
        for command in original(self, event):
            if isinstance(command, commands.SendData) and command.data == LAST_CHUNK:
                command = commands.SendData(command.connection, b"0\r\n" + trailers + b"\r\n")
            yield command

    return send


def _accept_repeated_length(original: Callable[..., int | None]) -> Callable[..., int | None]:
    def expected_http_body_size(request: Any, response: Any = None) -> int | None:
        if response is None and any(_is_ambiguous(name) for name, _ in request.headers.fields):
            raise ValueError("there is a blank before the colon of a header that says how long the body is")
        try:
            return original(request, response)
        except ValueError:
            message = response or request
            lengths = message.headers.get_all("content-length")
            if len(lengths) < 2 or len(set(lengths)) > 1:
                raise
            single = message.copy()
            single.headers["content-length"] = lengths[0]
            return original(request, single) if response else original(single)

    return expected_http_body_size


def _in_any_case(original: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    def connection_close(http_version: Any, headers: Any) -> bool:
        said = headers.get("connection", "")
        return original(http_version, Headers(connection=said.lower()) if said != said.lower() else headers)

    return connection_close


def _is_ambiguous(name: bytes) -> bool:
    """Whether servers differ on what a header called ``name`` means: for some it says where the body ends."""
    bare = name.rstrip(b" \t")
    return bare != name and bare.lower() in FRAMING


def _tell_refused_head(original: Callable[..., Commands]) -> Callable[..., Commands]:
    """A head that is not HTTP. One that could be read, but not its body's length, becomes a flow that fails."""

    def read_headers(self: Any, event: Any) -> Commands:
        for command in original(self, event):
            yield command
            if (
                isinstance(command, commands.SendData)
                and command.data.startswith(b"HTTP/1.1 400 ")
                and not self.request
            ):
                yield RequestRefusedHook(self.conn)

    return read_headers


def _pass_informational(original: Callable[..., Commands]) -> Callable[..., Commands]:
    def read_headers(self: Any, event: Any) -> Commands:
        if isinstance(event, events.DataReceived) and self.request is not None:
            while _informational(bytes(self.buf)[:12]):
                head = self.buf.maybe_extract_lines()
                if head is None:
                    return
                lines = [bytes(line) for line in head]
                try:
                    response = http1.read_response_head(lines)
                except ValueError:
                    continue  # no response follows from a head that cannot be read, and none is missed
                remember_informational(self, self.stream_id, response)
                raw = b"\r\n".join(lines) + b"\r\n\r\n"
                yield SendHttp(ResponseInformational(self.stream_id, response, raw), self.context.client)
        yield from original(self, event)

    return read_headers


def _informational(begun: bytes) -> bool:
    """Whether a response whose status line is ``begun`` is an informational one."""
    status = begun[9:12]
    return begun.startswith(b"HTTP/1.") and len(status) == 3 and status.startswith(b"1") and status != b"101"


def _send_informational(original: Callable[..., Commands]) -> Callable[..., Commands]:
    def send(self: Any, event: Any) -> Commands:
        return informational(self, event) if isinstance(event, ResponseInformational) else original(self, event)

    def informational(self: Any, event: ResponseInformational) -> Commands:
        if self.request is None or not self.request.is_http11:
            return
        raw = event.raw
        if not raw:  # it came as HTTP/2
            response = event.response.copy()
            response.http_version = "HTTP/1.1"
            response.reason = status_codes.RESPONSES.get(response.status_code, "")
            raw = http1.assemble_response_head(response)
        yield commands.SendData(self.conn, raw)

    return send
