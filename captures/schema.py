"""The capture file, version 2: tables, views, and the one-step migrations between versions.

Identity of the file is in its SQLite header: ``application_id`` says *a Retape capture*, ``user_version`` which
version. Headers and targets are kept as latin-1 text (byte-exact both ways, and readable in any SQLite browser), header
lists as a ``head`` that many exchanges share (``captures.heads``); bodies are content-addressed in ``body`` and packed
with a ``dictionary`` of the capture's own (``captures.bodies``). Times are Unix seconds.

Version 1 had neither heads nor dictionaries. Its rows are right as they are: a writer adds what is missing to such a
file, and who only reads it sees what is missing as empty.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlite3

APPLICATION_ID = 0x52545031  # "RTP1"
VERSION = 2

SHARED = """
CREATE TABLE head (
    id INTEGER PRIMARY KEY,
    lines TEXT NOT NULL               -- JSON [[name, value], ...], latin-1; a number: which of the exchange's values
);
CREATE TABLE head_value (
    id INTEGER PRIMARY KEY,
    value TEXT NOT NULL               -- latin-1; named by its id among an exchange's values
);
CREATE TABLE dictionary (
    id INTEGER PRIMARY KEY,
    made REAL NOT NULL,
    data BLOB NOT NULL                -- of zstd, trained on bodies of this capture
);
"""

TABLES = f"""
CREATE TABLE session (
    id INTEGER PRIMARY KEY,
    mode TEXT NOT NULL,               -- record, replay, import
    started REAL NOT NULL,
    ended REAL,                       -- NULL: still being written, or the writer died
    seen INTEGER NOT NULL DEFAULT 0,
    written INTEGER NOT NULL DEFAULT 0,
    dropped INTEGER NOT NULL DEFAULT 0,
    truncated INTEGER NOT NULL DEFAULT 0,
    redaction_key TEXT,               -- fingerprint of the key, never the key
    meta TEXT NOT NULL DEFAULT '{{}}'   -- JSON: versions, labels, source capture of a run
);
CREATE TABLE body (
    id INTEGER PRIMARY KEY,
    sha256 BLOB NOT NULL,
    size INTEGER NOT NULL,            -- before compression
    codec TEXT NOT NULL,              -- raw, zstd, zstd:N (with dictionary N)
    data BLOB NOT NULL
);
CREATE INDEX body_sha256 ON body(substr(sha256, 1, 4));  -- enough to find one by, at a quarter of the size
{SHARED}CREATE TABLE exchange (
    id INTEGER PRIMARY KEY,
    session INTEGER NOT NULL REFERENCES session(id),
    direction TEXT NOT NULL,          -- inbound, outbound
    protocol TEXT NOT NULL DEFAULT 'http',
    dependency TEXT,
    caused_by INTEGER,                -- inbound exchange in this file; written before its target is, so no REFERENCES
    cause_how TEXT,
    cause_evidence TEXT,
    replay_of INTEGER,                -- exchange id in the source capture of a run
    method TEXT NOT NULL,
    scheme TEXT NOT NULL,
    host TEXT NOT NULL,
    port INTEGER NOT NULL,
    target TEXT NOT NULL,             -- raw, latin-1
    request_version TEXT NOT NULL,
    request_head INTEGER REFERENCES head(id),
    request_headers TEXT NOT NULL,    -- JSON: the values that the head leaves open; without one [[name, value], ...]
    request_body INTEGER REFERENCES body(id),
    request_trailers TEXT,
    status INTEGER,
    reason TEXT,
    response_version TEXT,
    response_head INTEGER REFERENCES head(id),
    response_headers TEXT,            -- as request_headers; NULL: no response
    response_body INTEGER REFERENCES body(id),
    response_trailers TEXT,
    failure TEXT,                     -- kind, see captures.model.FailureKind
    failure_detail TEXT,
    body_truncated INTEGER NOT NULL DEFAULT 0,
    connection TEXT NOT NULL DEFAULT '',
    started REAL NOT NULL,
    request_done REAL,
    response_started REAL,
    ended REAL,
    notes TEXT NOT NULL DEFAULT '{{}}'
);
CREATE INDEX exchange_caused_by ON exchange(caused_by) WHERE caused_by IS NOT NULL;
CREATE INDEX exchange_replay_of ON exchange(replay_of) WHERE replay_of IS NOT NULL;
CREATE INDEX exchange_direction ON exchange(direction);  -- and by id, which each entry ends with
CREATE TABLE message (
    id INTEGER PRIMARY KEY,
    exchange INTEGER NOT NULL REFERENCES exchange(id),
    seq INTEGER NOT NULL,
    from_client INTEGER NOT NULL,
    kind TEXT NOT NULL,               -- text, binary, event, chunk
    at REAL NOT NULL,
    body INTEGER REFERENCES body(id)
);
CREATE INDEX message_exchange ON message(exchange, seq);
CREATE TABLE skipped (
    session INTEGER NOT NULL REFERENCES session(id),
    exchange INTEGER NOT NULL,        -- id in the source capture
    reason TEXT NOT NULL
);
CREATE TABLE decision (
    fingerprint TEXT PRIMARY KEY,
    decision TEXT NOT NULL,           -- accepted, ignored, rejected
    who TEXT,
    at REAL NOT NULL,
    reason TEXT
);
"""


TABLE_NAMES = frozenset(re.findall(r"CREATE TABLE (\w+)", TABLES))


def _lines(side: str) -> str:
    """SQL for the header lines of one side of exchange ``e``: what ``json_each`` makes rows ``l`` of."""
    return f"json_each(COALESCE(h.lines, NULLIF(e.{side}_headers, ''))) l"


def _value(side: str) -> str:
    """SQL for the value of such a line."""
    place = f"e.{side}_headers, '$[' || json_extract(l.value, '$[1]') || ']'"
    return (
        "CASE WHEN json_type(l.value, '$[1]') = 'text' THEN json_extract(l.value, '$[1]') "
        f"WHEN json_type({place}) = 'text' THEN json_extract({place}) "
        f"ELSE (SELECT v.value FROM head_value v WHERE v.id = json_extract({place})) END"
    )


VIEWS = f"""
CREATE VIEW traffic AS
SELECT e.id,
       strftime('%Y-%m-%d %H:%M:%f', e.started, 'unixepoch') AS time,
       e.direction,
       e.method || ' ' || e.target AS request,
       e.scheme || '://' || e.host || ':' || e.port AS server,
       COALESCE(CAST(e.status AS TEXT), 'failed: ' || e.failure) AS outcome,
       ROUND((e.ended - e.started) * 1000, 1) AS milliseconds,
       q.size AS request_bytes,
       p.size AS response_bytes,
       (SELECT {_value("response")} FROM {_lines("response")}
         WHERE lower(json_extract(l.value, '$[0]')) = 'content-type' LIMIT 1) AS response_type,
       e.dependency,
       e.caused_by,
       e.cause_how,
       e.replay_of
FROM exchange e LEFT JOIN head h ON h.id = e.response_head
LEFT JOIN body q ON q.id = e.request_body LEFT JOIN body p ON p.id = e.response_body;
CREATE VIEW outbound_calls AS
SELECT o.id,
       i.method || ' ' || i.target AS caused_by_request,
       o.caused_by,
       o.cause_how,
       o.cause_evidence,
       o.dependency,
       o.method || ' ' || o.target AS call,
       COALESCE(CAST(o.status AS TEXT), 'failed: ' || o.failure) AS outcome,
       ROUND((o.ended - o.started) * 1000, 1) AS milliseconds
FROM exchange o LEFT JOIN exchange i ON i.id = o.caused_by
WHERE o.direction = 'outbound';
CREATE VIEW headers AS
SELECT e.id AS exchange, 'request' AS side, l.key + 1 AS position,
       json_extract(l.value, '$[0]') AS name, {_value("request")} AS value
FROM exchange e LEFT JOIN head h ON h.id = e.request_head, {_lines("request")}
UNION ALL
SELECT e.id, 'response', l.key + 1, json_extract(l.value, '$[0]'), {_value("response")}
FROM exchange e LEFT JOIN head h ON h.id = e.response_head, {_lines("response")};
"""


def _share(connection: sqlite3.Connection) -> None:
    """Version 1 to 2: heads and dictionaries for what is written from now on. Takes no time, whatever the size."""
    for statement in (
        *SHARED.split(";\n")[:-1],
        "ALTER TABLE exchange ADD COLUMN request_head INTEGER REFERENCES head(id)",
        "ALTER TABLE exchange ADD COLUMN response_head INTEGER REFERENCES head(id)",
        *(f"DROP VIEW {name}" for name in ("traffic", "outbound_calls", "headers")),
        *VIEWS.split(";\n")[:-1],
    ):
        connection.execute(statement)


MIGRATIONS: dict[int, Callable[[sqlite3.Connection], None]] = {1: _share}
"""``{n: step}``: ``step`` turns a version-n file into version n+1, inside a transaction."""


def create(connection: sqlite3.Connection) -> None:
    """Lay the current schema into an empty file."""
    connection.executescript(
        f"PRAGMA page_size = 8192; PRAGMA journal_mode = WAL; PRAGMA application_id = {APPLICATION_ID};"
        f"BEGIN; {TABLES} {VIEWS} PRAGMA user_version = {VERSION}; COMMIT;"
    )


def migrate(connection: sqlite3.Connection, version: int) -> None:
    """Bring an older file up to :data:`VERSION`, one step and one transaction at a time."""
    # What the file's first page says may be old: a step may stand in the write-ahead log of a writer that was killed.
    for step in range(max(version, connection.execute("PRAGMA user_version").fetchone()[0]), VERSION):
        connection.execute("BEGIN IMMEDIATE")
        with connection:
            MIGRATIONS[step](connection)
            connection.execute(f"PRAGMA user_version = {step + 1}")


def pretend(connection: sqlite3.Connection, version: int) -> None:
    """Let an older file that may not be changed look as one of :data:`VERSION`, on this connection only."""
    if version >= VERSION:
        return
    connection.execute("PRAGMA temp_store = MEMORY")
    connection.executescript(SHARED.replace("CREATE TABLE", "CREATE TEMP TABLE"))
    connection.execute(
        "CREATE TEMP VIEW exchange AS SELECT *, NULL AS request_head, NULL AS response_head FROM main.exchange"
    )
