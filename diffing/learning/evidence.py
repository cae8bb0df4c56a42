"""Everything that repetition shows of one place, gathered while the answers stream by. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, field

from diffing.learning.narrowing import Values
from diffing.learning.sightings import Sight
from diffing.model import ABSENT, Finding

SHOWN = 5
"""Findings kept per place."""

Pairs = set[tuple[int, int]]
"""Positions of two answers to one request; of runs, 0 is the recording."""


@dataclass(slots=True)
class PlaceEvidence:
    """Everything seen of one place."""

    classes: Counter[str] = field(default_factory=Counter)
    differing: dict[Hashable, Pairs] = field(default_factory=dict)  # by request
    findings: list[Finding] = field(default_factory=list)  # the first few
    flaps: bool = False  # it is there in one answer and not in another
    alone: set[int] = field(default_factory=set)  # answers that stood against the others of their request
    values: Values = field(default_factory=Values)
    absent: int = 0  # how often it was not there where it could have been
    samples: int = 0  # comparisons of two answers in turn in which it could be seen
    replays: int = 0  # comparisons with the recording in which it could be seen
    members: set[str] = field(default_factory=set)  # of the objects it is a member of

    def differ(self, subject: Hashable, pair: tuple[int, int], finding: Finding) -> None:
        """Note a difference."""
        self.classes[finding.class_id] += 1
        self.differing.setdefault(subject, set()).add(pair)
        self.flaps = self.flaps or finding.recorded is ABSENT or finding.replayed is ABSENT
        if len(self.findings) < SHOWN:
            self.findings.append(finding)

    def look(self, sights: Sequence[Sight | None], compared: Iterable[tuple[int, int]]) -> None:
        """Note what stands there in all answers to one request, and where it could be ``compared``.

        None stands for an answer that is missing.
        """
        for number, sight in enumerate(sights):
            if sight is None:
                continue
            self.members |= sight.members
            for value in sight.values:
                self.values.add(number, value)
            self.absent += sight.absent
        for one, other in compared:
            left, right = sights[one], sights[other]
            if left is not None and right is not None and (left.seen or right.seen):
                self.samples += other == one + 1
                self.replays += one == 0

    @property
    def moved(self) -> int:
        """Comparisons of two answers in turn in which it differed."""
        return sum(other == one + 1 for pairs in self.differing.values() for one, other in pairs)

    @property
    def differed(self) -> int:
        """Comparisons with the recording in which it differed."""
        return sum(one == 0 for pairs in self.differing.values() for one, _ in pairs)

    @property
    def between(self) -> int:
        """Comparisons of two runs in which it differed."""
        return sum(one > 0 for pairs in self.differing.values() for one, _ in pairs)


def standing_alone(pairs: Iterable[tuple[int, int]], differing: Pairs) -> set[int]:
    """The answers that stand against most others of their request: those outside the largest set of equal ones.

    ``pairs`` were compared, ``differing`` of them differ. Of two sets of one size neither is the rule: all stand alone.
    """
    groups: dict[int, set[int]] = {}
    for one, other in pairs:
        left, right = groups.setdefault(one, {one}), groups.setdefault(other, {other})
        if (one, other) not in differing and left is not right:
            left |= right
            for at in right:
                groups[at] = left
    sets = sorted({id(group): group for group in groups.values()}.values(), key=lambda group: (-len(group), min(group)))
    if len(sets) < 2:  # each like a third one, and unlike each other: a rule that allows for some distance
        return {at for pair in differing for at in pair}
    if len(sets[0]) > len(sets[1]):
        return groups.keys() - sets[0]
    return set(groups)
