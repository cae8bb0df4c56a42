"""Suggested rules, tried on the whole run: a group keeps a few examples, and a rule has to hold of every value."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

from diffing.comparison import DiffOptions
from diffing.engine import compare_captures
from diffing.model import Group, Result, Standing
from diffing.rulebook.rulelint import broken_rule
from diffing.rulebook.rules import parse_rules
from diffing.rulebook.rulesfile import RuleDraft
from diffing.rulebook.suggesting import drafts_of

ROUNDS = 4
"""How often rules are made wider by values that they did not let pass."""


@dataclass(frozen=True, slots=True)
class Suggestions:
    """Rules for the groups that were asked for, and what stays although they are kept."""

    drafts: tuple[RuleDraft, ...]
    without: tuple[Standing, ...]  # places where no rule can say it
    judged: Result  # the run with them

    @property
    def left(self) -> tuple[Group, ...]:
        """What of the run drifts with them."""
        return self.judged.groups


def suggestions(
    recorded: Path, run: Path, options: DiffOptions, groups: Sequence[Group], today: date | None
) -> Suggestions:
    """Rules that let ``groups`` pass: made from their examples, then widened until the run holds nothing against them.

    Raises what :func:`diffing.engine.compare_captures` raises.
    """
    further: dict[str, list[tuple[Any, Any]]] = {}
    taken = {rule.id for rule in options.rules}
    for _ in range(ROUNDS):
        drafts, without = drafts_of(groups, today, further)
        own = {draft.id: f"{draft.id}{'+' * (draft.id in taken)}" for draft in drafts}  # written under another id, too
        rules = parse_rules([replace(draft, id=own[draft.id]).entry() for draft in drafts])
        judged = compare_captures(recorded, run, replace(options, rules=(*options.rules, *rules)))
        wider = False
        for group in judged.groups:
            name = broken_rule(group, own.values()).removesuffix("+")
            if name in own:
                pairs = [(one.recorded, one.replayed) for one in group.examples]
                further.setdefault(name, []).extend(pairs or [(group.recorded, group.replayed)])
                wider = True
        if not wider:
            break
    return Suggestions(tuple(drafts), tuple(without), judged)
