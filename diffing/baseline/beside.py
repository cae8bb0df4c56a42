"""Which runs of the recorded build were made beside a run: by their names, and by the time they were made."""

from __future__ import annotations

from pathlib import Path

from captures.errors import CaptureError
from captures.model import Session
from captures.store import Capture

NAMES = ("baseline", "control")


def path_beside(run: Path, name: str) -> Path:
    """Where a replay writes the run called ``name``: ``run.baseline.sqlite``."""
    return run.with_name(f"{run.stem}.{name}{run.suffix}")


def runs_beside(run: Path) -> tuple[Path, ...]:
    """Those that were going on at the same time. What an earlier replay left under the name is none."""
    made = _replay(run)
    found: list[Path] = []
    for name in NAMES:
        path = path_beside(run, name)
        other = _replay(path) if path.exists() else None
        if made is None or other is None or not _overlap(made, other):
            break
        found.append(path)
    return tuple(found)


def _replay(path: Path) -> Session | None:
    try:
        with Capture.open(path) as capture:
            return next((one for one in reversed(capture.sessions()) if one.mode == "replay"), None)
    except CaptureError:
        return None


def _overlap(one: Session, other: Session) -> bool:
    ends = [session.ended if session.ended is not None else float("inf") for session in (one, other)]
    return max(one.started, other.started) <= min(ends)
