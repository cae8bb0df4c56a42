"""Where the ``[[tables]]`` of a TOML text stand, so that one can be changed and all else stays byte for byte.

tomlkit gathers tables of one name that others stand between, which would reorder a file of rules and approvals.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from diffing.rulebook.tomlfile import MARK, NEWLINES

_TOKEN = re.compile(
    r'"""(?:[^\\]|\\.)*?"{3,5}|'
    r"'''.*?'{3,5}|"
    r'"(?:[^"\\\n]|\\.)*"|'
    r"'[^'\n]*'|"
    r"#[^\n]*|[^\S\n]+|[A-Za-z0-9_-]+|.",
    re.DOTALL,
)
_LINES = re.compile(
    r"""(?:[^\S\n]*[A-Za-z0-9_-]+[^\S\n]*=[^\S\n]*(?:"(?!"")(?:[^"\\\n]|\\.)*"|[A-Za-z0-9_.:+-]+)[^\S\n]*\n)+"""
)  # simple keys with simple values, one a line: most of a file of thousands of entries


@dataclass(frozen=True, slots=True)
class Span:
    """One entry: from the line of its title to the end of its last key; comments that follow belong to what comes."""

    start: int
    end: int


def spans(text: str, name: str) -> list[Span]:
    """Those of ``[[name]]``, in order. ``text`` is valid TOML."""
    return [Span(start, end) for found, start, end in _tables(text) if found == name]


def without(text: str, gone: Iterable[Span]) -> str:
    """``text`` without the entries ``gone``, given in order; of the blank lines around each, those before it stay."""
    kept: list[str] = []
    tail, done = "", 0  # the end of what is kept so far; where the last entry that goes ends
    for span in (*gone, Span(len(text), len(text))):
        part = text[done : span.start]
        if done and (not tail or ends_blank(tail)):
            part = re.sub(r"\A(?:[ \t]*\r?\n)+", "", part)
        if done and span.start == len(text) and not part.strip():
            return re.sub(r"(\n)[ \t]*\r?\n\Z", r"\1", "".join(kept)) + part
        kept.append(part)
        tail = f"{tail}{part}"[-4:].removeprefix(MARK)
        done = span.end
    return "".join(kept)


def ends_blank(text: str) -> bool:
    """Whether a blank line stands at the end."""
    return NEWLINES.sub("\n", text[-4:]).endswith("\n\n")


def _tables(text: str) -> Iterator[tuple[str, int, int]]:
    """(name, start, end) of every table; the name is empty for what is no array of tables at the top."""
    at = line = len(MARK) if text.startswith(MARK) else 0
    depth, said = 0, False
    name, start, end = "", 0, 0
    names: dict[str, str] = {}  # thousands of titles are alike
    while at < len(text):
        if at == line and not depth and not said and (plain := _LINES.match(text, at)):
            at = line = end = plain.end()
            continue
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
