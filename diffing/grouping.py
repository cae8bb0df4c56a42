"""Findings with one cause become one group: same class, endpoint, generalised place and shape of change.

The fingerprint is taken over exactly those, never over values or exchange ids, so a decision about a group still fits
tomorrow's run (the idea is oasdiff's).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from diffing.classes import class_of
from diffing.matchers import broad_type
from diffing.model import ABSENT, Decision, Finding, Group
from diffing.profile import Profile

EXAMPLES = 5
EVERYWHERE = "(every endpoint)"
SPREAD = 3
"""From this many endpoints on, and only when none that could keep it did, a header's drift is one cause: middleware."""

_INTO: tuple[tuple[str, str], ...] = (
    # (class that is folded, class of the same place it is folded into): one cause shows in two ways
    ("response.body.number-form", "response.body.value-changed"),
    ("outbound.request.body.number-form", "outbound.request.body.value-changed"),
    ("outbound.extra", "outbound.repeated"),
    ("outbound.fewer", "outbound.missing"),
    ("response.body.null-changed", "response.body.became-null"),
)


def shape(finding: Finding) -> str:
    """What sort of change it is, without its values; statuses are part of the shape."""
    if finding.class_id.startswith("response.status."):
        return f"{finding.recorded}->{finding.replayed}"
    if finding.class_id.endswith((".type-changed", ".value-changed", ".rule-broken")):
        return f"{_type(finding.recorded)}->{_type(finding.replayed)}"
    if finding.class_id in ("response.failed", "response.recovered", "response.failed-differently"):
        return str(finding.replayed)
    return ""


def fingerprint(class_id: str, endpoint: str, location: str, change: str) -> str:
    """12 hex digits naming the group."""
    text = "\x1f".join((class_id, endpoint, location, change))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:12]


Key = tuple[str, str, str, str]


@dataclass(slots=True)
class _Open:
    """A group being gathered."""

    count: int = 0
    exchanges: dict[int, None] = field(default_factory=dict)
    examples: list[Finding] = field(default_factory=list)

    def add(self, finding: Finding) -> None:
        self.count += 1
        self.exchanges[finding.exchange] = None
        if len(self.examples) < EXAMPLES:
            self.examples.append(finding)

    def merge(self, other: _Open) -> None:
        self.count += other.count
        self.exchanges.update(other.exchanges)
        self.examples.extend(other.examples[: max(0, EXAMPLES - len(self.examples))])


class Grouping:
    """Gathers findings while they stream by; memory grows with the groups and their exchange ids only."""

    def __init__(self) -> None:
        self._open: dict[Key, _Open] = {}

    def add(self, findings: Iterable[Finding]) -> None:
        """Gather findings."""
        for finding in findings:
            key = (finding.class_id, finding.endpoint, finding.location, shape(finding))
            self._open.setdefault(key, _Open()).add(finding)

    def groups(
        self, profile: Profile, judged: Mapping[str, int], decisions: Mapping[str, Decision]
    ) -> tuple[Group, ...]:
        """The groups, worst first. ``judged``: replayed exchanges per endpoint; ``decisions``: by fingerprint."""
        self._fold()
        self._spread(profile, judged)
        groups = [self._group(key, found, judged, decisions) for key, found in self._open.items()]
        return tuple(
            sorted(groups, key=lambda group: (-group.level.rank, -group.count, group.class_id, group.endpoint))
        )

    def _fold(self) -> None:
        for folded, into in _INTO:
            targets = {key[1:3]: key for key in self._open if key[0] == into}
            for key in [key for key in self._open if key[0] == folded and key[1:3] in targets]:
                self._open[targets[key[1:3]]].merge(self._open.pop(key))

    def _spread(self, profile: Profile, judged: Mapping[str, int]) -> None:
        """One header, lost or changed alike wherever it could be seen, is one cause."""
        by_change: dict[tuple[str, str, str], list[Key]] = {}
        for key in self._open:
            if key[2].startswith("response.header "):
                by_change.setdefault((key[0], key[2], key[3]), []).append(key)
        for (class_id, location, change), keys in by_change.items():
            name = location.removeprefix("response.header ")
            had = {scope.rpartition(" ")[0] for scope, names in profile.headers.items() if name in names}
            could = (had or set(judged)) & set(judged)
            hit = {key[1] for key in keys}
            if len(hit) < SPREAD or not could <= hit:
                continue
            whole = _Open()
            for key in keys:
                whole.merge(self._open.pop(key))
            self._open[class_id, EVERYWHERE, location, change] = whole

    def _group(self, key: Key, found: _Open, judged: Mapping[str, int], decisions: Mapping[str, Decision]) -> Group:
        class_id, endpoint, location, change = key
        drift = class_of(class_id)
        first = found.examples[0]
        name = fingerprint(class_id, endpoint, location, change)
        total = sum(judged.values()) if endpoint == EVERYWHERE else judged.get(endpoint, 0)
        seen = f"in {len(found.exchanges)} of {total} replayed exchanges" if total else ""
        if class_id.startswith("exchange."):  # what has no partner is none of the exchanges that were judged
            seen = f"beside {total} with a partner"
        return Group(
            fingerprint=name,
            class_id=class_id,
            kind=drift.kind,
            level=drift.level,
            endpoint=endpoint,
            location=location,
            recorded=first.recorded,
            replayed=first.replayed,
            evidence="; ".join(part for part in (first.evidence, seen) if part),
            count=found.count,
            exchanges=tuple(sorted(found.exchanges)),
            examples=tuple(found.examples),
            decision=decisions.get(name),
        )


def reproduced(group: Group, curl: str, command: str) -> Group:
    """``group`` with how to reproduce it."""
    return replace(group, curl=curl, command=command)


def _type(value: object) -> str:
    return "absent" if value is ABSENT else broad_type(value)
