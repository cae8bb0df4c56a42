"""HTTP/1 clients that close their half of the connection and wait for the answer (RFC 9112 9.6)."""

from __future__ import annotations

import asyncio
import socket

import pytest

from captures.model import Failure, FailureKind
from tests.recorder.conftest import Lab, connect, head, inbound, outbound, read_all, until

pytestmark = pytest.mark.slow

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answers each request, a while after it has come."""
    while True:
        request = await head(reader)
        if b"POST" in request:
            await reader.readexactly(4)
        await asyncio.sleep(0.1)
        writer.write(OK)
        await writer.drain()


def ask_and_close(port: int, request: bytes) -> bytes:
    with connect(port) as client:
        client.sendall(request)
        client.shutdown(socket.SHUT_WR)
        return read_all(client)


@pytest.mark.parametrize(
    "request_",
    [
        b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET / HTTP/1.0\r\nHost: a\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody",
    ],
)
def test_who_closes_its_half_is_answered(lab: Lab, request_: bytes) -> None:
    with lab.recording(inbound(lab.origin(answer))) as proxy:
        assert ask_and_close(proxy.port(), request_) == OK
    one = lab.only()
    assert one.failure is None
    assert one.response is not None
    assert one.response.body == b"ok"


def test_what_was_asked_before_the_half_closed_is_answered_too(lab: Lab) -> None:
    get = b"GET /%d HTTP/1.1\r\nHost: a\r\n\r\n"
    with lab.recording(inbound(lab.origin(answer))) as proxy:
        assert ask_and_close(proxy.port(), get % 1 + get % 2 + b"GET /half") == OK + OK
    assert [(one.request.target, one.failure) for one in lab.exchanges()] == [(b"/1", None), (b"/2", None)]


def test_through_the_forward_proxy(lab: Lab) -> None:
    port = lab.origin(answer)
    with lab.recording(outbound()) as proxy:
        assert ask_and_close(proxy.port(), b"GET http://127.0.0.1:%d/ HTTP/1.1\r\nHost: a\r\n\r\n" % port) == OK
    assert lab.only().failure is None


def test_the_server_is_told_and_decides(lab: Lab) -> None:
    async def leave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await head(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\npart")
        told.append(await reader.read())  # until the client's half is closed: this one then gives up

    told: list[bytes] = []
    with lab.recording(inbound(lab.origin(leave))) as proxy, connect(proxy.port()) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        assert client.recv(1000).endswith(b"part")
        client.shutdown(socket.SHUT_WR)
        assert read_all(client) == b""
    assert told == [b""]
    one = lab.only()
    assert one.failure == Failure(FailureKind.ABORTED, "the client closed its half, and the server the connection")
    assert one.response is not None
    assert one.response.body == b"part"


def test_who_left_for_good_holds_nothing(lab: Lab) -> None:
    async def stream(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await head(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n")
        while True:
            writer.write(b"data: x\n\n")
            await writer.drain()
            await asyncio.sleep(0.05)

    with lab.recording(inbound(lab.origin(stream))) as proxy:
        with connect(proxy.port()) as client:
            client.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            assert client.recv(1000)
        until(lambda: proxy.has("counters") and proxy.last("counters")["open"] == 0, "the end of the exchange")
    one = lab.only()
    assert one.failure is not None
    assert one.failure.kind is FailureKind.ABORTED
