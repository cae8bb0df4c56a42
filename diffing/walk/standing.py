"""What stands for itself: learnt from values that are equal on both sides, without walking the two side by side.

Where nothing differs there is nothing to pair, align or judge. All there is to note is which identifiers stayed as
they are (a renaming of one elsewhere would contradict that) and how texts are formed. Texts come again and again, so
what is noted of one is remembered; columns of rows are looked at once for all rows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from diffing.contract.columns import CONTAINERS, FEWEST, same_names
from diffing.values.identity import Identity
from diffing.values.layouts import layout_of
from diffing.values.names import Hint, hint_of
from diffing.values.numbers import id_key
from diffing.values.references import note_made
from diffing.values.scalars import learn_equal, learn_names
from diffing.walk.trails import NAMES

if TYPE_CHECKING:
    from diffing.contract.profile import Node
    from diffing.place import Place

LESSONS = 4096
"""Texts whose lesson is remembered. When there are more, all are forgotten."""

FACETS = 16
"""Forms of texts noted per place."""

Names = tuple[str, ...]


@dataclass(slots=True)
class _Noted(Identity):
    """Takes down what is observed of values that stand for themselves."""

    keys: list[str] = field(default_factory=list)

    def observe(self, recorded: str, replayed: str, weight: int = 1, site: int = 0) -> None:
        """Note ``recorded``, which ``replayed`` is equal to."""
        self.keys.append(recorded)


def learn_standing(value: Any, names: Names, node: Node | None, place: Place) -> int:
    """Learn from ``value``, equal on both sides, under members ``names`` (the nearest last). How much was looked at."""
    lessons = _Lessons(place)
    if type(value) not in CONTAINERS:
        lessons.scalar(value, names, node)
        return 1
    looked = 1
    stack: list[tuple[Any, Names, Node | None]] = []
    lessons.column((value,), names, node, stack)
    while stack:
        item, names, node = stack.pop()
        looked += len(item)
        if type(item) is dict:
            if made := layout_of(item).generated:
                learn_names(list(made), place)
            for name, child in item.items():
                kind = type(child)
                if kind is str:
                    under = node.child(name) if node is not None else None
                    if under is not None:
                        under.stayed += 1
                    if len(child) >= 5:
                        lessons.text(child, 1, (*names, name)[-NAMES:], under)
                    elif child[:1].isdigit() and hint_of(name) is Hint.ID:
                        lessons.number(child, 1, (*names, name)[-NAMES:])
                elif kind is dict or kind is list:
                    stack.append((child, (*names, name)[-NAMES:], node.child(name) if node is not None else None))
                elif kind is int and (hint := hint_of(name)) is not None:
                    under = node.child(name) if node is not None else None
                    if under is not None:
                        under.stayed += 1
                    if hint is Hint.ID:
                        lessons.number(child, 1, (*names, name)[-NAMES:])
            continue
        items = node.items if node is not None else None
        if len(item) < FEWEST or type(item[0]) is not dict or set(map(type, item)) != _OBJECTS or not same_names(item):
            lessons.column(item, names, items, stack)
            continue
        if made := layout_of(item[0]).generated:
            for _ in item:
                learn_names(list(made), place)
        looked += len(item) * len(item[0])
        for name, column in zip(item[0], zip(*map(dict.values, item), strict=True), strict=True):
            lessons.column(column, (*names, name)[-NAMES:], items.child(name) if items is not None else None, stack)
    return looked


_OBJECTS = {dict}


class _Lessons:
    """What is noted of one document."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._noting: Place | None = None

    def column(
        self, values: Iterable[Any], names: Names, node: Node | None, stack: list[tuple[Any, Names, Node | None]]
    ) -> None:
        """Note the values of one place, and push what is inside of them."""
        kinds = set(map(type, values))
        name = names[-1] if names else ""
        if str in kinds:
            texts = values if len(kinds) == 1 else [value for value in values if type(value) is str]
            for text, times in Counter(texts).items():
                if node is not None:
                    node.stayed += times
                self.text(text, times, names, node)
        if int in kinds and node is not None and hint_of(name) is not None:
            node.stayed += sum(type(value) is int for value in values)
        if int in kinds and hint_of(name) is Hint.ID:
            for number, times in Counter([value for value in values if type(value) is int]).items():
                self.number(number, times, names)
        if not kinds.isdisjoint(CONTAINERS):
            stack.extend([(value, names, node) for value in values if type(value) in CONTAINERS])

    def scalar(self, value: Any, names: Names, node: Node | None) -> None:
        """Note one scalar: what :meth:`column` notes of a column of one."""
        if type(value) is str:
            if node is not None:
                node.stayed += 1
            self.text(value, 1, names, node)
        elif type(value) is int and (hint := hint_of(names[-1] if names else "")) is not None:
            if node is not None:
                node.stayed += 1
            if hint is Hint.ID:
                self.number(value, 1, names)

    def number(self, number: int | str, times: int, names: Names) -> None:
        """Note a whole number, or the digits of one, that its name calls an id."""
        key = id_key(number, names, self._place)
        self._place.identity.observe(key, key, times)
        note_made(key, key, names, self._place)

    def text(self, text: str, times: int, names: Names, node: Node | None) -> None:
        """Note a text that may be generated."""
        name = names[-1] if names else ""
        if text[:1].isdigit() and text.isdigit() and hint_of(name) is Hint.ID:
            self.number(text, times, names)
            return
        if not 5 <= len(text) <= 128 or (text.isalpha() and text.islower()):
            return
        place = self._place
        known = place.lessons
        lesson = known.get((place.endpoint, place.session, name, text))
        if lesson is None:
            if len(known) >= LESSONS:
                known.clear()
            lesson = known[place.endpoint, place.session, name, text] = self._lesson(text, name)
        keys, facet = lesson
        for key in keys:
            place.identity.observe(key, key, times)
        if facet is not None and node is not None and len(node.facets) < FACETS:
            node.facets.add(facet)

    def _lesson(self, text: str, name: str) -> tuple[tuple[str, ...], tuple[object, ...] | None]:
        if self._noting is None:
            self._noting = replace(self._place, identity=_Noted())
        noted = self._noting.identity
        assert isinstance(noted, _Noted)
        noted.keys.clear()
        learn_equal(text, (name,) if name else (), self._noting)
        shape = self._place.shape(text)
        return tuple(noted.keys), (shape.kind, *shape.facets) if shape is not None else None
