from __future__ import annotations

from math import comb

import pytest

from diffing.learning.binomial import at_least, lower_bound


@pytest.mark.parametrize(("hits", "trials", "rate"), [(3, 3, 0.05), (1, 3, 0.05), (7, 40, 0.1), (20, 40, 0.5)])
def test_at_least_is_the_sum_of_the_tail(hits: int, trials: int, rate: float) -> None:
    tail = sum(comb(trials, n) * rate**n * (1 - rate) ** (trials - n) for n in range(hits, trials + 1))
    assert at_least(hits, trials, rate) == pytest.approx(tail)


@pytest.mark.parametrize(
    ("hits", "trials", "rate", "expected"), [(0, 5, 0.5, 1.0), (6, 5, 0.5, 0.0), (2, 5, 0.0, 0.0), (2, 5, 1.0, 1.0)]
)
def test_at_the_edges(hits: int, trials: int, rate: float, expected: float) -> None:
    assert at_least(hits, trials, rate) == expected


@pytest.mark.parametrize(
    ("hits", "trials", "bound"),
    [
        # n of n has a closed form: (1 - confidence) ** (1 / n)
        (1, 1, 0.05),
        (3, 3, 0.05 ** (1 / 3)),
        (40, 40, 0.05 ** (1 / 40)),
        (1, 3, 1 - 0.95 ** (1 / 3)),
        (0, 10, 0.0),
        (0, 0, 0.0),
    ],
)
def test_lower_bound(hits: int, trials: int, bound: float) -> None:
    assert lower_bound(hits, trials) == pytest.approx(bound, abs=1e-12)


def test_more_confidence_means_a_lower_bound() -> None:
    assert lower_bound(7, 40, 0.99) < lower_bound(7, 40, 0.95) < 7 / 40


def test_large_samples_neither_overflow_nor_hang() -> None:
    assert lower_bound(500_000, 1_000_000) == pytest.approx(0.4991775, abs=1e-6)
    assert at_least(900_000, 1_000_000, 0.05) == 0.0
