"""HTTP/2 streams whose reader does not read: their sender waits, others go on, and nothing is lost."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import h2.events
import pytest

from recorder.mends.flow_control import WINDOW
from tests.recorder.conftest import Lab, inbound, until
from tests.recorder.http2_client import calling, of
from tests.replayer.wire.http2_server import Headers, Peer, speaks_http2

pytestmark = pytest.mark.slow  # a real proxy for each

SIZE = 3 * WINDOW  # bytes of a body
AHEAD = WINDOW + 2 * 65_535  # bytes its sender may get rid of while nobody takes them
PIECE = 16_384
OK: Headers = [(b":status", b"200")]


class Flood:
    """An answer of :data:`SIZE` bytes, as fast as the windows let it pass; ``sent`` of them so far."""

    def __init__(self) -> None:
        self.sent = 0

    def __call__(self, peer: Peer, stream: int) -> None:
        if (b":path", b"/flood") not in peer.requests[stream]:
            peer.answer(stream, b"small")
            return
        peer.h2.send_headers(stream, OK)
        self.more(peer, stream)

    def more(self, peer: Peer, stream: int) -> None:
        while (now := min(SIZE - self.sent, peer.h2.local_flow_control_window(stream), PIECE)) > 0:
            self.sent += now
            peer.h2.send_data(stream, b"x" * now, end_stream=self.sent == SIZE)
        peer.flush()
        if self.sent < SIZE:
            asyncio.get_running_loop().call_later(0.01, self.more, peer, stream)


def settled(count: Callable[[], int]) -> int:
    """What ``count`` comes to when it has not grown for half a second."""
    last, since = count(), time.monotonic()
    while time.monotonic() - since < 0.5:
        time.sleep(0.01)
        if (now := count()) != last:
            last, since = now, time.monotonic()
    return last


def whole(told: list[Any], stream: int) -> int:
    return sum(len(one.data) for one in of(h2.events.DataReceived, told) if one.stream_id == stream)


@pytest.mark.parametrize("first", [True, False])
def test_a_client_that_does_not_read_holds_its_server_back(lab: Lab, first: bool) -> None:
    flood = Flood()
    with (
        lab.recording(inbound(lab.origin(speaks_http2(flood))), max_body=1024) as proxy,
        calling(proxy.port()) as client,
    ):
        if not first:
            client.ask("/small")
            client.hear(lambda told: of(h2.events.StreamEnded, told))
        large = client.h2.get_next_available_stream_id()
        client.ask("/flood")
        until(lambda: flood.sent > WINDOW // 2, "the flood")
        assert WINDOW // 2 < settled(lambda: flood.sent) < AHEAD
        # The connection's window is used up as well, and is the client's to give.
        client.hear(lambda told: whole(told, large) > 60_000)
        client.h2.increment_flow_control_window(10 * WINDOW)
        client.ask("/small")
        client.hear(lambda told: [one for one in of(h2.events.StreamEnded, told) if one.stream_id > large])
        assert settled(lambda: flood.sent) < AHEAD
        client.h2.increment_flow_control_window(10 * WINDOW, large)
        client.flush()
        client.hear(lambda told: [one for one in of(h2.events.StreamEnded, told) if one.stream_id == large])
        assert whole(client.happened, large) == SIZE
    assert not [one for one in lab.exchanges() if one.failure]


@pytest.mark.parametrize("first", [True, False])
def test_a_server_that_does_not_read_holds_its_client_back(lab: Lab, first: bool) -> None:
    peers: list[Peer] = []

    def answer(peer: Peer, stream: int) -> None:
        peer.answer(stream, b"%d" % len(peer.bodies[stream]))

    port = lab.origin(speaks_http2(answer, peers=peers, reads=False))
    with lab.recording(inbound(port), max_body=1024) as proxy, calling(proxy.port()) as client:
        if not first:
            client.ask("/small")
            client.hear(lambda told: of(h2.events.StreamEnded, told))
        large = client.h2.get_next_available_stream_id()
        headers = [(":method", "POST"), (":scheme", "http"), (":authority", "shop.test"), (":path", "/flood")]
        client.h2.send_headers(large, headers)
        client.flush()
        client.hear(lambda told: of(h2.events.SettingsAcknowledged, told))
        sent = 0

        def send() -> int:
            nonlocal sent
            while (now := min(SIZE - sent, client.h2.local_flow_control_window(large), PIECE)) > 0:
                sent += now
                client.h2.send_data(large, b"x" * now, end_stream=sent == SIZE)
                client.flush()
            return sent

        assert WINDOW // 2 < send() < AHEAD
        client.ask("/small")
        client.hear(lambda told: [one for one in of(h2.events.StreamEnded, told) if one.stream_id > large])
        assert send() < AHEAD
        lab.call(lambda: (peers[0].h2.increment_flow_control_window(10 * WINDOW, large), peers[0].flush()))
        client.hear(lambda told: send() == SIZE)
        client.hear(lambda told: [one for one in of(h2.events.StreamEnded, told) if one.stream_id == large])
        answer_ = b"".join(one.data for one in of(h2.events.DataReceived, client.happened) if one.stream_id == large)
        assert answer_ == b"%d" % SIZE
    assert not [one for one in lab.exchanges() if one.failure]
