"""A capture made small without losing behaviour: reads it, lets ``captures.distilling`` choose, writes the chosen."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from captures.copying import copy_chosen
from captures.distilling import (
    Distillate,
    Distilling,
    Dropped,
    Kept,
    Trait,
    chain_traits,
    message_traits,
    start_up_trait,
    traits_of,
)
from captures.errors import EmptyCapture, UsageError
from captures.flows.tracing import Tracing
from captures.model import Direction, Exchange
from captures.progress import Pass
from captures.routes.endpoints import Endpoints
from captures.store import Capture
from captures.visible import visible
from replayer.chain_rules import ChainRule
from replayer.needs import Needs, certainly_caused

NAMED = 6
"""Traits, and exchanges, of one line that are named; more are counted."""


@dataclass(frozen=True, slots=True)
class Distilled:
    """What was written, and why."""

    output: Path
    exchanges: int  # written, calls included
    of: int
    result: Distillate


def distil(
    source: Capture,
    output: Path,
    *,
    most: int | None = None,
    templates: Sequence[str] = (),
    rules: Sequence[ChainRule] = (),
) -> Distilled:
    """Write the smallest part of ``source`` that shows all of its behaviour; ``most``: inbound exchanges and calls
    without a cause. Raises :class:`UsageError` for a run and :class:`EmptyCapture` where nothing was recorded.
    """
    if any(session.mode == "replay" for session in source.sessions()):
        raise UsageError(f"{source.path} is a run: the result of a replay.", hint="Distil the capture it came from.")
    if not source.count():
        raise EmptyCapture(f"{source.path} holds no exchange.", hint="Record some: retape record")
    surveyed = survey(source, templates, rules, calls_alone=True)
    result = surveyed.distilling.distil(surveyed.needs.of_exchange, most)
    kept = {one.exchange for one in result.kept}
    written = copy_chosen(source, output, lambda one: one.id in kept or (certainly_caused(one) or 0) in kept, "distill")
    return Distilled(output, written, source.count(), result)


@dataclass(frozen=True, slots=True)
class Surveyed:
    """What the exchanges of a capture show and need."""

    distilling: Distilling
    needs: Needs
    endpoints: Endpoints


def survey(
    source: Capture,
    templates: Sequence[str] = (),
    rules: Sequence[ChainRule] = (),
    *,
    among: Callable[[Exchange, str], bool] = lambda exchange, endpoint: True,
    calls_alone: bool = False,
    unsendable: Callable[[Exchange], str | None] | None = None,
) -> Surveyed:
    """Read all of ``source``. ``among``: which exchanges count; ``calls_alone``: also calls without a cause.

    ``unsendable``: why an exchange cannot be sent; such a one shows nothing but that.
    """
    total = source.count(Direction.INBOUND)
    endpoints = Endpoints.of(source, templates)
    with Pass(f"reading {source.path.name}", total * 2) as progress:
        needs = Needs.of(source, rules, progress)
        chains = _chains(source, endpoints)
        spoken = _kinds_of_messages(source)
        distilling = Distilling()
        for count, (exchange, calls) in enumerate(_with_calls(source), total):
            progress(count)
            endpoint = endpoints.endpoint_of(exchange)
            if not among(exchange, endpoint):
                continue
            why = unsendable(exchange) if unsendable is not None else None
            if why is not None:
                distilling.add(exchange, endpoint, [Trait("not replayable", endpoint, f"{endpoint}: {why}")])
                continue
            named = [(call, endpoints.endpoint_of(call)) for call in calls]
            shown = [*chains.get(exchange.id, ()), *message_traits(endpoint, spoken.get(exchange.id, ()))]
            distilling.add(exchange, endpoint, traits_of(exchange, endpoint, named, shown))
        for call in source.uncaused(None) if calls_alone else ():
            endpoint = endpoints.endpoint_of(call)
            distilling.add(call, endpoint, [start_up_trait(call, endpoint)])
    return Surveyed(distilling, needs, endpoints)


def _kinds_of_messages(source: Capture) -> dict[int, list[tuple[str, bool]]]:
    found: dict[int, list[tuple[str, bool]]] = {}
    for exchange, kind, from_client in source.rows("SELECT DISTINCT exchange, kind, from_client FROM message"):
        found.setdefault(exchange, []).append((kind, bool(from_client)))
    return found


def _with_calls(source: Capture) -> Iterator[tuple[Exchange, list[Exchange]]]:
    """Every inbound exchange with the calls it is known to have caused, in one pass over each."""
    effects = source.effects()
    call = next(effects, None)
    for exchange in source.exchanges(direction=Direction.INBOUND):
        calls = []
        while call is not None and (certainly_caused(call) or 0) <= exchange.id:
            if certainly_caused(call) == exchange.id:
                calls.append(call)
            call = next(effects, None)
        yield exchange, calls


def _chains(source: Capture, endpoints: Endpoints) -> dict[int, set[Trait]]:
    tracing = Tracing()
    names: dict[int, str] = {}
    known: dict[str, str] = {}
    for exchange in source.exchanges(direction=Direction.INBOUND):
        tracing.add(exchange)
        endpoint = endpoints.endpoint_of(exchange)
        names[exchange.id] = known.setdefault(endpoint, endpoint)
    return chain_traits(tracing.flows(), lambda identity: names.get(identity, ""))


def lines(done: Distilled) -> Iterator[str]:
    """For people."""
    yield "kept:"
    for kept in done.result.kept:
        yield f"{kept.exchange:>7}  {visible('; '.join(_reasons(kept)))}"
    if done.result.dropped:
        yield "dropped:"
    for dropped in done.result.dropped:
        yield f"{dropped.count:>7,}  {visible(f'{dropped.endpoint} {dropped.outcome}')}: {_why(dropped)}"
    for trait in done.result.uncovered:
        yield f"not covered: {visible(trait.text)}"
    yield f"{done.output}: {done.exchanges:,} of {done.of:,} exchanges."


def as_json(done: Distilled) -> str:
    """For programs."""
    result = done.result
    document: dict[str, Any] = {
        "capture": str(done.output),
        "exchanges": done.exchanges,
        "of": done.of,
        "kept": [
            {
                "exchange": kept.exchange,
                "shows": [{"kind": trait.kind, "what": trait.text} for trait in kept.traits],
                "needed_by": list(kept.needed_by),
            }
            for kept in result.kept
        ],
        "dropped": [
            {
                "endpoint": dropped.endpoint, "outcome": dropped.outcome, "count": dropped.count,
                "like": dropped.like, "examples": list(dropped.examples), "why": _why(dropped),
            }
            for dropped in result.dropped
        ],
        "uncovered": [{"kind": trait.kind, "what": trait.text} for trait in result.uncovered],
    }  # fmt: skip
    return json.dumps(document, ensure_ascii=True, indent=2)


def _reasons(kept: Kept) -> Iterator[str]:
    told = [f"{_WORDS[trait.kind]} {trait.text}" for trait in kept.traits]
    yield from told[:NAMED]
    if len(told) > NAMED:
        yield f"{len(told) - NAMED} more"
    if kept.needed_by:
        named = ", ".join(map(str, kept.needed_by[:NAMED]))
        more = len(kept.needed_by) - NAMED
        yield f"needed by {named}{f' and {more} more' if more > 0 else ''}"


_WORDS = {
    "answer": "answer", "call": "call", "calls": "call", "chain": "chain", "messages": "messages",
    "start-up call": "call",
}  # fmt: skip


def _why(dropped: Dropped) -> str:
    if dropped.like is None:
        return "left out for --max"
    return f"all it shows is in what is kept, first in {dropped.like}"
