"""What comparing costs: an equal pair against parsing it, a shuffled array with changed rows against deepdiff.

    python -m benchmarks diffing

The budget names the fastest JSON library for equal pairs. orjson is no dependency of Retape: where it is installed it
is the peer, else the standard library's C parser stands in (orjson is 2 to 4 times as fast) and the row says so.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from benchmarks.table import Ratio
from captures.model import Direction, Exchange, Request, Response, Timing
from diffing.exchange import Context, compare_exchange, learn_pair, learn_recorded

NOW = datetime(2026, 11, 20, tzinfo=UTC).timestamp()


def rows_of(count: int) -> list[dict[str, Any]]:
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


def shuffled(rows: list[dict[str, Any]], share: float) -> list[dict[str, Any]]:
    chance = random.Random(2)
    other: list[dict[str, Any]] = json.loads(json.dumps(rows))
    chance.shuffle(other)
    for row in other:
        if chance.random() < share:
            row["rank"] += 100
    return other


def exchange(value: Any, *, indent: int | None = None, replayed: bool = False) -> Exchange:
    return Exchange(
        id=1,
        direction=Direction.INBOUND,
        request=Request("GET", "http", "127.0.0.1", 80, b"/rows"),
        response=Response(200, ((b"Content-Type", b"application/json"),), json.dumps(value, indent=indent).encode()),
        timing=Timing(NOW + replayed, NOW, NOW, NOW + replayed),
    )


def best(action: Callable[[], Any], times: int = 5) -> float:
    taken = []
    for _ in range(times):
        started = time.perf_counter()
        action()
        taken.append(time.perf_counter() - started)
    return min(taken)


def judged(one: Exchange, other: Exchange) -> Callable[[], Any]:
    context = Context()
    learn_recorded(one, context)
    learn_pair(one, other, context)
    return lambda: compare_exchange(one, other, context)


def parser() -> tuple[str, Callable[[bytes], Any]]:
    """The fastest JSON parser at hand, and its name."""
    try:
        import orjson  # type: ignore[import-not-found,unused-ignore]
    except ImportError:
        return "json.loads (orjson is not installed)", json.loads
    return "orjson.loads", orjson.loads


def parsing(*exchanges: Exchange) -> Callable[[], Any]:
    loads = parser()[1]
    bodies = [one.response.body for one in exchanges if one.response]
    return lambda: [loads(body) for body in bodies]


def measure(*, quick: bool = False) -> list[Ratio]:
    """The rows of this benchmark."""
    from deepdiff import DeepDiff

    count, few = (50, 10) if quick else (2_000, 100)
    rows = rows_of(count)
    table: list[Ratio] = []
    for label, other in (
        ("equal bytes", exchange(rows, replayed=True)),
        ("equal values, laid out differently", exchange(rows, indent=1, replayed=True)),
    ):
        one = exchange(rows)
        ours, parsed = best(judged(one, other)), best(parsing(one, other))
        what = f"diff of an equal pair ({len(one.response.body) // 1000 if one.response else 0} KB, {label})"
        detail = f"{ours * 1e3:.2f} ms against {parsed * 1e3:.2f} ms"
        table.append(Ratio(what, f"parsing both: {parser()[0]}", ours / parsed, "at most 2 x", detail))
    ours = best(judged(exchange(rows), exchange(shuffled(rows, 0.3), replayed=True)))
    what = f"diff of {count:,} rows, shuffled, 30 % changed"
    table.append(Ratio(what, "60 ms", ours / 0.06, "at most 1 x", f"{ours * 1e3:.1f} ms, parsing included"))
    small = rows_of(few)
    theirs = best(lambda: DeepDiff(small, shuffled(small, 0.3), ignore_order=True, report_repetition=True), 1)
    ours = best(judged(exchange(small), exchange(shuffled(small, 0.3), replayed=True)))
    detail = f"{ours * 1e3:.2f} ms against {theirs * 1e3:.0f} ms"
    table.append(Ratio(f"the same with {few} rows", "deepdiff ignore_order", ours / theirs, "", detail))
    return table
