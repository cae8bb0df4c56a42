"""A judged run becomes an entry, through ``retape diff``; what keeps it from that fails nothing."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest

import retape
from diffing.history import file
from diffing.history.entry import Entry
from tests.diffing.shop import DRIFTS, play

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("RETAPE_STATE_DIR", raising=False)
    (tmp_path / "retape.toml").touch()


@pytest.fixture
def shop(tmp_path: Path) -> tuple[Path, Path]:
    tape = play(1, tmp_path / "shop.sqlite")
    return tape.path, play(2, tmp_path / "run.sqlite", DRIFTS, tape).path


def diff(shop: tuple[Path, Path], *words: str) -> int:
    return retape.run(["diff", *map(str, shop), "--report", "json=out.json", *words])


def history(tmp_path: Path) -> tuple[Entry, ...]:
    return file.last(tmp_path / ".retape", 100)


def test_a_diff_of_a_run_is_noted_with_what_the_report_says(shop: tuple[Path, Path], tmp_path: Path) -> None:
    assert diff(shop) == 1
    report = json.loads((tmp_path / "out.json").read_text())
    (entry,) = history(tmp_path)
    assert (entry.verdict, entry.exit_code, entry.ledger) == ("drift", 1, report["ledger"])
    assert [one.fingerprint for one in entry.groups] == [one["fingerprint"] for one in report["groups"]]
    assert sum(one.recorded for one in entry.endpoints) == report["ledger"]["recorded"] == entry.recording[0]
    assert entry.covered == entry.recording[1] == len(entry.endpoints)
    assert all(one.seconds is not None and one.seconds >= 0 for one in entry.endpoints)
    assert (entry.capture_name, entry.file, entry.tier, entry.part) == ("shop.sqlite", "run.sqlite", "full", "")


def test_no_value_of_the_traffic_is_in_it(shop: tuple[Path, Path], tmp_path: Path) -> None:
    diff(shop)
    report = json.loads((tmp_path / "out.json").read_text())
    (entry,) = history(tmp_path)
    text = entry.to_json()
    values = {str(side) for group in report["groups"] for side in (group["recorded"], group["replayed"])}
    longer = [value for value in values if len(value) > 4]
    assert longer
    assert [value for value in longer if value in text] == []


def test_judged_again_it_is_one_run_and_a_selection_is_another(shop: tuple[Path, Path], tmp_path: Path) -> None:
    for words in ((), ("--fail-on", "error"), ("--only", "method:GET")):
        diff(shop, *words)
    assert [one.part for one in history(tmp_path)] in (["", "--only method:GET"], ["--only method:GET", ""])
    diff(shop, "--no-history", "--only", "method:POST")
    assert len(history(tmp_path)) == 2


def test_where_there_is_no_project_a_diff_leaves_nothing(shop: tuple[Path, Path], tmp_path: Path) -> None:
    (tmp_path / "retape.toml").unlink()
    (tmp_path / "elsewhere").mkdir()
    assert diff(shop) == 1
    assert not (tmp_path / ".retape").exists()


def _newer(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()


@pytest.mark.parametrize(
    "break_it",
    [Path.mkdir, _newer, lambda path: path.write_bytes(b"something else " * 100)],
    ids=["a folder", "newer", "no database"],
)
def test_a_history_that_cannot_be_used_is_said_in_one_line(
    shop: tuple[Path, Path], tmp_path: Path, capfd: pytest.CaptureFixture[str], break_it: object
) -> None:
    (tmp_path / ".retape").mkdir()
    break_it(tmp_path / ".retape" / file.NAME)  # type: ignore[operator]
    assert diff(shop) == 1
    said = [line for line in capfd.readouterr().err.splitlines() if "history" in line]
    assert len(said) == 1
    assert said[0].startswith("retape: This run is not in the history: ")
