"""Which item of one array is which item of the other.

By a key where the items have one (a field in all of them that tells them apart, learnt over the whole recording; or two
or three fields together), read through the renaming of identifiers; else by content with volatile values left open:
what both have in common in order first, then as multisets, so that a duplicate is never lost; else by likeness; else by
position. Order is judged apart. Positions alone are what makes one inserted row look like every row changed; content
alone is what makes two rows that swapped a status look like rows that swapped ids.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from operator import ne
from typing import Any

from diffing.contract.profile import Node
from diffing.place import Place
from diffing.values.names import Hint, hint_of
from diffing.walk.itemkeys import ItemKey, ItemKeys, opened, renamed, renaming
from diffing.walk.joining import Pairs, ambiguous, but_one, in_gaps, join
from diffing.walk.keys import Key, certain, combined_candidates, key_candidates
from diffing.walk.likeness import CAP, alike
from diffing.walk.sequences import common

EXAMINED = 2_000
"""Pairs looked at to tell whether a key is one."""

Spend = Callable[[int], None]
_LITERALS = 8
"""Literals looked at that cost as much as visiting one value."""


@dataclass(frozen=True, slots=True)
class Alignment:
    """Pairs of positions in order of the recorded one, and what found no partner."""

    pairs: tuple[tuple[int, int], ...]
    removed: tuple[int, ...] = ()
    added: tuple[int, ...] = ()
    key: str = ""  # the field or fields that named the items
    doubtful: frozenset[int] = frozenset()  # recorded positions paired for want of better: ids in them prove nothing
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

    @property
    def in_place(self) -> bool:
        """Whether every item stands where it stood."""
        return not self.removed and not self.added and all(one == other for one, other in self.pairs)


def align(
    left: list[Any],
    right: list[Any],
    names: tuple[str, ...],
    node: Node | None,
    place: Place,
    spend: Spend,
    *,
    ordered: bool = True,
) -> Alignment:
    """Align two unequal arrays. Not ``ordered``: position says nothing about what belongs together.

    ``spend`` counts the work and may raise. ``node`` is of the arrays' place.
    """
    if not left or not right:
        return Alignment((), tuple(range(len(left))), tuple(range(len(right))))
    return _Aligning(left, right, names, place, spend).align(node, ordered=ordered)


def by_position(left: list[Any], right: list[Any]) -> Alignment:
    """Align by position alone."""
    shared = min(len(left), len(right))
    pairs = tuple((at, at) for at in range(shared))
    doubtful = frozenset(range(shared)) if len(left) != len(right) else frozenset()
    return Alignment(pairs, tuple(range(shared, len(left))), tuple(range(shared, len(right))), doubtful=doubtful)


@dataclass(frozen=True, slots=True)
class _Aligning:
    """Two arrays being aligned."""

    left: list[Any]
    right: list[Any]
    names: tuple[str, ...]
    place: Place
    spend: Spend

    def align(self, node: Node | None, *, ordered: bool) -> Alignment:
        if all(type(item) is dict for item in self.left) and all(type(item) is dict for item in self.right):
            found = self._by_keys(node)
            if found is None:
                return self._by_content(ordered=ordered)
            if found.key and not certain(found.key) and self._unlike(found.pairs[:EXAMINED]) > 1:
                # Two items that swapped their names, or what merely looked like names.
                other = self._by_content(ordered=ordered)
                return other if self._differences(other) < self._differences(found) else found
            return found
        return self._by_content(ordered=ordered)

    # -- by key ---------------------------------------------------------------------------------------------------

    def _by_keys(self, node: Node | None) -> Alignment | None:
        for name in key_candidates(node, self.left):
            found = self._by_key((name,), 0.5)
            if found is not None and not (found.removed and found.added and self._by_chance(name, found)):
                return found
        for fields in combined_candidates(node, self.left):
            found = self._by_key(fields, 0.5)
            if found is not None:
                return found
        return None

    def _by_key(self, fields: Key, share: float) -> Alignment | None:
        self.spend((len(self.left) + len(self.right)) // _LITERALS)
        ours = self._key_values(fields, self.left, recorded=True)
        theirs = self._key_values(fields, self.right, recorded=False) if ours is not None else None
        if ours is None or theirs is None:
            return None
        shared = len(ours.keys() & theirs.keys())
        if not shared or shared < share * min(len(self.left), len(self.right)):
            return None
        pairs = sorted((at, theirs[key]) for key, at in ours.items() if key in theirs)
        removed = [at for key, at in ours.items() if key not in theirs]
        added = [at for key, at in theirs.items() if key not in ours]
        doubtful: frozenset[int] = frozenset()
        if removed and added and not (len(fields) == 1 and certain(fields[0])):
            # A title is a key as long as it stays; one that changed in an item that stayed is a changed title.
            more, removed, added = self._alike(removed, added, 0.5, opened)
            pairs = sorted((*pairs, *more))
            doubtful = self._elsewhere(more)
        return Alignment(tuple(pairs), tuple(removed), tuple(added), ", ".join(fields), doubtful)

    def _key_values(self, fields: Key, items: list[Any], *, recorded: bool) -> dict[Hashable, int] | None:
        """Key -> position, or None when a field is missing somewhere or they do not tell the items apart."""
        found: dict[Hashable, int] = {}
        known = recorded and not self.place.strict and bool(self.place.identity.forward)
        paths = [(*self.names, name) for name in fields]
        for at, item in enumerate(items):
            values = []
            for name, path in zip(fields, paths, strict=True):
                value = item.get(name)
                if type(value) is not str and type(value) is not int:
                    return None
                values.append(renamed(value, path, self.place) if known else repr(value))
            key: Hashable = values[0] if len(values) == 1 else tuple(values)
            if key in found:
                return None
            found[key] = at
        return found

    def _by_chance(self, name: str, found: Alignment) -> bool:
        """Whether numbers made anew merely overlap with the recorded ones: rows differ that agree by their content."""
        if hint_of(name) is not Hint.ID:
            return False
        sample = found.pairs[:: max(1, len(found.pairs) // 50)]
        keys = self._open_keys()
        agreeing = sum(keys.of(self.left[one]) == keys.of(self.right[other]) for one, other in sample)
        if 2 * agreeing >= len(sample) or any(type(self.left[one].get(name)) is not int for one, _ in sample):
            return False
        ours, theirs = ([keys.of(item) for item in side] for side in (self.left, self.right))
        pairs, _, _ = join(ours, theirs, range(len(ours)), range(len(theirs)))
        return len(set(ours)) > 1 and 5 * len(pairs) >= 4 * min(len(ours), len(theirs))

    def _unlike(self, pairs: Sequence[tuple[int, int]]) -> int:
        """How many pairs differ in more than one member."""
        return sum(count > 1 for count in self._unequal(pairs))

    def _differences(self, alignment: Alignment) -> int:
        """How much there is to be told about an alignment of objects."""
        gone = sum(len(self.left[at]) for at in alignment.removed) + sum(len(self.right[at]) for at in alignment.added)
        return gone + alignment.reordered + sum(self._unequal(alignment.pairs))

    def _unequal(self, pairs: Sequence[tuple[int, int]]) -> Iterator[int]:
        """For each pair the number of members in which it differs."""
        keys = ItemKeys(None, self.spend)
        renamed_keys = ItemKeys(renaming(self.names, self.place), self.spend)
        for one, other in pairs:
            mine, theirs = renamed_keys.of(self.left[one]), keys.of(self.right[other])
            if mine[0] == theirs[0]:
                yield sum(map(ne, mine, theirs))
            else:
                yield len({*mine} ^ {*theirs}) // 2

    # -- by content -----------------------------------------------------------------------------------------------

    def _by_content(self, *, ordered: bool) -> Alignment:
        """Equal once volatile values are renamed where the new one is known, then left open where it is not."""
        leaf = renaming(self.names, self.place)
        keys = ItemKeys(None, self.spend)
        theirs = [keys.of(item) for item in self.right]
        keys = ItemKeys(leaf, self.spend) if leaf is not None else keys
        ours = [keys.of(item) for item in self.left]
        anchors = common(ours, theirs) if ordered else []
        taken, used = {one for one, _ in anchors}, {other for _, other in anchors}
        over_left = [at for at in range(len(ours)) if at not in taken]
        over_right = [at for at in range(len(theirs)) if at not in used]
        pairs = list(anchors)
        moved, over_left, over_right = join(ours, theirs, over_left, over_right)
        pairs.extend(moved)
        if not over_left and not over_right:
            return Alignment(tuple(sorted(pairs)))
        scalar = not any(type(item) is dict or type(item) is list for item in (*self.left, *self.right))
        doubtful: frozenset[int] = frozenset()
        if over_left and over_right:
            if scalar:
                more, over_left, over_right = in_gaps(anchors, over_left, over_right)
                doubtful = self._elsewhere(more) if over_left or over_right or not ordered else doubtful
            else:
                more, over_left, over_right, doubtful = self._rest(ours, theirs, over_left, over_right)
            pairs.extend(more)
        kept, there = {ours[one] for one, _ in pairs}, {theirs[other] for _, other in pairs}
        if scalar:
            multiplicity = set(ours) == set(theirs)
        else:
            multiplicity = all(ours[at] in kept for at in over_left) and all(theirs[at] in there for at in over_right)
        return Alignment(
            tuple(sorted(pairs)),
            tuple(over_left),
            tuple(over_right),
            doubtful=doubtful,
            multiplicity=multiplicity and bool(over_left or over_right),
        )

    def _rest(
        self, ours: list[ItemKey], theirs: list[ItemKey], over_left: list[int], over_right: list[int]
    ) -> tuple[Pairs, list[int], list[int], frozenset[int]]:
        """Items that are not equal to any: one member apart, then equal but for what varies, then alike."""
        self.spend((len(over_left) + len(over_right)) * 2)
        pairs, doubtful = but_one(
            {at: ours[at] for at in over_left if _wide(self.left[at])},
            {at: theirs[at] for at in over_right if _wide(self.right[at])},
            _names_another,
        )
        taken, used = {one for one, _ in pairs}, {other for _, other in pairs}
        over_left = [at for at in over_left if at not in taken]
        over_right = [at for at in over_right if at not in used]
        keys = self._open_keys()
        open_left = {at: keys.of(self.left[at]) for at in over_left}
        open_right = {at: keys.of(self.right[at]) for at in over_right}
        doubtful |= ambiguous(open_left, open_right, over_left, over_right)
        more, over_left, over_right = join(open_left, open_right, over_left, over_right)
        if len(pairs) > len(more):  # where most kept their ids, those that seem to have others are hardly the same
            doubtful |= {one for one, _ in more}
        if over_left and over_right:
            self.spend((len(over_left) + len(over_right)) * 2)
            even = len(self.left) == len(self.right)
            if self._surplus(ours, theirs, over_left, over_right):
                guess = self._alike(over_left, over_right, 0.8, None)
            else:
                guess = self._alike(over_left, over_right, 0.0 if even else 0.3, opened)
            guessed, over_left, over_right = guess
            doubtful |= {one for one, _ in guessed}
            more += guessed
        pairs += more
        return pairs, over_left, over_right, doubtful & self._elsewhere(pairs)

    def _surplus(self, ours: list[ItemKey], theirs: list[ItemKey], over_left: list[int], over_right: list[int]) -> bool:
        """Whether some stand there twice, or once more than they did: they are hardly what others have become."""
        if len(over_left) > CAP or len(over_right) > CAP:
            return False  # of many some look alike by chance
        here, there = Counter(ours), Counter(theirs)
        return any(_wide(self.left[at]) and here[ours[at]] + there[ours[at]] > 1 for at in over_left) or any(
            _wide(self.right[at]) and here[theirs[at]] + there[theirs[at]] > 1 for at in over_right
        )

    def _elsewhere(self, pairs: Pairs) -> frozenset[int]:
        """Those of ``pairs`` that not even their position speaks for, where most stand in place."""
        in_place = sum(one == other for one, other in pairs) if len(self.left) == len(self.right) else 0
        return frozenset(one for one, other in pairs if one != other or 2 * in_place < len(pairs))

    def _open_keys(self) -> ItemKeys:
        return ItemKeys(opened, self.spend, self.names[-1] if self.names else "")

    def _alike(
        self, over_left: list[int], over_right: list[int], least: float, leaf: Callable[[Any, str], str] | None
    ) -> tuple[Pairs, list[int], list[int]]:
        return alike(self.left, self.right, over_left, over_right, ItemKeys(leaf, self.spend).of, least)


def _wide(item: Any) -> bool:
    """Whether an item without one of its members still says which it is."""
    return type(item) is dict and len(item) > 2


def _names_another(name: str) -> bool:
    """Whether two items hardly swapped what stands under ``name``: rather the status of two rows than their ids."""
    return hint_of(name) in (Hint.ID, Hint.REFERENCE)
