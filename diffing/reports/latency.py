"""The latency view: what was measured where the recorded build ran beside the new one, or why nothing was. Pure."""

from __future__ import annotations

from typing import Any

from captures.visible import visible
from diffing.baseline.measured import Distribution, Measured
from diffing.model import Result

ENDPOINTS = 500  # drawn; those that differ come first
NOT_COMPARED = (
    "Latency was not compared: the recording was measured on another machine, on another day. "
    "It needs the recorded build beside the new one: retape replay … --baseline-cmd CMD."
)
NONE_ALIKE = "The baseline ran beside the new build, but no endpoint has answers of both that are alike."


def view(result: Result) -> dict[str, Any]:
    """The data of the view; ``rows`` is empty where ``why`` says that nothing was compared."""
    if result.latency is None:
        return {"why": NOT_COMPARED, "rows": []}
    groups = {group.endpoint: group.fingerprint for group in result.groups if group.location == "performance"}
    return {
        "why": "" if result.latency else NONE_ALIKE,
        "rows": [_row(one, groups.get(one.endpoint)) for one in result.latency[:ENDPOINTS]],
        "more": max(0, len(result.latency) - ENDPOINTS),
    }


def _row(one: Measured, group: str | None) -> dict[str, Any]:
    return {
        "endpoint": visible(one.endpoint),
        "low": _ms(one.low),
        "high": _ms(one.high),
        "new": _side(one.new),
        "baseline": _side(one.baseline),
        "control": _side(one.control) if one.control else None,
        "p": one.p if one.p is None else float(f"{one.p:.2g}"),
        "delta": one.delta if one.delta is None else round(one.delta, 2),
        "conclusion": one.conclusion,
        "why": one.why,
        "group": group,
    }


def _side(side: Distribution) -> dict[str, Any]:
    return {"n": side.samples, "median": _ms(side.median), "p95": _ms(side.p95), "counts": list(side.counts)}


def _ms(seconds: float) -> float:
    return float(f"{seconds * 1000:.3g}")
