"""Targets that do exactly what a test says, byte for byte, and one client for each."""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

from captures.model import Headers, Request
from replayer.client import Client, Outcome, Target

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def ask(
    method: str = "GET",
    target: bytes = b"/",
    headers: Headers = ((b"Host", b"h"),),
    body: bytes = b"",
    version: str = "HTTP/1.1",
) -> Request:
    return Request(method, "http", "h", 80, target, headers, body, http_version=version)


@asynccontextmanager
async def serving(
    handler: Handler, tls: ssl.SSLContext | None = None, *, timeout: float = 5, **more: Any
) -> AsyncIterator[Client]:
    """A server that treats each connection as ``handler`` says, and a client of it."""
    tasks = set()

    async def quiet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        tasks.add(task)
        with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            await handler(reader, writer)

    server = await asyncio.start_server(quiet, "127.0.0.1", 0, ssl=tls)
    port = server.sockets[0].getsockname()[1]
    client = Client(Target("https" if tls else "http", "127.0.0.1", port), timeout=timeout, **more)
    try:
        yield client
    finally:
        await client.close()
        server.close()
        if tasks:
            _, rest = await asyncio.wait(tasks, timeout=0.1)  # to see the end of the connection
            for task in rest:
                task.cancel()
            await asyncio.gather(*rest)


def once(
    handler: Handler,
    request: Request,
    tls: ssl.SSLContext | None = None,
    *,
    run: Callable[[Any], Any] = asyncio.run,
    connection: str = "",
    **more: Any,
) -> Outcome:
    """What ``request`` comes to there."""

    async def sent() -> Outcome:
        async with serving(handler, tls, **more) as client:
            return await client.send(request, connection=connection)

    outcome: Outcome = run(sent())
    return outcome


def answers(data: bytes, *, close: bool = True) -> Handler:
    """Reads a head, says ``data``, and closes or waits until the client does."""

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(data)
        if not close:
            await reader.read()  # until the client goes
        writer.close()

    return handler


def resets(data: bytes = b"") -> Handler:
    """Says ``data``, waits until it has been taken, and resets the connection."""

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        sock = writer.get_extra_info("socket")
        if data:
            writer.write(data)
            await writer.drain()
            while _unacknowledged(sock):
                await asyncio.sleep(0)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()

    return handler


def drips(start: bytes, again: bytes) -> Handler:
    """Says ``start`` and then ``again`` and again, without an end."""

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(start)
        while True:
            writer.write(again)
            await writer.drain()
            await asyncio.sleep(0.005)

    return handler


async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Reads all and says nothing."""
    await reader.read()


async def slams(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Closes at once."""
    writer.close()


def _unacknowledged(sock: Any) -> bool:
    """Whether bytes are still on their way: tcpi_unacked. Only Linux says."""
    if not hasattr(socket, "TCP_INFO"):
        return False
    info = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 104)
    return bool(struct.unpack_from("I", info, 24)[0])
