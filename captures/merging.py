"""Runs of the shards of one capture, made one run again: ``retape capture merge``.

Each shard was replayed by itself, often on a machine of its own, against a build that began with an empty store: an id
that one shard's build minted says nothing about another's. So every exchange keeps the number of its shard, and a
comparison takes each shard's identities for themselves. What a shard only sent for the others' sake (*setup*) stays
marked so: it shows which ids that shard made, and the shard it belongs to judges it. Calls that no request caused
(start-up) were made by every shard's build, and are kept once.
"""

from __future__ import annotations

import heapq
import json
import re
from collections.abc import Hashable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

from captures.errors import CaptureError, CorruptCapture, UsageError
from captures.model import CauseHow, Direction, Exchange, Message, Session
from captures.replacing import remove
from captures.store import Capture
from captures.writer import CaptureWriter

FLUSHED = 200  # exchanges handed over between two waits for the writer: its queue stays short

MOST = 100_000  # shards of one capture: those that are missing are counted and named, whatever a run says of itself

_SHARD = re.compile(r"([0-9]{1,9})/([0-9]{1,9})")

SAME = ("source_digest", "rules_digest", "tier")
"""What every shard must say alike of itself: which capture it replayed, under which configuration, how much of it."""

_NAMES = {
    "source_digest": "another capture",
    "rules_digest": "other rules or another configuration",
    "tier": "another tier",
}


@dataclass(frozen=True, slots=True)
class Merged:
    """What a merge came to."""

    run: Path
    shards: tuple[int, ...]  # of those given, ascending, from 1
    count: int  # how many there are in all
    exchanges: int
    reasons: tuple[str, ...] = ()  # why the merged run is not conclusive

    @property
    def missing(self) -> tuple[int, ...]:
        """The shards that nobody gave."""
        return _missing(self.shards, self.count)


def _missing(numbers: Sequence[int], count: int) -> tuple[int, ...]:
    return tuple(number for number in range(1, count + 1) if number not in numbers)


@dataclass(frozen=True, slots=True)
class _Shard:
    number: int
    count: int
    capture: Capture
    session: Session
    talks: bool  # whether its exchanges have messages

    def messages(self, exchange: int) -> Iterator[Message]:
        """Those of ``exchange``."""
        return self.capture.messages(exchange) if self.talks else iter(())


def merge(runs: Sequence[Path], output: Path) -> Merged:
    """Write the runs of one capture's shards as one run to ``output``.

    Raises :class:`UsageError` when they do not belong together, one is given twice or ``output`` exists, and what
    :meth:`Capture.open` raises. A missing shard is no error: the merged run says so, and is inconclusive.
    """
    if output.exists() or output.is_symlink():  # a link that leads to nothing would be written through
        raise UsageError(f"{output} exists and is not overwritten.", hint="Merge into another file: -o RUN")
    with ExitStack() as stack:
        shards = [_shard(stack.enter_context(Capture.open(path))) for path in runs]
        shards.sort(key=lambda shard: shard.number)
        _check(shards)
        merged = _Merging(shards, output)
        try:
            return merged.write()
        except BaseException:
            remove(output)
            raise


def _shard(capture: Capture) -> _Shard:
    replays = [session for session in capture.sessions() if session.mode == "replay"]
    if not replays:
        raise UsageError(
            f"{capture.path} is a recording, not the run of a shard.",
            hint="Make one: retape replay CAPTURE --shard 1/4 -o RUN -- CMD",
        )
    session = replays[-1]
    said = session.meta.get("shard")
    if not said:
        raise UsageError(
            f"{capture.path} is a run without --shard: it is whole already.", hint="Merge the runs of shards only."
        )
    found = _SHARD.fullmatch(said) if isinstance(said, str) else None
    number, count = (int(found[1]), int(found[2])) if found else (0, 0)
    if not 0 < number <= count <= MOST:
        raise CorruptCapture(f"{capture.path} is damaged: session.meta names no shard under shard.")
    return _Shard(number, count, capture, session, capture.message_count() > 0)


def _check(shards: Sequence[_Shard]) -> None:
    first = shards[0]
    for before, shard in pairwise(shards):
        if shard.count != first.count:
            raise UsageError(
                f"{first.capture.path} is shard {first.number}/{first.count} and {shard.capture.path} shard "
                f"{shard.number}/{shard.count}: they cut the capture differently.",
                hint="Replay every shard with the same --shard I/N.",
            )
        if shard.number == before.number:
            raise UsageError(
                f"{before.capture.path} and {shard.capture.path} are both shard {shard.number}/{shard.count}.",
                hint="Give each shard once.",
            )
    for key in SAME:
        for shard in shards:
            if shard.session.meta.get(key) != first.session.meta.get(key):
                raise UsageError(
                    f"{shard.capture.path} was replayed from {_NAMES[key]} than {first.capture.path}.",
                    hint="Replay the shards of one capture under one configuration.",
                )


@dataclass(slots=True)
class _Merging:
    shards: Sequence[_Shard]
    output: Path
    _handed: int = 0
    _loose: dict[Hashable, int] = field(default_factory=dict)  # start-up calls -> the first shard that made them

    def write(self) -> Merged:
        first = self.shards[0]
        numbers = tuple(shard.number for shard in self.shards)
        keys = {shard.session.redaction_key for shard in self.shards}
        with CaptureWriter(
            self.output,
            mode="replay",
            meta=self._meta(),
            redaction_key=keys.pop() if len(keys) == 1 else None,
            now=lambda: min(shard.session.started for shard in self.shards),
        ) as writer:
            for shard, exchange in self._inbound():
                self._put(writer, shard, exchange)
            for shard in self.shards:
                for call in shard.capture.exchanges(direction=Direction.OUTBOUND, session=shard.session.id):
                    if call.cause is None or call.cause.exchange is None:
                        self._put_loose(writer, shard, call)
                for skipped in shard.capture.skipped():
                    writer.skip(skipped.exchange, skipped.reason)
            reasons = self._reasons(first.count, numbers)
            writer.flush(600.0)
            counters = writer.close({"inconclusive": reasons})
        if counters.dropped:
            raise CaptureError(f"{self.output} could not be written: {counters.last_error}.")
        return Merged(self.output, numbers, first.count, counters.written, tuple(reasons))

    def _inbound(self) -> Iterator[tuple[_Shard, Exchange]]:
        """What the shards sent, in the order of the recorded exchanges."""

        def answers(shard: _Shard) -> Iterator[tuple[_Shard, Exchange]]:
            return ((shard, answer) for answer in shard.capture.answers(shard.session.id))

        return heapq.merge(
            *map(answers, self.shards), key=lambda item: (item[1].replay_of or 0, item[0].number, item[1].id)
        )

    def _put(self, writer: CaptureWriter, shard: _Shard, exchange: Exchange) -> None:
        identity = writer.reserve_id()
        self._hand(writer, shard, exchange, identity)
        for call in shard.capture.caused_by(exchange.id):
            if call.session != shard.session.id or call.cause is None:
                continue
            cause = replace(call.cause, exchange=identity)
            self._hand(writer, shard, replace(call, cause=cause), writer.reserve_id())

    def _put_loose(self, writer: CaptureWriter, shard: _Shard, call: Exchange) -> None:
        """A start-up call of every shard is one call; one that was ambiguous belongs to its shard alone."""
        key: Hashable = (call.replay_of, call.request.method, call.request.target, call.request.body)
        ambiguous = call.cause is not None and call.cause.how is CauseHow.AMBIGUOUS
        if ambiguous or self._loose.setdefault(key, shard.number) == shard.number:
            self._hand(writer, shard, call, writer.reserve_id())

    def _hand(self, writer: CaptureWriter, shard: _Shard, exchange: Exchange, identity: int) -> None:
        notes = {**exchange.notes, "shard": shard.number}
        connection = f"{shard.number}/{exchange.connection}" if exchange.connection else ""
        handed = replace(exchange, id=identity, notes=notes, connection=connection)
        said = tuple(replace(message, exchange=identity) for message in shard.messages(exchange.id))
        if not writer.has_room(handed, said):  # asked before: what is refused once is counted as lost
            writer.flush(600.0)
        writer.put(handed, said)
        self._handed += 1
        if self._handed % FLUSHED == 0:
            writer.flush(600.0)

    def _meta(self) -> dict[str, Any]:
        first = self.shards[0].session.meta
        kept = {
            key: first[key]
            for key in (
                "source",
                "source_sessions",
                "command",
                "target",
                "options",
                "only",
                "versions",
                "enforced",
                "stubbed",
                "label",
                "git",
                "dirty",
                *SAME,
            )
            if key in first
        }
        notes = [
            f"shard {shard.number}/{shard.count}: {note}"
            for shard in self.shards
            for note in shard.session.meta.get("notes") or ()
        ]
        versions = {json.dumps(shard.session.meta.get("versions"), sort_keys=True) for shard in self.shards}
        if len(versions) > 1:
            notes.append("the shards were replayed by different versions of Retape")
        spans = [shard.session.meta.get("spans") for shard in self.shards]
        if all(isinstance(one, list) for one in spans):
            kept["spans"] = sorted(span for one in spans for span in one or ())
        return {
            **kept,
            "notes": notes,
            "shards": {
                str(shard.number): {
                    "started": shard.session.started,
                    "ended": shard.session.ended,
                    "bindings": shard.session.meta.get("bindings") or [],
                    "named_bindings": shard.session.meta.get("named_bindings") or [],
                    "handed_over": shard.session.meta.get("handed_over") or [],
                }
                for shard in self.shards
            },
            "shard_count": self.shards[0].count,
        }

    def _reasons(self, count: int, numbers: Sequence[int]) -> list[str]:
        reasons = []
        missing = _missing(numbers, count)
        if missing:
            named = ", ".join(f"{number}/{count}" for number in missing[:8]) + (", …" if len(missing) > 8 else "")
            reasons.append(
                f"shard{'' if len(missing) == 1 else 's'} {named} {'is' if len(missing) == 1 else 'are'} missing"
            )
        for shard in self.shards:
            name = f"shard {shard.number}/{shard.count}"
            reasons += [f"{name}: {reason}" for reason in shard.session.meta.get("inconclusive") or ()]
            if shard.session.ended is None:
                reasons.append(f"{name} has no end: its replay was cut short, or is still going on")
            if shard.session.dropped:
                lost = shard.session.dropped
                reasons.append(f"{name} lost {lost} exchange{'' if lost == 1 else 's'}")
        return reasons
