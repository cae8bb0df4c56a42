"""Two JSON values compared with nothing accepted: no rules, no volatile values, no evidence. Equal or a difference."""

from __future__ import annotations

from typing import Any

from diffing.contract.profile import Profile
from diffing.model import Finding
from diffing.place import BUDGET, Place, Verdicts
from diffing.rulebook.rules import RuleBook
from diffing.values.identity import Identity
from diffing.values.moments import Clock
from diffing.walk.jsonwalk import JsonComparison
from diffing.walk.patching import Change


def differences(recorded: Any, replayed: Any, budget: int = BUDGET) -> tuple[tuple[Finding, ...], tuple[Change, ...]]:
    """Every difference as a finding and as a patch (:func:`diffing.walk.patching.apply`); both empty for equal values.

    Types and the digits of numbers count, the order of keys does not. Raises :class:`diffing.place.BudgetSpentError`.
    """
    changes: list[Change] = []
    verdicts = Verdicts(budget=budget, changes=changes)
    clock = Clock(0.0, 0.0)
    place = Place("", "", 0, clock, clock, Identity(), Profile(), RuleBook(), strict=True)
    JsonComparison(place, verdicts, None).run(recorded, replayed)
    return tuple(verdicts.findings), tuple(changes)
