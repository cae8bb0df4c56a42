"""Cleartext HTTP/2 with prior knowledge, and what HTTP/2 keeps elsewhere than HTTP/1."""

from __future__ import annotations

import asyncio

import h2.config
import h2.connection
import h2.events
import pytest

from tests.recorder.conftest import Lab, connect, inbound, outbound, read_until

pytestmark = pytest.mark.slow  # a real proxy for each


async def grpc_like(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answers every stream with a frame and trailers."""
    server = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False, header_encoding=None))
    server.initiate_connection()
    writer.write(server.data_to_send())
    while data := await reader.read(65536):
        for event in server.receive_data(data):
            if isinstance(event, h2.events.StreamEnded):
                server.send_headers(event.stream_id, [(":status", "200"), ("content-type", "application/grpc")])
                server.send_data(event.stream_id, b"\0\0\0\0\2hi")
                server.send_headers(event.stream_id, [("grpc-status", "0")], end_stream=True)
        writer.write(server.data_to_send())
        await writer.drain()


def call(lab: Lab, port: int, tunnel: bytes = b"") -> list[h2.events.Event]:
    client = h2.connection.H2Connection(h2.config.H2Configuration(header_encoding=None))
    client.initiate_connection()
    headers = [
        (":method", "POST"), (":scheme", "http"), (":authority", "shop.internal"), (":path", "/Shop/Get"),
        ("content-type", "application/grpc"), ("te", "trailers"),
    ]  # fmt: skip
    client.send_headers(1, headers)
    client.send_data(1, b"\0\0\0\0\1x", end_stream=True)
    happened: list[h2.events.Event] = []
    with connect(port) as sock:
        if tunnel:
            sock.sendall(tunnel)
            read_until(sock, b"\r\n\r\n")
        sock.sendall(client.data_to_send())
        while not any(isinstance(event, h2.events.StreamEnded | h2.events.StreamReset) for event in happened):
            data = sock.recv(65536)
            assert data, "the connection was closed"
            happened += client.receive_data(data)
            sock.sendall(client.data_to_send())
    return happened


def test_prior_knowledge_through_an_inbound_listener(lab: Lab) -> None:
    port = lab.origin(grpc_like)
    with lab.recording(inbound(port)) as proxy:
        happened = call(lab, proxy.port())
    trailers = [event for event in happened if isinstance(event, h2.events.TrailersReceived)]
    assert trailers[0].headers == [(b"grpc-status", b"0")]
    exchange = lab.only()
    request = exchange.request
    assert (request.http_version, request.method, request.target) == ("HTTP/2.0", "POST", b"/Shop/Get")
    assert request.headers == ((b"content-type", b"application/grpc"), (b"te", b"trailers"))
    assert request.body == b"\0\0\0\0\1x"
    assert exchange.notes["authority"] == "shop.internal"
    response = exchange.response
    assert response is not None
    assert response.body == b"\0\0\0\0\2hi"
    assert response.trailers == ((b"grpc-status", b"0"),)


def test_prior_knowledge_inside_a_tunnel(lab: Lab) -> None:
    port = lab.origin(grpc_like)
    with lab.recording(outbound()) as proxy:
        call(lab, proxy.port(), b"CONNECT 127.0.0.1:%d HTTP/1.1\r\nHost: x\r\n\r\n" % port)
    exchange = lab.only()
    assert exchange.request.http_version == "HTTP/2.0"
    assert exchange.dependency == f"127.0.0.1:{port}"
    assert exchange.failure is None
