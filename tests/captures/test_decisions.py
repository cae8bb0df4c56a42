from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from captures import statistics
from captures.decisions import Decided, note, said_by
from captures.store import Capture
from captures.writer import CaptureWriter


def rows_of(run: Path) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(run)) as file:
        return file.execute("SELECT fingerprint, decision, who, at, reason FROM decision ORDER BY 1").fetchall()


def test_a_run_says_what_was_decided_when_it_was_judged_last(tmp_path: Path) -> None:
    run = tmp_path / "run #1?.sqlite"
    CaptureWriter(run, mode="replay").close()
    assert note(run, [Decided("a" * 12, "accepted", "dana", "meant"), Decided("b" * 12, "rejected")], 5.0) == ""
    assert rows_of(run) == [("a" * 12, "accepted", "dana", 5.0, "meant"), ("b" * 12, "rejected", None, 5.0, None)]
    assert note(run, [Decided("b" * 12, "accepted")], 6.0) == ""
    assert rows_of(run) == [("b" * 12, "accepted", None, 6.0, None)]
    with Capture.open(run) as opened:
        assert said_by(opened) == (Decided("b" * 12, "accepted"),)


def test_people_read_it_in_the_statistics(tmp_path: Path) -> None:
    run = tmp_path / "run.sqlite"
    CaptureWriter(run, mode="replay").close()
    note(run, [Decided(f"{at:012x}", "rejected", "eve\x1b", "no") for at in range(52)], 5.0)
    with Capture.open(run) as opened:
        said = list(statistics.lines(statistics.of(opened)))
    title = "drift groups that the rules file had decided about when the run was judged"
    first = "  rejected  000000000000 by eve\\x1b: no"
    assert (said[said.index(title) + 1], said[-1]) == (first, "  and 2 more")


def test_what_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    assert "does not say what was decided" in note(tmp_path / "gone.sqlite", [], 5.0)
    assert not (tmp_path / "gone.sqlite").exists()
