"""What the whole recording says about each place: how often a field is there, of which types, with which values.

One tree per (endpoint, status, part), grown while streaming over the recording, of a size that depends on the shapes
of the bodies and not on their number. It is what lets a finding say "412/412 recorded samples", tells a required
field from an optional one, and a value that varies by itself from one that does not.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from dataclasses import dataclass, field
from typing import Any

from diffing.matchers import broad_type
from diffing.names import Hint, hint_of
from diffing.orders import Writes, learn_orders
from diffing.updates import is_update, learn_update
from diffing.volatile import shape_of

DISTINCT = 64
"""Different values remembered per place; more than that is "many"."""

NODES = 200_000
"""Places remembered in all. Beyond it new ones have no evidence."""

COUNTED_KEYS = 2_000  # per array: longer ones prove nothing more about their key


@dataclass(slots=True)
class Node:
    """One generalised place of a JSON document."""

    seen: int = 0
    objects: int = 0  # how often an object stood here: the samples its fields are counted against
    nulls: int = 0
    types: dict[str, int] = field(default_factory=dict)
    distinct: set[str] | None = field(default_factory=set)  # None: more than DISTINCT
    repeated: bool = False  # some value came twice
    children: dict[str, Node] = field(default_factory=dict)
    items: Node | None = None  # of arrays, and of members with generated names
    facets: set[tuple[object, ...]] = field(default_factory=set)  # of shapes, as recorded
    replayed_facets: set[tuple[object, ...]] = field(default_factory=set)
    keyed: set[str] = field(default_factory=set)  # fields that told this array's items apart so far
    unkeyed: set[str] = field(default_factory=set)  # fields that once did not
    orders: dict[int, int] | None = None  # of an array: multiset of items -> the order it had (hashes)
    updates: int = 0  # objects here that say when they were created and when updated
    updates_apart: int = 0  # those of them that were updated later
    unordered: bool = False  # the same items stood in two orders in answers to one request

    def child(self, name: str) -> Node | None:
        """The place of member ``name``, if it was recorded."""
        found = self.children.get(name)
        return found if found is not None or not generated_name(name) else self.items

    def varies(self) -> bool:
        """Whether at least three samples were seen here and no value twice."""
        return not self.repeated and (self.distinct is None or len(self.distinct) >= 3)

    def evidence(self, name: str) -> str:
        """How many of the recorded objects at this place have field ``name``."""
        child = self.child(name)
        return f"{child.seen if child else 0}/{self.objects} recorded samples"

    def required(self, name: str) -> bool:
        """Whether every recorded object at this place has field ``name``."""
        child = self.child(name)
        return child is not None and child.seen >= self.objects


def generated_name(name: str) -> bool:
    """Whether an object's key is data rather than a name: an id, a date, a number."""
    if not any(character.isdigit() for character in name):
        return False
    shape = shape_of(name)
    return shape is not None or name.isdigit()


@dataclass(slots=True)
class Profile:
    """The evidence of one recording."""

    trees: dict[tuple[str, str], Node] = field(default_factory=dict)
    headers: dict[str, dict[str, int]] = field(default_factory=dict)  # "endpoint status" -> name -> samples
    samples: dict[str, int] = field(default_factory=dict)
    endpoints: dict[str, int] = field(default_factory=dict)
    nodes: int = 0
    writes: Writes = field(default_factory=Writes)

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

    def add(self, scope: str, part: str, value: Any, asked: Hashable | None = None) -> None:
        """Count one recorded document. ``asked``: what it answers (:meth:`diffing.orders.Writes.asked`)."""
        root = self.trees.get((scope, part))
        if root is None:
            root = self.trees[scope, part] = Node()
        stack: list[tuple[Any, Node]] = [(value, root)]
        updating = is_update(scope)
        while stack:
            item, node = stack.pop()
            node.seen += 1
            if type(item) is dict:
                node.objects += 1
                if updating:
                    learn_update(item, node)
                for name, child in item.items():
                    under = node.children.get(name)
                    if under is None:
                        under = self._member(node, name)
                        if under is None:
                            continue
                    stack.append((child, under))
            elif type(item) is list:
                node.types["array"] = node.types.get("array", 0) + 1
                if node.items is None:
                    self.nodes += 1
                    node.items = Node()
                if item and type(item[0]) is dict:
                    _learn_keys(node, item)
                stack.extend((child, node.items) for child in item)
            else:
                _count_scalar(node, item)
        if asked is not None and type(value) in (dict, list):
            learn_orders(value, root, asked)

    def _member(self, node: Node, name: str) -> Node | None:
        if generated_name(name):
            if node.items is None:
                self.nodes += 1
                node.items = Node()
            return node.items
        if self.nodes >= NODES:
            return None
        self.nodes += 1
        child = node.children[name] = Node()
        return child


def _count_scalar(node: Node, value: Any) -> None:
    kind = broad_type(value)
    node.types[kind] = node.types.get(kind, 0) + 1
    if value is None:
        node.nulls += 1
        return
    if node.distinct is not None and not node.repeated:
        text = value if type(value) is str and len(value) <= 64 else repr(value)[:200]
        if text in node.distinct:
            node.repeated = True
            node.distinct = set()
        else:
            node.distinct.add(text)
            if len(node.distinct) > DISTINCT:
                node.distinct = None


def _learn_keys(node: Node, items: list[Any]) -> None:
    """Note which scalar fields are in every item and tell the items apart."""
    if len(items) < 2 or len(items) > COUNTED_KEYS or not all(type(item) is dict for item in items):
        return
    candidates = [name for name, value in items[0].items() if type(value) in (str, int) and name not in node.unkeyed]
    for name in candidates:
        values = {item.get(name) for item in items if type(item.get(name)) in (str, int)}
        if len(values) == len(items):
            node.keyed.add(name)
        else:
            node.unkeyed.add(name)
            node.keyed.discard(name)


_PREFERRED = ("id", "uuid", "guid", "key", "code", "sku", "slug", "name", "email", "title", "label", "path", "type")


def key_candidates(node: Node | None, items: list[dict[str, Any]]) -> Iterator[str]:
    """Fields that may name the items of an array, best first: learnt ones, then by what their name promises."""
    names = [name for name, value in items[0].items() if type(value) in (str, int)]
    if node is not None:
        names = [name for name in names if name not in node.unkeyed]

    def rank(name: str) -> tuple[int, int]:
        lower = name.lower()
        if lower in _PREFERRED:
            return 0, _PREFERRED.index(lower)
        hint = hint_of(name)
        if hint in (Hint.ID, Hint.REFERENCE):
            return 1, len(name)
        return (2, len(name)) if type(items[0][name]) is str and hint is None else (3, len(name))

    yield from sorted((name for name in names if rank(name)[0] < 3), key=rank)
