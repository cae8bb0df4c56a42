"""JUnit XML: a suite for each endpoint, in it a case for each drift group, and a last suite for the verdict itself.

A case per exchange would bury seven drifts under thousands of lines, and tell a viewer that follows a test by its name
nothing: a group's name holds its fingerprint, so "new", "still failing" and "fixed" mean what they say.

- an open group from the line of ``--fail-on`` up fails; it is an *error* where the new build gave no complete answer;
- one that was let pass, or is below the line, passes and is told in ``system-out``;
- exchanges that were not replayed, or could not be judged, are one *skipped* case of their endpoint each;
- the verdict's own case fails with drift and is an error where the run is inconclusive: that is never green.

Shapes and order of elements follow the schema Jenkins publishes (junit-10.xsd), which GitLab's and GitHub's readers
take too. Every text is bounded.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from xml.etree import ElementTree as ET

from captures.store import Capture
from captures.visible import visible
from captures.wording import counted
from diffing.model import ApprovalState, Column, Group, Judgement, Level, Result
from diffing.outcome.verdict import fails
from diffing.reports.coverage import skipped_reasons
from diffing.reports.text import clip
from diffing.reports.wording import COLUMNS, decision_said, name_of, shown_values, title, verdict_sentence

MESSAGE = 300  # characters of an attribute
TEXT = 8_000  # characters of an element
LISTED = 20  # exchanges, examples, reasons
MOST = 5_000  # cases of groups


def render(result: Result, replayed: Capture | None = None) -> str:
    """The report as an XML document, deterministic, ending in a line feed."""
    root = ET.Element("testsuites", name="retape")
    line = Level(str(result.meta.get("fail_on") or Level.WARNING.value))
    judged: dict[str, list[Judgement]] = {}
    for judgement in result.judgements:
        judged.setdefault(judgement.endpoint, []).append(judgement)
    groups: dict[str, list[Group]] = {}
    for group in result.groups[:MOST]:
        groups.setdefault(group.endpoint, []).append(group)
    times, started = _times(replayed), _started(replayed)
    for endpoint in sorted(judged.keys() | groups.keys()):
        suite = ET.SubElement(root, "testsuite", name=_text(clip(endpoint, MESSAGE)))
        _endpoint(suite, judged.get(endpoint, []), times)
        for group in groups.get(endpoint, []):
            _group(suite, group, line)
        _count(suite, started)
    _verdict(root, result, result.groups[MOST:], line, started)
    for total in ("tests", "failures", "errors", "skipped"):
        root.set(total, str(sum(int(suite.get(total, "0")) for suite in root)))
    root.set("time", f"{sum(float(suite.get('time', '0')) for suite in root):.3f}")
    ET.indent(root)
    text = ET.tostring(root, encoding="unicode").replace("##[", "#&#35;[")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n'


def _endpoint(suite: ET.Element, judgements: list[Judgement], times: Mapping[int, float]) -> None:
    """What came back as recorded, and what was never seen: one case each, named alike in every run."""
    same = [one for one in judgements if one.column in (Column.SAME, Column.SAME_BY_RULE)]
    if same:
        case = _case(suite, "answers as recorded", sum(times.get(one.replayed or 0, 0.0) for one in judgements))
        counts = {column: sum(one.column.value == column for one in judgements) for column, _ in COLUMNS}
        told = ", ".join(f"{counts[column]:,} {words}" for column, words in COLUMNS if counts[column])
        ET.SubElement(case, "system-out").text = _text(told)
    for column, name in ((Column.NOT_REPLAYED, "not replayed"), (Column.FAILED, "no complete answer")):
        found = skipped_reasons(
            (one for one in judgements if column is Column.NOT_REPLAYED or not one.findings), column
        )
        if found:
            tag = "skipped" if column is Column.NOT_REPLAYED else "error"
            _tell(_case(suite, name), tag, name, [f"{reason}: {_ids(ids)}" for reason, ids in found])
    unjudged = [one for one in judgements if one.inconclusive]
    if unjudged:
        said = [f"{one.exchange}: {'; '.join(one.inconclusive)}" for one in unjudged]
        _tell(_case(suite, "not judged"), "skipped", "inconclusive", said)


def _group(suite: ET.Element, group: Group, line: Level) -> None:
    case = _case(suite, f"{clip(group.location, 160)}: {title(group.class_id)} [{group.fingerprint}]")
    before, after = shown_values(group, 120)
    spread = counted(max(group.spread, len(group.exchanges)) or group.count, "exchange")
    state = [word.value for word in (group.decision, group.origin) if word]
    said = [f"{group.class_id} ({', '.join([group.level.value, *state])}) in {spread}"]
    for example in group.examples[:LISTED]:
        change = " -> ".join(shown_values(example, 400))
        said.append(f"exchange {example.exchange}, {clip(example.path or example.location, 200)}: {change}")
    said += [f"decision: {decision_said(group)}"] if decision_said(group) else []
    said += [f"why: {group.evidence}"] if group.evidence else []
    said += [f"whose: {group.origin_evidence}"] if group.origin_evidence else []
    said += [f"exchanges: {_ids(group.exchanges)}"] if group.exchanges else []
    said += [f"again: {group.command}"] if group.command else []
    said += [f"curl: {group.curl}"] if group.curl else []
    if not fails(group, line):
        ET.SubElement(case, "system-out").text = _lines(said)
        return
    failed = group.class_id.startswith("response.failed")
    element = ET.SubElement(
        case,
        "error" if failed else "failure",
        type=group.class_id,
        message=_text(clip(f"{before} -> {after} in {spread}{_why_not(group)}", MESSAGE)),
    )
    element.text = _lines(said)


def _why_not(group: Group) -> str:
    said = decision_said(group)
    return f" ({said})" if said else ""


def _verdict(root: ET.Element, result: Result, rest: tuple[Group, ...], line: Level, started: str) -> None:
    suite = ET.SubElement(root, "testsuite", name="retape verdict")
    properties = ET.SubElement(suite, "properties")
    values = [
        ("verdict", result.verdict),
        ("exit_code", str(result.exit_code)),
        ("recorded", name_of(result.recorded_path)),
        ("replayed", name_of(result.replayed_path)),
        *((f"ledger.{name}", str(getattr(result.ledger, name))) for name in ("recorded", "replayed")),
        *((f"ledger.{name}", str(getattr(result.ledger, name))) for name, _ in COLUMNS),
        *((f"approvals.{state.value}", _approvals(result, state)) for state in ApprovalState),
    ]
    for name, value in values:
        ET.SubElement(properties, "property", name=name, value=_text(value))
    case = _case(suite, "verdict", classname="retape")
    if result.exit_code != 0:
        tag = "error" if result.verdict == "inconclusive" else "failure"
        _tell(case, tag, result.verdict, [verdict_sentence(result), *result.reasons])
    elif result.reasons:
        ET.SubElement(case, "system-err").text = _lines(result.reasons)
    failing = sum(fails(group, line) for group in rest)
    if rest:
        case = _case(suite, "further groups", classname="retape")
        said = [f"{counted(len(rest), 'more group')}, {failing:,} of them failing: see the HTML or JSON report"]
        if failing:
            _tell(case, "failure", "drift", said)
        else:
            ET.SubElement(case, "system-out").text = _lines(said)
    _count(suite, started)


def _approvals(result: Result, state: ApprovalState) -> str:
    """How many, and of those that do not hold which."""
    names = [use.approval.fingerprint for use in result.approvals if use.state is state]
    if state is ApprovalState.USED or not names:
        return str(len(names))
    more = f" and {len(names) - LISTED:,} more" if len(names) > LISTED else ""
    return f"{len(names)}: {', '.join(names[:LISTED])}{more}"


def _case(suite: ET.Element, name: str, seconds: float = 0.0, classname: str = "") -> ET.Element:
    values = {"classname": classname or suite.get("name", ""), "name": _text(name), "time": f"{seconds:.3f}"}
    return ET.SubElement(suite, "testcase", values)


def _tell(case: ET.Element, tag: str, kind: str, said: list[str]) -> None:
    element = ET.SubElement(case, tag, message=_text(clip(said[0], MESSAGE)))
    if tag != "skipped":
        element.set("type", kind)
    element.text = _lines(said)


def _count(suite: ET.Element, started: str) -> None:
    cases = suite.findall("testcase")
    suite.set("tests", str(len(cases)))
    for name, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        suite.set(name, str(sum(case.find(tag) is not None for case in cases)))
    suite.set("time", f"{sum(float(case.get('time', '0')) for case in cases):.3f}")
    if started:
        suite.set("timestamp", started)


def _times(capture: Capture | None) -> dict[int, float]:
    if capture is None:
        return {}
    sql = "SELECT id, ended - started AS took FROM exchange WHERE direction = 'inbound' AND ended IS NOT NULL"
    return {row["id"]: max(0.0, row["took"]) for row in capture.query(sql)}


def _started(capture: Capture | None) -> str:
    sessions = capture.sessions() if capture is not None else []
    return datetime.fromtimestamp(sessions[0].started, UTC).strftime("%Y-%m-%dT%H:%M:%S") if sessions else ""


def _ids(exchanges: Iterable[int]) -> str:
    ids = list(exchanges)
    more = f" and {len(ids) - LISTED:,} more" if len(ids) > LISTED else ""
    return ", ".join(str(one) for one in ids[:LISTED]) + more


def _lines(said: Iterable[str]) -> str:
    """Bounded, a line each; and without what XML 1.0 refuses even as a reference, which is shown as an escape."""
    lines = list(said)
    more = [f"and {len(lines) - LISTED * 2:,} more"] if len(lines) > LISTED * 2 else []
    return clip("\n".join(visible(line) for line in [*lines[: LISTED * 2], *more]), TEXT)


def _text(text: str) -> str:
    return visible(text)
