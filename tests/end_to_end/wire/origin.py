"""A raw HTTP/1 server for what real servers will not do: ``python -m tests.end_to_end.wire.origin``.

The first word of the request's path names what it does. It prints its port as a JSON line.
"""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from collections.abc import Awaitable, Callable
from contextlib import suppress

Answer = Callable[["Talk"], Awaitable[None]]

OK = b"HTTP/1.1 200 OK\r\n"
LARGE = 6_000_000  # bytes: over what the recorder holds back of a request

ANSWERS: dict[str, bytes] = {
    "plain": OK + b"Content-Length: 5\r\nContent-Type: text/plain\r\n\r\nhello",
    "empty": OK + b"Content-Length: 0\r\n\r\n",
    "case-and-duplicates": OK
    + b"X-One: 1\r\nx-TWO: 2\r\nx-one: 3\r\nX-Empty:\r\nX-Latin: caf\xe9\r\nX-One: 1\r\nCONTENT-length: 2\r\n\r\nok",
    "cookies": OK + b"Set-Cookie: a=1; Path=/\r\nset-cookie: b=2\r\nSet-Cookie: a=3\r\nContent-Length: 2\r\n\r\nok",
    "folded": OK + b"X-Folded: one\r\n  two\r\n\tthree\r\nContent-Length: 2\r\n\r\nok",
    "bare-lf": b"HTTP/1.1 200 OK\nX-A: 1\nContent-Length: 2\n\nok",
    "reason": b"HTTP/1.1 200 All's w\xe9ll, mostly\r\nContent-Length: 2\r\n\r\nok",
    "no-reason": b"HTTP/1.1 200 \r\nContent-Length: 2\r\n\r\nok",
    "no-space": b"HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nok",
    "status-299": b"HTTP/1.1 299 Odd\r\nContent-Length: 2\r\n\r\nok",
    "status-599": b"HTTP/1.1 599 Odder\r\nContent-Length: 2\r\n\r\nok",
    "length-twice": OK + b"Content-Length: 2\r\nContent-Length: 2\r\n\r\nok",
    "until-close-1.0": b"HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\nuntil the end",
    "until-close-1.1": OK + b"Content-Type: text/plain\r\n\r\nuntil the end",
    "close": OK + b"Connection: close\r\nContent-Length: 2\r\n\r\nok",
    "chunked": OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n",
    "chunk-extension": OK + b'Transfer-Encoding: chunked\r\n\r\n5;a=b;c="d"\r\nhello\r\n0;last\r\n\r\n',
    "chunked-empty": OK + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "trailers": OK
    + b"Transfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n5\r\nhello\r\n0\r\nX-Sum: 1\r\nx-sum: 2\r\n\r\n",
    "early-hints": b"HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n"
    b"HTTP/1.1 103 Early Hints\r\nLink: </b.js>\r\n\r\n" + OK + b"Content-Length: 2\r\n\r\nok",
    "unasked-100": b"HTTP/1.1 100 Continue\r\n\r\n" + OK + b"Content-Length: 2\r\n\r\nok",
    "204": b"HTTP/1.1 204 No Content\r\nX-A: 1\r\n\r\n",
    "204-with-length": b"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n",
    "205": b"HTTP/1.1 205 Reset Content\r\nContent-Length: 0\r\n\r\n",
    "304": b'HTTP/1.1 304 Not Modified\r\nETag: "a"\r\nContent-Length: 100\r\n\r\n',
    "304-chunked": b'HTTP/1.1 304 Not Modified\r\nETag: "a"\r\nTransfer-Encoding: chunked\r\n\r\n',
    "head-length": OK + b"Content-Length: 1234\r\n\r\n",
    "head-chunked": OK + b"Transfer-Encoding: chunked\r\n\r\n",
    "head-neither": OK + b"X-A: 1\r\n\r\n",
    "large": OK + b"Content-Length: %d\r\n\r\n" % LARGE + bytes(range(250)) * (LARGE // 250),
    "large-head": OK + b"X-Large: " + b"x" * 60_000 + b"\r\nContent-Length: 2\r\n\r\nok",
    "unauthorized": b'HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm="a"\r\nContent-Length: 2\r\n\r\nno',
    "early-refusal": b"HTTP/1.1 413 Content Too Large\r\nConnection: close\r\nContent-Length: 2\r\n\r\nno",
}
"""Sent as they stand once the request has arrived; the connection stays open unless the answer closes it."""

UNREAD = ("early-refusal", "expect-refused", "expect-final")
"""Answered before the request's body arrives."""

BROKEN: dict[str, tuple[bytes, bool]] = {
    "cut-length": (OK + b"Content-Length: 10\r\n\r\nhello", False),
    "cut-chunked": (OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", False),
    "cut-chunk": (OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhel", False),
    "cut-head": (b"HTTP/1.1 200 OK\r\nX-A: ", False),
    "nothing": (b"", False),
    "reset": (b"", True),
    "reset-length": (OK + b"Content-Length: 10\r\n\r\nhello", True),
    "reset-until-close": (b"HTTP/1.0 200 OK\r\n\r\nhello", True),
}
"""What comes before the connection is closed, and whether it is closed by a reset."""


class Talk:
    """One connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self.writer = writer
        self.head = b""

    async def next(self) -> str:
        """Read the next request's head; what it asks for."""
        self.head = await self._reader.readuntil(b"\r\n\r\n")
        target = self.head.split(b" ", 2)[1]
        path = target.split(b"://", 1)[-1].partition(b"/")[2] if b"://" in target else target[1:]
        return path.partition(b"?")[0].partition(b"/")[0].decode()

    async def body(self) -> bytes:
        """Read the request's body as it stands."""
        fields = [line.partition(b":") for line in self.head.lower().split(b"\r\n")[1:]]
        named = {name: value.strip() for name, _, value in fields}
        if b"chunked" in named.get(b"transfer-encoding", b""):
            raw = b""
            while not raw.endswith(b"0\r\n\r\n") and not (b"\r\n0\r\n" in raw and raw.endswith(b"\r\n\r\n")):
                raw += await self._reader.readuntil(b"\r\n")
            return raw
        return await self._reader.readexactly(int(named.get(b"content-length", b"0")))

    async def send(self, data: bytes) -> None:
        """Send ``data``."""
        self.writer.write(data)
        await self.writer.drain()

    async def end(self, reset: bool = False) -> None:
        """Close, if need be so that the peer gets a reset."""
        if reset:
            # What was sent must have arrived: a reset takes what is still on its way along.
            raw = self.writer.get_extra_info("socket")
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            await asyncio.sleep(0.05)
        self.writer.close()


async def echo(talk: Talk) -> None:
    """The request as it came is the answer's body."""
    raw = talk.head + await talk.body()
    await talk.send(OK + b"Content-Type: application/octet-stream\r\nContent-Length: %d\r\n\r\n" % len(raw) + raw)


async def unchunked(talk: Talk) -> None:
    """The head of the request and its body without chunking are the answer's body."""
    raw = await talk.body()
    body, rest = b"", raw
    while rest:
        size, _, rest = rest.partition(b"\r\n")
        length = int(size.partition(b";")[0], 16)
        if not length:
            body += b"\n" + rest
            break
        body, rest = body + rest[:length], rest[length + 2 :]
    answer = talk.head + body
    await talk.send(OK + b"Content-Length: %d\r\n\r\n" % len(answer) + answer)


async def expect_granted(talk: Talk) -> None:
    """100 with a header of its own, then the echo."""
    await talk.send(b"HTTP/1.1 100 Go on\r\nX-Early: 1\r\n\r\n")
    await echo(talk)


async def expect_refused(talk: Talk) -> None:
    """417 in place of 100; the body is not read."""
    await talk.send(b"HTTP/1.1 417 Expectation Failed\r\nConnection: close\r\nContent-Length: 2\r\n\r\nno")
    await talk.end()


async def expect_final(talk: Talk) -> None:
    """A final answer in place of 100, on a connection that stays."""
    await talk.send(b"HTTP/1.1 403 Forbidden\r\nConnection: close\r\nContent-Length: 2\r\n\r\nno")


TALKS: dict[str, Answer] = {
    "echo": echo,
    "unchunked": unchunked,
    "expect-ignored": echo,
    "expect-granted": expect_granted,
    "expect-refused": expect_refused,
    "expect-final": expect_final,
}


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """One connection until it ends."""
    talk = Talk(reader, writer)
    with suppress(OSError, asyncio.IncompleteReadError):
        while not writer.is_closing():
            name = await talk.next()
            if name in TALKS:
                await TALKS[name](talk)
                continue
            if name not in UNREAD:
                await talk.body()
            if name in BROKEN:
                answer, reset = BROKEN[name]
                await talk.send(answer)
                await talk.end(reset)
                return
            await talk.send(ANSWERS[name])
            if b"connection: close" in ANSWERS[name].lower() or name.startswith("until-close"):
                break
    with suppress(OSError):
        writer.close()


async def main() -> None:
    """Serve until killed."""
    server = await asyncio.start_server(serve, "127.0.0.1", 0, limit=1 << 20)
    print(json.dumps({"event": "listening", "port": server.sockets[0].getsockname()[1]}), flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
