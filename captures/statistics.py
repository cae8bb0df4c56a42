"""A capture in numbers: ``retape capture stats``. Reads no bodies."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from captures.listing import moment, templates_of
from captures.model import Direction, Session
from captures.store import Capture
from captures.visible import visible


@dataclass(frozen=True, slots=True)
class Group:
    """Exchanges of one endpoint (``GET /orders/{id}``) or one dependency."""

    name: str
    count: int
    statuses: Mapping[str, int]  # status or kind of failure -> how many


@dataclass(frozen=True, slots=True)
class Statistics:
    """What is in one capture."""

    capture: str
    inbound: int
    outbound: int
    bodies: int  # different ones
    body_bytes: int  # before compression, each once
    stored_bytes: int  # as they are in the file
    sessions: tuple[Session, ...]
    endpoints: tuple[Group, ...]  # inbound, most requests first
    dependencies: tuple[Group, ...]
    links: Mapping[str, int]  # how outbound exchanges were linked -> how many
    skipped: Mapping[str, int]  # in a run: reason -> how many


def of(capture: Capture) -> Statistics:
    """Count ``capture``."""
    templates = templates_of(capture, Direction.INBOUND)
    endpoints: dict[str, Counter[str]] = {}
    for row in capture.query(
        "SELECT method, target, COALESCE(failure, status, '-') AS outcome, COUNT(*) AS n FROM exchange"
        " WHERE direction = 'inbound' GROUP BY 1, 2, 3"
    ):
        endpoint = templates.endpoint(row["method"], row["target"].encode("latin-1"))
        endpoints.setdefault(endpoint, Counter())[str(row["outcome"])] += row["n"]
    dependencies: dict[str, Counter[str]] = {}
    links: Counter[str] = Counter()
    for row in capture.query(
        "SELECT COALESCE(dependency, host || ':' || port) AS dependency, COALESCE(failure, status, '-') AS outcome,"
        " COALESCE(cause_how, 'none') AS how, COUNT(*) AS n FROM exchange"
        " WHERE direction = 'outbound' GROUP BY 1, 2, 3"
    ):
        dependencies.setdefault(row["dependency"], Counter())[str(row["outcome"])] += row["n"]
        links[row["how"]] += row["n"]
    bodies = next(
        capture.query(
            "SELECT COUNT(*) AS n, COALESCE(SUM(size), 0) AS size, COALESCE(SUM(LENGTH(data)), 0) AS s FROM body"
        )
    )
    return Statistics(
        capture=str(capture.path),
        inbound=capture.count(Direction.INBOUND),
        outbound=capture.count(Direction.OUTBOUND),
        bodies=bodies["n"],
        body_bytes=bodies["size"],
        stored_bytes=bodies["s"],
        sessions=tuple(capture.sessions()),
        endpoints=_groups(endpoints),
        dependencies=_groups(dependencies),
        links=dict(links.most_common()),
        skipped=dict(Counter(one.reason for one in capture.skipped()).most_common()),
    )


def _groups(counted: Mapping[str, Counter[str]]) -> tuple[Group, ...]:
    groups = [Group(name, statuses.total(), dict(sorted(statuses.items()))) for name, statuses in counted.items()]
    return tuple(sorted(groups, key=lambda group: (-group.count, group.name)))


def as_json(statistics: Statistics) -> str:
    """The statistics as a JSON document."""
    document: dict[str, Any] = asdict(statistics)
    document["sessions"] = [{**session, "meta": dict(session["meta"])} for session in document["sessions"]]
    return json.dumps(document, ensure_ascii=True, indent=2)


def lines(statistics: Statistics) -> Iterator[str]:
    """The statistics for people."""
    yield f"{visible(statistics.capture)}: {statistics.inbound:,} inbound, {statistics.outbound:,} outbound exchanges"
    yield (
        f"{statistics.bodies:,} different bodies, {statistics.body_bytes:,} bytes, "
        f"stored as {statistics.stored_bytes:,} bytes"
    )
    yield ""
    yield "sessions"
    for session in statistics.sessions:
        ended = moment(session.ended) if session.ended is not None else "not ended"
        yield (
            f"  {session.id}  {session.mode}  {moment(session.started)} - {ended}  seen {session.seen:,}, "
            f"written {session.written:,}, dropped {session.dropped:,}, incomplete bodies {session.truncated:,}"
        )
    yield from _table("endpoints", statistics.endpoints)
    yield from _table("dependencies", statistics.dependencies)
    for title, counts in (("links of outbound calls", statistics.links), ("not replayed", statistics.skipped)):
        if counts:
            yield ""
            yield title
            for name, count in counts.items():
                yield f"  {count:>8,}  {visible(name)}"


def _table(title: str, groups: tuple[Group, ...]) -> Iterator[str]:
    if not groups:
        return
    yield ""
    yield title
    for group in groups:
        statuses = ", ".join(f"{visible(status)}: {count:,}" for status, count in group.statuses.items())
        yield f"  {group.count:>8,}  {visible(group.name)}  ({statuses})"
