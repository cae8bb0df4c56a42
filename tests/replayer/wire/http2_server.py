"""A target that speaks HTTP/2 as a test says, on top of h2's server side."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import DataReceived, RequestReceived, StreamEnded
from h2.exceptions import ProtocolError
from h2.settings import Settings

from tests.replayer.wire.servers import Handler

Headers = list[tuple[bytes, bytes]]
OK: Headers = [(b":status", b"200")]


class Peer:
    """One connection: what came, and ways to answer. ``raw``: bytes past h2, for what it would refuse to say."""

    def __init__(self, writer: asyncio.StreamWriter, h2: H2Connection) -> None:
        self.writer = writer
        self.h2 = h2
        self.requests: dict[int, Headers] = {}
        self.bodies: dict[int, bytes] = {}
        self.events: list[str] = []

    def answer(self, stream: int, body: bytes = b"", headers: Headers = OK, trailers: Headers | None = None) -> None:
        self.h2.send_headers(stream, headers, end_stream=not body and trailers is None)
        if body:
            self.h2.send_data(stream, body, end_stream=trailers is None)
        if trailers is not None:
            self.h2.send_headers(stream, trailers, end_stream=True)
        self.flush()

    def raw(self, data: bytes) -> None:
        self.flush()
        self.writer.write(data)

    def flush(self) -> None:
        self.writer.write(self.h2.data_to_send())


def frame(kind: int, stream: int, payload: bytes = b"", flags: int = 0) -> bytes:
    """A frame's bytes (RFC 9113 4.1)."""
    return len(payload).to_bytes(3) + bytes((kind, flags)) + stream.to_bytes(4) + payload


def goaway(last: int, code: int = 0) -> bytes:
    return frame(7, 0, last.to_bytes(4) + code.to_bytes(4))


def speaks_http2(
    on_request: Callable[[Peer, int], None],
    *,
    settings: dict[int, int] | None = None,
    peers: list[Peer] | None = None,
    early: bool = False,
    reads: bool = True,
) -> Handler:
    """Calls ``on_request`` with each complete request's stream; with ``early`` as soon as its head is there.

    ``reads``: whether streams may send more than fits their window at first.
    """

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        h2 = H2Connection(
            H2Configuration(
                client_side=False, header_encoding=None, validate_outbound_headers=False,
                normalize_outbound_headers=False,
            )
        )  # fmt: skip
        peer = Peer(writer, h2)
        if peers is not None:
            peers.append(peer)
        if settings:
            h2.local_settings = Settings(client=False, initial_values=settings)
        h2.initiate_connection()
        if not reads:
            h2.increment_flow_control_window(2**30)  # that of the connection
        peer.flush()
        while data := await reader.read(65536):
            try:
                events = h2.receive_data(data)
            except ProtocolError as error:
                peer.events.append(str(error))
                return
            for event in events:
                peer.events.append(type(event).__name__)
                if isinstance(event, RequestReceived):
                    peer.requests[event.stream_id] = [(bytes(name), bytes(value)) for name, value in event.headers]
                    peer.bodies[event.stream_id] = b""
                    if early:
                        on_request(peer, event.stream_id)
                elif isinstance(event, DataReceived):
                    peer.bodies[event.stream_id] += event.data
                    if reads:
                        h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
                elif isinstance(event, StreamEnded) and not early:
                    on_request(peer, event.stream_id)
            peer.flush()

    return handler
