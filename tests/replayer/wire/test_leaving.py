"""An answer without end is left where the recorded client left it, over both protocols."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from captures.model import Direction, Exchange, Failure, FailureKind, Headers, Response, Timing
from replayer.client import Outcome
from replayer.plan import HttpVersion
from replayer.wire.leaving import Leaving, leaving
from tests.replayer.wire.http2_server import OK, Peer, speaks_http2
from tests.replayer.wire.servers import Handler, ask, serving

STREAM: Headers = ((b"Content-Type", b"text/event-stream"),)
EVENTS = b"data: 1\n\ndata: 2\n\nda"


def recorded(
    body: bytes = EVENTS, headers: Headers = STREAM, kind: FailureKind | None = FailureKind.ABORTED
) -> Exchange:
    failure = Failure(kind) if kind else None
    return Exchange(1, Direction.INBOUND, ask(), Timing(10.0, 10.0, 11.0, 13.5), Response(200, headers, body), failure)


def test_where_a_client_left_is_told_by_events_or_by_bytes() -> None:
    assert leaving(recorded()) == Leaving(len(EVENTS), 2, 6.0)
    assert leaving(recorded(b"xyz", ())) == Leaving(3, 0, 6.0)
    assert leaving(recorded(headers=(*STREAM, (b"Content-Encoding", b"gzip")))) == Leaving(len(EVENTS), 0, 6.0)
    assert leaving(recorded(headers=((b"Content-Length", b"99"),))) is None
    assert leaving(recorded(kind=FailureKind.TRUNCATED)) is None
    assert leaving(recorded(kind=None)) is None


@pytest.mark.parametrize("end", [b"\n\n", b"\r\n\r\n", b"\r\r"])
def test_events_are_counted_however_the_bytes_are_cut(end: bytes) -> None:
    whole = b"data: longer" + end + b"data: 2" + end
    leave = Leaving(5, 2, 1.0)
    assert [leave.reached(whole[:length]) for length in range(len(whole) + 1)] == [False] * len(whole) + [True]


def endless(*pieces: bytes) -> Handler:
    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n")
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
        await reader.read()  # until the client goes

    return handler


def endless2(*pieces: bytes) -> Handler:
    def on_request(peer: Peer, stream: int) -> None:
        peer.h2.send_headers(stream, [*OK, (b"content-type", b"text/event-stream")])
        for piece in pieces:
            peer.h2.send_data(stream, piece)
        peer.flush()

    return speaks_http2(on_request)


VERSIONS = [(endless, HttpVersion.ONE), (endless2, HttpVersion.TWO)]


def outcome_of(handler: Handler, version: HttpVersion, leave: Leaving, timeout: float) -> Outcome:
    async def sent() -> Outcome:
        async with serving(handler, timeout=timeout, http_version=version) as client:
            return await client.send(ask(), connection="a", leave=leave)

    return asyncio.run(sent())


@pytest.mark.parametrize(("make", "version"), VERSIONS)
@pytest.mark.parametrize(
    ("leave", "timeout"),
    [
        (Leaving(1, 2, 60.0), 60.0),  # two events
        (Leaving(14, 0, 60.0), 60.0),  # bytes
        (Leaving(1, 3, 0.05), 60.0),  # a third event does not come in time
        (Leaving(1, 3, 60.0), 0.2),  # nor before the timeout
    ],
)
@pytest.mark.slow
def test_the_client_leaves(make: Callable[..., Any], version: HttpVersion, leave: Leaving, timeout: float) -> None:
    outcome = outcome_of(make(b"data: 1\n\n", b"data: 2\n\n"), version, leave, timeout)
    assert outcome.failure == Failure(FailureKind.ABORTED, "left where the recorded client went away")
    assert outcome.response is not None
    assert outcome.response.body == b"data: 1\n\ndata: 2\n\n"


@pytest.mark.parametrize(("make", "version"), VERSIONS)
@pytest.mark.slow
def test_a_head_that_does_not_come_is_a_timeout(make: Callable[..., Any], version: HttpVersion) -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    handler = silent if make is endless else speaks_http2(lambda peer, stream: None)
    outcome = outcome_of(handler, version, Leaving(0, 1, 0.01), 0.2)
    assert outcome.failure is not None
    assert outcome.failure.kind is FailureKind.TIMEOUT
