"""mitmproxy's flow files as exchanges, and exchanges as a flow file, by mitmproxy's own reader and writer.

They keep nearly everything: header lines, encoded bodies, trailers, failures. Which exchange caused a call, the names
of dependencies and what a body lost are ours, and stand in a flow's comment for people.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import IO, Any

from mitmproxy import connection, exceptions, flow, http, websocket
from mitmproxy.io import FlowReader, FlowWriter
from mitmproxy.proxy.mode_specs import ProxyMode
from wsproto.frame_protocol import Opcode

from captures.archives.entries import Broken, Entry, Losses
from captures.columns import LATEST
from captures.errors import UsageError
from captures.model import Direction, Exchange, Failure, Headers, Message, Timing, authority
from recorder.failures import Broken as BrokenExchange
from recorder.failures import failure_of
from recorder.messages import fields, request_of, response_of
from recorder.tee import Tee

REVERSE = "reverse"
OPCODES = {"text": Opcode.TEXT, "binary": Opcode.BINARY}


class FlowFile:
    """A file that ``mitmdump -w`` wrote, or mitmproxy's or mitmweb's saving."""

    format = "mitmproxy"
    creator = "mitmproxy"

    def __init__(self, path: Path) -> None:
        """Raises :class:`UsageError` when it cannot be opened."""
        self._path = path
        try:
            path.open("rb").close()
        except OSError as error:
            raise UsageError(f"{path} cannot be read: {error.strerror}.") from error

    def entries(self, losses: Losses) -> Iterator[Entry]:
        """As of :class:`captures.archives.entries.Archive`."""
        with self._path.open("rb") as file:
            flows = FlowReader(file).stream()
            number = 0
            while True:
                try:
                    found = next(flows, None)
                except (exceptions.FlowReadException, ValueError, TypeError, KeyError, RecursionError) as error:
                    newer = "newer version" in str(error) or "cannot read files" in str(error)
                    what = "was written by a newer mitmproxy" if newer else "is damaged or cut off"
                    raise Broken(f"{what} after {number:,} flow{'' if number == 1 else 's'}") from error
                if found is None:
                    return
                number += 1
                if not isinstance(found, http.HTTPFlow):
                    losses.note("left out: a connection that is not HTTP")
                elif found.request.method == "CONNECT":
                    losses.note("left out: the opening of a tunnel (CONNECT)")
                else:
                    yield _entry(found, losses)


def _entry(found: http.HTTPFlow, losses: Losses) -> Entry:
    request, response = found.request, found.response
    whole = request.data.content is not None and (response is None or response.data.content is not None)
    if not whole:
        losses.note("a body that was streamed and is not in the file")
    notes: dict[str, Any] = {}
    messages: tuple[Message, ...] = ()
    if request.data.authority and not request.is_http11:
        notes["authority"] = request.authority
    if found.websocket is not None:
        notes["websocket"] = len(found.websocket.messages)
        messages = tuple(
            Message(0, number, one.from_client, one.type.name.lower(), _moment(one.timestamp) or 0.0, one.content)
            for number, one in enumerate(found.websocket.messages, 1)
        )
    failure = None
    if found.error is not None:
        failure = failure_of(
            BrokenExchange(
                found.error.msg,
                request_complete=request.timestamp_end is not None,
                response_started=response is not None,
            )
        )
    reverse = found.client_conn.proxy_mode.type_name == REVERSE
    return Entry(
        Exchange(
            id=0,
            direction=Direction.INBOUND if reverse else Direction.OUTBOUND,
            request=request_of(request, None, fields(request.data.headers), Tee(0)),
            response=response_of(response, Tee(0)),
            failure=failure,
            timing=_timing(found),
            connection=found.client_conn.id,
            body_truncated=not whole,
            notes=notes,
        ),
        Direction.INBOUND if reverse else Direction.OUTBOUND,
        messages,
    )


def _timing(found: http.HTTPFlow) -> Timing:
    request, response = found.request, found.response
    started = _moment(request.timestamp_start) or 0.0
    last = response.timestamp_end if response else found.error.timestamp if found.error else None
    return Timing(
        started,
        _moment(request.timestamp_end),
        _moment(response.timestamp_start) if response else None,
        _moment(last),
    )


def _moment(seconds: float | None) -> float | None:
    return seconds if seconds is not None and 0 <= seconds < LATEST else None


def write(
    exchanges: Iterable[Exchange], messages: Callable[[int], Iterable[Message]], file: IO[bytes], losses: Losses
) -> int:
    """Write ``exchanges`` as flows; how many. ``messages`` gives those of an exchange.

    What the format has no place for goes to ``losses``.
    """
    writer = FlowWriter(file)
    count = 0
    for exchange in exchanges:
        writer.add(_flow(exchange, messages(exchange.id), losses))
        count += 1
    return count


def _flow(exchange: Exchange, messages: Iterable[Message], losses: Losses) -> flow.Flow:
    request, response, timing = exchange.request, exchange.response, exchange.timing
    # Of a client only whether it is the same one is told: by its id.
    client = connection.Client(
        peername=("127.0.0.1", 0),
        sockname=("127.0.0.1", 0),
        timestamp_start=timing.started,
        proxy_mode=_mode(exchange),
    )
    if exchange.connection:
        client.id = exchange.connection
    server = connection.Server(address=(request.host, request.port))
    made = http.HTTPFlow(client, server)
    made.id = f"retape-{exchange.id}"
    made.request = http.Request(
        host=request.host,
        port=request.port,
        method=request.method.encode("latin-1"),
        scheme=request.scheme.encode("ascii"),
        authority=str(exchange.notes.get("authority") or "").encode("utf-8"),
        path=request.target,
        http_version=request.http_version.encode("ascii"),
        headers=_lines(request.headers),
        content=request.body,
        trailers=_lines(request.trailers) if request.trailers else None,
        timestamp_start=timing.started,
        timestamp_end=timing.request_done,
    )
    if response is not None:
        made.response = http.Response(
            http_version=response.http_version.encode("ascii"),
            status_code=response.status,
            reason=response.reason,
            headers=_lines(response.headers),
            content=response.body,
            trailers=_lines(response.trailers) if response.trailers else None,
            timestamp_start=timing.response_started or timing.started,
            timestamp_end=timing.ended,
        )
    if exchange.failure is not None:
        made.error = flow.Error(_said(exchange.failure), timing.ended)
    said = [f"retape {exchange.id}"]
    if exchange.cause is not None and exchange.cause.exchange is not None:
        said.append(f"caused by {exchange.cause.exchange} ({exchange.cause.how.value})")
        losses.note("which exchange caused it (in the flow's comment)")
    if exchange.dependency:
        said.append(f"dependency {exchange.dependency}")
    if exchange.body_truncated:
        losses.note("that a body is held only in part (in the flow's comment)")
        said.append("a body is held only in part")
    listed = list(messages)
    if "websocket" in exchange.notes:
        made.websocket = websocket.WebSocketData(
            messages=[
                websocket.WebSocketMessage(OPCODES[one.kind], one.from_client, one.body, one.at)
                for one in listed
                if one.kind in OPCODES
            ],
            timestamp_end=timing.ended,
        )
    elif listed:
        losses.note("when each message of a stream came")
    made.comment = ", ".join(said)
    return made


def _mode(exchange: Exchange) -> ProxyMode:
    if exchange.direction is Direction.OUTBOUND:
        return ProxyMode.parse("regular")
    request = exchange.request
    return ProxyMode.parse(f"reverse:{request.scheme}://{authority(request.host, request.port)}")


def _said(failure: Failure) -> str:
    """In words that :func:`recorder.failures.failure_of` understands as the same kind."""
    return {
        "aborted": "Client disconnected.",
        "reset": "server closed connection",
    }.get(failure.kind.value, f"{failure.kind.value}: {failure.detail}")


def _lines(headers: Headers) -> http.Headers:
    return http.Headers(headers)
