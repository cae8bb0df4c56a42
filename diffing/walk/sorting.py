"""Arrays that are sorted: by which member every recorded one is, and whether the replayed one still is.

An order that every sample keeps is a promise clients page, merge and search by. It takes evidence: each different
sample of n distinct values would be sorted by chance once in n!, and the product over the samples has to be small.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import islice, pairwise
from math import lgamma, log
from operator import ge, itemgetter, le
from typing import TYPE_CHECKING, Any

from diffing.values import moments
from diffing.values.names import hint_of
from diffing.walk.checksums import checksum

if TYPE_CHECKING:
    from diffing.contract.profile import Node

FEWEST = 3  # items: shorter arrays say nothing
ALONE = 8  # distinct values of a single sample that is evidence by itself
BITS = 7.5  # -log2 of the chance that all samples are sorted without being meant to: three arrays of three
REMEMBERED = 64  # samples told apart

Sorting = tuple[str, str, int]
"""(member, or "" for the items themselves; "number", "text", "folded" or "moment"; 1 ascending, -1 descending)"""

Lost = tuple[str, str]
"""(member, in words by what and how it was sorted), or ("", "")."""


@dataclass(slots=True)
class Sorts:
    """By what every recorded array of one place is sorted, and how much that proves."""

    bits: dict[Sorting, float] = field(default_factory=dict)
    samples: int = 0  # arrays long enough
    seen: dict[tuple[Sorting, int], float] = field(default_factory=dict)  # bits of each different sample
    longest: int = 0


def learn_sorting(node: Node, items: list[Any]) -> None:
    """Count one recorded array."""
    if len(items) < FEWEST:
        return
    known = node.sorts
    if known is not None and not known.bits and known.samples:
        return  # some sample was sorted by nothing
    if known is None:
        known = node.sorts = Sorts()
        known.bits = {(name, form, way): 0.0 for name in _members(items) for form, way in _ways(items, name)}
    else:
        for sorting in [sorting for sorting in known.bits if not _holds(items, sorting)]:
            del known.bits[sorting]
    known.samples += 1
    for sorting in known.bits:
        if len(known.seen) >= REMEMBERED:
            break
        values = _column(items, sorting[0]) or []
        mark = sorting, checksum(values)
        if mark in known.seen:
            continue
        distinct = len(set(values))
        known.longest = max(known.longest, distinct)
        known.seen[mark] = lgamma(distinct + 1) / log(2)
        known.bits[sorting] += known.seen[mark]


def order_lost(node: Node | None, recorded: list[Any], replayed: list[Any]) -> str:
    """By what the array was sorted in every sample and no longer is, in words; "" when nothing was lost."""
    return _lost(node, recorded, replayed)[1]


def fresh_order_lost(node: Node | None, recorded: list[Any], replayed: list[Any]) -> Lost:
    """The same where every value of the member is another one: items that were all made anew pair by position."""
    name, said = _lost(node, recorded, replayed)
    ours, theirs = (_column(items, name) or [] for items in (recorded, replayed))
    return (name, said) if said and set(ours).isdisjoint(theirs) else ("", "")


def _lost(node: Node | None, recorded: list[Any], replayed: list[Any]) -> Lost:
    known = node.sorts if node is not None else None
    if known is None:
        return "", ""
    proved = [
        sorting
        for sorting, bits in known.bits.items()
        if bits >= BITS and (known.samples > 1 or known.longest >= ALONE) and _holds(recorded, sorting)
    ]
    told = [(sorting, _holds(replayed, sorting)) for sorting in proved if _column(replayed, sorting[0]) is not None]
    if not told or any(holds for _, holds in told):
        return "", ""  # of several that always went together, one is still kept
    name, form, way = min((sorting for sorting, _ in told), key=lambda one: (_rank(one[0]), one[1] == "folded", one))
    what = f"by {name}" if name else "by value"
    folded = ", case aside" if form == "folded" else ""
    direction = "ascending" if way > 0 else "descending"
    return name, f"sorted {what} ({direction}{folded}) in {known.samples}/{known.samples} recorded samples"


def sorted_by_volatile(left: list[Any], right: list[Any], pairs: Sequence[tuple[int, int]]) -> bool:
    """Whether both sides are sorted, the same way, by a field whose values were made anew: then order must differ."""
    if not pairs:
        return False
    old_items = [left[one] for one, _ in pairs]
    new_items = [right[other] for other in sorted(other for _, other in pairs)]
    if all(type(item) is str for item in (*old_items, *new_items)):
        return _made_anew_alike(old_items, new_items)
    if not all(type(item) is dict for item in (*old_items, *new_items)):
        return False
    for name, value in old_items[0].items():
        if type(value) is not str or hint_of(name) is None:
            continue
        old, new = [item.get(name) for item in old_items], [item.get(name) for item in new_items]
        if all(type(item) is str for item in (*old, *new)) and _made_anew_alike(old, new):
            return True
    return False


def _made_anew_alike(old: list[Any], new: list[Any]) -> bool:
    return set(old).isdisjoint(new) and bool(_direction(old)) and _direction(old) == _direction(new)


def _direction(values: list[str]) -> int:
    """1: ascending, -1: descending, 0: neither."""
    if all(one <= other for one, other in pairwise(values)):
        return 1
    return -1 if all(one >= other for one, other in pairwise(values)) else 0


def _rank(name: str) -> tuple[int, int]:
    return (0 if hint_of(name) is not None or name in ("name", "title", "position", "rank", "") else 1), len(name)


def _members(items: list[Any]) -> list[str]:
    if type(items[0]) is dict:
        return [name for name, value in items[0].items() if type(value) is str or _is_number(value)]
    return [""]


def _column(items: list[Any], name: str) -> list[Any] | None:
    """What the items are sorted by: all texts or all numbers, else None."""
    if name:
        if set(map(type, items)) != _OBJECTS:
            return None
        try:
            values = list(map(itemgetter(name), items))
        except KeyError:
            return None
    else:
        values = items
    kinds = set(map(type, values))
    if kinds == {str}:
        return values
    return values if all(kind is int or issubclass(kind, Decimal) for kind in kinds) and _finite(values) else None


_OBJECTS = {dict}


def _finite(values: list[Any]) -> bool:
    return all(type(value) is int or value.is_finite() for value in values)


def _is_number(value: Any) -> bool:
    return type(value) is int or isinstance(value, Decimal)


def _ways(items: list[Any], name: str) -> list[tuple[str, int]]:
    values = _column(items, name)
    if values is None or all(value == values[0] for value in values):
        # What never differs may still be sorted by elsewhere: it is kept, and proves nothing.
        return [] if values is None else [(form, way) for form in _forms(values) for way in (1, -1)]
    return [(form, way) for form in _forms(values) for way in (1, -1) if _is_sorted(values, form, way)]


def _forms(values: list[Any]) -> tuple[str, ...]:
    if type(values[0]) is not str:
        return ("number",)
    return ("moment",) if moments.read(values[0]) else ("text", "folded")


def _holds(items: list[Any], sorting: Sorting) -> bool:
    values = _column(items, sorting[0])
    return values is not None and _is_sorted(values, sorting[1], sorting[2])


def _is_sorted(values: list[Any], form: str, way: int) -> bool:
    if (type(values[0]) is str) is (form == "number"):
        return False
    if form == "folded":
        values = [value.casefold() for value in values]
    elif form == "moment" and not _written_alike(values):
        read = [moments.read(value) for value in values]
        if None in read:
            return False
        values = [moment.seconds for moment in read if moment is not None]
    elif form == "number":
        values = [value if type(value) is int else Decimal(value) for value in values]
    return _in_order(values, way)


def _written_alike(values: list[Any]) -> bool:
    """Whether moments are of one length and zone: then they sort as they are written."""
    return len({(len(value), value[-1:] if value.endswith("Z") else value[-6:]) for value in values}) == 1


def _in_order(values: list[Any], way: int) -> bool:
    return all(map(le if way > 0 else ge, values, islice(values, 1, None)))
