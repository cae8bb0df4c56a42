"""Which new identifier stands for which recorded one, over a whole run, and where that is contradicted.

Ids that are made anew differ on every run, but *consistently*: wherever the old one stood the new one must stand, and
two old ones never become one. Ignoring the field, as path-based diffs do, hides the wrong object's id, a leak between
tenants, a link to nowhere; a bijection does not.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

LIMIT = 400_000
"""Identifiers remembered per side. Beyond it new ones are only checked by format, and the result says so."""

BOUND = 1_000
"""Weight of a pair that the replay itself established: what was sent in place of what was recorded."""


@dataclass(slots=True)
class Identity:
    """Pairs (recorded, replayed) with how often each was seen. Grows while learning, is only asked while judging."""

    forward: dict[str, dict[str, int]] = field(default_factory=dict)
    backward: dict[str, dict[str, int]] = field(default_factory=dict)
    full: bool = False

    def observe(self, recorded: str, replayed: str, weight: int = 1) -> None:
        """Note that ``replayed`` stood where ``recorded`` was recorded."""
        for table, one, other in ((self.forward, recorded, replayed), (self.backward, replayed, recorded)):
            known = table.get(one)
            if known is None:
                if len(table) >= LIMIT:
                    self.full = True
                    continue
                table[one] = {other: weight}
            else:
                known[other] = known.get(other, 0) + weight

    def bind(self, pairs: Iterable[tuple[str, str]]) -> None:
        """Note pairs that are certain."""
        for recorded, replayed in pairs:
            self.observe(recorded, replayed, BOUND)

    def partner(self, recorded: str) -> str | None:
        """What stands for ``recorded`` most often (of equals itself, else the first seen); None: it was never seen."""
        known = self.forward.get(recorded)
        return max(known, key=lambda other: (known[other], other == recorded)) if known else None

    def origin(self, replayed: str) -> str | None:
        """The recorded value that ``replayed`` stands for most often."""
        known = self.backward.get(replayed)
        return max(known, key=lambda other: (known[other], other == replayed)) if known else None

    def times(self, recorded: str, replayed: str) -> int:
        """How often the pair was seen (:data:`BOUND` and more: it is certain)."""
        known = self.forward.get(recorded)
        return known.get(replayed, 0) if known else 0

    def renamed(self, recorded: str) -> str:
        """The new value for ``recorded`` where there is one, else itself."""
        return self.partner(recorded) or recorded

    def contradiction(self, recorded: str, replayed: str) -> str | None:
        """One sentence when the pair breaks the bijection, else None. A pair nobody saw breaks nothing."""
        here = self.times(recorded, replayed)
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


def _places(times: int) -> str:
    if times >= BOUND:
        return "what the replay itself sent"
    return f"{max(times, 1)} place{'' if times <= 1 else 's'}"
