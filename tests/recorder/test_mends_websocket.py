"""WebSocket frames pass byte for byte, at once, also those that cannot be read."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.recorder.conftest import Handler, Lab, connect, head, inbound, read_all, until

pytestmark = pytest.mark.slow  # a real proxy for each

HANDSHAKE = (
    b"GET /socket HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
ACCEPTED = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzhZRbK+xOo8=\r\n\r\n"
)
CLOSE = b"\x88\x02\x03\xe8"  # 1000
MASKED_CLOSE = b"\x88\x82\x00\x00\x00\x00\x03\xe8"


def saying(*frames: bytes, reset: bool = False) -> Handler:
    """A server that sends ``frames`` with its handshake, then reads until the end."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await head(reader)
        writer.write(ACCEPTED + b"".join(frames))
        await writer.drain()
        if not reset:
            await reader.read()

    return handle


@contextmanager
def talking(port: int) -> Iterator[socket.socket]:
    with connect(port) as client:
        client.sendall(HANDSHAKE)
        assert receive(client, len(ACCEPTED)) == ACCEPTED
        yield client


def receive(client: socket.socket, count: int) -> bytes:
    received = b""
    while len(received) < count:
        received += client.recv(count - len(received))
    return received


def test_a_fragment_does_not_wait_for_its_message(lab: Lab) -> None:
    begun = b"\x01\x05half "  # text, not final
    with lab.recording(inbound(lab.origin(saying(begun)))) as proxy, talking(proxy.port()) as client:
        assert receive(client, len(begun)) == begun


@pytest.mark.parametrize(
    "frame",
    [
        pytest.param(b"\xa1\x02hi", id="reserved bit"),
        pytest.param(b"\x83\x02hi", id="reserved opcode"),
        pytest.param(b"\x81\x02\xff\xfe", id="text that is none"),
    ],
)
def test_frames_that_cannot_be_read_pass_and_are_noted(lab: Lab, frame: bytes) -> None:
    frames = b"\x81\x02ok" + frame + b"\x82\x01x"
    with lab.recording(inbound(lab.origin(saying(frames)))) as proxy, talking(proxy.port()) as client:
        assert receive(client, len(frames)) == frames
        client.sendall(MASKED_CLOSE)
        client.shutdown(socket.SHUT_WR)
        assert read_all(client) == b""
    exchange = lab.only()
    assert exchange.notes["websocket"] == 1
    assert exchange.notes["websocket_unread"] is True


def test_a_close_frame_passes_as_it_is(lab: Lab) -> None:
    odd = b"\x88\x09\x0f\xa1because"  # 4001
    with lab.recording(inbound(lab.origin(saying(odd)))) as proxy, talking(proxy.port()) as client:
        assert receive(client, len(odd)) == odd
    assert "websocket_unread" not in lab.only().notes


def test_a_socket_that_breaks_is_not_closed_in_good_order(lab: Lab) -> None:
    whole = b"\x81\x02hi"
    with lab.recording(inbound(lab.origin(saying(whole, reset=True)))) as proxy, talking(proxy.port()) as client:
        assert read_all(client) == whole
        until(lab.count, "the exchange")
    assert lab.only().notes["websocket"] == 1
