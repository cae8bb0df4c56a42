"""A capture in numbers: ``retape capture stats``."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from captures import leftout
from captures.decisions import Decided, said_by
from captures.listing import moment
from captures.model import GUESSES, Direction, Session
from captures.routes.endpoints import Endpoints, counted
from captures.routes.templates import GIVEN, Evidence
from captures.store import Capture
from captures.visible import visible

LISTED = 50  # decisions


@dataclass(frozen=True, slots=True)
class Group:
    """Exchanges of one dependency (or endpoint)."""

    name: str
    count: int
    statuses: Mapping[str, int]  # status or kind of failure -> how many


@dataclass(frozen=True, slots=True)
class EndpointGroup(Group):
    """Exchanges of one endpoint (``GET /orders/{id}``)."""

    parameters: tuple[Evidence, ...] = ()  # why each parameter of its path is one


@dataclass(frozen=True, slots=True)
class Statistics:
    """What is in one capture."""

    capture: str
    inbound: int
    outbound: int
    bodies: int  # different ones
    body_bytes: int  # before compression, each once
    stored_bytes: int  # as they are in the file
    messages: int  # of WebSockets, streams of events and gRPC
    sessions: tuple[Session, ...]
    endpoints: tuple[EndpointGroup, ...]  # inbound, most requests first
    dependencies: tuple[Group, ...]
    links: Mapping[str, int]  # how outbound exchanges were linked -> how many
    skipped: Mapping[str, int]  # in a run: reason -> how many
    complaints: tuple[str, ...] = ()  # what is wrong with the templates of retape.toml
    decided: tuple[Decided, ...] = ()  # in a run: what the rules file had decided when it was judged


def of(capture: Capture, explicit: Sequence[str] = ()) -> Statistics:
    """Count ``capture``. ``explicit``: the templates of ``retape.toml``."""
    known = Endpoints.of(capture, explicit)
    endpoints: dict[str, Counter[str]] = {}
    for one in counted(capture, known):
        endpoints.setdefault(one.endpoint, Counter())[one.outcome] += one.count
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
        messages=capture.message_count(),
        sessions=tuple(capture.sessions()),
        endpoints=tuple(
            EndpointGroup(group.name, group.count, group.statuses, known.evidence(group.name))
            for group in _groups(endpoints)
        ),
        dependencies=_groups(dependencies),
        links=dict(links.most_common()),
        skipped=dict(Counter(one.reason for one in capture.skipped()).most_common()),
        complaints=tuple(known.complaints()),
        decided=said_by(capture),
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
    if statistics.messages:
        yield f"{statistics.messages:,} messages of WebSockets, event streams and gRPC"
    yield ""
    yield "sessions"
    for session in statistics.sessions:
        ended = moment(session.ended) if session.ended is not None else "not ended"
        yield (
            f"  {session.id}  {session.mode}  {moment(session.started)} - {ended}  seen {session.seen:,}, "
            f"written {session.written:,}, dropped {session.dropped:,}, incomplete bodies {session.truncated:,}"
        )
        for sentence in leftout.sentences(session.meta):
            yield f"     {sentence}"
    yield from _table("endpoints", statistics.endpoints)
    yield from _parameters(statistics)
    yield from _table("dependencies", statistics.dependencies)
    for title, counts in (("links of outbound calls", statistics.links), ("not replayed", statistics.skipped)):
        if counts:
            yield ""
            yield title
            for name, count in counts.items():
                guess = " (a guess)" if title.startswith("links") and name in GUESSES else ""
                yield f"  {count:>8,}  {visible(name)}{guess}"
    yield from _decided(statistics.decided)


def _parameters(statistics: Statistics) -> Iterator[str]:
    """Each parameter once, whatever the number of endpoints it is in; then what is wrong with given templates."""
    places = {
        (one.after.rstrip("/"), one.name): one for endpoint in statistics.endpoints for one in endpoint.parameters
    }
    if places:
        yield ""
        yield "parameters"
        for (after, name), one in sorted(places.items()):
            yield f"  {visible(f'{after}/{name}')}  {visible(_why(one))}"
    if statistics.complaints:
        yield ""
        yield "templates in retape.toml"
        for complaint in statistics.complaints:
            yield f"  {visible(complaint)}"


def _decided(decided: Sequence[Decided]) -> Iterator[str]:
    if decided:
        yield ""
        yield "drift groups that the rules file had decided about when the run was judged"
    for one in decided[:LISTED]:
        who = f" by {visible(one.who)}" if one.who else ""
        why = f": {visible(one.reason)}" if one.reason else ""
        yield f"  {visible(one.decision)}  {visible(one.fingerprint)}{who}{why}"
    if len(decided) > LISTED:
        yield f"  and {len(decided) - LISTED:,} more"


def _why(one: Evidence) -> str:
    if one.ground == GIVEN:
        return GIVEN
    formats = ", ".join(f"{kind} {count:,}" for kind, count in one.formats.items())
    samples = ", ".join(sample if len(sample) <= 40 else sample[:39] + "…" for sample in one.samples)
    return f"{one.different:,} different ({formats}): {one.ground}; such as {samples}"


def _table(title: str, groups: Sequence[Group]) -> Iterator[str]:
    if not groups:
        return
    yield ""
    yield title
    for group in groups:
        statuses = ", ".join(f"{visible(status)}: {count:,}" for status, count in group.statuses.items())
        yield f"  {group.count:>8,}  {visible(group.name)}  ({statuses})"
