"""Cleartext HTTP/2 with prior knowledge, and what HTTP/2 keeps elsewhere than HTTP/1."""

from __future__ import annotations

import asyncio
import gc

import h2.config
import h2.connection
import h2.events
import pytest
from mitmproxy.proxy.layers.http._http2 import Http2Client, Http2Connection, Http2Server

from recorder.mends.ended_streams import CLOSED
from tests.recorder.conftest import Lab, connect, inbound, outbound, read_until, until

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


def test_streams_that_have_ended_are_forgotten(lab: Lab) -> None:
    port = lab.origin(grpc_like)
    streams = 300
    client = h2.connection.H2Connection(h2.config.H2Configuration(header_encoding=None))
    client.initiate_connection()
    headers = [(":method", "POST"), (":scheme", "http"), (":authority", "shop"), (":path", "/a"), ("te", "trailers")]
    with lab.recording(inbound(port)) as proxy, connect(proxy.port()) as sock:
        for number in range(streams):
            client.send_headers(1 + 2 * number, headers)
            client.send_data(1 + 2 * number, b"\0\0\0\0\1x", end_stream=True)
            sock.sendall(client.data_to_send())
            ended = False
            while not ended:
                data = sock.recv(65536)
                assert data, "the connection was closed"
                ended = any(isinstance(event, h2.events.StreamEnded) for event in client.receive_data(data))
                sock.sendall(client.data_to_send())
        made = [
            one
            for one in gc.get_objects()
            # Those of other tests may not have been collected yet: only this client opened so many.
            if isinstance(one, Http2Connection) and one.h2_conn.highest_inbound_stream_id == 2 * streams - 1
        ]
        upstream = [
            one
            for one in gc.get_objects()
            if isinstance(one, Http2Client) and one.h2_conn.highest_outbound_stream_id > streams
        ]
        downstream = [one for one in made if isinstance(one, Http2Server)]
        assert (len(upstream), len(downstream)) == (1, 1)
        for mapping in (
            upstream[0].our_stream_id,
            upstream[0].their_stream_id,
            upstream[0].streams,
            downstream[0].streams,
        ):
            assert len(mapping) <= 1
        assert upstream[0].newest_ended == (2 * streams - 1, 2 * streams - 1)
        assert upstream[0].h2_conn._closed_streams._size_limit == CLOSED
    assert lab.count() == streams
    assert all(one.failure is None for one in lab.exchanges())


async def never_ending(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Sends all of the body that it announced, and leaves the stream open."""
    server = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False, header_encoding=None))
    server.initiate_connection()
    writer.write(server.data_to_send())
    while data := await reader.read(65536):
        for event in server.receive_data(data):
            if isinstance(event, h2.events.StreamEnded):
                server.send_headers(event.stream_id, [(":status", "200"), ("content-length", "2")])
                server.send_data(event.stream_id, b"ok")
        writer.write(server.data_to_send())
        await writer.drain()


def test_a_client_that_leaves_with_the_whole_answer_has_it(lab: Lab) -> None:
    """curl leaves when it has as many bytes as were announced, and does not wait for the end of the stream."""
    client = h2.connection.H2Connection(h2.config.H2Configuration(header_encoding=None))
    client.initiate_connection()
    client.send_headers(
        1, [(":method", "GET"), (":scheme", "http"), (":authority", "shop"), (":path", "/")], end_stream=True
    )
    with lab.recording(inbound(lab.origin(never_ending))) as proxy, connect(proxy.port()) as sock:
        sock.sendall(client.data_to_send())
        received = b""
        while received != b"ok":
            for event in client.receive_data(sock.recv(65536)):
                received += event.data if isinstance(event, h2.events.DataReceived) else b""
        sock.close()
        until(lambda: lab.count() == 1)
    exchange = lab.only()
    assert exchange.failure is None
    assert exchange.response is not None
    assert exchange.response.body == b"ok"
    assert not exchange.body_truncated
