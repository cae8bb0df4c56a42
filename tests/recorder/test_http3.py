"""HTTP/3 in front of a service that speaks it: aioquic on both sides, on each mitmproxy."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from aioquic.asyncio import QuicConnectionProtocol, connect, serve
from aioquic.h3.connection import H3_ALPN, H3Connection
from aioquic.h3.events import DataReceived, HeadersReceived
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.events import ProtocolNegotiated, QuicEvent

from captures.service import free_port
from recorder.listeners import LOOPBACK
from tests.end_to_end.wire.certificates import Certificates
from tests.recorder.conftest import DEADLINE, Lab, Loop, inbound, until

pytestmark = pytest.mark.slow  # a real proxy, and QUIC

Fields = list[tuple[bytes, bytes]]


class Service(QuicConnectionProtocol):
    """Answers each request with its body, and a trailer."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._http: H3Connection | None = None
        self._bodies: dict[int, bytes] = {}

    def quic_event_received(self, event: QuicEvent) -> None:
        """As the base class asks for."""
        if isinstance(event, ProtocolNegotiated):
            self._http = H3Connection(self._quic)
        for one in self._http.handle_event(event) if self._http is not None else ():
            if isinstance(one, DataReceived):
                self._bodies[one.stream_id] = self._bodies.get(one.stream_id, b"") + one.data
            if isinstance(one, HeadersReceived | DataReceived) and one.stream_ended:
                self._answer(one.stream_id)

    def _answer(self, stream: int) -> None:
        assert self._http is not None
        body = self._bodies.pop(stream, b"")
        self._http.send_headers(stream, [(b":status", b"201"), (b"x-by", b"quic"), (b"x-by", b"twice")])
        self._http.send_data(stream, body.upper(), end_stream=False)
        self._http.send_headers(stream, [(b"x-sum", b"7")], end_stream=True)
        self.transmit()


class Client(QuicConnectionProtocol):
    """Sends one request; ``answer`` has what came."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._http = H3Connection(self._quic)
        self.heads: list[Fields] = []
        self.body = b""
        self.over = asyncio.Event()

    def ask(self, fields: Fields, body: bytes) -> None:
        """Send a request."""
        stream = self._quic.get_next_available_stream_id()
        self._http.send_headers(stream, fields)
        self._http.send_data(stream, body, end_stream=True)
        self.transmit()

    def quic_event_received(self, event: QuicEvent) -> None:
        """As the base class asks for."""
        for one in self._http.handle_event(event):
            if isinstance(one, HeadersReceived):
                self.heads.append(one.headers)
            elif isinstance(one, DataReceived):
                self.body += one.data
            if isinstance(one, HeadersReceived | DataReceived) and one.stream_ended:
                self.over.set()


async def served(port: int, certificates: Certificates) -> Any:
    configuration = QuicConfiguration(is_client=False, alpn_protocols=H3_ALPN)
    configuration.load_cert_chain(certificates.chain, certificates.key)
    return await serve(LOOPBACK, port, configuration=configuration, create_protocol=Service)


async def asked(port: int, trusted: Path, fields: Fields, body: bytes) -> Client:
    configuration = QuicConfiguration(is_client=True, alpn_protocols=H3_ALPN, server_name="localhost")
    configuration.load_verify_locations(str(trusted))
    async with connect(LOOPBACK, port, configuration=configuration, create_protocol=Client) as client:
        assert isinstance(client, Client)
        client.ask(fields, body)
        await asyncio.wait_for(client.over.wait(), DEADLINE)
        return client


def test_a_request_and_its_answer_are_on_the_tape(lab: Lab, loop: Loop) -> None:
    certificates = Certificates.make(lab.folder)
    port = free_port()
    fields = [
        (b":method", b"POST"), (b":scheme", b"https"), (b":authority", b"localhost"), (b":path", b"/orders?x=1"),
        (b"x-key", b"1"), (b"x-key", b"2"),
    ]  # fmt: skip
    server = asyncio.run_coroutine_threadsafe(served(port, certificates), loop.loop).result(DEADLINE)
    try:
        with lab.recording(inbound(port, "https"), insecure=True) as proxy:
            ours = lab.authority.certificate_path
            asking = asked(proxy.port(), ours, fields, b"hello")
            client = asyncio.run_coroutine_threadsafe(asking, loop.loop).result(2 * DEADLINE)
            until(lambda: lab.count() == 1, "the exchange on disk")
    finally:
        loop.loop.call_soon_threadsafe(server.close)
    assert client.body == b"HELLO"
    assert client.heads == [[(b":status", b"201"), (b"x-by", b"quic"), (b"x-by", b"twice")], [(b"x-sum", b"7")]]
    exchange = lab.only()
    assert exchange.failure is None
    request, response = exchange.request, exchange.response
    assert (request.method, request.target, request.http_version) == ("POST", b"/orders?x=1", "HTTP/3")
    assert request.headers == ((b"x-key", b"1"), (b"x-key", b"2"))
    assert request.body == b"hello"
    assert exchange.notes["authority"] == "localhost"
    assert response is not None
    assert (response.status, response.http_version) == (201, "HTTP/3")
    assert response.headers == ((b"x-by", b"quic"), (b"x-by", b"twice"))
    assert response.body == b"HELLO"
    assert response.trailers == ((b"x-sum", b"7"),)
