from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from lxml import etree

from diffing.model import Column, Decision, Judgement, Origin, Result
from diffing.reports import junit
from tests.diffing.reports.conftest import Story
from tests.diffing.reports.hostile import hostile
from tests.diffing.reports.story import clean, inconclusive

SCHEMA = etree.XMLSchema(etree.parse(Path(__file__).with_name("junit.xsd")))
PRICE = "response.body $.items[*].price: Type changed [a3f8c21b9d04]"


def rendered(result: Result, story: Story | None = None) -> ET.Element:
    """The report, which the schema has taken."""
    text = junit.render(result, story.replayed if story else None)
    SCHEMA.assertValid(etree.fromstring(text.encode()))
    return ET.fromstring(text)


@pytest.fixture(scope="module")
def root(story: Story) -> ET.Element:
    return rendered(story.result, story)


def case(root: ET.Element, name: str, suite: str = "") -> ET.Element:
    return next(
        one for one in root.iter("testcase") if name in str(one.get("name")) and suite in str(one.get("classname"))
    )


@pytest.mark.slow
@pytest.mark.parametrize("make", [lambda result: result, clean, inconclusive, hostile, lambda r: hostile(r, 300)])
def test_readers_of_jenkins_gitlab_and_github_take_it(make: object, story: Story) -> None:
    assert callable(make)
    root = rendered(make(story.result), story)
    for suite in root:
        cases = suite.findall("testcase")
        assert suite.get("tests") == str(len(cases))
        assert suite.get("failures") == str(sum(one.find("failure") is not None for one in cases))
        assert suite.get("timestamp") == "2026-10-25T03:46:40"
        names = [(one.get("classname"), one.get("name")) for one in cases]
        assert len(set(names)) == len(names), "a viewer follows a test by its name"
    for name in ("tests", "failures", "errors", "skipped"):
        assert root.get(name) == str(sum(int(str(suite.get(name))) for suite in root))


def test_a_suite_per_endpoint_and_a_case_per_group(root: ET.Element) -> None:
    assert [suite.get("name") for suite in root] == [
        "DELETE /orders/{id}", "GET /health", "GET /logo.png", "GET /metrics", "GET /orders/{id}", "GET /page",
        "GET /search", "GET /slow", "POST /orders", "retape verdict",
    ]  # fmt: skip
    assert [one.get("name") for one in root[4]][:2] == [
        PRICE,
        "response.body $.discount: Field removed [71be02c9aa10]",
    ]


def test_a_group_fails_with_change_evidence_and_commands(root: ET.Element) -> None:
    failure = case(root, PRICE).find("failure")
    assert failure is not None
    assert failure.get("message") == '18.40 -> "18.40" in 6 exchanges'
    assert failure.get("type") == "response.body.type-changed"
    text = str(failure.text)
    for said in ("why: 18/18 recorded samples are numbers", "again: retape replay shop.sqlite --only id:1", "curl: "):
        assert said in text
    assert "exchanges: 1, 2, 3, 4, 5, 6" in text


@pytest.mark.parametrize(
    ("name", "suite", "tag", "said"),
    [
        ("response: Response failed", "GET /slow", "error", '200 -> "timeout" in 1 exchange'),
        ("not replayed", "DELETE", "skipped", "the run was stopped before it: 27"),
        ("not judged", "GET /logo.png", "skipped", "25: the body was cut off"),
        ("verdict", "retape", "failure", "13 drift groups in 11 of 13 recorded exchanges"),
    ],
)
def test_the_other_columns(name: str, suite: str, tag: str, said: str, root: ET.Element) -> None:
    element = case(root, name, suite).find(tag)
    assert element is not None
    assert said in str(element.get("message"))


def test_what_answers_as_recorded_passes(root: ET.Element) -> None:
    passed = case(root, "answers as recorded", "GET /health")
    assert [child.tag for child in passed] == ["system-out"]
    assert float(str(passed.get("time"))) > 0


@pytest.mark.parametrize(
    ("change", "fails"),
    [
        ({"decision": Decision.ACCEPTED}, False),
        ({"decision": Decision.IGNORED}, False),
        ({"decision": Decision.REJECTED}, True),
        ({"origin": Origin.STALE}, False),
        ({"origin": Origin.FLAKY}, False),
        ({"origin": Origin.REGRESSION}, True),
    ],
)
def test_what_was_let_pass_passes_and_is_still_told(change: dict[str, object], fails: bool, story: Story) -> None:
    group = replace(story.result.groups[0], **change)  # type: ignore[arg-type]
    told = case(rendered(replace(story.result, groups=(group,))), PRICE)
    assert (told.find("failure") is not None) is fails
    assert str(next(iter(change.values()))) in "".join(told.itertext())


@pytest.mark.parametrize(("fail_on", "fails"), [("warning", False), ("info", True), (None, False)])
def test_what_is_below_the_line_passes(fail_on: str | None, fails: bool, story: Story) -> None:
    groups = tuple(group for group in story.result.groups if group.level.value == "info")
    root = rendered(replace(story.result, groups=groups, meta={"fail_on": fail_on}))
    assert (case(root, "$.links").find("failure") is not None) is fails


def test_what_failed_without_a_group_is_an_error(story: Story) -> None:
    judgements = (Judgement(5, None, "GET /a", Column.FAILED, reason="connection refused"),)
    root = rendered(replace(story.result, groups=(), judgements=judgements))
    assert "connection refused: 5" in "".join(case(root, "no complete answer", "GET /a").itertext())


def test_inconclusive_is_never_green(story: Story) -> None:
    root = rendered(inconclusive(story.result))
    error = case(root, "verdict").find("error")
    assert (root.get("errors"), error is not None) == ("1", True)
    assert error is not None
    assert "the target went away after 12 exchanges" in str(error.text)


def test_clean_is_green(story: Story) -> None:
    root = rendered(clean(story.result))
    assert (root.get("tests"), root.get("failures"), root.get("errors")) == ("1", "0", "0")


@pytest.mark.parametrize(("level", "failures"), [("error", 1), ("info", 0)])
def test_very_many_groups_are_counted(level: str, failures: int, story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(junit, "MOST", 3)
    groups = tuple(replace(one, level=type(one.level)(level)) for one in story.result.groups[:5])
    root = rendered(replace(story.result, groups=groups, judgements=(), exit_code=0))
    rest = case(root, "further groups")
    assert "2 more groups" in "".join(rest.itertext()) + str(rest[0].get("message"))
    assert len(rest.findall("failure")) == failures


def test_nothing_captured_acts_or_grows(story: Story) -> None:
    text = junit.render(hostile(story.result, 60))
    assert "##[" not in text
    assert "\x1b" not in text
    assert all(len(str(element.text or "")) < 8_100 for element in ET.fromstring(text).iter())


def test_it_is_deterministic(story: Story) -> None:
    assert len({junit.render(story.result, story.replayed) for _ in range(2)}) == 1
