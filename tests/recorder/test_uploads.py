"""Requests pass while they come, and are kept whole although their server is down."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from captures.model import FailureKind
from captures.service import free_port
from recorder.mends.uploads import PATIENCE
from tests.recorder.conftest import Lab, answering, ask, connect, head, inbound, read_all, read_until, until

CHUNKED = b"POST /up HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


async def echoing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answers each chunk of a request with the same chunk, at once."""
    await head(reader)
    writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while length := int(await reader.readline(), 16):
        data = (await reader.readexactly(length + 2))[:-2]
        writer.write(chunk(data))
        await writer.drain()
    await reader.readline()
    writer.write(b"0\r\n\r\n")
    await writer.drain()


def test_both_sides_may_speak_at_once(lab: Lab) -> None:
    with lab.recording(inbound(lab.origin(echoing))) as proxy, connect(proxy.port()) as client:
        client.sendall(CHUNKED)
        for word in (b"one", b"two", b"three"):
            client.sendall(chunk(word))
            read_until(client, word + b"\r\n")  # before the next is sent
        client.sendall(b"0\r\n\r\n")
        read_until(client, b"0\r\n\r\n")
        until(lambda: lab.count() == 1, "the exchange on disk")
    exchange = lab.only()
    assert exchange.failure is None
    assert exchange.request.body == b"onetwothree"
    assert exchange.response is not None
    assert exchange.response.body == b"onetwothree"
    assert not exchange.body_truncated


@pytest.mark.slow
def test_a_request_whose_server_is_down_is_kept_whole(lab: Lab) -> None:
    with lab.recording(inbound(free_port())) as proxy:
        trailed = b"0\r\nX-Sum: 1\r\n\r\n"
        assert ask(proxy.port(), CHUNKED + chunk(b"first ") + chunk(b"last") + trailed) == b""
        until(lambda: lab.count() == 1, "the exchange on disk")
    exchange = lab.only()
    assert exchange.failure is not None
    assert exchange.failure.kind is FailureKind.CONNECT
    assert exchange.request.body == b"first last"
    assert exchange.request.trailers == ((b"X-Sum", b"1"),)
    assert exchange.timing.request_done is not None


@pytest.mark.slow
def test_a_client_that_waits_for_an_answer_soon_hears_that_the_server_is_down(lab: Lab) -> None:
    with lab.recording(inbound(free_port())) as proxy, connect(proxy.port()) as client:
        begun = time.monotonic()
        client.sendall(CHUNKED + chunk(b"hello?"))
        assert read_all(client) == b""
        assert PATIENCE <= time.monotonic() - begun < PATIENCE + 50
        until(lambda: lab.count() == 1, "the exchange on disk")
    exchange = lab.only()
    assert exchange.failure is not None
    assert exchange.failure.kind is FailureKind.CONNECT
    assert exchange.request.body == b"hello?"


@pytest.mark.slow
def test_a_client_that_goes_away_meanwhile(lab: Lab) -> None:
    with lab.recording(inbound(free_port())) as proxy:
        with connect(proxy.port()) as client:
            client.sendall(CHUNKED + chunk(b"bye"))
        until(lambda: lab.count() == 1, "the exchange on disk")
        assert ask(proxy.port(), CHUNKED + b"0\r\n\r\n") == b"", "the next one is served"
        until(lambda: lab.count() == 2, "the exchange on disk")
    first, second = lab.exchanges()
    assert first.failure is not None
    assert first.failure.kind in (FailureKind.ABORTED, FailureKind.CONNECT)
    assert first.request.body == b"bye"
    assert second.failure is not None
    assert proxy.last("done")["faults"] == 0


async def breaks_off(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await head(reader)
    await reader.read(10)


@pytest.mark.slow
def test_a_server_that_breaks_off_inside_the_request(lab: Lab) -> None:
    with lab.recording(inbound(lab.origin(breaks_off))) as proxy, connect(proxy.port()) as client:
        client.sendall(CHUNKED + chunk(b"partial"))
        assert read_all(client) == b""
        until(lambda: lab.count() == 1, "the exchange on disk")
    exchange = lab.only()
    assert exchange.failure is not None
    assert exchange.failure.kind is FailureKind.RESET
    assert exchange.request.body == b"partial"


@pytest.mark.slow
def test_a_small_request_with_a_length_is_held_until_it_is_complete(lab: Lab) -> None:
    asked: list[Any] = []

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await head(reader))
        await answering(OK, body=0)(reader, writer)

    with lab.recording(inbound(lab.origin(handle))) as proxy, connect(proxy.port()) as client:
        client.sendall(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nab")
    assert lab.only().request.body == b"ab"
    assert asked == [], "its client went away: the service has not seen half a request"
