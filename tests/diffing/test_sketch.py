"""Counts of values: exact while they are few, a fair and mergeable sample beyond."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from diffing.contract.sketch import DISTINCT, LONG, Sketch, brief

VALUES = st.lists(st.one_of(st.integers(0, 200), st.sampled_from("abcdefgh").map(lambda c: c * 3)), max_size=400)


def sketch(values: list[int | str], room: int = DISTINCT) -> Sketch:
    made = Sketch(room)
    for value in values:
        made.add(value)
    return made


@given(VALUES)
def test_what_is_kept_is_counted_exactly(values: list[int | str]) -> None:
    made, counts = sketch(values), Counter(values)
    assert made.counts == {value: counts[value] for value in made.counts}
    assert len(made.counts) == min(DISTINCT, len(counts))
    assert made.complete == (len(counts) <= DISTINCT)


@given(VALUES, VALUES)
def test_merging_is_counting_all_of_it_in_any_order(one: list[int | str], other: list[int | str]) -> None:
    whole = sketch([*one, *other], room=16)
    for first, second in ((one, other), (other, one)):
        merged = sketch(first, room=16)
        merged.merge(sketch(second, room=16))
        assert merged == whole


@given(VALUES, VALUES, VALUES)
def test_counting_goes_on_after_merging(one: list[int | str], other: list[int | str], more: list[int | str]) -> None:
    merged = sketch(one, room=16)
    merged.merge(sketch(other, room=16))
    for value in more:
        merged.add(value)
    assert merged == sketch([*one, *other, *more], room=16)


def test_repetition_is_seen_in_the_sample() -> None:
    assert not sketch(list(range(1000))).repeated
    assert sketch([*range(1000), *range(1000)]).repeated
    assert sketch(list(range(1000))).once == DISTINCT


def test_long_strings_are_told_apart_without_being_kept() -> None:
    one, other = "x" * 5000 + "a", "x" * 5000 + "b"
    assert brief(one) != brief(other)
    assert len(brief(one)) < LONG
