"""The stub server: stands where the dependencies stood. It listens, reads requests, and writes what a desk answers.

A forward proxy (absolute-form and CONNECT, TLS by our own authority) and one reverse listener per ``--dependency``.
Nothing in this module can open a connection, so nothing the build says leaves the machine: not when the answers are
used up, not at CONNECT, not on an error (compare mitmproxy #8363 and #5024).
"""

from __future__ import annotations

import asyncio
import json
import ssl
from dataclasses import dataclass
from typing import Protocol

from captures.errors import UsageError
from captures.model import Failure, FailureKind, Headers, Request, Response, header
from captures.trust import Authority
from replayer.connect import CLIENT_HELLO, TlsChannel, parse_authority
from replayer.encoding import encode_response
from replayer.http1 import ProtocolError, RequestHead, RequestParser, keeps_alive

LOOPBACK = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Server:
    """A dependency as it was recorded: what a reverse listener stands for."""

    scheme: str
    host: str
    port: int


@dataclass(frozen=True, slots=True)
class Answer:
    """What to do about a request. A ``failure`` without a response: hold ``hold`` seconds, then break off."""

    response: Response | None
    failure: Failure | None = None
    hold: float = 0.0


class Desk(Protocol):
    """Decides the answers. Called on the event loop; must not block."""

    def refuse(self, host: str, port: int) -> bool:
        """Whether the tunnel to ``host:port`` is refused (recorded so)."""

    def answer(self, request: Request) -> Answer:
        """The answer to a complete request."""

    def distrusted(self, host: str, port: int, why: str) -> None:
        """The build gave up a TLS handshake with us."""


class StubServer:
    """All listeners of one replay, on one desk."""

    def __init__(self, desk: Desk, authority: Authority | None) -> None:
        self._desk = desk
        self._authority = authority
        self._servers: list[asyncio.Server] = []
        self._connections: set[_Connection] = set()
        self._stand_ins: dict[int, Server] = {}  # port of a listener -> the dependency it stands for

    async def listen(self, server: Server | None = None, *, host: str = LOOPBACK, port: int = 0) -> str:
        """Open a listener: the forward proxy, or one that stands for ``server``. Returns its base URL.

        Raises :class:`UsageError` when the port is taken.
        """
        loop = asyncio.get_running_loop()
        try:
            listening = await loop.create_server(lambda: _Connection(self, server), host, port, backlog=1024)
        except OSError as error:
            raise UsageError(
                f"Port {port} on {host} cannot be listened on: {error.strerror or error}.",
                hint="Choose another port, or 0 for any free one.",
            ) from error
        self._servers.append(listening)
        bound = listening.sockets[0].getsockname()
        if server is not None:
            self._stand_ins[bound[1]] = server
        shown = f"[{bound[0]}]" if ":" in bound[0] else bound[0]
        return f"http://{shown}:{bound[1]}"

    def meant(self, server: Server) -> Server:
        """What ``server`` stands for: a client with proxy variables reaches our own listeners through our proxy."""
        if server.host in ("localhost", "::1") or server.host.startswith("127."):
            return self._stand_ins.get(server.port, server)
        return server

    async def close(self) -> None:
        """Stop listening and drop every connection."""
        for server in self._servers:
            server.close()
        for connection in list(self._connections):
            connection.drop()
        for server in self._servers:
            await server.wait_closed()
        self._servers.clear()


class _Connection(asyncio.Protocol):
    """One connection of the build: proxied requests, a tunnel, or requests to one dependency."""

    def __init__(self, stubs: StubServer, server: Server | None) -> None:
        self._stubs = stubs
        self._server = server  # set: every request on this connection is for it
        self._stands_in = server is not None  # a reverse listener: the build knows us by another address
        self._parser = RequestParser()
        self._transport: asyncio.Transport | None = None
        self._tls: TlsChannel | None = None
        self._tunnel: tuple[str, int] | None = None  # after CONNECT, before its first byte
        self._held: asyncio.TimerHandle | None = None
        self._continued = False
        self._closed = False

    # -- asyncio.Protocol -----------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._stubs._connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._closed = True
        self._stubs._connections.discard(self)
        if self._held is not None:
            self._held.cancel()
        if self._tls is not None and not self._tls.established and self._tls.sni is not None:
            self._distrusted("the connection was closed inside the handshake")

    def data_received(self, data: bytes) -> None:
        if self._closed:
            return
        if self._tunnel is not None:
            self._enter_tunnel(data)
            return
        if self._tls is not None:
            plain = self._decrypt(data)
            if not plain:
                return
            data = plain
        self._parser.feed(data)
        if self._held is None:
            self._serve()

    def eof_received(self) -> bool:
        return False

    # -- requests -------------------------------------------------------------------------------------------------

    def _serve(self) -> None:
        """Answer every complete request there is."""
        try:
            while not self._closed and self._held is None and self._tunnel is None:
                head = self._parser.next_head()
                if head is None:
                    return
                message = self._parser.next_message()
                if message is None:
                    self._continue(head)
                    return
                self._continued = False
                if head.method == "CONNECT":
                    self._connect(head)
                else:
                    self._answer(*message)
        except (ProtocolError, ValueError) as error:
            self._complain(400, str(error))

    def _answer(self, head: RequestHead, body: bytes, trailers: Headers) -> None:
        named, target = self._destination(head)
        server = self._stubs.meant(named)
        headers = _addressed(head.headers, server) if self._stands_in or server != named else head.headers
        request = Request(
            method=head.method,
            scheme=server.scheme,
            host=server.host,
            port=server.port,
            target=target,
            headers=headers,
            body=body,
            trailers=trailers,
            http_version=head.version,
        )
        answer = self._stubs._desk.answer(request)
        if answer.hold > 0:
            loop = asyncio.get_running_loop()
            self._held = loop.call_later(answer.hold, self._release, head, answer)
        else:
            self._play(head, answer)

    def _release(self, head: RequestHead, answer: Answer) -> None:
        self._held = None
        self._play(head, answer)
        self._serve()

    def _play(self, head: RequestHead, answer: Answer) -> None:
        """Write the answer, or fail as was recorded.

        A recorded failure ends the connection without a word, which is what the service saw while it was recorded:
        the recorder closes its client's connection when a server refuses, resets or times out.
        """
        if self._closed:
            return
        if answer.response is None:
            self._close()
            return
        data, close = encode_response(answer.response, head.method, version=head.version)
        if answer.failure is not None and answer.failure.kind is not FailureKind.ABORTED:
            data = _broken_off(answer.response)
            close = True
        self._write(data)
        if close or not keeps_alive(head.version, head.headers):
            self._close()

    def _destination(self, head: RequestHead) -> tuple[Server, bytes]:
        """Which dependency a request is for, and its target in origin form. Raises ``ValueError``."""
        if self._server is not None:
            if head.target[:7].lower() == b"http://":  # absolute form is allowed towards any server: RFC 9112 3.2.2
                return self._server, _absolute(head.target)[1]
            return self._server, head.target
        if b"://" in head.target[:9]:
            return _absolute(head.target)
        host = header(head.headers, "host")
        if host is None:
            raise ValueError("the request names no server")
        name, port = parse_authority(host, 80)
        return Server("http", name, port), head.target

    def _continue(self, head: RequestHead) -> None:
        expected = header(head.headers, "expect")
        if expected is not None and expected.lower() == b"100-continue" and not self._continued:
            self._continued = True
            self._write(b"HTTP/1.1 100 Continue\r\n\r\n")

    # -- tunnels --------------------------------------------------------------------------------------------------

    def _connect(self, head: RequestHead) -> None:
        host, port = parse_authority(head.target, 443)
        meant = self._stubs.meant(Server("http", host, port))
        if self._stubs._desk.refuse(meant.host, meant.port):
            self._close()
            return
        self._tunnel = (host, port)
        rest = bytes(self._parser.buffer)
        self._parser = RequestParser()
        self._write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        if rest:
            self._enter_tunnel(rest)

    def _enter_tunnel(self, data: bytes) -> None:
        assert self._tunnel is not None
        (host, port), self._tunnel = self._tunnel, None
        authority = self._stubs._authority
        if data[0] != CLIENT_HELLO:
            self._server = Server("http", host, port)
        elif authority is None:
            self._close()
            return
        else:
            self._server = Server("https", host, port)
            self._tls = TlsChannel(host, authority.leaf_context)
        self.data_received(data)

    def _decrypt(self, data: bytes) -> bytes:
        assert self._tls is not None
        try:
            plain = self._tls.feed(data)
        except ssl.SSLError as error:
            if not self._tls.established:
                self._distrusted(error.reason or "the handshake failed")
            self._flush()
            self._close()
            return b""
        self._flush()
        return plain

    def _distrusted(self, why: str) -> None:
        if self._server is not None and self._tls is not None:
            self._tls.sni = None  # said once
            self._stubs._desk.distrusted(self._server.host, self._server.port, why)

    # -- bytes out ------------------------------------------------------------------------------------------------

    def _complain(self, status: int, why: str) -> None:
        body = json.dumps({"error": f"retape: not a request the stub server can read: {why}"}).encode()
        self._write(
            b"HTTP/1.1 %d Bad Request\r\nContent-Type: application/json\r\nContent-Length: %d\r\n"
            b"Connection: close\r\n\r\n%b" % (status, len(body), body)
        )
        self._close()

    def _write(self, data: bytes) -> None:
        if self._transport is None or self._closed:
            return
        if self._tls is not None:
            self._tls.write(data)
            self._flush()
        else:
            self._transport.write(data)

    def _flush(self) -> None:
        assert self._tls is not None
        pending = self._tls.pending()
        if pending and self._transport is not None:
            self._transport.write(pending)

    def _close(self) -> None:
        if self._transport is None or self._closed:
            return
        self._closed = True
        if self._tls is not None and self._tls.established:
            self._tls.end()
            self._flush()
        self._transport.close()

    def drop(self) -> None:
        """Close at once."""
        if self._held is not None:
            self._held.cancel()
        self._closed = True
        if self._transport is not None:
            self._transport.abort()


def _addressed(headers: Headers, server: Server) -> Headers:
    """``headers`` with the Host the dependency itself would get, as the recorder writes it down."""
    host = f"[{server.host}]" if ":" in server.host else server.host
    if server.port != {"http": 80, "https": 443}[server.scheme]:
        host += f":{server.port}"
    return tuple((name, host.encode("latin-1") if name.lower() == b"host" else value) for name, value in headers)


def _absolute(target: bytes) -> tuple[Server, bytes]:
    scheme, _, rest = target.partition(b"://")
    cut = min((index for index in (rest.find(b"/"), rest.find(b"?")) if index >= 0), default=len(rest))
    authority, path = rest[:cut].rpartition(b"@")[2], rest[cut:]
    name = scheme.decode("latin-1").lower()
    if name not in ("http", "https"):
        raise ValueError("the scheme is not http or https")
    host, port = parse_authority(authority, 443 if name == "https" else 80)
    return Server(name, host, port), path if path.startswith(b"/") else b"/" + path


def _broken_off(response: Response) -> bytes:
    """The head as recorded, with the length it promised, and the part of the body that came."""
    promised = header(response.headers, "content-length")
    data, _ = encode_response(response, "GET")
    if promised is not None:
        head, _, _ = data.partition(b"\r\n\r\n")
        lines = [
            b"Content-Length: " + promised if line.lower().startswith(b"content-length:") else line
            for line in head.split(b"\r\n")
        ]
        return b"\r\n".join(lines) + b"\r\n\r\n" + response.body
    return data[: -len(b"0\r\n\r\n")] if data.endswith(b"0\r\n\r\n") else data
