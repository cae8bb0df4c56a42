"""What changed since an earlier run: groups by their fingerprints, which values and commits do not move. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from captures.wording import counted
from diffing.model import Group, Result

_PASSED = ("accepted", "ignored")


@dataclass(frozen=True, slots=True)
class Since:
    """Open groups of this run that the earlier one had not, and how many of that one's are open no more."""

    new: tuple[Group, ...]
    gone: int
    kept: int
    verdict: str  # of the earlier run; one of ours

    @property
    def sentence(self) -> str:
        """``2 new groups, 1 gone, 5 as before``."""
        parts = [counted(len(self.new), "new group") if self.new else "", f"{self.gone:,} gone" if self.gone else ""]
        parts.append(f"{self.kept:,} as before" if self.kept else "")
        return ", ".join(filter(None, parts)) or "no group then, none now"


def since(earlier: Mapping[str, Any], result: Result) -> Since:
    """``earlier``: a JSON report."""
    before = {
        group["fingerprint"]
        for group in earlier["groups"]
        if group.get("decision") not in _PASSED and group.get("origin") not in ("stale capture", "flaky")
    }
    now = [group for group in result.groups if group.open]
    verdict = earlier.get("verdict")
    return Since(
        tuple(group for group in now if group.fingerprint not in before),
        len(before - {group.fingerprint for group in now}),
        sum(group.fingerprint in before for group in now),
        verdict if verdict in ("clean", "drift", "inconclusive") else "",
    )
