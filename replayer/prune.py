"""A capture without what is no longer wanted: reads it, lets ``captures.pruning`` decide, writes the rest."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from captures.copying import copy_chosen
from captures.errors import UsageError
from captures.model import Direction, Exchange
from captures.progress import Pass
from captures.pruning import Criteria, Pruned, pruned
from captures.routes.endpoints import Endpoints
from captures.store import Capture
from replayer.chain_rules import ChainRule
from replayer.needs import Needs, certainly_caused

NAMED = 20
"""Exchanges that stay for others and are named; more are counted."""


@dataclass(frozen=True, slots=True)
class Result:
    """What was written."""

    output: Path | None  # None: nothing was written (--dry-run)
    of: int
    exchanges: int  # that stay, calls included
    pruned: Pruned
    calls: int = 0  # that were asked to go, and stay with the request that caused them


def prune(
    source: Capture, output: Path | None, criteria: Criteria, *, templates: Sequence[str] = (),
    rules: Sequence[ChainRule] = (), replaces: bool = False,
) -> Result:  # fmt: skip
    """Write ``source`` without what ``criteria`` say; ``output`` None: only say what would go.

    Raises :class:`UsageError` for a run.
    """
    if any(session.mode == "replay" for session in source.sessions()):
        raise UsageError(f"{source.path} is a run: the result of a replay.", hint="Prune the capture it came from.")
    known = Endpoints.of(source, templates) if "endpoint:" in criteria.only.text else None
    present: list[int] = []
    asked: list[int] = []
    calls: dict[int, int] = {}  # asked to go -> its cause
    with Pass(f"reading {source.path.name}", source.count() + source.count(Direction.INBOUND)) as progress:
        needs = Needs.of(source, rules, progress)
        for count, exchange in enumerate(source.exchanges(), len(needs.history.things)):
            progress(count)
            if exchange.direction is Direction.INBOUND:
                present.append(exchange.id)
            if not criteria.say(exchange, known.endpoint_of(exchange) if known else ""):
                continue
            cause = certainly_caused(exchange)
            if cause is None:
                asked.append(exchange.id)
            else:
                calls[exchange.id] = cause
    here = frozenset(present)
    lost = [call for call, cause in calls.items() if cause not in here]  # a cause that is not in the file keeps nothing
    found = pruned(sorted([*asked, *lost]), present, needs.of_exchange, criteria.keep_last)

    def stays(exchange: Exchange) -> bool:
        return exchange.id not in found.gone and (certainly_caused(exchange) or 0) not in found.gone

    if output is not None:
        written = copy_chosen(source, output, stays, "prune", replaces=replaces)
    else:
        written = sum(map(stays, source.exchanges()))
    staying = sum(cause in here and cause not in found.gone for cause in calls.values())
    return Result(output, source.count(), written, found, staying)


def lines(done: Result) -> Iterator[str]:
    """For people."""
    needed = done.pruned.needed
    for one, by in sorted(needed.items())[:NAMED]:
        yield f"stays: {one}, which {by} needs"
    if len(needed) > NAMED:
        yield f"stay: {len(needed) - NAMED:,} more that others need"
    if done.calls:
        yield f"stay: {done.calls:,} calls, with the requests that caused them"
    gone = done.of - done.exchanges
    if done.output is None:
        yield f"{gone:,} of {done.of:,} exchanges would go; nothing was written."
    else:
        yield f"{done.output}: {done.exchanges:,} of {done.of:,} exchanges; {gone:,} are gone."


def as_json(done: Result) -> str:
    """For programs."""
    document: dict[str, Any] = {
        "capture": str(done.output) if done.output is not None else None,
        "of": done.of,
        "exchanges": done.exchanges,
        "gone": done.of - done.exchanges,
        "needed": [{"exchange": one, "needed_by": by} for one, by in sorted(done.pruned.needed.items())],
        "calls_that_stay": done.calls,
    }
    return json.dumps(document, indent=2)
