"""``retape report trend --format json``: keys are only ever added within one value of ``schema``."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from diffing.history.entry import Entry, SeenGroup
from diffing.history.trend import GroupTrend, Trend
from diffing.reports.values import dump

SCHEMA = 1


def document(trend: Trend) -> dict[str, Any]:
    """The trend as plain values. Times are Unix seconds, durations seconds."""
    return {
        "schema": SCHEMA,
        "noted": trend.noted,
        "runs": [_run(trend, at) for at in range(len(trend.entries))],
        "endpoints": [
            {
                "endpoint": one.endpoint, "drifted": one.drifted, "of": one.of, "flaky": one.flaky,
                "groups": list(one.groups), "seconds": list(one.seconds),
            }
            for one in trend.endpoints
        ],
        "quiet_endpoints": trend.quiet,
        "open": [_group(one) for one in trend.open],
        "unsteady": [_group(one) for one in trend.unsteady],
    }  # fmt: skip


def render(trend: Trend) -> str:
    """The trend as JSON text in ASCII, ending in a line feed."""
    return dump(document(trend), indent=2) + "\n"


def _run(trend: Trend, at: int) -> dict[str, Any]:
    entry = trend.entries[at]
    return {
        "at": entry.at,
        "recording": {"name": entry.capture_name, "identity": entry.capture},
        "run": entry.file,
        "build": _build(entry),
        "tier": entry.tier,
        "part": entry.part,
        "verdict": entry.verdict,
        "exit_code": entry.exit_code,
        "reasons": entry.reasons,
        "ledger": dict(entry.ledger),
        "drift": trend.drift[at],
        "flaky": trend.flaky[at],
        "endpoints": {"replayed": entry.covered, "recorded": entry.recording[1]},
        "exchanges": {"replayed": entry.ledger.get("replayed", 0), "recorded": entry.recording[0]},
        "seconds": entry.seconds,
        "groups": [_seen(group) for group in entry.groups],
        "more_groups": entry.more_groups,
    }


def _build(entry: Entry) -> dict[str, Any]:
    return {"label": entry.build.label, "git": entry.build.git, "dirty": entry.build.dirty}


def _seen(group: SeenGroup) -> dict[str, Any]:
    told = asdict(group)
    told["class"] = told.pop("class_id")
    return told | {"decision": group.decision or None, "origin": group.origin or None}


def _group(one: GroupTrend) -> dict[str, Any]:
    return _seen(one.group) | {
        "first": one.first, "last": one.last, "age": one.age, "runs": one.runs, "of": one.of,
        "comes_and_goes": one.comes_and_goes, "flaky_runs": one.flaky,
    }  # fmt: skip
