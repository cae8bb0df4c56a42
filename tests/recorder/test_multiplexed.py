"""Streams that are carried past mitmproxy end as they do through it: for client, server and tape.

Each case is said twice, on a connection that has had its first exchange: as it is, and with the short way closed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import h2.errors
import h2.events
import h2.settings
import pytest

from captures.model import Exchange
from recorder.multiplexed import carrier
from tests.recorder.conftest import Lab, inbound, until
from tests.recorder.http2_client import Caller, calling, of
from tests.replayer.wire.http2_server import Peer, frame, goaway, speaks_http2

pytestmark = pytest.mark.slow  # a real proxy for each

Codes = h2.errors.ErrorCodes
Settings = h2.settings.SettingCodes
Fields = list[tuple[bytes, bytes]]
OK = (b":status", b"200")
WINDOW = 65_535  # bytes that h2 lets come at first


def over(count: int) -> Callable[[list[Any]], bool]:
    """Enough: so many streams have ended, beside the first."""
    ends = h2.events.StreamEnded | h2.events.StreamReset
    return lambda told: len([one for one in told if isinstance(one, ends)]) > count


def came(size: int) -> Callable[[list[Any]], bool]:
    """Enough: so many bytes of the first stream's answer after the first (whose end is a frame of its own)."""
    return lambda told: sum(len(one.data) for one in of(h2.events.DataReceived, told) if one.stream_id == 3) >= size


def head(path: bytes = b"/", method: bytes = b"GET", *more: tuple[bytes, bytes]) -> Fields:
    return [(b":method", method), (b":scheme", b"http"), (b":authority", b"shop.test"), (b":path", path), *more]


def get(client: Caller) -> None:
    client.ask("/a")
    client.hear(over(1))


def post(*pieces: bytes, length: bool = True, path: bytes = b"/") -> Callable[[Caller], None]:
    """A request with a body in ``pieces``."""

    def script(client: Caller) -> None:
        announced = [(b"content-length", b"%d" % sum(map(len, pieces)))] if length else []
        stream = client.h2.get_next_available_stream_id()
        client.h2.send_headers(stream, head(path, b"POST", *announced))
        for piece in pieces:
            client.h2.send_data(stream, piece)
            client.flush()
        client.h2.end_stream(stream)
        client.flush()
        client.hear(over(1))

    return script


def raw(data: bytes) -> Callable[[Caller], None]:
    """Bytes past h2 while there is an answer under way; then the end of the connection is waited for."""

    def script(client: Caller) -> None:
        client.ask("/open")
        client.hear(came(4))
        client.sock.sendall(data)
        client.hear(lambda told: None in told)

    return script


def said(*headers: Fields, end: bool = True) -> Callable[[Caller], None]:
    """Requests with ``headers``, all at once."""

    def script(client: Caller) -> None:
        for one in headers:
            client.h2.send_headers(client.h2.get_next_available_stream_id(), one, end_stream=end)
        client.flush()
        client.hear(over(len(headers)))

    return script


def answers(
    *pieces: bytes, headers: Fields | None = None, trailers: Fields | None = None
) -> Callable[[Peer, int], None]:
    def answer(peer: Peer, stream: int) -> None:
        peer.h2.send_headers(stream, [OK, *(headers or [])], end_stream=not pieces and trailers is None)
        for at, piece in enumerate(pieces):
            peer.h2.send_data(stream, piece, end_stream=at == len(pieces) - 1 and trailers is None)
            peer.flush()
        if trailers is not None:
            peer.h2.send_headers(stream, trailers, end_stream=True)
        peer.flush()

    return answer


def past_h2(data: bytes, *, begins: bool = True) -> Callable[[Peer, int], None]:
    """An answer to the second stream that h2 would not give, all of it or after its head: when the third comes."""

    def answer(peer: Peer, stream: int) -> None:
        if stream == 3 and begins:
            peer.h2.send_headers(stream, [OK, (b"content-length", b"5")])
            peer.flush()
        if stream == 5:
            peer.raw(data)

    return answer


def asks_twice(client: Caller) -> None:
    """The second time when the first answer has begun."""
    client.ask("/a")
    client.hear(lambda told: len(of(h2.events.ResponseReceived, told)) > 1)
    asks_again(client)


def hears_one(client: Caller) -> None:
    """The first answer ends; the second never begins."""
    client.ask("/a")
    client.hear(lambda told: len(of(h2.events.ResponseReceived, told)) > 1)
    client.ask("/b")
    client.hear(over(1))


def asks_two(client: Caller) -> None:
    client.ask("/a")
    asks_again(client)


def asks_again(client: Caller) -> None:
    client.ask("/b")
    client.hear(lambda told: None in told or over(1)(told))


def resets(code: Codes, *, begun: bool) -> Callable[[Peer, int], None]:
    def answer(peer: Peer, stream: int) -> None:
        if begun:
            peer.h2.send_headers(stream, [OK])
            peer.h2.send_data(stream, b"half")
        peer.h2.reset_stream(stream, code)
        peer.flush()

    return answer


def informs(peer: Peer, stream: int) -> None:
    peer.h2.send_headers(stream, [(b":status", b"103"), (b"link", b"</a.css>")])
    peer.answer(stream, b"ok")


def leaves(peer: Peer, stream: int) -> None:
    peer.h2.send_headers(stream, [OK])
    peer.h2.send_data(stream, b"half")
    peer.flush()
    peer.writer.close()


def goes_away(code: Codes = Codes.NO_ERROR) -> Callable[[Peer, int], None]:
    def answer(peer: Peer, stream: int) -> None:
        peer.raw(goaway(stream, code))
        if code is Codes.NO_ERROR:
            peer.answer(stream, b"the last")
        else:
            peer.writer.close()

    return answer


def echoes(peer: Peer, stream: int) -> None:
    body = peer.bodies[stream]
    peer.h2.send_headers(stream, [OK])
    peer.h2.send_data(stream, b"%d" % len(body), end_stream=True)
    peer.flush()


def fills(size: int) -> Callable[[Peer, int], None]:
    """An answer of ``size`` bytes, as the windows let it pass."""

    def answer(peer: Peer, stream: int) -> None:
        peer.h2.send_headers(stream, [OK])
        left = size

        def more() -> None:
            nonlocal left
            while left and (now := min(left, peer.h2.local_flow_control_window(stream), 16_384)) > 0:
                left -= now
                peer.h2.send_data(stream, b"x" * now, end_stream=not left)
            peer.flush()
            if left:
                asyncio.get_running_loop().call_later(0.01, more)

        more()

    return answer


def reads_slowly(client: Caller) -> None:
    """The rest of an answer is granted only when all that was granted has come."""
    client.ask("/large")

    granted_at = 0

    def granted(told: list[Any]) -> bool:
        nonlocal granted_at
        came = sum(len(one.data) for one in of(h2.events.DataReceived, told))
        if not granted_at and came >= WINDOW:
            granted_at = came
            client.h2.increment_flow_control_window(100_000, 3)
            client.h2.increment_flow_control_window(100_000)
            client.flush()
        return over(1)(told)

    client.hear(granted)


def resets_late(client: Caller) -> None:
    client.ask("/half")
    client.hear(came(4))
    client.h2.reset_stream(3, Codes.CANCEL)
    client.ask("/b")
    client.hear(over(1))


def resets_upload(client: Caller) -> None:
    client.h2.send_headers(3, head(b"/", b"POST", (b"content-length", b"10")))
    client.h2.send_data(3, b"half")
    client.flush()
    client.h2.reset_stream(3, Codes.CANCEL)
    client.ask("/b")
    client.hear(over(1))


def leaves_early(client: Caller) -> None:
    client.ask("/half")
    client.hear(came(4))
    client.sock.close()


def breaks_off(client: Caller) -> None:
    client.ask("/a")
    client.hear(came(4))
    client.sock.sendall(frame(0, 3, b"12345")[:11])


def hears_the_end(client: Caller) -> None:
    client.ask("/a")
    client.hear(lambda told: None in told)


def with_trailers(client: Caller) -> None:
    client.h2.send_headers(3, head(b"/", b"POST"))
    client.h2.send_data(3, b"body")
    client.h2.send_headers(3, [(b"x-sum", b"4")], end_stream=True)
    client.flush()
    client.hear(over(1))


def is_answered_early(client: Caller) -> None:
    client.h2.send_headers(3, head(b"/", b"POST"))
    client.flush()
    client.hear(came(4))
    client.h2.send_data(3, b"late", end_stream=True)
    client.flush()
    client.hear(over(1))


def converses(client: Caller) -> None:
    """A message each, in turn."""
    client.h2.send_headers(3, head(b"/", b"POST", (b"content-type", b"application/grpc")))
    for count in (1, 2, 3):
        client.h2.send_data(3, b"\0\0\0\0\x02hi")
        client.flush()
        client.hear(came(7 * count))
    client.h2.end_stream(3)
    client.flush()
    client.hear(over(1))


def answers_each(peer: Peer, stream: int) -> None:
    """Of a stream that has just begun."""
    if stream == 1:
        peer.answer(stream, b"first")
        return
    peer.h2.send_headers(stream, [OK, (b"content-type", b"application/grpc")])
    answered = 0

    def look() -> None:
        nonlocal answered
        while answered < len(peer.bodies[stream]) // 7:
            answered += 1
            peer.h2.send_data(stream, b"\0\0\0\0\x02ho")
        if peer.events[-1] == "StreamEnded":
            peer.h2.send_headers(stream, [(b"grpc-status", b"0")], end_stream=True)
            peer.flush()
        else:
            peer.flush()
            asyncio.get_running_loop().call_later(0.005, look)

    look()


def talks_meanwhile(client: Caller) -> None:
    """Frames that are of no stream, and of none that is known, in the middle of an exchange."""
    client.ask("/half")
    client.hear(came(4))
    client.h2.ping(b"12345678")
    client.flush()
    client.sock.sendall(frame(2, 9, (3).to_bytes(4) + b"\x10") + frame(0xFA, 0, b"grease") + frame(0xFB, 3, b"grease"))
    client.hear(lambda told: of(h2.events.PingAckReceived, told))
    client.ask("/b")
    client.hear(over(2))


def changes_settings(client: Caller) -> None:
    client.ask("/large")
    client.hear(came(60_000))
    client.h2.update_settings({Settings.INITIAL_WINDOW_SIZE: 200_000})
    client.h2.increment_flow_control_window(200_000)
    client.flush()
    client.hear(over(1))


def sends_continued(client: Caller) -> None:
    """A head in three frames."""
    block = client.h2.encoder.encode(head(b"/", b"GET", (b"x-long", b"y" * 600)))
    parts = [block[:100], block[100:200], block[200:]]
    client.h2.send_headers(3, head(), end_stream=True)  # h2 is to expect an answer
    client.h2.data_to_send()
    for at, part in enumerate(parts):
        client.sock.sendall(frame(9 if at else 1, 3, part, (1 if not at else 0) | (4 if at == 2 else 0)))
    client.hear(over(1))


def sends_padded(client: Caller) -> None:
    client.h2.send_headers(3, head(b"/", b"POST"))
    client.h2.send_data(3, b"body", pad_length=5)
    client.h2.send_data(3, b"more", end_stream=True)
    client.flush()
    client.hear(over(1))


def held(peer: Peer, stream: int) -> None:
    """The first stream after the first is answered when there is another, as are all others."""
    if stream == 1 or stream > 3:
        peer.answer(stream, b"other")
    if stream > 3:
        peer.h2.send_data(3, b"rest", end_stream=True)
    elif stream == 3:
        peer.h2.send_headers(3, [OK])
        peer.h2.send_data(3, b"half")
    peer.flush()


def halves(peer: Peer, stream: int) -> None:
    """The first stream after the first never ends."""
    if stream == 3:
        peer.h2.send_headers(3, [OK])
        peer.h2.send_data(3, b"half")
        peer.flush()
    else:
        peer.answer(stream, b"other")


@dataclass(frozen=True)
class Case:
    answer: Callable[[Peer, int], None]
    script: Callable[[Caller], None] = get
    carried: int = 1  # exchanges that begin on the short way
    early: bool = False
    settings: dict[int, int] = field(default_factory=dict)


CASES = {
    "a body": Case(answers(b"hello", b" world")),
    "no body": Case(answers(headers=[(b"x-a", b"1")])),
    "an empty last frame": Case(answers(b"hello", b"")),
    "a length": Case(answers(b"12345", headers=[(b"content-length", b"5")])),
    "the head alone": Case(answers(headers=[(b"content-length", b"5")]), said(head(b"/", b"HEAD"))),
    "a large head": Case(answers(b"ok", headers=[(b"x-large", b"z" * 20_000), (b"set-cookie", b"a=b")])),
    "trailers": Case(answers(b"hello", trailers=[(b"x-sum", b"5")])),
    "trailers alone": Case(answers(trailers=[(b"grpc-status", b"5")])),
    "an informational response": Case(informs),
    "many at once": Case(answers(b"hello"), said(*[head(b"/%d" % n) for n in range(20)]), carried=20),
    "no room for more": Case(
        answers(b"hello"), said(*[head(b"/%d" % n) for n in range(5)]), 2, settings={Settings.MAX_CONCURRENT_STREAMS: 2}
    ),
    "a request body": Case(echoes, post(b"hello", b" world")),
    "a request body that is empty": Case(echoes, post()),
    "a request body of unknown length": Case(echoes, post(b"hello", b" world", length=False)),
    "a large request body": Case(echoes, post(b"x" * 16_000, b"y" * 16_000, b"z" * 16_000)),
    "more than the server takes": Case(echoes, post(b"x" * 5_000), settings={Settings.INITIAL_WINDOW_SIZE: 1_000}),
    "more than the server takes at once": Case(
        echoes, post(b"x" * 5_000, length=False), settings={Settings.INITIAL_WINDOW_SIZE: 1_000}
    ),
    "request trailers": Case(echoes, with_trailers),
    "a padded request": Case(echoes, sends_padded),
    "a request in many frames": Case(answers(b"hello"), sends_continued, carried=0),
    "an expectation": Case(echoes, said(head(b"/", b"GET", (b"expect", b"100-continue"))), carried=0),
    "a connect request": Case(
        echoes, said([(b":method", b"CONNECT"), (b":authority", b"shop.test:80")], end=False), carried=0
    ),
    "no authority": Case(answers(b"hello"), said([one for one in head() if one[0] != b":authority"])),
    "a strange authority": Case(
        answers(b"hello"), said([(name, value.replace(b".", b" ")) for name, value in head()]), carried=0
    ),
    "a name in capitals": Case(answers(b"hello"), said(head(b"/", b"GET", (b"X-Upper", b"1"))), carried=0),
    "a wrong length": Case(echoes, said(head(b"/", b"GET", (b"content-length", b"x")), end=False), carried=0),
    "a conversation": Case(answers_each, converses, early=True),
    "an early answer": Case(answers(b"soon"), is_answered_early, early=True),
    "a server's reset": Case(resets(Codes.REFUSED_STREAM, begun=False)),
    "a server's late reset": Case(resets(Codes.ENHANCE_YOUR_CALM, begun=True)),
    "a client's reset": Case(halves, resets_late, carried=2),
    "a client's reset of an upload": Case(answers(b"hello"), resets_upload, carried=2),
    "a server that leaves": Case(leaves, hears_the_end),
    "a server that goes away": Case(goes_away()),
    "a server that gives up": Case(
        goes_away(Codes.ENHANCE_YOUR_CALM), hears_the_end
    ),
    "a client that leaves": Case(halves, leaves_early),
    "a slow client": Case(fills(150_000), reads_slowly),
    "other settings": Case(fills(150_000), changes_settings),
    "other frames": Case(held, talks_meanwhile, carried=2),
    "a body too long": Case(past_h2(frame(0, 3, b"123456")), asks_twice, 2),
    "a body too short": Case(past_h2(frame(0, 3, b"1234", 1)), asks_twice, 2),
    "a body without a head": Case(past_h2(frame(0, 3, b"12345", 1), begins=False), asks_two, 2),
    "a padded body": Case(past_h2(frame(0, 3, b"\x0212345\0\0", 9)), hears_one, 2),
    "a head that is none": Case(past_h2(frame(1, 3, b"\xff" * 9, 4), begins=False), asks_two, 2),
    "a head without a status": Case(past_h2(frame(1, 3, b"\x00\x01a\x01b", 4), begins=False), asks_two, 2),
    "a second head": Case(past_h2(frame(1, 3, b"\x88", 4)), asks_twice, 2),
    "a client's head that is none": Case(halves, raw(frame(1, 5, b"\xff" * 9, 5))),
    "a client's body for nothing": Case(halves, raw(frame(0, 9, b"hello"))),
    "a client's even number": Case(halves, raw(frame(1, 4, b"\x82\x84\x87\x41\x01a", 5))),
    "a client's lower number": Case(halves, raw(frame(1, 1, b"\x82\x84\x87\x41\x01a", 5))),
    "a client's settings on a stream": Case(halves, raw(frame(4, 3, b""))),
    "a client's empty grant": Case(halves, raw(frame(8, 0, b"\0\0\0\0"))),
    "a client's grant without bounds": Case(halves, raw(frame(8, 0, b"\x7f\xff\xff\xff"))),
    "a client's ping of another size": Case(halves, raw(frame(6, 0, b"123"))),
    "a client's half frame": Case(halves, breaks_off),
}  # fmt: skip


def outcome(lab: Lab, case: Case) -> dict[str, Any]:
    peers: list[Peer] = []

    def answer(peer: Peer, stream: int) -> None:
        if stream == 1 and case.answer not in (answers_each, held, halves):
            peer.answer(1, b"first")
        else:
            case.answer(peer, stream)

    port = lab.origin(speaks_http2(answer, peers=peers, early=case.early, settings=case.settings))
    lax = {"validate_outbound_headers": False, "normalize_outbound_headers": False, "validate_inbound_headers": False}
    with lab.recording(inbound(port), drain=0.1) as proxy:
        with calling(proxy.port(), **lax) as client:
            client.ask("/first")
            client.hear(over(0))
            case.script(client)
        until(lambda: lab.count() >= len(peers[0].requests), "the exchanges")
    heard: dict[Any, Any] = {"goaways": client.goaways}
    for event in client.happened:
        _add(heard, event)
    exchanges = sorted(lab.exchanges(), key=lambda one: (one.request.target, one.id))
    return {
        "client": heard,
        "server": [(sorted(peer.requests.items()), sorted(peer.bodies.items())) for peer in peers],
        "tape": [_told(one) for one in exchanges],
    }


def _add(heard: dict[Any, Any], event: Any) -> None:
    """Put what ``event`` says of its stream together, however many frames it came in."""
    stream = heard.setdefault(getattr(event, "stream_id", 0), {"data": b"", "heads": [], "end": None})
    if isinstance(event, h2.events.DataReceived):
        stream["data"] += event.data
    elif isinstance(event, h2.events.StreamReset):
        stream["end"] = event.error_code
    elif isinstance(event, h2.events.StreamEnded):
        stream["end"] = "ended"
    elif event is None:
        stream["end"] = "closed"
    elif hasattr(event, "headers"):
        stream["heads"].append([(bytes(name), bytes(value)) for name, value in event.headers])


def _told(one: Exchange) -> tuple[Any, ...]:
    request, response = one.request, one.response
    return (
        request.method, request.target, request.headers, request.body, request.trailers, request.http_version,
        response and (response.status, response.headers, response.body, response.trailers, response.http_version),
        one.failure, one.body_truncated, one.notes,
        [at is not None for at in (one.timing.request_done, one.timing.response_started, one.timing.ended)],
    )  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_a_carried_stream_ends_as_through_mitmproxy(
    lab: Lab, tmp_path: Any, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    case = CASES[name]
    begun: list[Any] = []
    begin = carrier.Carrier._begin
    monkeypatch.setattr(carrier.Carrier, "_begin", lambda *given: (begun.append(given), begin(*given))[1])
    carried = outcome(lab, case)
    assert len(begun) == case.carried
    lab.capture = tmp_path / "through.sqlite"
    monkeypatch.setattr(carrier, "find_lane", lambda layer: None)
    assert carried == outcome(lab, case)
    assert len(begun) == case.carried
