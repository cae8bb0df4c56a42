from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

import retape
from captures.config import load

FILES = {
    "github": [".github/workflows/retape-comment.yml", ".github/workflows/retape.yml", ".gitignore", "retape.toml"],
    "gitlab": [".gitignore", ".gitlab-ci.yml", ".gitlab/retape.gitlab-ci.yml", "retape.toml"],
    "": [".gitignore", "retape.toml"],
}


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "My Shop"
    (folder / ".git").mkdir(parents=True)
    (folder / "app.py").write_text("from flask import Flask\napp = Flask(__name__)\n")
    monkeypatch.chdir(folder)
    monkeypatch.delenv("CI", raising=False)
    return folder


def files(folder: Path) -> list[str]:
    found = (path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    return sorted(name for name in found if name != "app.py")


def run(*words: str) -> int:
    return retape.run(["init", *words])


def workflow(folder: Path, name: str) -> dict[str, Any]:
    found = yaml.safe_load((folder / name).read_text())
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize("ci", FILES)
def test_it_writes_what_it_showed(ci: str, shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--ci", ci] if ci else []
    assert run(*words, "--dry-run") == 0
    shown = capsys.readouterr().out
    assert files(shop) == []
    assert run(*words) == 0
    said = capsys.readouterr()
    assert said.out == shown
    assert files(shop) == FILES[ci]
    for name in FILES[ci]:
        added = [line[1:] for line in _hunk(shown, name).splitlines() if line.startswith("+")]
        assert (shop / name).read_text().splitlines() == added
        assert f"retape: wrote {name}" in said.err
    assert "app.py (Flask) tells how the service is started; that is a guess: flask --app app:app run" in said.err
    assert "retape record -o tests/captures/my-shop.sqlite -- flask --app app:app run --port {port}" in said.err


def _hunk(diff: str, name: str) -> str:
    part = diff.split(f"+++ b/{name}\n", 1)[1]
    return part.split("--- /dev/null", 1)[0]


def test_what_is_there_stays(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (shop / "retape.toml").write_text("# mine\n")
    (shop / ".gitignore").write_text("*.pyc")
    (shop / ".gitlab-ci.yml").write_text("test: {script: [make]}\n")
    assert run("--ci", "gitlab") == 0
    assert (shop / "retape.toml").read_text() == "# mine\n"
    assert (shop / ".gitignore").read_text() == "*.pyc\n.retape/\nretape-out/\n"
    assert (shop / ".gitlab-ci.yml").read_text() == "test: {script: [make]}\n"
    said = capsys.readouterr()
    assert "kept retape.toml: it exists (--force replaces it)" in said.err
    assert "add to it: include: [{ local: .gitlab/retape.gitlab-ci.yml }]" in said.err
    assert "-*.pyc\n\\ No newline at end of file\n+*.pyc\n" in said.out


def test_force_replaces_ours_and_never_their_pipeline(shop: Path) -> None:
    (shop / "retape.toml").write_text("# mine\n")
    (shop / ".gitlab-ci.yml").write_text("test: {script: [make]}\n")
    assert run("--ci", "gitlab", "--force") == 0
    assert "[record]" in (shop / "retape.toml").read_text()
    assert (shop / ".gitlab-ci.yml").read_text() == "test: {script: [make]}\n"


def test_a_second_time_changes_nothing(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--ci", "github") == 0
    before = {name: (shop / name).read_bytes() for name in files(shop)}
    capsys.readouterr()
    assert run("--ci", "github", "--force") == 0
    assert capsys.readouterr().out == ""
    assert {name: (shop / name).read_bytes() for name in files(shop)} == before


@pytest.mark.parametrize("value", ["true", "1", "woodpecker"])
def test_in_ci_it_writes_nothing(
    value: str, shop: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CI", value)
    assert run("--ci", "github", "--force") == 2
    said = capsys.readouterr()
    assert (files(shop), said.out) == ([], "")
    assert said.err.startswith("retape: CI is set: retape init writes nothing there.\nhint: Run it in your checkout")
    assert run("--dry-run") == 0
    assert files(shop) == []


def test_without_git_only_what_was_asked_for(
    shop: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (shop / ".git").rmdir()
    (shop / "inner").mkdir()
    monkeypatch.chdir(shop / "inner")
    assert run() == 0
    assert files(shop) == ["inner/retape.toml"]
    assert "is in no git repository: no .gitignore was touched" in capsys.readouterr().err


def test_in_a_folder_of_a_repository_it_writes_at_its_top(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (shop / "inner").mkdir()
    monkeypatch.chdir(shop / "inner")
    assert run("--ci", "github") == 0
    assert files(shop) == FILES["github"]


def test_a_configuration_in_pyproject_stays_the_only_one(shop: Path) -> None:
    (shop / "pyproject.toml").write_text("[tool.retape.replay]\nready = '/up'\n")
    assert run() == 0
    assert files(shop) == [".gitignore", "pyproject.toml"]


def test_a_folder_in_the_way_is_said(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (shop / ".github").write_text("")
    assert run("--ci", "github") == 2
    assert "cannot be written" in capsys.readouterr().err


def test_the_configuration_is_accepted_with_every_line_turned_on(shop: Path) -> None:
    assert run() == 0
    config = load(shop)
    assert set(config.data) == {"record"}
    text = (shop / "retape.toml").read_text()
    on = re.sub(r"(?m)^# (?=\[|\w+ = )", "", text)
    (shop / "retape.toml").write_text(on)
    assert set(load(shop).data) == {"record", "dependencies", "redact", "replay"}


def test_no_job_that_runs_their_code_may_write_and_no_expression_reaches_a_shell(shop: Path) -> None:
    assert run("--ci", "github") == 0
    jobs = workflow(shop, ".github/workflows/retape.yml")
    comment = workflow(shop, ".github/workflows/retape-comment.yml")
    assert jobs["permissions"] == {"contents": "read"}
    assert comment["permissions"] == {"actions": "read", "pull-requests": "write"}
    assert list(comment[True]) == ["workflow_run"]  # YAML 1.1 reads "on" as true
    for made in (jobs, comment):
        for job in made["jobs"].values():
            assert "permissions" not in job
            assert job["timeout-minutes"]
            for step in job["steps"]:
                assert "${{" not in step.get("run", "")
                assert "secrets." not in str(step)
                if "checkout" in step.get("uses", ""):
                    assert step["with"]["persist-credentials"] is False
    assert not any("uses" in step for step in comment["jobs"]["comment"]["steps"]), "it checks nothing out"


def test_a_command_cannot_leave_its_line(shop: Path) -> None:
    (shop / "Procfile").write_text("web: a --port $PORT; rm -rf /\n")
    assert run("--ci", "github") == 0
    steps = workflow(shop, ".github/workflows/retape.yml")["jobs"]["replay"]["steps"]
    (replay,) = [step["run"] for step in steps if step.get("name") == "Replay this shard"]
    assert "-- sh -c 'a --port $PORT; rm -rf /' || code=$?" in replay
