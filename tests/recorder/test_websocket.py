"""A WebSocket is recorded as its handshake and the number of its messages."""

from __future__ import annotations

import asyncio
import base64
import hashlib

import pytest

from tests.recorder.conftest import Lab, connect, head, inbound, read_until, until

pytestmark = pytest.mark.slow  # a real proxy for each


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Accepts, and echoes short unfragmented messages."""
    request = await head(reader)
    key = next(line[19:] for line in request.split(b"\r\n") if line.lower().startswith(b"sec-websocket-key: "))
    accept = base64.b64encode(hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())
    writer.write(
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n"
    )
    while True:
        first, length = await reader.readexactly(2)
        mask = await reader.readexactly(4)
        payload = bytes(byte ^ mask[i % 4] for i, byte in enumerate(await reader.readexactly(length & 127)))
        writer.write(bytes([first, len(payload)]) + payload)
        await writer.drain()
        if first & 15 == 8:
            return


def frame(opcode: int, payload: bytes) -> bytes:
    return bytes([0x80 | opcode, 0x80 | len(payload), 0, 0, 0, 0]) + payload


def test_messages_pass_and_are_counted(lab: Lab) -> None:
    with lab.recording(inbound(lab.origin(echo))) as proxy, connect(proxy.port()) as client:
        client.sendall(
            b"GET /ws HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        )
        read_until(client, b"\r\n\r\n")
        for word in (b"one", b"two"):
            client.sendall(frame(1, word))
            read_until(client, word)
        client.sendall(frame(8, b"\x03\xe8"))
        read_until(client, b"\x03\xe8")
        until(lambda: lab.count() == 1, "the exchange on disk")
    exchange = lab.only()
    assert exchange.failure is None
    assert exchange.response is not None
    assert exchange.response.status == 101
    assert exchange.notes == {"websocket": 4}


def test_a_socket_open_at_the_end_of_the_recording_is_kept(lab: Lab) -> None:
    with lab.recording(inbound(lab.origin(echo)), drain=0.1) as proxy, connect(proxy.port()) as client:
        client.sendall(
            b"GET /ws HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        )
        read_until(client, b"\r\n\r\n")
        client.sendall(frame(1, b"one"))
        read_until(client, b"one")
        proxy.command("stop")
        until(lambda: proxy.has("done"), "the end")
    assert lab.only().notes == {"websocket": 2}
