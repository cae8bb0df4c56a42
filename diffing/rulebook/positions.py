"""A regular expression as an automaton: one state per sign of the pattern, an edge for every two that may follow.

The construction of Glushkov (1961), over the tree that Python's own parser gives. Every way in which the backtracking
matcher can go over a text is a path here (some paths it never goes: anchors and look-arounds are left out), and an edge
knows whether it stands for more than one way: ``(a*)*`` has two from an ``a`` to the next.

Signs are sets of characters as bits: 128 of ASCII, and four for all others: letters, digits, blanks, the rest.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

_LETTERS, _DIGITS, _BLANKS, _REST = (1 << bit for bit in range(128, 132))
_OTHER = _LETTERS | _DIGITS | _BLANKS | _REST
ALL = (1 << 128) - 1 | _OTHER
MOST = 2_000
"""Positions of a pattern; of more nothing is said."""
UNROLLED = 4
"""Repeats up to which each is a position of its own. More are taken for any number."""

Ways = dict[int, int]
"""Position -> in how many ways it comes there; 2 is many."""


class TooLarge(Exception):
    """The pattern has more positions than are looked at."""


@dataclass(frozen=True, slots=True)
class Edge:
    """From one position to another, over one of the characters ``over``."""

    over: int
    ways: int = 1
    open: bool = False  # repeats something as often as the text likes


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a pattern: where it begins and ends, and in how many ways it matches nothing."""

    first: Ways
    last: Ways
    empty: int


_NOTHING = Part({}, {}, 1)


@dataclass(slots=True)
class Positions:
    """The automaton of one pattern."""

    chars: list[int] = field(default_factory=list)
    edges: list[dict[int, Edge]] = field(default_factory=list)  # by position, by the next one
    first: Ways = field(default_factory=dict)
    last: Ways = field(default_factory=dict)
    leading: list[Positions] = field(default_factory=list)  # look-arounds before the first sign: asked once
    asides: list[Positions] = field(default_factory=list)  # all others: asked at every step, perhaps
    _inside: int = 0  # repeats that are being read
    _done: dict[int, int] = field(default_factory=dict)  # position -> what does not follow it: a possessive run is over

    @classmethod
    def of(cls, tree: Any, flags: int) -> Positions:
        """The automaton of a parsed pattern. Raises :class:`TooLarge`."""
        made = cls()
        whole = made._sequence(tree, flags)
        made.first, made.last = whole.first, whole.last
        return made

    def _sequence(self, items: Iterable[tuple[Any, Any]], flags: int) -> Part:
        part = _NOTHING
        for op, value in items:
            part = self._joined(part, self._item(str(op), value, flags))
        return part

    def _item(self, op: str, value: Any, flags: int) -> Part:
        match op:
            case "LITERAL" | "NOT_LITERAL" | "ANY" | "IN" | "RANGE" | "CATEGORY":
                return self._sign(_charset(op, value, flags))
            case "BRANCH":
                return self._either([self._sequence(one, flags) for one in value[1]])
            case "SUBPATTERN":
                return self._sequence(value[3], (flags | value[1]) & ~value[2])
            case "ATOMIC_GROUP":
                return self._sequence(value, flags)
            case "MAX_REPEAT" | "MIN_REPEAT" | "POSSESSIVE_REPEAT":
                least, most, body = value
                return self._repeat(least, most, body, flags, possessive=op == "POSSESSIVE_REPEAT")
            case "ASSERT" | "ASSERT_NOT":
                (self.asides if self.chars or self._inside else self.leading).append(Positions.of(value[1], flags))
                return _NOTHING
            case "GROUPREF":
                return self._repeat(0, 2**31, [("ANY", None)], flags | re.DOTALL, possessive=False)
            case "GROUPREF_EXISTS":
                return self._either([self._sequence(value[1], flags), self._sequence(value[2] or (), flags)])
            case "AT":
                return _NOTHING
        return Part({}, {}, 0)  # FAILURE

    def _sign(self, chars: int) -> Part:
        if len(self.chars) >= MOST:
            raise TooLarge
        self.chars.append(chars)
        self.edges.append({})
        at = len(self.chars) - 1
        return Part({at: 1}, {at: 1}, 0)

    def _either(self, parts: list[Part]) -> Part:
        first: Ways = {}
        last: Ways = {}
        for part in parts:
            _add(first, part.first, 1)
            _add(last, part.last, 1)
        return Part(first, last, min(2, sum(part.empty for part in parts)))

    def _joined(self, one: Part, other: Part) -> Part:
        self._link(one.last, other.first)
        first, last = dict(one.first), dict(other.last)
        _add(first, other.first, one.empty)
        _add(last, one.last, other.empty)
        return Part(first, last, min(2, one.empty * other.empty))

    def _repeat(self, least: int, most: int, body: Any, flags: int, *, possessive: bool) -> Part:
        if most == 0:
            return _NOTHING
        if most <= UNROLLED and not possessive:
            return self._unrolled(least, most, body, flags)
        start = len(self.chars)
        self._inside += 1
        part = self._sequence(body, flags)
        self._inside -= 1
        least_width, most_width = _width(body)
        steady = least == most and least_width == most_width
        for _ in range(2 if part.empty and least > 1 else 1):  # empty ones among the many that there must be
            self._link(part.last, part.first, open_=not steady)
        if possessive and len(self.chars) == start + 1 and most > UNROLLED:
            self._done[start] = self.chars[start]
        return Part(part.first, part.last, min(2, part.empty + 1) if least == 0 else part.empty)

    def _unrolled(self, least: int, most: int, body: Any, flags: int) -> Part:
        part = _NOTHING
        for _ in range(most - least):  # each one only behind the one before it: x(x(x)?)?
            inner = self._joined(self._sequence(body, flags), part)
            part = Part(inner.first, inner.last, min(2, inner.empty + 1))
        for _ in range(least):
            part = self._joined(self._sequence(body, flags), part)
        return part

    def _link(self, last: Ways, first: Ways, *, open_: bool = False) -> None:
        for one, ways in last.items():
            there = self.edges[one]
            allowed = ~self._done.get(one, 0)
            for other, more in first.items():
                over = self.chars[other] & allowed
                if not over:
                    continue
                known = there.get(other)
                if known is None:
                    there[other] = Edge(over, min(2, ways * more), open_)
                else:
                    there[other] = Edge(known.over | over, 2, known.open or open_)


def _add(to: Ways, more: Ways, times: int) -> None:
    if times:
        for at, ways in more.items():
            to[at] = min(2, to.get(at, 0) + ways * times)


def _width(body: Any) -> tuple[int, int]:
    if isinstance(body, list):
        return 0, 2**31
    least, most = body.getwidth()
    return int(least), int(most)


def _charset(op: str, value: Any, flags: int) -> int:
    match op:
        case "LITERAL":
            chars = _single(value)
        case "NOT_LITERAL":
            return ~_folded(_single(value), flags) & ALL | _OTHER
        case "ANY":
            chars = ALL if flags & re.DOTALL else ALL & ~(1 << 10)
        case "RANGE":
            chars = _range(*value)
        case "CATEGORY":
            chars = _category(str(value))
        case _:
            negated = str(value[0][0]) == "NEGATE"
            chars = 0
            for inner, more in value[negated:]:
                chars |= _charset(str(inner), more, flags)
            if negated:
                chars = ~chars & ALL | _OTHER  # of all others some are always left
            return chars
    return _folded(chars, flags)


def _single(code: int) -> int:
    if code < 128:
        return 1 << code
    character = chr(code)
    return _DIGITS if character.isdecimal() else _BLANKS if character.isspace() else _LETTERS | _REST


def _range(low: int, high: int) -> int:
    chars = _OTHER if high > 127 else 0
    if low < 128:
        chars |= (1 << (min(high, 127) + 1)) - (1 << low)
    return chars


def _folded(chars: int, flags: int) -> int:
    if not flags & re.IGNORECASE:
        return chars
    upper, lower = _range(65, 90), _range(97, 122)
    chars |= (chars & upper) << 32 | (chars & lower) >> 32
    return chars | _OTHER if chars & (upper | lower) else chars  # the long s and the Kelvin sign fold to s and k


@lru_cache(maxsize=32)
def _category(name: str) -> int:
    negated = "_NOT_" in name
    letter, others = {
        "DIGIT": ("d", _DIGITS),
        "SPACE": ("s", _BLANKS),
        "WORD": ("w", _LETTERS | _DIGITS),
    }[name.rpartition("_")[2]]
    pattern = re.compile(f"\\{letter.upper() if negated else letter}")
    ascii_ = sum(1 << code for code in range(128) if pattern.match(chr(code)))
    return ascii_ | (_OTHER & ~others if negated else others)
