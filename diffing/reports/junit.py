"""JUnit XML: one suite per endpoint, one case per recorded exchange, and one case for the verdict itself.

A case fails when it drifted in a way nobody accepted and that reaches the line of ``--fail-on``; it is an error when
the new build gave no answer, skipped when it was not replayed. The verdict's own case is what keeps a run that could
not be judged from being green: it fails whenever the exit code is not 0. Shapes and order of elements follow the
schema Jenkins publishes (junit-10.xsd), which GitLab and the GitHub reporters read too.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from xml.etree import ElementTree as ET

from captures.store import Capture
from diffing.model import Column, Finding, Group, Judgement, Level, Result
from diffing.reports.text import clip, visible
from diffing.reports.values import shown_pair
from diffing.reports.wording import name_of, verdict_sentence

Rows = Mapping[int, Mapping[str, Any]]


def render(result: Result, recorded: Capture | None = None, replayed: Capture | None = None) -> str:
    """The report as an XML document, deterministic, ending in a line feed."""
    root = ET.Element("testsuites", name="retape")
    line = Level(str(result.meta.get("fail_on", Level.WARNING.value)))
    known: dict[str, list[Group]] = {}
    for group in result.groups:
        known.setdefault(group.location, []).append(group)
    requests, runs = _requests(recorded), _requests(replayed)
    suites: dict[str, list[Judgement]] = {}
    for judgement in result.judgements:
        suites.setdefault(judgement.endpoint, []).append(judgement)
    for endpoint in sorted(suites):
        suite = ET.SubElement(root, "testsuite", name=_text(endpoint))
        for judgement in sorted(suites[endpoint], key=lambda one: one.exchange):
            _case(suite, judgement, known, line, requests, runs)
        _count(suite, replayed)
    _verdict(root, result, replayed)
    for total in ("tests", "failures", "errors", "skipped"):
        root.set(total, str(sum(int(suite.get(total, "0")) for suite in root)))
    root.set("time", f"{sum(float(suite.get('time', '0')) for suite in root):.3f}")
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _case(
    suite: ET.Element, judgement: Judgement, known: Mapping[str, list[Group]], line: Level, requests: Rows, runs: Rows
) -> None:
    row = requests.get(judgement.exchange)
    target = f" {row['method']} {row['target']}" if row else ""
    run = runs.get(judgement.replayed or 0)
    time = max(0.0, (run["ended"] or run["started"]) - run["started"]) if run else 0.0
    case = ET.SubElement(
        suite,
        "testcase",
        classname=_text(judgement.endpoint),
        name=_text(clip(f"{judgement.exchange}{target}", 300)),
        time=f"{time:.3f}",
    )
    if judgement.column is Column.NOT_REPLAYED:
        ET.SubElement(case, "skipped", message=_text(judgement.reason or "not replayed"))
    elif judgement.column is Column.FAILED:
        error = ET.SubElement(case, "error", type="failed", message=_text(judgement.reason or "no complete response"))
        error.text = _text("\n".join(map(_finding, judgement.findings)), lines=True)
    elif judgement.findings:
        grave = [finding for finding in judgement.findings if _fails(finding, known, line)]
        if grave:
            classes = ", ".join(dict.fromkeys(finding.class_id for finding in grave))
            failure = ET.SubElement(case, "failure", type="drift", message=_text(classes))
            failure.text = _text("\n".join(map(_finding, grave)), lines=True)
        rest = [finding for finding in judgement.findings if finding not in grave]
        if rest:
            below = "\n".join(["Accepted, ignored or below the line:", *map(_finding, rest)])
            ET.SubElement(case, "system-out").text = _text(below, lines=True)
    elif judgement.column is Column.DRIFTED:
        ET.SubElement(case, "failure", type="drift", message=_text(judgement.reason or "drifted"))
    if judgement.inconclusive:
        ET.SubElement(case, "system-err").text = _text("\n".join(judgement.inconclusive), lines=True)


def _fails(finding: Finding, known: Mapping[str, list[Group]], line: Level) -> bool:
    """Whether any group this finding may belong to is unapproved and reaches the line.

    Grouping folds some classes into another of the same place, and some endpoints into one group for all: so the
    place and the exchange decide, and the class and the endpoint only where they tell candidates apart.
    """
    groups = [group for group in known.get(finding.location, []) if finding.exchange in group.exchanges]
    groups = [group for group in groups if group.class_id == finding.class_id] or groups
    groups = [group for group in groups if group.endpoint == finding.endpoint] or groups
    if not groups:
        return True
    return any(group.open and group.level.rank >= line.rank for group in groups)


def _finding(finding: Finding) -> str:
    where = finding.location if finding.path in finding.location else f"{finding.location} ({finding.path})"
    change = " -> ".join(shown_pair(finding.recorded, finding.replayed))
    evidence = f"  [{finding.evidence}]" if finding.evidence else ""
    return f"{finding.class_id}: {where}: {change}{evidence}"


def _verdict(root: ET.Element, result: Result, replayed: Capture | None) -> None:
    suite = ET.SubElement(root, "testsuite", name="retape verdict")
    properties = ET.SubElement(suite, "properties")
    for name, value in (
        ("verdict", result.verdict),
        ("exit_code", str(result.exit_code)),
        ("recorded", name_of(result.recorded_path)),
        ("replayed", name_of(result.replayed_path)),
    ):
        ET.SubElement(properties, "property", name=name, value=_text(value))
    case = ET.SubElement(suite, "testcase", classname="retape", name="verdict", time="0.000")
    if result.exit_code != 0:
        failure = ET.SubElement(case, "failure", type=result.verdict, message=_text(verdict_sentence(result)))
        failure.text = _text("\n".join(result.reasons), lines=True)
    if result.reasons:
        ET.SubElement(case, "system-err").text = _text("\n".join(result.reasons), lines=True)
    _count(suite, replayed)


def _count(suite: ET.Element, replayed: Capture | None) -> None:
    cases = suite.findall("testcase")
    suite.set("tests", str(len(cases)))
    for name, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        suite.set(name, str(sum(case.find(tag) is not None for case in cases)))
    suite.set("time", f"{sum(float(case.get('time', '0')) for case in cases):.3f}")
    if replayed is not None:
        sessions = replayed.sessions()
        if sessions:
            started = datetime.fromtimestamp(sessions[0].started, UTC)
            suite.set("timestamp", started.strftime("%Y-%m-%dT%H:%M:%S"))


def _requests(capture: Capture | None) -> Rows:
    if capture is None:
        return {}
    sql = "SELECT id, method, target, started, ended FROM exchange WHERE direction = 'inbound'"
    return {row["id"]: row for row in capture.query(sql)}


def _text(text: str, *, lines: bool = False) -> str:
    """Without what XML 1.0 refuses, even as a character reference: it is written as a visible escape."""
    return visible(text, lines=lines)
