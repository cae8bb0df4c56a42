"""Items that stayed and changed: paired by how much of them is equal.

A few are compared each with each. Of many, those that differ in one member are found by hashing the rest of them; what
is left is paired by position, as nothing says better.
"""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Callable, Hashable
from typing import Any

CAP = 50  # items per side that are compared with each other
MEMBERS = 40  # of an item: beyond that the one that differs is not searched for

Pairs = list[tuple[int, int]]
KeyOf = Callable[[Any], Hashable]


def alike(
    left: list[Any], right: list[Any], lefts: list[int], rights: list[int], key_of: KeyOf, least: float
) -> tuple[Pairs, list[int], list[int]]:
    """Pair the items at ``lefts`` with those at ``rights``, and what is left over on both sides.

    ``key_of`` is what two members are compared by; ``least`` is the share of equal members a pair needs.
    """
    if least == 0 and len(lefts) == len(rights) == 1:
        return [(lefts[0], rights[0])], [], []
    pairs: Pairs = []
    if len(lefts) > CAP or len(rights) > CAP:
        pairs, lefts, rights = _but_one(left, right, lefts, rights, key_of)
    if len(lefts) > CAP or len(rights) > CAP:
        shared = min(len(lefts), len(rights))
        close: Pairs = []
        far_left, far_right = lefts[shared:], rights[shared:]
        for one, other in zip(lefts, rights, strict=False):
            if not least or _score(_members(left[one], key_of), _members(right[other], key_of)) >= least:
                close.append((one, other))
            else:
                far_left.append(one)
                far_right.append(other)
        return pairs + close, sorted(far_left), sorted(far_right)
    ours = {at: _members(left[at], key_of) for at in lefts}
    theirs = {at: _members(right[at], key_of) for at in rights}
    scored = sorted(
        (
            -_score(ours[one], theirs[other]),
            abs(one - other),
            one + other,  # a tie is then between mirrored pairs, which do not compete
            one,
            other,
        )
        for one in lefts
        for other in rights
    )
    free_left, free_right = set(lefts), set(rights)
    for score, _, _, one, other in scored:
        if -score >= least and one in free_left and other in free_right:
            pairs.append((one, other))
            free_left.discard(one)
            free_right.discard(other)
    return pairs, sorted(free_left), sorted(free_right)


def _but_one(
    left: list[Any], right: list[Any], lefts: list[int], rights: list[int], key_of: KeyOf
) -> tuple[Pairs, list[int], list[int]]:
    """Pair items of which all members but one are equal: for each member a hash join over the rest."""
    ours = {at: _hashes(left[at], key_of) for at in lefts}
    theirs = {at: _hashes(right[at], key_of) for at in rights}
    pairs: Pairs = []
    names = dict.fromkeys(name for members in ours.values() for name in members if name is not None)
    for name in list(names)[:MEMBERS]:
        waiting: dict[Hashable, deque[int]] = defaultdict(deque)
        for at in rights:
            if name in theirs[at]:
                waiting[theirs[at][None] - theirs[at][name]].append(at)
        over: list[int] = []
        for at in lefts:
            queue = waiting.get(ours[at][None] - ours[at][name]) if name in ours[at] else None
            if queue and len(ours[at]) > 2:
                pairs.append((at, queue.popleft()))
            else:
                over.append(at)
        if len(over) < len(lefts):
            taken = {other for _, other in pairs}
            lefts, rights = over, [at for at in rights if at not in taken]
    return pairs, lefts, rights


def _hashes(item: Any, key_of: KeyOf) -> dict[str | int | None, int]:
    """A number per member, and their sum under None: what is left without one of them is one subtraction away.

    Two unlike items may be paired by a collision; nothing rests on it but how a difference is told.
    """
    members = item.items() if type(item) is dict else enumerate(item) if type(item) is list else ()
    found: dict[str | int | None, int] = {name: hash((name, key_of(value))) for name, value in members}
    found[None] = sum(found.values())
    return found


def _members(item: Any, key_of: KeyOf) -> Counter[Hashable]:
    if type(item) is dict:
        return Counter((name, key_of(value)) for name, value in item.items())
    if type(item) is list:  # by value, and by place as well: an insertion moves what follows it
        keys = [key_of(value) for value in item]
        return Counter([*((at, key) for at, key in enumerate(keys)), *((None, key) for key in keys)])
    return Counter([key_of(item)])


def _score(ours: Counter[Hashable], theirs: Counter[Hashable]) -> float:
    size = ours.total() + theirs.total()
    return 2 * (ours & theirs).total() / size if size else 1.0
