"""Sessions whose writer was killed: what others know of them is put into their rows, so that no loss goes uncounted."""

from __future__ import annotations

import glob
import json
import os
import sqlite3
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from captures.capture_file import be_one_file, give_up_lock, lock_capture, open_for_writing
from captures.errors import CaptureError
from captures.model import Session
from captures.store import Capture

_POINT_NOWHERE = """
UPDATE packed_exchange AS x SET caused_by = NULL, cause_evidence = (
    SELECT COALESCE(e.cause_evidence, '') || '; exchange ' || x.caused_by || ' was lost with the writing process'
    FROM exchange e WHERE e.id = x.id
)
WHERE session = ?1 AND caused_by IS NOT NULL
    AND NOT EXISTS (SELECT 1 FROM packed_exchange cause WHERE cause.id = x.caused_by)
"""


@dataclass(frozen=True, slots=True)
class Written:
    """What a writer that was killed has left: its sessions, and their counters together."""

    files: tuple[tuple[str, int], ...]  # path and session, oldest first
    unended: frozenset[tuple[str, int]]  # those of them without an end
    written: int
    dropped: int
    truncated: int


def left_by(recording: str, base: Path, others: Iterable[str] = (), known: Collection[tuple[str, int]] = ()) -> Written:
    """What is there of ``recording`` (``recording`` in the sessions' meta), beside the sessions that are ``known``.

    It is looked for at ``base``, at the names of files that follow it, and at ``others``.
    """
    sessions = [(path, one) for path, one in sessions_of(recording, base, others) if (str(path), one.id) not in known]
    return Written(
        tuple((str(path), one.id) for path, one in sessions),
        frozenset((str(path), one.id) for path, one in sessions if one.ended is None),
        sum(one.written for _, one in sessions),
        sum(one.dropped for _, one in sessions),
        sum(one.truncated for _, one in sessions),
    )


def complete(written: Written, ended: float, lost: int, meta: Mapping[str, Any]) -> None:
    """End the sessions of ``written`` that have no end; the newest gets ``meta``, and ``lost`` more exchanges dropped.

    Raises :class:`CaptureError` or ``sqlite3.Error`` where a file cannot be written.
    """
    for file in written.files:
        is_newest = file == written.files[-1]
        if file not in written.unended and not (is_newest and lost):
            continue
        path, session = Path(file[0]), file[1]
        lock = lock_capture(path)
        try:
            connection, descriptor = open_for_writing(path)
            try:
                _complete(connection, session, ended, lost * is_newest, meta if is_newest else {})
                be_one_file(connection)
            finally:
                connection.close()
                os.close(descriptor)
        finally:
            give_up_lock(lock)


def _complete(connection: sqlite3.Connection, session: int, ended: float, lost: int, more: Mapping[str, Any]) -> None:
    (text,) = connection.execute("SELECT meta FROM session WHERE id = ?", (session,)).fetchone()
    connection.execute(_POINT_NOWHERE, (session,))
    connection.execute(
        "UPDATE session SET ended = COALESCE(ended, ?), seen = written + dropped + ?, dropped = dropped + ?, meta = ?"
        " WHERE id = ?",
        (ended, lost, lost, json.dumps({**json.loads(text), **more}, ensure_ascii=False), session),
    )
    connection.commit()


def sessions_of(recording: str, base: Path, others: Iterable[str] = ()) -> list[tuple[Path, Session]]:
    """The sessions of ``recording``, with their files, oldest first; see :func:`left_by`."""
    following = base.parent.glob(f"{glob.escape(base.stem)}-*{glob.escape(base.suffix)}")
    found: list[tuple[Path, Session]] = []
    for path in {one.resolve(): one for one in (*map(Path, others), *following, base)}.values():
        try:
            with Capture.open(path) as capture:
                sessions = capture.sessions()
        except CaptureError:  # it is gone, or somebody else's
            continue
        theirs = [one for one in sessions if one.meta.get("recording") == recording]
        found += [(path, one) for one in theirs]
    return sorted(found, key=lambda one: one[1].started)
