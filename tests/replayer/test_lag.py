"""How late requests went out."""

from __future__ import annotations

import random

import pytest

from replayer.lag import Lag


@pytest.mark.parametrize("seed", range(5))
def test_quantiles_are_at_most_five_percent_too_much(seed: int) -> None:
    chance = random.Random(seed)
    values = sorted(chance.lognormvariate(-4, 2) for _ in range(2_000))
    lag = Lag()
    for value in values:
        lag.add(value)
    assert lag.largest == values[-1]
    for share in (0.01, 0.5, 0.9, 0.99, 1.0):
        exact = values[max(round(share * len(values)) - 1, 0)]
        assert exact <= lag.quantile(share) * (1 + 1e-9)
        assert lag.quantile(share) <= max(exact * 1.05, 1e-4) * (1 + 1e-9)


def test_nothing_and_in_time() -> None:
    assert Lag().to_json() == {"p50": 0.0, "p99": 0.0, "max": 0.0}
    lag = Lag()
    lag.add(0.0)
    assert lag.to_json() == {"p50": 0.0, "p99": 0.0, "max": 0.0}
