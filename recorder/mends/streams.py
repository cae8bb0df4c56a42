"""One request and its response, between the client's connection and the server's.

* A body that turns out large while it is read is passed through uncopied.
* Of an upload that breaks off, what had come is lost.
* A request that leads nowhere reaches no add-on: it is counted here.
* ``Expect: 100-continue`` is answered by the proxy and taken out; it is for the server to say (RFC 9110 10.1.1). Such a
  request is passed on at once, and its body as it comes.
* The end of a response that is complete before its request is held back until the request is.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mitmproxy.proxy.layers.http import HttpStream, SendHttp
from mitmproxy.proxy.layers.http._events import (
    RequestData,
    RequestProtocolError,
    ResponseEndOfMessage,
    ResponseProtocolError,
)
from mitmproxy.proxy.layers.http._hooks import HttpRequestHeadersHook

from recorder.mends.events import Commands, RequestRefusedHook, Wanted, relayed
from recorder.tape import TEE


def wraps() -> list[Wanted]:
    """What is mended here."""
    return [
        (HttpStream, "state_wait_for_request_headers", _tell_refused_request),
        (HttpStream, "state_wait_for_request_headers", _pass_expectation),
        (HttpStream, "check_body_size", _check_large_requests),
        (HttpStream, "start_request_stream", _copy_late_stream),
        (HttpStream, "send_response", _end_early_response),
        (HttpStream, "flow_done", _end_once),
        (HttpStream, "handle_protocol_error", _keep_partial_upload),
        (HttpStream, "check_killed", _keep_partial_upload),
    ]


def _tell_refused_request(original: Callable[..., Commands]) -> Callable[..., Commands]:
    """A request that leads nowhere, for example one without a host on the forward proxy."""

    def state_wait_for_request_headers(self: Any, event: Any) -> Commands:
        told = False

        def refused(command: Any) -> Commands:
            nonlocal told
            if not told and isinstance(getattr(command, "event", None), ResponseProtocolError):
                told = True
                yield RequestRefusedHook(self.context.client)
            told = told or isinstance(command, HttpRequestHeadersHook)

        return relayed(original(self, event), ahead=refused)

    return state_wait_for_request_headers


def _pass_expectation(original: Callable[..., Commands]) -> Callable[..., Commands]:
    def state_wait_for_request_headers(self: Any, event: Any) -> Commands:
        if event.request.headers.get("expect", "").lower() != "100-continue":
            return original(self, event)
        return expecting(self, event)

    def expecting(self: Any, event: Any) -> Commands:
        def hide(command: Any) -> None:
            if isinstance(command, HttpRequestHeadersHook):
                # Out of mitmproxy's sight, which would answer it; it is back before anything is sent.
                request = self.flow.request
                self.expectation = request.headers.fields
                del request.headers["expect"]
                if TEE in self.flow.metadata:
                    request.stream = self.flow.metadata[TEE]

        done = yield from relayed(original(self, event), behind=hide)
        restore_expectation(self)
        return done

    return state_wait_for_request_headers


def restore_expectation(stream: Any) -> None:
    """Put back the Expect header that was hidden."""
    if getattr(stream, "expectation", None) is not None:
        stream.flow.request.headers.fields, stream.expectation = stream.expectation, None


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
        restore_expectation(self)
        if self.flow.request.stream is True and TEE in self.flow.metadata:
            self.flow.request.stream = self.flow.metadata[TEE]
        yield from original(self)

    return start_request_stream


def _end_early_response(original: Callable[..., Commands]) -> Callable[..., Commands]:
    def send_response(self: Any, already_streamed: bool = False) -> Commands:
        yield from original(self, already_streamed)
        early = self.client_state == self.state_stream_request_body and self.server_state == self.state_done
        if early and self.flow.response.status_code != 101:
            self.response_ended = True
            yield SendHttp(ResponseEndOfMessage(self.stream_id), self.context.client)

    return send_response


def _end_once(original: Callable[..., Commands]) -> Callable[..., Commands]:
    def flow_done(self: Any) -> Commands:
        if not getattr(self, "response_ended", False):
            return original(self)
        return ended(self)

    def ended(self: Any) -> Commands:
        for command in original(self):
            if not (isinstance(command, SendHttp) and isinstance(command.event, ResponseEndOfMessage)):
                yield command

    return flow_done


def _keep_partial_upload(original: Callable[..., Commands]) -> Callable[..., Commands]:
    def ending(self: Any, argument: Any) -> Commands:
        flow = getattr(self, "flow", None)
        if flow is not None and flow.request.data.content is None:
            waiting = list(self._paused_event_queue)  # what came while a hook was running
            if any(isinstance(event, RequestProtocolError) for event in [argument, *waiting]):
                parts = [event.data for event in waiting if isinstance(event, RequestData)]
                if not flow.request.stream:
                    flow.request.data.content = bytes(self.request_body_buf) + b"".join(parts)
                elif callable(flow.request.stream) and self.client_state == self.state_wait_for_request_headers:
                    flow.request.stream(b"".join(parts))  # it will not be begun
        return (yield from original(self, argument))

    return ending
