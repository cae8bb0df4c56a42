"""Replacing known values in texts, as whole tokens, in time linear in the text however many values are known. Pure.

A value is found in its own form, percent-encoded once or twice (``%2F``, ``%2f``, ``%252F``) and with the slashes of
JSON written by PHP (``\\/``). It is looked up by its longest run of letters and digits, which hardly another value has.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from urllib.parse import quote

RUN = re.compile(r"%(?:25)*[0-9A-Fa-f]{2}|\\{1,8}(?:u[0-9A-Fa-f]{4}|[bfnrt])|([A-Za-z0-9]+)")
"""A run of letters and digits; %2F before one is an encoded slash, not its first two characters, \\n a line's end."""

_ENCODED_BEFORE = re.compile(r"(?:%(?:25)*[0-9A-Fa-f]{2}|\\{1,8}(?:u[0-9A-Fa-f]{4}|[bfnrt]))\Z")
_LONGEST_ENCODING = 16  # characters looked back for one

CANDIDATES = 8
"""Replacements remembered for one value."""

_UNENCODED = re.compile(r"[A-Za-z0-9]+")
_SAFE = re.compile(r"[A-Za-z0-9_.~-]*")  # is written the same everywhere

Run = str
Runs = frozenset[Run] | set[Run]
Shape = tuple[int, int, int]
"""Where the longest run begins in a value, the value's length, and how many values are so."""


@dataclass(frozen=True, slots=True)
class Replacement:
    """What stands for a value: ``text``, as learnt from the source numbered ``order`` that ``origin`` names."""

    text: str
    origin: str
    order: int = 0


class Substitution:
    """Values and what to put in their place. A value may have several replacements, from sources that differ."""

    def __init__(self) -> None:
        self._values: dict[str, tuple[Replacement, ...]] = {}  # by order of their sources
        self._shapes: dict[Run, tuple[Shape, ...]] = {}  # by the longest run of a value
        self._alike: dict[tuple[Shape, ...], tuple[Shape, ...]] = {}  # each once: all UUIDs have one of few shapes

    def add(self, value: str, replacement: str, origin: str, order: int = 0) -> None:
        """Replace ``value`` by ``replacement`` from now on, where it is used after source ``order``."""
        for old, new in forms(value, replacement).items():
            fresh = Replacement(new, origin, order)
            known = self._values.get(old)
            if known is not None:
                others = [one for one in known if one.order != order][-CANDIDATES + 1 :]
                self._values[old] = tuple(sorted((*others, fresh), key=lambda one: one.order))
            elif run := longest_run(old):
                self._count(run, old, 1)
                self._values[old] = (fresh,)

    def remove(self, value: str) -> None:
        """Forget ``value``."""
        for old in forms(value, value):
            if self._values.pop(old, None) is not None:
                self._count(longest_run(old), old, -1)

    def _count(self, run: Run, value: str, more: int) -> None:
        lead, size = value.index(run), len(value)
        known = self._shapes.get(run, ())
        count = more + sum(number for at, length, number in known if (at, length) == (lead, size))
        shapes = tuple(shape for shape in known if shape[:2] != (lead, size))
        shapes += ((lead, size, count),) if count > 0 else ()
        if shapes:
            self._shapes[run] = self._alike.setdefault(shapes, shapes) if len(shapes) == 1 else shapes
        else:
            self._shapes.pop(run, None)

    def unknown(self, runs: Runs) -> Runs:
        """Those of ``runs`` that are no known value's longest run of letters and digits."""
        return runs if self._shapes.keys().isdisjoint(runs) else runs.difference(self._shapes)

    def may_stand_in(self, runs: Iterable[Run]) -> bool:
        """Whether a text of these runs may hold a known value."""
        return not self._shapes.keys().isdisjoint(runs)

    def __bool__(self) -> bool:
        return bool(self._values)

    def latest(self, value: str) -> str | None:
        """What stands for ``value`` by its latest source."""
        known = self._values.get(value)
        return known[-1].text if known else None

    def apply(
        self, text: str, before: int | None = None, rest: Callable[[str], str] | None = None
    ) -> tuple[str, list[str]]:
        """``text`` with every known value replaced, and where the values were learnt.

        ``before``: the number of the exchange that ``text`` is of: of several sources the latest before it counts.
        ``rest`` is given what is left as it is: nothing is replaced twice.
        """
        if not self.may_stand_in(runs_of(text)):
            return (rest(text) if rest else text), []
        pieces: list[str] = []
        origins: list[str] = []
        done = 0
        for start, end in sorted(self._found(text), key=lambda span: (span[0], -span[1])):
            if start < done:
                continue
            chosen, origin = choice(self._values[text[start:end]], before)
            between = text[done:start]
            pieces += (rest(between) if rest else between, chosen.text)
            origins.append(origin)
            done = end
        between = text[done:]
        pieces.append(rest(between) if rest else between)
        return "".join(pieces), origins

    def _found(self, text: str) -> Iterator[tuple[int, int]]:
        for run in RUN.finditer(text):
            shapes = self._shapes.get(run[1]) if run[1] else None
            if shapes is None:
                continue
            for lead, size, _ in shapes:
                start = run.start() - lead
                end = start + size
                if start >= 0 and text[start:end] in self._values and whole(text, start, end):
                    yield start, end


def runs_of(text: str) -> frozenset[Run]:
    """Every run of letters and digits in ``text``, by the fastest way that fits it."""
    if "%" in text or "\\" in text:
        return frozenset(RUN.findall(text))
    return frozenset(_UNENCODED.findall(text))


def choice(replacements: Iterable[Replacement], before: int | None) -> tuple[Replacement, str]:
    """The replacement by the latest source before exchange ``before``, and its origin; the others are named in it."""
    ordered = list(replacements)
    fitting = [one for one in ordered if before is None or one.order < before] or ordered[:1]
    chosen = fitting[-1]
    others = [one.origin for one in fitting if one.text != chosen.text]
    if not others:
        return chosen, chosen.origin
    return chosen, f"{chosen.origin}, the latest source before it (others differ: {', '.join(others)})"


def forms(value: str, replacement: str) -> dict[str, str]:
    """Each way ``value`` may be written in a message -> ``replacement`` written the same way."""
    found = {value: replacement}
    if _SAFE.fullmatch(value):
        return found
    once, instead = quote(value, safe=""), quote(replacement, safe="")
    if once != value:
        found.setdefault(once, instead)
        found.setdefault(quote(value, safe="/"), quote(replacement, safe="/"))
        found.setdefault(_lower(once), _lower(instead))
        found.setdefault(quote(once, safe=""), quote(instead, safe=""))
        found.setdefault(_lower(quote(once, safe="")), _lower(quote(instead, safe="")))
        if "/" in value:
            found.setdefault(value.replace("/", "\\/"), replacement.replace("/", "\\/"))
    return found


def _lower(text: str) -> str:
    return re.sub(r"%(?:25)*[0-9A-F]{2}", lambda match: match[0].lower(), text)


def whole(text: str, start: int, end: int) -> bool:
    """Whether ``text[start:end]`` is no part of a longer word."""
    if end < len(text) and text[end].isalnum() and text[end - 1].isalnum():
        return False
    if start == 0 or not text[start - 1].isalnum() or not text[start].isalnum():
        return True
    return _ENCODED_BEFORE.search(text[max(0, start - _LONGEST_ENCODING) : start]) is not None


def longest_run(value: str) -> Run:
    """The longest run of letters and digits in ``value``, the first of equals: what tells it from other values."""
    return max((RUN if "%" in value or "\\" in value else _UNENCODED).findall(value), key=len, default="")
