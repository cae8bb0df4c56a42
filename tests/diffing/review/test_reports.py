"""What the reports say of decisions: who, why, until when, and which no longer hold."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from pathlib import Path
from xml.etree import ElementTree as ET

import jsonschema
import pytest

from diffing.model import Approval, Decision, Level, Result
from diffing.reports import json_report, junit, terminal
from diffing.review.desk import Desk
from diffing.review.standing import redecided
from tests.diffing.review.conftest import CALL, LEFT, NAME, TYPE, Pair

TODAY = date(2026, 11, 30)
SCHEMA = json.loads(Path(json_report.__file__).with_name("report.schema.json").read_text(encoding="utf-8"))


@pytest.fixture
def decided(project: Path, pair: Pair) -> Result:
    """One accepted, one rejected, one whose time is over, one never decided, and an approval of nothing."""
    desk = Desk.open(pair.run, pair.recorded, today=TODAY)
    approvals = [
        Approval(TYPE, Decision.ACCEPTED, reason="ORD-1182", author="dana", until=date(2026, 12, 31)),
        Approval(NAME, Decision.REJECTED, reason="the app reads it", author="lee"),
        Approval(LEFT, Decision.ACCEPTED, author="dana", until=date(2026, 11, 1)),
        Approval("f" * 12, Decision.ACCEPTED, change="GET /old response.status: 200 -> 404"),
    ]
    return redecided(desk.result, approvals, TODAY, desk.options.fail_on)


def test_the_terminal_says_who_and_why_and_lists_what_passes_last(decided: Result) -> None:
    text = terminal.plain(decided)
    lines = text.splitlines()
    assert lines[0].startswith("✗ DRIFT  3 drift groups in 4 of 4 recorded exchanges, 1 more accepted.")
    assert "rejected by lee: the app reads it" in text
    assert "accepted by dana until 2026-11-01, which is over" in text
    (accepted,) = [at for at, line in enumerate(lines) if TYPE in line and "(accepted)" in line]
    assert "accepted by dana until 2026-12-31: ORD-1182" in lines[accepted + 1]
    assert all(at < accepted for at, line in enumerate(lines) if any(name in line[:30] for name in (NAME, LEFT, CALL)))
    assert any(line.startswith("Meant?     retape accept ") for line in lines)
    assert f"Approval {'f' * 12} (GET /old response.status: 200 -> 404) matches nothing any more" in text
    assert "Record again" not in text


def test_the_json_report_has_them_as_its_schema_says(decided: Result) -> None:
    document = json.loads(json_report.render(decided))
    jsonschema.validate(document, SCHEMA)
    groups = {group["fingerprint"]: group for group in document["groups"]}
    assert groups[TYPE]["approval"]["until"] == "2026-12-31"
    assert (groups[NAME]["decision"], groups[CALL]["approval"], groups[CALL]["reopened"]) == ("rejected", None, "")
    assert groups[LEFT]["reopened"].endswith("which is over")
    assert [(one["state"], one["groups"]) for one in document["approvals"]] == [
        ("used", [TYPE]),
        ("used", [NAME]),
        ("expired", [LEFT]),
        ("unmatched", []),
    ]


def test_in_junit_the_accepted_pass_and_the_rejected_fail_with_the_reason(decided: Result) -> None:
    root = ET.fromstring(junit.render(decided))
    cases = {case.get("name", "").rpartition("[")[2][:12]: case for case in root.iter("testcase")}
    passing, failing = cases[TYPE], cases[NAME]
    assert passing.find("failure") is None
    assert "decision: accepted by dana until 2026-12-31: ORD-1182" in (passing.findtext("system-out") or "")
    failure = failing.find("failure")
    assert failure is not None
    assert "rejected by lee: the app reads it" in failure.get("message", "")
    properties = {one.get("name"): one.get("value") for one in root.iter("property")}
    assert {name: properties[f"approvals.{name}"] for name in ("used", "expired", "superseded", "unmatched")} == {
        "used": "2",
        "expired": f"1: {LEFT}",
        "superseded": "0",
        "unmatched": f"1: {'f' * 12}",
    }


def test_a_clean_verdict_counts_what_was_accepted(decided: Result) -> None:
    everything = [Approval(name, Decision.ACCEPTED) for name in (TYPE, NAME, LEFT, CALL)]
    clean = redecided(replace(decided, notes=()), everything, TODAY, Level.WARNING)
    assert (clean.verdict, clean.exit_code) == ("clean", 0)
    assert "4 differ; 4 drift groups accepted." in terminal.plain(clean)
