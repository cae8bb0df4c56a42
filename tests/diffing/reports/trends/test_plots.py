"""Axes, columns and lines as coordinates."""

from __future__ import annotations

import pytest

from diffing.reports.trends.plots import BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH, columns, lines, scale
from tests.corpus import each

GROUND = HEIGHT - BOTTOM


@each(
    ("greatest", "whole", "ticks"),
    [
        (0, True, (0, 1)),
        (1, True, (0, 1)),
        (4, True, (0, 1, 2, 3, 4)),
        (7, True, (0, 2, 4, 6, 8)),
        (12, True, (0, 5, 10, 15)),
        (230, True, (0, 50, 100, 150, 200, 250)),
        (1.0, False, (0, 0.2, 0.4, 0.6, 0.8, 1.0)),
        (0.013, False, (0, 0.005, 0.01, 0.015)),
        (14.9, False, (0, 5, 10, 15)),
    ],
)
def test_scales_are_round_and_reach_the_greatest(greatest: float, whole: bool, ticks: tuple[float, ...]) -> None:
    assert scale(greatest, whole=whole) == ticks


@each("greatest", [0.0007, 0.9, 3, 19, 20, 21, 99, 100, 101, 5_000, 1e9])
def test_a_scale_has_few_ticks(greatest: float) -> None:
    ticks = scale(greatest)
    assert ticks[-1] >= greatest
    assert 2 <= len(ticks) <= 7


def test_columns_are_stacked_from_the_ground() -> None:
    made = columns("Drift", "groups", "said", ["a", "b"], [("error", "error", [1, 0]), ("info", "info", [3, 0])])
    low, high = made.bars
    assert (low.tone, low.title, round(low.y + low.height, 2)) == ("error", "a: 1 error", GROUND)
    assert round(high.y + high.height, 2) == low.y
    assert round(high.height / low.height, 2) == 3
    assert made.legend == (("error", "error"), ("info", "info"))
    assert [tick.label for tick in made.up] == ["0", "1", "2", "3", "4"]
    assert all(bar.x >= LEFT and bar.x + bar.width <= WIDTH - RIGHT and bar.y >= TOP for bar in made.bars)


def test_a_line_is_broken_where_nothing_is_known() -> None:
    made = lines(
        "Time", "time", "", list("abcd"), [("all", "", [1.0, None, 2.0, 2.0])], str, hollow=[True] + [False] * 3
    )
    (line,) = made.lines
    assert line.path.count("M") == 2
    assert line.path.count("L") == 1
    assert [dot.title for dot in line.dots] == ["a: 1.0", "c: 2.0", "d: 2.0"]
    assert [dot.hollow for dot in line.dots] == [True, False, False]


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 20, 500])
def test_dates_are_few_and_end_with_the_last_run(count: int) -> None:
    dates = [str(number) for number in range(count)]
    made = columns("Drift", "", "", dates, [("error", "", [1] * count)])
    assert made.across[0].label == "0"
    assert made.across[-1].label == str(count - 1)
    assert len(made.across) == min(count, 4)
    assert all(bar.width > 0 for bar in made.bars)
