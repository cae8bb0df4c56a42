"""What the mends tell each other and the add-ons."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass
from typing import Any

from mitmproxy.connection import Client
from mitmproxy.http import Response
from mitmproxy.proxy import commands
from mitmproxy.proxy.layers.http import HttpLayer
from mitmproxy.proxy.layers.http._base import HttpEvent

from recorder.tape import INFORMATIONAL

Commands = Generator[Any, Any, Any]
Wrap = Callable[[Callable[..., Any]], Callable[..., Any]]
Wanted = tuple[Any, str, Wrap]
"""An owner, the name of what it owns, and what is put around it."""


def nothing() -> Commands:
    """No command. A generator: mitmproxy sends into what a layer's handler returns."""
    yield from ()


def _none(command: Any) -> Iterable[Any]:
    """What is done beside ``command``."""
    return ()


def relayed(
    inner: Commands,
    reply: Any = None,
    *,
    ahead: Callable[[Any], Iterable[Any]] = _none,
    behind: Callable[[Any], object] = _none,
) -> Commands:
    """The commands of ``inner``, which waits for ``reply``; ahead of each those that ``ahead`` gives for it.

    ``behind`` hears of each command when it has been answered.
    """
    while True:
        try:
            command = inner.send(reply)
        except StopIteration as stop:
            return stop.value
        yield from ahead(command)
        reply = yield command
        behind(command)


@dataclass
class RequestRefusedHook(commands.StartHook):  # type: ignore[misc]
    """Calls ``request_refused(client)`` of the add-ons: a request was answered with 400 before it became a flow."""

    client: Client
    blocking = False


@dataclass
class ResponseInformational(HttpEvent):  # type: ignore[misc]
    """A 1xx response other than 101 (RFC 9110 15.2): any number of them may come before the response."""

    response: Response
    raw: bytes = b""  # its head as HTTP/1 has it, where it came as that


def remember_informational(layer: Any, stream_id: int, response: Response) -> None:
    """Keep a 1xx response with the flow of ``stream_id``, which is the client's number of it.

    Values may be secrets, and notes are not searched for those: the names of its headers are kept.
    """
    for one in layer.context.layers:
        stream = one.streams.get(stream_id) if isinstance(one, HttpLayer) else None
        if stream is not None:
            names = [name.decode("latin-1") for name, _ in response.headers.fields]
            stream.flow.metadata.setdefault(INFORMATIONAL, []).append([response.status_code, names])
