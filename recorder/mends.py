"""What stock mitmproxy breaks in a service's real path, mended at run time.

Each was reproduced on 11.0.2 and 12.2.3, and each has a test that runs on whichever is installed:

* HTTP/1 trailers end in ``NotImplementedError`` and a client that hangs (its issue 2474).
* An upstream 1xx over HTTP/1 is taken for the final response, and the client hangs (its issue 2229). Informational
  responses are passed on (RFC 9110 15.2), except 100, which mitmproxy has already sent itself.
* A body that turns out large while it is read is passed through uncopied.
* Of an upload that breaks off, what had come is lost.
* A request it refuses itself (no HTTP, no destination) reaches no add-on: it is counted here.
* A Content-Length that is sent twice with one value is refused (RFC 9110 8.6 lets it be taken for one).
* Idle client connections are cut after ten minutes (an option only since 12.2.1).

The mends wrap methods that are private to mitmproxy; :func:`mend` refuses a version that lacks one of them.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any

import h11
from h11._readers import ChunkedReader
from mitmproxy import version
from mitmproxy.connection import Client
from mitmproxy.http import Headers
from mitmproxy.proxy import commands, events, server
from mitmproxy.proxy.layers import http as http_layers
from mitmproxy.proxy.layers.http import _http1
from mitmproxy.proxy.layers.http._base import ReceiveHttp
from mitmproxy.proxy.layers.http._events import (
    RequestData,
    RequestEndOfMessage,
    RequestProtocolError,
    RequestTrailers,
    ResponseEndOfMessage,
    ResponseProtocolError,
    ResponseTrailers,
)
from mitmproxy.proxy.layers.http._hooks import HttpRequestHeadersHook

from captures.errors import UsageError
from recorder.master import IDLE
from recorder.tape import TEE

Commands = Generator[Any, Any, Any]
LAST_CHUNK = b"0\r\n\r\n"


@dataclass
class RequestRefusedHook(commands.StartHook):  # type: ignore[misc]
    """Calls ``request_refused(client)`` of the add-ons: a request was answered with 400 before it became a flow."""

    client: Client
    blocking = False


def mend() -> None:
    """Apply every mend, once per process.

    Raises :class:`UsageError` when this mitmproxy is not one the mends were made for.
    """
    wanted = (
        (_http1.Http1Client, "read_headers", _skip_informational),
        (_http1.Http1Server, "read_headers", _tell_refused_head),
        (http_layers.HttpStream, "state_wait_for_request_headers", _tell_refused_request),
        (_http1.Http1Connection, "read_body", _read_trailers),
        (_http1.Http1Client, "send", _send_trailers),
        (_http1.Http1Server, "send", _send_trailers),
        (http_layers.HttpStream, "check_body_size", _check_large_requests),
        (http_layers.HttpStream, "start_request_stream", _copy_late_stream),
        (http_layers.HttpStream, "handle_protocol_error", _keep_partial_upload),
        (http_layers.HttpStream, "check_killed", _keep_partial_upload),
    )
    if not hasattr(_http1, "make_body_reader") or any(not hasattr(owner, name) for owner, name, _ in wanted):
        raise UsageError(
            f"mitmproxy {version.VERSION} is not one the recorder knows.",
            hint="Install one it was tested with: pip install 'retape[record]'.",
        )
    if getattr(_http1.make_body_reader, "mended", False):
        return
    for owner, name, wrap in wanted:
        setattr(owner, name, wrap(getattr(owner, name)))
    _http1.make_body_reader = _keep_trailers(_http1.make_body_reader)
    for owner in (_http1.http1, http_layers):
        owner.expected_http_body_size = _accept_repeated_length(owner.expected_http_body_size)
    if hasattr(server, "TCP_TIMEOUT"):
        server.TCP_TIMEOUT = IDLE


class _TrailingReader(ChunkedReader):
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
        return _TrailingReader() if expected_size is None else original(expected_size)

    make_body_reader.mended = True  # type: ignore[attr-defined]
    return make_body_reader


def _read_trailers(original: Callable[..., Commands]) -> Callable[..., Commands]:
    def read_body(self: Any, event: Any) -> Commands:
        inner = original(self, event)
        reply = None
        while True:
            try:
                command = inner.send(reply)
            except StopIteration as stop:
                return stop.value
            reader = self.body_reader
            if isinstance(command, ReceiveHttp) and isinstance(reader, _TrailingReader) and reader.trailers:
                found, reader.trailers = Headers(reader.trailers), ()
                if isinstance(command.event, RequestEndOfMessage):
                    yield ReceiveHttp(RequestTrailers(self.stream_id, found))
                elif isinstance(command.event, ResponseEndOfMessage):
                    yield ReceiveHttp(ResponseTrailers(self.stream_id, found))
            reply = yield command

    return read_body


def _send_trailers(original: Callable[..., Commands]) -> Callable[..., Commands]:
    def send(self: Any, event: Any) -> Commands:
        if isinstance(event, RequestTrailers | ResponseTrailers):
            self.trailers_to_send = bytes(event.trailers)
            return
        ending = isinstance(event, RequestEndOfMessage | ResponseEndOfMessage)
        trailers = getattr(self, "trailers_to_send", b"") if ending else b""
        if trailers:
            self.trailers_to_send = b""
        for command in original(self, event):
            if trailers and isinstance(command, commands.SendData) and command.data == LAST_CHUNK:
                command = commands.SendData(command.connection, b"0\r\n" + trailers + b"\r\n")
            yield command

    return send


def _accept_repeated_length(original: Callable[..., int | None]) -> Callable[..., int | None]:
    def expected_http_body_size(request: Any, response: Any = None) -> int | None:
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


def _tell_refused_request(original: Callable[..., Commands]) -> Callable[..., Commands]:
    """A request that leads nowhere, for example one without a host on the forward proxy."""

    def state_wait_for_request_headers(self: Any, event: Any) -> Commands:
        inner = original(self, event)
        told = False
        reply = None
        while True:
            try:
                command = inner.send(reply)
            except StopIteration as stop:
                return stop.value
            if not told and isinstance(getattr(command, "event", None), ResponseProtocolError):
                told = True
                yield RequestRefusedHook(self.context.client)
            told = told or isinstance(command, HttpRequestHeadersHook)
            reply = yield command

    return state_wait_for_request_headers


def _skip_informational(original: Callable[..., Commands]) -> Callable[..., Commands]:
    def read_headers(self: Any, event: Any) -> Commands:
        if isinstance(event, events.DataReceived) and self.request is not None:
            while (status := _informational(bytes(self.buf)[:12])) is not None:
                head = self.buf.maybe_extract_lines()
                if head is None:
                    return
                if status != b"100" and self.request.is_http11 and self.context.client.alpn != b"h2":
                    raw = b"\r\n".join(bytes(line) for line in head) + b"\r\n\r\n"
                    yield commands.SendData(self.context.client, raw)
        yield from original(self, event)

    return read_headers


def _informational(begun: bytes) -> bytes | None:
    """The status of an informational response whose status line is ``begun``; None for any other."""
    status = begun[9:12]
    if begun.startswith(b"HTTP/1.") and len(status) == 3 and status.startswith(b"1") and status != b"101":
        return status
    return None


def _check_large_requests(original: Callable[..., Commands]) -> Callable[..., Commands]:
    """mitmproxy weighs every body on arrival of every piece; only a request without a length needs that."""

    def check_body_size(self: Any, request: bool) -> Commands:
        buffered = len(self.request_body_buf) if request else 0
        if buffered and TEE in self.flow.metadata and buffered > self.flow.metadata[TEE].passes_over:
            return (yield from original(self, request))
        return False

    return check_body_size


def _copy_late_stream(original: Callable[..., Commands]) -> Callable[..., Commands]:
    def start_request_stream(self: Any) -> Commands:
        if self.flow.request.stream is True and TEE in self.flow.metadata:
            self.flow.request.stream = self.flow.metadata[TEE]
        yield from original(self)

    return start_request_stream


def _keep_partial_upload(original: Callable[..., Commands]) -> Callable[..., Commands]:
    def ending(self: Any, argument: Any) -> Commands:
        flow = getattr(self, "flow", None)
        if flow is not None and flow.request.data.content is None and not flow.request.stream:
            waiting = list(self._paused_event_queue)  # what came while a hook was running
            if any(isinstance(event, RequestProtocolError) for event in [argument, *waiting]):
                parts = [event.data for event in waiting if isinstance(event, RequestData)]
                flow.request.data.content = bytes(self.request_body_buf) + b"".join(parts)
        return (yield from original(self, argument))

    return ending
