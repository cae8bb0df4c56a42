"""Which new identifier stands for which recorded one, over a whole run, and where that is contradicted.

Ids that are made anew differ on every run, but *consistently*: wherever the old one stood the new one must stand, and
two old ones never become one. Ignoring the field, as path-based diffs do, hides the wrong object's id, a leak between
tenants, a link to nowhere; a bijection does not.

Memory is bounded. When there are more ids than :data:`LIMIT`, pairs seen only once are forgotten, the oldest first: an
id that is made, answered with and never seen again has nothing to contradict. What was seen twice, and what the
replay itself sent, is kept. ``full`` says that something was forgotten, ``settled`` that there is nothing left to
forget, so that what is new is not remembered at all. Of hundreds of thousands of ids nearly all have one partner: it
is kept without a table of its own.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from diffing.values.following import Repeats
from diffing.values.tokens import Merged

LIMIT = 200_000
"""Identifiers remembered per side. Beyond it the oldest of those seen once are forgotten, and the result says so."""

BOUND = 1_000
"""Weight of a pair that the replay itself established: what was sent in place of what was recorded."""

Known = str | tuple[str, int] | dict[str, int]
"""The only partner of an identifier, seen once; the only one, with how often; or all, with how often each was seen."""

Partners = dict[str, Known]

SEVERAL = 0
"""In place of a site: the pair stands in places of two kinds."""


@dataclass(slots=True)
class Identity:
    """Pairs (recorded, replayed) with how often each was seen. Grows while learning, is only asked while judging."""

    forward: Partners = field(default_factory=dict)
    backward: Partners = field(default_factory=dict)
    repeats: Repeats = field(default_factory=Repeats)  # changes that are no renaming of an id
    merged: Merged = field(default_factory=Merged)  # tokens of one exchange that became one
    made: set[tuple[str, str]] = field(default_factory=set)  # pairs that the run shows being made
    full: bool = False
    forgotten: int = 0
    limit: int = LIMIT
    settled: bool = False  # nothing is left to forget
    # Of renamed ids: (partner, where the pair was first seen), the partner alone once that is several places, or all.
    sites: dict[str, str | tuple[str, int] | dict[str, int]] = field(default_factory=dict)
    numbers: dict[int, int] = field(default_factory=dict)  # of sites, each kept as one object

    def observe(self, recorded: str, replayed: str, weight: int = 1, site: int = 0) -> None:
        """Note that ``replayed`` stood where ``recorded`` was recorded. ``site``: stands for the place, 0: unknown."""
        if not self.settled and (len(self.forward) >= self.limit or len(self.backward) >= self.limit):
            self._forget()
        if site and recorded != replayed:
            self._place(recorded, replayed, site)
        for table, one, other in ((self.forward, recorded, replayed), (self.backward, replayed, recorded)):
            known = table.get(one)
            if known is None:
                if len(table) >= self.limit:
                    self.full = True
                    continue
                table[one] = other if weight == 1 else (other, weight)
            elif isinstance(known, str):
                table[one] = (known, 1 + weight) if known == other else {known: 1, other: weight}
            elif isinstance(known, tuple):
                only, times = known
                table[one] = (only, times + weight) if only == other else {only: times, other: weight}
            else:
                known[other] = known.get(other, 0) + weight

    def _place(self, recorded: str, replayed: str, site: int) -> None:
        """Note where a renamed pair stands."""
        known = self.sites.get(recorded)
        if known is None:
            if len(self.sites) < self.limit:
                self.sites[recorded] = (replayed, self.numbers.setdefault(site, site))
        elif isinstance(known, dict):
            known[replayed] = site if known.get(replayed, site) == site else SEVERAL
        else:
            only, first = (known, SEVERAL) if isinstance(known, str) else known
            if only != replayed:
                self.sites[recorded] = {only: first, replayed: site}
            elif first != site:
                self.sites[recorded] = replayed

    def bind(self, pairs: Iterable[tuple[str, str]]) -> None:
        """Note pairs that are certain."""
        for recorded, replayed in pairs:
            self.observe(recorded, replayed, BOUND)

    def partner(self, recorded: str) -> str | None:
        """What stands for ``recorded`` most often (of equals itself, else the first seen); None: it was never seen."""
        return _usual(self.forward.get(recorded), recorded)

    def origin(self, replayed: str) -> str | None:
        """The recorded value that ``replayed`` stands for most often."""
        return _usual(self.backward.get(replayed), replayed)

    def times(self, recorded: str, replayed: str) -> int:
        """How often the pair was seen (:data:`BOUND` and more: it is certain)."""
        known = self.forward.get(recorded)
        if known is None:
            return 0
        if isinstance(known, str):
            return int(known == replayed)
        if isinstance(known, tuple):
            return known[1] if known[0] == replayed else 0
        return known.get(replayed, 0)

    def elsewhere(self, recorded: str, replayed: str) -> bool:
        """Whether the pair is certain, or stands in places of two kinds: one bug repeated five times is one place."""
        known = self.sites.get(recorded)
        if known == replayed or (isinstance(known, dict) and known.get(replayed) == SEVERAL):
            return True
        return self.times(recorded, replayed) >= BOUND

    def renamed(self, recorded: str) -> str:
        """The new value for ``recorded`` where there is one, else itself."""
        return self.partner(recorded) or recorded

    def recorded(self, value: str) -> bool:
        """Whether the recording has ``value`` as an identifier."""
        return value in self.forward

    def swapped(self, recorded: str, replayed: str) -> bool:
        """Whether the two stand for each other: nothing made anew does."""
        return recorded != replayed and self.times(replayed, recorded) > 0 and self.times(recorded, replayed) > 0

    def contradiction(self, recorded: str, replayed: str) -> str | None:
        """One sentence when the pair breaks the bijection, else None. A pair nobody saw breaks nothing."""
        here = self.times(recorded, replayed)
        if recorded != replayed:
            # Where a value stands for itself nothing is unequal, so nothing would be said there: it is said here.
            for value, whose in (
                (recorded, "the recorded value stays as it is"),
                (replayed, "the new value is itself"),
            ):
                kept = self.times(value, value)
                if kept:
                    return f"{whose} in {_places(kept)}, here it is another object's"
        usual = self.partner(recorded)
        if usual is not None and usual != replayed:
            times = self.times(recorded, usual)
            if times >= here:
                return f"the recorded value stands for another new value in {_places(times)}, here in {_places(here)}"
        source = self.origin(replayed)
        if source is not None and source != recorded:
            times = self.times(source, replayed)
            if times >= here:
                return f"the new value stands for another recorded value in {_places(times)}, here in {_places(here)}"
        return None

    def said(self) -> str:
        """What to know when not every identifier could be remembered, as sentences; "" when all are."""
        if not self.full:
            return ""
        first = f"More than {self.limit:,} identifiers: the oldest that were seen only once were forgotten"
        if self.settled:
            first += ", and those that came last were not noted"
        return f"{first}. What became of them may be reported though it is a renaming."

    def _forget(self) -> None:
        """Drop the oldest quarter of the pairs that were seen once."""
        self.full = True
        room = max(1, self.limit // 4)
        singles: list[tuple[str, str]] = []
        for one, other in self.forward.items():
            if isinstance(other, str) and self.backward.get(other) == one:
                singles.append((one, other))
                if len(singles) >= room:
                    break
        for one, other in singles:
            del self.forward[one]
            del self.backward[other]
            self.sites.pop(one, None)
        self.forgotten += len(singles)
        self.settled = len(singles) < room


def partners(known: Known) -> dict[str, int]:
    """All partners with how often each was seen, as a table of its own."""
    if isinstance(known, str):
        return {known: 1}
    return dict((known,)) if isinstance(known, tuple) else dict(known)


def _usual(known: Known | None, itself: str) -> str | None:
    if known is None or isinstance(known, str):
        return known
    if isinstance(known, tuple):
        return known[0]
    return max(known, key=lambda other: (known[other], other == itself))


def _places(times: int) -> str:
    if times >= BOUND:
        return "what the replay itself sent"
    return f"{max(times, 1)} place{'' if times <= 1 else 's'}"
