"""What the whole recording says about each place: how often a field is there, of which types, with which values.

One tree per (endpoint, status, part), grown while streaming over the recording, of a size that depends on the shapes
of the bodies and not on their number. It is what lets a finding say "412/412 recorded samples", tells a required
field from an optional one, and a value that varies by itself from one that does not.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field
from math import inf
from typing import Any

from diffing.contract.columns import CONTAINERS, FEWEST, count_scalars, same_names
from diffing.contract.merging import ask, merge_profiles
from diffing.contract.sketch import LONG, SCANT, Sketch, brief
from diffing.contract.variants import Variants, learn_variants
from diffing.values.layouts import Layout, layout_of
from diffing.values.layouts import generated_name as generated_name  # for all who know places by this module
from diffing.values.movement import Became, Moves, learn_moves
from diffing.values.relations import Relations, learn_relations
from diffing.values.updates import is_update, learn_update
from diffing.walk.checksums import checksum
from diffing.walk.keys import learn_keys
from diffing.walk.orders import Writes, learn_orders
from diffing.walk.sorting import Sorts, learn_sorting

NODES = 200_000
"""Places remembered in all. Beyond it new ones have no evidence."""

FULL = 10_000
"""Places with the full sample of their values; those first met beyond keep :data:`diffing.contract.sketch.SCANT`."""

_TRUE, _FALSE = (True,), (False,)  # as values: True itself equals 1


@dataclass(slots=True)
class Node:
    """One generalised place of a JSON document."""

    seen: int = 0
    objects: int = 0  # how often an object stood here: the samples its fields are counted against
    nulls: int = 0
    types: dict[str, int] = field(default_factory=dict)  # of scalars and arrays, one type for all numbers
    fractions: int = 0  # numbers written with a fraction or an exponent
    low: float = inf  # of numbers; an int where that is what was written
    high: float = -inf
    shortest: float = inf  # strings, in characters
    longest: int = -1
    fewest: float = inf  # arrays, in items
    most: int = -1
    filled: int = 0  # arrays with exactly ``most`` items
    values: Sketch = field(default_factory=Sketch)  # scalars other than null
    requests: set[int] = field(default_factory=set)  # a few of those answered, the smallest
    bar: float = inf  # the largest of them, once there are enough
    variants: dict[str, Variants] = field(default_factory=dict)  # by the field that tells kinds of objects apart
    children: dict[str, Node] = field(default_factory=dict)
    items: Node | None = None  # of arrays, and of members with generated names
    facets: set[tuple[object, ...]] = field(default_factory=set)  # of shapes, as recorded
    keyed: set[str] = field(default_factory=set)  # fields that told this array's items apart so far
    unkeyed: set[str] = field(default_factory=set)  # fields that once did not
    orders: dict[int, int] | None = None  # of an array: multiset of items -> the order it had (hashes)
    updates: int = 0  # objects here that say when they were created and when updated
    updates_apart: int = 0  # those of them that were updated later
    moves: Moves | None = None  # of a scalar: whether it differed between answers to one request
    relations: Relations | None = None  # of an object: what holds between its members in every sample
    uncombined: set[tuple[str, ...]] = field(default_factory=set)  # fields that together did not tell items apart
    sorts: Sorts | None = None  # of an array: by what it is sorted in every sample
    mapped: tuple[int, bool] = (-1, False)  # objects counted when it was last asked whether they are maps: the answer
    unordered: bool = False  # the same items stood in two orders in answers to one request
    stayed: int = field(
        default=0, compare=False
    )  # scalars that were equal in recording and replay, over all pairs of the run
    moved: int = field(default=0, compare=False)  # those that were not
    became: Became | None = field(default=None, compare=False)  # what they were and are

    def child(self, name: str) -> Node | None:
        """The place of member ``name``, if it was recorded."""
        found = self.children.get(name)
        return found if found is not None or not generated_name(name) else self.items

    def varies(self) -> bool:
        """Whether at least three samples were seen here and no value twice."""
        return len(self.values.counts) >= 3 and not self.values.repeated

    def moving(self) -> bool:
        """Whether it differed between answers to one request."""
        return self.moves is not None and self.moves.moved > 0

    def evidence(self, name: str, item: Any = None) -> str:
        """How many of the recorded objects at this place have field ``name``; of ``item``'s kind where that matters."""
        child = self.child(name)
        said = f"{child.seen if child else 0}/{self.objects} recorded samples"
        kind = self._always_in_kind(name, item)
        return f"{said}, {kind}" if kind else said

    def required(self, name: str, item: Any = None) -> bool:
        """Whether every recorded object at this place, or every one of ``item``'s kind, has field ``name``."""
        child = self.child(name)
        return child is not None and (child.seen >= self.objects or bool(self._always_in_kind(name, item)))

    def _always_in_kind(self, name: str, item: Any) -> str:
        if type(item) is dict:
            for discriminator, variants in self.variants.items():
                said = variants.always(discriminator, item.get(discriminator), name)
                if said:
                    return said
        return ""


@dataclass(slots=True)
class Profile:
    """The evidence of one recording."""

    trees: dict[tuple[str, str], Node] = field(default_factory=dict)
    headers: dict[str, dict[str, int]] = field(default_factory=dict)  # "endpoint status" -> name -> samples
    samples: dict[str, int] = field(default_factory=dict)
    endpoints: dict[str, int] = field(default_factory=dict)
    nodes: int = 0
    writes: Writes = field(default_factory=Writes)

    def merge(self, other: Profile) -> None:
        """Count all that ``other`` counted, as if this one had (:mod:`contract.merging`). ``other`` is used up."""
        merge_profiles(self, other)

    def tree(self, scope: str, part: str) -> Node | None:
        """The tree of ``part`` under ``scope`` (an endpoint with its status)."""
        return self.trees.get((scope, part))

    def add_headers(self, scope: str, names: set[str]) -> None:
        """Count one response's header names."""
        self.samples[scope] = self.samples.get(scope, 0) + 1
        counts = self.headers.setdefault(scope, {})
        for name in names:
            counts[name] = counts.get(name, 0) + 1

    def header_evidence(self, scope: str, name: str) -> tuple[int, int]:
        """(samples with the header, samples)."""
        return self.headers.get(scope, {}).get(name, 0), self.samples.get(scope, 0)

    def add(self, scope: str, part: str, value: Any, asked: Hashable | None = None, request: int = 0) -> None:
        """Count one recorded document.

        ``asked``: what it answers (:meth:`diffing.walk.orders.Writes.asked`); ``request``: a number that stands for the
        request, equal for equal ones, 0 when it is unknown.
        """
        root = self.trees.get((scope, part))
        if root is None:
            root = self.trees[scope, part] = Node()
        stack: list[tuple[Any, Node]] = [(value, root)]
        updating = is_update(scope)
        while stack:
            item, node = stack.pop()
            node.seen += 1
            if request < node.bar and request not in node.requests:
                ask(node, request)
            kind = type(item)
            if kind is dict:
                node.objects += 1
                layout = layout_of(item)
                if layout.telling:
                    _learn_object(item, node, layout, updating=updating)
                for name, child in item.items():
                    under = node.children.get(name)
                    if under is None:
                        under = self._member(node, name)
                        if under is None:
                            continue
                    stack.append((child, under))
            elif kind is list:
                _count_array(node, item)
                if node.items is None:
                    node.items = self._place()
                if item and type(item[0]) is dict:
                    learn_keys(node, item)
                learn_sorting(node, item)
                _push(stack, tuple(item), node.items)
            elif kind is tuple:
                node.seen += len(item) - 1
                self._many(item, node, stack, updating=updating)
            elif item is None:
                node.nulls += 1
                node.types["null"] = node.types.get("null", 0) + 1
            else:
                if kind is str:
                    name = "string"
                    length = len(item)
                    if length < node.shortest:
                        node.shortest = length
                    if length > node.longest:
                        node.longest = length
                    if length > LONG:
                        item = brief(item)
                elif kind is bool:
                    name, item = "boolean", _TRUE if item else _FALSE
                else:
                    name = "number"
                    if kind is not int:
                        node.fractions += 1
                        item = float(item)  # for ranges and counts the nearest double will do
                    if item < node.low:
                        node.low = item
                    if item > node.high:
                        node.high = item
                types = node.types
                types[name] = types.get(name, 0) + 1
                counts = node.values.counts
                known = counts.get(item)
                if known is not None:
                    counts[item] = known + 1
                elif item == item:  # NaN is never the same again
                    node.values.add(item)
        if asked is not None and type(value) in CONTAINERS:
            question = checksum(asked)
            learn_orders(value, root, question)
            learn_moves(value, root, question)

    def _many(self, values: tuple[Any, ...], node: Node, stack: list[tuple[Any, Node]], *, updating: bool) -> None:
        """Count the values of one place in all but ``seen``, and push what is inside."""
        kinds = set(map(type, values))
        if kinds.isdisjoint(CONTAINERS):
            count_scalars(node, values)
        elif kinds == {dict} and same_names(values):
            node.objects += len(values)
            layout = layout_of(values[0])
            if layout.telling:
                for item in values:
                    _learn_object(item, node, layout, updating=updating)
            for name, column in zip(layout.names, zip(*map(dict.values, values), strict=True), strict=True):
                under = node.children.get(name) or self._member(node, name)
                if under is not None:
                    _push(stack, column, under)
        else:
            node.seen -= len(values)
            stack.extend([(value, node) for value in values])

    def _member(self, node: Node, name: str) -> Node | None:
        if generated_name(name):
            if node.items is None:
                node.items = self._place()
            return node.items
        if self.nodes >= NODES:
            return None
        child = node.children[name] = self._place()
        return child

    def _place(self) -> Node:
        self.nodes += 1
        return Node() if self.nodes <= FULL else Node(values=Sketch(SCANT))


def _push(stack: list[tuple[Any, Node]], values: tuple[Any, ...], node: Node) -> None:
    """Put off the values of one place: many of them as one tuple, which no value of JSON is."""
    if len(values) < FEWEST:
        stack.extend([(value, node) for value in values])
    else:
        stack.append((values, node))


def _learn_object(item: dict[str, Any], node: Node, layout: Layout, *, updating: bool) -> None:
    if updating and layout.updated:
        learn_update(item, node)
    if layout.discriminators:
        learn_variants(node.variants, item, layout.discriminators, layout.names)
    if layout.related:
        learn_relations(item, node, layout)


def _count_array(node: Node, items: list[Any]) -> None:
    node.types["array"] = node.types.get("array", 0) + 1
    length = len(items)
    if length < node.fewest:
        node.fewest = length
    if length > node.most:
        node.most, node.filled = length, 1
    elif length == node.most:
        node.filled += 1
