"""Every message of a long exchange is on the tape when it has come, and nothing gathers."""

from __future__ import annotations

import asyncio
import gzip
import struct
from typing import Any

import pytest

from captures.model import Exchange, Message
from captures.store import Capture
from recorder.choosing import Choice
from recorder.listeners import Listener, Role, Target
from recorder.streams import Conversation, Limits, cutter_of
from recorder.tee import HEAD, Tee
from tests.captures.making import exchange
from tests.corpus import each
from tests.recorder.conftest import Lab, connect, head, inbound, read_all, read_until, until

EVENTS = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
GET = b"GET /events HTTP/1.1\r\nHost: a\r\n\r\n"


def said(lab: Lab, exchange: int = 1) -> list[Message]:
    with Capture.open(lab.capture) as capture:
        return list(capture.messages(exchange))


# -- one conversation, without a proxy --------------------------------------------------------------------------------


class Kept:
    """A writer that keeps what it is given."""

    def __init__(self, room: int = 1_000_000) -> None:
        self.begun: list[Exchange] = []
        self.messages: list[Message] = []
        self.room = room

    def begin(self, one: Exchange) -> bool:
        self.begun.append(one)
        return self.room > 0

    def add(self, message: Message) -> bool:
        self.room -= 1
        if self.room < 0:
            return False
        self.messages.append(message)
        return True


def conversation(writer: Any, *, body: int = 1_000_000, messages: int = 100, size: int = 1_000_000) -> Conversation:
    times = iter(range(1, 10_000))
    limits = Limits(body, messages, size)
    return Conversation(writer, limits, lambda: exchange(1), lambda: float(next(times)), identity=1)


def test_two_messages_of_one_side_begin_it_and_one_of_each_side_does_not() -> None:
    writer = Kept()
    one = conversation(writer)
    one.say(True, "grpc", b"q")
    one.say(False, "grpc", b"p")
    assert writer.begun == []
    assert [message.seq for message in one.waiting] == [1, 2]
    one.say(False, "grpc", b"p2")
    assert len(writer.begun) == 1
    assert [message.body for message in writer.messages] == [b"q", b"p", b"p2"]
    assert one.finish() == ()


def test_an_exchange_over_in_no_time_hands_its_messages_over_with_itself() -> None:
    one = conversation(Kept())
    tee = Tee(1000)
    found = cutter_of(((b"content-type", b"application/grpc+proto"),), 1000)
    assert found is not None
    one.listen(tee, True, *found)
    tee(b"\0\0\0\0\x02ab\0\0")
    assert [message.body for message in one.finish()] == [b"\0\0\0\0\x02ab", b"\0\0"]


@pytest.mark.parametrize("limits", [{"messages": 3}, {"size": 3}])
def test_beyond_the_limits_messages_are_counted(limits: dict[str, int]) -> None:
    writer = Kept()
    one = conversation(writer, **limits)
    one.begin()
    for _ in range(1000):
        one.say(True, "text", b"x")
    assert len(writer.messages) == 3
    assert one.notes() == {"messages_not_kept": 997}
    assert one.incomplete


def test_a_long_message_keeps_its_beginning_and_its_length() -> None:
    writer = Kept()
    one = conversation(writer, body=HEAD + 10)
    one.begin()
    one.say(True, "binary", b"x" * (HEAD + 11))
    assert [len(message.body) for message in writer.messages] == [HEAD]
    assert one.notes() == {"messages_cut": {"1": HEAD + 11}}


@pytest.mark.parametrize("room", [0, 2])
def test_what_the_writer_has_no_room_for_is_counted(room: int) -> None:
    one = conversation(Kept(room))
    one.begin()
    for _ in range(5):
        one.say(True, "text", b"x")
    assert one.notes() == {"messages_lost": 5 - room}


def test_bytes_that_are_not_what_they_are_said_to_be_still_pass() -> None:
    one = conversation(Kept())
    tee = Tee(1000)
    found = cutter_of(((b"Content-Type", b"text/event-stream"), (b"Content-Encoding", b"gzip")), 1000)
    assert found is not None
    one.listen(tee, False, *found)
    assert tee(b"no gzip at all") == b"no gzip at all"
    assert tee(b"more") == b"more"
    assert tee.body() == b"no gzip at allmore"
    assert one.notes() == {"messages_broken": "messages could not be told apart (error)"}


@each(
    ("media", "coding", "kind"),
    [
        (b"text/event-stream; charset=utf-8", b"", "event"),
        (b"Text/Event-Stream", b"identity", "event"),
        (b"text/event-stream", b"br", "event"),
        (b"text/event-stream", b"compress", None),
        (b"application/grpc", b"", "grpc"),
        (b"application/grpc-web+proto", b"", "grpc"),
        (b"application/grpc-web-text", b"", None),
        (b"application/json", b"", None),
        (b"", b"", None),
    ],
)
def test_which_bodies_are_made_of_messages(media: bytes, coding: bytes, kind: str | None) -> None:
    found = cutter_of(((b"content-type", media), (b"content-encoding", coding)), 10)
    assert (found and found[0]) == kind


# -- through the proxy ------------------------------------------------------------------------------------------------


def test_an_event_is_on_the_tape_and_with_the_client_before_the_next_is_sent(lab: Lab) -> None:
    go_on = asyncio.Event()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await head(reader)
        writer.write(EVENTS + b"\r\ndata: 1\n\nda")
        await go_on.wait()
        writer.write(b"ta: 2\r\n\r\n: bye\n\ndata: not whole")
        await writer.drain()

    with lab.recording(inbound(lab.origin(handle))) as proxy, connect(proxy.port()) as client:
        client.sendall(GET)
        read_until(client, b"data: 1\n\nda")
        until(lambda: lab.count() and said(lab), "the first event on disk")
        assert [one.body for one in said(lab)] == [b"data: 1\n\n"]
        one = lab.only()
        assert one.notes == {"open": True}
        assert one.response is not None
        assert one.response.status == 200
        lab.call(go_on.set)
        read_all(client)
    events = [b"data: 1\n\n", b"data: 2\r\n\r\n", b": bye\n\n", b"data: not whole"]
    assert [(one.kind, one.from_client, one.seq, one.body) for one in said(lab)] == [
        ("event", False, seq, body) for seq, body in enumerate(events, 1)
    ]
    one = lab.only()
    assert one.response is not None
    assert one.response.body == b"".join(events)
    assert one.notes == {}
    assert one.failure is None
    assert not one.body_truncated
    times = [message.at for message in said(lab)]
    assert times == sorted(times)
    assert one.timing.response_started is not None
    assert one.timing.response_started <= times[0] <= times[1]


@pytest.mark.slow
def test_compressed_events_are_told_apart_and_pass_compressed(lab: Lab) -> None:
    packed = gzip.compress(b"data: 1\n\ndata: 2\n\n")

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await head(reader)
        writer.write(EVENTS + b"Content-Encoding: gzip\r\n\r\n" + packed)
        await writer.drain()

    with lab.recording(inbound(lab.origin(handle))) as proxy, connect(proxy.port()) as client:
        client.sendall(GET)
        assert read_all(client).endswith(packed)
    assert [one.body for one in said(lab)] == [b"data: 1\n\n", b"data: 2\n\n"]
    response = lab.only().response
    assert response is not None
    assert response.body == packed


@pytest.mark.slow
def test_a_stream_that_breaks_off_keeps_what_came(lab: Lab) -> None:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await head(reader)
        writer.write(EVENTS + b"Transfer-Encoding: chunked\r\n\r\n9\r\ndata: 1\n\n\r\n4\r\ndata\r\n")
        await writer.drain()

    with lab.recording(inbound(lab.origin(handle))) as proxy, connect(proxy.port()) as client:
        client.sendall(GET)
        read_all(client)
    assert [one.body for one in said(lab)] == [b"data: 1\n\n", b"data"]
    failure = lab.only().failure
    assert failure is not None
    assert failure.kind == "truncated"


@pytest.mark.slow
def test_events_beyond_the_limit_are_counted_and_their_body_is_whole(lab: Lab) -> None:
    stream = b"".join(b"data: %d\n\n" % number for number in range(50))

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await head(reader)
        writer.write(EVENTS + b"\r\n" + stream)
        await writer.drain()

    with lab.recording(inbound(lab.origin(handle)), max_messages=10) as proxy, connect(proxy.port()) as client:
        client.sendall(GET)
        read_all(client)
    one = lab.only()
    assert len(said(lab)) == 10
    assert one.notes == {"messages_not_kept": 40}
    assert not one.body_truncated
    assert one.response is not None
    assert one.response.body == stream


@pytest.mark.slow
@pytest.mark.parametrize("role", [Role.INBOUND, Role.DEPENDENCY])
def test_grpc_messages_of_both_sides_are_on_the_tape(lab: Lab, role: Role) -> None:
    frames = [struct.pack(">BI", 0, len(body)) + body for body in (b"one", b"", b"three")]

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await head(reader)
        for frame in frames[:2]:
            await reader.readexactly(len(frame))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/grpc\r\nTransfer-Encoding: chunked\r\n\r\n")
        whole = b"".join(frames)
        for part in (whole[:6], whole[6:11], whole[11:]):
            writer.write(b"%x\r\n%s\r\n" % (len(part), part))
            await writer.drain()
        writer.write(b"0\r\n\r\n")
        await writer.drain()

    port = lab.origin(handle)
    listener = Listener(role, "127.0.0.1", 0, Target("http", "127.0.0.1", port), "rpc" if role != "inbound" else "")
    sent = b"".join(frames[:2])
    with lab.recording(listener) as proxy, connect(proxy.port()) as client:
        client.sendall(
            b"POST /s/M HTTP/1.1\r\nHost: a\r\nContent-Type: application/grpc\r\nContent-Length: %d\r\n\r\n" % len(sent)
        )
        client.sendall(sent[:7])
        client.sendall(sent[7:])
        read_until(client, b"0\r\n\r\n")
    assert [(one.from_client, one.body) for one in said(lab)] == [
        *((True, frame) for frame in frames[:2]),
        *((False, frame) for frame in frames),
    ]
    one = lab.only()
    assert one.request.body == sent
    assert one.response is not None
    assert one.response.body == b"".join(frames)
    assert set(one.notes) <= {"host"}


@pytest.mark.slow
def test_nothing_of_a_stream_that_is_left_out_is_written(lab: Lab) -> None:
    unary = struct.pack(">BI", 0, 2) + b"hi"

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked = await head(reader)
        if b"grpc" in asked:
            await reader.readexactly(len(unary))
            kind = b"Content-Type: application/grpc\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % len(unary)
            writer.write(b"HTTP/1.1 200 OK\r\n" + kind + unary)
        else:
            writer.write(EVENTS + b"\r\ndata: 1\n\ndata: 2\n\n")
        await writer.drain()

    def ask(port: int, line: bytes, *more: bytes) -> None:
        with connect(port) as client:
            client.sendall(b"\r\n".join([line + b" HTTP/1.1", b"Host: a", *more, b"", b""]))
            if b"POST" in line:
                client.sendall(unary)
            read_all(client)

    with lab.recording(inbound(lab.origin(handle)), choice=Choice(exclude="~u /drop")) as proxy:
        length = b"Content-Length: %d" % len(unary)
        for path in (b"drop", b"keep"):
            ask(proxy.port(), b"GET /" + path)
            ask(proxy.port(), b"POST /" + path, b"Content-Type: application/grpc", length)
    kept = {one.id: one.request.method for one in lab.exchanges()}
    assert list(kept.values()) == ["GET", "POST"]
    with Capture.open(lab.capture) as capture:
        assert capture.message_count() == 4
        assert capture.check() == []
        for identity, method in kept.items():
            kinds = [message.kind for message in capture.messages(identity)]
            assert kinds == (["event", "event"] if method == "GET" else ["grpc", "grpc"])
        assert all(one.notes == {} for one in capture.exchanges())
    assert proxy.last("done")["left_out"] == 2
