"""The stub server's HTTP/2, with a client that nobody here wrote (httpx) and with raw frames (h2)."""

from __future__ import annotations

import socket
from typing import Any
from urllib.parse import urlsplit

import h2.config
import h2.connection
import h2.errors
import h2.events
import h2.settings
import httpx
import pytest

from captures.model import Failure, FailureKind, Response
from replayer.stubs import Answer, Piece, Server
from tests.replayer.serving import Running

GRPC = ((b"Content-Type", b"application/grpc"), (b"Connection", b"keep-alive"), (b"Grpc-Encoding", b"identity"))


def test_http2_in_a_tunnel(running: Running) -> None:
    with running.client(http2=True) as client:
        answers = [client.post(f"https://a.test:8443/x?n={n}", content=b"hi") for n in range(3)]
    assert [(one.http_version, one.status_code, one.content) for one in answers] == [("HTTP/2", 200, b"ok")] * 3
    asked = running.desk.asked[0]
    assert (asked.method, asked.scheme, asked.host, asked.port) == ("POST", "https", "a.test", 8443)
    assert (asked.target, asked.body, asked.http_version) == (b"/x?n=0", b"hi", "HTTP/2.0")
    assert not [name for name, _ in asked.headers if name.startswith(b":") or name == b"host"]


def test_a_client_without_http2_gets_none(running: Running) -> None:
    with running.client() as client:
        assert client.get("https://a.test/").http_version == "HTTP/1.1"


def test_a_dependency_recorded_over_http1_is_not_offered_http2(running: Running) -> None:
    running.stubs.offers = lambda host, port: ("http/1.1",) if (host, port) == ("old.test", 443) else ("h2", "http/1.1")
    with running.client(http2=True) as client:
        assert client.get("https://old.test/").http_version == "HTTP/1.1"
        assert client.get("https://new.test/").http_version == "HTTP/2"


def test_a_large_body_goes_through_the_flow_control_window(running: Running) -> None:
    body = bytes(range(256)) * 8192  # 2 MiB, thirty-two default windows
    running.desk.answers["/big"] = Answer(Response(200, ((b"Content-Length", b"%d" % len(body)),), body, b"OK"))
    with running.client(http2=True) as client:
        assert client.get("https://a.test/big").content == body
        assert client.post("https://a.test/up", content=body).content == b"ok"
    assert running.desk.asked[-1].body == body


class Frames:
    """A cleartext HTTP/2 client with prior knowledge, frame by frame."""

    def __init__(self, url: str, window: int = 65_535) -> None:
        parts = urlsplit(url)
        self.socket = socket.create_connection((parts.hostname or "", parts.port or 0), 60)
        self.h2 = h2.connection.H2Connection(h2.config.H2Configuration(header_encoding=None))
        values = {h2.settings.SettingCodes.INITIAL_WINDOW_SIZE: window}
        self.h2.local_settings = h2.settings.Settings(client=True, initial_values=values)
        self.h2.initiate_connection()
        self.flush()

    def flush(self) -> None:
        self.socket.sendall(self.h2.data_to_send())

    def ask(self, path: bytes, authority: bytes = b"a.test", method: bytes = b"POST", **more: Any) -> int:
        stream: int = self.h2.get_next_available_stream_id()
        head = [(b":method", method), (b":scheme", b"http"), (b":authority", authority), (b":path", path)]
        self.h2.send_headers(stream, head, end_stream="body" not in more)
        if "body" in more:
            self.h2.send_data(stream, more["body"], end_stream="trailers" not in more)
        if "trailers" in more:
            self.h2.send_headers(stream, more["trailers"], end_stream=True)
        self.flush()
        return stream

    def until(self, kind: type, stream: int | None = None) -> list[Any]:
        """Every event up to the first ``kind`` (of ``stream``)."""
        seen: list[Any] = []
        while True:
            data = self.socket.recv(65536)
            assert data, f"closed before {kind.__name__}"
            seen += self.h2.receive_data(data)
            self.flush()
            for event in seen:
                if isinstance(event, kind) and stream in (None, getattr(event, "stream_id", None)):
                    return seen


@pytest.fixture
def frames(running: Running) -> Any:
    client = Frames(running.proxy)
    yield client
    client.socket.close()


def test_grpc_is_answered_with_its_trailers(running: Running, frames: Frames) -> None:
    running.desk.answers["/shop.Pay/Charge"] = Answer(
        Response(200, GRPC, b"\0\0\0\0\2hi", trailers=((b"Grpc-Status", b"0"), (b"Grpc-Message", b"")))
    )
    stream = frames.ask(b"/shop.Pay/Charge", body=b"\0\0\0\0\1x", trailers=[(b"x-end", b"1")])
    seen = frames.until(h2.events.StreamEnded, stream)
    (head,) = [event for event in seen if isinstance(event, h2.events.ResponseReceived)]
    assert (b":status", b"200") in head.headers
    assert (b"grpc-encoding", b"identity") in head.headers
    assert b"connection" not in dict(head.headers)
    assert b"".join(event.data for event in seen if isinstance(event, h2.events.DataReceived)) == b"\0\0\0\0\2hi"
    (end,) = [event for event in seen if isinstance(event, h2.events.TrailersReceived)]
    assert end.headers == [(b"grpc-status", b"0"), (b"grpc-message", b"")]
    asked = running.desk.asked[0]
    assert (asked.body, asked.trailers) == (b"\0\0\0\0\1x", ((b"x-end", b"1"),))
    assert (asked.scheme, asked.host, asked.port) == ("http", "a.test", 80)


def test_a_grpc_error_without_a_message_is_headers_alone(running: Running, frames: Frames) -> None:
    running.desk.answers["/x"] = Answer(Response(200, (*GRPC, (b"grpc-status", b"5"))))
    seen = frames.until(h2.events.StreamEnded, frames.ask(b"/x"))
    assert not [event for event in seen if isinstance(event, h2.events.DataReceived | h2.events.TrailersReceived)]


def test_h2c_on_a_listener_of_one_dependency(running: Running) -> None:
    frames = Frames(running.listen(Server("https", "pay.test", 443)))
    frames.until(h2.events.StreamEnded, frames.ask(b"/v1", authority=b"127.0.0.1:1234"))
    frames.socket.close()
    assert [(one.scheme, one.host, one.port, one.target) for one in running.desk.asked] == [
        ("https", "pay.test", 443, b"/v1")
    ]


def test_a_recorded_failure_resets_its_own_stream_and_no_other(running: Running, frames: Frames) -> None:
    running.desk.answers["/down"] = Answer(None, Failure(FailureKind.RESET))
    running.desk.answers["/cut"] = Answer(
        Response(200, ((b"Content-Length", b"10"),), b"half"), Failure(FailureKind.TRUNCATED)
    )
    down = frames.ask(b"/down")
    assert frames.until(h2.events.StreamReset, down)[-1].error_code == h2.errors.ErrorCodes.INTERNAL_ERROR
    seen = frames.until(h2.events.StreamReset, frames.ask(b"/cut"))
    assert b"".join(event.data for event in seen if isinstance(event, h2.events.DataReceived)) == b"half"
    frames.until(h2.events.StreamEnded, frames.ask(b"/fine"))


def test_a_request_that_is_taken_back_at_once_is_noted_and_harms_nobody(running: Running, frames: Frames) -> None:
    stream: int = frames.h2.get_next_available_stream_id()
    head = [(b":method", b"GET"), (b":scheme", b"http"), (b":authority", b"a.test"), (b":path", b"/gone")]
    frames.h2.send_headers(stream, head, end_stream=True)
    frames.h2.reset_stream(stream)
    frames.flush()  # both in one read
    frames.until(h2.events.StreamEnded, frames.ask(b"/fine"))
    assert [one.target for one in running.desk.asked] == [b"/gone", b"/fine"]


def test_a_large_part_of_a_broken_answer_is_sent_before_the_reset(running: Running) -> None:
    running.desk.answers["/cut"] = Answer(Response(200, (), b"x" * 5000), Failure(FailureKind.TRUNCATED))
    frames = Frames(running.proxy, window=1000)
    stream = frames.ask(b"/cut")
    assert received(frames, stream, h2.events.StreamReset) == 5000


def test_a_slow_answer_does_not_hold_up_the_others(running: Running, frames: Frames) -> None:
    running.desk.answers["/slow"] = Answer(Response(200, (), b"slow"), hold=60)
    slow, fast = frames.ask(b"/slow"), frames.ask(b"/fast")
    seen = frames.until(h2.events.StreamEnded, fast)
    assert not [event for event in seen if getattr(event, "stream_id", 0) == slow]


def test_a_stream_whose_recorded_client_left_stays_open(running: Running, frames: Frames) -> None:
    events = (Piece(0, b"data: 1\n\n"), Piece(0, b"data: 2\n\n"))
    kind = ((b"content-type", b"text/event-stream"),)
    running.desk.answers["/events"] = Answer(
        Response(200, kind, b"".join(e.data for e in events)), None, 0, events, False
    )
    stream = frames.ask(b"/events", method=b"GET")
    got = b""
    while got.count(b"data") < 2:
        seen = frames.until(h2.events.DataReceived)
        got += b"".join(event.data for event in seen if isinstance(event, h2.events.DataReceived))
    other = frames.until(h2.events.StreamEnded, frames.ask(b"/other"))
    assert not [event for event in other if isinstance(event, h2.events.StreamEnded) and event.stream_id == stream]


def received(frames: Frames, stream: int, last: type) -> int:
    """How many bytes came up to ``last``, the window opened as they are read."""
    got = 0
    seen: list[Any] = []
    while not any(isinstance(event, last) for event in seen):
        data = frames.socket.recv(65536)
        assert data
        seen = frames.h2.receive_data(data)
        for event in seen:
            if isinstance(event, h2.events.DataReceived):
                got += len(event.data)
                frames.h2.acknowledge_received_data(event.flow_controlled_length, stream)
        frames.flush()
    frames.socket.close()
    return got


def test_a_small_window_is_waited_for(running: Running) -> None:
    running.desk.answers["/big"] = Answer(Response(200, (), b"x" * 5000, trailers=((b"t", b"1"),)))
    frames = Frames(running.proxy, window=1000)
    assert received(frames, frames.ask(b"/big"), h2.events.StreamEnded) == 5000


@pytest.mark.slow
def test_frames_that_break_the_protocol_end_the_connection(running: Running) -> None:
    told = running.raw(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\xff" * 64)
    assert told  # settings, then a GOAWAY
    with running.client(http2=True) as client:
        assert client.get("https://a.test/").status_code == 200


def test_a_preface_in_two_pieces(running: Running) -> None:
    parts = urlsplit(running.proxy)
    with socket.create_connection((parts.hostname or "", parts.port or 0), 60) as plain:
        plain.sendall(b"PRI * HTTP")
        plain.sendall(b"/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0")
        assert plain.recv(9)[3] == 4  # a SETTINGS frame
    assert httpx.get(running.proxy + "/x", headers={"Host": "b.test"}, trust_env=False).status_code == 200
