"""How a run was judged, noted in the run itself: which drift groups the repository's rules file had decided about then.

Written after the verdict, and read for people alone (``retape capture stats``), never for a verdict: a run comes from
wherever it was replayed and nobody reviews it, so what it says of itself makes nothing pass.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from captures.store import Capture


@dataclass(frozen=True, slots=True)
class Decided:
    """One drift group that somebody had decided about."""

    fingerprint: str
    decision: str  # accepted, rejected
    who: str = ""
    reason: str = ""


def said_by(run: Capture) -> tuple[Decided, ...]:
    """What ``run`` says was decided when it was judged last, for people to read."""
    rows = run.query("SELECT fingerprint, decision, who, reason FROM decision ORDER BY decision, fingerprint")
    return tuple(Decided(row["fingerprint"], row["decision"], row["who"] or "", row["reason"] or "") for row in rows)


def note(run: Path, decided: Iterable[Decided], at: float) -> str:
    """Replace what ``run`` says by ``decided``, as of ``at`` (Unix seconds); why that failed as one sentence, or ""."""
    rows = [(one.fingerprint, one.decision, one.who or None, at, one.reason or None) for one in decided]
    try:
        with closing(sqlite3.connect(f"{run.resolve().as_uri()}?mode=rw", uri=True)) as file, file:
            file.execute("DELETE FROM decision")
            columns = "fingerprint, decision, who, at, reason"
            file.executemany(f"INSERT OR REPLACE INTO decision ({columns}) VALUES (?, ?, ?, ?, ?)", rows)
    except (OSError, sqlite3.Error) as error:
        return f"{run} does not say what was decided: {error}."
    return ""
