"""``retape report trend`` as people type it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import retape
from diffing.history import file
from tests.diffing.history.making import entry, group


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RETAPE_STATE_DIR", str(tmp_path / "state"))
    (tmp_path / "state").mkdir()
    return tmp_path / "state"


def test_the_last_runs_in_both_forms(state: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for number in range(5):
        file.note(state, entry(number, group()))
    assert retape.run(["report", "trend", "--runs", "2"]) == 0
    assert capsys.readouterr().out.startswith("The last 2 of 5 runs, ")
    assert retape.run(["report", "trend", "--runs", "3", "--format", "json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["schema"], told["noted"], len(told["runs"])) == (1, 5, 3)
    assert told["runs"][0]["groups"][0]["class"] == "response.body.value-changed"
    assert [one["fingerprint"] for one in told["open"]] == ["aaaaaaaaaaaa"]
    assert retape.run(["report", "trend", "-o", "trend.txt"]) == 0
    assert Path("trend.txt").read_text().startswith("5 runs, ")


def test_no_history_is_no_error(state: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert retape.run(["report", "trend"]) == 0
    assert "retape replay CAPTURE" in capsys.readouterr().out
    assert retape.run(["report", "trend", "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["runs"] == []


def test_a_history_that_is_something_else_is_a_usage_error(state: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (state / file.NAME).write_bytes(b"something else " * 100)
    assert retape.run(["report", "trend"]) == 2
    assert "Move the file away" in capsys.readouterr().err


def test_the_page_has_a_name_of_its_own(state: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.note(state, entry(1, group()))
    assert retape.run(["report", "trend", "--format", "html"]) == 0
    assert Path("retape-trend.html").read_text().startswith("<!DOCTYPE html>")
    assert "wrote retape-trend.html" in capsys.readouterr().err
