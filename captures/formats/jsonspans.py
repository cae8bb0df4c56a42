"""Where each value stands in a JSON text, so that single values can be replaced and every other byte stays as it was.

Re-serialising would change number forms, key order, escapes and blanks, all of which a capture must keep. Iterative:
nesting costs no stack.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

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


def scalars(text: str) -> Iterator[Scalar]:
    """Every scalar of JSON ``text`` in order, with its place. Raises ``ValueError`` where the text is no JSON."""
    place: list[str | int] = []  # of the value read next; inside an array its last step is the index
    closers: list[str] = []
    position = 0
    expects = "value"  # value, first (value or close), next (comma or close), end
    while True:
        match = _TOKEN.match(text, position)
        if match is None:
            break
        kind = match.lastgroup
        if kind == "close":
            if expects not in ("first", "next") or not closers or match["close"] != closers.pop():
                raise _error(text, position)
            place.pop()
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


def replaced(text: str, choose: Callable[[Scalar], str | None]) -> str:
    """``text`` with every scalar replaced by the literal ``choose`` gives for it (None: it stays).

    Raises ``ValueError`` where the text is no JSON.
    """
    pieces: list[str] = []
    position = 0
    for scalar in scalars(text):
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
