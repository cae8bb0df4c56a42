"""The capture file, version 3: its tables and views. How older files become one is in ``captures.migrations``.

Identity of the file is in its SQLite header: ``application_id`` says *a Retape capture*, ``user_version`` which
version. Headers and targets are kept as latin-1 text (byte-exact both ways, and readable in any SQLite browser), header
lists as a ``head`` that many exchanges share (``captures.heads``); bodies are content-addressed in ``body`` and packed
with a ``dictionary`` of the capture's own (``captures.bodies``).

The rows of exchanges are in ``packed_exchange`` (``captures.packing``): what many have in common is one row of
``kind``, times are counted from the session's start. The view ``exchange`` says the same in one row of plain columns,
times in Unix seconds; whoever reads, reads that. SQLite puts it together while it reads, for about a microsecond.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from captures.columns import EXCHANGE, KIND

if TYPE_CHECKING:
    import sqlite3

APPLICATION_ID = 0x52545031  # "RTP1"
VERSION = 3

SHARED = """
CREATE TABLE head (
    id INTEGER PRIMARY KEY,
    lines TEXT NOT NULL               -- JSON [[name, value], ...], latin-1; a number in place of a value: which of
                                      -- the exchange's; in place of a line: the row of head_line that has it
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

PACKED = """
CREATE TABLE head_line (
    id INTEGER PRIMARY KEY,
    line TEXT NOT NULL                -- JSON [name, value]: named by its id in the lines of heads
);
CREATE TABLE kind (                   -- what many exchanges have in common
    id INTEGER PRIMARY KEY,
    direction TEXT NOT NULL,          -- inbound, outbound
    protocol TEXT NOT NULL,
    dependency TEXT,
    cause_how TEXT,
    method TEXT NOT NULL,
    scheme TEXT NOT NULL,
    host TEXT NOT NULL,
    port INTEGER NOT NULL,
    request_version TEXT NOT NULL,
    status INTEGER,
    reason TEXT,
    response_version TEXT,
    failure TEXT,                     -- see captures.model.FailureKind
    body_truncated INTEGER NOT NULL
);
CREATE TABLE phrase (
    id INTEGER PRIMARY KEY,
    text TEXT NOT NULL                -- of a note or an evidence that came more than once
);
CREATE TABLE packed_exchange (
    id INTEGER PRIMARY KEY,
    session INTEGER NOT NULL REFERENCES session(id),
    kind INTEGER NOT NULL REFERENCES kind(id),
    caused_by INTEGER,                -- inbound exchange in this file; written before its target is, so no REFERENCES
    cause_evidence,                   -- text; a number: the row of phrase that has it
    replay_of INTEGER,                -- exchange id in the source capture of a run
    target TEXT NOT NULL,             -- raw, latin-1
    request_head INTEGER REFERENCES head(id),
    request_headers TEXT NOT NULL,    -- JSON: the values that the head leaves open; without one [[name, value], ...]
    request_body INTEGER REFERENCES body(id),
    request_trailers TEXT,
    response_head INTEGER REFERENCES head(id),
    response_headers TEXT,            -- as request_headers; NULL: no response
    response_body INTEGER REFERENCES body(id),
    response_trailers TEXT,
    failure_detail,                   -- as cause_evidence
    connection TEXT NOT NULL,
    started INTEGER NOT NULL,         -- microseconds from the whole second in which its session started
    request_done INTEGER,             -- microseconds after started, as the two that follow
    response_started INTEGER,
    ended INTEGER,
    notes                             -- JSON, as cause_evidence; NULL: {}
);
CREATE INDEX packed_exchange_caused_by ON packed_exchange(caused_by) WHERE caused_by IS NOT NULL;
CREATE INDEX packed_exchange_replay_of ON packed_exchange(replay_of) WHERE replay_of IS NOT NULL;
CREATE TABLE message (
    id INTEGER PRIMARY KEY,
    exchange INTEGER NOT NULL,        -- may be written before its exchange is, so no REFERENCES
    seq INTEGER NOT NULL,
    from_client INTEGER NOT NULL,
    kind TEXT NOT NULL,               -- text, binary, event, chunk
    at REAL NOT NULL,                 -- Unix seconds
    body INTEGER REFERENCES body(id)
);
CREATE INDEX message_exchange ON message(exchange, seq);
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
    sha256 BLOB NOT NULL,             -- its first 16 bytes (of what version 2 wrote, all)
    size INTEGER NOT NULL,            -- before compression
    codec NOT NULL,                   -- raw, zstd; a number: zstd with that dictionary
    data BLOB NOT NULL
);
CREATE INDEX body_sha256 ON body(substr(sha256, 1, 4));  -- enough to find one by, at a quarter of the size
{SHARED}{PACKED}CREATE TABLE skipped (
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


_SHARED_LINE = "LEFT JOIN head_line g ON l.type = 'integer' AND g.id = l.value"
_LINE = "COALESCE(g.line, l.value)"
_NAME = f"json_extract({_LINE}, '$[0]')"


def _value(side: str, line: str = _LINE) -> str:
    """SQL for the value of such a line."""
    place = f"e.{side}_headers, '$[' || json_extract({line}, '$[1]') || ']'"
    return (
        f"CASE WHEN json_type({line}, '$[1]') = 'text' THEN json_extract({line}, '$[1]') "
        f"WHEN json_type({place}) = 'text' THEN json_extract({place}) "
        f"ELSE (SELECT v.value FROM head_value v WHERE v.id = json_extract({place})) END"
    )


def _phrase(column: str) -> str:
    """SQL for a text that may be a row of ``phrase``; a blob, which passes for no text, where that is not there."""
    lookup = f"COALESCE((SELECT p.text FROM phrase p WHERE p.id = x.{column}), x'')"
    return f"CASE typeof(x.{column}) WHEN 'integer' THEN {lookup} ELSE x.{column} END"


def _moment(column: str) -> str:
    """SQL for a time in Unix seconds; what is no time stays what it is, so that it is seen."""
    after = "" if column == "started" else f" + x.{column}"
    return (
        f"CASE WHEN typeof(s.started) <> 'real' THEN NULL WHEN typeof(x.{column}) = 'integer' "
        f"THEN (CAST(s.started AS INTEGER) * 1000000 + x.started{after}) / 1e6 ELSE x.{column} END"
    )


_COMPUTED = {
    **{column: f"k.{column}" for column in KIND},
    **{column: _phrase(column) for column in ("cause_evidence", "failure_detail")},
    **{column: _moment(column) for column in ("started", "request_done", "response_started", "ended")},
    "notes": f"COALESCE({_phrase('notes')}, '{{}}')",
}
# LEFT JOIN: an exchange whose kind or session is not there is seen, and refused by who reads it.
EXCHANGE_VIEW = f"""
CREATE VIEW exchange AS
SELECT {", ".join(f"{_COMPUTED.get(column, f'x.{column}')} AS {column}" for column in EXCHANGE)}
FROM packed_exchange x LEFT JOIN kind k ON k.id = x.kind LEFT JOIN session s ON s.id = x.session;
"""

READABLE = f"""
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
       (SELECT {_value("response", "l.value")} FROM {_lines("response")}
         WHERE lower(json_extract(l.value, '$[0]')) = 'content-type' LIMIT 1) AS response_type,
       e.dependency,
       e.caused_by,
       e.cause_how,
       e.replay_of
FROM exchange e LEFT JOIN head h ON h.id = e.response_head
LEFT JOIN body q ON q.id = e.request_body LEFT JOIN body p ON p.id = e.response_body;
CREATE VIEW outbound_calls AS
SELECT o.id,
       (SELECT i.method || ' ' || i.target FROM exchange i WHERE i.id = o.caused_by) AS caused_by_request,
       o.caused_by,
       o.cause_how,
       o.cause_evidence,
       o.dependency,
       o.method || ' ' || o.target AS call,
       COALESCE(CAST(o.status AS TEXT), 'failed: ' || o.failure) AS outcome,
       ROUND((o.ended - o.started) * 1000, 1) AS milliseconds
FROM exchange o
WHERE o.direction = 'outbound';
CREATE VIEW headers AS
SELECT e.id AS exchange, 'request' AS side, l.key + 1 AS position,
       {_NAME} AS name, {_value("request")} AS value
FROM exchange e LEFT JOIN head h ON h.id = e.request_head, {_lines("request")} {_SHARED_LINE}
UNION ALL
SELECT e.id, 'response', l.key + 1, {_NAME}, {_value("response")}
FROM exchange e LEFT JOIN head h ON h.id = e.response_head, {_lines("response")} {_SHARED_LINE};
"""


def create(connection: sqlite3.Connection) -> None:
    """Lay the current schema into an empty file."""
    connection.executescript(
        f"PRAGMA page_size = 8192; PRAGMA journal_mode = WAL; PRAGMA application_id = {APPLICATION_ID};"
        f"BEGIN; {TABLES} {EXCHANGE_VIEW} {READABLE} PRAGMA user_version = {VERSION}; COMMIT;"
    )
