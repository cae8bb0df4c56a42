"""What rules let pass, as examples: a count says how much was hidden, two values say what. Bounded."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from diffing.model import Acceptance, Judgement

Place = tuple[str, str, str]
"""(rule id, endpoint, generalised location)"""

EACH = 3
"""Examples of one place."""

MOST = 3_000
"""Examples in all. A rule that is met late still has a share: :data:`SHARE` of them go to one rule at most."""

SHARE = 600

TRACED = 60_000
"""Acceptances and pairs of items kept with the judgements that reports show side by side."""

SHOWN = 8
"""Exchanges with findings of one kind that may be shown side by side."""


@dataclass(slots=True)
class Passed:
    """Fed with judgements that have a trace."""

    _examples: dict[Place, list[tuple[int, Acceptance]]] = field(default_factory=dict)
    _of_rule: Counter[str] = field(default_factory=Counter)
    _count: int = 0
    _shown: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    _traced: int = 0

    def add(self, judgement: Judgement) -> Judgement:
        """Take examples of what was accepted. The judgement as it is to be kept: its trace only where it is shown."""
        for one in judgement.accepted:
            for rule in one.rules:
                self._take(rule, judgement, one)
        return judgement if self._is_shown(judgement) else replace(judgement, accepted=(), arranged=())

    def examples(self) -> Mapping[Place, tuple[tuple[int, Acceptance], ...]]:
        """(recorded exchange, what was accepted) by place."""
        return {place: tuple(found) for place, found in self._examples.items()}

    def _take(self, rule: str, judgement: Judgement, one: Acceptance) -> None:
        place = rule, judgement.endpoint, one.location
        known = self._examples.get(place)
        if known is None:
            if self._count >= MOST or self._of_rule[rule] >= SHARE:
                return
            known = self._examples[place] = []
        elif len(known) >= EACH or self._count >= MOST or self._of_rule[rule] >= SHARE:
            return
        if any(exchange == judgement.exchange for exchange, _ in known):
            return  # another item of the same array: another exchange says more
        known.append((judgement.exchange, one))
        self._count += 1
        self._of_rule[rule] += 1

    def _is_shown(self, judgement: Judgement) -> bool:
        if not judgement.findings or not (judgement.accepted or judgement.arranged):
            return False
        kinds = {(finding.class_id, finding.endpoint, finding.location) for finding in judgement.findings}
        fresh = [kind for kind in kinds if self._shown[kind] < SHOWN]
        cost = len(judgement.accepted) + sum(len(one.pairs or ()) for one in judgement.arranged)
        if not fresh or self._traced + cost > TRACED:
            return False
        self._shown.update(fresh)
        self._traced += cost
        return True
