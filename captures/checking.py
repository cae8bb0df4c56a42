"""Whether each row of a capture says what a recording can say: ``retape capture verify``.

SQLite has no check sums and lets any value stand in any column. Bodies are checked against their SHA-256
(:meth:`captures.store.Capture.damage`); here are the rows that name them: types, times, header lists, notes.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator

from captures.rows import COLUMNS, from_row
from captures.store import Capture

MOST = 20
"""Complaints of one kind that are told."""


def damaged_exchanges(capture: Capture, told: Callable[[int], None] = lambda count: None) -> Iterator[str]:
    """A sentence for each exchange that cannot be read, :data:`MOST` at most, and the number of the others."""
    heads = capture.head_reader()
    more = 0
    rows = capture.rows(f"SELECT {', '.join(COLUMNS)} FROM exchange WHERE id <= ? ORDER BY id", [capture.newest])
    for count, row in enumerate(rows, 1):
        told(count)
        try:
            from_row(row, b"", b"", heads)
        except (ValueError, TypeError, AttributeError, KeyError, OverflowError, sqlite3.Error) as error:
            more += 1
            if more <= MOST:
                yield f"exchange {row[0]}: {error}"
    if more > MOST:
        yield f"{more - MOST:,} more exchanges cannot be read"
