"""What would do harm: exceptions inside, clients and servers that are slow or send without end, a stop in between."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable
from typing import Any

import pytest

from captures.model import FailureKind
from recorder.failures import STOPPED
from recorder.plain import path as short_way
from recorder.plain.path import EARLY, Path
from recorder.tape import Tape
from tests.recorder.conftest import Lab, connect, head, inbound, read_all, read_until, until

pytestmark = pytest.mark.slow  # real sockets

ASKED = b"GET /%d HTTP/1.1\r\nHost: shop\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
HUGE = 64 * 1024 * 1024  # bytes, many times what all buffers between two sockets hold
ROOM = 16 * 1024 * 1024  # bytes that may be in the buffers of the system and of the libraries


@pytest.fixture(autouse=True)
def took(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The exchanges that went the short way."""
    original = Path._opened
    found: list[Any] = []

    def counting(*arguments: Any) -> Any:
        result = original(*arguments)
        if result is not None:
            found.append(result[0])
        return result

    monkeypatch.setattr(Path, "_opened", counting)
    return found


@pytest.fixture
def shop(lab: Lab) -> int:
    """An origin that answers every request without a body."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            await head(reader)
            writer.write(OK)
            await writer.drain()

    return lab.origin(handle)


def ask(client: socket.socket, number: int) -> None:
    """One exchange with :func:`shop`."""
    client.sendall(ASKED % number)
    assert read_until(client, b"ok").startswith(b"HTTP/1.1 200")


def raising(*_: Any, **__: Any) -> Any:
    raise AttributeError("mitmproxy is not what it was")


@pytest.mark.parametrize("name", ["waits", "idle_server", "plain_head"])
def test_a_mitmproxy_that_is_not_as_expected_goes_its_own_way(
    lab: Lab, shop: int, monkeypatch: pytest.MonkeyPatch, name: str, took: list[Any]
) -> None:
    monkeypatch.setattr(short_way, name, raising)
    with lab.recording(inbound(shop)) as proxy, connect(proxy.port()) as client:
        for number in range(3):
            ask(client, number)
    assert proxy.last("done")["faults"] >= 2
    assert [one.failure for one in lab.exchanges()] == [None] * 3
    assert not took


@pytest.mark.parametrize("name", ["begin", "request", "responseheaders", "response"])
def test_a_tape_that_fails_does_not_break_the_traffic(
    lab: Lab, shop: int, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    original = getattr(Tape, name)

    def failing(self: Tape, flow: Any) -> Any:
        if flow.request.path == "/1":
            raise OSError("out of luck")
        return original(self, flow)

    monkeypatch.setattr(Tape, name, failing)
    with lab.recording(inbound(shop)) as proxy, connect(proxy.port()) as client:
        for number in range(3):
            ask(client, number)
    assert proxy.last("done")["faults"] >= 1


def test_what_goes_wrong_under_way_ends_the_connection_and_is_on_the_tape_once(
    lab: Lab, shop: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    with lab.recording(inbound(shop)) as proxy, connect(proxy.port()) as client:
        ask(client, 0)
        monkeypatch.setattr(Path, "_pass", raising)
        client.sendall(ASKED % 1)
        assert read_all(client) == b""
        monkeypatch.undo()
        with connect(proxy.port()) as another:
            ask(another, 2)
    assert [one.failure and one.failure.kind for one in lab.exchanges()] == [None, FailureKind.ABORTED, None]


@pytest.fixture
def waiting(lab: Lab) -> tuple[int, threading.Event]:
    """An origin that answers what is called ``/wait`` when it may, and everything else at once; it may when told."""
    may = threading.Event()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            if b" /wait " in await head(reader):
                while not may.is_set():
                    await asyncio.sleep(0.005)
            writer.write(OK)
            await writer.drain()

    return lab.origin(handle), may


WAIT = b"GET /wait HTTP/1.1\r\nHost: shop\r\n\r\n"


def flood(client: socket.socket, data: bytes, enough: Callable[[], bool] = lambda: True) -> int:
    """How many bytes of ``data`` can be sent before nobody takes any more, and it was ``enough``."""
    client.settimeout(0.5)
    sent = 0
    while sent < len(data):
        try:
            sent += client.send(data[sent : sent + 65536])
        except TimeoutError:
            if enough():
                client.settimeout(60)
                return sent
    raise AssertionError(f"all of {len(data)} bytes were taken")


def test_what_is_pipelined_without_end_is_not_kept(
    lab: Lab, waiting: tuple[int, threading.Event], monkeypatch: pytest.MonkeyPatch
) -> None:
    port, may = waiting
    paths: list[Path] = []
    original = Path._begin

    def remembering(self: Path, *arguments: Any) -> Any:
        paths[:] = [self]
        return original(self, *arguments)

    monkeypatch.setattr(Path, "_begin", remembering)
    body = b"x" * 50_000
    one = b"POST /late HTTP/1.1\r\nHost: shop\r\nContent-Length: %d\r\n\r\n" % len(body) + body
    with lab.recording(inbound(port)) as proxy, connect(proxy.port()) as client:
        ask(client, 0)
        client.sendall(WAIT)
        sent = flood(client, one * (HUGE // len(one)), lambda: len(paths[0]._early) >= EARLY)
        assert sent < ROOM
        assert EARLY <= len(paths[0]._early) < EARLY + 65536
        client.shutdown(socket.SHUT_WR)
        may.set()
        assert read_all(client).count(OK) >= 1
    assert lab.exchanges()[1].failure is None


def test_who_waits_for_room_can_be_stopped(lab: Lab, waiting: tuple[int, threading.Event]) -> None:
    with lab.recording(inbound(waiting[0]), drain=0.1) as proxy, connect(proxy.port()) as client:
        ask(client, 0)
        client.sendall(WAIT)
        flood(client, b"x" * HUGE)
        proxy.command("stop")
        assert read_all(client) == b""
    assert proxy.last("done")["faults"] == 0
    assert [one.failure and one.failure.detail for one in lab.exchanges()] == [None, STOPPED]


def test_what_is_under_way_at_a_stop_is_on_the_tape(lab: Lab, waiting: tuple[int, threading.Event]) -> None:
    with lab.recording(inbound(waiting[0]), drain=0.1) as proxy, connect(proxy.port()) as client:
        ask(client, 0)
        client.sendall(WAIT)
        until(lambda: proxy.has("counters") and proxy.last("counters")["open"] == 1, "the request")
        proxy.command("stop")
        assert read_all(client) == b""
    assert [one.failure and one.failure.detail for one in lab.exchanges()] == [None, STOPPED]


def test_what_is_under_way_at_a_drain_ends_well(
    lab: Lab, waiting: tuple[int, threading.Event], took: list[Any]
) -> None:
    port, may = waiting
    with lab.recording(inbound(port), drain=60.0) as proxy, connect(proxy.port()) as client:
        ask(client, 0)
        client.sendall(WAIT)
        until(lambda: len(took) == 1, "the request")
        proxy.command("drain")
        may.set()
        assert read_until(client, b"ok")
        until(lambda: proxy.has("drained"), "the drain")
    assert [one.failure for one in lab.exchanges()] == [None, None]


def test_a_client_that_does_not_read_holds_up_its_server(lab: Lab, took: list[Any]) -> None:
    written = 0

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal written
        await head(reader)
        writer.write(OK)
        await head(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % HUGE)
        while written < HUGE:
            writer.write(bytes(65536))
            await writer.drain()
            written += 65536

    with lab.recording(inbound(lab.origin(handle)), max_body=1000) as proxy, connect(proxy.port()) as client:
        ask(client, 0)
        client.sendall(ASKED % 1)
        last = -1
        while last != written:  # until it stands still
            last = written
            threading.Event().wait(0.3)
        assert 0 < written < ROOM
        got = 0
        while got < HUGE:
            got += len(client.recv(65536))
    assert len(took) == 1
    assert lab.exchanges()[1].notes["response_body_length"] == HUGE


def test_a_server_that_does_not_read_holds_up_its_client(lab: Lab, took: list[Any]) -> None:
    may = threading.Event()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await head(reader)
        writer.write(OK)
        await head(reader)
        while not may.is_set():
            await asyncio.sleep(0.005)
        await reader.readexactly(HUGE)
        writer.write(OK)
        await writer.drain()

    with lab.recording(inbound(lab.origin(handle)), max_body=1000) as proxy, connect(proxy.port()) as client:
        ask(client, 0)
        client.sendall(b"PUT /up HTTP/1.1\r\nHost: shop\r\nContent-Length: %d\r\n\r\n" % HUGE)
        sent = flood(client, bytes(HUGE))
        assert sent < ROOM
        may.set()
        client.sendall(bytes(HUGE - sent))
        assert read_until(client, b"ok")
    assert len(took) == 1
    assert lab.exchanges()[1].notes["request_body_length"] == HUGE


@pytest.mark.parametrize("size", [65535, 65536, 65536 * 2, 16384 * 4 + 1])
def test_reads_that_are_just_full(lab: Lab, size: int) -> None:
    first = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n"
    body = b"x" * (size - len(first % size))

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            await head(reader)
            writer.write(first % len(body) + body)

    with lab.recording(inbound(lab.origin(handle))) as proxy, connect(proxy.port()) as client:
        for number in range(3):
            client.sendall(ASKED % number)
            got = b""
            while not got.endswith(b"\r\n\r\n" + body):
                got += client.recv(65536)
    assert {one.response.body for one in lab.exchanges() if one.response} == {body}


def test_many_connections(lab: Lab, shop: int, took: list[Any]) -> None:
    with lab.recording(inbound(shop)) as proxy:
        clients = [connect(proxy.port()) for _ in range(200)]
        for number in range(3):
            for client in clients:
                client.sendall(ASKED % number)
            for client in clients:
                read_until(client, b"ok")
        for client in clients:
            client.close()
    assert len(lab.exchanges()) == 600
    assert len(took) == 400
