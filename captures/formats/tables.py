"""Comma- and tab-separated tables (RFC 4180) as arrays of objects, or of arrays where there is no row of names."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from typing import Any

_DATA = re.compile(r"(?=\D*\d)\s*+[-+]?[\d.,:/ %-]*+")


def read_tables(texts: Sequence[str], media_type: str) -> list[Any]:
    """The rows of each text, read alike. Cells stay text.

    The first rows are names when that is plausible in all of them: at least one more row, all rows of one length,
    names unique, not empty and not numbers. Raises ``ValueError`` for broken quoting.
    """
    delimiter = _delimiter(texts, media_type)
    tables = [_rows(text, delimiter) for text in texts]
    if not all(_has_names(rows) for rows in tables):
        return list(tables)
    return [[dict(zip(rows[0], row, strict=True)) for row in rows[1:]] for rows in tables]


def _delimiter(texts: Sequence[str], media_type: str) -> str:
    if media_type == "text/tab-separated-values":
        return "\t"
    first = texts[0].lstrip().partition("\n")[0]
    return max(",;\t|", key=lambda mark: (first.count(mark), mark == ","))


def _rows(text: str, delimiter: str) -> list[list[str]]:
    try:
        return list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))
    except csv.Error as error:
        raise ValueError(f"no table: {error}") from error


def _has_names(rows: list[list[str]]) -> bool:
    if len(rows) < 2:
        return False
    names = rows[0]
    return (
        all(name and not _DATA.fullmatch(name) for name in names)
        and len(set(names)) == len(names)
        and all(len(row) == len(names) for row in rows)
    )
