"""Arrays whose order means nothing: the recording itself shows the same items in two orders.

Only an answer to the very same request says so (``?sort=price`` and ``?sort=name`` list the same items in two orders,
too), only a safe one, and only while nothing was written to the resource in between: moving an item is what a user
did. Ids made anew are left open; moments are not, for a list sorted by them changes its order on purpose.
"""

from __future__ import annotations

import re
from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from captures.model import Request
from diffing.values.names import Hint, hint_of
from diffing.values.volatile import Family, shape_of
from diffing.walk.checksums import Contents, checksum, of_text

if TYPE_CHECKING:
    from diffing.contract.profile import Node

LONGEST = 200  # items: what is longer is hardly seen twice
REMEMBERED = 256  # multisets per place
ROOM = 20_000  # literals looked at per document
RESOURCES = 10_000
NAMING = ("id", "uuid", "key", "code", "sku", "slug", "name")
_PREFIX = re.compile(r"(?:api|rest|v\d+(?:\.\d+)*)", re.IGNORECASE)
_SAFE = ("GET", "HEAD", "OPTIONS", "TRACE")


@dataclass(slots=True)
class Writes:
    """How often each resource (the first telling segment of a path) was written to so far."""

    counts: dict[str, int] = field(default_factory=dict)

    def asked(self, session: int, request: Request) -> Hashable | None:
        """What equal answers to are comparable; None for a request that may have changed something."""
        resource = _resource(request.target)
        if request.method in _SAFE:
            return session, request.method, request.target, request.body, self.counts.get(resource, 0)
        if resource in self.counts or len(self.counts) < RESOURCES:
            self.counts[resource] = self.counts.get(resource, 0) + 1
        return None


def learn_orders(value: Any, root: Node, asked: int) -> None:
    """Note for every array of one recorded document whether its items stood in another order before.

    ``asked``: a check sum of what it answers.
    """
    readings = Contents(lambda scalar, name: repr(scalar)), Contents(_open_ids)
    room = ROOM
    stack: list[tuple[Any, Node, int]] = [(value, root, asked)]
    while stack and room > readings[0].looked + readings[1].looked:
        item, node, at = stack.pop()
        room -= 1
        if type(item) is dict:
            for name, child in item.items():
                under = node.child(name) if type(child) in (dict, list) else None
                if under is not None:
                    stack.append((child, under, checksum(at, name)))
        elif type(item) is list and node.items is not None:
            if 2 <= len(item) <= LONGEST and not node.unordered:
                _note(node, item, at, readings)
            for child in item:
                named = _named(child)  # by position another item's array would be taken for this one's
                if named is not None:
                    stack.append((child, node.items, checksum(at, named)))


def _note(node: Node, items: list[Any], at: int, readings: tuple[Contents, Contents]) -> None:
    """Compare with the orders seen before: of the items as they are, and of those with their ids left open."""
    for number, reading in enumerate(readings):
        parts = [reading.of(item) for item in items]
        multiset, order = of_text(f"{at} {number} {','.join(sorted(parts))}"), of_text(",".join(parts))
        seen = node.orders.get(multiset) if node.orders else None
        if seen is not None:
            if seen != order:
                node.unordered, node.orders = True, None
            return  # the very same items in the same order have their ids in the same order, too
        node.orders = node.orders or {}
        if len(node.orders) < REMEMBERED:
            node.orders[multiset] = order


def _open_ids(value: Any, name: str) -> str:
    hint = hint_of(name)
    if type(value) is str and len(value) >= 5:
        shape = shape_of(value)
        if shape is not None and shape.family is not Family.MOMENT and (shape.strong or hint is not None):
            return f"<{shape.kind}>"
    elif type(value) is int and hint is Hint.ID:
        return "<number>"
    return repr(value)


def _named(item: Any) -> tuple[str, Any] | None:
    if type(item) is dict:
        for name in NAMING:
            if type(item.get(name)) in (str, int):
                return name, item[name]
    return None


def _resource(target: bytes) -> str:
    segments = target.partition(b"?")[0].decode("latin-1").strip("/").split("/")
    return next((segment for segment in segments if not _PREFIX.fullmatch(segment)), "")
