"""Where the ``[[tables]]`` of a TOML text stand, so that one can be changed and all else stays byte for byte.

tomlkit gathers tables of one name that others stand between, which would reorder a file of rules and approvals.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass

from diffing.rulebook.tomlfile import MARK

_TOKEN = re.compile(
    r'"""(?:[^\\]|\\.)*?"{3,5}|'
    r"'''.*?'{3,5}|"
    r'"(?:[^"\\\n]|\\.)*"|'
    r"'[^'\n]*'|"
    r"#[^\n]*|[^\S\n]+|[A-Za-z0-9_-]+|.",
    re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Span:
    """One entry: from the line of its title to the end of its last key; comments that follow belong to what comes."""

    start: int
    end: int


def spans(text: str, name: str) -> list[Span]:
    """Those of ``[[name]]``, in order. ``text`` is valid TOML."""
    return [Span(start, end) for found, start, end in _tables(text) if found == name]


def _tables(text: str) -> Iterator[tuple[str, int, int]]:
    """(name, start, end) of every table; the name is empty for what is no array of tables at the top."""
    at = line = len(MARK) if text.startswith(MARK) else 0
    depth, said = 0, False
    name, start, end = "", 0, 0
    names: dict[str, str] = {}  # thousands of titles are alike
    while at < len(text):
        token = _TOKEN.match(text, at)
        assert token is not None  # a single character always fits
        word = token[0]
        if word == "[" and not depth and not said:
            if start or end:
                yield name, start, end
            stop = text.find("\n", at)
            at = len(text) if stop < 0 else stop + 1
            title = text[line:at]
            if title not in names:
                names[title] = _name(title)
            name, start, end = names[title], line, at
            line = at
            continue
        at = token.end()
        if word == "\n":
            if said and not depth:
                end, said = at, False
            line = at
        elif word in "[{":
            depth += 1
        elif word in "]}":
            depth -= 1
        elif not word.isspace() and not word.startswith("#"):
            said = True
    if said:
        end = len(text)
    if start or end:
        yield name, start, end


def _name(title: str) -> str:
    (key, value), *_ = tomllib.loads(title).items()
    return key if value == [{}] else ""
