"""A run in which every exchange drifted, with its recording and the verdict over both, in any number.

Half of the exchanges drift alike, in a few groups; the other half in groups of ten. Bodies are JSON of about a
kilobyte with ids and moments that are new in the run; each exchange has one call to a dependency. The verdict is made
here and not by the engine, because what is measured is what becomes of it.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.shop import LATER, STARTED, answer, ask, moment, write
from captures.model import Cause, CauseHow, Direction, Exchange, Timing
from diffing.model import Column, Finding, Group, Judgement, Kind, Ledger, Level, Result, Stubs

FIELDS = ("amount", "status", "currency", "note", "tier", "weight", "tax", "priority", "channel", "region")
LARGE = 20  # groups that share half of the exchanges
TEN = 10  # exchanges of each of the other groups
THINGS = "orders customers invoices products carts shipments payments returns coupons reviews".split()


def group_of(number: int, exchanges: int) -> int:
    """The group of drifted exchange ``number`` (from 0)."""
    half = exchanges // 2
    return number % LARGE if number < half else LARGE + (number - half) // TEN


def endpoint_of(group: int) -> str:
    """The endpoint that drifts in a group: ten fields of one thing are ten groups."""
    at = group // len(FIELDS)
    return f"GET /v{1 + at // len(THINGS)}/{THINGS[at % len(THINGS)]}/{{id}}"


def write_captures(folder: Path, exchanges: int) -> tuple[Path, Path]:
    """The recording and the run."""
    recorded, replayed = folder / f"drifted-{exchanges}.sqlite", folder / f"drifted-{exchanges}.run.sqlite"
    write(recorded, "record", STARTED, {"label": "shop 1.4.0"}, _exchanges(exchanges, run=False))
    write(replayed, "replay", STARTED + LATER, {"label": "shop 1.5.0"}, _exchanges(exchanges, run=True))
    return recorded, replayed


def _exchanges(count: int, *, run: bool) -> Iterator[Exchange]:
    for number in range(count):
        group, identity, began = group_of(number, count), 2 * number + 1, STARTED + LATER * run + number / 100
        thing = _thing(number, group, run)
        target = endpoint_of(group).removeprefix("GET ").replace("{id}", str(thing["id"]))
        timing = Timing(began, began, began + 0.004, began + 0.005)
        yield Exchange(
            identity, Direction.INBOUND, ask("GET", target, began, number), timing, answer(200, thing, began),
            replay_of=identity if run else None, connection=f"c{number % 8}",
        )  # fmt: skip
        yield Exchange(
            identity + 1, Direction.OUTBOUND, ask("GET", f"/stock/{number % 50}", began, number), timing,
            answer(200, {"left": number % 7}, began), replay_of=identity + 1 if run else None,
            dependency="inventory", cause=Cause(CauseHow.TRACE_HEADER, identity, "traceparent"),
        )  # fmt: skip


def _value(number: int, field: str, *, run: bool, drifts: bool) -> Any:
    told = random.Random(f"{number} {field}").randint(100, 99_999)
    return f"{told / 100:.2f}" if run and drifts else told


def _thing(number: int, group: int, run: bool) -> dict[str, Any]:
    told, fresh = random.Random(number), random.Random(number * 2 + run)
    drifting = FIELDS[group % len(FIELDS)]
    return {
        "id": (20 if run else 10) * 10**6 + number,
        "etag": f"{fresh.getrandbits(64):016x}",
        "created_at": moment(STARTED + LATER * run + number / 20),
        **{field: _value(number, field, run=run, drifts=field == drifting) for field in FIELDS},
        "customer": {"id": told.randint(1, 500), "name": f"Customer {told.randint(1, 500)}", "tier": "gold"},
        "lines": [
            {"sku": f"SKU-{told.randint(1000, 1200)}", "count": told.randint(1, 5), "price": told.randint(1, 900) / 10}
            for _ in range(6)
        ],
        "links": {"self": f"/things/{number}", "history": f"/things/{number}/history?limit=20"},
    }


def verdict(recorded: Path, replayed: Path, exchanges: int) -> Result:
    """What a comparison of the two says."""
    members: dict[int, list[Finding]] = {}
    judgements = []
    for number in range(exchanges):
        finding = _finding(number, group_of(number, exchanges))
        members.setdefault(group_of(number, exchanges), []).append(finding)
        rules = {"volatile.identifier": 2, "volatile.timestamp": 1}
        identity = finding.exchange
        judgements.append(Judgement(identity, identity, finding.endpoint, Column.DRIFTED, (finding,), rules))
    groups = tuple(_group(number, findings) for number, findings in sorted(members.items()))
    return Result(
        "drift", 1, Ledger(recorded=exchanges, replayed=exchanges, drifted=exchanges), (), groups,
        (("volatile.identifier", 2 * exchanges), ("volatile.timestamp", exchanges)), Stubs(served=exchanges),
        tuple(judgements), recorded_path=recorded.name, replayed_path=replayed.name,
    )  # fmt: skip


def _finding(number: int, group: int) -> Finding:
    field = FIELDS[group % len(FIELDS)]
    before, after = (_value(number, field, run=run, drifts=True) for run in (False, True))
    place = f"$.{field}"
    return Finding(
        "response.body.type-changed", endpoint_of(group), f"response.body {place}", place, before, after,
        2 * number + 1, "10/10 recorded samples are numbers",
    )  # fmt: skip


def _group(number: int, findings: list[Finding]) -> Group:
    first = findings[0]
    return Group(
        f"{number:012x}", first.class_id, Kind.CONTRACT, Level.ERROR, first.endpoint, first.location, first.recorded,
        first.replayed, first.evidence, len(findings), tuple(one.exchange for one in findings), tuple(findings[:5]),
        curl=f"curl -sS 'http://127.0.0.1:8000{first.endpoint.removeprefix('GET ')}' -H 'accept: */*'",
        command=f"retape replay drifted.sqlite --only id:{first.exchange} -- python -m shop --port '{{port}}'",
    )  # fmt: skip
