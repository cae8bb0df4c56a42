"""What surrounds the values being compared (their run, their request, the rules about them), and what comes of it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from captures.jsonpaths import normalised
from diffing.identity import Identity
from diffing.model import ABSENT, Finding
from diffing.moments import Clock
from diffing.profile import Profile, generated_name
from diffing.rules import RuleBook

BUDGET = 2_000_000
"""JSON nodes visited per exchange. A body beyond it is inconclusive, never clean, and never a hang."""

Trail = tuple[str | int, ...]


class BudgetSpentError(Exception):
    """The comparison of one exchange grew beyond its budget."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """An unequal pair that satisfies what stands in place of equality."""

    rules: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Drift:
    """An unequal pair that is a finding. ``change`` is the last word of its class."""

    change: str
    evidence: str = ""


Outcome = Accepted | Drift


@dataclass(slots=True)
class Place:
    """The surroundings of one exchange, or of one outbound call of it."""

    endpoint: str
    scope: str  # endpoint and status, the key of the profile's trees
    exchange: int
    then: Clock
    now: Clock
    identity: Identity
    profile: Profile
    rules: RuleBook
    hosts: tuple[tuple[str, str], ...] = ()  # own authorities, recorded and replayed
    echoed: frozenset[str] = frozenset()  # what the request sent, equal on both sides
    learning: bool = False
    session: int = 1
    side: str = "response"  # prefix of classes: "response" or "outbound.request"
    where: str = "response"  # prefix of locations: "response" or "outbound payments POST /charges request"
    outbound: tuple[int | None, int | None] = (None, None)


@dataclass(slots=True)
class Verdicts:
    """Collects what the comparison of one exchange comes to."""

    findings: list[Finding] = field(default_factory=list)
    rules: Counter[str] = field(default_factory=Counter)
    inconclusive: list[str] = field(default_factory=list)
    budget: int = BUDGET

    def spend(self, nodes: int = 1) -> None:
        """Count visited nodes. Raises :class:`BudgetSpentError`."""
        self.budget -= nodes
        if self.budget < 0:
            raise BudgetSpentError

    def count(self) -> int:
        """How many findings and uses of rules there are so far."""
        return len(self.findings) + self.rules.total()

    def rule(self, *ids: str) -> None:
        """Note that rules accepted an unequal place."""
        for identity in ids:
            self.rules[identity] += 1

    def find(
        self, place: Place, class_id: str, location: str, path: str, recorded: Any, replayed: Any, evidence: str = ""
    ) -> None:
        """Note one difference. ``class_id`` is the whole class."""
        self.findings.append(
            Finding(
                class_id=class_id,
                endpoint=place.endpoint,
                location=location,
                path=path,
                recorded=presentable(recorded),
                replayed=presentable(replayed),
                exchange=place.exchange,
                evidence=evidence,
                outbound_recorded=place.outbound[0],
                outbound_replayed=place.outbound[1],
            )
        )


def body_location(place: Place, trail: Trail) -> tuple[str, str]:
    """(generalised location, exact path) of a place in a JSON body."""
    general = "".join(
        "[*]" if isinstance(step, int) or generated_name(step) else normalised((step,))[1:] for step in trail
    )
    return f"{place.where}.body ${general}", normalised(trail)


def presentable(value: Any, room: int = 400) -> Any:
    """``value`` for a finding: JSON-able, and cut so that a megabyte does not travel into every report."""
    return _cut(value, [room], 8)


def _cut(value: Any, room: list[int], depth: int) -> Any:
    room[0] -= 1
    kind = type(value)
    if value is ABSENT or value is None or kind is bool:
        return value
    if kind is int:
        return value if abs(value) < 10**400 else f"{str(value)[:60]}…"
    if kind is str:
        return value if len(value) <= 1000 else f"{value[:1000]}… ({len(value):,} characters)"
    if kind is dict or kind is list:
        if room[0] <= 0 or depth == 0:
            return f"… ({len(value):,} more)"
        if kind is dict:
            kept: dict[str, Any] = {}
            for name, child in value.items():
                if room[0] <= 0:
                    kept["…"] = f"{len(value) - len(kept):,} more"
                    break
                kept[name] = _cut(child, room, depth - 1)
            return kept
        items: list[Any] = []
        for child in value:
            if room[0] <= 0:
                items.append(f"… ({len(value) - len(items):,} more)")
                break
            items.append(_cut(child, room, depth - 1))
        return items
    number = float(value)  # a Number: as float where that says the same, else as it was written
    return number if repr(number) == str(value) else str(value)
