"""Whose drift it is, from counts."""

from __future__ import annotations

from diffing.baseline.origins import Sightings, origin_of
from diffing.model import Origin
from tests.corpus import each


@each(
    ("seen", "origin", "words"),
    [
        (Sightings(new=3), Origin.REGRESSION, "differs from the baseline in 3 of 3"),
        (Sightings(new=2, alike=1), Origin.REGRESSION, "in 1 both builds differ from the recording alike"),
        (Sightings(alike=4), Origin.STALE, "alike in all 4"),
        (Sightings(alike=4, moved=1, compared=4), Origin.FLAKY, "differs from itself in 1 of 4"),
        (Sightings(new=4, moved=1, compared=40), Origin.FLAKY, "differs from itself in 1 of 40"),
        (Sightings(new=40, moved=1, compared=40), Origin.REGRESSION, "far more often than"),
        (Sightings(new=20, moved=20, compared=40), Origin.FLAKY, "in 20 of 40"),
        (Sightings(new=40, moved=39, compared=40), Origin.FLAKY, "in 39 of 40"),
        (Sightings(alone=2), None, "no answer to compare with"),
        (Sightings(new=1, alone=2), Origin.REGRESSION, "2 without an answer of the baseline"),
    ],
)
def test_origin(seen: Sightings, origin: Origin | None, words: str) -> None:
    found, said = origin_of(seen)
    assert found is origin
    assert words in said
