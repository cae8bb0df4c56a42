"""A sample of sessions: which session an exchange belongs to, and what is kept whatever was drawn."""

from __future__ import annotations

import json
import random
import uuid
from typing import Any, cast

import pytest

from captures.model import Direction, Exchange, Failure, FailureKind, Message, Request, Response, Timing
from captures.writer import CaptureWriter
from recorder import gate as gates
from recorder.choosing import Choice, parse_share, settled
from recorder.desk import Desk
from recorder.gate import Gate
from recorder.sampling import LENGTH, Sampler
from tests.corpus import each
from tests.recorder.test_choosing import Tape, call

JSON = ((b"Content-Type", b"application/json"),)
KEY = b"k" * 16


class Traffic:
    """Exchanges with ids of their own."""

    def __init__(self, seed: int = 1) -> None:
        self.chance = random.Random(seed)
        self.last = 0

    def new(self) -> str:
        return str(uuid.UUID(int=self.chance.getrandbits(128), version=4))

    def __call__(
        self,
        asks: str,
        answer: Any = None,
        *,
        token: str = "",
        cookie: str = "",
        sets: str = "",
        line: str = "",
        status: int = 200,
        body: Any = None,
        failure: FailureKind | None = None,
    ) -> Exchange:
        self.last += 1
        method, _, target = asks.partition(" ")
        asked = [(b"Authorization", f"Bearer {token}".encode())] if token else []
        asked += [(b"Cookie", f"sid={cookie}; theme=dark".encode())] if cookie else []
        answered = [*JSON, *([(b"Set-Cookie", f"sid={sets}; Path=/".encode())] if sets else [])]
        return Exchange(
            self.last,
            Direction.INBOUND,
            Request(
                method, "http", "shop", 80, target.encode(), tuple(asked), json.dumps(body).encode() if body else b""
            ),
            Timing(0.0),
            None if failure else Response(status, tuple(answered), json.dumps(answer or {}).encode()),
            Failure(failure) if failure else None,
            connection=line,
        )


def warmed(rate: float, traffic: Traffic, *shapes: tuple[str, Any]) -> Sampler:
    """A sampler that has seen the ``shapes``, by sessions of no more interest."""
    sampler = Sampler(rate, KEY)
    for number, (asks, answer) in enumerate(shapes):
        sampler.judge(traffic(asks, answer, line=f"warm-{number}"))
    return sampler


SHAPES = (
    ("GET /", {}),
    ("POST /login", {"token": "t" * 20}),
    ("POST /carts", {"id": "x"}),
    ("GET /carts/1", {"id": "x"}),
    ("GET /orders", [{"id": "x"}]),
    ("POST /orders", {"id": "x"}),
)


def test_the_share_of_sessions_is_as_asked_for_and_each_is_whole() -> None:
    traffic = Traffic()
    sampler = warmed(0.2, traffic, *SHAPES)
    begun, kept = sampler.sessions, dict[str, list[bool]]()
    for number in range(250):
        token, line = traffic.new(), f"line-{number}"
        said = kept[line] = [sampler.judge(traffic("GET /", line=line)).keep]
        said.append(sampler.judge(traffic("POST /login", {"token": token}, line=line)).keep)
        for _ in range(3):
            cart = traffic.new()
            said.append(sampler.judge(traffic("POST /carts", {"id": cart}, token=token, line=traffic.new())).keep)
            said.append(sampler.judge(traffic(f"GET /carts/{cart}", {"id": cart}, token=token)).keep)
    assert all(len(set(said)) == 1 for said in kept.values()), "a session is kept whole or not at all"
    assert sampler.sessions - begun == 250
    assert 0.15 < sum(said[0] for said in kept.values()) / 250 < 0.25


def test_a_session_is_drawn_alike_in_every_process_of_a_recording() -> None:
    def drawn(key: bytes, warm: int) -> list[bool]:
        traffic = Traffic(2)
        sampler = warmed(0.5, traffic, *SHAPES[:warm], ("GET /", {}))
        traffic.chance.seed(7)
        return [sampler.judge(traffic("GET /", token=traffic.new())).keep for _ in range(100)]

    assert drawn(KEY, 1) == drawn(KEY, 4)


@pytest.mark.parametrize("by", ["cookie", "json"])
def test_a_login_is_kept_with_the_session_it_begins_also_behind_a_gateway(by: str) -> None:
    """All clients come over two connections of a gateway."""
    traffic = Traffic(3)
    sampler = warmed(0.3, traffic, *SHAPES)
    fates: list[tuple[bool, ...]] = []
    for number in range(300):
        token, line = traffic.new(), f"gateway-{number % 2}"
        if by == "cookie":
            login = traffic("POST /login", {"token": "t" * 20}, sets=token, line=line)
            reads = [traffic("GET /", cookie=token, line=f"gateway-{turn}") for turn in (0, 1)]
        else:
            login = traffic("POST /login", {"token": token}, line=line)
            reads = [traffic("GET /", token=token, line=f"gateway-{turn}") for turn in (0, 1)]
        fates.append(tuple(sampler.judge(one).keep for one in (login, *reads)))
    assert all(len(set(fate)) == 1 for fate in fates)
    assert 60 < sum(fate[0] for fate in fates) < 120, "they are many sessions and not one"


def test_a_new_token_belongs_to_the_session_that_it_was_given_to() -> None:
    traffic = Traffic(4)
    sampler = warmed(0.3, traffic, *SHAPES)
    for _ in range(100):
        old, new = traffic.new(), traffic.new()
        refresh = sampler.judge(traffic("POST /login", {"token": new}, token=old)).keep
        assert sampler.judge(traffic("GET /", token=new)).keep == refresh


@pytest.mark.slow
def test_an_api_key_of_one_client_for_everything_is_drawn_again_and_again() -> None:
    traffic = Traffic(5)
    sampler = warmed(0.3, traffic, *SHAPES)
    kept = sum(sampler.judge(traffic("GET /", token="one-key-for-everything-1234")).keep for _ in range(8 * LENGTH))
    assert 0.05 < kept / (8 * LENGTH) < 0.6


@pytest.mark.parametrize(
    "what", [{"status": 500}, {"status": 503}, {"failure": FailureKind.RESET}, {"answer": {"new": 1}}, {"status": 418}]
)
def test_errors_and_new_shapes_are_kept_with_their_session(what: dict[str, Any]) -> None:
    traffic = Traffic(6)
    sampler = warmed(1e-9, traffic, *SHAPES)
    token = traffic.new()
    before = [
        traffic("POST /login", {"token": token}, line="a"),
        traffic("GET /", token=token),
    ]
    assert [sampler.judge(one) for one in before] == [(False, True, ())] * 2
    verdict = sampler.judge(traffic("GET /", token=token, **{"answer": None, **what}))
    assert (verdict.keep, set(verdict.fetch)) == (True, {one.id for one in before})
    assert sampler.judge(traffic("GET /", token=token)).keep, "what follows is kept, too"
    assert not sampler.judge(traffic("GET /", token=traffic.new())).keep


def kept_and_not(sampler: Sampler, traffic: Traffic) -> tuple[str, str]:
    """A token of a session that is in the sample, and one of a session that is not."""
    found: dict[bool, str] = {}
    while len(found) < 2:
        token = traffic.new()
        found[sampler.judge(traffic("GET /", token=token)).keep] = token
    return found[True], found[False]


def test_what_a_kept_request_needs_is_kept_with_all_that_it_needs() -> None:
    traffic = Traffic(7)
    sampler = warmed(0.5, traffic, *SHAPES)
    ours, theirs = kept_and_not(sampler, traffic)
    cart = traffic.new()
    made = traffic("POST /carts", {"id": cart}, token=theirs)
    assert not sampler.judge(made).keep
    verdict = sampler.judge(traffic(f"GET /carts/{cart}", {"id": cart}, token=ours))
    assert verdict.keep
    assert made.id in verdict.fetch
    assert sampler.kept_for["needed"] == 1


def test_a_read_that_shows_what_others_made_is_left_out() -> None:
    traffic = Traffic(8)
    sampler = warmed(0.5, traffic, *SHAPES)
    ours, theirs = kept_and_not(sampler, traffic)
    order = traffic.new()
    assert not sampler.judge(traffic("POST /orders", {"id": order}, token=theirs)).keep
    assert sampler.judge(traffic("GET /orders", [{"id": order}], token=ours)) == (False, False, ())
    own = traffic.new()
    assert sampler.judge(traffic("POST /orders", {"id": own}, token=ours)).keep
    assert sampler.judge(traffic("GET /orders", [{"id": own}], token=ours)).keep
    stock = traffic.new()  # that was there before
    assert not sampler.judge(traffic("GET /orders", [{"id": stock}], token=theirs)).keep
    assert sampler.judge(traffic("GET /orders", [{"id": stock}], token=ours)).keep


# -- with the gate ----------------------------------------------------------------------------------------------------


def test_what_is_fetched_comes_with_its_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    traffic, tape = Traffic(9), Tape()
    gate = Gate(tape.put, sampler=warmed(1e-9, traffic, *SHAPES))
    token = traffic.new()

    def pass_by(one: Exchange) -> Exchange:
        gate.begun(one.id)
        traffic.last += 1
        gate.call(call(traffic.last), True, [one.id])
        gate.request(one, wanted=True)
        return one

    first = pass_by(traffic("POST /login", {"token": token}, line="a"))
    gate.call(call(999), True, [first.id])  # a late one
    assert (tape, gate.left.sampled, gate.left.sampled_calls) == ([], 1, 2)
    failed = pass_by(traffic("GET /", token=token, status=500))
    assert sorted(tape) == sorted([first.id, first.id + 1, 999, failed.id, failed.id + 1])
    assert (gate.left.sampled, gate.left.sampled_calls) == (0, 0)
    monkeypatch.setattr(gates, "ASIDE", 1)
    for _ in range(5):
        pass_by(traffic("GET /", token=traffic.new()))
    assert len(gate._aside) == 1, "what is set aside is bounded"
    assert (gate.left.sampled, gate.left.sampled_calls) == (5, 5)


def test_filters_count_for_themselves() -> None:
    traffic, tape = Traffic(10), Tape()
    gate = Gate(tape.put, sampler=warmed(1e-9, traffic, *SHAPES))
    one, other = traffic("GET /", token=traffic.new()), traffic("GET /", token=traffic.new())
    for exchange in (one, other):
        gate.begun(exchange.id)
        gate.call(call(100 + exchange.id), True, [exchange.id])
    gate.request(one, wanted=False)
    gate.request(other, wanted=True)
    left = gate.left
    assert (left.requests, left.calls, left.sampled, left.sampled_calls) == (1, 1, 1, 1)
    assert tape == []


@pytest.mark.parametrize(("text", "share"), [("10%", 0.1), ("1/10", 0.1), ("0.1", 0.1), ("2.5%", 0.025), ("100%", 1)])
def test_shares(text: str, share: float) -> None:
    assert parse_share(text, "--sample") == pytest.approx(share)


@each("text", ["0", "0%", "11/10", "2", "half", "-1", "1/0", "101%", ""])
def test_no_shares(text: str) -> None:
    from captures.errors import UsageError

    with pytest.raises(UsageError, match="--sample"):
        parse_share(text, "--sample")


def test_all_of_the_sessions_are_no_sample() -> None:
    assert settled(Choice(sample=1.0), {"sample": "10%"}) == Choice()
    assert settled(Choice(), {"sample": "10%"}) == Choice(sample=0.1)
    assert settled(Choice(), {"sample": 0.5}) == Choice(sample=0.5)


def test_messages_stay_with_what_is_set_aside_and_go_with_what_is_not() -> None:
    traffic = Traffic(11)
    kept: dict[int, tuple[Message, ...]] = {}

    class Writer:
        def put(self, one: Exchange, messages: tuple[Message, ...]) -> bool:
            kept[one.id] = messages
            return True

        def begin(self, _: Exchange) -> bool:
            return True

    desk = Desk(cast("CaptureWriter", Writer()), Choice(sample=1e-9), KEY)
    token = traffic.new()
    for asks, answer in SHAPES:
        desk.put(traffic(asks, answer, line=f"warm {asks}"))
    kept.clear()

    def said(one: Exchange) -> tuple[Message, ...]:
        return (Message(one.id, 1, False, "event", 0.0, b"data: 1\n\n"),)

    stream, begun = traffic("GET /", token=token), traffic("GET /", token=traffic.new())
    assert not desk.begin(stream), "what is not expected to be kept is not written while it goes on"
    desk.put(stream, True, said(stream))
    desk.put(begun, True, said(begun), begun=True)
    assert kept == {begun.id: said(begun)}
    failed = traffic("GET /", token=token, status=500)
    desk.put(failed)
    assert kept == {begun.id: said(begun), stream.id: said(stream), failed.id: ()}
    assert desk.begin(traffic("GET /", token=token))


def test_what_was_said_of_a_stream_that_is_sampled_in_later_is_counted() -> None:
    traffic = Traffic(12)
    kept: list[Exchange] = []

    class Writer:
        def put(self, one: Exchange, _: tuple[Message, ...]) -> bool:
            kept.append(one)
            return True

    desk = Desk(cast("CaptureWriter", Writer()), Choice(sample=1e-9), KEY)
    for asks, answer in SHAPES:
        desk.put(traffic(asks, answer, line=f"warm {asks}"))
    kept.clear()
    stream = traffic("GET /", token=traffic.new(), status=500)
    assert not desk.begin(stream)
    assert not desk.add(Message(stream.id, 1, False, "event", 0.0, b"data: 1\n\n"))
    desk.put(stream, True, (), begun=True)  # a relay could not know that it was declined
    assert [(one.id, one.body_truncated, one.notes) for one in kept] == [(stream.id, True, {"messages_not_kept": 1})]
