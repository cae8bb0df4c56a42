"""What is wrong with a set of rules as such: rules that have expired, that nothing uses, that others leave nothing to,
that contradict each other. A rule that never fires hides the belief that something is looked after.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from fnmatch import fnmatchcase
from heapq import merge

from diffing.model import Group
from diffing.rulebook.pathsets import includes, meet
from diffing.rulebook.ruleindex import RuleIndex
from diffing.rulebook.rules import Rule

SOON = 14
"""Days before its last day from which on a rule is said to expire."""

_TEXT = frozenset({"string"})
_TYPES: Mapping[str, frozenset[str]] = {
    **dict.fromkeys(("uuid", "ulid", "date", "string", "opaque", "digest", "jwt", "url"), _TEXT),
    **dict.fromkeys(("integer", "number"), frozenset({"number"})),
    "boolean": frozenset({"boolean"}),
    "unordered": frozenset({"array"}),
    **dict.fromkeys(("timestamp", "id"), frozenset({"string", "number"})),
}


@dataclass(frozen=True, slots=True)
class Remark:
    """One thing to know about a rule. ``kind`` is one of expired, expiring, unused, shadowed, duplicate, contradictory,
    no-endpoint, no-place, wide.
    """

    kind: str
    rule: str
    text: str  # a sentence
    other: str = ""  # the rule it collides with


def lint(rules: Sequence[Rule], used: Mapping[str, int] | None, today: date) -> tuple[str, ...]:
    """One sentence for each thing that is wrong. ``used``: rule id -> unequal places it judged; None: not known."""
    return tuple(remark.text for remark in remarks(rules, used, today))


def judged_by(rules: Iterable[Rule], accepted: Iterable[tuple[str, int]], groups: Iterable[Group]) -> dict[str, int]:
    """Rule id -> unequal values it judged: those it accepted and those it found wanting."""
    counts = {rule.id: 0 for rule in rules}
    for name, times in accepted:
        if name in counts:
            counts[name] += times
    for group in groups:
        name = broken_rule(group, counts)
        if name:
            counts[name] += group.count
    return counts


def broken_rule(group: Group, rules: Iterable[str]) -> str:
    """The user's rule that the values of ``group`` do not satisfy; empty when it is not about one."""
    if "the rule expects" not in group.evidence:
        return ""
    return next((name for name in rules if f"({name})" in group.evidence), "")


def remarks(
    rules: Sequence[Rule], used: Mapping[str, int] | None, today: date, endpoints: Iterable[str] = ()
) -> tuple[Remark, ...]:
    """The same as data. ``endpoints``: those that are known, to tell whether two globs have one in common."""
    known = tuple(endpoints)
    found: list[Remark] = []
    live = Earlier()
    for rule in rules:
        if rule.expires is not None and rule.expires < today:
            found.append(Remark("expired", rule.id, f'Rule "{rule.id}" expired on {rule.expires} and was not applied.'))
            continue
        if rule.expires is not None and (rule.expires - today).days <= SOON:
            days = (rule.expires - today).days
            when = "after today" if days == 0 else f"in {days} day{'' if days == 1 else 's'}"
            found.append(Remark("expiring", rule.id, f'Rule "{rule.id}" expires {when}, on {rule.expires}.'))
        found.extend(_collisions(rule, live, known))
        live.add(rule)
    if used is not None:
        told = {remark.rule for remark in found if remark.kind in ("shadowed", "duplicate", "contradictory")}
        found.extend(
            Remark("unused", rule.id, f'Rule "{rule.id}" was not used: no unequal value stood at {place(rule)}.')
            for rule in live.rules
            if not used.get(rule.id) and rule.id not in told
        )
    return tuple(found)


def place(rule: Rule) -> str:
    """Where a rule applies, in words."""
    return rule.location if rule.endpoint == "*" else f"{rule.location} of {rule.endpoint}"


def covers(wide: Rule, narrow: Rule) -> bool:
    """Whether every place of ``narrow`` is one of ``wide``."""
    return (
        _glob_covers(wide.endpoint, narrow.endpoint)
        and _glob_covers(wide.part, narrow.part)
        and (wide.path is None) == (narrow.path is None)
        and includes(wide.path.steps if wide.path else (), narrow.path.steps if narrow.path else ())
    )


@dataclass(slots=True)
class Earlier:
    """The rules that stand before one, and those of them that could collide with it."""

    rules: list[Rule] = field(default_factory=list)
    _all: RuleIndex = field(default_factory=RuleIndex)
    _typed: dict[frozenset[str], RuleIndex] = field(default_factory=dict)  # those that demand a type, by it

    def add(self, rule: Rule) -> None:
        """The next rule."""
        number = len(self.rules)
        self.rules.append(rule)
        self._all.add(number, rule)
        types = _TYPES.get(rule.matcher.word)
        if types is not None:
            self._typed.setdefault(types, RuleIndex()).add(number, rule)

    def covering(self, rule: Rule) -> Iterator[Rule]:
        """Those that may leave ``rule`` nothing, in order."""
        return (self.rules[number] for number in self._all.covering(rule))

    def excluding(self, rule: Rule) -> Iterator[Rule]:
        """Those that demand another type of what may be one place, in order."""
        types = _TYPES.get(rule.matcher.word)
        if types is None:
            return iter(())
        others = (index.meeting(rule) for demanded, index in self._typed.items() if types.isdisjoint(demanded))
        return (self.rules[number] for number in merge(*others))


def _collisions(rule: Rule, earlier: Earlier, endpoints: Sequence[str]) -> Iterable[Remark]:
    for other in earlier.covering(rule):
        if covers(other, rule):
            both = f'"{rule.id}" and "{other.id}"'
            if not covers(rule, other):
                yield Remark(
                    "shadowed",
                    rule.id,
                    f'Rule "{rule.id}" never applies: "{other.id}" stands before it and covers {place(rule)}.',
                    other.id,
                )
            elif _demand(rule) == _demand(other):
                yield Remark("duplicate", rule.id, f"Rules {both} say the same about {place(rule)}.", other.id)
            else:
                yield Remark(
                    "contradictory",
                    rule.id,
                    f"Rules {both} contradict each other about {place(rule)}: "
                    f"{rule.matcher.said()} and {other.matcher.said()}. The first one counts.",
                    other.id,
                )
            return
    for other in earlier.excluding(rule):
        if not covers(rule, other) and _overlap(rule, other, endpoints):
            yield Remark(
                "contradictory",
                rule.id,
                f'Rules "{rule.id}" and "{other.id}" cannot both hold where {place(rule)} and {place(other)} meet: '
                f"{rule.matcher.said()} and {other.matcher.said()}. The first one counts.",
                other.id,
            )


def _demand(rule: Rule) -> tuple[str, str]:
    return rule.matcher.word, repr(sorted(rule.params.items()))


def _overlap(one: Rule, other: Rule, endpoints: Sequence[str]) -> bool:
    if not (one.part == other.part or _glob_covers(one.part, other.part) or _glob_covers(other.part, one.part)):
        return False
    related = _glob_covers(one.endpoint, other.endpoint) or _glob_covers(other.endpoint, one.endpoint)
    if not related and not any(one.applies_to(endpoint) and other.applies_to(endpoint) for endpoint in endpoints):
        return False
    return meet(one.path.steps if one.path else (), other.path.steps if other.path else ())


def _glob_covers(wide: str, narrow: str) -> bool:
    """Whether every name that ``narrow`` matches is matched by ``wide``; a glob is then a name like any other."""
    return wide in ("*", narrow) or ("*" in wide and not set("?[") & set(wide) and fnmatchcase(narrow, wide))
