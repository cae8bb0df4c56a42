"""Exchanges come faster than they can be written: what gives way, the recording or the traffic."""

from __future__ import annotations

import asyncio
import socket
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing

import pytest

from captures.model import Exchange
from tests.recorder.conftest import Lab, Running, ask, connect, head, inbound, read_until, until

pytestmark = pytest.mark.slow  # a real proxy for each

SIZE = 10_000
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"
ROOM = {"max_queue": 5 * SIZE}


class Slow:
    """Makes exchanges ready to be written, once it is let."""

    def __init__(self) -> None:
        self.may = threading.Event()

    def __call__(self, exchange: Exchange) -> Exchange:
        assert self.may.wait(30)
        return exchange


@pytest.fixture
def slow() -> Iterator[Slow]:
    one = Slow()
    yield one
    one.may.set()


@pytest.fixture
def reached() -> list[bytes]:
    """The targets of the requests that reached the origin."""
    return []


@pytest.fixture
def origin(lab: Lab, reached: list[bytes]) -> int:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        reached.append((await head(reader)).split()[1])
        await reader.readexactly(SIZE)
        writer.write(OK)
        await writer.drain()

    return lab.origin(handle)


def post(number: int) -> bytes:
    return b"POST /%d HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % (number, SIZE) + b"q" * SIZE


def fill(proxy: Running, reached: list[bytes]) -> list[socket.socket]:
    """Send requests until one is held back; the connections of all of them."""

    def waits() -> bool:
        return proxy.has("counters") and bool(proxy.last("counters")["held_back"])

    clients: list[socket.socket] = []
    while len(clients) == len(reached):
        assert len(clients) < 50
        clients.append(connect(proxy.port()))
        clients[-1].sendall(post(len(clients)))
        until(lambda: len(reached) == len(clients) or waits())
    return clients


def test_what_does_not_fit_is_dropped_and_counted_and_no_client_waits(lab: Lab, origin: int, slow: Slow) -> None:
    with lab.recording(inbound(origin), prepare=slow, **ROOM) as proxy:
        for number in range(20):
            assert ask(proxy.port(), post(number)) == OK
        slow.may.set()
    done = proxy.last("done")
    assert done["seen"] == 20
    assert done["written"] == len(lab.exchanges()) >= 4
    assert done["dropped"] == 20 - done["written"] > 0
    assert done["held_back"] == 0
    assert "queue is full" in done["error"]


def test_or_new_requests_wait_for_room_and_nothing_is_lost(
    lab: Lab, origin: int, slow: Slow, reached: list[bytes]
) -> None:
    with lab.recording(inbound(origin), prepare=slow, blocks=True, **ROOM) as proxy:
        clients = fill(proxy, reached)
        assert len(reached) == len(clients) - 1 >= 4
        slow.may.set()
        for client in clients:
            assert read_until(client, b"ok") == OK
            client.close()
    done = proxy.last("done")
    assert done["seen"] == done["written"] == len(clients)
    assert (done["dropped"], done["held_back"]) == (0, 1)


def test_a_lock_that_another_program_holds_is_waited_for(lab: Lab, origin: int, reached: list[bytes]) -> None:
    with (
        lab.recording(inbound(origin), blocks=True, **ROOM) as proxy,
        closing(sqlite3.connect(lab.capture, isolation_level=None)) as other,
    ):
        other.execute("BEGIN IMMEDIATE")
        clients = fill(proxy, reached)
        other.execute("ROLLBACK")
        for client in clients:
            assert read_until(client, b"ok") == OK
            client.close()
    assert proxy.last("done")["dropped"] == 0
    assert len(lab.exchanges()) == len(clients)


def test_who_waits_is_let_through_when_the_recording_ends(
    lab: Lab, origin: int, slow: Slow, reached: list[bytes]
) -> None:
    with lab.recording(inbound(origin), prepare=slow, blocks=True, **ROOM) as proxy:
        clients = fill(proxy, reached)
        proxy.command("now")
        assert clients[-1].recv(1) == b""  # cut, as every connection is that has not been answered
        slow.may.set()
    done = proxy.last("done")
    assert done["seen"] == done["written"] == len(clients)
    assert {exchange.failure is not None for exchange in lab.exchanges()[-1:]} == {True}


def test_a_client_that_leaves_while_it_waits_leaves_nothing_behind(
    lab: Lab, origin: int, slow: Slow, reached: list[bytes]
) -> None:
    with lab.recording(inbound(origin), prepare=slow, blocks=True, **ROOM) as proxy:
        clients = fill(proxy, reached)
        clients[-1].close()
        slow.may.set()
        until(lambda: proxy.last("counters")["written"] >= len(clients) - 1)
        until(lambda: proxy.last("counters")["open"] == 0)
    done = proxy.last("done")
    assert done["seen"] == done["written"] == len(clients)
