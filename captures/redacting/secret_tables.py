"""Secrets in tables of text: columns whose head names one (RFC 4180, and what spreadsheets and databases print). Pure.

A head is the first line; with ``|`` between the cells a ruler may stand before and after it. Only what a secret column
holds is replaced: quotes, blanks and line ends stay.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

from captures.redacting.bounds import Bounds
from captures.redacting.secret_names import Secrecy

Hide = Callable[[str, str], str]
"""Gives the value to put in place of (name, value)."""

_COMMAS = {",": "text/csv", "\t": "text/tab-separated-values"}
_DECLARED = frozenset((*_COMMAS.values(), "application/csv"))
_CELL = re.compile(r"[^\W\d][\w.-]{0,60}")
_RULER = re.compile(r"[\s+|:-]*[-+][\s+|:=-]*")
_HEADS = 4_096  # characters in which a head has to stand


class Head(NamedTuple):
    """Of a table with secrets."""

    end: int
    comma: str
    columns: dict[int, str]  # the names of those that hold secrets


def replaced(text: str, kind: str, secrecy_of: Callable[[str], Secrecy], hide: Hide, bounds: Bounds) -> str:
    """``text`` of media type ``kind`` without the secrets of its columns; the same where it is no table with any."""
    head = _head(text, kind, secrecy_of)
    if head is None:
        return text
    pieces: list[str] = []
    position = 0
    for column, start, end in bounds.checked(_fields(text, head)):
        name = head.columns[column]
        value = text[start:end]
        plain = value.replace('""', '"') if text[start - 1 : start] == '"' else value
        if not plain or not secrecy_of(name).holds(plain):
            continue
        new = hide(name, plain)
        pieces += (text[position:start], new.replace('"', '""') if plain != value else new)
        position = end
    return "".join((*pieces, text[position:])) if pieces else text


def _head(text: str, kind: str, secrecy_of: Callable[[str], Secrecy]) -> Head | None:
    declared = kind in _DECLARED
    lines = _lines(text[:_HEADS])
    found = next(((line, end) for line, end in lines if not _RULER.fullmatch(line)), None)
    if found is None:
        return None
    line, end = found
    follows = next((line for line, _ in lines if not _RULER.fullmatch(line)), "")
    commas = sorted(",;\t|", key=line.count, reverse=True)
    comma = commas[0] if line.count(commas[0]) else ","
    cells = [cell.strip(' "\ufeff\t') for cell in line.split(comma)]
    if not declared:
        inside = cells[1:-1] if comma == "|" and not cells[0] and not cells[-1] else cells
        if len(cells) < 2 or not all(map(_CELL.fullmatch, inside)) or follows.count(comma) < line.count(comma):
            return None
    columns = {index: cell for index, cell in enumerate(cells) if cell and secrecy_of(cell)}
    return Head(end, comma, columns) if columns else None


def _lines(text: str) -> Iterator[tuple[str, int]]:
    """Lines that are not empty, and where each ends."""
    position = 0
    for line in text.splitlines(keepends=True):
        position += len(line)
        if line.strip():
            yield line.rstrip("\r\n"), position


def _fields(text: str, head: Head) -> Iterator[tuple[int, int, int]]:
    """The column of each field of a secret column, and where what it holds stands, without quotes and blanks."""
    field = re.compile(
        rf'[ ]*"((?:[^"]|"")*+)"[ ]*(?=[{re.escape(head.comma)}\r\n]|\Z)|[ ]*([^{re.escape(head.comma)}\r\n]*)'
    )
    position, column = head.end, 0
    while position < len(text):
        found = field.match(text, position)
        if found is None:
            return
        if column in head.columns:
            start, end = found.span(found.lastindex or 0)
            if found.lastindex == 2:
                end = start + len(text[start:end].rstrip())
            yield column, start, end
        position = found.end()
        if text[position : position + 1] == head.comma:
            column += 1
        else:
            column = 0
        position += 1
