"""The cover against one that counts everything again at each step, on random needs."""

from __future__ import annotations

import random
from collections.abc import Mapping

import pytest

from captures.covering import cover, without_superfluous
from tests.corpus import each


def counted_again(
    shows: Mapping[int, frozenset[str]], closures: Mapping[int, frozenset[int]], most: int | None
) -> list[int]:
    """The same choice, plainly."""
    chosen: list[int] = []
    there: set[int] = set()
    missing = set[str]().union(*shows.values())
    while True:
        best, worth = None, (0.0, 0)
        for one in sorted(shows):
            new, cost = len(shows[one] & missing), len(closures[one] - there)
            if not new or (most is not None and len(there) + cost > most):
                continue
            if best is None or (new / max(cost, 0.5), -one) > worth:
                best, worth = one, (new / max(cost, 0.5), -one)
        if best is None:
            return chosen
        chosen.append(best)
        there |= closures[best]
        for one in closures[best]:
            missing -= shows.get(one, frozenset())


@each("seed", range(40))
def test_it_chooses_what_counting_again_chooses(seed: int) -> None:
    draw = random.Random(seed)
    ids = range(1, draw.randint(2, 30))
    shows = {one: frozenset(draw.choices("abcdefghijkl", k=draw.randint(1, 4))) for one in ids}
    closures = {one: frozenset({one, *(draw.randint(0, one) for _ in range(draw.choice((0, 0, 2, 5))))}) for one in ids}
    most = draw.choice((None, 3, 8))
    chosen = cover(shows, closures, most)
    assert chosen == counted_again(shows, closures, most)
    left = without_superfluous(chosen, shows, closures)

    def shown(some: list[int]) -> frozenset[str]:
        return frozenset[str]().union(*(shows.get(other, frozenset()) for one in some for other in closures[one]))

    assert shown(left) == shown(chosen)
    for one in left:
        assert shown([other for other in left if other != one]) != shown(left)


@pytest.mark.slow
def test_many_candidates_are_no_matter() -> None:
    """Ten thousand that each show something of their own: counting again each time would take minutes."""
    shows = {one: frozenset({f"own {one}", f"shared {one % 50}"}) for one in range(10_000)}
    closures = {one: frozenset({one, one // 2}) for one in shows}
    chosen = cover(shows, closures)
    assert len(chosen) == len(shows)
    assert without_superfluous(chosen, shows, closures)
