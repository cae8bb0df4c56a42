"""Where the short way leads: TLS in pieces, several servers of one client, listeners of our own, requests held back."""

from __future__ import annotations

import asyncio
import re
import select
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from recorder.listeners import LOOPBACK, Listener, Role, Target
from tests.recorder.conftest import Lab, Loop, connect, head, inbound, outbound, read_until, until
from tests.recorder.plain.test_attacks import OK, ask, shop, took, waiting

__all__ = ["shop", "took", "waiting"]  # fixtures

pytestmark = pytest.mark.slow  # real sockets
ECHO = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s"


def naming(name: bytes) -> Callable[[asyncio.StreamReader, asyncio.StreamWriter], Any]:
    """An origin that answers with its name and the request's first line and Host."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            asked = await head(reader)
            host = re.search(rb"\r\nHost: ([^\r]*)", asked)
            told = b" ".join([name, asked.split(b" HTTP")[0], host[1] if host else b"", b"!"])
            writer.write(ECHO % (len(told), told))
            await writer.drain()

    return handle


class Wire:
    """A client's TLS session whose ciphertext goes out in pieces of the test's choice."""

    def __init__(self, lab: Lab, proxy: int, port: int, version: ssl.TLSVersion) -> None:
        self.socket = connect(proxy)
        self.socket.sendall(b"CONNECT localhost:%d HTTP/1.1\r\n\r\n" % port)
        assert b" 200 " in read_until(self.socket, b"\r\n\r\n")
        context = ssl.create_default_context()
        context.load_verify_locations(lab.authority.certificate_path)
        context.maximum_version = version
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self._in, self._out, server_hostname="localhost")
        self._read(self.tls.do_handshake)

    def _read(self, action: Callable[[], Any]) -> Any:
        while True:
            try:
                result = action()
            except ssl.SSLWantReadError:
                self.socket.sendall(self._out.read())
                data = self.socket.recv(65536)
                assert data
                self._in.write(data)
            else:
                self.socket.sendall(self._out.read())
                return result

    def send(self, data: bytes, *sizes: int) -> None:
        """Send ``data``, its ciphertext in pieces of ``sizes``."""
        self.tls.write(data)
        sealed = self._out.read()
        for size in sizes:
            self.socket.sendall(sealed[:size])
            sealed = sealed[size:]
            threading.Event().wait(0.05)  # so that it is read by itself: nothing depends on it
        self.socket.sendall(sealed)

    def read_until(self, ending: bytes) -> bytes:
        """Everything up to and including ``ending``."""
        got = b""
        while not got.endswith(ending):
            got += self._read(lambda: self.tls.read(65536))
        return got


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_tls_records_in_pieces_and_several_at_once(lab: Lab, took: list[Any], version: ssl.TLSVersion) -> None:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            length = re.search(rb"Length: (\d+)", await head(reader))
            body = await reader.readexactly(int(length[1]) if length else 0)
            writer.write(ECHO % (len(body) + 1, body + b"!"))
            await writer.drain()

    port = lab.origin(handle, ssl=lab.authority.leaf_context("localhost"))
    trusted = str(lab.authority.bundle(lab.folder / "upstream.pem"))
    body = bytes(range(256)) * 200
    post = b"POST /1 HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % len(body) + body
    with lab.recording(outbound(), trusted=trusted) as proxy:
        wire = Wire(lab, proxy.port(), port, version)
        for sizes in [(), (), (3,), (3, 40, 20_000), (17_000,)]:
            wire.send(post, *sizes)
            assert wire.read_until(b"!").endswith(b"\r\n\r\n" + body + b"!")
        wire.send(post[:100])
        wire.socket.close()  # without a word of TLS
        until(lambda: len(took) == 5, "the last request")
    *all_but_one, last = lab.exchanges()
    assert [one.request.body for one in all_but_one] == [body] * 5
    assert {one.response and one.response.body for one in all_but_one} == {body + b"!"}
    assert last.failure is not None
    assert last.failure.detail == "the client went away inside its request"
    assert proxy.last("done")["faults"] == 0


def test_one_client_of_two_servers(lab: Lab, took: list[Any]) -> None:
    ports = {name: lab.origin(naming(name)) for name in (b"one", b"two")}
    with lab.recording(outbound()) as proxy, connect(proxy.port()) as client:
        for number, name in enumerate([b"one", b"two", b"one", b"one", b"two", b"one"]):
            at = b"%s:%d" % (LOOPBACK.encode(), ports[name])
            client.sendall(
                b"GET http://%s/%d HTTP/1.1\r\nHost: %s\r\nProxy-Connection: keep-alive\r\n\r\n" % (at, number, at)
            )
            assert read_until(client, b"!").endswith(b"%s GET /%d %s !" % (name, number, at))
    assert len(took) == 4
    assert [one.request.port for one in lab.exchanges()] == [
        ports[n] for n in (b"one", b"two", b"one", b"one", b"two", b"one")
    ]


def test_a_listener_of_our_own_leads_to_its_dependency(lab: Lab, took: list[Any]) -> None:
    port = lab.origin(naming(b"stock"))
    stock = Listener(Role.DEPENDENCY, LOOPBACK, 0, Target("http", LOOPBACK, port), name="stock")
    with lab.recording(outbound(), stock) as proxy, connect(proxy.port()) as client:
        ours = b"%s:%d" % (LOOPBACK.encode(), proxy.port(1))
        for number in range(3):
            client.sendall(b"GET http://%s/%d HTTP/1.1\r\nHost: %s\r\n\r\n" % (ours, number, ours))
            said = read_until(client, b"!")
            assert said.endswith(b"stock GET /%d %s:%d !" % (number, LOOPBACK.encode(), port))
    assert {(one.dependency, one.request.port) for one in lab.exchanges()} == {("stock", port)}
    assert not took


def test_a_trace_is_injected(lab: Lab, took: list[Any]) -> None:
    got: list[bytes] = []

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            got.append(await head(reader))
            writer.write(OK)

    with lab.recording(inbound(lab.origin(handle)), inject_trace=True) as proxy, connect(proxy.port()) as client:
        ask(client, 0)
        ask(client, 1)
    assert len(took) == 1
    found = [re.findall(rb"\r\ntraceparent: ([0-9a-f-]+)\r\n", one) for one in got]
    assert [len(one) for one in found] == [1, 1]
    assert [one.notes["injected"]["traceparent"].encode() for one in lab.exchanges()] == [one for (one,) in found]
    assert not any(b"traceparent" in dict(one.request.headers) for one in lab.exchanges())


def readable(client: socket.socket) -> bool:
    """Whether something has come."""
    return bool(select.select([client], [], [], 0)[0])


def test_a_request_is_held_back_while_there_is_no_room(lab: Lab, shop: int, took: list[Any]) -> None:
    may = threading.Event()

    def slow(exchange: Any) -> Any:
        assert may.wait(60)
        return exchange

    body = b"x" * 10_000
    post = b"POST /1 HTTP/1.1\r\nHost: shop\r\nContent-Length: %d\r\n\r\n" % len(body) + body

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            await head(reader)
            await reader.readexactly(len(body))
            writer.write(OK)

    port = lab.origin(handle)
    with (
        lab.recording(inbound(port), prepare=slow, blocks=True, max_queue=50_000) as proxy,
        connect(proxy.port()) as client,
    ):
        answered = 0
        while True:
            client.sendall(post)
            until(lambda: readable(client) or (proxy.has("counters") and proxy.last("counters")["held_back"]), "either")
            if not readable(client):
                break
            read_until(client, b"ok")
            answered += 1
        assert 2 <= answered < 12
        may.set()
        assert read_until(client, b"ok")
        client.sendall(post)
        assert read_until(client, b"ok")
    assert len(lab.exchanges()) == answered + 2
    assert proxy.last("done")["held_back"] == 1
    assert len(took) == answered  # the first went the long way, as did the one that had to wait
    assert proxy.last("done").get("dropped", 0) == 0


REQUESTS = [
    b"GET /1 HTTP/1.1\r\nHost: shop\r\n\r\n",
    b"POST /2 HTTP/1.1\r\nHost: shop\r\nContent-Length: 5\r\n\r\n12345",
    b"POST /3 HTTP/1.1\r\nHost: shop\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX: 1\r\n\r\n",
]
ANSWERS = [
    b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc",
    b"HTTP/1.1 100 Continue\r\n\r\n"
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x\r\nabc\r\n0\r\nY: 2\r\n\r\n",
    b"HTTP/1.1 204 No Content\r\n\r\n",
]


@pytest.fixture(scope="module")
def cutting(
    tmp_path_factory: pytest.TempPathFactory, loop: Loop, authority_folder: Path
) -> Iterator[tuple[Lab, int, dict[str, Any]]]:
    """A proxy in front of an origin that answers in the pieces it is told."""
    lab = Lab(tmp_path_factory.mktemp("cutting"), loop, authority_folder)
    told: dict[str, Any] = {}

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await head(reader)
        writer.write(OK)
        for asked in REQUESTS:
            told["got"] += await reader.readexactly(len(asked))
            for piece in told["pieces"].pop(0):
                writer.write(piece)
                await asyncio.sleep(0.001)

    with lab.recording(inbound(lab.origin(handle))) as proxy:
        yield lab, proxy.port(), told


def cut(data: st.DataObject, whole: bytes, places: Sequence[int] = ()) -> list[bytes]:
    """``whole`` in pieces, cut at some of the ``places``, if any are given."""
    at = sorted(data.draw(st.sets(st.sampled_from(places or range(1, len(whole))), max_size=5)))
    return [whole[start:end] for start, end in zip([0, *at], [*at, len(whole)], strict=True)]


@given(st.data())
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_pieces_in_both_directions(cutting: tuple[Lab, int, dict[str, Any]], data: st.DataObject) -> None:
    lab, port, told = cutting
    before = lab.count()
    whole, places = b"".join(REQUESTS), list[int]()
    for number, one in enumerate(REQUESTS):  # a head in pieces goes the long way, where chunks are written anew
        start = len(b"".join(REQUESTS[:number]))
        places += [start, *range(start + one.index(b"\r\n\r\n") + 4, start + len(one))]
    places.remove(0)
    told.update(got=b"", pieces=[cut(data, one) for one in ANSWERS])
    with connect(port) as client:
        ask(client, 0)
        for piece in cut(data, whole, places):
            client.sendall(piece)
            threading.Event().wait(0.001)
        got = b""
        while len(got) < len(b"".join(ANSWERS)):
            got += client.recv(65536)
    until(lambda: lab.count() >= before + 4, "the tape")
    assert got == b"".join(ANSWERS)
    assert told["got"] == b"".join(REQUESTS)
    tape = lab.exchanges()[-3:]
    assert [one.failure for one in tape] == [None] * 3
    assert [one.request.body for one in tape] == [b"", b"12345", b"abc"]
    assert [one.response and one.response.body for one in tape] == [b"abc", b"abc", b""]
    assert [one.request.trailers for one in tape] == [(), (), ((b"X", b"1"),)]
    assert [one.response and one.response.trailers for one in tape] == [(), ((b"Y", b"2"),), ()]
