"""Whether the new build answers slower than the baseline, endpoint by endpoint. Pure.

Only latencies measured side by side are compared: those of the recording were measured on another machine, on another
day. The Mann-Whitney test (H. B. Mann and D. R. Whitney, 1947; normal approximation with ties, fit from 20 samples on)
says whether the difference is chance, Cliff's delta (N. Cliff, 1993) how large it is, and both a ratio and a number of
milliseconds must be worth a person's time. What the baseline shows against itself is no drift.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from math import erfc, sqrt
from statistics import median

FEWEST = 20  # samples of each side
SURE = 0.001  # of all endpoints together (Bonferroni)
LARGE = 0.474  # Cliff's delta from which an effect is called large (J. Romano et al., 2006)
RATIO = 1.25  # between the medians
SHIFT = 0.001  # seconds between the medians


@dataclass(frozen=True, slots=True)
class Samples:
    """Seconds from request to the whole answer, of one endpoint. ``control``: the baseline's second run."""

    new: Sequence[float]
    baseline: Sequence[float]
    control: Sequence[float] = ()


@dataclass(frozen=True, slots=True)
class Slower:
    """A difference worth telling. Medians in seconds; ``delta`` from -1 (always faster) to 1 (always slower)."""

    baseline: float
    new: float
    delta: float
    p: float
    samples: int

    @property
    def slower(self) -> bool:
        """Whether the new build is the slower one."""
        return self.new > self.baseline

    @property
    def evidence(self) -> str:
        """In words."""
        chance = "p < 0.0001" if self.p < 0.0001 else f"p = {self.p:.4f}"
        return (
            f"median {self.new * 1000:.1f} ms against {self.baseline * 1000:.1f} ms of the baseline beside it, "
            f"{self.samples} samples each, Mann-Whitney {chance}, Cliff's delta {self.delta:+.2f}"
        )


def mann_whitney(one: Sequence[float], other: Sequence[float]) -> tuple[float, float]:
    """(two-sided p, Cliff's delta of ``one`` over ``other``). Of empty samples (1, 0)."""
    n, m = len(one), len(other)
    if not n or not m:
        return 1.0, 0.0
    ranked = sorted([(value, 0) for value in one] + [(value, 1) for value in other])
    ranks = ties = 0.0
    before = 0
    for _, run in groupby(ranked, key=lambda pair: pair[0]):
        alike = list(run)
        size = len(alike)
        ranks += sum(side == 0 for _, side in alike) * (before + (size + 1) / 2)
        ties += size**3 - size
        before += size
    u = ranks - n * (n + 1) / 2
    total = n + m
    variance = n * m / 12 * (total + 1 - ties / (total * (total - 1))) if total > 1 else 0.0
    delta = 2 * u / (n * m) - 1
    if variance <= 0:
        return 1.0, delta
    distance = max(0.0, abs(u - n * m / 2) - 0.5)  # continuity
    return erfc(distance / sqrt(variance) / sqrt(2)), delta


def compare(samples: Samples, tests: int = 1) -> Slower | None:
    """What one endpoint shows; ``tests``: how many endpoints are asked, so that one in a thousand runs is wrong."""
    size = min(len(samples.new), len(samples.baseline))
    if size < FEWEST:
        return None
    p, delta = mann_whitney(samples.new, samples.baseline)
    new, baseline = median(samples.new), median(samples.baseline)
    low, high = sorted((new, baseline))
    if p * max(tests, 1) > SURE or abs(delta) < LARGE or high - low < SHIFT or high < RATIO * low:
        return None
    if len(samples.control) >= FEWEST:
        _, against_itself = mann_whitney(samples.control, samples.baseline)
        _, against_control = mann_whitney(samples.new, samples.control)
        if abs(against_itself) >= LARGE or abs(against_control) < LARGE or (against_control > 0) != (delta > 0):
            return None
    return Slower(baseline, new, delta, p, size)
