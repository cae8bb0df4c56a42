"""Which exchanges ``--tier smoke`` sends, and in which order: reads the capture, or takes what was kept of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from captures.distilling import outcome
from captures.model import Direction, Exchange
from captures.store import Capture
from replayer.chain_rules import ChainRule
from replayer.chains import Chains
from replayer.distill import survey
from replayer.plan import Order, reason_to_skip
from replayer.precedence import Precedence
from replayer.prerequisites import SAFE
from replayer.tiers import kept
from replayer.tiers.cover import Cover, cover_of

Among = Callable[[Exchange, str], bool]


def cover_for(
    source: Capture,
    templates: Sequence[str],
    rules: Sequence[ChainRule],
    *,
    among: Among | None = None,
    state: Path | None = None,
) -> Cover:
    """The covering set of ``source``, or of those exchanges that ``among`` says; ``state``: the state folder.

    What the chosen need is in it, whether ``among`` says so or not.
    """
    name = kept.name_of(source, templates, rules) if among is None else ""
    found = kept.load(state, name) if name else None
    if found is None:
        found = _made(source, templates, rules, among)
        if name:
            kept.save(state, name, found)
    return found


def _made(source: Capture, templates: Sequence[str], rules: Sequence[ChainRule], among: Among | None) -> Cover:
    everything: Among = lambda exchange, endpoint: True  # noqa: E731
    surveyed = survey(source, templates, rules, among=among or everything, unsendable=reason_to_skip)
    history, endpoints = surveyed.needs.history, surveyed.endpoints
    result = surveyed.distilling.distil(history.setup_for)
    wanted = [one.exchange for one in result.kept]
    facts = {
        one.id: (endpoints.endpoint_of(one), outcome(one), one.request.method not in SAFE)
        for one in source.exchanges(ids=wanted)
    }
    recorded: Counter[str] = Counter()
    for group in surveyed.distilling.groups.values():
        recorded[group.endpoint] += group.count
    return cover_of(result, facts.__getitem__, history.setup_for, recorded)


def edges_of(
    source: Capture, ids: Sequence[int], order: Order, rules: Sequence[ChainRule]
) -> Mapping[int, frozenset[int]]:
    """For each of ``ids`` (ascending) those of them that ``order`` does not let it overtake."""
    precedence = Precedence(order, Chains(rules))
    return {one.id: frozenset(edge.before for edge in precedence.add(one)) for one in source.exchanges(ids=ids)}


def in_order(source: Capture, ids: Sequence[int]) -> Iterator[Exchange]:
    """The exchanges ``ids`` in the order given, some at a time."""
    for start in range(0, len(ids), 64):
        some = ids[start : start + 64]
        found = {one.id: one for one in source.exchanges(direction=Direction.INBOUND, ids=some)}
        yield from (found[one] for one in some if one in found)
