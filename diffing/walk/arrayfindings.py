"""What two aligned arrays come to: items gone and new, items more or less often, an order that changed or was lost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from diffing.contract.refining import recount
from diffing.model import ABSENT
from diffing.place import Accepted
from diffing.values.scalars import judge
from diffing.walk import trails
from diffing.walk.arrays import Alignment
from diffing.walk.sorting import fresh_order_lost, order_lost, sorted_by_volatile
from diffing.walk.trails import Link, after

if TYPE_CHECKING:
    from diffing.contract.profile import Node
    from diffing.walk.jsonwalk import JsonComparison


def array_findings(
    walk: JsonComparison,
    left: list[Any],
    right: list[Any],
    alignment: Alignment,
    link: Link | None,
    node: Node | None,
    unordered: str,
) -> None:
    """Note the findings about the array itself. ``unordered``: the rule by which its order means nothing, or "" ."""
    whose = f", aligned by {alignment.key}" if alignment.key else ""
    if alignment.multiplicity and (alignment.removed or alignment.added):
        walk.find("array-multiplicity", link, left, right, f"{len(left)} items, now {len(right)}", node)
    else:
        if alignment.removed:
            at = alignment.removed[0]
            evidence = f"{len(alignment.removed)} of {len(left)} items{whose}"
            change = "array-item-removed"
            if not walk.place.strict:
                change, evidence = recount(change, left, right, node, evidence)
            walk.find(change, after(link, at, None), left[at], ABSENT, evidence)
        if alignment.added:
            at = alignment.added[0]
            evidence = f"{len(alignment.added)} items beside {len(left)} recorded{whose}"
            change = "array-item-added"
            if not walk.place.strict:
                change, evidence = recount(change, left, right, node, evidence)
            walk.find(change, after(link, None, at), ABSENT, right[at], evidence)
    if not alignment.reordered and not alignment.added:
        if not unordered and not walk.place.strict:
            _fresh_order(walk, left, right, link, node)
        return  # values may have changed that the array is sorted by: that is said of them
    if alignment.reordered and not walk.place.strict and sorted_by_volatile(left, right, alignment.pairs):
        walk.accept(("volatile.sort-key",), link, left, right)
    elif alignment.reordered and unordered:
        walk.accept((unordered,), link, left, right)
    elif not unordered and (lost := order_lost(node, left, right)):
        walk.find("order-lost", link, left, right, lost, node)
    elif alignment.reordered:
        walk.find("array-order", link, left, right, f"{len(alignment.pairs)} items{whose}", node)


def _fresh_order(walk: JsonComparison, left: list[Any], right: list[Any], link: Link | None, node: Node | None) -> None:
    """Find an order lost among values made anew, each of which would pass alone."""
    name, lost = fresh_order_lost(node, left, right)
    if not lost:
        return
    names = (*trails.names(link), name) if name else trails.names(link)
    below = node.items if node is not None else None
    below = below.child(name) if below is not None and name else below
    pairs = ((one[name], other[name]) if name else (one, other) for one, other in zip(left, right, strict=False))
    if all(isinstance(judge(one, other, names, below, walk.place), Accepted) for one, other in pairs):
        walk.find("order-lost", link, left, right, lost, node)


def item_changes(
    walk: JsonComparison, left: list[Any], right: list[Any], alignment: Alignment, link: Link | None
) -> None:
    """Note the exact difference of the arrays: which items were kept and where they stand now, and the rest."""
    walk.change("arrange", link, left, right, alignment.pairs)
    for at in alignment.removed:
        walk.change("remove", after(link, at, None), left[at], ABSENT)
    for at in alignment.added:
        walk.change("add", after(link, None, at), ABSENT, right[at])
