"""Older capture files: the one-step migrations that a writer makes, and how they are read as they are.

Version 1 had neither heads nor dictionaries. Its rows are right as they are, so that is no work (``_share``). Up to
version 2 ``exchange`` was a table, with each value in the row of each exchange; it is written anew (``_pack``: about a
second for a hundred thousand), and its pages are used for what comes. Bodies stay as they are. Who only reads such a
file finds in that table what the view has now.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from captures import schema
from captures.columns import EXCHANGE, KIND
from captures.packing import COLUMNS, microseconds

if TYPE_CHECKING:
    import sqlite3

_VIEWS = ("traffic", "outbound_calls", "headers")


def _share(connection: sqlite3.Connection) -> None:
    """Version 1 to 2: heads and dictionaries for what is written from now on. Takes no time, whatever the size."""
    for statement in (
        *schema.SHARED.split(";\n")[:-1],
        "ALTER TABLE exchange ADD COLUMN request_head INTEGER REFERENCES head(id)",
        "ALTER TABLE exchange ADD COLUMN response_head INTEGER REFERENCES head(id)",
        *(f"DROP VIEW {name}" for name in _VIEWS),
        *schema.READABLE.split(";\n")[:-1],
    ):
        connection.execute(statement)


def _pack(connection: sqlite3.Connection) -> None:
    """Version 2 to 3: the rows of exchanges in their new form; times to the microsecond."""
    connection.create_function("microseconds", 1, lambda at: None if at is None else microseconds(at))
    kind = ", ".join(KIND)
    started = "microseconds(e.started)"
    packed = {
        "kind": "k.id",
        "started": f"{started} - CAST(s.started AS INTEGER) * 1000000",
        **{name: f"microseconds(e.{name}) - {started}" for name in ("request_done", "response_started", "ended")},
        "notes": "NULLIF(e.notes, '{}')",
    }
    chosen = ", ".join(packed.get(column, f"e.{column}") for column in COLUMNS)
    for statement in (
        *(f"DROP VIEW IF EXISTS {name}" for name in _VIEWS),
        "ALTER TABLE message RENAME TO message_2",
        "DROP INDEX message_exchange",
        *schema.PACKED.split(";\n")[:-1],
        "INSERT INTO message SELECT id, exchange, seq, from_client, kind, at, body FROM message_2 ORDER BY id",
        "DROP TABLE message_2",
        f"INSERT INTO kind ({kind}) SELECT DISTINCT {kind} FROM exchange",
        "CREATE INDEX kind_2 ON kind(method, host, port, status, dependency, direction, cause_how)",
        f"INSERT INTO packed_exchange ({', '.join(COLUMNS)}) SELECT {chosen} FROM exchange e"
        f" LEFT JOIN kind k ON {' AND '.join(f'k.{column} IS e.{column}' for column in KIND)}"
        " LEFT JOIN session s ON s.id = e.session ORDER BY e.id",
        "DROP INDEX kind_2",
        "DROP TABLE exchange",
        *schema.EXCHANGE_VIEW.split(";\n")[:-1],
        *schema.READABLE.split(";\n")[:-1],
    ):
        connection.execute(statement)


MIGRATIONS: dict[int, Callable[[sqlite3.Connection], None]] = {1: _share, 2: _pack}
"""``{n: step}``: ``step`` turns a version-n file into version n+1, inside a transaction."""


def migrate(connection: sqlite3.Connection, version: int) -> None:
    """Bring an older file up to :data:`captures.schema.VERSION`, one step and one transaction at a time."""
    # What the file's first page says may be old: a step may stand in the write-ahead log of a writer that was killed.
    for step in range(max(version, connection.execute("PRAGMA user_version").fetchone()[0]), schema.VERSION):
        connection.execute("BEGIN IMMEDIATE")
        with connection:
            MIGRATIONS[step](connection)
            connection.execute(f"PRAGMA user_version = {step + 1}")


def pretend(connection: sqlite3.Connection, version: int) -> None:
    """Let ``exchange`` be what readers expect, on this connection only, whatever the file says of it.

    An older file that may not be changed looks as the present one; a view of that name in a present one may be of
    another's making, and is passed by.
    """
    if version == 1:
        connection.execute("PRAGMA temp_store = MEMORY")
        connection.executescript(schema.SHARED.replace("CREATE TABLE", "CREATE TEMP TABLE"))
        columns = ", ".join(f"NULL AS {name}" if name.endswith("_head") else name for name in EXCHANGE)
        connection.execute(f"CREATE TEMP VIEW exchange AS SELECT {columns} FROM main.exchange")
    elif version >= schema.VERSION:
        connection.executescript(schema.EXCHANGE_VIEW.replace("CREATE VIEW", "CREATE TEMP VIEW"))
