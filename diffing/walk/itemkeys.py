"""Items of arrays as tuples of texts to compare them by: the names of their members, then one text for each member.

Exact (with identifiers read through their renaming), or with what varies by itself left open.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from diffing.place import Place
from diffing.values.names import Hint, hint_of
from diffing.values.numbers import integer_key
from diffing.values.volatile import shape_of
from diffing.walk.flatten import flatten

ItemKey = tuple[str, ...]
SEPARATOR = "\x1f"
"""Between the names that an object's key begins with, after the number of them."""
_LITERALS = 8
"""Literals looked at that cost as much as visiting one value."""


class ItemKeys:
    """Makes the keys of the items of one array. ``leaf(scalar, name)`` is the text of a scalar; None: its literal."""

    def __init__(self, leaf: Callable[[Any, str], str] | None, spend: Callable[[int], None], name: str = "") -> None:
        self._leaf = leaf
        self._spend = spend
        self._name = name  # of the array
        self._layouts: dict[tuple[str, ...], tuple[str, list[str]]] = {}
        self._inside: dict[tuple[str, str], str] = {}  # small values under a name are often the same ones

    def of(self, item: Any) -> ItemKey:
        """The key of one item. All keys of one kind compare with each other."""
        if type(item) is not dict:
            if type(item) is list:
                flat = flatten(item, self._leaf, self._name)
                self._spend(len(flat) // _LITERALS)
                return flat
            return (self._leaf(item, self._name) if self._leaf else repr(item),)
        order = tuple(item)
        layout = self._layouts.get(order)
        if layout is None:
            names = sorted(order)
            layout = self._layouts[order] = SEPARATOR.join([f"{{{len(names)}", *names]), names
        self._spend(1 + len(order) // _LITERALS)
        leaf = self._leaf
        parts = [layout[0]]
        for name in layout[1]:
            value = item[name]
            kind = type(value)
            if kind is dict or kind is list:
                parts.append(self._text(value, name))
            else:
                parts.append(leaf(value, name) if leaf is not None else repr(value))
        return tuple(parts)

    def _text(self, value: Any, name: str) -> str:
        try:
            written = repr(value) if len(value) < 8 else ""
        except RecursionError:
            written = ""
        known = self._inside.get((name, written)) if written else None
        if known is not None:
            return known
        flat = flatten(value, self._leaf, name)
        self._spend(len(flat) // _LITERALS)
        made = SEPARATOR.join(flat)
        if 0 < len(written) < 200:
            self._inside[name, written] = made
        return made


def renaming(names: tuple[str, ...], place: Place) -> Callable[[Any, str], str] | None:
    """What a recorded value should be on the other side, as a literal; None where nothing was renamed."""
    if place.strict or not place.identity.forward:
        return None

    def leaf(value: Any, name: str) -> str:
        if type(value) in (str, int):
            return renamed(value, (*names, name) if name else names, place)
        return repr(value)

    return leaf


def renamed(value: Any, names: tuple[str, ...], place: Place) -> str:
    """The literal that ``value`` should have on the other side."""
    if type(value) is str:
        return repr(place.identity.renamed(value))
    if type(value) is int and names and hint_of(names[-1]) is Hint.ID:
        partner = place.identity.partner(integer_key(value, names, place))
        if partner is not None:
            return partner.rpartition("#")[2]
    return repr(value)


def opened(value: Any, name: str) -> str:
    """A scalar's literal with what varies by itself left open: shape for strings, name for integer ids."""
    if type(value) is str:
        if len(value) >= 5:
            hint = hint_of(name)
            if hint is None and (len(value) < 8 or " " in value):
                return repr(value)  # strong shapes are longer, and of one piece or moments
            shape = shape_of(value)
            if shape is not None and (shape.strong or hint is not None):
                return f"<{shape.kind}>"
    elif (type(value) is int or isinstance(value, Decimal)) and hint_of(name) not in (None, Hint.TOKEN):
        return "<number>"
    return repr(value)
