"""A stage on which one transcript is played by a client and an origin on raw sockets, with or without us in between.

A transcript is read in order by one coroutine that plays both, so that nothing depends on who is quicker.
"""

from __future__ import annotations

import asyncio
import re
import socket
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from recorder.listeners import LOOPBACK
from recorder.mends.connections import LINGER_NONE
from tests.recorder.conftest import DEADLINE

FIRST = b"GET /first HTTP/1.1\r\nHost: shop\r\n\r\n"
READY = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nready"


class End:
    """One end of a connection, and what has come there."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writer = writer
        self.got = bytearray()
        self.ended = "open"  # or "orderly", or "reset"
        self.task = asyncio.ensure_future(self._read(reader))

    async def _read(self, reader: asyncio.StreamReader) -> None:
        try:
            while data := await reader.read(65536):
                self.got += data
            self.ended = "orderly"
        except OSError:
            self.ended = "reset"

    def send(self, data: bytes) -> None:
        """Send ``data``, if that is still possible."""
        if not self.writer.is_closing():
            self.writer.write(data)

    def close(self) -> None:
        """End both directions, in an orderly way."""
        self.writer.close()

    def half_close(self) -> None:
        """End what this side says."""
        self.writer.write_eof()

    def reset(self) -> None:
        """End by a reset, where there is no TLS; otherwise at once and without a word."""
        raw = self.writer.get_extra_info("socket")
        if self.writer.get_extra_info("ssl_object") is None:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_NONE)
        self.writer.transport.abort()


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a transcript: who does what with which bytes."""

    who: str
    does: str
    data: bytes = b""


def client(data: bytes) -> Line:
    """The client sends ``data``."""
    return Line("client", "send", data)


def origin(data: bytes) -> Line:
    """The origin sends ``data``."""
    return Line("origin", "send", data)


def client_sees(data: bytes) -> Line:
    """Wait until ``data`` is in what has come to the client since the play began."""
    return Line("client", "sees", data)


def origin_sees(data: bytes) -> Line:
    """Wait until ``data`` is in what has come to the origin on its latest connection."""
    return Line("origin", "sees", data)


CLIENT_CLOSES, CLIENT_RESETS = Line("client", "close"), Line("client", "reset")
ORIGIN_CLOSES, ORIGIN_RESETS = Line("origin", "close"), Line("origin", "reset")
CLIENT_HALF_CLOSES = Line("client", "half_close")
CLIENT_ENDS, ORIGIN_ENDS = Line("client", "ended"), Line("origin", "ended")
CLIENT_PAUSES, ORIGIN_PAUSES = Line("client", "pause"), Line("origin", "pause")
ORIGIN_AGAIN = Line("origin", "again")  # it is connected to once more


@dataclass(slots=True)
class Seen:
    """What was seen of a play, from when the connection was ready for it."""

    client: bytes = b""
    client_ended: str = "open"
    origin: list[bytes] = field(default_factory=list)  # for each connection
    origin_ended: list[str] = field(default_factory=list)


class Stage:
    """Plays transcripts one after the other. Lives in the loop of scripted servers."""

    def __init__(self, connected: list[End]) -> None:
        self._connected = connected  # the origin's ends, of all plays

    async def play(
        self,
        script: Sequence[Line],
        port: int,
        *,
        tunnel: tuple[int, ssl.SSLContext] | None = None,
        at: bytes = b"",
        host: bytes = b"shop",
    ) -> Seen:
        """Play ``script`` at ``port`` (through a ``tunnel`` to another, or in absolute form ``at`` a host).

        ``host``: as the origin is told it.
        """
        known = len(self._connected)
        reader, writer = await asyncio.open_connection(LOOPBACK, port)
        if tunnel is not None:
            writer.write(b"CONNECT localhost:%d HTTP/1.1\r\nHost: localhost\r\n\r\n" % tunnel[0])
            await reader.readuntil(b"\r\n\r\n")
            await writer.start_tls(tunnel[1], server_hostname="localhost")
        end = End(reader, writer)
        end.send(_absolute(FIRST, at))
        await self._until(lambda: len(self._connected) > known and b"\r\n\r\n" in self._connected[-1].got)
        self._connected[-1].send(READY)
        await self._until(lambda: end.got == READY)
        end.got.clear()
        self._connected[-1].got.clear()
        for line in script:
            if line.who == "origin":
                line = replace(line, data=line.data.replace(b"Host: shop", b"Host: " + host))
            await self._do(line, end, self._connected[-1], at)
        for one in (end, *self._connected[known:]):
            if one.writer.is_closing():
                await one.task
        seen = Seen(bytes(end.got), end.ended, [bytes(one.got) for one in self._connected[known:]])
        seen.origin_ended = [one.ended for one in self._connected[known:]]
        await self._strike(end, self._connected[known:])
        return seen

    async def _do(self, line: Line, client: End, origin: End, at: bytes) -> None:
        end = client if line.who == "client" else origin
        if line.does == "send":
            end.send(_absolute(line.data, at) if end is client else line.data)
        elif line.does == "sees":
            await self._until(lambda: line.data in end.got, f"the {line.who} sees {line.data[-60:]!r}")
        elif line.does == "ended":
            await self._until(lambda: end.ended != "open", f"the {line.who}'s connection ends")
        elif line.does == "gets":  # in whatever cut: its end is there
            await self._until(lambda: end.got.endswith(line.data[-2:]), f"the {line.who} gets {line.data[-60:]!r}")
        elif line.does == "pause":
            await self._until(lambda: not end.writer.transport.get_write_buffer_size())
            await asyncio.sleep(0.05)  # so that it is read by itself: the play ends the same where it is not
        elif line.does == "again":
            await self._until(lambda: self._connected[-1] is not origin, "another connection")
        else:
            getattr(end, line.does)()

    async def _strike(self, client: End, origins: list[End]) -> None:
        """The client leaves, and nobody stays behind."""
        for one in (client, *origins):
            one.close()
        await asyncio.wait([one.task for one in (client, *origins)])

    async def _until(self, condition: Callable[[], Any], what: str = "it") -> None:
        async with asyncio.timeout(DEADLINE):
            try:
                while not condition():
                    await asyncio.sleep(0.002)
            except asyncio.CancelledError:
                raise AssertionError(f"{what} did not come true") from None


def _absolute(data: bytes, at: bytes) -> bytes:
    """The requests in ``data`` in the form a proxy is asked in."""
    return re.sub(rb"(?m)^((?:GET|HEAD|POST|PUT|purge) )/", rb"\1http://" + at + b"/", data) if at else data
