from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from captures.model import FailureKind
from captures.service import free_port
from captures.trust import Authority
from replayer import loops
from replayer.client import MAX_IDLE, Client, Outcome, Target
from replayer.plan import Connections
from tests.replayer.wire.servers import OK, answers, ask, once, serving


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


def test_nobody_listens() -> None:
    async def run() -> Outcome:
        return await Client(Target("http", "127.0.0.1", free_port())).send(ask())

    failure = asyncio.run(run()).failure
    assert failure is not None
    assert failure.kind is FailureKind.CONNECT


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


async def echoes(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answers each request with its target, a little later for the odd ones, on one connection after the other."""
    while line := await reader.readline():
        await reader.readuntil(b"\r\n\r\n")
        target = line.split()[1]
        await asyncio.sleep(0.001 * (target[-1] % 2))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(target), target))


@pytest.mark.slow
@pytest.mark.parametrize("run", [asyncio.run, loops.run], ids=["asyncio", "fastest loop"])
@pytest.mark.parametrize("connections", Connections)
def test_many_requests_at_once_each_get_their_own_answer(connections: Connections, run: Callable[[Any], Any]) -> None:
    made = 0

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal made
        made += 1
        await echoes(reader, writer)

    async def sent() -> None:
        async with serving(handler, connections=connections) as client:
            gate = asyncio.Semaphore(50)

            async def one(number: int) -> None:
                async with gate:
                    outcome = await client.send(ask(target=b"/%d" % number), connection=f"c{number % 3}")
                assert outcome.response is not None
                assert outcome.response.body == b"/%d" % number

            await asyncio.gather(*(one(number) for number in range(1000)))
            assert len(client._idle) <= max(MAX_IDLE, 50)

    run(sent())
    assert made == 50 if connections is Connections.POOLED else 50 <= made < 200


def test_pooled_requests_share_what_is_free_whatever_they_were_recorded_on() -> None:
    made = 0

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal made
        made += 1
        await echoes(reader, writer)

    async def run() -> None:
        async with serving(handler, connections=Connections.POOLED) as client:
            for connection in ("a", "b", "", "c"):
                assert (await client.send(ask(), connection=connection)).response is not None

    asyncio.run(run())
    assert made == 1


def test_idle_connections_are_bounded_and_the_oldest_go_first() -> None:
    ended: list[int] = []
    made = 0

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal made
        made += 1
        number = made
        await echoes(reader, writer)
        ended.append(number)

    async def run() -> None:
        async with serving(handler) as client:
            for number in range(MAX_IDLE + 3):
                await client.send(ask(), connection=f"c{number}")
            assert len(client._idle) == MAX_IDLE
            while len(ended) < 3:
                await asyncio.sleep(0)
            assert ended == [1, 2, 3]

    asyncio.run(run())


@pytest.mark.slow
@pytest.mark.parametrize("tls", [False, True])
def test_a_connection_closed_while_idle_is_not_written_to(tls: bool, tmp_path: Path) -> None:
    """A POST may not be repeated, so the end must be seen before it is sent, however short ago it came."""
    heads: list[bytes] = []
    closed = asyncio.Event()

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(OK)
        writer.close()
        await writer.wait_closed()
        closed.set()

    async def run() -> None:
        context = Authority.load_or_create(tmp_path).leaf_context("a.test") if tls else None
        async with serving(handler, context) as client:
            for number in range(3):
                closed.clear()
                outcome = await client.send(ask("POST", headers=((b"N", b"%d" % number),)), connection="a")
                assert outcome.failure is None
                await closed.wait()

    asyncio.run(run())
    assert len(heads) == 3


def test_a_repeated_request_is_not_repeated_again() -> None:
    served = 0

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal served
        await reader.readuntil(b"\r\n\r\n")
        served += 1
        if served == 1:
            writer.write(OK)
            await reader.readuntil(b"\r\n\r\n")
        writer.close()

    async def run() -> Outcome:
        async with serving(handler) as client:
            await client.send(ask(), connection="a")
            return await client.send(ask(), connection="a")

    failure = asyncio.run(run()).failure
    assert failure is not None
    assert failure.kind is FailureKind.RESET
    assert served == 2


def test_a_cancelled_request_leaves_no_connection_behind() -> None:
    asked, ended = asyncio.Event(), asyncio.Event()

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        asked.set()
        with suppress(ConnectionError):
            await reader.read()
        ended.set()

    async def run() -> None:
        async with serving(handler) as client:
            task = asyncio.create_task(client.send(ask(), connection="a"))
            await asked.wait()
            task.cancel()
            async with asyncio.timeout(5):
                await ended.wait()
            assert task.cancelled()
            assert len(client._idle) == 0

    asyncio.run(run())


@pytest.mark.slow
def test_https_on_loopback_needs_no_known_certificate(tmp_path: Path) -> None:
    authority = Authority.load_or_create(tmp_path)

    async def run() -> Outcome:
        async with serving(answers(OK), authority.leaf_context("elsewhere.test")) as client:
            return await client.send(ask())  # type: ignore[no-any-return]

    assert asyncio.run(run()).failure is None
