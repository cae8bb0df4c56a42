"""Bodies to compare: rows of a made-up shop, in any number, and the changes made to them."""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime
from typing import Any

from captures.model import Direction, Exchange, Request, Response, Timing

NOW = datetime(2026, 11, 20, tzinfo=UTC).timestamp()
Rows = list[dict[str, Any]]


def rows_of(count: int) -> Rows:
    """``count`` different rows of nine fields, about 150 bytes each."""
    chance = random.Random(1)
    return [
        {
            "id": at,
            "name": f"name {at}",
            "price": round(chance.random() * 100, 2),
            "tags": ["a", "b"],
            "active": at % 3 == 0,
            "owner": {"id": at % 7, "team": "x"},
            "note": None,
            "updated": "2026-11-01",
            "rank": at % 11,
        }
        for at in range(count)
    ]


def rows_of_size(size: int) -> Rows:
    """Rows that are ``size`` bytes of JSON, or a little less."""
    sample = len(json.dumps(rows_of(1000))) / 1000
    return rows_of(max(1, round(size / sample)))


def copied(rows: Rows) -> Rows:
    """The same rows as other objects."""
    copy: Rows = json.loads(json.dumps(rows))
    return copy


def shuffled(rows: Rows, share: float) -> Rows:
    """The rows in another order, ``share`` of them changed in one field."""
    chance = random.Random(2)
    other = changed(rows, share)
    chance.shuffle(other)
    return other


def changed(rows: Rows, share: float) -> Rows:
    """The rows in the same order, ``share`` of them (at least one) changed in one field."""
    other = copied(rows)
    for at in random.Random(2).sample(range(len(other)), max(1, round(len(other) * share))):
        other[at]["rank"] += 100
    return other


def one_leaf(rows: Rows) -> Rows:
    """The rows with one value changed, in the middle."""
    other = copied(rows)
    other[len(other) // 2]["rank"] += 100
    return other


def reordered_keys(rows: Rows) -> Rows:
    """The same rows, the keys of every object the other way round."""
    copy: Rows = json.loads(json.dumps(rows), object_pairs_hook=lambda pairs: dict(reversed(pairs)))
    return copy


def exchange(value: Any, *, indent: int | None = None, replayed: bool = False, target: bytes = b"/rows") -> Exchange:
    """An exchange answered with ``value`` as JSON; the run's is a day later."""
    at = NOW + 86_400 * replayed
    return Exchange(
        id=1,
        direction=Direction.INBOUND,
        request=Request("GET", "http", "127.0.0.1", 80, target),
        response=Response(200, ((b"Content-Type", b"application/json"),), json.dumps(value, indent=indent).encode()),
        timing=Timing(at, at, at, at),
    )


def size_of(exchange: Exchange) -> str:
    """Of the answer's body: ``20 KB``."""
    size = len(exchange.response.body) if exchange.response else 0
    return f"{size / 1e6:.1f} MB" if size >= 1e6 else f"{size / 1e3:.0f} KB"
