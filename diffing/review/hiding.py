"""What a rule for some drift groups would hide besides: looked at before it is written.

A rule is about a place, and a place holds more than what drifted today: other groups, values that are the same now and
would no longer be missed, values that a built-in rule judged more strictly.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from captures.model import Direction
from captures.routes.endpoints import Endpoints, dependency_of
from captures.store import Capture
from captures.visible import visible
from captures.wording import counted
from diffing.comparison import DiffOptions
from diffing.model import Group, Result
from diffing.rulebook.rulecheck import Coverage
from diffing.rulebook.rulelint import broken_rule
from diffing.rulebook.rules import Rule, RuleBook, parse_rules
from diffing.rulebook.rulesfile import RuleDraft, written
from diffing.rulebook.suggesting import careful
from diffing.rulebook.trying import suggestions


@dataclass(frozen=True, slots=True)
class Hidden:
    """Values at one endpoint and place that a rule would let pass, beside those of the groups it is made for."""

    rule: str
    endpoint: str
    location: str
    values: int
    exchanges: int  # 0: not known
    why: str  # "same today", "another group", "judged by another rule today"
    group: str = ""  # fingerprint of the other group


@dataclass(frozen=True, slots=True)
class Preview:
    """The rules for some groups, before they are written."""

    fingerprints: tuple[str, ...]
    drafts: tuple[RuleDraft, ...]
    hides: tuple[Hidden, ...]
    unsaid: tuple[tuple[str, str], ...]  # (fingerprint, sentence): where no rule can say it
    careful: tuple[str, ...]  # what a reader should not overlook
    left: int  # groups that stay open

    @property
    def text(self) -> str:
        """The rules as they would be written."""
        return "\n".join(written(draft) for draft in self.drafts)

    @property
    def others(self) -> tuple[Hidden, ...]:
        """What of it drifts today and is not one of the groups asked for."""
        return tuple(one for one in self.hides if one.group)


def preview(
    recorded: Path, run: Path, options: DiffOptions, before: Result, groups: Sequence[Group], today: date
) -> Preview:
    """What rules for ``groups`` of ``before`` would be, and what they would hide besides.

    Raises what :func:`diffing.engine.compare_captures` raises.
    """
    unsaid: list[tuple[str, str]] = []
    asked: list[Group] = []
    for group in groups:
        name = broken_rule(group, (rule.id for rule in options.rules))
        if name:
            unsaid.append((group.fingerprint, f'your rule "{name}" speaks of {group.location} first; change that.'))
        else:
            asked.append(group)
    made = suggestions(recorded, run, options, asked, today)
    unsaid += [
        (one.fingerprint, f"no rule can say {one.class_id} at {one.location}; accept or reject it.")
        for one in made.without
    ]
    rules = parse_rules([draft.entry() for draft in made.drafts])
    named = {part.names[0] for group in groups for part in group.parts} | {group.fingerprint for group in groups}
    hides = [*_groups(rules, before, made.judged, named), *_values(recorded, rules, options, made.judged)]
    return Preview(
        fingerprints=tuple(group.fingerprint for group in groups),
        drafts=made.drafts,
        hides=tuple(hides),
        unsaid=tuple(unsaid),
        careful=tuple(careful(draft) for draft in made.drafts if careful(draft)),
        left=sum(group.open for group in made.left),
    )


def _groups(rules: Sequence[Rule], before: Result, after: Result, named: set[str]) -> list[Hidden]:
    """Groups that nobody named and that the rules let vanish, or shrink."""
    left = {group.fingerprint: group.count for group in after.groups}
    found = []
    for group in before.groups:
        less = group.count - left.get(group.fingerprint, 0)
        measured = group.class_id.startswith("performance.")  # beside a baseline, which was not tried again
        if group.fingerprint in named or less <= 0 or measured:
            continue
        rule = next((one.id for one in rules if one.applies_to(group.endpoint) and one.part in group.location), "")
        spread = max(group.spread, len(group.exchanges)) if less == group.count else 0
        found.append(Hidden(rule, group.endpoint, group.location, less, spread, "another group", group.fingerprint))
    return found


def _values(recorded: Path, rules: Sequence[Rule], options: DiffOptions, after: Result) -> list[Hidden]:
    """Recorded values that the rules name and that do not differ today."""
    if not rules:
        return []
    values: Counter[tuple[str, str]] = Counter()
    exchanges: Counter[tuple[str, str]] = Counter()
    calls = any(rule.part.startswith("outbound") for rule in rules)
    coverage = Coverage(RuleBook(tuple(rules)))
    with Capture.open(recorded) as capture:
        known = Endpoints.of(capture, options.endpoints)
        for exchange in capture.exchanges(direction=None if calls else Direction.INBOUND):
            endpoint = known.endpoint_of(exchange)
            inbound = exchange.direction is Direction.INBOUND
            was = [coverage.places[rule.id] for rule in rules]
            coverage.add(exchange, endpoint, "" if inbound else f"{dependency_of(exchange)} {endpoint}")
            for rule, count in zip(rules, was, strict=True):
                more = coverage.places[rule.id] - count
                if more:
                    values[rule.id, endpoint] += more
                    exchanges[rule.id, endpoint] += 1
    differing: Counter[tuple[str, str]] = Counter()
    for (name, endpoint, _), used in after.rule_places.items():
        differing[name.removesuffix("+"), endpoint] += used  # as a rule is called that is there already
    by_id = {rule.id: rule for rule in rules}
    return [
        Hidden(name, endpoint, by_id[name].location, same, exchanges[name, endpoint], "same today")
        for (name, endpoint), count in sorted(values.items())
        if (same := count - differing[name, endpoint]) > 0
    ]


def sentences(preview: Preview) -> list[str]:
    """What would be hidden, a sentence each, other drift first."""
    said = [
        f"{one.rule or 'A rule'} would also hide {counted(one.values, 'difference')} of group {one.group}: "
        f"{visible(one.endpoint)} {visible(one.location)}."
        for one in preview.others
    ]
    said += [
        f"{one.rule} names {counted(one.values, 'more value')} in {counted(one.exchanges, 'exchange')} of "
        f"{visible(one.endpoint)}, the same today: a change that the rule allows would no longer be reported there."
        for one in preview.hides
        if not one.group
    ]
    return [*said, *map(visible, preview.careful)]


def signed(preview: Preview, reason: str, author: str) -> list[RuleDraft]:
    """The drafts with who answers for them, and why."""
    return [replace(draft, author=author, reason=reason or draft.reason) for draft in preview.drafts]
