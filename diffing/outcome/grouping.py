"""Findings with one cause become one group: same family of classes, endpoint, generalised place and shape of change."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from diffing.classes import class_of
from diffing.contract.profile import Profile
from diffing.model import Finding, Group, Level, Part, Standing
from diffing.outcome.attribution import attributed
from diffing.outcome.fingerprints import EVERYWHERE, INTO, family, fingerprint, names, shape, wide_location
from diffing.outcome.folding import hides_headers

EXAMPLES = 5
REPEATS = 3  # places named that repeat a group
LISTED = 20_000  # exchanges named per group; more are counted
SPREAD = 3
"""From this many endpoints on, and only when none that could keep it did, a header's drift is one cause: middleware."""

Key = tuple[str, str, str, str]
"""Family, endpoint, generalised location, shape of the change."""


@dataclass(slots=True)
class _Open:
    """A group being gathered."""

    count: int = 0
    classes: Counter[str] = field(default_factory=Counter)
    exchanges: dict[int, None] = field(default_factory=dict)  # up to LISTED
    spread: int = 0  # exchanges in all
    examples: list[Finding] = field(default_factory=list)
    sources: Counter[str] = field(default_factory=Counter)  # places that findings of the group repeat; "" for none
    places: list[Standing] = field(default_factory=list)  # its own, then those that repeat it; empty when none does
    keys: list[Key] = field(default_factory=list)  # of the groups that joined it, its own first; empty when none did
    _last: int = -1

    def add(self, finding: Finding) -> None:
        self.count += 1
        self.classes[finding.class_id] += 1
        self.sources[finding.follows] += 1
        if finding.exchange != self._last and finding.exchange not in self.exchanges:  # findings come by exchange
            self._last = finding.exchange
            self.spread += 1
            if len(self.exchanges) < LISTED:
                self.exchanges[finding.exchange] = None
        if len(self.examples) < EXAMPLES or finding.class_id not in {example.class_id for example in self.examples}:
            self.examples.append(finding)

    def merge(self, other: _Open, *, folded: bool = False) -> None:
        self.count += other.count
        if not folded:
            self.classes.update(other.classes)
            self.sources.update(other.sources)
        beyond = self.spread - len(self.exchanges) + other.spread - len(other.exchanges)
        self.exchanges.update(other.exchanges)
        self.spread = len(self.exchanges) + beyond
        self.examples.extend(other.examples[: max(0, EXAMPLES - len(self.examples))])

    @property
    def level(self) -> Level:
        """The level of the worst finding."""
        return class_of(self.worst).level

    @property
    def worst(self) -> str:
        """The class of the group: the worst of its findings'; another form says less than another value."""
        return min(
            self.classes,
            key=lambda name: (-class_of(name).level.rank, name.endswith("-form"), -self.classes[name], name),
        )


class Grouping:
    """Gathers findings while they stream by; memory grows with the groups and their exchange ids only."""

    def __init__(self) -> None:
        self._open: dict[Key, _Open] = {}
        self._hidden: Counter[str] = Counter()  # by endpoint: exchanges whose headers no other finding shows

    def add(self, findings: Iterable[Finding]) -> None:
        """Gather findings: all those of an exchange at once."""
        hidden = False
        for finding in findings:
            if not hidden and hides_headers(finding):
                hidden = True
                self._hidden[finding.endpoint] += 1
            key = (family(finding.class_id), finding.endpoint, finding.location, shape(finding))
            self._open.setdefault(key, _Open()).add(finding)

    def groups(
        self,
        profile: Profile,
        judged: Mapping[str, int],
        follows: Mapping[int, int] | None = None,
        withheld: Mapping[int, int] | None = None,
    ) -> tuple[Group, ...]:
        """The groups, worst first, causes before what follows from them.

        ``judged``: replayed exchanges per endpoint; ``follows``: exchange -> the earlier one whose failure explains it;
        ``withheld``: exchange -> how many others were not sent for its sake.
        """
        self._fold()
        self._repeats()
        self._spread(profile, judged)
        self._spread_calls(profile)
        groups = [self._group(key, found, judged) for key, found in self._open.items()]
        groups.sort(key=lambda group: (-group.level.rank, -group.count, group.class_id, group.endpoint, group.location))
        return attributed(groups, follows, withheld, judged)

    def _fold(self) -> None:
        for folded, into in INTO.items():
            targets = {key[1:]: key for key in self._open if key[0] == into}
            for key in [key for key in self._open if key[0] == folded and key[1:] in targets]:
                self._open[targets[key[1:]]].merge(self._open.pop(key), folded=True)

    def _repeats(self) -> None:
        """A renamed product in forty places is one change: the places that only repeat it join their source."""
        by_place: dict[str, Key] = {}
        for key, found in self._open.items():
            if found.sources[""]:
                by_place.setdefault(f"{key[1]} {key[2]}", key)
        for key, found in list(self._open.items()):
            source = next(iter(found.sources)) if len(found.sources) == 1 else ""
            into = by_place.get(source)
            if not source or into is None or into == key or found.level.rank > self._open[into].level.rank:
                continue
            whole = self._open[into]
            if not whole.places:
                whole.places.append(_standing(into, whole))
                whole.keys.append(into)
            del self._open[key]
            whole.merge(found, folded=True)
            whole.places.extend(found.places or [_standing(key, found)])
            whole.keys.extend(found.keys or [key])

    def _spread(self, profile: Profile, judged: Mapping[str, int]) -> None:
        """One header, lost or changed alike wherever it could be seen, is one cause."""
        by_change: dict[tuple[str, str, str], list[Key]] = {}
        for key in self._open:
            if key[2].startswith("response.header "):
                by_change.setdefault((key[0], key[2], key[3]), []).append(key)
        for (class_id, location, change), keys in by_change.items():
            name = location.removeprefix("response.header ")
            had = {scope.rpartition(" ")[0] for scope, names in profile.headers.items() if name in names}
            could = {one for one in (had or set(judged)) & set(judged) if self._hidden[one] < judged[one]}
            hit = {key[1] for key in keys}
            if len(hit) >= SPREAD and could <= hit:
                self._join(keys, (class_id, EVERYWHERE, location, change))

    def _spread_calls(self, profile: Profile) -> None:
        """The same for the headers of calls: a trace header that no call carries any more is one cause, too."""
        by_change: dict[tuple[str, str, str], list[Key]] = {}
        for key in self._open:
            call, found, name = key[2].partition(" request.header ")
            if found and call.startswith("outbound "):
                by_change.setdefault((key[0], name, key[3]), []).append(key)
        for (class_id, name, change), keys in by_change.items():
            had = {scope for scope, names in profile.headers.items() if scope.startswith("outbound ") and name in names}
            hit = {key[2].partition(" request.header ")[0] for key in keys}
            if len({key[1:3] for key in keys}) >= SPREAD and had <= hit:
                self._join(keys, (class_id, EVERYWHERE, wide_location(keys[0][2]), change))

    def _join(self, keys: Iterable[Key], into: Key) -> None:
        whole = _Open()
        for key in keys:
            found = self._open.pop(key)
            whole.merge(found)
            whole.keys.extend(found.keys or [key])
        self._open[into] = whole

    def _group(self, key: Key, found: _Open, judged: Mapping[str, int]) -> Group:
        _, endpoint, location, change = key
        class_id = found.worst
        drift = class_of(class_id)
        examples = sorted(found.examples, key=lambda example: example.class_id != class_id)  # stable: worst class first
        first = examples[0]
        name = fingerprint(class_id, endpoint, location, change)
        concerned = {endpoint, *(one.endpoint for one in found.places)}
        total = sum(count for one, count in judged.items() if one in concerned or endpoint == EVERYWHERE)
        seen = f"in {min(found.spread, total)} of {total} replayed exchanges" if total else ""
        if class_id.startswith("exchange."):  # what has no partner is none of the exchanges that were judged
            seen = f"beside {total} with a partner"
        if found.places:
            places = list(dict.fromkeys(f"{one.endpoint} {one.location}" for one in found.places[1:]))
            rest = len(places) - REPEATS
            more = f" and {rest} more place{'' if rest == 1 else 's'}" if rest > 0 else ""
            seen += f"; the same change at {', '.join(places[:REPEATS])}{more}"
        others = [f"{count} of them {other}" for other, count in found.classes.most_common() if other != class_id]
        return Group(
            fingerprint=name,
            class_id=class_id,
            kind=drift.kind,
            level=drift.level,
            endpoint=endpoint,
            location=location,
            recorded=first.recorded,
            replayed=first.replayed,
            evidence="; ".join(part for part in (first.evidence, seen, *others) if part),
            count=found.count,
            exchanges=tuple(sorted(found.exchanges)),
            spread=found.spread,
            examples=tuple(examples[:EXAMPLES]),
            places=tuple(found.places),
            parts=tuple(Part(names(*one), f"{one[1]} {one[2]}") for one in found.keys or [key]),
        )


def _standing(key: Key, found: _Open) -> Standing:
    _, endpoint, location, change = key
    name = fingerprint(found.worst, endpoint, location, change)
    pairs = tuple((example.recorded, example.replayed) for example in found.examples)
    return Standing(name, found.worst, endpoint, location, found.count, found.spread, pairs)


def reproduced(group: Group, curl: str, command: str) -> Group:
    """``group`` with how to reproduce it."""
    return replace(group, curl=curl, command=command)
