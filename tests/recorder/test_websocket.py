"""A WebSocket is recorded as its handshake and its messages, each when it comes."""

from __future__ import annotations

import asyncio
import base64
import hashlib

import pytest

from captures.model import Failure, FailureKind
from captures.store import Capture
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


HANDSHAKE = (
    b"GET /ws HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)


def said(lab: Lab) -> list[tuple[str, str, bytes]]:
    with Capture.open(lab.capture) as capture:
        messages = list(capture.messages(1))
    assert [one.seq for one in messages] == list(range(1, len(messages) + 1))
    return [(">" if one.from_client else "<", one.kind, one.body) for one in messages]


def ended(lab: Lab) -> bool:
    return bool(lab.count()) and "open" not in lab.only().notes


def test_messages_pass_and_are_on_the_tape(lab: Lab) -> None:
    with lab.recording(inbound(lab.origin(echo))) as proxy, connect(proxy.port()) as client:
        client.sendall(HANDSHAKE)
        read_until(client, b"\r\n\r\n")
        for word in (b"one", b"two"):
            client.sendall(frame(1, word))
            read_until(client, word)
        client.sendall(frame(2, b"\xff\0"))
        read_until(client, b"\xff\0")
        client.sendall(frame(9, b"ping"))
        read_until(client, b"ping")
        until(lambda: len(said(lab)) == 6, "the messages on disk")
        assert lab.only().notes == {"open": True}
        client.sendall(frame(8, b"\x0f\xa1all said"))
        read_until(client, b"\x0f\xa1all said")
        until(lambda: ended(lab), "the exchange on disk")
    exchange = lab.only()
    assert exchange.failure is None
    assert exchange.response is not None
    assert exchange.response.status == 101
    assert exchange.notes == {"websocket": 6, "pings": 2, "websocket_close": {"code": 4001, "by": "client"}}
    assert said(lab) == [
        (">", "text", b"one"), ("<", "text", b"one"), (">", "text", b"two"), ("<", "text", b"two"),
        (">", "binary", b"\xff\0"), ("<", "binary", b"\xff\0"), (">", "close", b"all said"),
    ]  # fmt: skip
    with Capture.open(lab.capture) as capture:
        assert capture.check() == []


def test_a_message_in_fragments_is_one(lab: Lab) -> None:
    with lab.recording(inbound(lab.origin(echo))) as proxy, connect(proxy.port()) as client:
        client.sendall(HANDSHAKE)
        read_until(client, b"\r\n\r\n")
        first, last = frame(1, b"in two "), frame(0, b"parts")
        client.sendall(bytes([first[0] & 0x7F]) + first[1:])
        client.sendall(last)
        read_until(client, b"parts")
        client.close()
        until(lambda: ended(lab), "the exchange on disk")
    assert (">", "text", b"in two parts") in said(lab)
    assert lab.only().notes["websocket_close"] == {"code": 1006, "by": "client"}


def test_what_is_over_the_limits_is_counted(lab: Lab) -> None:
    limits = {"max_body": 100, "max_messages": 3}
    with lab.recording(inbound(lab.origin(echo)), **limits) as proxy, connect(proxy.port()) as client:
        client.sendall(HANDSHAKE)
        read_until(client, b"\r\n\r\n")
        for word in (b"x" * 101, b"short"):
            client.sendall(frame(1, word))
            read_until(client, word)
        client.sendall(frame(8, b"\x03\xe8"))
        read_until(client, b"\x03\xe8")
        until(lambda: ended(lab), "the exchange on disk")
    exchange = lab.only()
    assert [len(body) for _, _, body in said(lab)] == [100, 100, 5]
    assert exchange.notes == {
        "websocket": 4,
        "websocket_close": {"code": 1000, "by": "client"},
        "messages_not_kept": 2,
        "messages_cut": {"1": 101, "2": 101},
    }
    assert exchange.body_truncated


def test_no_secret_of_a_socket_reaches_the_disk(lab: Lab) -> None:
    """The password is made up."""
    with (
        lab.recording(inbound(lab.origin(echo)), redacted=True) as proxy,
        connect(proxy.port()) as client,
    ):
        client.sendall(HANDSHAKE.replace(b"Host: a", b"Host: a\r\nCookie: sid=c00kie-5a7f3e9b"))
        read_until(client, b"\r\n\r\n")
        for word in (b'{"password":"hunter-1234"}', b"my cookie is c00kie-5a7f3e9b"):
            client.sendall(frame(1, word))
            read_until(client, word)
        until(lambda: len(said(lab)) == 4, "the messages on disk")
    for file in lab.folder.glob("lab.sqlite*"):
        assert b"hunter-1234" not in file.read_bytes()
        assert b"c00kie-5a7f3e9b" not in file.read_bytes()
    assert said(lab)[0][2].startswith(b'{"password":"')


def test_a_socket_open_at_the_end_of_the_recording_is_kept(lab: Lab) -> None:
    with lab.recording(inbound(lab.origin(echo)), drain=0.1) as proxy, connect(proxy.port()) as client:
        client.sendall(HANDSHAKE)
        read_until(client, b"\r\n\r\n")
        client.sendall(frame(1, b"one"))
        read_until(client, b"one")
        proxy.command("stop")
        until(lambda: proxy.has("done"), "the end")
    assert lab.only().notes == {"websocket": 2}
    assert lab.only().failure == Failure(FailureKind.ABORTED, "recording stopped before it was complete")
    assert len(said(lab)) == 2
