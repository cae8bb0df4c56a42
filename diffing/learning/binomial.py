"""How sure n trials with x hits make us of a rate: the exact binomial test, and the lower bound of Clopper and Pearson.

Exact, because the samples are few: a normal approximation of "3 of 3" says 100 % give or take nothing.
C. J. Clopper and E. S. Pearson, "The use of confidence or fiducial limits", Biometrika 26 (1934).
"""

from __future__ import annotations

from math import exp, lgamma, log, log1p

HALVINGS = 60
"""Steps of the bisection: the bound is exact to the last digit of a float."""


def at_least(hits: int, trials: int, rate: float) -> float:
    """The probability of ``hits`` or more in ``trials`` when each hits with probability ``rate`` (0 to 1)."""
    if hits <= 0:
        return 1.0
    if hits > trials or rate <= 0.0:
        return 0.0
    if rate >= 1.0:
        return 1.0
    odds = rate / (1.0 - rate)
    start = (
        lgamma(trials + 1) - lgamma(hits + 1) - lgamma(trials - hits + 1)
        + hits * log(rate) + (trials - hits) * log1p(-rate)
    )  # fmt: skip
    # Summed relative to its first term, which alone may be too small for a float.
    total = term = 1.0
    for number in range(hits, trials):
        term *= odds * (trials - number) / (number + 1)
        total += term
        if number > rate * trials and term < total * 1e-17:
            break
    return min(1.0, exp(start + log(total)))


def lower_bound(hits: int, trials: int, confidence: float = 0.95) -> float:
    """The rate that is at least so high with ``confidence``: one-sided, so 3 hits of 3 say 0.368 at 0.95."""
    if hits <= 0 or trials <= 0:
        return 0.0
    below, above = 0.0, hits / trials
    for _ in range(HALVINGS):
        middle = (below + above) / 2
        if at_least(hits, trials, middle) < 1.0 - confidence:
            below = middle
        else:
            above = middle
    return below
