"""The latencies of one endpoint as a report shows them: both builds on one scale, and what the test says. Pure.

The scale is logarithmic: latencies spread over powers of ten, and twice as slow is as far apart everywhere.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import log
from statistics import median

from diffing.baseline.latency import FEWEST, LARGE, Samples, compare, mann_whitney

BINS = 28


@dataclass(frozen=True, slots=True)
class Distribution:
    """The latencies of one build, in seconds; ``counts`` per bin of the endpoint's scale."""

    samples: int
    median: float
    p95: float
    counts: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Measured:
    """What was measured of one endpoint. The scale goes from ``low`` to ``high`` seconds, logarithmically."""

    endpoint: str
    low: float
    high: float
    new: Distribution
    baseline: Distribution
    control: Distribution | None  # the baseline's second run
    p: float | None  # of the Mann-Whitney test; None: too few samples for it
    delta: float | None  # Cliff's, of the new build over the baseline
    conclusion: str  # "slower", "faster", "alike", "too few"
    why: str


def measured(seconds: Mapping[str, Sequence[Sequence[float]]]) -> tuple[Measured, ...]:
    """What ``seconds`` (by endpoint: new, baseline, control) shows; what differs first, then by name."""
    found = [_of(endpoint, Samples(*sides), len(seconds)) for endpoint, sides in seconds.items() if all(sides[:2])]
    order = {"slower": 0, "faster": 1}
    return tuple(sorted(found, key=lambda one: (order.get(one.conclusion, 2), one.endpoint)))


def _of(endpoint: str, samples: Samples, tests: int) -> Measured:
    sides = (samples.new, samples.baseline, samples.control)
    every = [value for side in sides for value in side if value > 0] or [0.001]
    low, high = min(every), max(every)
    distributions = [_distribution(side, low, high) for side in sides]
    size = min(len(samples.new), len(samples.baseline))
    p = delta = None
    if size >= FEWEST:
        p, delta = mann_whitney(samples.new, samples.baseline)
    slower = compare(samples, tests)
    if slower is not None:
        conclusion, why = ("slower" if slower.slower else "faster"), slower.evidence
    elif p is None or delta is None:
        conclusion, why = "too few", f"{size} samples of each build, {FEWEST} are needed to tell anything"
    else:
        conclusion, why = "alike", _no_drift(samples, delta)
    new, baseline, control = distributions
    return Measured(endpoint, low, high, new, baseline, control if samples.control else None, p, delta, conclusion, why)


def _no_drift(samples: Samples, delta: float) -> str:
    if abs(delta) < LARGE:
        return f"no large effect (from a Cliff's delta of {LARGE} on it is called large)"
    if len(samples.control) >= FEWEST and abs(mann_whitney(samples.control, samples.baseline)[1]) >= LARGE:
        return "the baseline differs from itself as much"
    return "the medians are too near, or chance may explain it"


def _distribution(values: Sequence[float], low: float, high: float) -> Distribution:
    if not values:
        return Distribution(0, 0.0, 0.0, ())
    counts = [0] * BINS
    width = log(high / low) if high > low else 1.0
    for value in values:
        at = int(log(max(value, low) / low) / width * BINS)
        counts[min(at, BINS - 1)] += 1
    ordered = sorted(values)
    return Distribution(
        len(values), median(ordered), ordered[min(len(ordered) - 1, int(len(ordered) * 0.95))], tuple(counts)
    )
