"""Two profiles made one: a recording may be cut into shards and learnt on many machines.

Counts, ranges, samples of values, kinds, keys and relations merge into just what one pass over both gives, whichever
comes first. Up to limits that only large recordings meet: which places are remembered beyond
:data:`contract.profile.NODES`, and of orders, sortings and movements what hangs on which answer followed which (two
answers to one request in two shards are compared by the last of the one and the last of the other).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from diffing.walk.orders import REMEMBERED

if TYPE_CHECKING:
    from diffing.contract.profile import Node, Profile
    from diffing.values.movement import Moves
    from diffing.values.relations import Relations
    from diffing.walk.sorting import Sorts

REQUESTS = 3
"""Different requests remembered per place: more prove nothing more."""


def ask(node: Node, request: int) -> None:
    """Remember ``request`` if it is among the smallest."""
    requests = node.requests
    requests.add(request)
    if len(requests) > REQUESTS:
        requests.remove(max(requests))
    if len(requests) == REQUESTS:
        node.bar = max(requests)


def merge_profiles(one: Profile, other: Profile) -> None:
    """Count all that ``other`` counted into ``one``. ``other`` is used up."""
    for key, root in other.trees.items():
        known = one.trees.get(key)
        if known is None:
            one.trees[key] = root
            one.nodes += _size(root) - 1
        else:
            one.nodes += _merge(known, root)
    for scope, names in other.headers.items():
        _sum(one.headers.setdefault(scope, {}), names)
    _sum(one.samples, other.samples)
    _sum(one.endpoints, other.endpoints)
    _sum(one.writes.counts, other.writes.counts)


def _merge(one: Node, other: Node) -> int:
    """Merge two trees; how many places the one has gained."""
    gained = 0
    stack = [(one, other)]
    while stack:
        ours, theirs = stack.pop()
        _scalars(ours, theirs)
        _arrays(ours, theirs)
        _objects(ours, theirs)
        for name, child in theirs.children.items():
            known = ours.children.get(name)
            if known is None:
                ours.children[name] = child
                gained += _size(child)
            else:
                stack.append((known, child))
        if theirs.items is not None:
            if ours.items is None:
                ours.items = theirs.items
                gained += _size(theirs.items)
            else:
                stack.append((ours.items, theirs.items))
    return gained


def _scalars(one: Node, other: Node) -> None:
    one.seen += other.seen
    one.nulls += other.nulls
    one.fractions += other.fractions
    _sum(one.types, other.types)
    one.low, one.high = min(one.low, other.low), max(one.high, other.high)
    one.shortest, one.longest = min(one.shortest, other.shortest), max(one.longest, other.longest)
    one.values.merge(other.values)
    for request in other.requests:
        ask(one, request)
    one.facets |= other.facets
    one.moves = _moves(one.moves, other.moves)
    one.stayed += other.stayed
    one.moved += other.moved


def _arrays(one: Node, other: Node) -> None:
    if one.most == other.most:
        one.filled += other.filled
    elif one.most < other.most:
        one.most, one.filled = other.most, other.filled
    one.fewest = min(one.fewest, other.fewest)
    one.unkeyed |= other.unkeyed
    one.keyed = (one.keyed | other.keyed) - one.unkeyed
    one.uncombined |= other.uncombined
    one.unordered = one.unordered or other.unordered
    for multiset, order in (other.orders or {}).items():
        one.orders = one.orders if one.orders is not None else {}
        if one.orders.get(multiset, order) != order:
            one.unordered = True
        elif len(one.orders) < REMEMBERED:
            one.orders[multiset] = order
    if one.unordered:
        one.orders = None
    one.sorts = _sorts(one.sorts, other.sorts)


def _objects(one: Node, other: Node) -> None:
    one.objects += other.objects
    one.updates += other.updates
    one.updates_apart += other.updates_apart
    one.mapped = (-1, False)
    for name, variants in other.variants.items():
        if name in one.variants:
            one.variants[name].merge(variants)
        else:
            one.variants[name] = variants
    one.relations = _relations(one.relations, other.relations)


def _moves(one: Moves | None, other: Moves | None) -> Moves | None:
    if one is None or other is None:
        return one or other
    one.moved += other.moved
    one.stayed += other.stayed
    for request, value in other.last.items():
        one.note(request, value)
    return one


def _sorts(one: Sorts | None, other: Sorts | None) -> Sorts | None:
    if one is None or other is None:
        return one or other
    one.bits = {sorting: bits for sorting, bits in one.bits.items() if sorting in other.bits}
    for mark, bits in other.seen.items():
        if mark not in one.seen and mark[0] in one.bits:  # the same sample twice proves what it does once
            one.seen[mark] = bits
            one.bits[mark[0]] += bits
    one.samples += other.samples
    one.longest = max(one.longest, other.longest)
    return one


def _relations(one: Relations | None, other: Relations | None) -> Relations | None:
    if one is None or other is None:
        return one or other
    for pair, theirs in other.offsets.items():
        ours = one.offsets.setdefault(pair, theirs)
        if ours is not theirs:
            ours.seen += theirs.seen
            ours.least, ours.most = min(ours.least, theirs.least), max(ours.most, theirs.most)
    for pair, (samples, equal, lengths) in other.counts.items():
        counts = one.counts.setdefault(pair, [0, 0, 1])
        counts[0] += samples
        counts[1] += equal
        if lengths > 1 or one.lengths.setdefault(pair, other.lengths[pair]) != other.lengths[pair]:
            counts[2] = 2
    return one


def _sum(one: dict[str, int], other: dict[str, int]) -> None:
    for name, count in other.items():
        one[name] = one.get(name, 0) + count


def _size(root: Node) -> int:
    size, stack = 0, [root]
    while stack:
        node = stack.pop()
        size += 1
        stack.extend(node.children.values())
        if node.items is not None:
            stack.append(node.items)
    return size
