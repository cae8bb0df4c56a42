"""A small shop in memory: ids, tokens, dates and order numbers differ on every play. With ``drifts`` it is build B."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import random
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

from captures.model import Cause, CauseHow, Direction, Exchange, Headers, Request, Response, Timing
from captures.writer import CaptureWriter

DRIFTS = frozenset({"removed", "type", "rounding", "status", "header", "n+1", "amount"})
GOODS = [("SKU-1001", 4.35, 3), ("SKU-1002", 19.99, 1), ("SKU-1003", 12.345, 2), ("SKU-1004", 7.5, 4)]


@dataclass
class Shop:
    """One play. ``calls`` collects (method, dependency, target, body, answer) of the request being served."""

    seed: int
    drifts: frozenset[str] = frozenset()
    clock: datetime = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
    orders: dict[str, dict[str, Any]] = field(default_factory=dict)
    calls: list[tuple[str, str, str, Any, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)
        self.number = self.random.randrange(100, 900)
        self.users = {name: str(uuid.UUID(int=self.random.getrandbits(128), version=4)) for name in ("ada", "bob")}

    def now(self) -> str:
        self.clock += timedelta(milliseconds=self.random.randrange(20, 900))
        return self.clock.isoformat(timespec="milliseconds").replace("+00:00", "Z")

    def stock(self, sku: str) -> None:
        for _ in range(2 if "n+1" in self.drifts else 1):
            self.calls.append(("GET", "inventory", f"/items/{sku}", None, {"sku": sku, "stock": len(sku) + 3}))

    def login(self, user: str) -> tuple[int, Any]:
        claims = {
            "sub": self.users[user],
            "iat": int(self.clock.timestamp()),
            "exp": int(self.clock.timestamp()) + 3600,
        }
        head, body = (base64.urlsafe_b64encode(json.dumps(x).encode()).rstrip(b"=") for x in ({"alg": "HS256"}, claims))
        sign = base64.urlsafe_b64encode(hmac.new(b"k%d" % self.seed, head + body, hashlib.sha256).digest()).rstrip(b"=")
        token = b".".join((head, body, sign)).decode()
        expires = (self.clock + timedelta(hours=1)).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        return 200, {"token": token, "user_id": self.users[user], "expires_at": expires, "refresh": self.token()}

    def token(self) -> str:
        return base64.urlsafe_b64encode(self.random.randbytes(24)).decode()

    def order(self, user: str, items: list[tuple[str, int]]) -> tuple[int, Any]:
        prices = {sku: price for sku, price, _ in GOODS}
        for sku, _ in items:
            if sku not in prices:
                return (422 if "status" in self.drifts else 404), {"error": "unknown_item", "request": self.hexed(16)}
        for sku, _ in items:
            self.stock(sku)
        self.number += 1
        identity = f"ord_{self.hexed(10)}"
        total = round(sum(prices[sku] * count for sku, count in items), 3)
        if "rounding" in self.drifts:
            total = float(round(total, 1))
        cents = round(sum(prices[sku] * count for sku, count in items) * 100)
        sent = {"order": identity, "amount": cents // 100 if "amount" in self.drifts else cents, "currency": "EUR"}
        self.calls.append(("POST", "payments", "/charges", sent, {"charge_id": "ch_8s7d6f5g4h", "status": "ok"}))
        when = self.now()
        order: dict[str, Any] = {
            "id": identity,
            "number": f"ORD-2026-{self.number:06d}",
            "customer": {"id": self.users[user], "name": user},
            "items": [{"id": self.uuid(), "sku": sku, "quantity": count, "price": prices[sku]} for sku, count in items],
            "total": total,
            "charge_id": "ch_8s7d6f5g4h",
            "created_at": when,
            "message": f"Order {identity} confirmed for {user} at {when}",
            "links": {"self": f"/orders/{identity}", "user": f"/users/{self.users[user]}"},
        }
        self.orders[identity] = order
        return 201, order

    def hexed(self, length: int) -> str:
        return (
            "".join(self.random.choice("0123456789abcdef") for _ in range(length - 2)) + self.random.choice("a1") + "7"
        )

    def uuid(self) -> str:
        return str(uuid.UUID(int=self.random.getrandbits(128), version=4))

    def get(self, identity: str) -> tuple[int, Any]:
        if identity not in self.orders:
            return 404, {"error": "no_such_order"}
        order = {name: value for name, value in self.orders[identity].items() if name not in ("total",)}
        if "removed" in self.drifts:
            del order["customer"]
        return 200, order

    def listed(self) -> tuple[int, Any]:
        rows = [
            {"id": o["id"], "number": o["number"], "count": len(o["items"]), "created_at": o["created_at"]}
            for o in sorted(self.orders.values(), key=lambda o: o["id"])
        ]
        return 200, {"orders": rows, "as_of": self.now(), "next": self.token()}

    def product(self, sku: str) -> tuple[int, Any]:
        for index, (name, price, stock) in enumerate(GOODS, 1):
            if name == sku:
                quantity: Any = str(stock) if "type" in self.drifts else stock
                return 200, {"id": index, "sku": sku, "price": price, "stock": quantity, "tags": ["a", "b"]}
        return 404, {"error": "no_such_product"}


@dataclass
class Tape:
    """A written capture, with what a replay of it needs to point at."""

    path: Path
    inbound: list[int] = field(default_factory=list)
    stubs: dict[tuple[Any, ...], list[int]] = field(default_factory=dict)


def play(
    seed: int, path: Path, drifts: frozenset[str] = frozenset(), source: Tape | None = None, rounds: int = 6
) -> Tape:
    """Play the script and write it: a recording, or with ``source`` a run whose ids follow those of the recording."""
    tape = Tape(path)
    port = 6000 if source else 5000
    shop = Shop(seed, drifts)
    if source is not None:
        shop.clock += timedelta(days=1, hours=3)
    start = shop.clock.timestamp()
    mode = "replay" if source else "record"
    meta: dict[str, Any] = {"command": ["shop", "--port", "{port}"], "bindings": []} if source else {}
    with CaptureWriter(path, mode=mode, meta=meta, now=lambda: start) as writer:
        for at, (method, target, body, status, answer, calls) in enumerate(_script(shop, rounds)):
            identity = writer.reserve_id()
            begun = shop.clock.timestamp()
            ids = [(writer.reserve_id(), call) for call in calls]
            ended = begun + shop.random.random() / 10
            writer.put(
                Exchange(
                    id=identity,
                    direction=Direction.INBOUND,
                    request=_request(method, "127.0.0.1", port, target, body),
                    response=Response(status, _headers(shop, answer, target), json.dumps(answer).encode()),
                    timing=Timing(begun, begun, ended, ended),
                    replay_of=source.inbound[at] if source else None,
                )
            )
            tape.inbound.append(identity)
            used: dict[tuple[str, str], int] = {}
            for number, (own, (verb, dependency, where, sent, answered)) in enumerate(ids):
                key = (verb, where)
                recorded = None
                if source is not None:
                    candidates = source.stubs.get((at, *key), [])
                    recorded = candidates[min(used.get(key, 0), len(candidates) - 1)] if candidates else None
                    used[key] = used.get(key, 0) + 1
                else:
                    tape.stubs.setdefault((at, *key), []).append(own)
                writer.put(
                    Exchange(
                        id=own,
                        direction=Direction.OUTBOUND,
                        request=_request(verb, dependency, 443, where, sent),
                        response=Response(
                            200, ((b"content-type", b"application/json"),), json.dumps(answered).encode()
                        ),
                        timing=Timing(begun + number / 1000, None, None, begun + number / 1000 + 0.001),
                        dependency=dependency,
                        cause=Cause(CauseHow.WINDOW, identity, "one open"),
                        replay_of=recorded,
                    )
                )
    return tape


def _script(shop: Shop, rounds: int) -> Iterator[tuple[str, str, Any, int, Any, list[tuple[str, str, str, Any, Any]]]]:
    def done(method: str, target: str, body: Any, result: tuple[int, Any]) -> Any:
        calls, shop.calls = shop.calls, []
        return method, target, body, *result, calls

    made: list[str] = []
    for round_ in range(rounds):
        user = ("ada", "bob")[round_ % 2]
        yield done("POST", "/login", {"user": user}, shop.login(user))
        for sku, _, _ in GOODS:
            yield done("GET", f"/products/{sku}", None, shop.product(sku))
        for items in ([("SKU-1001", 2), ("SKU-1002", 1)], [("SKU-1003", round_ + 1)]):
            body = {"user": user, "items": [{"sku": sku, "quantity": count} for sku, count in items]}
            result = shop.order(user, items)
            made.append(result[1]["id"])
            yield done("POST", "/orders", body, result)
        yield done(
            "POST", "/orders", {"user": user, "items": [{"sku": "SKU-9999"}]}, shop.order(user, [("SKU-9999", 1)])
        )
        for identity in made[-3:]:
            yield done("GET", f"/orders/{identity}", None, shop.get(identity))
        yield done("GET", "/orders?limit=20", None, shop.listed())
        yield done("GET", "/orders/ord_0000000000", None, shop.get("ord_0000000000"))


def _request(method: str, host: str, port: int, target: str, body: Any) -> Request:
    data = b"" if body is None else json.dumps(body).encode()
    kind: Headers = ((b"Content-Type", b"application/json"),) if data else ()
    return Request(method, "http", host, port, target.encode(), ((b"Host", f"{host}:{port}".encode()), *kind), data)


def _headers(shop: Shop, answer: Any, target: str) -> Headers:
    secure: Headers = ((b"X-Frame-Options", b"DENY"),)
    if "header" in shop.drifts and target.startswith("/login"):
        secure = ()
    cookie: Headers = ()
    if target == "/login":
        cookie = ((b"Set-Cookie", f"sid={shop.token()}; Path=/; HttpOnly; Secure; SameSite=Lax".encode()),)
    return (
        (b"Date", format_datetime(shop.clock, usegmt=True).encode()),
        (b"Content-Type", b"application/json"),
        (b"Content-Length", str(len(json.dumps(answer))).encode()),
        (b"X-Request-Id", shop.uuid().encode()),
        (b"ETag", f'"{shop.hexed(32)}"'.encode()),
        *secure,
        *cookie,
    )
