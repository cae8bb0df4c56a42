"""HTTP/2 towards the target: what a well-behaved one gets and says, and what a hostile one comes to."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from captures.model import FailureKind, Response
from captures.trust import Authority
from replayer import loops
from replayer.client import Client, Outcome
from replayer.plan import Connections, HttpVersion
from tests.replayer.wire.http2_server import OK, Peer, frame, goaway, speaks_http2
from tests.replayer.wire.servers import OK as OK1
from tests.replayer.wire.servers import Handler, answers, ask, drips, once, resets, serving, silent, slams

TWO = HttpVersion.TWO
CONTINUE = [(b":status", b"100")]


def ask2(method: str = "GET", target: bytes = b"/", body: bytes = b"", **more: Any) -> Any:
    headers = more.pop("headers", ((b"Host", b"shop.test"), (b"a", b"1"), (b"a", b"2")))
    return ask(method, target, headers, body, version="HTTP/2.0", **more)


def says(*steps: Callable[[Peer, int], Any]) -> Handler:
    """Does ``steps`` for each request."""

    def on_request(peer: Peer, stream: int) -> None:
        for step in steps:
            step(peer, stream)

    return speaks_http2(on_request)


def head(peer: Peer, stream: int) -> None:
    peer.h2.send_headers(stream, [*OK, (b"content-length", b"9")])
    peer.h2.send_data(stream, b"half")
    peer.flush()


def resetting(code: int) -> Callable[[Peer, int], None]:
    def step(peer: Peer, stream: int) -> None:
        peer.h2.reset_stream(stream, code)
        peer.flush()

    return step


def raw(make: Callable[[int], bytes]) -> Callable[[Peer, int], None]:
    return lambda peer, stream: peer.raw(make(stream))


def closing(peer: Peer, stream: int) -> None:
    peer.flush()
    peer.writer.close()


def with_headers(*pairs: tuple[bytes, bytes]) -> Callable[[Peer, int], None]:
    return lambda peer, stream: peer.answer(stream, b"ok", list(pairs))


LONG = [(b"x-long", b"x" * 10_000)] * 40
HOSTILE: dict[str, tuple[Handler, FailureKind, bytes | None]] = {
    "closes at once": (slams, FailureKind.RESET, None),
    "says nothing": (silent, FailureKind.TIMEOUT, None),
    "answers in HTTP/1.1": (answers(OK1), FailureKind.PROTOCOL, None),
    "begins with another frame": (answers(frame(6, 0, b"8 bytes!")), FailureKind.PROTOCOL, None),
    "closes after the request": (says(closing), FailureKind.RESET, None),
    "resets the stream": (says(resetting(2)), FailureKind.RESET, None),
    "resets the stream for an unknown reason": (says(resetting(99)), FailureKind.RESET, None),
    "refuses the stream, again and again": (says(resetting(7)), FailureKind.RESET, None),
    "wants HTTP/1.1 where nothing but HTTP/2 will do": (says(resetting(13)), FailureKind.RESET, None),
    "resets the stream in the body": (says(head, resetting(2)), FailureKind.TRUNCATED, b"half"),
    "closes in the body": (says(head, closing), FailureKind.TRUNCATED, b"half"),
    "stops in the body": (says(head), FailureKind.TRUNCATED, b"half"),
    "goes away, and the request was not processed": (says(raw(lambda _: goaway(0))), FailureKind.RESET, None),
    "goes away with an error, and closes": (says(raw(lambda s: goaway(s, 2)), closing), FailureKind.RESET, None),
    "goes away in the body": (says(head, raw(lambda s: goaway(s, 11)), closing), FailureKind.TRUNCATED, b"half"),
    "ends the body before its length": (says(head, raw(lambda s: frame(0, s, b"", 1))), FailureKind.PROTOCOL, b"half"),
    "says no status": (says(with_headers((b"a", b"b"))), FailureKind.PROTOCOL, None),
    "says a strange status": (says(with_headers((b":status", b"2000"))), FailureKind.PROTOCOL, None),
    "says two statuses": (says(with_headers(*OK, *OK)), FailureKind.PROTOCOL, None),
    "says a status last": (says(with_headers((b"a", b"b"), *OK)), FailureKind.PROTOCOL, None),
    "writes names in capitals": (says(with_headers(*OK, (b"X-A", b"b"))), FailureKind.PROTOCOL, None),
    "says transfer-encoding": (says(with_headers(*OK, (b"transfer-encoding", b"x"))), FailureKind.PROTOCOL, None),
    "breaks a line": (says(with_headers(*OK, (b"a", b"b\r\nc: d"))), FailureKind.PROTOCOL, None),
    "sends a body first": (says(raw(lambda s: frame(0, s, b"x"))), FailureKind.PROTOCOL, None),
    "sends headers that are none": (says(raw(lambda s: frame(1, s, b"\xff" * 4, 4))), FailureKind.PROTOCOL, None),
    "sends a frame too long": (says(raw(lambda s: frame(0, s, b"x" * 16_385))), FailureKind.PROTOCOL, None),
    "sends more than is kept": (
        says(lambda p, s: p.h2.send_headers(s, OK), raw(lambda s: frame(0, s, b"x" * 16_384) * 70)),
        FailureKind.TRUNCATED, b"x" * 1000,
    ),
    "has a head too long": (says(with_headers(*OK, *LONG)), FailureKind.PROTOCOL, None),
    "pushes": (says(raw(lambda s: frame(5, s, b"\0\0\0\2\x88", 4))), FailureKind.PROTOCOL, None),
    "sends a short GOAWAY": (says(raw(lambda _: frame(7, 0, b"1234"))), FailureKind.PROTOCOL, None),
}  # fmt: skip


@pytest.mark.parametrize("run", [asyncio.run, loops.run], ids=["asyncio", "fastest loop"])
@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.slow
def test_what_a_hostile_target_does_is_a_result(name: str, run: Callable[[Any], Any]) -> None:
    handler, kind, body = HOSTILE[name]
    waits = kind is FailureKind.TIMEOUT or name == "stops in the body"
    limit = {"max_body": 1000} if name == "sends more than is kept" else {}
    outcome = once(
        handler,
        ask2(),
        timeout=(2 if name == "stops in the body" else 0.5) if waits else 60,
        run=run,
        http_version=TWO,
        connection="a",
        **limit,
    )
    assert outcome.failure is not None
    received = outcome.response.body if outcome.response else None
    assert (outcome.failure.kind, received[: len(body)] if received and body else received) == (kind, body)
    assert outcome.failure.detail


def test_the_request_arrives_as_it_was_recorded() -> None:
    peers: list[Peer] = []
    handler = speaks_http2(
        lambda peer, stream: peer.answer(
            stream, b"ok", [*OK, (b"x", b"1"), (b"y", b"\xff"), (b"x", b"2")], [(b"sum", b"9")]
        ),
        peers=peers,
    )
    outcome = once(handler, ask2("PUT", b"/%2F//a?b=%20&b", b"hello"), http_version=TWO)
    assert peers[0].requests[1] == [
        (b":method", b"PUT"), (b":scheme", b"http"), (b":authority", b"shop.test"), (b":path", b"/%2F//a?b=%20&b"),
        (b"a", b"1"), (b"a", b"2"),
    ]  # fmt: skip
    assert peers[0].bodies[1] == b"hello"
    headers = ((b"x", b"1"), (b"y", b"\xff"), (b"x", b"2"))
    assert outcome.response == Response(200, headers, b"ok", b"", ((b"sum", b"9"),), "HTTP/2.0")
    assert outcome.failure is None
    assert outcome.changes == ()
    assert "StreamReset" not in peers[0].events


# -- which protocol -----------------------------------------------------------------------------------------------


def test_without_tls_the_target_is_asked_once_whether_it_speaks_http2() -> None:
    starts: list[bytes] = []

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        start = await reader.readuntil(b"\r\n\r\n")
        starts.append(start[:4])
        if start[:3] == b"PRI":
            writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        else:
            writer.write(OK1)
            await reader.read()
        writer.close()

    async def run() -> None:
        async with serving(handler) as client:
            outcomes = [await client.send(ask2(), connection=name) for name in ("a", "b")]
            assert [outcome.failure for outcome in outcomes] == [None, None]
            for outcome in outcomes:
                assert outcome.response is not None
                assert outcome.response.http_version == "HTTP/1.1"
                assert outcome.changes[0]["why"] == "recorded over HTTP/2.0, replayed over HTTP/1.1"

    asyncio.run(run())
    assert starts == [b"PRI ", b"GET ", b"GET "]


def test_what_was_recorded_over_http1_is_sent_over_http1_unless_told_otherwise() -> None:
    outcome = once(answers(OK1), ask())
    assert outcome.response is not None
    assert outcome.changes == ()
    outcome = once(speaks_http2(lambda peer, stream: peer.answer(stream)), ask(), http_version=TWO)
    assert outcome.failure is None
    assert [change["where"] for change in outcome.changes] == ["request line", "header host"]


def test_http1_only_never_sends_a_preface() -> None:
    outcome = once(answers(OK1), ask2(), http_version=HttpVersion.ONE)
    assert outcome.failure is None
    assert len(outcome.changes) == 1


@pytest.mark.parametrize(
    ("offered", "version", "spoken"),
    [
        (["h2", "http/1.1"], HttpVersion.AUTO, "HTTP/2.0"),
        (["http/1.1"], HttpVersion.AUTO, "HTTP/1.1"),
        ([], HttpVersion.AUTO, "HTTP/1.1"),
        (["h2", "http/1.1"], HttpVersion.ONE, "HTTP/1.1"),
        (["h2"], HttpVersion.TWO, "HTTP/2.0"),
        (["http/1.1"], HttpVersion.TWO, None),
    ],
)
@pytest.mark.parametrize("run", [asyncio.run, loops.run], ids=["asyncio", "fastest loop"])
@pytest.mark.slow
def test_under_tls_alpn_decides(
    offered: list[str], version: HttpVersion, spoken: str | None, run: Callable[[Any], Any], tmp_path: Path
) -> None:
    context = Authority.load_or_create(tmp_path).leaf_context("a.test")
    if offered:
        context.set_alpn_protocols(offered)
    two = speaks_http2(lambda peer, stream: peer.answer(stream, b"ok"))

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        chosen = writer.get_extra_info("ssl_object").selected_alpn_protocol()
        await (two if chosen == "h2" else answers(OK1))(reader, writer)

    async def sent() -> list[Outcome]:
        async with serving(handler, context, http_version=version) as client:
            return [await client.send(ask2(), connection=name) for name in ("a", "a", "b", "")]

    for outcome in run(sent()):
        if spoken is None:
            assert outcome.failure is not None
            assert outcome.failure.kind is FailureKind.PROTOCOL
        else:
            assert outcome.failure is None
            assert outcome.response is not None
            assert (outcome.response.http_version, outcome.response.body) == (spoken, b"ok")


def test_a_target_that_wants_http1_for_a_request_gets_it() -> None:
    two = says(resetting(13))

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        start = await reader.readexactly(4)
        reader._buffer[:0] = start  # type: ignore[attr-defined]
        await (two if start == b"PRI " else answers(OK1))(reader, writer)

    outcome = once(handler, ask2("POST", body=b"x"))
    assert outcome.failure is None
    assert outcome.response is not None
    assert outcome.response.http_version == "HTTP/1.1"


# -- many at once -------------------------------------------------------------------------------------------------


async def many(client: Client, count: int, names: int = 1) -> list[Outcome]:
    return await asyncio.gather(
        *(client.send(ask2(target=b"/%d" % number), connection=f"c{number % names}") for number in range(count))
    )


def echo(peer: Peer, stream: int) -> None:
    peer.answer(stream, dict(peer.requests[stream])[b":path"])


def test_requests_of_one_connection_share_it_and_get_their_own_answers() -> None:
    peers: list[Peer] = []

    async def run() -> list[Outcome]:
        async with serving(speaks_http2(echo, peers=peers)) as client:
            return await many(client, 300, names=3)

    outcomes = asyncio.run(run())
    assert [outcome.response.body for outcome in outcomes if outcome.response] == [b"/%d" % n for n in range(300)]
    assert len(peers) == 3


@pytest.mark.parametrize(("connections", "made"), [(Connections.RECORDED, 1), (Connections.POOLED, 2)])
def test_never_more_streams_than_the_server_allows(connections: Connections, made: int) -> None:
    peers: list[Peer] = []
    most = 0
    held: list[tuple[Peer, int]] = []

    def on_request(peer: Peer, stream: int) -> None:
        nonlocal most
        held.append((peer, stream))
        most = max(most, sum(1 for other, _ in held if other is peer))
        if len(held) == 4:  # the others wait
            asyncio.get_running_loop().call_later(0.05, release)

    def release() -> None:
        for peer, stream in held:
            echo(peer, stream)
        held.clear()

    limit = 4 // made
    handler = speaks_http2(on_request, settings={3: limit}, peers=peers)

    async def run() -> list[Outcome]:
        async with serving(handler, connections=connections) as client:
            return await many(client, 8 if made == 1 else 4)

    assert all(outcome.failure is None for outcome in asyncio.run(run()))
    assert most == limit
    assert len(peers) == made


@pytest.mark.slow
def test_big_bodies_both_ways_within_small_windows() -> None:
    body = bytes(range(256)) * 4_000

    def on_request(peer: Peer, stream: int) -> None:
        peer.h2.send_headers(stream, OK)
        task = asyncio.get_running_loop().create_task(_send(peer, stream, peer.bodies[stream]))
        peer.task = task  # type: ignore[attr-defined]

    async def _send(peer: Peer, stream: int, data: bytes) -> None:
        while data:
            room = min(peer.h2.local_flow_control_window(stream), 16_384)
            if room:
                peer.h2.send_data(stream, data[:room], end_stream=room >= len(data))
                data = data[room:]
                peer.flush()
            await asyncio.sleep(0)

    handler = speaks_http2(on_request, settings={4: 1_000})
    outcome = once(handler, ask2("POST", body=body), http_version=TWO, timeout=60)
    assert outcome.failure is None
    assert outcome.response is not None
    assert outcome.response.body == body


def test_who_goes_away_still_answers_what_is_under_way_and_the_next_goes_elsewhere() -> None:
    """nginx says GOAWAY before its last answer, once ``keepalive_requests`` are reached."""
    peers: list[Peer] = []

    def on_request(peer: Peer, stream: int) -> None:
        peer.raw(goaway(stream))
        echo(peer, stream)

    async def run() -> list[Outcome]:
        async with serving(speaks_http2(on_request, peers=peers)) as client:
            return [await client.send(ask2("POST"), connection="a") for _ in range(3)]

    assert [outcome.failure for outcome in asyncio.run(run())] == [None] * 3
    assert len(peers) == 3


@pytest.mark.parametrize("refuse", [resetting(7), raw(lambda _: goaway(0))], ids=["REFUSED_STREAM", "GOAWAY"])
def test_what_was_not_processed_is_sent_again_whatever_its_method(refuse: Callable[[Peer, int], None]) -> None:
    peers: list[Peer] = []
    seen = 0

    def on_request(peer: Peer, stream: int) -> None:
        nonlocal seen
        seen += 1
        (refuse if seen == 1 else echo)(peer, stream)

    outcome = once(speaks_http2(on_request, peers=peers), ask2("POST", body=b"x"), connection="a")
    assert outcome.failure is None
    assert seen == 2


def test_one_broken_answer_does_not_break_the_others_on_its_connection() -> None:
    def on_request(peer: Peer, stream: int) -> None:
        path = dict(peer.requests[stream])[b":path"]
        peer.answer(stream, b"ok", [(b":status", b"no")] if path == b"/1" else OK)

    async def run() -> list[Outcome]:
        async with serving(speaks_http2(on_request)) as client:
            return await many(client, 3)

    kinds = [outcome.failure.kind if outcome.failure else None for outcome in asyncio.run(run())]
    assert kinds == [None, FailureKind.PROTOCOL, None]


def test_a_connection_that_ended_while_idle_is_not_written_to() -> None:
    """A POST may not be repeated, so the end must be seen before it is sent, however short ago it came."""
    ended = asyncio.Event()
    peers: list[Peer] = []

    def on_request(peer: Peer, stream: int) -> None:
        echo(peer, stream)
        peer.writer.close()

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await speaks_http2(on_request, peers=peers)(reader, writer)
        await writer.wait_closed()
        ended.set()

    async def run() -> None:
        async with serving(handler) as client:
            for _ in range(3):
                ended.clear()
                assert (await client.send(ask2("POST", body=b"x"), connection="a")).failure is None
                await ended.wait()

    asyncio.run(run())
    assert len(peers) == 3


@pytest.mark.parametrize(("method", "kind"), [("GET", None), ("POST", FailureKind.RESET)])
def test_an_idle_connection_that_ends_as_we_write(method: str, kind: FailureKind | None) -> None:
    seen = 0

    def on_request(peer: Peer, stream: int) -> None:
        nonlocal seen
        seen += 1
        (closing if seen == 2 else echo)(peer, stream)

    async def run() -> Outcome:
        async with serving(speaks_http2(on_request)) as client:
            await client.send(ask2(), connection="a")
            return await client.send(ask2(method), connection="a")

    failure = asyncio.run(run()).failure
    assert (failure.kind if failure else None) is kind


# -- the course of one exchange -----------------------------------------------------------------------------------


def test_interim_answers_are_told() -> None:
    def on_request(peer: Peer, stream: int) -> None:
        peer.h2.send_headers(stream, [(b":status", b"103"), (b"link", b"</a>")])
        peer.answer(stream, b"ok")

    outcome = once(speaks_http2(on_request), ask2(), http_version=TWO)
    assert outcome.failure is None
    assert outcome.interim == (103,)


@pytest.mark.parametrize("first", ["100", "401"])
def test_the_body_waits_for_what_the_target_says_to_its_head(first: str) -> None:
    peers: list[Peer] = []

    def early(peer: Peer, stream: int) -> None:
        assert peer.bodies[stream] == b""
        if first == "100":
            peer.h2.send_headers(stream, CONTINUE)
            asyncio.get_running_loop().create_task(later(peer, stream))
        else:
            peer.answer(stream, headers=[(b":status", b"401")])
        peer.flush()

    async def later(peer: Peer, stream: int) -> None:
        while len(peer.bodies[stream]) < 5:
            await asyncio.sleep(0)
        peer.answer(stream)

    headers = ((b"host", b"h"), (b"expect", b"100-continue"), (b"content-length", b"5"))
    handler = speaks_http2(early, peers=peers, early=True)
    outcome = once(handler, ask2("POST", body=b"hello", headers=headers), http_version=TWO, timeout=60)
    assert outcome.failure is None
    assert peers[0].bodies[1] == (b"hello" if first == "100" else b"")
    assert [change["where"] for change in outcome.changes] == ([] if first == "100" else ["body"])


def test_an_answer_to_head_has_no_body() -> None:
    handler = says(lambda peer, stream: peer.answer(stream, headers=[*OK, (b"content-length", b"99")]))
    outcome = once(handler, ask2("HEAD"), http_version=TWO)
    assert outcome.failure is None
    assert outcome.response is not None
    assert outcome.response.headers == ((b"content-length", b"99"),)


def test_a_request_that_is_given_up_is_cancelled_there_too() -> None:
    peers: list[Peer] = []
    asked = asyncio.Event()
    handler = speaks_http2(lambda peer, stream: asked.set(), peers=peers)

    async def run() -> None:
        async with serving(handler) as client:
            task = asyncio.create_task(client.send(ask2(), connection="a"))
            await asked.wait()
            task.cancel()
            async with asyncio.timeout(5):
                while "StreamReset" not in peers[0].events:
                    await asyncio.sleep(0)

    asyncio.run(run())


@pytest.mark.parametrize("handler", [drips(b"HTTP/1.1 200 OK\r\n", b"x"), resets(b"\0\0")], ids=["drips", "resets"])
def test_a_target_of_which_nobody_can_say_what_it_speaks_gets_http1(handler: Handler) -> None:
    asks = 0

    async def first_strange(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal asks
        asks += 1
        await (handler if asks == 1 else answers(OK1))(reader, writer)

    assert once(first_strange, ask2()).failure is None
