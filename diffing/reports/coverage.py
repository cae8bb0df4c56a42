"""How far the run went, endpoint by endpoint, and what its dependencies' stubs could not answer."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from captures.store import Capture
from captures.visible import visible
from diffing.model import Column, Judgement, Result
from diffing.reports.text import clip
from diffing.reports.values import shown_pair

MISSES = 200  # in a report


@dataclass(frozen=True, slots=True)
class EndpointCoverage:
    """The ledger of one endpoint, and how many drift groups it has."""

    endpoint: str
    recorded: int
    replayed: int
    columns: Mapping[Column, int]
    groups: int


def by_endpoint(result: Result) -> tuple[EndpointCoverage, ...]:
    """Coverage of every endpoint, the most drifted first, then by name."""
    tables: dict[str, dict[Column, int]] = {}
    replayed: dict[str, int] = {}
    for judgement in result.judgements:
        columns = tables.setdefault(judgement.endpoint, dict.fromkeys(Column, 0))
        columns[judgement.column] += 1
        replayed[judgement.endpoint] = replayed.get(judgement.endpoint, 0) + (judgement.replayed is not None)
    groups: dict[str, int] = {}
    for group in result.groups:
        groups[group.endpoint] = groups.get(group.endpoint, 0) + 1
    rows = [
        EndpointCoverage(endpoint, sum(columns.values()), replayed[endpoint], columns, groups.get(endpoint, 0))
        for endpoint, columns in tables.items()
    ]
    return tuple(sorted(rows, key=lambda row: (-row.groups, row.endpoint)))


@dataclass(frozen=True, slots=True)
class Miss:
    """An outbound call of the new build that no stub answered, with the stub server's explanation."""

    exchange: int  # outbound, in the run
    caused_by: int | None  # inbound, in the run
    to: str
    line: str
    explanation: tuple[tuple[str, str], ...]  # (what, text)


def misses(replayed: Capture | None) -> tuple[tuple[Miss, ...], int]:
    """The misses of a run, in order, at most :data:`MISSES`, and how many there are in all."""
    if replayed is None:
        return (), 0
    where = "direction = 'outbound' AND json_type(notes, '$.miss') IS NOT NULL"
    total = next(replayed.query(f"SELECT COUNT(*) AS n FROM exchange WHERE {where}"))["n"]
    rows = replayed.query(
        f"SELECT id, caused_by, dependency, host, port, method, target, notes FROM exchange WHERE {where} "
        f"ORDER BY id LIMIT {MISSES}"
    )
    found = tuple(
        Miss(
            row["id"],
            row["caused_by"],
            visible(row["dependency"] or f"{row['host']}:{row['port']}"),
            clip(visible(f"{row['method']} {row['target']}"), 300),
            tuple(_explained(json.loads(row["notes"])["miss"])),
        )
        for row in rows
    )
    return found, int(total)


def _explained(miss: Any) -> Iterator[tuple[str, str]]:
    """The stub server's explanation as pairs of words; what it holds beyond the known keys is not lost."""
    if not isinstance(miss, Mapping):
        yield "", _said(miss)
        return
    nearest = miss.get("nearest")
    if isinstance(nearest, Mapping):
        served = ", already served" if nearest.get("served") else ""
        yield "nearest recorded", f"#{nearest.get('exchange')} {_said(nearest.get('request'))}{served}"
    elif "nearest" in miss:
        yield "nearest recorded", "none" if nearest is None else _said(nearest)
    for entry in miss.get("differences") or ():
        if isinstance(entry, Mapping):
            change = " → ".join(shown_pair(entry.get("recorded"), entry.get("replayed"), 120))
            yield "differs", f"{_said(entry.get('path'))}: {change}"
        else:
            yield "differs", _said(entry)
    for key, value in miss.items():
        if key not in ("error", "call", "nearest", "differences") and value is not None:
            yield visible(str(key)).replace("_", " "), _said(value)


def _said(value: Any) -> str:
    return clip(visible(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)), 600)


def skipped_reasons(judgements: Iterable[Judgement], column: Column) -> list[tuple[str, list[int]]]:
    """Why exchanges failed (or were not replayed): each reason with its exchanges, the most frequent first."""
    reasons: dict[str, list[int]] = {}
    for judgement in judgements:
        if judgement.column is column:
            reasons.setdefault(judgement.reason or "no reason was noted", []).append(judgement.exchange)
    return sorted(reasons.items(), key=lambda item: (-len(item[1]), item[0]))
