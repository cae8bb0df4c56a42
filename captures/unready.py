"""Requests that came before the recorded service listened: a health check, a client that tries until somebody answers.

A build that is replayed is asked when it is ready, so their failures say nothing of it. Known only where the recorder
started the service itself; one that never answered keeps them, for that is all that was recorded of it. Pure reading.
"""

from __future__ import annotations

from collections.abc import Iterable

from captures.model import FailureKind, Session
from captures.store import Capture
from captures.wording import counted


def unready(capture: Capture, sessions: Iterable[Session]) -> frozenset[int]:
    """Their ids: of each session what was refused before the first request that got an answer."""
    found: set[int] = set()
    for session in sessions:
        if session.mode == "replay" or not session.meta.get("command"):
            continue
        where = f"FROM exchange WHERE direction = 'inbound' AND session = {session.id}"
        first = next(capture.query(f"SELECT id {where} AND status IS NOT NULL ORDER BY id LIMIT 1"), None)
        if first is not None:
            refused = f"{where} AND id < {first['id']} AND failure = '{FailureKind.CONNECT.value}'"
            found.update(row["id"] for row in capture.query(f"SELECT id {refused}"))
    return frozenset(found)


def sentence(count: int) -> str:
    """What is said of ``count`` of them."""
    return f"{counted(count, 'request')} came before the recorded service listened, and no judgement is passed on them."
