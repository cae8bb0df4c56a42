"""The file the history is kept in: ``history.sqlite`` in the state folder, the last :data:`KEPT` runs.

One row is one run, as JSON beside the columns people ask for; a run that is judged again takes its row's place. Each
note is one transaction: two replays that end at once wait for each other, and a killed one leaves none or all of it.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from captures.errors import CaptureError
from diffing.history.entry import Entry

NAME = "history.sqlite"
KEPT = 500
"""Runs; older ones go when a new one is noted."""

VERSION = 1
PATIENCE = 10.0  # seconds another replay that is noting its run is waited for

_TABLE = """
CREATE TABLE IF NOT EXISTS run (
    run TEXT PRIMARY KEY,
    at REAL NOT NULL,
    capture TEXT NOT NULL,
    build TEXT NOT NULL,
    tier TEXT NOT NULL,
    verdict TEXT NOT NULL,
    entry TEXT NOT NULL
) WITHOUT ROWID
"""


class HistoryError(CaptureError):
    """The history cannot be read or written; the message says why."""


def note(folder: Path, entry: Entry, *, kept: int = KEPT) -> None:
    """Write ``entry`` into the history in the state folder ``folder``. Raises :class:`HistoryError`."""
    path = folder / NAME
    with _open(path, "rwc") as connection:
        connection.execute("BEGIN IMMEDIATE")
        version = _version(connection, path)
        if version == 0:
            connection.execute(_TABLE)
            connection.execute(f"PRAGMA user_version = {VERSION}")
        connection.execute(
            "INSERT OR REPLACE INTO run (run, at, capture, build, tier, verdict, entry) VALUES (?, ?, ?, ?, ?, ?, ?)",
            (entry.run, entry.at, entry.capture, entry.build.name, entry.tier, entry.verdict, entry.to_json()),
        )
        connection.execute(
            "DELETE FROM run WHERE run NOT IN (SELECT run FROM run ORDER BY at DESC, run LIMIT ?)", (kept,)
        )
        connection.execute("COMMIT")
        path.chmod(0o600)


def last(folder: Path, count: int) -> tuple[Entry, ...]:
    """The last ``count`` runs in the history of the state folder ``folder``, oldest first; none where there is none.

    Raises :class:`HistoryError`.
    """
    path = folder / NAME
    if not path.exists():
        return ()
    with _open(path, "ro") as connection:
        if _version(connection, path) == 0:
            return ()
        rows = connection.execute("SELECT entry FROM run ORDER BY at DESC, run LIMIT ?", (count,)).fetchall()
    return tuple(_entries(path, rows))[::-1]


def noted(folder: Path) -> int:
    """How many runs are in the history. Raises :class:`HistoryError`."""
    path = folder / NAME
    if not path.exists():
        return 0
    with _open(path, "ro") as connection:
        return int(connection.execute("SELECT COUNT(*) FROM run").fetchone()[0]) if _version(connection, path) else 0


def _entries(path: Path, rows: list[tuple[str]]) -> Iterator[Entry]:
    for (text,) in rows:
        try:
            yield Entry.from_json(text)
        except (ValueError, TypeError, KeyError, IndexError) as error:
            raise HistoryError(
                f"The history {path} holds a run that is none.", hint="Move the file away; a new one is begun."
            ) from error


def _version(connection: sqlite3.Connection, path: Path) -> int:
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    if version > VERSION:
        raise HistoryError(
            f"The history {path} was written by a newer version of Retape.", hint="Use that version, or move it away."
        )
    return version


@contextmanager
def _open(path: Path, mode: str) -> Iterator[sqlite3.Connection]:
    try:
        if mode == "rwc" and not path.exists():
            os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))
        with closing(
            sqlite3.connect(f"{path.resolve().as_uri()}?mode={mode}", uri=True, timeout=PATIENCE, isolation_level=None)
        ) as connection:
            yield connection
    except sqlite3.DatabaseError as error:
        hint = "Move the file away; a new one is begun." if "not a database" in str(error) else ""
        raise HistoryError(f"The history {path} cannot be used: {error}.", hint=hint) from error
    except OSError as error:
        raise HistoryError(f"The history {path} cannot be used: {error.strerror}.") from error
