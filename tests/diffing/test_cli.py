"""``retape diff`` and ``retape rules`` as people type them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from captures.errors import ConfigError, UsageError
from diffing.classes import all_classes
from diffing.cli import diff, rules
from diffing.rulebook.builtins import BUILTIN_RULES
from tests.diffing.shop import DRIFTS, play


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".git").mkdir()


def invoke(command: object, *arguments: str) -> tuple[int, str]:
    outcome = CliRunner().invoke(command, arguments, standalone_mode=False)  # type: ignore[arg-type]
    if outcome.exception:
        raise outcome.exception
    return outcome.return_value, outcome.stdout


def test_diff_writes_reports_and_gives_the_exit_code(tmp_path: Path) -> None:
    tape = play(1, tmp_path / "a.sqlite")
    run = play(2, tmp_path / "b.sqlite", DRIFTS, tape)
    code, out = invoke(diff, str(tape.path), str(run.path), "--report", "json")
    report = json.loads(out)
    assert code == report["exit_code"] == 1
    assert len(report["groups"]) == 7
    clean = play(3, tmp_path / "c.sqlite", source=tape)
    assert invoke(diff, str(tape.path), str(clean.path), "--report", "json=out.json")[0] == 0
    assert json.loads((tmp_path / "out.json").read_text())["verdict"] == "clean"


def test_diff_writes_no_report_over_what_it_reads(tmp_path: Path) -> None:
    tape = play(1, tmp_path / "a.sqlite")
    run = play(2, tmp_path / "b.sqlite", DRIFTS, tape)
    (tmp_path / "retape.rules.toml").write_text('[[rules]]\nid = "r"\nlocation = "$.total"\ntolerance = 0.1\n')
    before = {path: path.read_bytes() for path in (tape.path, run.path, tmp_path / "retape.rules.toml")}
    for path in before:
        with pytest.raises(UsageError, match="which this command uses"):
            invoke(diff, str(tape.path), str(run.path), "--report", f"html={path}")
    assert {path: path.read_bytes() for path in before} == before


@pytest.mark.slow
def test_rules_come_from_the_configuration(tmp_path: Path) -> None:
    tape = play(1, tmp_path / "a.sqlite")
    run = play(2, tmp_path / "b.sqlite", frozenset({"rounding"}), tape)
    (tmp_path / "retape.rules.toml").write_text('[[rules]]\nid = "r"\nlocation = "$.total"\ntolerance = 0.1\n')
    assert invoke(diff, str(tape.path), str(run.path), "--report", "json")[0] == 0
    assert "1 rule in retape.rules.toml: sound." in invoke(rules, "check")[1]
    (tmp_path / "retape.rules.toml").write_text('[[rules]]\nid = "r"\nlocaton = "$.total"\n')
    with pytest.raises(ConfigError, match="Did you mean"):
        invoke(rules, "check")


def test_every_class_and_every_built_in_rule_is_listed() -> None:
    text, listed = invoke(rules, "classes")[1], json.loads(invoke(rules, "classes", "--format", "json")[1])
    assert [row["id"] for row in listed] == [drift.id for drift in all_classes()]
    assert all(drift.id in text for drift in all_classes())
    ids = {row["id"] for row in json.loads(invoke(rules, "ls", "--format", "json")[1])}
    assert ids == {rule.id for rule in BUILTIN_RULES}
