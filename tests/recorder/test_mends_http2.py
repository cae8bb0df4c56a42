"""HTTP/2 between a scripted client and a scripted server, through the proxy: what one says the other hears."""

from __future__ import annotations

import asyncio
import subprocess

import h2.errors
import h2.events
import pytest

from captures.model import FailureKind
from captures.service import free_port
from recorder.listeners import LOOPBACK
from tests.recorder.conftest import Lab, connect, inbound, outbound, until
from tests.recorder.http2_client import Caller, calling, ended, of
from tests.replayer.wire.http2_server import Peer, frame, goaway, speaks_http2

pytestmark = pytest.mark.slow  # a real proxy for each

Codes = h2.errors.ErrorCodes


def test_informational_responses_pass_and_are_noted(lab: Lab) -> None:
    def answer(peer: Peer, stream: int) -> None:
        peer.h2.send_headers(stream, [(b":status", b"103"), (b"link", b"</a.css>")])
        peer.answer(stream, b"ok")

    with lab.recording(inbound(lab.origin(speaks_http2(answer)))) as proxy, calling(proxy.port()) as client:
        client.ask("/a")
        (early,) = of(h2.events.InformationalResponseReceived, client.hear(ended(1)))
    assert [tuple(field) for field in early.headers] == [(b":status", b"103"), (b"link", b"</a.css>")]
    assert lab.only().notes["informational"] == [[103, ["link"]]]


@pytest.mark.parametrize("code", [Codes.REFUSED_STREAM, Codes.CANCEL, Codes.NO_ERROR, Codes.ENHANCE_YOUR_CALM])
@pytest.mark.parametrize("begun", [False, True])
def test_a_server_s_reset_reaches_the_client_with_its_code(lab: Lab, code: Codes, begun: bool) -> None:
    def answer(peer: Peer, stream: int) -> None:
        if begun:
            peer.h2.send_headers(stream, [(b":status", b"200")])
            peer.h2.send_data(stream, b"half")
        peer.h2.reset_stream(stream, code)
        peer.flush()

    with lab.recording(inbound(lab.origin(speaks_http2(answer)))) as proxy, calling(proxy.port()) as client:
        client.ask("/a")
        (reset,) = of(h2.events.StreamReset, client.hear(ended(1)))
    assert reset.error_code == code
    failure = lab.only().failure
    assert failure is not None
    assert failure.kind is (FailureKind.TRUNCATED if begun else FailureKind.RESET)


def test_a_client_s_reset_reaches_the_server_with_its_code(lab: Lab) -> None:
    peers: list[Peer] = []
    port = lab.origin(speaks_http2(lambda peer, stream: None, peers=peers))
    with lab.recording(inbound(port)) as proxy, calling(proxy.port()) as client:
        client.ask("/a")
        until(lambda: peers and peers[0].requests, "the request")
        client.h2.reset_stream(1, Codes.CANCEL)
        client.flush()
        until(lambda: "StreamReset" in peers[0].events, "the reset")
    failure = lab.only().failure
    assert failure is not None
    assert failure.kind is FailureKind.ABORTED


@pytest.mark.parametrize("last_words", [b"", goaway(0, Codes.PROTOCOL_ERROR)])
def test_a_client_that_leaves_is_said_to_have_left(lab: Lab, last_words: bytes) -> None:
    peers: list[Peer] = []
    port = lab.origin(speaks_http2(lambda peer, stream: None, peers=peers))
    with lab.recording(inbound(port)) as proxy:
        with connect(proxy.port()) as sock:
            Caller(sock).ask("/a")
            until(lambda: peers and peers[0].requests, "the request")
            sock.sendall(last_words)
        until(lab.count, "the exchange")
    failure = lab.only().failure
    assert failure is not None
    assert failure.kind is FailureKind.ABORTED


def test_streams_under_way_end_after_goaway(lab: Lab) -> None:
    waiting: list[tuple[Peer, int]] = []

    def answer(peer: Peer, stream: int) -> None:
        waiting.append((peer, stream))
        if len(waiting) == 2:
            peer.raw(goaway(stream))
            for one, number in waiting:
                one.answer(number, b"late")

    with lab.recording(inbound(lab.origin(speaks_http2(answer)))) as proxy, calling(proxy.port()) as client:
        client.ask("/a", "/b")
        happened = client.hear(ended(2))
        assert not of(h2.events.StreamReset, happened)
        assert client.goaways == [(3, Codes.NO_ERROR)]
        client.ask("/c")
        (refused,) = of(h2.events.StreamReset, client.hear(ended(3)))
        assert refused.error_code == Codes.REFUSED_STREAM
    assert [one.failure for one in lab.exchanges()] == [None, None]


def test_streams_the_server_did_not_take_are_refused(lab: Lab) -> None:
    def answer(peer: Peer, stream: int) -> None:
        if len(peer.requests) == 2:
            peer.raw(goaway(1))
            peer.answer(1, b"taken")

    with lab.recording(inbound(lab.origin(speaks_http2(answer)))) as proxy, calling(proxy.port()) as client:
        client.ask("/a", "/b")
        happened = client.hear(ended(2))
    (refused,) = of(h2.events.StreamReset, happened)
    assert (refused.stream_id, refused.error_code) == (3, Codes.REFUSED_STREAM)
    taken, refused = sorted(lab.exchanges(), key=lambda one: one.request.target)
    assert taken.failure is None
    assert refused.failure is not None
    assert refused.failure.kind is FailureKind.RESET


@pytest.mark.parametrize("last_words", [b"", goaway(0, Codes.ENHANCE_YOUR_CALM)])
def test_a_server_that_is_gone_takes_the_client_s_connection_along(lab: Lab, last_words: bytes) -> None:
    def answer(peer: Peer, stream: int) -> None:
        peer.raw(last_words)
        peer.writer.close()

    with lab.recording(inbound(lab.origin(speaks_http2(answer)))) as proxy, calling(proxy.port()) as client:
        client.ask("/a")
        happened = client.hear(ended(1))
    assert happened[-1] is None
    assert not of(h2.events.StreamReset, happened)
    assert client.goaways == ([(0, Codes.ENHANCE_YOUR_CALM)] if last_words else [])
    failure = lab.only().failure
    assert failure is not None
    assert failure.kind is FailureKind.RESET


def test_a_server_that_is_not_there_takes_the_client_s_connection_along(lab: Lab) -> None:
    with lab.recording(inbound(free_port())) as proxy, calling(proxy.port()) as client:
        client.ask("/a")
        assert client.hear(ended(1))[-1] is None
    failure = lab.only().failure
    assert failure is not None
    assert failure.kind is FailureKind.CONNECT


def test_a_response_ends_before_its_request_does(lab: Lab) -> None:
    port = lab.origin(speaks_http2(lambda peer, stream: peer.answer(stream, b"enough"), early=True))
    with lab.recording(inbound(port)) as proxy, calling(proxy.port()) as client:
        headers = [(":method", "POST"), (":scheme", "http"), (":authority", "a"), (":path", "/a")]
        client.h2.send_headers(1, [*headers, ("expect", "100-continue")])
        client.flush()
        assert of(h2.events.StreamEnded, client.hear(ended(1)))
        client.h2.end_stream(1)
        client.flush()
    response = lab.only().response
    assert response is not None
    assert response.body == b"enough"


def test_frames_of_other_kinds_are_let_pass(lab: Lab) -> None:
    def answer(peer: Peer, stream: int) -> None:
        peer.raw(frame(0xBE, stream, b"unheard of"))
        peer.answer(stream, b"ok")

    with lab.recording(inbound(lab.origin(speaks_http2(answer)))) as proxy, calling(proxy.port()) as client:
        client.ask("/a")
        assert of(h2.events.StreamEnded, client.hear(ended(1)))
    assert lab.only().failure is None


def test_a_server_that_speaks_no_tls_ends_the_clients_stream_and_nothing_else(lab: Lab) -> None:
    """HTTP/2 to us, and a dependency on which TLS fails: its stream is answered for after its connection was closed."""

    async def plain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        writer.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        await writer.drain()

    port = lab.origin(plain)
    with lab.recording(outbound()) as running:
        url = f"https://{LOOPBACK}:{port}/"
        curl = ["curl", "-sk", "--http2", "--noproxy", "", "-x", f"http://{LOOPBACK}:{running.port()}", url]
        subprocess.run(curl, capture_output=True, timeout=30, check=False)
        until(lambda: lab.count() == 1, "the failed call")
    assert running.last("done")["faults"] == 0
    assert lab.only().failure is not None
