"""The covering set of a recording, as a value: what is in it, what each shows, what each needs. Pure.

It follows from the recording alone, so it can be kept: what happened in earlier runs only orders it (``ordering``).
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from captures.distilling import Distillate, Trait


@dataclass(frozen=True, slots=True)
class Step:
    """One exchange of the set."""

    exchange: int
    endpoint: str
    outcome: str  # status or kind of failure
    writes: bool
    fails: bool  # it, or a call it makes, was recorded with a failure or a status of 400 and above
    shows: tuple[int, ...] = ()  # positions in Cover.traits
    needs: tuple[int, ...] = ()  # exchanges of the set that must come before it


@dataclass(frozen=True, slots=True)
class Cover:
    """All steps in recorded order. ``recorded``: exchanges of each endpoint in the recording (or the selection)."""

    steps: tuple[Step, ...]
    traits: tuple[tuple[str, str], ...]  # (kind, for people)
    recorded: Mapping[str, int] = field(default_factory=dict)

    @property
    def total(self) -> int:
        """How many exchanges the set stands for."""
        return sum(self.recorded.values())

    def to_json(self) -> str:
        """As JSON text."""
        steps = [
            [one.exchange, one.endpoint, one.outcome, one.writes, one.fails, list(one.shows), list(one.needs)]
            for one in self.steps
        ]
        return json.dumps({"steps": steps, "traits": list(self.traits), "recorded": dict(self.recorded)})

    @classmethod
    def from_json(cls, text: str) -> Self:
        """From :meth:`to_json`. Raises ``ValueError``, ``TypeError`` or ``KeyError`` for anything else."""
        value: Mapping[str, Any] = json.loads(text)
        steps = tuple(
            Step(int(exchange), str(endpoint), str(outcome), bool(writes), bool(fails), tuple(shows), tuple(needs))
            for exchange, endpoint, outcome, writes, fails, shows, needs in value["steps"]
        )
        traits = tuple((str(kind), str(text)) for kind, text in value["traits"])
        if any(not 0 <= at < len(traits) for step in steps for at in step.shows):
            raise ValueError("a step shows what is not there")
        return cls(steps, traits, {str(name): int(count) for name, count in value["recorded"].items()})


def cover_of(
    result: Distillate,
    facts: Callable[[int], tuple[str, str, bool]],
    needs: Callable[[int], Iterable[int]],
    recorded: Counter[str],
) -> Cover:
    """The cover that ``result`` is. ``facts``: endpoint, outcome and whether it writes, of an exchange."""
    kept = {one.exchange for one in result.kept}
    numbers: dict[Trait, int] = {}
    steps = []
    for one in result.kept:
        endpoint, outcome, writes = facts(one.exchange)
        shows = tuple(numbers.setdefault(trait, len(numbers)) for trait in one.traits)
        fails = _failed(outcome) or any(trait.kind == "call" and _call_failed(trait) for trait in one.traits)
        before = tuple(other for other in needs(one.exchange) if other in kept and other != one.exchange)
        steps.append(Step(one.exchange, endpoint, outcome, writes, fails, shows, before))
    return Cover(tuple(steps), tuple((trait.kind, trait.text) for trait in numbers), dict(recorded))


def _failed(outcome: str) -> bool:
    return not outcome.isdigit() or int(outcome) >= 400


def _call_failed(trait: Trait) -> bool:
    """``payments POST /charges 402 by POST /orders``: whether the call's outcome is a failure."""
    called, _, _ = trait.text.rpartition(f" by {trait.endpoint}")
    return _failed(called.rpartition(" ")[2])


def uncovered(cover: Cover, sent: Iterable[int]) -> Iterator[tuple[str, str]]:
    """What the exchanges ``sent`` do not show of all that ``cover`` does."""
    there = set(sent)
    shown = {at for step in cover.steps if step.exchange in there for at in step.shows}
    return (trait for at, trait in enumerate(cover.traits) if at not in shown)
