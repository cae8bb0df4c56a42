"""What passes through the proxy is on the tape as it was on the wire, and on the wire as if nobody listened."""

from __future__ import annotations

import asyncio
import hashlib
import socket
from collections.abc import Callable
from typing import Any

import pytest

from captures.model import CauseHow, Direction, Failure, FailureKind
from captures.service import free_port
from captures.store import Capture
from recorder.listeners import LOOPBACK, Listener, Role, Target
from tests.recorder.conftest import Lab, answering, ask, connect, head, inbound, outbound, read_all, read_until, until

STREAMS = ("application/x-ndjson", "multipart/x-mixed-replace", "application/json")
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"


def get(path: bytes = b"/", *headers: bytes) -> bytes:
    return b"\r\n".join([b"GET " + path + b" HTTP/1.1", b"Host: shop.test", *headers, b"", b""])


def test_heads_are_kept_byte_for_byte(lab: Lab) -> None:
    answer = (
        b"HTTP/1.1 299 Fine By Me\r\nX-Two: b\r\nSet-Cookie: a=1\r\nx-two: a\r\nSet-Cookie: b=2\r\n"
        b"Latin: caf\xe9\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    )
    target = b"/a%2Fb//c/../d;p=1?x=1&x=1&&y=%7E~&empty"
    port = lab.origin(answering(answer))
    with lab.recording(inbound(port)) as proxy:
        received = ask(proxy.port(), get(target, b"accept: */*", b"X-Dup: 1", b"x-dup: 2", b"Latin: \xfc"))
    assert received == answer
    exchange = lab.only()
    assert exchange.direction is Direction.INBOUND
    request = exchange.request
    assert (request.method, request.scheme, request.host, request.port) == ("GET", "http", LOOPBACK, port)
    assert request.target == target
    assert request.headers == (
        (b"Host", b"shop.test"), (b"accept", b"*/*"), (b"X-Dup", b"1"), (b"x-dup", b"2"), (b"Latin", b"\xfc"),
    )  # fmt: skip
    response = exchange.response
    assert response is not None
    assert (response.status, response.reason) == (299, b"Fine By Me")
    assert response.headers == (
        (b"X-Two", b"b"), (b"Set-Cookie", b"a=1"), (b"x-two", b"a"), (b"Set-Cookie", b"b=2"),
        (b"Latin", b"caf\xe9"), (b"Content-Length", b"0"), (b"Connection", b"close"),
    )  # fmt: skip
    timing = exchange.timing
    assert timing.request_done is not None
    assert timing.response_started is not None
    assert timing.ended is not None
    assert timing.started <= timing.request_done <= timing.response_started <= timing.ended


def test_bodies_keep_their_content_coding_and_lose_their_chunks(lab: Lab) -> None:
    import gzip

    packed = gzip.compress(b"x" * 1000)
    chunked = b"%x\r\n%s\r\n0\r\n\r\n" % (len(packed), packed)
    port = lab.origin(
        answering(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Encoding: gzip\r\n\r\n" + chunked, body=5)
    )
    with lab.recording(inbound(port)) as proxy, connect(proxy.port()) as client:
        client.sendall(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello")
        assert packed in read_until(client, b"0\r\n\r\n")
    exchange = lab.only()
    assert exchange.request.body == b"hello"
    assert exchange.response is not None
    assert exchange.response.body == packed


@pytest.mark.slow
def test_the_service_sees_what_the_client_sent(lab: Lab) -> None:
    seen = bytearray()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.extend(await head(reader))
        writer.write(OK)
        await writer.drain()

    request = get(b"/%2e%2E//x?", b"x-B: 1", b"Accept-Encoding: identity", b"X-B: 2", b"Odd Name: 1", b"Empty:")
    with lab.recording(inbound(lab.origin(handle))) as proxy:
        ask(proxy.port(), request)
    assert bytes(seen).replace(b"Empty: \r\n", b"Empty:\r\n") == request


@pytest.mark.parametrize(
    ("answer", "body"),
    [
        pytest.param(b"HTTP/1.0 200 OK\r\n\r\nuntil the end", b"until the end", id="http-1.0-without-length"),
        pytest.param(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n", b"", id="no-content"),
        pytest.param(b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\nConnection: close\r\n\r\n", b"", id="304"),
    ],
)
@pytest.mark.slow
def test_framings(lab: Lab, answer: bytes, body: bytes) -> None:
    with lab.recording(inbound(lab.origin(answering(answer)))) as proxy:
        assert ask(proxy.port(), get()) == answer
    response = lab.only().response
    assert response is not None
    assert response.body == body


@pytest.mark.slow
def test_a_head_request_keeps_its_length_and_has_no_body(lab: Lab) -> None:
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\nConnection: close\r\n\r\n"
    with lab.recording(inbound(lab.origin(answering(answer)))) as proxy:
        assert ask(proxy.port(), b"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n") == answer
    response = lab.only().response
    assert response is not None
    assert (b"Content-Length", b"500") in response.headers
    assert lab.only().failure is None


def test_exchanges_of_one_connection_share_its_name_and_keep_their_order(lab: Lab) -> None:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            line = await head(reader)
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n" + line[5:6])
            await writer.drain()

    with lab.recording(inbound(lab.origin(handle))) as proxy:
        with connect(proxy.port()) as client:
            client.sendall(get(b"/1") + get(b"/2"))  # pipelined
            read_until(client, b"\r\n\r\n2")
        with connect(proxy.port()) as client:
            client.sendall(get(b"/3"))
            read_until(client, b"3")
    exchanges = lab.exchanges()
    assert [one.request.target for one in exchanges] == [b"/1", b"/2", b"/3"]
    assert [one.id for one in exchanges] == [1, 2, 3]
    first, second, third = (one.connection for one in exchanges)
    assert first == second != third


# -- bodies that do not wait ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "media",
    ["text/event-stream", *(pytest.param(media, marks=pytest.mark.slow) for media in STREAMS)],
)
def test_the_client_gets_the_first_byte_at_once(lab: Lab, media: str) -> None:
    go_on = asyncio.Event()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await head(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: %s\r\n\r\ndata: 1\n\n" % media.encode())
        await go_on.wait()
        writer.write(b"data: 2\n\n")
        await writer.drain()

    port = lab.origin(handle)
    with lab.recording(inbound(port)) as proxy, connect(proxy.port()) as client:
        client.sendall(get())
        read_until(client, b"data: 1\n\n")  # the origin has not even written the second
        lab.call(go_on.set)
        read_all(client)
    response = lab.only().response
    assert response is not None
    assert response.body == b"data: 1\n\ndata: 2\n\n"


@pytest.mark.slow
def test_a_body_over_the_limit_keeps_its_beginning_and_its_length(lab: Lab) -> None:
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 300000\r\nConnection: close\r\n\r\n" + b"r" * 300_000
    port = lab.origin(answering(answer, body=200_000))
    with lab.recording(inbound(port), max_body=100_000) as proxy, connect(proxy.port()) as client:
        client.sendall(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 200000\r\n\r\n" + b"q" * 200_000)
        assert read_all(client) == answer
    exchange = lab.only()
    assert exchange.body_truncated
    assert exchange.response is not None
    assert exchange.response.body == b"r" * 65536
    assert exchange.request.body == b"q" * 65536
    assert exchange.notes == {
        "request_body_length": 200_000,
        "request_body_sha256": hashlib.sha256(b"q" * 200_000).hexdigest(),
        "response_body_length": 300_000,
        "response_body_sha256": hashlib.sha256(b"r" * 300_000).hexdigest(),
    }


@pytest.mark.slow
@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_a_large_upload_passes_through_and_is_kept(lab: Lab, framing: str) -> None:
    size = 6 * 1024 * 1024
    body = bytes(range(256)) * (size // 256)

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await head(reader)
        if framing == "length":
            await reader.readexactly(size)
        else:
            while (length := int(await reader.readline(), 16)) > 0:
                await reader.readexactly(length + 2)
            await reader.readline()
        writer.write(OK)
        await writer.drain()

    with lab.recording(inbound(lab.origin(handle))) as proxy, connect(proxy.port()) as client:
        if framing == "length":
            client.sendall(b"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % size + body)
        else:
            client.sendall(b"PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
            for start in range(0, size, 1 << 18):
                client.sendall(b"%x\r\n%s\r\n" % (1 << 18, body[start : start + (1 << 18)]))
            client.sendall(b"0\r\n\r\n")
        assert read_all(client).endswith(b"ok")
    exchange = lab.only()
    assert exchange.request.body == body
    assert not exchange.body_truncated


def test_an_answer_that_comes_before_the_request_is_complete(lab: Lab) -> None:
    answer = b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    size = 6 * 1024 * 1024

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await head(reader)
        writer.write(answer)
        await writer.drain()
        await reader.read()

    with lab.recording(inbound(lab.origin(handle))) as proxy, connect(proxy.port()) as client:
        client.sendall(b"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\nonly this" % size)
        assert read_until(client, b"\r\n\r\n") == answer
    exchange = lab.only()
    assert exchange.response is not None
    assert exchange.response.status == 413
    assert exchange.body_truncated
    assert exchange.request.body == b"only this"
    assert exchange.notes == {"early_response": True}


# -- what breaks ------------------------------------------------------------------------------------------------------


async def closes_without_answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await head(reader)


async def resets(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await head(reader)
    sock = writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    writer.transport.abort()


async def breaks_off(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await head(reader)
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this")
    await writer.drain()


async def breaks_off_chunked(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await head(reader)
    writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nonly this\r\n")
    await writer.drain()


async def talks_nonsense(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await head(reader)
    writer.write(b"SECRET-BANNER-1234 what?\r\n\r\n")
    await writer.drain()


@pytest.mark.parametrize(
    ("origin", "kind", "partial"),
    [
        (closes_without_answer, FailureKind.RESET, None),
        (resets, FailureKind.RESET, None),
        (breaks_off, FailureKind.TRUNCATED, b"only this"),
        (breaks_off_chunked, FailureKind.TRUNCATED, b"only this"),
        (talks_nonsense, FailureKind.PROTOCOL, None),
    ],
)
@pytest.mark.parametrize("role", [Role.INBOUND, pytest.param(Role.OUTBOUND, marks=pytest.mark.slow)])
@pytest.mark.slow
def test_a_failure_is_a_failure_on_both_sides(
    lab: Lab, origin: Callable[..., Any], kind: FailureKind, partial: bytes | None, role: Role
) -> None:
    port = lab.origin(origin)
    listener = inbound(port) if role is Role.INBOUND else outbound()
    prefix = b"" if role is Role.INBOUND else b"http://127.0.0.1:%d" % port
    with lab.recording(listener) as proxy:
        received = ask(proxy.port(), b"POST %s/pay HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi" % prefix)
    assert b"502" not in received, "an error page of the proxy reached the client"
    exchange = lab.only()
    assert exchange.failure is not None
    assert exchange.failure.kind is kind
    assert "SECRET" not in exchange.failure.detail
    assert exchange.request.body == b"hi"
    assert exchange.request.target == b"/pay"
    if partial is None:
        assert exchange.response is None
        assert received == b""
    else:
        assert exchange.response is not None
        assert exchange.response.body == partial
        assert partial in received


def test_nobody_listens(lab: Lab) -> None:
    port = free_port()
    with lab.recording(inbound(port), outbound()) as proxy:
        assert ask(proxy.port(0), get(b"/in")) == b""
        assert ask(proxy.port(1), b"GET http://localhost:%d/out HTTP/1.1\r\nHost: x\r\n\r\n" % port) == b""
    first, second = lab.exchanges()
    for exchange in (first, second):
        assert exchange.failure is not None
        assert exchange.failure.kind is FailureKind.CONNECT
        assert exchange.failure.detail == "connection refused"
        assert exchange.response is None
    assert (second.request.host, second.request.port) == ("localhost", port)


@pytest.mark.slow
def test_a_name_that_does_not_exist(lab: Lab) -> None:
    with lab.recording(outbound()) as proxy:
        assert ask(proxy.port(), b"GET http://nowhere.invalid/out HTTP/1.1\r\nHost: nowhere.invalid\r\n\r\n") == b""
    failure = lab.only().failure
    assert failure is not None
    assert failure.kind is FailureKind.CONNECT
    assert failure.detail == "the host name was not found"
    assert lab.only().dependency == "nowhere.invalid:80"


@pytest.mark.slow
def test_the_client_goes_away_while_waiting(lab: Lab) -> None:
    arrived = asyncio.Event()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await head(reader)
        arrived.set()
        await reader.read()

    with lab.recording(inbound(lab.origin(handle))) as proxy:
        with connect(proxy.port()) as client:
            client.sendall(get(b"/slow"))
            until(arrived.is_set)
        until(lambda: lab.count() == 1, "the exchange on disk")
    exchange = lab.only()
    assert exchange.failure is not None
    assert exchange.failure.kind is FailureKind.ABORTED
    assert exchange.request.target == b"/slow"


@pytest.mark.slow
def test_what_is_cut_when_the_recording_stops_says_so(lab: Lab) -> None:
    arrived = asyncio.Event()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await head(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\npartial")
        arrived.set()
        await reader.read()

    with lab.recording(inbound(lab.origin(handle)), drain=0.05) as proxy, connect(proxy.port()) as client:
        client.sendall(get(b"/slow"))
        until(arrived.is_set)
        read_until(client, b"partial")
        proxy.command("stop")
        until(lambda: proxy.has("done"))
    assert lab.only().failure == Failure(FailureKind.ABORTED, "recording stopped before it was complete")


@pytest.mark.slow
def test_the_client_goes_away_inside_its_upload(lab: Lab) -> None:
    with lab.recording(inbound(lab.origin(answering(OK, body=100)))) as proxy:
        with connect(proxy.port()) as client:
            client.sendall(b"POST /up HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\npartial")
        until(lambda: lab.count() == 1, "the exchange on disk")
    exchange = lab.only()
    assert exchange.failure is not None
    assert exchange.failure.kind is FailureKind.ABORTED
    assert exchange.request.body == b"partial"


# -- outbound ---------------------------------------------------------------------------------------------------------


def test_the_forward_proxy_names_where_it_went(lab: Lab) -> None:
    port = lab.origin(answering(OK))
    with lab.recording(outbound(), dependencies={f"localhost:{port}": "payments"}) as proxy:
        assert ask(proxy.port(), b"GET http://LocalHost:%d/p HTTP/1.1\r\nHost: LocalHost\r\n\r\n" % port) == OK
        assert ask(proxy.port(), b"GET http://127.0.0.1:%d/q HTTP/1.1\r\nHost: b\r\n\r\n" % port) == OK
    first, second = lab.exchanges()
    assert first.direction is Direction.OUTBOUND
    assert (first.dependency, first.request.host, first.request.target) == ("payments", "localhost", b"/p")
    assert (second.dependency, second.request.host) == (f"127.0.0.1:{port}", "127.0.0.1")


@pytest.mark.slow
def test_a_dependency_listener_addresses_its_server_by_its_own_name(lab: Lab) -> None:
    seen = bytearray()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.extend(await head(reader))
        writer.write(OK)
        await writer.drain()

    port = lab.origin(handle)
    listener = Listener(Role.DEPENDENCY, LOOPBACK, 0, Target("http", "localhost", port), "payments")
    with lab.recording(listener) as proxy:
        ask(proxy.port(), get(b"/charge"))
    assert b"Host: localhost:%d\r\n" % port in seen
    exchange = lab.only()
    assert exchange.dependency == "payments"
    assert (exchange.request.host, exchange.request.port) == ("localhost", port)
    assert exchange.request.headers == ((b"Host", b"localhost:%d" % port),)
    assert exchange.notes["host"] == "shop.test"


@pytest.mark.slow
def test_a_client_that_proxies_calls_to_a_dependency_listener_too(lab: Lab) -> None:
    port = lab.origin(answering(OK))
    listener = Listener(Role.DEPENDENCY, LOOPBACK, 0, Target("http", "localhost", port), "payments")
    with lab.recording(outbound(), listener) as proxy:
        call = b"GET http://127.0.0.1:%d/x HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" % proxy.port(1)
        assert ask(proxy.port(0), call) == OK
    exchange = lab.only()
    assert (exchange.dependency, exchange.request.host, exchange.request.port) == ("payments", "localhost", port)
    assert exchange.request.headers == ((b"Host", b"localhost:%d" % port),)


@pytest.mark.slow
def test_a_service_that_calls_itself_through_its_front_door(lab: Lab) -> None:
    port = lab.origin(answering(OK))
    with lab.recording(inbound(port), outbound()) as proxy:
        call = b"GET http://localhost:%d/x HTTP/1.1\r\nHost: a\r\n\r\n" % proxy.port(0)
        assert ask(proxy.port(1), call) == OK
    assert [one.direction for one in lab.exchanges()] == [Direction.OUTBOUND, Direction.INBOUND]


@pytest.mark.slow
def test_a_loop_through_the_forward_proxy_is_broken(lab: Lab) -> None:
    with lab.recording(outbound()) as proxy:
        assert ask(proxy.port(), b"GET http://127.0.0.1:%d/x HTTP/1.1\r\nHost: a\r\n\r\n" % proxy.port()) == b""
    assert lab.only().failure is not None


def test_an_outbound_call_is_linked_to_what_caused_it(lab: Lab) -> None:
    ports: dict[str, int] = {}
    dependency = lab.origin(answering(OK))

    async def service(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await head(reader)
        trace = [line for line in request.split(b"\r\n") if line.startswith(b"traceparent")]
        out_reader, out_writer = await asyncio.open_connection(LOOPBACK, ports["outbound"])
        call = [b"GET http://127.0.0.1:%d/dep HTTP/1.1" % dependency, b"Host: dep", *trace, b"", b""]
        out_writer.write(b"\r\n".join(call))
        await out_reader.read()
        out_writer.close()
        writer.write(OK)
        await writer.drain()

    port = lab.origin(service)
    with lab.recording(inbound(port), outbound()) as proxy:
        ports["outbound"] = proxy.port(1)
        ask(proxy.port(), get(b"/window"))
        trace = b"traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
        ask(proxy.port(), get(b"/traced", trace))
        ask(ports["outbound"], b"GET http://127.0.0.1:%d/background HTTP/1.1\r\nHost: d\r\n\r\n" % dependency)
    by_id = {one.id: one for one in lab.exchanges()}
    causes = [one.cause for one in by_id.values() if one.direction is Direction.OUTBOUND]
    assert [cause.how for cause in causes if cause] == [CauseHow.WINDOW, CauseHow.TRACE_HEADER, CauseHow.NONE]
    assert [by_id[cause.exchange].request.target for cause in causes if cause and cause.exchange] == [
        b"/window", b"/traced",
    ]  # fmt: skip


# -- the rest ---------------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_protocol_switch_passes_and_is_recorded_as_its_handshake(lab: Lab) -> None:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await head(reader)
        writer.write(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: chatter\r\nConnection: Upgrade\r\n\r\n")
        while data := await reader.read(100):
            writer.write(data.upper())
            await writer.drain()

    with lab.recording(inbound(lab.origin(handle))) as proxy, connect(proxy.port()) as client:
        client.sendall(get(b"/chat", b"Upgrade: chatter", b"Connection: Upgrade"))
        read_until(client, b"\r\n\r\n")
        client.sendall(b"hello")
        assert read_until(client, b"HELLO") == b"HELLO"
    response = lab.only().response
    assert response is not None
    assert response.status == 101
    assert lab.only().notes == {"upgrade": "chatter"}
    assert proxy.last("done")["opaque"] == {}, "the exchange says it"


@pytest.mark.slow
def test_an_h2c_upgrade_is_recorded_and_not_passed_on(lab: Lab) -> None:
    seen = bytearray()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.extend(await head(reader))
        writer.write(OK)
        await writer.drain()

    offer = (b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c", b"HTTP2-Settings: AAMAAABkAAQAAP__")
    with lab.recording(inbound(lab.origin(handle))) as proxy:
        assert ask(proxy.port(), get(b"/", *offer)) == OK
    assert b"h2c" not in seen
    assert (b"Upgrade", b"h2c") in lab.only().request.headers


@pytest.mark.slow
def test_two_recordings_into_one_capture_are_two_sessions(lab: Lab) -> None:
    for path in (b"/one", b"/two"):
        with lab.recording(inbound(lab.origin(answering(OK)))) as proxy:
            ask(proxy.port(), get(path))
    with Capture.open(lab.capture) as capture:
        assert [session.written for session in capture.sessions()] == [1, 1]
        assert capture.check() == []
    assert [(one.session, one.request.target) for one in lab.exchanges()] == [(1, b"/one"), (2, b"/two")]
