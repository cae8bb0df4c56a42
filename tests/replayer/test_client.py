from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from captures.errors import UsageError
from captures.model import FailureKind, Headers, Request
from captures.service import free_port
from captures.trust import Authority
from replayer.client import Client, Outcome, Target

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def ask(method: str = "GET", target: bytes = b"/", headers: Headers = ((b"Host", b"h"),), body: bytes = b"") -> Request:
    return Request(method, "http", "h", 80, target, headers, body)


@asynccontextmanager
async def serving(handler: Handler, tls: object = None):  # type: ignore[no-untyped-def]
    server = await asyncio.start_server(handler, "127.0.0.1", 0, ssl=tls)  # type: ignore[arg-type]
    scheme = "https" if tls else "http"
    client = Client(Target(scheme, "127.0.0.1", server.sockets[0].getsockname()[1]), timeout=5)
    try:
        yield client
    finally:
        await client.close()
        server.close()


def once(handler: Handler, request: Request, **more: str) -> Outcome:
    async def run() -> Outcome:
        async with serving(handler) as client:
            return await client.send(request, **more)  # type: ignore[no-any-return]

    return asyncio.run(run())


def answers(data: bytes, *, close: bool = True) -> Handler:
    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(data)
        if not close:
            await reader.read()  # until the client goes
        writer.close()

    return handler


def resets(data: bytes = b"") -> Handler:
    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        if data:
            writer.write(data)
            await writer.drain()
            await asyncio.sleep(0.05)
        sock = writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()

    return handler


def test_the_request_arrives_byte_for_byte() -> None:
    seen: list[bytes] = []

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(OK)

    headers = ((b"HOST", b"shop:1"), (b"x-a", b"1"), (b"X-A", b"\xff"), (b"x-a", b"3"))
    outcome = once(handler, ask(target=b"/%2F//a?b=%20&b=1&", headers=headers))
    assert seen == [b"GET /%2F//a?b=%20&b=1& HTTP/1.1\r\nHOST: shop:1\r\nx-a: 1\r\nX-A: \xff\r\nx-a: 3\r\n\r\n"]
    assert outcome.response is not None
    assert outcome.response.body == b"ok"
    assert outcome.failure is None


def test_redirects_are_not_followed() -> None:
    outcome = once(answers(b"HTTP/1.1 302 Found\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n"), ask())
    assert outcome.response is not None
    assert outcome.response.status == 302


@pytest.mark.parametrize(
    ("handler", "kind", "body"),
    [
        (resets(), FailureKind.RESET, None),
        (answers(b""), FailureKind.RESET, None),
        (answers(b"HTTP/1.1 200 OK\r\nCont"), FailureKind.RESET, None),
        (answers(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"), FailureKind.TRUNCATED, b"half"),
        (answers(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n"), FailureKind.TRUNCATED, b"half"),  # noqa: E501
        (resets(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"), FailureKind.TRUNCATED, b"half"),
        (answers(b"+PONG\r\n"), FailureKind.PROTOCOL, None),
    ],
)  # fmt: skip
def test_failures_are_told_apart(handler: Handler, kind: FailureKind, body: bytes | None) -> None:
    outcome = once(handler, ask())
    assert outcome.failure is not None
    assert outcome.failure.kind is kind
    assert (outcome.response.body if outcome.response else None) == body


def test_nobody_listens() -> None:
    async def run() -> Outcome:
        return await Client(Target("http", "127.0.0.1", free_port())).send(ask())

    failure = asyncio.run(run()).failure
    assert failure is not None
    assert failure.kind is FailureKind.CONNECT


@pytest.mark.parametrize(
    ("said", "kind"),
    [(b"", FailureKind.TIMEOUT), (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", FailureKind.TRUNCATED)],
)
def test_no_answer_in_time(said: bytes, kind: FailureKind) -> None:
    async def run() -> Outcome:
        async with serving(answers(said, close=False)) as client:
            client._timeout = 0.1
            return await client.send(ask())  # type: ignore[no-any-return]

    outcome = asyncio.run(run())
    assert outcome.failure is not None
    assert outcome.failure.kind is kind
    assert (outcome.response is None) == (not said)


def test_exchanges_share_a_connection_as_recorded() -> None:
    connections = 0

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        while await reader.readline():
            await reader.readuntil(b"\r\n")
            await reader.readuntil(b"\r\n")
            writer.write(OK)

    async def run() -> None:
        async with serving(handler) as client:
            for connection in ("a", "a", "b", "a", "b", ""):
                assert (await client.send(ask(), connection=connection)).response is not None

    asyncio.run(run())
    assert connections == 3


@pytest.mark.parametrize(("method", "kind"), [("GET", None), ("POST", FailureKind.RESET)])
def test_a_connection_the_server_gave_up_is_opened_anew_where_that_is_safe(
    method: str, kind: FailureKind | None
) -> None:
    """The server closes as the second request arrives: only a method that may be repeated is sent again."""
    served = 0

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal served
        await reader.readuntil(b"\r\n\r\n")
        served += 1
        writer.write(OK)
        if served == 1:
            await reader.readuntil(b"\r\n\r\n")
            writer.close()

    async def run() -> Outcome:
        async with serving(handler) as client:
            await client.send(ask(), connection="a")
            return await client.send(ask(method), connection="a")  # type: ignore[no-any-return]

    failure = asyncio.run(run()).failure
    assert (failure.kind if failure else None) is kind


def test_interim_responses_and_head() -> None:
    outcome = once(answers(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n"), ask("HEAD"))
    assert outcome.failure is None
    assert outcome.response is not None
    assert outcome.response.status == 200


def test_https_on_loopback_needs_no_known_certificate(tmp_path: Path) -> None:
    authority = Authority.load_or_create(tmp_path)

    async def run() -> Outcome:
        async with serving(answers(OK), authority.leaf_context("elsewhere.test")) as client:
            return await client.send(ask())  # type: ignore[no-any-return]

    assert asyncio.run(run()).failure is None


def test_https_where_http_is_spoken_is_a_tls_failure() -> None:
    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(10)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    async def plain() -> Outcome:
        async with serving(handler) as client:
            return await Client(Target("https", client.target.host, client.target.port)).send(ask())

    failure = asyncio.run(plain()).failure
    assert failure is not None
    assert failure.kind is FailureKind.TLS


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("http://127.0.0.1:8000", Target("http", "127.0.0.1", 8000)),
        ("localhost:1", Target("http", "localhost", 1)),
        ("https://a.test/", Target("https", "a.test", 443)),
        ("http://[::1]:5", Target("http", "::1", 5)),
    ],
)
def test_targets(text: str, target: Target) -> None:
    assert Target.parse(text) == target
    assert Target.parse(str(target)) == target


@pytest.mark.parametrize("text", ["ftp://a", "http://", "http://a/b", "http://a?x", "http://a:99999", "http://u:p@a"])
def test_a_target_that_is_none(text: str) -> None:
    with pytest.raises(UsageError):
        Target.parse(text)
