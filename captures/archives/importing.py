"""An archive of another program, made a session of a capture: sides, order, causes, redaction.

The file is read twice. The first pass keeps of each exchange only when it began and ended, on which side of the
service it was and what links it; then ids (in the order of start) and causes are known, and the second pass writes. So
memory grows with the number of exchanges and not with their bodies.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from captures.archives.entries import Archive, Broken, Entry, Losses
from captures.errors import CaptureError, EmptyCapture, UsageError
from captures.links import Linker
from captures.model import Cause, Direction, Exchange, authority
from captures.streaming import PrepareMessages
from captures.writer import CaptureWriter

SHOWN = 6  # hosts named in an error
WAIT = 600.0  # seconds for the writer's thread to take what was handed over


@dataclass(frozen=True, slots=True)
class Sides:
    """Which hosts are the service, and which it calls: patterns of ``host`` or ``host:port``, as the shell's."""

    inbound: tuple[str, ...] = ()
    outbound: tuple[str, ...] = ()

    def of(self, exchange: Exchange, told: Direction | None) -> Direction | None:
        """On which side ``exchange`` was; None when nothing says so. What was asked for goes before the file."""
        host, port = exchange.request.host, exchange.request.port
        names = (host, f"{host}:{port}")
        if any(fnmatchcase(name, pattern.lower()) for pattern in self.outbound for name in names):
            return Direction.OUTBOUND
        if any(fnmatchcase(name, pattern.lower()) for pattern in self.inbound for name in names):
            return Direction.INBOUND
        return None if self.inbound else told


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import did."""

    capture: Path
    session: int
    inbound: int
    outbound: int
    broken: str  # why the rest of the file could not be read, or ""
    losses: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Known:
    """What the first pass keeps of an exchange."""

    direction: Direction
    started: float
    ended: float
    headers: tuple[tuple[bytes, bytes], ...]


def import_archive(
    archive: Archive,
    capture: Path,
    sides: Sides,
    *,
    redact: Callable[[Exchange], Exchange],
    redact_messages: PrepareMessages | None = None,
    key: str,
    dependencies: Mapping[str, str],
    meta: Mapping[str, Any],
    progress: Callable[[int], None] = lambda done: None,
) -> Imported:
    """Append ``archive`` to the file ``capture`` (made when missing) as a session of its own.

    ``redact`` (``redact_messages`` to the messages of WebSockets) is applied before anything is written; ``key`` is the
    fingerprint of its key. ``dependencies`` names
    ``host:port``. Raises :class:`UsageError` when nothing says which exchanges were the service's,
    :class:`EmptyCapture` when there is none, and as :class:`CaptureWriter`.
    """
    known, hosts, broken = _first_pass(archive, sides)
    if not any(one is not None for one in known):
        raise _nothing(hosts, broken)
    if not sides.inbound and not any(one is not None and one.direction is Direction.INBOUND for one in known):
        raise UsageError(
            "Nothing in the file says which requests the service was asked: all were made through a forward proxy.",
            hint=f"Name the service: --inbound HOST (there are: {_ranked(hosts)}).",
        )
    losses = Losses()
    order = sorted((one.started, index) for index, one in enumerate(known) if one is not None)
    with CaptureWriter(
        capture, mode="import", meta=meta, redaction_key=key, prepare=redact, prepare_messages=redact_messages
    ) as writer:
        ids = {index: writer.reserve_id() for _, index in order}
        causes = _causes(known, order, ids)
        written = Counter[Direction]()
        for index, entry in enumerate(_whole(archive, losses, len(known))):
            one = known[index]
            if one is None:
                losses.note("left out: neither --inbound nor --outbound names its host")
                continue
            exchange = replace(entry.exchange, id=ids[index], direction=one.direction, cause=causes.get(index))
            if one.direction is Direction.OUTBOUND:
                where = authority(exchange.request.host, exchange.request.port)
                exchange = replace(exchange, dependency=dependencies.get(where, where))
            messages = tuple(replace(message, exchange=exchange.id) for message in entry.messages)
            if not writer.has_room(exchange, messages):
                writer.flush(WAIT)
            writer.put(exchange, messages)
            written[one.direction] += 1
            progress(written.total())
        writer.flush(WAIT)
        ending = {"losses": losses.sentences()} if losses.counts else {}
        counters = writer.close({**ending, **({"inconclusive": [f"the imported file {broken}"]} if broken else {})})
    if counters.dropped:
        raise CaptureError(
            f"{counters.dropped} of {counters.seen} exchanges were not written to {capture}: {counters.last_error}.",
            hint="Mend that and import again, into a new file.",
        )
    return Imported(
        capture, writer.session, written[Direction.INBOUND], written[Direction.OUTBOUND], broken,
        tuple(losses.sentences()),
    )  # fmt: skip


def _first_pass(archive: Archive, sides: Sides) -> tuple[list[_Known | None], Counter[str], str]:
    """What is known of each entry, the hosts asked, and why the rest of the file cannot be read (or "")."""
    found: list[tuple[Direction | None, Direction | None, str, _Known]] = []
    broken = ""
    try:
        for entry in archive.entries(Losses()):
            exchange = entry.exchange
            timing = exchange.timing
            where = authority(exchange.request.host, exchange.request.port)
            kept = _Known(Direction.INBOUND, timing.started, timing.ended or timing.started, exchange.request.headers)
            found.append((sides.of(exchange, entry.told), entry.told, where, kept))
    except Broken as error:
        broken = str(error)
    hosts = Counter(where for _, _, where, _ in found)
    if not sides.inbound and all(told is None for _, told, _, _ in found):
        # A file that knows no sides: all of it is the service's when it is of one host.
        rest = {where for side, _, where, _ in found if side is None}
        if len(rest) > 1:
            raise UsageError(
                f"The file holds requests to {len(rest)} hosts, and nothing says which of them is the service.",
                hint=f"Name it: --inbound HOST (there are: {_ranked(hosts)}).",
            )
        found = [(side or Direction.INBOUND, told, where, kept) for side, told, where, kept in found]
    known = [replace(kept, direction=side) if side is not None else None for side, _, _, kept in found]
    return known, hosts, broken


def _causes(
    known: Sequence[_Known | None], order: Sequence[tuple[float, int]], ids: Mapping[int, int]
) -> dict[int, Cause]:
    """The cause of each outbound call, by the evidence a recording has: the events in the order of time."""
    linker = Linker()
    causes: dict[int, Cause] = {}
    open_ones: list[tuple[float, int]] = []  # ends of inbound exchanges to come
    for started, index in order:
        one = known[index]
        assert one is not None
        while open_ones and open_ones[0][0] < started:
            ended, identity = heapq.heappop(open_ones)
            linker.inbound_ended(identity, ended)
        if one.direction is Direction.INBOUND:
            linker.inbound_started(ids[index], one.headers, started)
            heapq.heappush(open_ones, (one.ended, ids[index]))
        else:
            causes[index] = linker.cause_of(one.headers, started)
    return causes


def _whole(archive: Archive, losses: Losses, count: int) -> Iterator[Entry]:
    """The entries that the first pass saw."""
    try:
        for index, entry in enumerate(archive.entries(losses)):
            if index >= count:
                return
            yield entry
    except Broken:
        return


def _nothing(hosts: Counter[str], broken: str) -> Exception:
    if not hosts:
        return EmptyCapture(
            "The file holds no HTTP exchange that could be imported" + (f": it {broken}." if broken else "."),
            hint="Nothing was written.",
        )
    return UsageError(
        "No exchange of the file went to a host that --inbound or --outbound names.",
        hint=f"There are: {_ranked(hosts)}.",
    )


def _ranked(hosts: Counter[str]) -> str:
    named = ", ".join(f"{host} ({count})" for host, count in hosts.most_common(SHOWN))
    return named + (f" and {len(hosts) - SHOWN} more" if len(hosts) > SHOWN else "")
