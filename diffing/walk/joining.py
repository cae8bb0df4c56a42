"""Pairing positions of two arrays by what the items there are equal in: whole, in all members but one, or by place."""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Callable, Hashable, Mapping, Sequence
from itertools import islice
from typing import Any

from diffing.walk.itemkeys import SEPARATOR

Pairs = list[tuple[int, int]]
RARE = 20
"""How many times more rows have another member changed where that of a few proves nothing."""


def join(ours: Any, theirs: Any, lefts: Sequence[int], rights: Sequence[int]) -> tuple[Pairs, list[int], list[int]]:
    """Hash join with multiset semantics: equal items pair in their order, one for one."""
    waiting: dict[Hashable, deque[int]] = defaultdict(deque)
    for at in rights:
        waiting[theirs[at]].append(at)
    pairs: Pairs = []
    over: list[int] = []
    for at in lefts:
        queue = waiting.get(ours[at])
        if queue:
            pairs.append((at, queue.popleft()))
        else:
            over.append(at)
    return pairs, over, sorted(at for queue in waiting.values() for at in queue)


def ambiguous(ours: Any, theirs: Any, lefts: Sequence[int], rights: Sequence[int]) -> frozenset[int]:
    """The positions of ``lefts`` that a join pairs though it might as well have paired them with others."""
    here, there = Counter(ours[at] for at in lefts), Counter(theirs[at] for at in rights)
    return frozenset(at for at in lefts if here[ours[at]] > 1 or there[ours[at]] > 1)


def but_one(
    ours: Mapping[int, tuple[str, ...]], theirs: Mapping[int, tuple[str, ...]], last: Callable[[str], bool]
) -> tuple[Pairs, frozenset[int]]:
    """Pairs of items that differ in one member, and the recorded positions of those that might be paired otherwise.

    An item is a tuple: the names of its members, then a text for each of them. First those that are the only ones for
    each other, whichever member differs; what is left by the member that differs most often among those, for what
    changed in the one row changed in the others. A member that is ``last`` is tried after the others.
    """
    ours_by, theirs_by = _without(ours), _without(theirs)
    only: dict[str, list[tuple[int, int]]] = defaultdict(list)  # member -> pairs without a rival by all the others
    crowded: dict[str, list[tuple[list[int], list[int]]]] = defaultdict(list)
    partners: dict[int, set[int]] = defaultdict(set)
    origins: dict[int, set[int]] = defaultdict(set)
    for rest, lefts in ours_by.items():
        rights = theirs_by.get(rest)
        if rights is None:
            continue
        if len(lefts) == len(rights) == 1:
            only[rest[0]].append((lefts[0], rights[0]))
        else:
            crowded[rest[0]].append((lefts, rights))
        for at in lefts:
            partners[at].update(rights[:2])
        for at in rights:
            origins[at].update(lefts[:2])
    pairs: Pairs = []
    changed: Counter[str] = Counter()
    for name, found in only.items():
        for one, other in found:
            if len(partners[one]) == 1 and len(origins[other]) == 1:
                pairs.append((one, other))
                changed[name] += 1
    most = max(changed.values(), default=0)
    rare = {name for name, times in changed.items() if RARE * times < most}  # rows that are alike by chance
    doubtful = {one for name in rare for one, _ in only[name]}
    sure = len(pairs)
    used, taken = {one for one, _ in pairs}, {other for _, other in pairs}
    for name in sorted({*only, *crowded}, key=lambda name: (last(name), -changed[name], name)):
        for lefts, rights in [*(([one], [other]) for one, other in only[name]), *crowded[name]]:
            free_left = [at for at in lefts if at not in used]
            free_right = [at for at in rights if at not in taken]
            more = list(zip(free_left, free_right, strict=False))
            pairs.extend(more)
            used.update(one for one, _ in more)
            taken.update(other for _, other in more)
    return pairs, frozenset(doubtful).union(one for one, _ in pairs[sure:])


def _without(items: Mapping[int, tuple[str, ...]]) -> dict[tuple[str, str, int], list[int]]:
    """Positions by (the member left out, the names of all, the others as one number).

    Two unlike items may be paired by a collision; nothing rests on it but how a difference is told.
    """
    found: dict[tuple[str, str, int], list[int]] = defaultdict(list)
    layouts: dict[str, list[str]] = {}
    for at, item in items.items():
        layout = item[0]
        names = layouts.get(layout)
        if names is None:
            names = layouts[layout] = layout.split(SEPARATOR)
        hashes = [hash(member) for member in enumerate(item)]
        total = sum(hashes)
        for name, own in islice(zip(names, hashes, strict=False), 1, None):
            found[name, layout, total - own].append(at)
    return found


def in_gaps(anchors: Pairs, lefts: list[int], rights: list[int]) -> tuple[Pairs, list[int], list[int]]:
    """Values changed in place: what stands between the same two neighbours, in turn."""
    gaps: dict[int, tuple[list[int], list[int]]] = defaultdict(lambda: ([], []))
    for side, over in ((0, lefts), (1, rights)):
        gap = 0
        for at in over:
            while gap < len(anchors) and anchors[gap][side] < at:
                gap += 1
            gaps[gap][side].append(at)
    pairs: Pairs = []
    removed: list[int] = []
    added: list[int] = []
    for ours, theirs in gaps.values():
        shared = min(len(ours), len(theirs))
        pairs.extend(zip(ours, theirs, strict=False))
        removed.extend(ours[shared:])
        added.extend(theirs[shared:])
    return pairs, sorted(removed), sorted(added)
