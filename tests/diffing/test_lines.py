from __future__ import annotations

import random
import time
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from diffing import Answer, compare
from diffing.messages.lines import EXACT, aligned
from tests.corpus import each

TABLE = [
    ("abc", "abc", []),
    ("abc", "axc", [(1, 1)]),
    ("abc", "ac", [(1, None)]),
    ("ac", "abc", [(None, 1)]),
    ("", "ab", [(None, 0), (None, 1)]),
    ("abcdef", "abXcdYef", [(None, 2), (None, 5)]),
    ("abcdef", "bcdefa", [(0, None), (None, 5)]),
    ("aab", "ab", [(1, None)]),
    ("xAyBz", "1A2B3", [(0, 0), (2, 2), (4, 4)]),
]


@each(("left", "right", "expected"), TABLE)
def test_alignment(left: str, right: str, expected: list[tuple[int | None, int | None]]) -> None:
    assert sorted(aligned([*left], [*right]).unequal, key=repr) == sorted(expected, key=repr)


LINES = st.lists(st.sampled_from("abcdefgh"), max_size=30)


@given(LINES, LINES)
def test_what_is_not_told_is_equal_and_in_order(left: list[str], right: list[str]) -> None:
    unequal = aligned(left, right).unequal
    ours = [at for at in range(len(left)) if at not in {i for i, _ in unequal}]
    theirs = [at for at in range(len(right)) if at not in {j for _, j in unequal}]
    assert [left[at] for at in ours] == [right[at] for at in theirs]
    assert len({i for i, _ in unequal if i is not None}) + len(ours) == len(left)


def test_a_long_stretch_without_anchors_is_paired_by_position_and_says_so() -> None:
    left, right = ["a", "b"] * EXACT, ["b", "c"] * EXACT + ["d"]
    alignment = aligned(left, right)
    assert alignment.by_position > EXACT
    assert len(alignment.unequal) == 2 * EXACT + 1
    assert aligned(["a"] * 1_000 + ["x"], ["a"] * 999 + ["x"]).by_position == 0


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["shuffled", "two words", "one inserted", "blocks swapped", "all new"])
def test_a_hundred_thousand_lines_are_aligned_at_once(kind: str) -> None:
    chance = random.Random(1)
    left = [f"line {at}" for at in range(100_000)]
    right = [*left]
    match kind:
        case "shuffled":
            chance.shuffle(right)
        case "two words":
            left, right = ([chance.choice("ab") for _ in range(100_000)] for _ in range(2))
        case "one inserted":
            right.insert(50_000, "new")
        case "blocks swapped":
            right = left[50_000:] + left[:50_000]
        case "all new":
            right = [f"row {at}" for at in range(100_001)]
    started = time.process_time()
    alignment = aligned(left, right)
    assert time.process_time() - started < 30
    assert alignment.unequal


@pytest.mark.slow
def test_of_a_text_that_is_another_one_no_more_is_judged() -> None:
    old, new = ("\n".join(f"{side} {n} words" for n in range(100_000)) for side in ("old", "new"))
    before = time.process_time()
    verdict = compare(*(Answer(text, headers={"Content-Type": "text/plain"}) for text in (old, new)))
    assert time.process_time() - before < 10
    (found,) = verdict.findings
    assert found.evidence.startswith("at least 1000 of 100000 lines, the first at line 1; 99,000 more that differ")


@pytest.mark.slow
def test_lines_that_are_all_explained_are_all_judged() -> None:
    old, new = (
        "\n".join(f"id={uuid.UUID(int=side + n, version=4)}" for n in range(2_500)) for side in (10**20, 10**25)
    )
    sides = (Answer(text, headers={"Content-Type": "text/plain"}) for text in (old, new))
    assert compare(*sides).rules
    spoilt = Answer(f"{new}\nmore", headers={"Content-Type": "text/plain"})
    verdict = compare(Answer(old, headers={"Content-Type": "text/plain"}), spoilt)
    assert [found.path for found in verdict.findings] == ["line 2501"]
