"""Texts that come again: from the second time on, each is a row of its own, named by its number."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")

LATELY, LATELY_LENGTH = 4_096, 2_000_000
"""How many texts the writer keeps in mind, in case one comes again, and their characters."""
KEPT = 2_048
"""How many it takes over from the sessions before it, and how many a reader keeps."""


class Recurring:
    """Writes such texts to ``table``, whose other column is ``column``. Not thread-safe: the writer thread's."""

    def __init__(self, connection: sqlite3.Connection, table: str, column: str) -> None:
        self._connection = connection
        self._newest = f"SELECT id, {column} FROM {table} ORDER BY id DESC LIMIT {KEPT}"
        self._insert = f"INSERT INTO {table} ({column}) VALUES (?)"
        self._known: dict[str, int] = {}  # 0: it came once
        self._length = 0

    def put(self, text: str) -> str | int:
        """``text`` itself when it comes for the first time, else the number of its row."""
        known = self._known.get(text)
        if known:
            return known
        if known is None:
            if len(self._known) >= LATELY or self._length > LATELY_LENGTH:
                self._known.clear()
                self._length = 0
            self._known[text] = 0
            self._length += len(text)
            return text
        known = self._known[text] = int(self._connection.execute(self._insert, (text,)).lastrowid or 0)
        return known

    def take_over(self) -> None:
        """Keep in mind what the file has, and nothing else."""
        self._known.clear()
        self._length = 0
        for identity, text in self._connection.execute(self._newest):
            self._known.setdefault(text, identity)
            self._length += len(text)


class NotThere(ValueError):
    """A row that another one names."""


class Recalled(Generic[T]):
    """Reads what :class:`Recurring` wrote, each as ``make`` makes it of the text."""

    def __init__(self, connection: sqlite3.Connection, table: str, column: str, make: Callable[[str], T]) -> None:
        self._connection = connection
        self._table = table
        self._select = f"SELECT {column} FROM {table} WHERE id = ?"
        self._make = make
        self._known: dict[int, T] = {}

    def get(self, identity: int) -> T:
        """Row ``identity``. Raises :class:`NotThere`, and what ``make`` does."""
        known = self._known.get(identity)
        if known is None:
            row = self._connection.execute(self._select, (identity,)).fetchone()
            if row is None:
                raise NotThere(f"{self._table} {identity} is not in the file")
            if len(self._known) >= KEPT:
                self._known.clear()
            known = self._known[identity] = self._make(row[0])
        return known
