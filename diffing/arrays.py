"""Which item of one array is which item of the other.

By a key where the items have one (a field in all of them that tells them apart, learnt over the whole recording), read
through the renaming of identifiers; else by content with volatile values left open, as multisets, so that a duplicate
is never lost; else by likeness within a small, capped remainder; else by position. Order is judged apart.
Positions alone are what makes one inserted row look like every row changed; content alone is what makes two rows that
swapped a status look like rows that swapped ids.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from difflib import SequenceMatcher
from typing import Any

from diffing.flatten import flatten
from diffing.names import hint_of
from diffing.place import Place
from diffing.profile import Node, key_candidates
from diffing.scalars import integer_key
from diffing.volatile import shape_of

CAP = 50  # unmatched items per side that are compared with each other by likeness
LCS = 400_000  # cells: beyond it arrays of scalars are compared by position


@dataclass(frozen=True, slots=True)
class Alignment:
    """Pairs of positions in order of the recorded one, and what found no partner."""

    pairs: tuple[tuple[int, int], ...]
    removed: tuple[int, ...] = ()
    added: tuple[int, ...] = ()
    key: str = ""  # the field that named the items
    certain: bool = True  # False: aligned by likeness or position, ids in it prove little
    multiplicity: bool = False  # what was removed or added still stands there, only less or more often

    @property
    def reordered(self) -> bool:
        """Whether paired items stand in another order."""
        last = -1
        for _, right in self.pairs:
            if right < last:
                return True
            last = right
        return False


def align(
    left: list[Any], right: list[Any], names: tuple[str, ...], node: Node | None, place: Place, *, ordered: bool = True
) -> Alignment:
    """Align two unequal arrays. Not ``ordered``: position says nothing about what belongs together."""
    if not left or not right:
        return Alignment((), tuple(range(len(left))), tuple(range(len(right))))
    if all(type(item) is dict for item in left) and all(type(item) is dict for item in right):
        return _objects(left, right, node, place, names)
    if not any(type(item) is dict or type(item) is list for item in (*left, *right)):
        return _scalars(left, right, names, place, ordered)
    return _by_content(left, right, place, names)


def by_position(left: list[Any], right: list[Any]) -> Alignment:
    """Align by position alone."""
    common = min(len(left), len(right))
    pairs = tuple((at, at) for at in range(common))
    return Alignment(pairs, tuple(range(common, len(left))), tuple(range(common, len(right))), certain=False)


def _scalars(left: list[Any], right: list[Any], names: tuple[str, ...], place: Place, ordered: bool) -> Alignment:
    ours = [_renamed(item, names, place) for item in left]
    theirs = [repr(item) for item in right]
    matched = _multiset(ours, theirs)
    if len(matched.pairs) == len(left) == len(right):
        return matched
    if not ordered:
        if set(ours) == set(theirs):
            return replace(matched, multiplicity=True)
        rest = min(len(matched.removed), len(matched.added))
        in_turn = zip(matched.removed[:rest], matched.added[:rest], strict=True)
        return Alignment(
            tuple(sorted((*matched.pairs, *in_turn))), matched.removed[rest:], matched.added[rest:], certain=False
        )
    if len(left) == len(right):  # values changed in place, unless what is left over moved
        in_place = sum(one == other for one, other in zip(ours, theirs, strict=True))
        if in_place == len(matched.pairs):
            return Alignment(tuple((at, at) for at in range(len(left))))
    pairs: list[tuple[int, int]] = []
    removed: list[int] = []
    added: list[int] = []
    if len(left) * len(right) <= LCS:
        for word, i1, i2, j1, j2 in _steps(ours, theirs):
            common = min(i2 - i1, j2 - j1) if word in ("equal", "replace") else 0
            pairs.extend((i1 + at, j1 + at) for at in range(common))
            removed.extend(range(i1 + common, i2))
            added.extend(range(j1 + common, j2))
    else:
        common = min(len(left), len(right))
        pairs.extend((at, at) for at in range(common))
        removed.extend(range(common, len(left)))
        added.extend(range(common, len(right)))
    return Alignment(tuple(pairs), tuple(removed), tuple(added), multiplicity=set(ours) == set(theirs))


def _steps(ours: list[str], theirs: list[str]) -> list[tuple[str, int, int, int, int]]:
    """Edit steps, mirrored when the sides are swapped: ``SequenceMatcher`` by itself prefers its first sequence."""
    if (len(theirs), theirs) < (len(ours), ours):
        return [(word, j1, j2, i1, i2) for word, i1, i2, j1, j2 in _steps(theirs, ours)]
    return list(SequenceMatcher(None, ours, theirs, autojunk=False).get_opcodes())


def _objects(left: list[Any], right: list[Any], node: Node | None, place: Place, names: tuple[str, ...]) -> Alignment:
    for field in key_candidates(node, left):
        found = _by_key(field, left, right, names, place)
        if found is not None:
            return found
    return _by_content(left, right, place, names)


def _by_key(field: str, left: list[Any], right: list[Any], names: tuple[str, ...], place: Place) -> Alignment | None:
    ours = _key_values(field, left, (*names, field), place)
    theirs = _key_values(field, right, (*names, field), None)
    if ours is None or theirs is None:
        return None
    shared = len(ours.keys() & theirs.keys())
    if 2 * shared < min(len(left), len(right)) or not shared:
        return None
    pairs = sorted((at, theirs[key]) for key, at in ours.items() if key in theirs)
    removed = tuple(at for key, at in ours.items() if key not in theirs)
    added = tuple(at for key, at in theirs.items() if key not in ours)
    return Alignment(tuple(pairs), removed, added, key=field)


def _key_values(field: str, items: list[Any], names: tuple[str, ...], place: Place | None) -> dict[str, int] | None:
    """Key -> position, or None when the field is missing somewhere or does not tell the items apart."""
    found: dict[str, int] = {}
    for at, item in enumerate(items):
        value = item.get(field)
        if type(value) is not str and type(value) is not int:
            return None
        key = _renamed(value, names, place) if place is not None else repr(value)
        if key in found:
            return None
        found[key] = at
    return found


def _renamed(value: Any, names: tuple[str, ...], place: Place) -> str:
    """The literal that ``value`` should have on the other side."""
    if type(value) is str:
        return repr(place.identity.renamed(value))
    if type(value) is int and names:
        partner = place.identity.partner(integer_key(value, names, place))
        if partner is not None:
            return partner.rpartition("#")[2]
    return repr(value)


def _by_content(left: list[Any], right: list[Any], place: Place, names: tuple[str, ...]) -> Alignment:
    """Equal once volatile values are renamed where the new one is known and left open where it is not."""

    def exactly(item: Any) -> Hashable:
        return flatten(item, lambda value, name: _renamed(value, (*names, name), place))

    def openly(item: Any) -> Hashable:
        return flatten(item, _open)

    pairs, over_left, over_right = _join(left, right, range(len(left)), range(len(right)), exactly, repr_of)
    certain = not over_left and not over_right
    more, over_left, over_right = _join(left, right, over_left, over_right, openly, openly)
    pairs.extend(more)
    if over_left and over_right:
        like, over_left, over_right = _alike(left, right, over_left, over_right)
        pairs.extend(like)
    ours = {exactly(left[at]) for at in over_left}
    kept = {exactly(left[one]) for one, _ in pairs}
    extra = {flatten(right[at]) for at in over_right}
    there = {flatten(right[other]) for _, other in pairs}
    multiplicity = bool(over_left or over_right) and ours <= kept and extra <= there
    return Alignment(
        tuple(sorted(pairs)), tuple(over_left), tuple(over_right), certain=certain, multiplicity=multiplicity
    )


def repr_of(item: Any) -> Hashable:
    """The replayed side's own literals."""
    return flatten(item)


def _join(
    left: Sequence[Any],
    right: Sequence[Any],
    lefts: Sequence[int],
    rights: Sequence[int],
    ours: Callable[[Any], Hashable],
    theirs: Callable[[Any], Hashable],
) -> tuple[list[tuple[int, int]], list[int], list[int]]:
    """Hash join with multiset semantics: equal items pair in their order, one for one."""
    waiting: dict[Hashable, deque[int]] = defaultdict(deque)
    for at in rights:
        waiting[theirs(right[at])].append(at)
    pairs: list[tuple[int, int]] = []
    over: list[int] = []
    for at in lefts:
        queue = waiting.get(ours(left[at]))
        if queue:
            pairs.append((at, queue.popleft()))
        else:
            over.append(at)
    return pairs, over, sorted(at for queue in waiting.values() for at in queue)


def _multiset(ours: list[str], theirs: list[str]) -> Alignment:
    def plain(item: Any) -> Hashable:
        return str(item)

    pairs, removed, added = _join(ours, theirs, range(len(ours)), range(len(theirs)), plain, plain)
    return Alignment(tuple(pairs), tuple(removed), tuple(added))


def _alike(
    left: list[Any], right: list[Any], lefts: list[int], rights: list[int]
) -> tuple[list[tuple[int, int]], list[int], list[int]]:
    """Pair the remainder by how many members are equal, best first; by position when it is large."""
    if len(lefts) == len(rights) == 1 or len(lefts) > CAP or len(rights) > CAP:
        common = min(len(lefts), len(rights))
        return list(zip(lefts, rights, strict=False)), lefts[common:], rights[common:]
    ours = {at: _members(left[at]) for at in lefts}
    theirs = {at: _members(right[at]) for at in rights}
    scored = sorted(
        (
            (
                -2 * len(ours[one] & theirs[other]) / (len(ours[one]) + len(theirs[other]) or 1),
                abs(one - other),
                one + other,  # a tie is then between mirrored pairs, which do not compete
                one,
                other,
            )
            for one in lefts
            for other in rights
        ),
    )
    pairs: list[tuple[int, int]] = []
    free_left, free_right = set(lefts), set(rights)
    same_length = len(lefts) == len(rights)
    for score, _, _, one, other in scored:
        if one in free_left and other in free_right and (same_length or -score >= 0.3):
            pairs.append((one, other))
            free_left.discard(one)
            free_right.discard(other)
    return pairs, sorted(free_left), sorted(free_right)


def _members(item: Any) -> set[Hashable]:
    if type(item) is dict:
        return {(name, flatten(value, _open)) for name, value in item.items()}
    if type(item) is list:
        return {(at, flatten(value, _open)) for at, value in enumerate(item)}
    return {repr(item)}


def _open(value: Any, name: str) -> str:
    """A scalar's literal with what varies by itself left open: shape for strings, name for integer ids."""
    if type(value) is str and len(value) >= 5:
        shape = shape_of(value)
        if shape is not None and (shape.strong or hint_of(name) is not None):
            return f"<{shape.kind}>"
    elif (type(value) is int or isinstance(value, Decimal)) and hint_of(name) is not None:
        return "<number>"
    return repr(value)
