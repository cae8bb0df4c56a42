"""Maps told from objects: an object whose keys are data (people, days, currencies) rather than names of fields.

Learnt over the recording. A key that every sample has is a field whatever its neighbours are.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable
from typing import TYPE_CHECKING, Any

from diffing.values.volatile import shape_of

if TYPE_CHECKING:
    from diffing.contract.profile import Node

OVERLAP = 0.3
"""Key sets that share less than this (Jaccard, the mean over all pairs of samples) are those of a map."""
SAMPLES = 3
KEYS = 5  # different keys over all samples: fewer prove little
MANY = 50  # optional keys, more than any object's fields
LOOKED_AT = 64  # members whose shapes are compared

_FORMATS = (
    re.compile(r"[^\s@]+@[^\s@]+\.[^\s@.]+"),  # mail addresses
    re.compile(r"/\S*"),  # paths
    re.compile(r"https?://\S+"),
    re.compile(r"[a-z]{2,3}[-_][A-Z]{2}"),  # locales
    re.compile(r"(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,}"),  # hosts
)
_CURRENCY = re.compile(r"[A-Z]{3}")
_CURRENCIES = frozenset("USD EUR GBP JPY CHF CNY INR AUD CAD SEK NOK DKK PLN CZK BRL MXN KRW SGD HKD NZD ZAR".split())


def is_map(node: Node) -> bool:
    """Whether the objects recorded at this place are maps. Remembered until another object is counted."""
    if node.mapped[0] != node.objects:
        node.mapped = (node.objects, _is_map(node))
    return node.mapped[1]


def entries(node: Node | None, recorded: dict[str, Any]) -> Callable[[str], bool]:
    """Which members beside those of the ``recorded`` object, or among them, are entries of a map rather than fields."""
    whole = node is not None and is_map(node)
    formed = whole and one_format(recorded)

    def entry(name: str) -> bool:
        return _generated(name) or formed or (whole and node is not None and not node.required(name))

    return entry


def data(name: str, node: Node) -> bool:
    """Whether recorded member ``name`` of the objects at ``node`` is an entry of a map."""
    return is_map(node) and (one_format(node.children) or not node.required(name))


def one_format(names: Collection[str]) -> bool:
    """Whether at least two keys, and all of them, are of one format that no field's name has."""
    if len(names) < 2:
        return False
    if any(all(form.fullmatch(name) for name in names) for form in _FORMATS):
        return True
    return all(_CURRENCY.fullmatch(name) for name in names) and not _CURRENCIES.isdisjoint(names)


def _generated(name: str) -> bool:
    """Whether a key is an id, a date or a number. ``sha256``-like words with a digit are names."""
    if not any(character.isdigit() for character in name):
        return False
    shape = shape_of(name)
    return name.isdigit() or (shape is not None and (shape.strong or shape.kind == "reference"))


def _is_map(node: Node) -> bool:
    children = node.children
    if len(children) < 2 or not _alike(list(children.values())[:LOOKED_AT]):
        return False
    if one_format(children):
        return True
    if node.objects < SAMPLES or len(children) < KEYS:
        return False
    optional = sum(child.seen < node.objects for child in children.values())
    return _overlap((child.seen for child in children.values()), node.objects) < OVERLAP or optional > MANY


def _overlap(seen: Iterable[int], samples: int) -> float:
    """Mean size of the intersection of two samples' key sets over that of their union, from the counts alone."""
    counts = list(seen)
    shared = sum(count * (count - 1) for count in counts) / (samples * (samples - 1))
    either = 2 * sum(counts) / samples - shared
    return shared / either if either > 0 else 1.0


def _alike(nodes: list[Node]) -> bool:
    """Whether the values agree: one type, and for objects mostly the same members."""
    kinds = {kind for node in nodes for kind in node.types} - {"null", "object"}
    objects = [node for node in nodes if node.objects]
    if objects:
        if kinds or len(objects) < len(nodes) - sum(node.nulls == node.seen for node in nodes):
            return False
        names = set().union(*(node.children for node in objects))
        return not names or sum(len(node.children) for node in objects) >= 0.5 * len(names) * len(objects)
    return len(kinds) == 1
