"""When a writing process dies: whether another takes its place, and the numbers of all of them together. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from captures.unended import Written
from recorder.relay import total
from recorder.watching.words import LEFT_OUT

MOST, WITHIN = 3, 600.0  # deaths within so many seconds after which another would die as well
SETTLED = ("written", "dropped", *LEFT_OUT)
_ADDED = ("seen", "redacted", "truncated", "dropped_by", *SETTLED)


@dataclass(slots=True)
class Deaths:
    """When writing processes died."""

    times: list[float] = field(default_factory=list)  # monotonic

    def one_more(self, now: float) -> bool:
        """One died at ``now``; whether another shall take its place."""
        self.times = [*(at for at in self.times if now - at < WITHIN), now]
        return len(self.times) <= MOST


def settled(numbers: Mapping[str, Any]) -> int:
    """How many exchanges have come to their end, one way or the other."""
    return sum(numbers.get(name, 0) for name in SETTLED)


def paths_of(numbers: Mapping[str, Any]) -> list[str]:
    """The recording's files that are there, oldest first. One may hold several of its sessions."""
    return list(dict.fromkeys(path for path, _ in numbers.get("files") or ()))


def left_out_of(numbers: Mapping[str, Any]) -> dict[str, int]:
    """What was left out because it was asked for so, for a session's meta."""
    return {name: numbers[name] for name in LEFT_OUT if numbers.get(name)}


def bequest(told: int, last: Mapping[str, Any], found: Written) -> tuple[dict[str, Any], int]:
    """The numbers of a writing process that died, and how many exchanges are lost with it.

    ``told``: how many exchanges had gone to it. ``last``: its latest report, which may be a second old. ``found``: what
    is in the files. What had been chosen to be left out since that report counts as lost.
    """
    kept_no_longer = (last.get("removed") or {}).get("exchanges", 0)
    written = found.written + kept_no_longer
    lost = max(0, told - sum(left_out_of(last).values()) - written - found.dropped)
    dropped = found.dropped + lost
    named = {reason: number for reason, number in (last.get("dropped_by") or {}).items() if number}
    named["writer_died"] = max(0, dropped - sum(named.values()))
    numbers = {name: last[name] for name in _ADDED if name in last} | {
        "seen": written + dropped, "written": written, "dropped": dropped, "truncated": found.truncated,
        "dropped_by": named, "files": [list(one) for one in found.files], "removed": last.get("removed") or {},
    }  # fmt: skip
    return numbers, lost


def together(before: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, Any]:
    """The numbers of those that died, and of the one that writes ``now``."""
    if not before:
        return dict(now)
    added = ("files", "removed", *_ADDED)
    parts = [{name: one[name] for name in added if name in one} for one in (before, now)]
    return {"capture": before["files"][-1][0] if before["files"] else "", **now, **total(parts)}
