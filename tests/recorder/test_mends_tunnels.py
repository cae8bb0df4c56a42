"""What is no HTTP any more after CONNECT or an upgrade passes as it is, whoever speaks first or stops first."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from captures.service import free_port
from tests.recorder.conftest import Lab, connect, head, inbound, outbound, read_all, read_until, until

pytestmark = pytest.mark.slow  # a real proxy for each

GREETING = b"220 mail.test ready\r\n"


async def speaks_first(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Greets, then says back what it is told until it is told no more."""
    writer.write(GREETING)
    await says_back(reader, writer)


async def says_back(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answers once it has heard everything."""
    heard = await reader.read()
    writer.write(b"heard " + heard)
    await writer.drain()


@contextmanager
def tunnel(proxy_port: int, port: int) -> Iterator[socket.socket]:
    with connect(proxy_port) as client:
        client.sendall(b"CONNECT 127.0.0.1:%d HTTP/1.1\r\nHost: x\r\n\r\n" % port)
        assert read_until(client, b"\r\n\r\n").startswith(b"HTTP/1.1 200 ")
        yield client


def test_a_server_may_speak_first(lab: Lab) -> None:
    port = lab.origin(speaks_first)
    with lab.recording(outbound()) as proxy, tunnel(proxy.port(), port) as client:
        assert read_until(client, b"\r\n") == GREETING
        client.sendall(b"QUIT")
        client.shutdown(socket.SHUT_WR)
        assert read_all(client) == b"heard QUIT"
    assert proxy.last("done")["opaque"] == {f"127.0.0.1:{port}": 1}


def test_half_a_tunnel_can_be_closed(lab: Lab) -> None:
    with lab.recording(outbound()) as proxy, tunnel(proxy.port(), lab.origin(says_back)) as client:
        client.sendall(b"\x00\x01\x02\x03")
        client.shutdown(socket.SHUT_WR)
        assert read_all(client) == b"heard \x00\x01\x02\x03"


def test_a_silent_client_of_a_server_that_is_down_is_told(lab: Lab) -> None:
    with lab.recording(outbound()) as proxy, tunnel(proxy.port(), free_port()) as client:
        assert read_all(client) == b""


def test_http_may_come_late_in_a_tunnel(lab: Lab) -> None:
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connected.append(1)
        await head(reader)
        writer.write(answer)

    connected: list[int] = []
    with lab.recording(outbound()) as proxy, tunnel(proxy.port(), lab.origin(handle)) as client:
        until(lambda: connected, "the connection to the server")
        client.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        assert read_all(client) == answer
    assert connected == [1]
    assert lab.only().failure is None


def test_an_upgraded_connection_is_theirs(lab: Lab) -> None:
    switched = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: chat\r\n\r\n"

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await head(reader)
        writer.write(switched + b"hi")
        await says_back(reader, writer)

    request = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: chat\r\n\r\n"
    with lab.recording(inbound(lab.origin(handle))) as proxy, connect(proxy.port()) as client:
        client.sendall(request + b"early")
        assert read_until(client, b"hi") == switched + b"hi"
        client.sendall(b" and late")
        client.shutdown(socket.SHUT_WR)
        assert read_all(client) == b"heard early and late"
    response = lab.only().response
    assert response is not None
    assert response.status == 101
