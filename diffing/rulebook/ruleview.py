"""The user's rules as seen from one place: which decides, which stand behind it, which almost name it and why not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from fnmatch import fnmatchcase
from typing import Any

from captures.jsonpaths import Filter, JsonPath, Place, normalised
from diffing.model import ABSENT
from diffing.rulebook.rules import Rule


@dataclass(frozen=True, slots=True)
class RuleView:
    """One of the user's rules, as seen from one place."""

    id: str
    state: str  # "decides", "stands behind", "does not apply"
    why: str
    expects: str


def views(
    rules: Sequence[Rule],
    endpoint: str,
    part: str,
    place: Place | None,
    document: Any,
    values: tuple[Any, Any],
    today: date,
) -> tuple[RuleView, ...]:
    """The rules that name ``place`` of ``part``, the one that decides first, then those that almost do.

    A rule about a whole object decides for everything in it, before any rule about what it holds. ``document`` is the
    recorded body, for filters; ``values`` are (recorded, replayed) of the place.
    """
    naming: list[tuple[int, int, Rule]] = []
    near: list[RuleView] = []
    for order, rule in enumerate(rules):
        depth = _depth(rule, part, place, document)
        miss = _miss(rule, endpoint, part, place, today, named=depth is not None)
        if miss:
            near.append(RuleView(rule.id, "does not apply", miss, rule.matcher.said()))
        elif depth is not None:
            naming.append((depth, order, rule))
    naming.sort(key=lambda entry: entry[:2])
    seen: list[RuleView] = []
    for depth, _, rule in naming:
        if seen:
            seen.append(RuleView(rule.id, "stands behind", f'"{seen[0].id}" comes first', rule.matcher.said()))
        elif place is not None and depth < len(place):
            why = f"it stands for the whole of {normalised(place[:depth])}"
            seen.append(RuleView(rule.id, "decides", why, rule.matcher.said()))
        else:
            seen.append(
                RuleView(rule.id, "decides", _complaint(rule, *values) or "it is satisfied", rule.matcher.said())
            )
    return (*seen, *near)


def _depth(rule: Rule, part: str, place: Place | None, document: Any) -> int | None:
    """How far down the rule speaks of ``place``; None when it does not."""
    if rule.part != part and not fnmatchcase(part, rule.part):
        return None
    if place is None or rule.path is None:
        return 0 if rule.path is None else None
    for depth in range(len(place) + 1):
        if rule.matcher.unordered and depth < len(place):
            continue  # lets the order of an array differ, and nothing that its items say
        if _names(rule.path, place[:depth], document):
            return depth
    return None


def _names(path: JsonPath, place: Place, document: Any) -> bool:
    if not path.matches(place):
        return False
    if document is ABSENT or not any(isinstance(step, Filter) for step in path.steps):
        return True
    return any(at == place for at, _ in path.find(document))


def _miss(rule: Rule, endpoint: str, part: str, place: Place | None, today: date, *, named: bool) -> str:
    """Why the rule does not apply although it nearly does; empty when it does, or is about something else."""
    if named:
        if rule.expires is not None and rule.expires < today:
            return f"it expired on {rule.expires}"
        return "" if rule.applies_to(endpoint) else f"it is for {rule.endpoint}, this is {endpoint}"
    if place is None or rule.path is None or rule.part != part or not rule.applies_to(endpoint):
        return ""
    names = [step for step in place if isinstance(step, str)]
    wanted = rule.path.names()
    if names and wanted and names[-1] == wanted[-1]:
        return f"its path {rule.path.text} does not name {normalised(place)}"
    return ""


def _complaint(rule: Rule, old: Any, new: Any) -> str | None:
    if new is ABSENT or old is ABSENT:
        return None if rule.matcher.optional or old is new else "the rule expects it to be there"
    return rule.complaint(old, new)
