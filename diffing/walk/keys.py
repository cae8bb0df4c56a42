"""Which fields name the items of an array: learnt over the whole recording, else by what their names promise."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from itertools import combinations
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from diffing.values.layouts import WIDE
from diffing.values.names import Hint, hint_of, words

if TYPE_CHECKING:
    from diffing.contract.profile import Node

COUNTED = 2_000  # items per array: longer ones prove nothing more about their key
COMBINED = 6  # fields of which two or three together may be a key

Key = tuple[str, ...]


def learn_keys(node: Node, items: list[Any]) -> None:
    """Note which scalar fields are in every item and tell the items apart, alone or together."""
    if len(items) < 2 or len(items) > COUNTED or set(map(type, items)) != _OBJECTS:
        return
    unkeyed = node.unkeyed
    for name, value in items[0].items():
        if name in unkeyed or (type(value) is not str and type(value) is not int):
            continue
        if _distinct(items, name):
            node.keyed.add(name)
        else:
            unkeyed.add(name)
            node.keyed.discard(name)
    if not node.keyed:
        for fields in _combinations(items[0], set()):
            if fields not in node.uncombined and not _tells_apart(items, fields):
                node.uncombined.add(fields)


def _distinct(items: list[Any], name: str) -> bool:
    """Whether every item has a text or a whole number of its own as member ``name``."""
    try:
        values = list(map(itemgetter(name), items))
    except KeyError:
        return False
    return set(map(type, values)) <= _NAMING and len(set(values)) == len(values)


_OBJECTS, _NAMING = {dict}, {str, int}
_PREFERRED = ("id", "uuid", "guid", "key", "code", "sku", "slug", "name", "email", "title", "label", "path", "type")


_STATES = frozenset(
    "status state phase stage result value amount price quantity qty count total sum score message comment note "
    "description text body reason color colour".split()
)
"""Last words of names that say how an item is, not which it is: two items may swap those."""


def key_candidates(node: Node | None, items: list[dict[str, Any]]) -> Iterator[str]:
    """Fields that may name the items of an array, best first: learnt ones, then by what their name promises."""
    names = [name for name, value in items[0].items() if type(value) in (str, int)]
    if node is not None:
        names = [name for name in names if name not in node.unkeyed]
    first = items[0]
    yield from sorted((name for name in names if _rank(name, first)[0] < 3), key=lambda name: _rank(name, first))


def certain(name: str) -> bool:
    """Whether a field by its name alone identifies an item, whatever else of the item changes."""
    return name.lower() in _PREFERRED[:7] or hint_of(name) in (Hint.ID, Hint.REFERENCE)


def combined_candidates(node: Node | None, items: list[dict[str, Any]]) -> Iterator[Key]:
    """Two or three fields that may name the items together where none does alone, best first."""
    yield from _combinations(items[0], node.uncombined if node is not None else set())


def _combinations(first: dict[str, Any], refused: set[Key]) -> Iterator[Key]:
    members = tuple([(name, type(value) is str) for name, value in first.items() if type(value) in (str, int)])
    found = _combined(members, len(first)) if len(first) <= WIDE else _combined.__wrapped__(members, len(first))
    yield from (fields for fields in found if fields not in refused)


@lru_cache(maxsize=1024)
def _combined(members: tuple[tuple[str, bool], ...], width: int) -> tuple[Key, ...]:
    """Of objects with ``width`` members, those of ``members`` (name, whether it is a text) that may be a key."""
    texts = dict(members)
    names = [name for name, _ in members if hint_of(name) is not Hint.MOMENT]
    names = sorted(names, key=lambda name: _ranked(name, text=texts[name]))[:COMBINED]
    # All members together are no key: they are the item.
    return tuple(fields for size in range(2, min(4, width)) for fields in combinations(names, size))


def _tells_apart(items: list[Any], fields: Key) -> bool:
    seen: set[tuple[Any, ...]] = set()
    for item in items:
        values = tuple(item.get(name) for name in fields)
        if not all(type(value) is str or type(value) is int for value in values) or values in seen:
            return False
        seen.add(values)
    return True


def _rank(name: str, first: dict[str, Any]) -> tuple[int, int]:
    return _ranked(name, text=type(first[name]) is str)


def _ranked(name: str, *, text: bool) -> tuple[int, int]:
    lower = name.lower()
    if lower in _PREFERRED:
        return 0, _PREFERRED.index(lower)
    hint = hint_of(name)
    if hint in (Hint.ID, Hint.REFERENCE):
        return 1, len(name)
    if (words(name) or ("",))[-1] in _STATES:
        return 4, len(name)
    return (2, len(name)) if text and hint is None else (3, len(name))
