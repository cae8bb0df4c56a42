from __future__ import annotations

import json
from pathlib import Path

import pytest

from captures.errors import UsageError
from diffing.reports import parse_specs
from diffing.reports.specs import split
from diffing.reports.surroundings import surroundings
from tests.corpus import each

JOB = {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": "/job/summary"}
COMMIT, MERGE = "88d01aa" + "0" * 33, "4f2c1e9" + "0" * 33


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("terminal", ["terminal"]),
        ("terminal,json,html", ["terminal", "json", "html"]),
        ("json=a.json,html=b.html", ["json=a.json", "html=b.html"]),
        ("json=a,b.json", ["json=a,b.json"]),
        ("json=a,b.json,html", ["json=a,b.json", "html"]),
        ("terminal,jsn", ["terminal", "jsn"]),
        ("json=a,HTML=b", ["json=a", "HTML=b"]),
    ],
)
def test_a_list_is_split_where_a_format_begins(text: str, words: list[str]) -> None:
    assert list(split(text)) == words


@each(
    ("texts", "places"),
    [
        (["json"], [None]),
        (["json", "html"], [None, "retape-report.html"]),
        (["terminal,json,junit"], [None, "retape-report.json", "retape-junit.xml"]),
        (["json,junit"], ["retape-report.json", "retape-junit.xml"]),
        (["terminal", "json=-", "junit"], ["retape-report.txt", None, "retape-junit.xml"]),
        (["gitlab,markdown"], ["gl-code-quality-report.json", "retape-comment.md"]),
        (["markdown"], [None]),
        (["terminal", "github"], [None, "retape-summary.md"]),
        (["github=mine.md"], ["mine.md"]),
    ],
)
def test_at_most_one_goes_to_stdout(texts: list[str], places: list[str | None]) -> None:
    specs = parse_specs(texts, environ={})
    assert [str(spec.path) if spec.path else None for spec in specs] == places
    assert not any(spec.append for spec in specs)


@each(
    ("texts", "environ", "formats"),
    [
        ([], {}, ["terminal"]),
        ([], {"CI": "true"}, ["terminal"]),
        ([], {"GITLAB_CI": "true", "CI": "true"}, ["terminal"]),
        ([], {"GITHUB_ACTIONS": "true"}, ["terminal"]),
        ([], JOB, ["terminal"]),
        ([], {**JOB, "GITHUB_STEP_SUMMARY": f"{Path(__file__).parent}/summary"}, ["terminal", "github"]),
        (["json"], JOB, ["json"]),
        (["github"], JOB, ["github"]),
    ],
)
def test_what_is_usual_here(texts: list[str], environ: dict[str, str], formats: list[str]) -> None:
    assert [spec.format for spec in parse_specs(texts, environ=environ)] == formats


def test_the_summary_is_the_jobs() -> None:
    spec = parse_specs(["github"], environ=JOB)[0]
    assert (str(spec.path), spec.append) == ("/job/summary", True)
    assert not parse_specs(["github=mine.md"], environ=JOB)[0].append


@pytest.mark.parametrize("texts", [["json,json"], ["json=x,junit=x"], ["json=-", "junit=-"], ["terminal,jsn"]])
def test_what_cannot_be_is_refused(texts: list[str]) -> None:
    with pytest.raises(UsageError):
        parse_specs(texts, environ={})


@pytest.mark.parametrize(
    ("environ", "event", "commit", "job"),
    [
        ({}, None, "", ""),
        ({"GITHUB_SHA": MERGE}, None, MERGE, ""),
        ({"GITHUB_SHA": MERGE}, {"pull_request": {"head": {"sha": COMMIT}}}, COMMIT, ""),
        ({"GITHUB_SHA": MERGE}, {"pull_request": {"head": {"sha": "--> x"}}}, MERGE, ""),
        ({"GITHUB_SHA": MERGE}, {"pull_request": None}, MERGE, ""),
        ({"GITHUB_SHA": MERGE}, [], MERGE, ""),
        ({"CI_COMMIT_SHA": COMMIT, "CI_JOB_URL": "https://gl.test/a/-/jobs/1"}, None, COMMIT, "https://gl.test/a/-/jobs/1"),
        ({"CI_JOB_URL": "javascript:alert(1)"}, None, "", ""),
        ({"CI_JOB_URL": "https://gl.test/) @x"}, None, "", ""),
        (
            {"GITHUB_SERVER_URL": "https://gh.test", "GITHUB_REPOSITORY": "a/b", "GITHUB_RUN_ID": "7"},
            None, "", "https://gh.test/a/b/actions/runs/7",
        ),
    ],
)  # fmt: skip
def test_what_a_ci_says_of_itself(
    environ: dict[str, str], event: object, commit: str, job: str, tmp_path: Path
) -> None:
    if event is not None:
        (tmp_path / "event.json").write_text(json.dumps(event))
        environ = {**environ, "GITHUB_EVENT_PATH": str(tmp_path / "event.json")}
    around = surroundings(environ)
    assert (around.commit, around.job, around.actions) == (commit, job, False)


@pytest.mark.parametrize(("folder", "has"), [(".", True), ("nowhere", False)])
def test_values_go_where_there_is_a_folder_for_them(folder: str, has: bool, tmp_path: Path) -> None:
    output = tmp_path / folder / "output"
    assert surroundings({"GITHUB_OUTPUT": str(output)}).output == (output if has else None)


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", '{"groups": 1}', '{"groups": [1]}', '{"groups": [{"fingerprint": 1}]}', "[" * 100_000, "\udcff"],
    ids=range(8),
)
def test_an_earlier_report_that_is_none_is_refused(text: str, tmp_path: Path) -> None:
    path = tmp_path / "before.json"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(UsageError, match="is not a JSON report"):
        surroundings({}, path)
    with pytest.raises(UsageError, match="cannot be read"):
        surroundings({}, tmp_path / "none.json")


def test_an_earlier_report_is_read(tmp_path: Path) -> None:
    path = tmp_path / "before.json"
    path.write_text('{"verdict": "drift", "groups": [{"fingerprint": "a"}]}')
    assert surroundings({}, path).since == {"verdict": "drift", "groups": [{"fingerprint": "a"}]}
