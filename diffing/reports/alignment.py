"""Two bodies as one list of aligned lines, the way people read a difference.

JSON is walked as a tree: members meet by name, array items as the comparison paired them. Where it did not look (a rule
stood for the whole, or its trace was not kept) they meet by an identifying member or by likeness, so a member added at
the top does not shift everything below it. Text is aligned by lines.
The page only draws these rows: what counts as a difference is decided here, never in the browser.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from enum import StrEnum
from itertools import groupby
from typing import Any

from captures.jsonpaths import Place, normalised
from captures.visible import visible
from diffing.reports.decided import NOTHING, Decided, Pairs
from diffing.reports.sequence import rising
from diffing.reports.text import clip, clip_pair
from diffing.reports.values import dump, same

DEPTH = 60  # levels drawn as a tree; what is deeper stands on one line
LINE = 400  # characters of one line
KEYS = ("id", "uuid", "key", "sku", "code", "name", "slug", "ref")  # tried first as an item's identity
PRODUCT = 250_000  # most pairs of items or lines to look at for likeness


class Mark(StrEnum):
    """What a row says. One letter: there are many rows in a page."""

    SAME = "="
    CHANGED = "~"
    REMOVED = "-"
    ADDED = "+"
    RULE = "r"  # differs, and a rule accepts it
    MOVED = "m"  # stands elsewhere on the other side; ``note`` says where
    FOLD = "f"  # a run of equal lines left out of the page; ``left`` is how many


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the side-by-side view."""

    mark: Mark
    indent: int
    left: str | None  # None: nothing on this side
    right: str | None
    path: str = ""  # of what differs ("$.items[2].price"); empty for equal rows
    note: str = ""  # "was item 3"

    def packed(self) -> list[Any]:
        """As a short JSON list; equal rows carry their text once."""
        if self.mark is Mark.FOLD:
            return [self.mark.value, self.left]
        if self.mark is Mark.SAME:
            return [self.mark.value, self.indent, self.left]
        return [self.mark.value, self.indent, self.left, self.right, self.path, self.note]


Accepted = Callable[[Place, Place], bool]
"""Given the place on both sides of a difference: whether rules accepted it (no finding stands there)."""


def never(_left: Place, _right: Place) -> bool:
    """No rule accepted anything."""
    return False


def align_json(left: Any, right: Any, accepted: Accepted = never, decided: Decided = NOTHING) -> list[Row]:
    """Rows for two JSON documents. ``decided``: what the comparison took for what, and why it let values pass."""
    return list(_Drawing(accepted, decided).align(left, right, (), (), 0, ""))


@dataclass(frozen=True, slots=True)
class _Drawing:
    """Two documents being drawn, as ``decided``."""

    accepted: Accepted
    decided: Decided

    def align(
        self, left: Any, right: Any, at: Place, at_right: Place, indent: int, label: str, note: str = ""
    ) -> Iterator[Row]:
        if same(left, right):
            yield from _lines(left, Mark.SAME, indent, label, at, note)
        elif indent >= DEPTH:
            yield self._changed(left, right, at, at_right, indent, label)
        elif isinstance(left, Mapping) and isinstance(right, Mapping):
            yield _opening(indent, label + "{", note)
            for key in _merged(list(left), list(right)):
                name = _name(key)
                here, there = (*at, key), (*at_right, key)
                if key not in right:
                    yield from self._one_sided(left[key], Mark.REMOVED, indent + 1, name, here, here)
                elif key not in left:
                    yield from self._one_sided(right[key], Mark.ADDED, indent + 1, name, there, there)
                else:
                    yield from self.align(left[key], right[key], here, there, indent + 1, name)
            yield Row(Mark.SAME, indent, "}", "}")
        elif isinstance(left, list | tuple) and isinstance(right, list | tuple):
            yield _opening(indent, label + "[", note)
            yield from self._items(left, right, at, at_right, indent + 1)
            yield Row(Mark.SAME, indent, "]", "]")
        elif _is_tree(left) or _is_tree(right):
            yield from self._one_sided(left, Mark.REMOVED, indent, label, at, at_right)
            yield from self._one_sided(right, Mark.ADDED, indent, label, at_right, at)
        else:
            yield self._changed(left, right, at, at_right, indent, label, note)

    def _items(
        self, left: Sequence[Any], right: Sequence[Any], at: Place, at_right: Place, indent: int
    ) -> Iterator[Row]:
        known = self.decided.pairs.get(at)
        fits = known is not None and all(one < len(left) and other < len(right) for one, other in known)
        pairs = in_reading_order(known or (), len(left), len(right)) if fits else pair_items(left, right)
        both = [(one, other) for one, other in pairs if one is not None and other is not None]
        stayed = {both[index] for index in rising([other for _, other in both])}
        for one, other in pairs:
            if other is None and one is not None:
                here = (*at, one)
                yield from self._one_sided(left[one], Mark.REMOVED, indent, "", here, here)
            elif one is None and other is not None:
                there = (*at_right, other)
                yield from self._one_sided(right[other], Mark.ADDED, indent, "", there, there)
            elif one is not None and other is not None:
                moved = (
                    "" if one == other or (one, other) in stayed else f"moved: was item {one + 1}, is item {other + 1}"
                )
                here, there = (*at, one), (*at_right, other)
                yield from self.align(left[one], right[other], here, there, indent, "", moved)

    def _changed(
        self, left: Any, right: Any, at: Place, at_right: Place, indent: int, label: str, note: str = ""
    ) -> Row:
        one, other = clip_pair(dump(left, ascii_only=False), dump(right, ascii_only=False), LINE)
        by_rule = self.accepted(at, at_right)
        path = normalised(at)
        said = "; ".join(part for part in (note, self.decided.words.get(path, "") if by_rule else "") if part)
        mark = Mark.RULE if by_rule else Mark.CHANGED
        return Row(mark, indent, label + visible(one), label + visible(other), visible(path), said)

    def _one_sided(self, value: Any, mark: Mark, indent: int, label: str, at: Place, other_at: Place) -> Iterator[Row]:
        by_rule = self.accepted(at, other_at)
        removed = mark is Mark.REMOVED
        elsewhere = (self.decided.went if removed else self.decided.came).get(at)
        note = self.decided.words.get(normalised(at), "") if by_rule else ""
        if elsewhere is not None:
            note = visible(f"moved {'to' if removed else 'from'} {normalised(elsewhere)}")
        for position, row in enumerate(_lines(value, mark, indent, label, at)):
            shown = replace(row, note=note) if position == 0 else row
            yield replace(shown, mark=Mark.RULE) if by_rule and elsewhere is None else shown


def in_reading_order(pairs: Pairs, left: int, right: int) -> list[tuple[int | None, int | None]]:
    """The ``pairs`` of two arrays of ``left`` and ``right`` items with what has no partner: recorded order, each added
    item after the one it follows."""
    partner, used = dict(pairs), {other for _, other in pairs}
    following: dict[int, list[int]] = {}
    anchor = -1
    for other in range(right):
        if other in used:
            anchor = other
        else:
            following.setdefault(anchor, []).append(other)
    rows: list[tuple[int | None, int | None]] = [(None, other) for other in following.get(-1, ())]
    for one in range(left):
        met = partner.get(one)
        rows.append((one, met))
        rows += [(None, other) for other in following.get(met, ())] if met is not None else []
    return rows


def _opening(indent: int, text: str, note: str) -> Row:
    return Row(Mark.MOVED if note else Mark.SAME, indent, text, text, note=note)


def _name(key: Any) -> str:
    return visible(dump(str(key), ascii_only=False)) + ": "


def _lines(value: Any, mark: Mark, indent: int, label: str, at: Place, note: str = "") -> Iterator[Row]:
    """Every line of a document that stands on one side only, or is equal on both. ``note`` is of the first line."""
    where = "" if mark is Mark.SAME else visible(normalised(at))

    def row(depth: int, text: str, note: str = "") -> Row:
        left = None if mark is Mark.ADDED else text
        right = None if mark is Mark.REMOVED else text
        shown = Mark.MOVED if note and mark is Mark.SAME else mark
        return Row(shown, depth, left, right, where, note)

    if not _is_tree(value) or not value or indent >= DEPTH:
        yield row(indent, label + clip(visible(dump(value, ascii_only=False)), LINE), note)
        return
    opening, closing = "{}" if isinstance(value, Mapping) else "[]"
    yield row(indent, label + opening, note)
    children = (
        [(_name(key), child) for key, child in value.items()]
        if isinstance(value, Mapping)
        else [("", child) for child in value]
    )
    for name, child in children:
        yield from _lines(child, mark, indent + 1, name, at)
    yield row(indent, closing)


def _is_tree(value: Any) -> bool:
    return isinstance(value, dict | list | tuple | Mapping)


def _merged(left: Sequence[Any], right: Sequence[Any]) -> list[Any]:
    """The names of both sides: recorded order, each new name after the one it follows."""
    known = set(left)
    following: dict[Any, list[Any]] = {}
    anchor: Any = None
    for name in right:
        if name in known:
            anchor = name
        else:
            following.setdefault(anchor, []).append(name)
    names = [*following.get(None, [])]
    for name in left:
        names += [name, *following.get(name, [])]
    return names


def pair_items(left: Sequence[Any], right: Sequence[Any]) -> list[tuple[int | None, int | None]]:
    """Which item of ``left`` meets which of ``right``, as indices, in reading order."""
    key = _identity(left, right)
    if key is not None:
        there = {dump(item[key]): index for index, item in enumerate(right)}
        here = [dump(item[key]) for item in left]
        names = _merged(here, list(there))
        where = {name: index for index, name in enumerate(here)}
        return [(where.get(name), there.get(name)) for name in names]
    if len(left) * len(right) > PRODUCT:
        length = max(len(left), len(right))
        return [(i if i < len(left) else None, i if i < len(right) else None) for i in range(length)]
    return _alike([dump(item) for item in left], [dump(item) for item in right])


def _identity(left: Sequence[Any], right: Sequence[Any]) -> str | None:
    """A member whose scalar value tells the items of both sides apart, and mostly is on both."""
    if not left or not right or not all(isinstance(item, Mapping) for item in (*left, *right)):
        return None
    shared = [name for name in left[0] if all(name in item and not _is_tree(item[name]) for item in (*left, *right))]
    for name in sorted(shared, key=lambda name: KEYS.index(name) if name in KEYS else len(KEYS)):
        here, there = [dump(item[name]) for item in left], [dump(item[name]) for item in right]
        common = set(here) & set(there)
        unique = len(set(here)) == len(here) and len(set(there)) == len(there)
        if unique and 2 * len(common) >= min(len(here), len(there)):
            return str(name)
    return None


def _alike(left: Sequence[str], right: Sequence[str]) -> list[tuple[int | None, int | None]]:
    pairs: list[tuple[int | None, int | None]] = []
    for _, a, a_end, b, b_end in SequenceMatcher(None, left, right, autojunk=False).get_opcodes():
        for offset in range(max(a_end - a, b_end - b)):
            one, other = a + offset, b + offset
            pairs.append((one if one < a_end else None, other if other < b_end else None))
    return pairs


def align_text(left: str, right: str, *, accepted: bool = False) -> list[Row]:
    """Rows for two texts, line by line. ``accepted``: a rule accepts that they differ."""
    one, other = left.splitlines(), right.splitlines()
    if len(one) * len(other) > PRODUCT:
        head = next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
        pairs: list[tuple[int | None, int | None]] = [
            (i if i < len(one) else None, i if i < len(other) else None) for i in range(max(len(one), len(other)))
        ]
        if len(one) != len(other):  # a line more: everything below it would look changed
            pairs = [(i, i) for i in range(head)]
            pairs += [(i, None) for i in range(head, len(one))] + [(None, i) for i in range(head, len(other))]
    else:
        pairs = _alike(one, other)
    rows = []
    for a, b in pairs:
        before, after = (None if a is None else one[a]), (None if b is None else other[b])
        if before is not None and after is not None:
            shown_left, shown_right = clip_pair(before, after, LINE)
            mark = Mark.SAME if before == after else Mark.CHANGED
            rows.append(Row(mark, 0, visible(shown_left), visible(shown_right)))
        elif before is not None:
            rows.append(Row(Mark.REMOVED, 0, visible(clip(before, LINE)), None))
        elif after is not None:
            rows.append(Row(Mark.ADDED, 0, None, visible(clip(after, LINE))))
    if accepted:
        rows = [row if row.mark is Mark.SAME else replace(row, mark=Mark.RULE) for row in rows]
    return rows


def folded(rows: Sequence[Row], *, most: int, context: int = 3) -> tuple[list[Row], int]:
    """At most ``most`` rows, and how many differing rows fell off the end.

    Runs of equal rows give way first, all but ``context`` of them beside each difference.
    """
    if len(rows) <= most:
        return list(rows), 0
    kept: list[Row] = []
    runs = [(equal, list(run)) for equal, run in groupby(rows, key=lambda row: row.mark is Mark.SAME)]
    for position, (equal, run) in enumerate(runs):
        before = 0 if position == 0 else context
        after = 0 if position == len(runs) - 1 else context
        if equal and len(run) > before + after + 1:
            kept += run[:before]
            kept.append(Row(Mark.FOLD, 0, str(len(run) - before - after), None))
            kept += run[len(run) - after :]
        else:
            kept += run
    lost = sum(row.mark not in (Mark.SAME, Mark.FOLD, Mark.MOVED) for row in kept[most:])
    return kept[:most], lost
