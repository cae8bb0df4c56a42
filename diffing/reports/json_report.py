"""The JSON report: the contract of the command line's ``--report json``, described by ``report.schema.json``.

Other people's CI reads it: keys are only ever added. A side of a group that has nothing is ``null`` with
``recorded_absent`` (or ``replayed_absent``) true, to tell it from a recorded JSON null.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from diffing.model import ABSENT, Approval, Finding, Group, Result
from diffing.reports.values import dump

SCHEMA = 1


def document(result: Result) -> dict[str, Any]:
    """The report as plain values (numbers as they were recorded: ``Decimal`` where they are not integers)."""
    return {
        "schema": SCHEMA,
        "verdict": result.verdict,
        "exit_code": result.exit_code,
        "ledger": asdict(result.ledger),
        "reasons": list(result.reasons),
        "groups": [_group(group) for group in result.groups],
        "rules": [
            {"id": identity, "used": used, "places": _places(result, identity)} for identity, used in result.rules
        ],
        "stubs": asdict(result.stubs),
        "approvals": [
            {**_approval(use.approval), "state": use.state.value, "groups": list(use.groups), "near": use.near or None}
            for use in result.approvals
        ],
        "notes": list(result.notes),
        "tier": result.tier.get("name", "full"),
        "left_out": {key: value for key, value in result.tier.items() if key != "name"} or None,
        "recorded": result.recorded_path,
        "replayed": result.replayed_path,
    }


def render(result: Result) -> str:
    """The report as JSON text in ASCII, ending in a line feed."""
    text = dump(document(result), indent=2)
    return text.replace("##[", "#\\u0023[") + "\n"  # a CI runner obeys "##[…]" in a log; it stands in strings alone


def _group(group: Group) -> dict[str, Any]:
    return {
        "fingerprint": group.fingerprint,
        "class": group.class_id,
        "kind": group.kind.value,
        "level": group.level.value,
        "endpoint": group.endpoint,
        "location": group.location,
        **_sides(group),
        "evidence": group.evidence,
        "count": group.count,
        "exchanges": list(group.exchanges),
        "spread": max(group.spread, len(group.exchanges)),
        "decision": group.decision.value if group.decision else None,
        "approval": _approval(group.approval) if group.approval else None,
        "reopened": group.reopened,
        "curl": group.curl,
        "command": group.command,
        "because": group.because,
        "origin": group.origin.value if group.origin else None,
        "origin_evidence": group.origin_evidence,
        "examples": [{"exchange": f.exchange, "path": f.path, **_sides(f)} for f in group.examples],
    }


def _approval(approval: Approval) -> dict[str, Any]:
    """Dates as text, as TOML writes them."""
    days = {
        key: str(value) if value else None for key, value in (("created", approval.created), ("until", approval.until))
    }
    return {
        "fingerprint": approval.fingerprint,
        "places": list(approval.places),
        "decision": approval.decision.value,
        "change": approval.change,
        "reason": approval.reason,
        "author": approval.author,
        **days,
    }


def _places(result: Result, rule: str) -> list[dict[str, Any]]:
    return [
        {"endpoint": endpoint, "location": location, "used": used}
        for (identity, endpoint, location), used in result.rule_places.items()
        if identity == rule
    ]


def _sides(of: Group | Finding) -> dict[str, Any]:
    sides: dict[str, Any] = {"recorded": of.recorded, "replayed": of.replayed}
    for side in ("recorded", "replayed"):
        if sides[side] is ABSENT:
            sides |= {side: None, f"{side}_absent": True}
    return sides
