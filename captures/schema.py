"""The capture file, version 1: tables, views, and the one-step migrations between versions.

Identity of the file is in its SQLite header: ``application_id`` says *a Retape capture*, ``user_version`` which
version. Headers and targets are kept as latin-1 text (byte-exact both ways, and readable in any SQLite browser);
bodies are content-addressed in ``body``. Times are Unix seconds.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlite3

APPLICATION_ID = 0x52545031  # "RTP1"
VERSION = 1

TABLES = """
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
    meta TEXT NOT NULL DEFAULT '{}'   -- JSON: versions, labels, source capture of a run
);
CREATE TABLE body (
    id INTEGER PRIMARY KEY,
    sha256 BLOB NOT NULL UNIQUE,
    size INTEGER NOT NULL,            -- before compression
    codec TEXT NOT NULL,              -- raw, zstd
    data BLOB NOT NULL
);
CREATE TABLE exchange (
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
    request_headers TEXT NOT NULL,    -- JSON [[name, value], ...], latin-1
    request_body INTEGER REFERENCES body(id),
    request_trailers TEXT,
    status INTEGER,
    reason TEXT,
    response_version TEXT,
    response_headers TEXT,
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
    notes TEXT NOT NULL DEFAULT '{}'
);
CREATE INDEX exchange_caused_by ON exchange(caused_by) WHERE caused_by IS NOT NULL;
CREATE INDEX exchange_replay_of ON exchange(replay_of) WHERE replay_of IS NOT NULL;
CREATE INDEX exchange_direction ON exchange(direction, id);
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

VIEWS = """
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
       (SELECT json_extract(h.value, '$[1]') FROM json_each(e.response_headers) h
         WHERE lower(json_extract(h.value, '$[0]')) = 'content-type' LIMIT 1) AS response_type,
       e.dependency,
       e.caused_by,
       e.cause_how,
       e.replay_of
FROM exchange e LEFT JOIN body q ON q.id = e.request_body LEFT JOIN body p ON p.id = e.response_body;
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
SELECT e.id AS exchange, 'request' AS side, h.key + 1 AS position,
       json_extract(h.value, '$[0]') AS name, json_extract(h.value, '$[1]') AS value
FROM exchange e, json_each(e.request_headers) h
UNION ALL
SELECT e.id, 'response', h.key + 1, json_extract(h.value, '$[0]'), json_extract(h.value, '$[1]')
FROM exchange e, json_each(e.response_headers) h WHERE e.response_headers IS NOT NULL;
"""

MIGRATIONS: dict[int, Callable[[sqlite3.Connection], None]] = {}
"""``{n: step}``: ``step`` turns a version-n file into version n+1. Empty while version 1 is the newest."""


def create(connection: sqlite3.Connection) -> None:
    """Lay the current schema into an empty file."""
    connection.executescript(
        f"PRAGMA page_size = 8192; PRAGMA journal_mode = WAL; PRAGMA application_id = {APPLICATION_ID};"
        f"BEGIN; {TABLES} {VIEWS} PRAGMA user_version = {VERSION}; COMMIT;"
    )


def migrate(connection: sqlite3.Connection, version: int) -> None:
    """Bring an older file up to :data:`VERSION`, one step and one transaction at a time."""
    for step in range(version, VERSION):
        with connection:
            MIGRATIONS[step](connection)
            connection.execute(f"PRAGMA user_version = {step + 1}")
