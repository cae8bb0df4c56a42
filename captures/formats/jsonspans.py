"""Where each value stands in a JSON text, so that single values can be replaced and every other byte stays as it was.

Re-serialising would change number forms, key order, escapes and blanks, all of which a capture must keep. Iterative:
nesting costs no stack. Who knows where in a large text something of interest stands passes over the rest of it at the
speed of a compiled pattern (``Marks``).
"""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Self

from captures.jsonpaths import Place

_TOKEN = re.compile(
    r"""[ \t\r\n]*(?:
        (?P<open>[{\[])
      | (?P<close>[}\]])
      | (?P<comma>,)
      | (?P<string>"[^"\\]*(?:\\.[^"\\]*)*")
      | (?P<literal>-?[0-9][0-9.eE+-]*|true|false|null|NaN|-?Infinity)
    )""",
    re.VERBOSE | re.DOTALL,
)
_COLON = re.compile(r"[ \t\r\n]*:")
_BLANK = re.compile(r"[ \t\r\n]*")
_S = r"[ \t\r\n]*+"
_KEY = rf'"[^"\\]*+"{_S}:{_S}'


def _passed(levels: int) -> str:
    """A value without escapes: a scalar, or a container of such ones in as many levels as there are."""
    scalar = r"""(?:"[^"\\]*+"|-?[0-9][0-9.eE+-]*+|true|false|null|NaN|-?Infinity)"""
    value = scalar
    for _ in range(levels):
        items, members = (rf"(?:{one}{_S}(?:,{_S}{one}{_S})*+)?" for one in (value, f"{_KEY}{value}"))
        value = rf"(?:{scalar}|\[{_S}{items}\]|\{{{_S}{members}\}})"
    return value


_LEVELS = 2
_MEMBERS = re.compile(rf"(?:{_S}{_KEY}{_passed(_LEVELS)}{_S}(?:,|(?=\}})))*+")
_ELEMENT = re.compile(rf"{_S}{_passed(_LEVELS)}{_S}(?:,|(?=\]))")


@dataclass(frozen=True, slots=True)
class Marks:
    """What of a JSON text is of interest: its other scalars are passed over, where they and what is around them have no
    escapes. A hint for speed: more may be seen than was asked for."""

    starts: Sequence[int]  # of spans, in order and apart from each other: literals and names of members that touch one
    ends: Sequence[int]
    awake: Container[str | int] = ()  # names of members in which everything is seen; each touches a span, too

    @classmethod
    def of(cls, spans: Iterable[tuple[int, int]], awake: Container[str | int] = ()) -> Self:
        """Those of ``spans`` in any order."""
        starts: list[int] = []
        ends: list[int] = []
        for start, end in sorted(spans):
            if ends and start <= ends[-1]:
                ends[-1] = max(ends[-1], end)
            else:
                starts.append(start)
                ends.append(end)
        return cls(starts, ends, awake)


@dataclass(frozen=True, slots=True)
class Scalar:
    """A string, number, true, false, null, NaN or Infinity: ``text[start:end]`` is ``literal``."""

    place: Place
    start: int
    end: int
    literal: str

    @property
    def is_string(self) -> bool:
        """Whether it is a string."""
        return self.literal.startswith('"')

    @property
    def is_number(self) -> bool:
        """Whether it is a number."""
        return self.literal[0] in "-0123456789" and self.literal != "-Infinity"

    def string(self) -> str:
        """The string that the literal means."""
        return _string(self.literal)


def scalars(text: str, marks: Marks | None = None) -> Iterator[Scalar]:
    """Every scalar of JSON ``text`` in order, with its place; with ``marks`` those of interest, and maybe more.

    Raises ``ValueError`` where the text is no JSON.
    """
    place: list[str | int] = []  # of the value read next; inside an array its last step is the index
    closers: list[str] = []
    position = 0
    expects = "value"  # value, first (value or close), next (comma or close), end
    asleep = marks is not None
    awake_until = -1  # how many containers are open when the one is closed in which everything is seen
    while True:
        if asleep and marks is not None and closers and expects in ("value", "first"):
            end = _after_passed(text, position, marks, place if closers[-1] == "]" else None)
            if end > position:
                expects = "value" if text[end - 1] == "," else "next"
                position = end
        match = _TOKEN.match(text, position)
        if match is None:
            break
        kind = match.lastgroup
        if kind == "close":
            if expects not in ("first", "next") or not closers or match["close"] != closers.pop():
                raise _error(text, position)
            place.pop()
            if len(closers) == awake_until:
                asleep, awake_until = True, -1
            expects = "next" if closers else "end"
            position = match.end()
            continue
        if kind == "comma":
            if expects != "next":
                raise _error(text, position)
            last = place[-1]
            if isinstance(last, int):
                place[-1] = last + 1
            expects = "value"
            position = match.end()
            continue
        if expects in ("next", "end"):
            raise _error(text, position)
        if closers and closers[-1] == "}":  # a key comes first
            colon = _COLON.match(text, match.end())
            if kind != "string" or colon is None:
                raise _error(text, position)
            place[-1] = _string(match["string"])
            match = _TOKEN.match(text, colon.end())
            kind = match.lastgroup if match else None
            if match is None or kind in ("close", "comma"):
                raise _error(text, colon.end())
        if kind == "open":
            if asleep and marks is not None and place and place[-1] in marks.awake:
                asleep, awake_until = False, len(closers)
            closers.append("}" if match["open"] == "{" else "]")
            place.append("" if match["open"] == "{" else 0)
            expects = "first"
        else:
            group = kind or "literal"
            yield Scalar(tuple(place), match.start(group), match.end(group), match[group])
            expects = "next" if closers else "end"
        position = match.end()
    blank = _BLANK.match(text, position)
    if expects != "end" or blank is None or blank.end() != len(text):
        raise _error(text, position)


def _after_passed(text: str, position: int, marks: Marks, index: list[str | int] | None) -> int:
    """Where what is passed over ends, before the next of ``marks``. ``index``: the place of an array's element, whose
    last step goes on with the elements passed."""
    mark = bisect_right(marks.ends, position)
    end = marks.starts[mark] if mark < len(marks.starts) else len(text)
    if end <= position:
        return position
    if index is None:
        found = _MEMBERS.match(text, position, end)
        return found.end() if found else position
    while element := _ELEMENT.match(text, position, end):
        position = element.end()
        if text[position - 1] != ",":
            break
        last = index[-1]
        index[-1] = last + 1 if isinstance(last, int) else last
    return position


def replaced(text: str, choose: Callable[[Scalar], str | None], marks: Marks | None = None) -> str:
    """``text`` with every scalar (those of ``marks``) replaced by the literal ``choose`` gives for it (None: it stays).

    Raises ``ValueError`` where the text is no JSON.
    """
    pieces: list[str] = []
    position = 0
    for scalar in scalars(text, marks):
        new = choose(scalar)
        if new is not None and new != scalar.literal:
            pieces.append(text[position : scalar.start])
            pieces.append(new)
            position = scalar.end
    if not pieces:
        return text
    pieces.append(text[position:])
    return "".join(pieces)


def quoted(value: str, like: str) -> str:
    """The JSON string literal of ``value``; pure ASCII where ``like``, the literal it replaces, was."""
    if value.isascii() and value.isprintable() and '"' not in value and "\\" not in value:
        return f'"{value}"'
    return json.dumps(value, ensure_ascii=like.isascii() or any("\ud800" <= c <= "\udfff" for c in value))


def _string(literal: str) -> str:
    return str(json.loads(literal, strict=False)) if "\\" in literal else literal[1:-1]


def _error(text: str, position: int) -> ValueError:
    return ValueError(f"no JSON at line {text.count(chr(10), 0, position) + 1}")
