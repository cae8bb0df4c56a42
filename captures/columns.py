"""What each column of a capture file may hold: SQLite itself lets any value stand in any column.

A file that another program changed is told of here, by column, instead of where the value is first used.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, cast

LATEST = 253_402_300_800.0
"""The year 10000 in Unix seconds: no calendar that Retape prints times with goes on after it."""

_FORMS: Mapping[str, tuple[type, ...]] = {
    "a whole number": (int,),
    "a number": (float, int),
    "text": (str,),
}
EXCHANGE: Mapping[str, tuple[str, bool]] = {  # column: what it holds, whether it may be NULL
    "id": ("a whole number", False),
    "session": ("a whole number", False),
    "direction": ("text", False),
    "protocol": ("text", False),
    "dependency": ("text", True),
    "caused_by": ("a whole number", True),
    "cause_how": ("text", True),
    "cause_evidence": ("text", True),
    "replay_of": ("a whole number", True),
    "method": ("text", False),
    "scheme": ("text", False),
    "host": ("text", False),
    "port": ("a whole number", False),
    "target": ("text", False),
    "request_version": ("text", False),
    "request_head": ("a whole number", True),
    "request_headers": ("text", False),
    "request_body": ("a whole number", True),
    "request_trailers": ("text", True),
    "status": ("a whole number", True),
    "reason": ("text", True),
    "response_version": ("text", True),
    "response_head": ("a whole number", True),
    "response_headers": ("text", True),
    "response_body": ("a whole number", True),
    "response_trailers": ("text", True),
    "failure": ("text", True),
    "failure_detail": ("text", True),
    "body_truncated": ("a whole number", False),
    "connection": ("text", False),
    "started": ("a number", False),
    "request_done": ("a number", True),
    "response_started": ("a number", True),
    "ended": ("a number", True),
    "notes": ("text", False),
}
KIND = (
    "direction protocol dependency cause_how method scheme host port request_version status reason response_version "
    "failure body_truncated"
).split()
"""Those of them that many exchanges have in common."""
SESSION: Mapping[str, tuple[str, bool]] = {
    "id": ("a whole number", False),
    "mode": ("text", False),
    "started": ("a number", False),
    "ended": ("a number", True),
    "seen": ("a whole number", False),
    "written": ("a whole number", False),
    "dropped": ("a whole number", False),
    "truncated": ("a whole number", False),
    "redaction_key": ("text", True),
    "meta": ("text", False),
}
MESSAGE: Mapping[str, tuple[str, bool]] = {
    "exchange": ("a whole number", False),
    "seq": ("a whole number", False),
    "from_client": ("a whole number", False),
    "kind": ("text", False),
    "at": ("a number", False),
    "body": ("a whole number", True),
}
META_ROWS: Mapping[str, tuple[type, ...]] = {
    "bindings": (str, object),
    "named_bindings": (str, str, str, str),
    "handed_over": (str, str),
    "withheld": (int, int),
    "source_sessions": (int, object),
    "spans": (int, int),
}
"""What the rows of these lists in a session's meta hold."""
_TABLES = {"exchange": EXCHANGE, "session": SESSION, "message": MESSAGE}


@lru_cache(maxsize=512)  # the rows of a file have a handful of such tuples
def check_types(table: str, types: tuple[type, ...]) -> None:
    """Raise ``ValueError`` where a column of ``table`` holds another type than it may; ``types`` are in its order."""
    for (column, (form, optional)), kind in zip(_TABLES[table].items(), types, strict=False):
        if kind is type(None):
            if not optional:
                raise ValueError(f"{table}.{column} is empty")
        elif kind not in _FORMS[form]:
            raise ValueError(f"{table}.{column} is not {form}")


def check_time(place: str, *times: float | None) -> None:
    """Raise ``ValueError`` for a time before 1970 or after the year 9999."""
    for time in times:
        if time is not None and not 0 <= time < LATEST:
            raise ValueError(f"{place} holds a time that no clock shows")


def json_object(place: str, text: str) -> dict[str, Any]:
    """The JSON object that ``text`` is. Raises ``ValueError`` naming ``place`` where it is anything else."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{place} is not JSON") from error
    if not isinstance(value, dict):
        raise ValueError(f"{place} is not a JSON object")
    return value


def check_meta(meta: Mapping[str, Any]) -> None:
    """Raise ``ValueError`` where what a session says of itself has not the form that its readers go by."""
    for key in ("inconclusive", "notes", "enforced", "command", "options"):
        if not isinstance(meta.get(key) or [], list):
            raise ValueError(f"session.meta names no list under {key}")
    for key in META_ROWS:
        _check_rows(key, meta.get(key))
    if not all(isinstance(words, list) for words in meta.get("options") or ()):
        raise ValueError("session.meta names no lists of words under options")
    for key in ("clock", "last_id"):
        if type(meta.get(key) or 0.0) not in (int, float):
            raise ValueError(f"session.meta names no number under {key}")
    shards = meta.get("shards") or {}
    whole = isinstance(shards, dict) and all(
        number.isdecimal() and isinstance(shard, dict) and type(shard.get("started")) in (int, float)
        for number, shard in shards.items()
    )
    if not whole:
        raise ValueError("session.meta names no shards under shards")
    for shard in shards.values():
        for key in ("bindings", "named_bindings", "handed_over"):
            _check_rows(key, shard.get(key))
    given = meta.get("dependencies") or {}
    entries = given.values() if isinstance(given, dict) else given if isinstance(given, list) else [None]
    if not all(isinstance(entry, dict) for entry in entries):
        raise ValueError("session.meta names no dependencies under dependencies")


def _check_rows(key: str, rows: object) -> None:
    types = META_ROWS[key]
    if not isinstance(rows or [], list):
        raise ValueError(f"session.meta names no list under {key}")
    for row in cast("list[object]", rows or []):
        if not isinstance(row, list) or len(row) != len(types) or not all(map(isinstance, row, types)):
            raise ValueError(f"session.meta names no {'pairs' if len(types) == 2 else 'rows'} under {key}")
