from __future__ import annotations

import io
import re
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from diffing.model import Decision
from diffing.reports import Surroundings, annotate, github, parse_specs, write
from diffing.reports.markdown_text import size
from tests.diffing.reports.conftest import Story
from tests.diffing.reports.hostile import hostile
from tests.diffing.reports.story import clean, inconclusive

COMMAND = re.compile(r"::(error|warning|notice) file=([^:,]+),line=1,title=([^:,]*)::(.*)")


def test_the_worst_ten_are_annotated_and_the_last_says_how_many_more(story: Story) -> None:
    lines = github.workflow_commands(story.result)
    assert len(lines) == github.ANNOTATIONS
    assert lines[0] == (
        "::error file=retape.rules.toml,line=1,title=Type changed%3A GET /orders/{id}::response.body $.items[*].price: "
        '18.40 → "18.40". 6 exchanges; 18/18 recorded samples are numbers [a3f8c21b9d04]'
    )
    words = [line.split()[0] for line in lines]
    assert words == ["::error"] * 7 + ["::warning"] * 2 + ["::error"]
    assert lines[-1].endswith("title=Retape%3A +4 more::+4 more drift groups: see the report.")


@pytest.mark.parametrize(("count", "lines"), [(0, 0), (1, 1), (10, 10), (11, 10), (400, 10)])
def test_never_more_than_ten(count: int, lines: int, story: Story) -> None:
    groups = tuple(replace(story.result.groups[0], fingerprint=f"{n:012x}") for n in range(count))
    assert len(github.workflow_commands(replace(story.result, groups=groups))) == lines


def test_what_was_let_pass_is_not_annotated(story: Story) -> None:
    groups = tuple(replace(group, decision=Decision.ACCEPTED) for group in story.result.groups)
    assert github.workflow_commands(replace(story.result, groups=groups)) == []
    assert github.workflow_commands(clean(story.result)) == []


def test_inconclusive_is_annotated(story: Story) -> None:
    (line,) = github.workflow_commands(inconclusive(story.result))
    assert line.startswith("::error file=retape.rules.toml,line=1,title=Retape%3A inconclusive::This run does not show")


def test_no_captured_text_becomes_a_command_or_a_property(story: Story) -> None:
    result = hostile(story.result, 10)
    for line in github.workflow_commands(result):
        match = COMMAND.fullmatch(line)
        assert match is not None, line
        assert "##[" not in line
        assert not any(ord(character) < 0x20 for character in line)
        assert len(line) < 1_600
        assert match[2] == "retape.rules.toml"
        assert not re.search(r"%(?!25|0A|0D|3A|2C)", match[3] + match[4])


def test_values_for_later_steps_are_words_and_numbers_of_ours(story: Story) -> None:
    lines = github.outputs(hostile(story.result)).splitlines()
    assert all(re.fullmatch(r"[a-z-]+=[a-z0-9]+", line) for line in lines)
    values = dict(line.split("=") for line in github.outputs(story.result).splitlines())
    assert values["verdict"] == "drift"
    assert (values["exit-code"], values["groups"], values["errors"], values["warnings"]) == ("1", "13", "7", "5")
    assert (values["accepted"], values["not-replayed"]) == ("1", "1")


@pytest.mark.slow
def test_a_summary_is_below_a_mebibyte(story: Story) -> None:
    assert github.SUMMARY_LIMIT < 1024 * 1024
    text = github.summary(hostile(story.result, 300), limit=200_000)
    assert 180_000 < size(text) < 200_000
    assert re.search(r"\n[\d,]+ more groups did not fit into this summary: see the report\.\n$", text)


def test_a_job_gets_its_files_and_annotations(
    story: Story, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    summary, output = tmp_path / "summary", tmp_path / "output"
    summary.write_text("# before\n")
    output.touch()
    environ = {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(summary), "GITHUB_OUTPUT": str(output)}
    specs = parse_specs((), environ=environ)
    assert [(spec.format, spec.path) for spec in specs] == [("terminal", None), ("github", summary)]
    around = Surroundings(actions=True, output=output)
    for spec in specs:
        write(hostile(story.result), spec, story.recorded, story.replayed, around=around)
    annotate(story.result, specs, around)
    assert summary.read_text(encoding="utf-8").startswith("# before\n### ❌ Retape: drift")
    assert output.read_text().startswith("verdict=drift\n")
    lines = capsys.readouterr().out.splitlines()
    stop = re.fullmatch(r"::stop-commands::([0-9a-f]{32})", lines[0])
    assert stop is not None
    end = lines.index(f"::{stop[1]}::")
    assert any("##[" in line for line in lines[:end]), "the report is not altered, only not obeyed"
    assert len(lines[end + 1 :]) == 10
    assert all(COMMAND.fullmatch(line) for line in lines[end + 1 :])


def test_annotations_leave_stdout_to_data(story: Story, capsys: pytest.CaptureFixture[str]) -> None:
    specs = parse_specs(("json,github",), environ={"GITHUB_STEP_SUMMARY": "s"})
    annotate(story.result, specs, Surroundings(actions=True))
    annotate(story.result, specs, Surroundings(actions=False))
    said = capsys.readouterr()
    assert (said.out, said.err.count("\n")) == ("", 10)


def test_a_full_summary_is_not_made_too_large(story: Story, tmp_path: Path) -> None:
    summary = tmp_path / "summary"
    summary.write_bytes(b"x" * 1_000_000)
    (spec,) = parse_specs(("github",), environ={"GITHUB_STEP_SUMMARY": str(summary)})
    write(hostile(story.result, 300), spec, None, None)
    assert summary.stat().st_size < 1024 * 1024


def test_outside_of_a_job_nothing_is_bracketed(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stdout", stream)
    write(story.result, "terminal", None, None)
    assert "::" not in stream.getvalue().splitlines()[0]
