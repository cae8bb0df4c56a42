"""How a probe is judged: the only module of the probes that knows the comparison."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from captures.model import Exchange
from diffing.classes import class_of
from diffing.engine import compare_captures
from diffing.exchange import Context, compare_exchange, learn_pair, learn_recorded
from diffing.model import Judgement

LOUD = ("error", "warning", "inconclusive", "failed")
"""Verdicts a person is stopped by."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The worst level anything was given, and how the comparison explains it."""

    level: str  # error, warning, info, inconclusive; or the column of a quiet one: same, same_by_rule
    explained: str
    classes: frozenset[str] = frozenset()

    @property
    def word(self) -> str:
        """``drift``, ``seen`` or ``quiet``."""
        return "drift" if self.level in LOUD else "seen" if self.level == "info" else "quiet"


@dataclass(frozen=True, slots=True)
class Pair:
    """One recorded exchange and its replay, each with its outbound calls."""

    recorded: Exchange
    replayed: Exchange
    calls: tuple[tuple[Exchange, ...], tuple[Exchange, ...]] = ((), ())


def judge_pairs(
    pairs: Iterable[Pair], samples: Iterable[Exchange] = (), running: tuple[float, float] | None = None
) -> Verdict:
    """Judge the pairs in one context, and give the worst verdict.

    ``running``: since how many seconds the recording and the run had been running; otherwise they begin with each pair.
    """
    numbered = [
        replace(pair, recorded=replace(pair.recorded, id=n), replayed=replace(pair.replayed, id=100 + n, replay_of=n))
        for n, pair in enumerate(pairs, 1)
    ]
    context = Context(trace=True)
    if running is not None:
        recorded_for, replayed_for = running
        context = replace(
            context,
            recorded_started=lambda exchange: exchange.timing.started - recorded_for,
            replayed_started=lambda exchange: exchange.timing.started - replayed_for,
        )
    for exchange in samples:
        learn_recorded(exchange, context)
    for pair in numbered:
        for exchange in (pair.recorded, *pair.calls[0]):
            learn_recorded(exchange, context)
    for pair in numbered:
        learn_pair(pair.recorded, pair.replayed, context, *pair.calls)
    judged = [_verdict(compare_exchange(pair.recorded, pair.replayed, context, *pair.calls)) for pair in numbered]
    return _worst(judged)


def judge_captures(recorded: Path, replayed: Path) -> Verdict:
    """Judge two captures as the command does."""
    result = compare_captures(recorded, replayed)
    said = [f"{group.class_id} {group.endpoint} {group.location} x{group.count}" for group in result.groups]
    accepted = [f"{rule}: {count}" for rule, count in result.rules]
    level = _level([group.level.value for group in result.groups], bool(result.reasons), "same_by_rule")
    classes = frozenset(group.class_id for group in result.groups)
    return Verdict(level, _explain(said, accepted, result.reasons), classes)


def _verdict(judgement: Judgement) -> Verdict:
    classes = [finding.class_id for finding in judgement.findings]
    said = [f"{one.class_id} {one.path} ({one.evidence})" for one in judgement.findings]
    traced = [f"{','.join(one.rules)} {one.path} ({one.why})" for one in judgement.accepted]
    counted = [f"{rule}: {count}" for rule, count in judgement.rules.items()]
    levels = [class_of(name).level.value for name in classes]
    level = _level(levels, bool(judgement.inconclusive), judgement.column.value)
    return Verdict(level, _explain(said, traced or counted, judgement.inconclusive), frozenset(classes))


def _level(levels: list[str], inconclusive: bool, otherwise: str) -> str:
    for level in ("error", "warning"):
        if level in levels:
            return level
    return "inconclusive" if inconclusive else "info" if levels else otherwise


def _explain(said: list[str], accepted: list[str], reasons: Iterable[str]) -> str:
    lines = [f"  finding   {line}" for line in said]
    lines += [f"  accepted  {line}" for line in accepted]
    lines += [f"  reason    {line}" for line in reasons]
    return "\n".join(lines) or "  nothing found, nothing accepted"


def _worst(judged: list[Verdict]) -> Verdict:
    order = ("error", "warning", "inconclusive", "failed", "info", "same_by_rule", "same")
    worst = min(judged, key=lambda one: order.index(one.level))
    several = len(judged) > 1
    text = "\n".join(f"  pair {n}:\n{one.explained}" if several else one.explained for n, one in enumerate(judged, 1))
    return Verdict(worst.level, text, frozenset().union(*(one.classes for one in judged)))
