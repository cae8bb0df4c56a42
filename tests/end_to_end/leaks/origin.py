"""A server that answers as it is told: raw HTTP/1, HTTP/2 with gRPC, WebSocket with compression."""

from __future__ import annotations

import asyncio
from typing import Any

import h2.config
import h2.connection
import h2.events
import wsproto
from wsproto.events import AcceptConnection, CloseConnection, Message, Request, TextMessage
from wsproto.extensions import PerMessageDeflate


class Origin:
    """Serves connections: ``script`` has by path (without its query) what is sent, piece by piece, where ``RESET``
    breaks the connection off; ``grpc`` the headers, the body and the trailers of each HTTP/2 call."""

    def __init__(self, script: dict[bytes, list[bytes]]) -> None:
        self.script = script
        self.grpc: dict[bytes, tuple[list[tuple[str, str]], bytes, list[tuple[str, str]]]] = {}
        self.words: list[str] = []  # what is said to the client of a WebSocket

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, for ``Loop.origin``."""
        data = await reader.read(65536)
        if data.startswith(b"PRI * HTTP/2.0"):
            await self._http2(data, reader, writer)
        elif b"upgrade: websocket" in data.lower():
            await self._websocket(data, reader, writer)
        else:
            await self._http1(data, reader, writer)

    async def _http1(self, data: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            while b"\r\n\r\n" not in data:
                more = await reader.read(65536)
                if not more:
                    return
                data += more
            head, _, rest = data.partition(b"\r\n\r\n")
            rest = await self._body(head, rest, reader)
            path = head.split(b" ", 2)[1].partition(b"?")[0]
            pieces = self.script.get(path, [b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"])
            for piece in pieces:
                if piece == b"RESET":
                    transport: Any = writer.transport
                    transport.abort()
                    return
                writer.write(piece)
                await writer.drain()
            data = rest

    async def _body(self, head: bytes, rest: bytes, reader: asyncio.StreamReader) -> bytes:
        """Reads the body; what stands behind it."""
        lower = head.lower()
        if b"\r\ntransfer-encoding: chunked" in lower:
            while b"\r\n0\r\n" not in b"\r\n" + rest or not rest.endswith(b"\r\n\r\n"):
                more = await reader.read(65536)
                if not more:
                    return b""
                rest += more
            return b""
        if b"\r\ncontent-length: " in lower:
            length = int(lower.partition(b"\r\ncontent-length: ")[2].partition(b"\r\n")[0])
            while len(rest) < length:
                more = await reader.read(65536)
                if not more:
                    return b""
                rest += more
            return rest[length:]
        return rest

    async def _http2(self, data: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False, header_encoding=None))
        server.initiate_connection()
        paths: dict[int, bytes] = {}
        while data:
            for event in server.receive_data(data):
                if isinstance(event, h2.events.RequestReceived):
                    paths[event.stream_id] = dict(event.headers)[b":path"].partition(b"?")[0]
                if isinstance(event, h2.events.DataReceived):
                    server.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
                if isinstance(event, h2.events.StreamEnded):
                    headers, body, trailers = self.grpc[paths[event.stream_id]]
                    server.send_headers(event.stream_id, headers)
                    server.send_data(event.stream_id, body)
                    server.send_headers(event.stream_id, trailers, end_stream=True)
            writer.write(server.data_to_send())
            await writer.drain()
            data = await reader.read(65536)

    async def _websocket(self, data: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server = wsproto.WSConnection(wsproto.ConnectionType.SERVER)
        while data:
            server.receive_data(data)
            for event in server.events():
                if isinstance(event, Request):
                    writer.write(server.send(AcceptConnection(extensions=[PerMessageDeflate()])))
                    for word in self.words:
                        for part, last in ((word[:9], False), (word[9:], True)):  # in two fragments
                            writer.write(server.send(Message(part, message_finished=last)))
                elif isinstance(event, TextMessage) and event.data == "bye":
                    writer.write(server.send(CloseConnection(1000, reason="over")))
                elif isinstance(event, CloseConnection):
                    return
            await writer.drain()
            data = await reader.read(65536)
