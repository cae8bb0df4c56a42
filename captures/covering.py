"""The fewest things that show all there is to show, where each may need others: greedy set cover. Pure.

Next is always what shows the most that is new for each thing it adds (Chvatal 1979: within ln n of the smallest). What
a choice changes for the others is kept up to date instead of counted again, so that tens of thousands of candidates
are no matter: the work is that of reading what they show and need.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from heapq import heapify, heappop, heappush
from typing import TypeVar

_T = TypeVar("_T", bound=Hashable)


def cover(
    shows: Mapping[int, frozenset[_T]], closures: Mapping[int, frozenset[int]], most: int | None = None
) -> list[int]:
    """What to take, in the order it was chosen. ``closures``: each with all it needs; ``most``: no more than that.

    Of equals the least is taken, so the result is the same every time.
    """
    missing = set(frozenset[_T]().union(*shows.values()))
    showing: dict[_T, list[int]] = {}
    within: dict[int, list[int]] = {}
    for one, traits in shows.items():
        for trait in traits:
            showing.setdefault(trait, []).append(one)
        for other in closures[one]:
            within.setdefault(other, []).append(one)
    new = {one: len(traits) for one, traits in shows.items()}
    cost = {one: len(closures[one]) for one in shows}

    def worth(one: int) -> float:
        return new[one] / max(cost[one], 0.5)  # one that is there already costs nothing

    heap = [(-worth(one), one) for one in shows]
    heapify(heap)
    there: set[int] = set()
    chosen: list[int] = []
    while missing and heap:
        value, one = heappop(heap)
        if not new[one] or value != -worth(one):
            continue  # it is worth something else by now, and stands further down again
        if most is not None and len(there) + cost[one] > most:
            continue  # it comes back when it needs less
        chosen.append(one)
        added = closures[one] - there
        there |= added
        touched: set[int] = set()
        for other in added:
            for user in within.get(other, ()):
                cost[user] -= 1
                touched.add(user)
        for other in closures[one]:
            for trait in shows.get(other, frozenset()) & missing:
                missing.discard(trait)
                for user in showing[trait]:
                    new[user] -= 1
                    touched.add(user)
        for user in touched:
            if new[user]:
                heappush(heap, (-worth(user), user))
    return chosen


def without_superfluous(
    chosen: Sequence[int], shows: Mapping[int, frozenset[_T]], closures: Mapping[int, frozenset[int]]
) -> list[int]:
    """``chosen`` without what the others show as well: greedy takes early what later choices make unnecessary."""
    shown = {one: frozenset[_T]().union(*(shows.get(other, frozenset()) for other in closures[one])) for one in chosen}
    times = Counter(trait for traits in shown.values() for trait in traits)
    gone: set[int] = set()
    for one in sorted(chosen, key=lambda one: (-len(closures[one]), -one)):
        if all(times[trait] > 1 for trait in shown[one]):
            times.subtract(shown[one])
            gone.add(one)
    return [one for one in chosen if one not in gone]
