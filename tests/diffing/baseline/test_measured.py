"""Latencies as reports show them: both builds on one scale, and what the test makes of them."""

from __future__ import annotations

import pytest

from diffing.baseline.measured import BINS, measured
from tests.diffing.baseline.test_latency import times


@pytest.mark.parametrize(
    ("new", "baseline", "control", "conclusion", "why"),
    [
        (times(1, 0.02), times(2, 0.01), times(3, 0.01), "slower", "60 samples each"),
        (times(1, 0.01), times(2, 0.02), (), "faster", "60 samples each"),
        (times(1, 0.01), times(2, 0.01), times(3, 0.01), "alike", "no large effect"),
        (times(1, 0.02), times(2, 0.01), times(3, 0.02), "alike", "the baseline differs from itself as much"),
        ([0.2] * 19, [0.1] * 30, (), "too few", "19 samples of each build, 20 are needed"),
        ([0.0] * 30, [0.0] * 30, (), "alike", "no large effect"),
    ],
)
def test_what_is_said_of_an_endpoint(
    new: list[float], baseline: list[float], control: list[float], conclusion: str, why: str
) -> None:
    (one,) = measured({"GET /": (new, baseline, control)})
    assert one.conclusion == conclusion
    assert why in one.why
    assert (one.control is None) == (not control)
    assert (one.new.samples, sum(one.new.counts), len(one.new.counts)) == (len(new), len(new), BINS)


def test_what_differs_comes_first_and_what_has_no_pair_is_left_out() -> None:
    found = measured(
        {
            "GET /a": (times(1, 0.01), times(2, 0.01), ()),
            "GET /b": ([0.1], [], ()),
            "GET /c": (times(1, 0.05), times(2, 0.01), ()),
        }
    )
    assert [one.endpoint for one in found] == ["GET /c", "GET /a"]
