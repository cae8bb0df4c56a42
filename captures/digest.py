"""What a capture holds, as one digest: equal for every copy of the same traffic, whatever the file's pages look like.

Runs of one capture that were made on different machines belong together only if the capture was the same, and copying,
compacting or opening a SQLite file changes its bytes.
"""

from __future__ import annotations

import hashlib
import json

from captures.packing import microseconds
from captures.store import Capture, reading

_ROWS = (
    "SELECT e.id, e.session, e.direction, e.method, e.scheme, e.host, e.port, e.target, e.status, e.failure,"
    " e.started, e.caused_by, e.request_headers, e.response_headers,"
    " e.request_head, e.response_head, hex(substr(q.sha256, 1, 16)) AS asked,"
    " hex(substr(p.sha256, 1, 16)) AS answered"
    " FROM exchange e LEFT JOIN body q ON q.id = e.request_body LEFT JOIN body p ON p.id = e.response_body"
    " ORDER BY e.id"
)


_MESSAGES = (
    "SELECT m.exchange, m.seq, m.from_client, m.kind, m.at, hex(substr(b.sha256, 1, 16)) AS said"
    " FROM message m LEFT JOIN body b ON b.id = m.body ORDER BY m.exchange, m.seq"
)


def digest(capture: Capture) -> str:
    """SHA-256 (hex) over every exchange and message of ``capture``: one pass, some microseconds for each."""
    found = hashlib.sha256()
    heads = capture.head_reader()
    for row in capture.query(_ROWS):
        for side in ("request", "response"):  # as they were, not as the file happens to share them
            with reading(capture.path):
                row["started"] = microseconds(row["started"])
                row[f"{side}_headers"] = heads.text(row.pop(f"{side}_head"), row[f"{side}_headers"])
        found.update(json.dumps(list(row.values()), separators=(",", ":")).encode("utf-8", "surrogatepass"))
        found.update(b"\n")
    for row in capture.query(_MESSAGES):
        found.update(json.dumps(list(row.values()), separators=(",", ":")).encode() + b"\n")
    return found.hexdigest()
