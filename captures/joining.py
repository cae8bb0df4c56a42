"""Several recordings made one: ``retape capture merge`` of captures that are no runs.

Recorders beside several copies of a service, or one after another: exchanges come in the order they started, with ids
of their own, causes follow, sessions stay apart. An exchange notes what it was (``was``: number of the file, id there),
for evidence that names others by their old ids. In the files of one recording no id comes twice, so that a call which
names a cause in another of them has it again.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from captures.capture_file import ELSEWHERE, elsewhere
from captures.copying import Copy
from captures.errors import UsageError
from captures.model import Exchange, Session
from captures.progress import Pass
from captures.store import Capture


@dataclass(frozen=True, slots=True)
class Part:
    """One session of the new capture, and where it comes from."""

    session: int
    path: Path
    was: int  # its id there
    exchanges: int


@dataclass(frozen=True, slots=True)
class Joined:
    """What was written."""

    capture: Path
    exchanges: int
    parts: tuple[Part, ...]
    warnings: tuple[str, ...]


def are_recordings(paths: Sequence[Path]) -> bool:
    """Whether no file of ``paths`` is a run. Raises :class:`UsageError` where some are and some are not."""
    runs = []
    for path in paths:
        with Capture.open(path) as opened:
            runs.append(any(session.mode == "replay" for session in opened.sessions()))
    if any(runs) and not all(runs):
        run, recording = paths[runs.index(True)], paths[runs.index(False)]
        raise UsageError(
            f"{run} is a run and {recording} is a recording.", hint="Merge recordings, or the runs of shards."
        )
    return not any(runs)


def join(paths: Sequence[Path], output: Path) -> Joined:
    """Write the recordings at ``paths`` as one capture to ``output``.

    Raises :class:`UsageError` when one is given twice or ``output`` exists, and what :meth:`Capture.open` raises.
    """
    with ExitStack() as stack:
        captures = [stack.enter_context(Capture.open(path)) for path in paths]
        sessions = [capture.sessions() for capture in captures]
        _refuse_the_same_twice(paths, sessions)
        total = sum(capture.count() for capture in captures)
        with Copy(output) as copy, Pass(f"writing {output.name}", total) as progress:
            made = {
                (number, session.id): copy.session(
                    session, {"made_from": {"file": paths[number].name, "by": "merge", "session": session.id}}
                )
                for number, those in enumerate(sessions)
                for session in those
            }
            counts = dict.fromkeys(made, 0)
            known: list[dict[int, int]] = [{} for _ in captures]  # inbound exchanges: id there -> id here
            families = _families(sessions)
            everywhere: dict[tuple[int, int], int] = {}  # the same by family, over files
            for identity, (number, exchange) in enumerate(_in_order(captures), 1):
                family = families[number, exchange.session]
                if exchange.cause is None:
                    known[number][exchange.id] = everywhere[family, exchange.id] = identity
                cause = exchange.notes.get(ELSEWHERE)
                if type(cause) is int and (family, cause) in everywhere:
                    exchange = _rejoined(exchange, cause, everywhere[family, cause])
                else:
                    exchange = _follow(exchange, known[number])
                counts[number, exchange.session] += 1
                session = made[number, exchange.session]
                copy.put(_moved(exchange, identity, session, number, family), captures[number], exchange.id)
                progress(identity)
        parts = [Part(made[key], paths[key[0]], key[1], counts[key]) for key in made]
        return Joined(output, copy.exchanges, tuple(parts), tuple(_warnings(paths, sessions)))


def _in_order(captures: Sequence[Capture]) -> Iterator[tuple[int, Exchange]]:
    def of(number: int) -> Iterator[tuple[int, Exchange]]:
        return ((number, exchange) for exchange in captures[number].exchanges())

    # Ids grow with the time of start in each; merged by start, causes still come before what they caused.
    return heapq.merge(*map(of, range(len(captures))), key=lambda item: (item[1].timing.started, item[0]))


def _families(sessions: Sequence[Sequence[Session]]) -> dict[tuple[int, int], int]:
    """Which sessions, named by file and id, are of one recording or one series: the number of its first file."""
    first: dict[object, int] = {}
    found: dict[tuple[int, int], int] = {}
    for number, those in enumerate(sessions):
        for session in those:
            series = session.meta.get("series")
            name = series.get("id") if isinstance(series, dict) else session.meta.get("recording")
            found[number, session.id] = first.setdefault(name, number) if isinstance(name, str) else number
    return found


def _follow(exchange: Exchange, known: Mapping[int, int]) -> Exchange:
    """``exchange`` with its cause where that is in the same file."""
    cause = exchange.cause
    if cause is None or cause.exchange is None:
        return exchange
    return replace(exchange, cause=replace(cause, exchange=known.get(cause.exchange)))


def _rejoined(exchange: Exchange, was: int, cause: int) -> Exchange:
    """``exchange`` with its cause, which was in another file as ``was`` and is ``cause`` here."""
    if exchange.cause is None:
        return exchange
    evidence = exchange.cause.evidence.removesuffix(elsewhere(was))
    notes = {name: value for name, value in exchange.notes.items() if name != ELSEWHERE}
    return replace(exchange, cause=replace(exchange.cause, exchange=cause, evidence=evidence), notes=notes)


def _moved(exchange: Exchange, identity: int, session: int, number: int, family: int) -> Exchange:
    return replace(
        exchange,
        id=identity,
        session=session,
        connection=f"{family + 1}/{exchange.connection}" if exchange.connection else "",
        notes={**exchange.notes, "was": [number + 1, exchange.id]},
    )


def _refuse_the_same_twice(paths: Sequence[Path], sessions: Sequence[Sequence[Session]]) -> None:
    seen: dict[tuple[float, int, str], Path] = {}
    for path, those in zip(paths, sessions, strict=True):
        for session in those:
            key = session.started, session.written, str(sorted(session.meta))
            if key in seen:
                raise UsageError(
                    f"{seen[key]} and {path} hold the same session, which began at the same moment.",
                    hint="Give each recording once.",
                )
        for session in those:
            seen[session.started, session.written, str(sorted(session.meta))] = path


def _warnings(paths: Sequence[Path], sessions: Sequence[Sequence[Session]]) -> Iterator[str]:
    keys: dict[str, Path] = {}
    for path, those in zip(paths, sessions, strict=True):
        for session in those:
            keys.setdefault(session.redaction_key or "", path)
    if len(keys) > 1:
        one, other = list(keys.values())[:2]
        yield (
            f"{one} and {other} were redacted with different keys: equal secrets have different pseudonyms, so no "
            "chain leads from one to the other"
        )
    for path, those in zip(paths, sessions, strict=True):
        for session in those:
            if session.ended is None:
                yield f"{path}: session {session.id} has no end: it is still being written, or its writer died"
            if session.dropped:
                yield f"{path}: session {session.id} dropped {session.dropped} of {session.seen} exchanges"
