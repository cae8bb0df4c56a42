"""Whose drift it is, once the recorded build (the *baseline*) was replayed beside the new one. Pure.

Three answers to one request are compared in turn: the recording with the new build, the new build with the baseline,
and, where the baseline ran twice, the baseline with itself. A place where the new build differs from both others is a
*regression*; one where both builds differ from the recording alike, a *stale capture*; one where the baseline differs
from itself, *flaky*, unless the new build differs there far more often than chance explains. (Diffy subtracts noise
from difference by fixed percentages, whatever the number of samples; here the exact binomial test decides.)
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from captures.wording import counted
from diffing.learning.binomial import at_least
from diffing.model import Group, Level, Origin

SURE = 0.001
"""A flaky place is a regression all the same when chance explains the difference less often than this."""

FEWEST = 5
"""Differences from the baseline below which a flaky place is never called a regression."""


@dataclass(slots=True)
class Sightings:
    """How often one place (or one group's places) differed, counted in exchanges."""

    new: int = 0  # the new build differs from the recording and from the baseline
    alike: int = 0  # … from the recording, and not from the baseline
    alone: int = 0  # … from the recording, where the baseline gave nothing to compare with
    moved: int = 0  # the baseline differs from itself
    compared: int = 0  # exchanges of the endpoint in which the baseline could be compared with itself

    def add(self, other: Sightings) -> None:
        """Count ``other``, another place of the same change, into this one."""
        self.new += other.new
        self.alike += other.alike
        self.alone += other.alone
        self.moved += other.moved
        self.compared += other.compared


def together(places: Iterable[Sightings]) -> Sightings:
    """The sightings of several places as those of one."""
    whole = Sightings()
    for place in places:
        whole.add(place)
    return whole


def origin_of(seen: Sightings) -> tuple[Origin | None, str]:
    """Whose drift it is, and the evidence in words; (None, why) where nothing tells."""
    differed = seen.new + seen.alike
    if not differed:
        return None, "the baseline has no answer to compare with"
    rest = f", {seen.alone} without an answer of the baseline" if seen.alone else ""
    said = f"differs from the baseline in {seen.new} of {differed}{rest}"
    if seen.moved:
        itself = f"the baseline differs from itself in {seen.moved} of {seen.compared}"
        noise = (seen.moved + 1) / (seen.compared + 2)  # Laplace: what was seen seldom may happen more often
        trials = max(seen.compared, differed)
        if seen.new < FEWEST or at_least(seen.new, trials, noise) >= SURE:
            return Origin.FLAKY, f"{itself}; the new build {said}"
        return Origin.REGRESSION, f"{said}, far more often than {itself}"
    if seen.new:
        alike = f"; in {seen.alike} both builds differ from the recording alike" if seen.alike else ""
        return Origin.REGRESSION, f"{said}{alike}"
    return Origin.STALE, f"the baseline differs from the recording alike in all {seen.alike}{rest}"


_UNSTEADY = (
    "where the baseline differs from itself: what moves by itself cannot be judged (retape learn proposes rules for it)"
)


def unsteady(groups: Iterable[Group], fail_on: Level) -> list[str]:
    """Why a run is inconclusive: what moves by itself, and that nobody let pass."""
    count = sum(
        group.origin is Origin.FLAKY and group.level.rank >= fail_on.rank and not group.passed for group in groups
    )
    return [f"{counted(count, 'drift group')} {_UNSTEADY}"] if count else []


def steady(reasons: Iterable[str]) -> list[str]:
    """``reasons`` without that one."""
    return [reason for reason in reasons if not reason.endswith(_UNSTEADY)]
