"""Requests that are passed on while they come, and kept whole although their server is down.

A body that announces no length may be one side of a conversation (a bidirectional stream, an upload that is answered as
it comes), so it is not held back. mitmproxy drops the rest of a request that it cannot pass on; here the little that
most clients have sent by then is taken first, within :data:`PATIENCE`, and the client hears of the failure after it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from mitmproxy.proxy import commands, events
from mitmproxy.proxy.layers.http import GetHttpConnection, HttpStream
from mitmproxy.proxy.layers.http._events import (
    RequestData,
    RequestEndOfMessage,
    RequestProtocolError,
    RequestTrailers,
)

from recorder.mends.events import Commands, Wanted, relayed
from recorder.messages import announced_length, fields
from recorder.tape import COMING, TEE
from recorder.tee import BUFFERED

PATIENCE = 0.2
"""Seconds that the end of a request is waited for when its server is down: a client may first wait for an answer."""


class Patience(commands.RequestWakeup):  # type: ignore[misc]
    """Asks to be told when the end of a request has been waited for long enough."""


def wraps() -> list[Wanted]:
    """What is mended here."""
    return [
        (HttpStream, "start_request_stream", _take_rest),
        (HttpStream, "make_server_connection", _remember_failure),
        (HttpStream, "_handle_event", _with_rest),
    ]


def _take_rest(original: Callable[..., Commands]) -> Callable[..., Commands]:
    def start_request_stream(self: Any) -> Commands:
        headers = fields(self.flow.request.data.headers)
        expects = any(name.lower() == b"expect" for name, _ in headers)  # its client sends nothing before an answer
        if TEE not in self.flow.metadata or expects or announced_length(headers) > BUFFERED:
            return original(self)
        return starting(self)

    def starting(self: Any) -> Commands:
        self.upload_fails = None  # its failure is to be put off
        # Until the server has answered the connection, or not, mitmproxy puts by what comes.
        self.flow.metadata[COMING] = lambda: [
            event.data for event in self._paused_event_queue if isinstance(event, RequestData)
        ]
        yield from original(self)
        self.flow.metadata.pop(COMING, None)
        if self.upload_fails is None:
            self.upload_fails = ()
        else:
            self.client_state = _rest
            yield Patience(PATIENCE)

    return start_request_stream


def _remember_failure(original: Callable[..., Commands]) -> Callable[..., Commands]:
    def make_server_connection(self: Any) -> Commands:
        return making(self) if getattr(self, "upload_fails", ()) is None else original(self)

    def making(self: Any) -> Commands:
        inner = original(self)
        reply = None
        while True:
            try:
                command = inner.send(reply)
            except StopIteration as stop:
                return stop.value
            reply = yield command
            if isinstance(command, GetHttpConnection) and reply[1]:
                self.upload_fails = relayed(inner, reply)
                return False

    return make_server_connection


def _with_rest(original: Callable[..., Commands]) -> Callable[..., Commands]:
    def _handle_event(self: Any, event: Any) -> Commands:
        if isinstance(event, events.Wakeup) and isinstance(event.command, Patience):
            return _fail(self)
        if self.client_state is not _rest:
            return original(self, event)
        return taking(self, event)

    def taking(self: Any, event: Any) -> Commands:
        if isinstance(event, RequestData):
            tee = self.flow.metadata[TEE]
            tee(event.data)
            if tee.size > BUFFERED:
                yield from _fail(self)
        elif isinstance(event, RequestTrailers):
            self.flow.request.trailers = event.trailers
        elif isinstance(event, RequestEndOfMessage):
            self.flow.metadata[TEE](b"")
            self.flow.request.timestamp_end = time.time()
            yield from _fail(self)
        elif isinstance(event, RequestProtocolError):
            self.client_state = self.state_consume_request_body
            yield from original(self, event)
            self.client_state = self.state_errored
        else:
            yield from original(self, event)

    return _handle_event


def _rest(event: Any) -> Commands:
    """A ``client_state``: the request goes nowhere, and what comes of it is kept. Its events are taken before."""
    yield from ()


def _fail(stream: Any) -> Commands:
    """Tell the client now that the server is down, if that is still to be told."""
    if stream.client_state is _rest:
        stream.client_state = stream.state_done
        yield from stream.upload_fails
