"""A capture of any number of exchanges, and a run of it, written within seconds a hundred thousand.

Ten kinds of things with four endpoints each: every thing is created (which calls a dependency), read, updated and
listed. Bodies are JSON of half a kilobyte to one; ids, moments and tokens are made anew in the run as a new build
makes them, and one answer in a thousand has really drifted. Every value follows from the number of its exchange, so
nothing has to be kept while writing.
"""

from __future__ import annotations

import json
import random
import sqlite3
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import replace
from email.utils import formatdate
from pathlib import Path
from typing import Any

from captures import schema
from captures.model import Cause, CauseHow, Direction, Exchange, Headers, Request, Response, Timing
from captures.packing import INSERT, Packer

THINGS = "orders customers invoices products carts shipments payments returns coupons reviews".split()
STEPS = ("create", "call", "read", "update", "list")
STARTED = 1_780_000_000.0
LATER = 3 * 86_400.0
"""Seconds between the recording and the run."""
DRIFTS = 1_000
"""One thing in so many has another amount in the run."""
BATCH = 5_000
HOST = b"shop.test"


def write_capture(path: Path, exchanges: int) -> None:
    """A recording of ``exchanges`` exchanges, a fifth of them outbound."""
    write(path, "record", STARTED, {"label": "made up"}, (exchange_number(at, run=False) for at in range(exchanges)))


def write_run(capture: Path, path: Path, exchanges: int) -> None:
    """The run of that recording."""
    meta = {"source": str(capture), "source_sessions": [[1, STARTED]], "stubbed": True}
    write(path, "replay", STARTED + LATER, meta, (exchange_number(at, run=True) for at in range(exchanges)))


def write(path: Path, mode: str, started: float, meta: dict[str, Any], exchanges: Iterable[Exchange]) -> None:
    """A capture of one session that holds ``exchanges``."""
    connection = sqlite3.connect(path)
    try:
        schema.create(connection)
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute(
            "INSERT INTO session (id, mode, started, meta) VALUES (1, ?, ?, ?)", (mode, started, json.dumps(meta))
        )
        packer = Packer(connection)
        count = 0
        rows: list[tuple[object, ...]] = []
        for exchange in exchanges:
            rows.append(packer.row(exchange))
            count += 1
            if len(rows) == BATCH:
                connection.executemany(INSERT, rows)
                connection.commit()
                rows.clear()
        connection.executemany(INSERT, rows)
        ended = started + count / 100
        connection.execute("UPDATE session SET ended = ?, seen = ?, written = ?", (ended, count, count))
        connection.commit()
    finally:
        connection.close()


def exchange_number(at: int, *, run: bool) -> Exchange:
    """Exchange number ``at`` (from 0) of the recording, or what answers to it in the run."""
    number, step = divmod(at, len(STEPS))
    kind = THINGS[number % len(THINGS)]
    thing = _thing(number, kind, run)
    began = STARTED + LATER * run + at / 100
    identity = at + 1
    made = _MAKERS[STEPS[step]](kind, thing, began, number, run)
    fresh = random.Random(at * 2 + run)
    exchange = Exchange(
        id=identity,
        direction=Direction.OUTBOUND if step == 1 else Direction.INBOUND,
        request=made[0],
        response=replace(made[1], headers=(*made[1].headers, (b"X-Request-Id", b"%032x" % fresh.getrandbits(128)))),
        timing=Timing(began, began, began + 0.004, began + 0.005),
        replay_of=identity if run else None,
        connection=f"c{number % 8}",
    )
    if step == 1:
        return replace(exchange, dependency="ledger", cause=Cause(CauseHow.TRACE_HEADER, identity - 1, "traceparent"))
    return exchange


def _thing(number: int, kind: str, run: bool) -> dict[str, Any]:
    """What a thing says of itself. Whatever the service makes anew depends on ``run``, the rest on its number only."""
    told, fresh = random.Random(number), random.Random(number * 2 + run)
    uuids = THINGS.index(kind) % 2 == 0
    identity = str(uuid.UUID(int=fresh.getrandbits(128), version=4)) if uuids else (20 if run else 10) * 10**6 + number
    amount = told.randint(100, 99_999)
    return {
        "id": identity,
        "kind": kind,
        "status": told.choice(("open", "paid", "sent")),
        "amount": amount + (run and number % DRIFTS == 7),
        "currency": "EUR",
        "created_at": moment(STARTED + LATER * run + number / 20),
        "customer": {"id": told.randint(1, 500), "name": f"Customer {told.randint(1, 500)}", "tier": "gold"},
        "lines": [
            {"sku": f"SKU-{told.randint(1000, 1200)}", "count": told.randint(1, 5), "price": told.randint(1, 900) / 10}
            for _ in range(3)
        ],
        "links": {"self": f"/{kind}/{identity}", "history": f"/{kind}/{identity}/history?limit=20"},
        "etag": f"{fresh.getrandbits(64):016x}",
    }


def moment(at: float) -> str:
    """A point in time as JSON bodies have it: ISO 8601, to the millisecond."""
    date = formatdate(at, usegmt=True)
    month = 1 + "JanFebMarAprMayJunJulAugSepOctNovDec".index(date[8:11]) // 3
    return f"{date[12:16]}-{month:02}-{date[5:7]}T{date[17:25]}.{int(at * 1000) % 1000:03}Z"


Made = tuple[Request, Response]


def _create(kind: str, thing: dict[str, Any], at: float, number: int, run: bool) -> Made:
    asked = {name: thing[name] for name in ("amount", "currency", "customer", "lines")}
    if run and number % DRIFTS == 7:
        asked["amount"] = thing["amount"] - 1  # what the client sent has not changed
    return ask("POST", f"/{kind}", at, number, asked), answer(201, thing, at)


def _call(kind: str, thing: dict[str, Any], at: float, number: int, run: bool) -> Made:
    sent = {"subject_id": thing["id"], "amount": thing["amount"], "currency": "EUR", "account": number % 50}
    request = replace(ask("POST", "/entries", at, number, sent), host="ledger.test")
    return request, answer(201, {"entry": number % 997, "accepted": True}, at)


def _read(kind: str, thing: dict[str, Any], at: float, number: int, run: bool) -> Made:
    return ask("GET", f"/{kind}/{thing['id']}", at, number), answer(200, thing, at)


def _update(kind: str, thing: dict[str, Any], at: float, number: int, run: bool) -> Made:
    changed = {**thing, "status": "closed", "updated_at": moment(at)}
    return ask("PUT", f"/{kind}/{thing['id']}", at, number, {"status": "closed"}), answer(200, changed, at)


def _list(kind: str, thing: dict[str, Any], at: float, number: int, run: bool) -> Made:
    listed = {"items": [{"id": thing["id"], "status": "closed"}], "total": 1, "page": 1, "as_of": moment(at)}
    return ask("GET", f"/{kind}?customer={number % 500}&page=1", at, number), answer(200, listed, at)


_MAKERS = {"create": _create, "call": _call, "read": _read, "update": _update, "list": _list}


def ask(method: str, target: str, at: float, number: int, value: Any = None) -> Request:
    """A request with the headers of a usual client; ``value`` is its JSON body."""
    body = b"" if value is None else json.dumps(value).encode()
    headers: Headers = (
        (b"Host", HOST),
        (b"User-Agent", b"python-httpx/0.28.1"),
        (b"Accept", b"*/*"),
        (b"Connection", b"keep-alive"),
        *(((b"Content-Type", b"application/json"), (b"Content-Length", b"%d" % len(body))) if body else ()),
    )
    return Request(method, "http", HOST.decode(), 80, target.encode(), headers, body)


def answer(status: int, value: Any, at: float) -> Response:
    """An answer with ``value`` as its JSON body."""
    body = json.dumps(value).encode()
    headers: Headers = (
        (b"Date", formatdate(at, usegmt=True).encode()),
        (b"Server", b"uvicorn"),
        (b"Content-Type", b"application/json"),
        (b"Content-Length", b"%d" % len(body)),
    )
    return Response(status, headers, body, b"Created" if status == 201 else b"OK")


def endpoints() -> Iterator[str]:
    """Every endpoint there is."""
    for kind in THINGS:
        yield from (f"POST /{kind}", f"GET /{kind}/{{id}}", f"PUT /{kind}/{{id}}", f"GET /{kind}")
