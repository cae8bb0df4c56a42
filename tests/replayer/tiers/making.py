"""Covers made up, in letters."""

from __future__ import annotations

from typing import Any

from replayer.tiers.cover import Cover, Step


def step(exchange: int, endpoint: str = "GET /x", **other: Any) -> Step:
    """A read that was answered, needs nothing, and shows what has its own number."""
    usual: dict[str, Any] = {"outcome": "200", "writes": False, "fails": False, "shows": (exchange,)}
    return Step(exchange, endpoint, **{**usual, **other})


def cover(*steps: Step, recorded: dict[str, int] | None = None) -> Cover:
    """A cover of ``steps``; every endpoint was recorded ten times."""
    highest = max((at for one in steps for at in one.shows), default=-1)
    traits = tuple(("answer", f"trait {at}") for at in range(highest + 1))
    return Cover(tuple(steps), traits, recorded or {one.endpoint: 10 for one in steps})
