"""One line of the budget: what was measured, against what, and what the design asks."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Ratio:
    """A ratio measured in one run. ``ratio`` is None where the peer was not at hand; ``detail`` then says so.

    ``share``: it is a part of a whole and printed in per cent.
    """

    what: str
    peer: str
    ratio: float | None
    goal: str
    detail: str = ""
    share: bool = False


def render(rows: Iterable[Ratio]) -> str:
    """A Markdown table."""
    lines = ["| what | against | ratio | goal | measured |", "|---|---|---|---|---|"]
    for row in rows:
        ratio = "not measured" if row.ratio is None else f"{row.ratio:.1%}" if row.share else f"{row.ratio:.2g} x"
        lines.append(f"| {row.what} | {row.peer} | {ratio} | {row.goal} | {row.detail} |")
    return "\n".join(lines)
