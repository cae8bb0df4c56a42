"""One secret becomes its pseudonym: what was given out is remembered, what was replaced is counted, by place."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import Enum

from captures.redacting.bounds import Bounds, Unsearchable
from captures.redacting.personal_data import MOST, phone_pseudonym
from captures.redacting.pseudonyms import is_pseudonym, number_pseudonym, pseudonym
from captures.redacting.secret_echoes import Echoes
from captures.redacting.secret_names import looks_opaque
from captures.redacting.shapes import sealed

REMEMBERED = 20_000
"""Pseudonyms and names kept, so that a token sent with every request costs one HMAC."""

_ISSUED = 200_000
"""Recorded pseudonyms remembered: memory stays flat on an endless capture."""

_LONG = 8  # characters of a pseudonym that no secret of the same exchange equals by chance

_SHORTEST_NAME = 4
"""Characters of a value that is looked for in the places that are told."""

_FOUND_ANYWHERE = frozenset(("email", "card", "iban", "token", "private-key"))
"""Detectors of what needs no second look: it is found wherever else it stands, too."""


class Doing(Enum):
    """What is done with what is found."""

    REPLACE = "replace"
    LEARN = "learn"  # it is taken for a pseudonym
    INSPECT = "inspect"  # it is counted, as a secret or as a pseudonym


@dataclass(slots=True)
class Found:
    """What was found in one exchange."""

    doing: Doing = Doing.REPLACE
    asked: int = 0  # values at secret places, replaced or not
    echoes: Echoes = field(default_factory=Echoes)
    counts: dict[str, int] = field(default_factory=dict)  # by place: replaced; when inspecting: would be
    pseudonyms: dict[str, int] = field(default_factory=dict)  # by place, when inspecting
    unscannable: list[str] = field(default_factory=list)
    made: set[str] = field(default_factory=set)  # pseudonyms given out: a text may be looked at twice
    bounds: Bounds = field(default_factory=Bounds)
    met: set[str] = field(default_factory=set)  # values, when inspecting: they may be names, too
    spared: frozenset[str] = frozenset()  # places whose values are known to be pseudonyms
    shown: Callable[[str], str] = str  # gives a place as ``spared`` has it

    def count(self, place: str) -> None:
        """Note one replacement at ``place``."""
        self.counts[place] = self.counts.get(place, 0) + 1

    def spares(self, place: str) -> bool:
        """Whether what stands at ``place`` is left alone."""
        return bool(self.spared) and self.shown(place) in self.spared


class Hiding:
    """Gives out pseudonyms made with ``key``."""

    __slots__ = ("_issued", "_key", "_pseudonyms", "known")

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._pseudonyms: dict[str, str] = {}  # a pseudonym of ours stands for itself
        self._issued: dict[str, None] = {}  # taken for pseudonyms, the ones met last at the end
        self.known: dict[str, str] = {}  # looked for wherever they stand

    def know(self, secrets: Iterable[str]) -> None:
        """Look for ``secrets`` in every exchange from now on."""
        self.known.update((secret, pseudonym(self._key, secret)) for secret in secrets)

    def hide(
        self, found: Found, place: str, value: str, name: str = "", *, password: bool = False, detector: str = ""
    ) -> str:
        """The pseudonym of ``value``, remembered for the search of echoes; ``name`` is that of a cookie.

        ``detector``: what found it, where no name did.
        """
        if not value:
            return value
        found.asked += 1
        if found.asked > MOST and not found.spared:
            raise Unsearchable(f"more than {MOST:,} findings")
        found.bounds.check()
        if detector:
            place = f"{place} ({detector})"
        if found.doing is Doing.LEARN:
            self._take(value)
            return value
        if value in self._issued or value in found.made or found.spares(place):
            return value
        key = f"{detector} {value}" if detector == "phone" and value[0] != "+" else value
        new = self._pseudonyms.get(key)
        if new is None:
            new = self._made(key, value, detector)
        if found.doing is Doing.INSPECT:
            if len(value) >= _SHORTEST_NAME and len(found.met) < REMEMBERED:
                found.met.add(value)
            by_place = found.pseudonyms if new == value else found.counts
            by_place[place] = by_place.get(place, 0) + 1
            return value
        if new != value:
            found.count(place)
            if detector not in _FOUND_ANYWHERE and not (detector == "phone" and value[0] == "+"):
                found.echoes.add(value, new, name, password=password)
            if len(new) >= _LONG:
                if len(found.made) >= REMEMBERED:
                    found.made.clear()  # of a conversation that goes on and on
                found.made.add(new)
        return new

    def _made(self, key: str, value: str, detector: str) -> str:
        if is_pseudonym(self._key, value):
            new = value
        elif detector == "phone":
            new = phone_pseudonym(self._key, value) or pseudonym(self._key, value)
        else:
            new = pseudonym(self._key, value)
        if len(self._pseudonyms) >= REMEMBERED:
            self._pseudonyms.clear()
        self._pseudonyms[key] = new
        return new

    def number(self, found: Found, place: str, literal: str) -> str:
        """The pseudonym of a JSON number as written."""
        if literal.isdigit():
            return self.hide(found, place, literal)  # the same secret may stand as a string elsewhere
        found.asked += 1
        if found.doing is Doing.LEARN:
            self._take(literal)
        if literal in self._issued or found.spares(place):
            return literal
        if found.doing is Doing.INSPECT:
            found.count(place)
            return literal
        new = number_pseudonym(self._key, literal)
        found.count(place)
        found.echoes.add(literal, new)
        return new

    def of_same_length(self, value: str) -> str:
        """Another stand-in, where the usual one has another length and a length stands before it."""
        return sealed(self._key, value, value)

    def has_met(self, value: str) -> bool:
        """Whether ``value`` was replaced lately, in this exchange or in one before, and cannot be by chance."""
        new = self._pseudonyms.get(value)
        return new is not None and new != value and len(value) >= 12 and looks_opaque(value)

    def _take(self, value: str) -> None:
        """Leave ``value`` as it is from now on. Forgotten, it would be replaced like any other secret."""
        self._issued.pop(value, None)
        self._issued[value] = None
        if len(self._issued) > _ISSUED:
            del self._issued[next(iter(self._issued))]
