"""What two sequences have in common: as long as can be, in order, and the same from both sides."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from diffing.walk import sequences
from diffing.walk.sequences import common
from tests.diffing.test_laws import LAW

ITEMS = st.lists(st.sampled_from("abcd"), max_size=9)


def longest(ours: list[str], theirs: list[str]) -> int:
    """The textbook table."""
    row = [0] * (len(theirs) + 1)
    for one in ours:
        above = row
        row = [0]
        for at, other in enumerate(theirs):
            row.append(above[at] + 1 if one == other else max(row[at], above[at + 1]))
    return row[-1]


@LAW
@given(ITEMS, ITEMS)
def test_the_pairs_are_a_longest_common_subsequence(ours: list[str], theirs: list[str]) -> None:
    pairs = common(ours, theirs)
    assert len(pairs) == longest(ours, theirs)
    assert all(ours[one] == theirs[other] for one, other in pairs)
    assert pairs == sorted(pairs)
    assert len({other for _, other in pairs}) == len({one for one, _ in pairs}) == len(pairs)
    assert [other for _, other in pairs] == sorted(other for _, other in pairs)


@LAW
@given(ITEMS, ITEMS)
def test_swapping_the_sides_mirrors_the_pairs(ours: list[str], theirs: list[str]) -> None:
    assert common(theirs, ours) == [(other, one) for one, other in common(ours, theirs)]


def test_many_repetitions_stay_in_order_and_end() -> None:
    chance = random.Random(1)
    ours = [chance.choice("ab") for _ in range(3_000)]
    theirs = [chance.choice("ab") for _ in range(3_000)]
    assert len(ours) * len(theirs) / 2 > sequences.AGREEMENTS
    pairs = common(ours, theirs)
    assert len(pairs) > 50  # in turn: not a longest one
    assert all(ours[one] == theirs[other] for one, other in pairs)
    assert [other for _, other in pairs] == sorted({other for _, other in pairs})
