"""Latencies beside each other: the test statistic against known values, and what is worth telling."""

from __future__ import annotations

import random

import pytest

from diffing.baseline.latency import FEWEST, Samples, compare, mann_whitney


def times(seed: int, middle: float, count: int = 60) -> list[float]:
    chance = random.Random(seed)
    return [chance.lognormvariate(0, 0.2) * middle for _ in range(count)]


@pytest.mark.parametrize(
    ("one", "other", "p", "delta"),
    [
        # scipy.stats.mannwhitneyu(..., method="asymptotic", use_continuity=True), and 2 U / (n m) - 1
        ([1, 2, 3, 4, 5], [6, 7, 8, 9, 10], 0.012185780355344, -1.0),
        ([1, 1, 2, 2, 3], [2, 3, 3, 4, 4], 0.052411628671, -0.76),
        ([3, 9, 9, 12, 15.5, 20], [1, 3, 3, 9, 10], 0.113903144589, 0.6),
        ([1, 2, 3], [1, 2, 3], 1.0, 0.0),
        ([5, 5, 5], [5, 5, 5], 1.0, 0.0),
        ([], [1, 2], 1.0, 0.0),
    ],
)
def test_the_statistic(one: list[float], other: list[float], p: float, delta: float) -> None:
    found, effect = mann_whitney(one, other)
    assert found == pytest.approx(p, abs=1e-6)
    assert effect == pytest.approx(delta)
    assert mann_whitney(other, one) == (pytest.approx(found), pytest.approx(-effect))


def test_twice_the_time_is_told_with_its_evidence() -> None:
    found = compare(Samples(times(1, 0.020), times(2, 0.010), times(3, 0.010)))
    assert found is not None
    assert found.slower
    assert "60 samples each" in found.evidence
    assert "Cliff's delta +" in found.evidence
    faster = compare(Samples(times(2, 0.010), times(1, 0.020), times(3, 0.020)))
    assert faster is not None
    assert not faster.slower


@pytest.mark.parametrize(
    ("samples", "why"),
    [
        (Samples(times(1, 0.02, FEWEST - 1), times(2, 0.01)), "too few"),
        (Samples(times(1, 0.0101), times(2, 0.01)), "chance"),
        (Samples(times(1, 0.0008), times(2, 0.0004)), "less than a millisecond"),
        (Samples([0.1 + t / 100 for t in times(1, 0.02)], [0.1] * 60), "less than a quarter"),
        (Samples(times(1, 0.02), times(2, 0.01), times(3, 0.02)), "the baseline does so by itself"),
    ],
)
def test_what_is_not_worth_telling(samples: Samples, why: str) -> None:
    assert compare(samples) is None, why


@pytest.mark.slow
def test_a_thousand_endpoints_without_a_difference_show_none() -> None:
    for seed in range(1_000):
        assert compare(Samples(times(seed, 0.01, 25), times(seed + 10_000, 0.01, 25)), 1_000) is None
