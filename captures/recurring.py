"""Texts that come again: from the second time on, each is a row of its own, named by its number."""

from __future__ import annotations

import sqlite3

LATELY, LATELY_LENGTH = 4_096, 2_000_000
"""How many texts the writer keeps in mind, in case one comes again, and their characters."""
KEPT = 2_048
"""How many it takes over from the sessions before it."""


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
