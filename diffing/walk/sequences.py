"""What two sequences have in common, in order: the longest common subsequence where that is affordable.

The ends they share are cut off, then Hunt and Szymanski's algorithm (CACM 20/5, 1977) runs over the places where they
agree: n log n for items that are hardly repeated. Where repetitions make that quadratic, the first occurrence stands
for the first, the second for the second, and the longest ascending run of those is taken: in order, never wrong, only
not always the longest.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Hashable, Sequence
from typing import Any

AGREEMENTS = 300_000
"""Places of agreement up to which the result is a longest one."""

Pair = tuple[int, int]


def common(ours: Sequence[Any], theirs: Sequence[Any]) -> list[Pair]:
    """Ascending pairs of positions of equal items. The items are hashable and sort (all of one type).

    Mirrored when the sides are swapped: which of several longest ones it is does not depend on the side.
    """
    if (len(theirs), theirs) < (len(ours), ours):
        return [(one, other) for other, one in _common(theirs, ours)]
    return _common(ours, theirs)


def _common(ours: Sequence[Hashable], theirs: Sequence[Hashable]) -> list[Pair]:
    start, least = 0, min(len(ours), len(theirs))
    while start < least and ours[start] == theirs[start]:
        start += 1
    end = 0
    while end < least - start and ours[-1 - end] == theirs[-1 - end]:
        end += 1
    pairs = [(at, at) for at in range(start)]
    pairs.extend(_middle(ours, theirs, range(start, len(ours) - end), range(start, len(theirs) - end)))
    pairs.extend((len(ours) - at, len(theirs) - at) for at in range(end, 0, -1))
    return pairs


def _middle(ours: Sequence[Hashable], theirs: Sequence[Hashable], lefts: range, rights: range) -> list[Pair]:
    if not lefts or not rights:
        return []
    places: dict[Hashable, list[int]] = defaultdict(list)
    for at in rights:
        places[theirs[at]].append(at)
    agreements = 0
    for at in lefts:
        agreements += len(places.get(ours[at], ()))
        if agreements > AGREEMENTS:
            return _ascending(_in_turn(ours, lefts, places))
    return _ascending([(at, other) for at in lefts for other in reversed(places.get(ours[at], ()))])


def _in_turn(ours: Sequence[Hashable], lefts: range, places: dict[Hashable, list[int]]) -> list[Pair]:
    used: dict[Hashable, int] = defaultdict(int)
    pairs: list[Pair] = []
    for at in lefts:
        turn, found = used[ours[at]], places.get(ours[at], ())
        if turn < len(found):
            pairs.append((at, found[turn]))
            used[ours[at]] = turn + 1
    return pairs


def _ascending(pairs: list[Pair]) -> list[Pair]:
    """The longest chain of pairs in which both positions rise. Of one left position the rights come descending."""
    ends: list[int] = []
    chains: list[tuple[Pair, Any]] = []
    for pair in pairs:
        at = bisect_left(ends, pair[1])
        chain = (pair, chains[at - 1] if at else None)
        if at == len(ends):
            ends.append(pair[1])
            chains.append(chain)
        else:
            ends[at] = pair[1]
            chains[at] = chain
    found: list[Pair] = []
    link: Any = chains[-1] if chains else None
    while link is not None:
        found.append(link[0])
        link = link[1]
    found.reverse()
    return found
