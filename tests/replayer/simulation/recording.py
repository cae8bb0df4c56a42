"""A made-up recording, and what is true of it: who had which id from where, and who touches what.

The truth comes out of the making, not out of the code under test: each exchange says which exchanges gave it a value,
which client it is of, and which things it reads or writes.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from captures.model import Cause, CauseHow, Direction, Exchange, Headers, Request, Response, Timing
from captures.store import Capture
from captures.writer import CaptureWriter
from replayer.plan import Order
from tests.replayer.tapes import NOW, request, response

MEMBERS = "what is in the list of orders"
KINDS = "login make make get get put pay bill list board static socket".split()
ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789"


def fresh_uuid(chance: random.Random) -> str:
    raw = chance.randbytes(16).hex()
    return f"{raw[:8]}-{raw[8:12]}-4{raw[13:16]}-a{raw[17:20]}-{raw[20:]}"


def fresh_session(chance: random.Random) -> str:
    return "".join(chance.choice(ALPHABET) + chance.choice("23456789") for _ in range(10))


@dataclass(slots=True)
class Fact:
    """What is true of one recorded inbound exchange."""

    id: int
    started: float
    answered: float
    client: int
    status: int
    sources: set[int] = field(default_factory=set)  # whose answers gave it a value
    touches: dict[str, bool] = field(default_factory=dict)  # thing -> whether it is written
    sendable: bool = True


@dataclass(slots=True)
class Recording:
    """``exchanges``: inbound ones as the capture has them. ``capture`` is open; close it."""

    capture: Capture
    exchanges: list[Exchange]
    facts: dict[int, Fact]

    def must_precede(self, order: Order) -> list[tuple[int, int]]:
        """Every pair that has to keep its order, plainly: quadratic."""
        facts = sorted((fact for fact in self.facts.values() if fact.sendable), key=lambda fact: fact.id)
        pairs = []
        for index, later in enumerate(facts):
            for earlier in facts[:index]:
                before = earlier.answered <= later.started
                if order is Order.RECORDED:
                    kept = before
                else:
                    kept = earlier.id in later.sources
                    kept = kept or any(
                        _conflict(thing, earlier.touches[thing], later.touches[thing])
                        for thing in later.touches.keys() & earlier.touches.keys()
                    )
                    kept = kept or (order is Order.SESSION and before and earlier.client == later.client)
                if kept:
                    pairs.append((earlier.id, later.id))
        return pairs


def _conflict(thing: str, first: bool, second: bool) -> bool:
    """Changes of two orders may change places; a list in between may not."""
    return first != second if thing == MEMBERS else first or second


@dataclass(slots=True)
class _Known:
    order: str
    source: int
    answered: float


class Maker:
    """Makes one recording: some clients at a time, each with one request under way."""

    def __init__(self, seed: int) -> None:
        self._chance = random.Random(f"recording {seed}")
        self._orders: list[_Known] = []
        self._rows: list[tuple[Exchange, list[tuple[float, Request, Response]], Fact]] = []

    def write(self, path: Path) -> Recording:
        """Make it and write it to ``path``."""
        chance = self._chance
        clients = chance.randint(1, 4)
        steps: list[tuple[float, int]] = []
        for client in range(clients):
            at = chance.uniform(0, 1)
            for _ in range(chance.randint(2, 5)):
                steps.append((at, client))
                at += chance.choice([0.05, chance.uniform(0.05, 2.0)]) + 0.4
        sessions: dict[int, tuple[str, int, float]] = {}
        for number, (at, client) in enumerate(sorted(steps), start=1):
            self._step(number, at, client, sessions)
        return self._written(path)

    def _step(self, number: int, at: float, client: int, sessions: dict[int, tuple[str, int, float]]) -> None:
        chance = self._chance
        took = chance.uniform(0.01, 0.35)
        done = at + took
        fact = Fact(number, at, done, client, 200)
        headers: Headers = ()
        session = sessions.get(client)
        if session is not None and session[2] <= at and chance.random() < 0.7:
            headers = ((b"Cookie", f"theme=dark; sid={session[0]}".encode()),)
            fact.sources.add(session[1])
        known = [one for one in self._orders if one.answered <= at]
        one = chance.choice(known) if known else None
        kind = chance.choice(KINDS)
        if one is None and kind in ("get", "put", "pay", "bill"):
            kind = "make"
        calls: list[tuple[float, Request, Response]] = []
        answer: Any = {}
        answered: Headers = ()
        body: Any = None
        method, target = "GET", "/"
        if one is not None and kind in ("get", "put", "pay", "bill"):
            fact.sources.add(one.source)
            fact.touches[one.order] = kind != "get"
        if kind == "login":
            method, target = "POST", "/login"
            sessions[client] = (fresh_session(chance), number, done)
            answered = ((b"Set-Cookie", f"sid={sessions[client][0]}; Path=/".encode()),)
            fact.touches["login"] = True
        elif kind == "make":
            method, target, body = "POST", "/orders", {"items": [{"sku": "A", "quantity": chance.randint(1, 9)}]}
            order = fresh_uuid(chance)
            self._orders.append(_Known(order, number, done))
            fact.status, answer = 201, {"id": order, "state": "new"}
            fact.touches |= {"orders": True, order: True}
            calls.append((at + took * 0.3, stock(), response(200, {"price": 10})))
            calls.append((at + took * 0.6, charge(order), response(200, {"paid": order})))
        elif kind == "get" and one is not None:
            target, answer = f"/orders/{one.order}", {"id": one.order, "state": "new"}
        elif kind == "put" and one is not None:
            method, target, body = "PUT", f"/orders/{one.order}", {"quantity": chance.randint(1, 9)}
            answer = {"id": one.order, "state": "changed"}
            fact.touches[MEMBERS] = True
        elif kind == "pay" and one is not None:
            method, target, body = "POST", f"/orders/{one.order}/pay", {"method": "card"}
            answer = {"id": one.order, "state": "paid"}
            fact.touches[MEMBERS] = True
            calls.append((at + took * 0.5, charge(one.order), response(200, {"paid": one.order})))
        elif kind == "bill" and one is not None:
            method, target, body = "POST", "/bills", {"order": one.order}
            answer = {"billed": True}
            fact.touches["bills"] = True
        elif kind == "list":
            target, answer = "/orders", {"ids": [one.order for one in known]}
            fact.touches |= {"orders": False, MEMBERS: False}
        elif kind == "board":  # shows orders, and no path says so
            target, answer = "/board", {"latest": [{"id": one.order} for one in known]}
            fact.touches |= {one.order: False for one in known}
        elif kind == "static":
            target = f"/static/{number}"
            calls.append((done + 0.2, audit(number), response(200, {})))
        else:
            headers = (*headers, (b"Upgrade", b"websocket"))
            fact.sendable = False
        asked = request(method, target, body, headers=headers)
        timing = Timing(NOW + at, NOW + at, NOW + done - 0.001, NOW + done)
        exchange = Exchange(
            number, Direction.INBOUND, asked, timing,
            response=response(fact.status, answer, headers=answered), connection=f"c{client}",
        )  # fmt: skip
        self._rows.append((exchange, calls, fact))

    def _written(self, path: Path) -> Recording:
        facts: dict[int, Fact] = {}
        identities: dict[int, int] = {}
        with CaptureWriter(path, mode="record", now=lambda: NOW) as writer:
            for exchange, calls, fact in self._rows:
                identity = writer.reserve_id()
                identities[fact.id] = identity
                writer.put(_with_id(exchange, identity))
                for at, asked, answered in calls:
                    cause = Cause(CauseHow.TRACE_HEADER, identity, "by hand")
                    timing = Timing(NOW + at, NOW + at, NOW + at + 0.005, NOW + at + 0.005)
                    writer.put(
                        Exchange(
                            writer.reserve_id(),
                            Direction.OUTBOUND,
                            asked,
                            timing,
                            response=answered,
                            dependency=asked.host,
                            cause=cause,
                        )
                    )
                fact.sources = {identities[source] for source in fact.sources}
                fact.id = identity
                facts[identity] = fact
        capture = Capture.open(path)
        return Recording(capture, list(capture.exchanges(direction=Direction.INBOUND)), facts)


def stock() -> Request:
    return request(target="/stock/A", host="inventory.test")


def charge(order: str) -> Request:
    return request("POST", "/charges", {"order_id": order}, host="payments.test")


def audit(number: int) -> Request:
    return request("POST", "/events", {"page": number}, host="audit.test")


def _with_id(exchange: Exchange, identity: int) -> Exchange:
    return replace(exchange, id=identity)
