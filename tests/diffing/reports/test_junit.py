from __future__ import annotations

from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest

from diffing.model import Decision
from diffing.reports import junit
from tests.diffing.reports.conftest import Story
from tests.diffing.reports.story import clean, inconclusive

CHILDREN = {  # what may stand in what, in this order (junit-10.xsd)
    "testsuites": ["testsuite"],
    "testsuite": ["properties", "testcase", "system-out", "system-err"],
    "properties": ["property"],
    "testcase": ["skipped", "error", "failure", "system-out", "system-err"],
}


@pytest.fixture(scope="module")
def root(story: Story) -> ET.Element:
    return ET.fromstring(junit.render(story.result, story.recorded, story.replayed))


def case(root: ET.Element, start: str) -> ET.Element:
    return next(one for one in root.iter("testcase") if str(one.get("name")).startswith(start))


def test_elements_stand_where_the_schema_has_them(root: ET.Element) -> None:
    for element in root.iter():
        order = [CHILDREN.get(element.tag, []).index(child.tag) for child in element]
        assert order == sorted(order)
    for suite in root.iter("testsuite"):
        cases = suite.findall("testcase")
        assert suite.get("tests") == str(len(cases))
        assert suite.get("failures") == str(sum(one.find("failure") is not None for one in cases))
        assert suite.get("timestamp") == "2026-10-25T03:46:40"
    for name in ("tests", "failures", "errors", "skipped"):
        assert root.get(name) == str(sum(int(str(suite.get(name))) for suite in root))
    assert all(one.get("classname") and one.get("name") and one.get("time") for one in root.iter("testcase"))


def test_a_suite_per_endpoint_and_a_case_per_exchange(root: ET.Element) -> None:
    assert [suite.get("name") for suite in root] == [
        "DELETE /orders/{id}", "GET /health", "GET /logo.png", "GET /orders/{id}", "GET /page", "GET /search",
        "GET /slow", "POST /orders", "retape verdict",
    ]  # fmt: skip
    assert [one.get("name") for one in root[3]] == [f"{n} GET /orders/{n}?expand=items" for n in range(1, 7)]


def test_drift_fails_with_its_classes_and_findings(root: ET.Element) -> None:
    failure = case(root, "20 ").find("failure")
    assert failure is not None
    assert failure.get("message") == "outbound.request.body.value-changed, outbound.missing"
    assert "5520 -> 552" in str(failure.text)


def test_the_other_columns(root: ET.Element) -> None:
    error, skipped = case(root, "26 ").find("error"), case(root, "27 ").find("skipped")
    assert error is not None
    assert error.get("message") == "timeout: no answer in 10 s"
    assert skipped is not None
    assert skipped.get("message") == "the run was stopped before it"
    assert list(case(root, "28 ")) == []
    assert case(root, "25 ").findtext("system-err") == "the body was cut off"


def test_what_was_accepted_passes_and_is_still_told(root: ET.Element) -> None:
    accepted = case(root, "24 ")
    assert accepted.find("failure") is None
    assert "response.body.text-changed" in str(accepted.findtext("system-out"))


def test_what_is_below_the_line_passes(story: Story) -> None:
    only_info = tuple(group for group in story.result.groups if group.level.value == "info")
    judgements = tuple(
        replace(one, findings=tuple(f for f in one.findings if f.class_id == only_info[0].class_id))
        for one in story.result.judgements[:1]
    )
    result = replace(story.result, groups=only_info, judgements=judgements)
    assert case(ET.fromstring(junit.render(result)), "1").find("failure") is None
    strict = replace(result, meta={"fail_on": "info"})
    assert case(ET.fromstring(junit.render(strict)), "1").find("failure") is not None


def test_a_finding_of_a_folded_class_or_endpoint_follows_its_group(story: Story) -> None:
    finding = replace(story.result.judgements[0].findings[0], class_id="response.body.number-form")
    judgement = replace(story.result.judgements[0], findings=(finding,))
    group = replace(
        story.result.groups[0], class_id="response.body.value-changed", endpoint="(every endpoint)",
        decision=Decision.ACCEPTED,
    )  # fmt: skip
    result = replace(story.result, groups=(group,), judgements=(judgement,))
    assert case(ET.fromstring(junit.render(result)), "1").find("failure") is None
    elsewhere = replace(result, groups=(replace(group, exchanges=(2,)),))
    assert case(ET.fromstring(junit.render(elsewhere)), "1").find("failure") is not None


def test_inconclusive_is_never_green(story: Story) -> None:
    root = ET.fromstring(junit.render(inconclusive(story.result), story.recorded, story.replayed))
    assert root.get("failures") == "1"
    failure = case(root, "verdict").find("failure")
    assert failure is not None
    assert failure.get("type") == "inconclusive"
    assert "the target went away after 12 exchanges" in str(failure.text)


def test_clean_is_green(story: Story) -> None:
    root = ET.fromstring(junit.render(clean(story.result), story.recorded, story.replayed))
    assert (root.get("tests"), root.get("failures"), root.get("errors")) == ("1", "0", "0")


def test_it_is_deterministic(story: Story) -> None:
    renders = {junit.render(story.result, story.recorded, story.replayed) for _ in range(2)}
    assert len(renders) == 1
