"""Decisions about runs with a baseline beside them: latencies and what moves by itself can be accepted, too."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from diffing.baseline.beside import path_beside, runs_beside
from diffing.baseline.threeway import compare_beside
from diffing.comparison import DiffOptions
from diffing.model import ApprovalState, Decision, Origin
from diffing.review.approvals import approval_of
from diffing.review.desk import Desk
from tests.diffing.repeats import Said, write

pytestmark = pytest.mark.slow  # captures are written and compared in each

TODAY = date(2026, 11, 30)
SLOW = [Said(seconds=0.2 + number / 1000) for number in range(30)]
QUICK = [Said(seconds=0.02 + number / 1000) for number in range(30)]


@pytest.fixture
def paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """A recording, and a slower run of it with two of the recorded build beside it, of which one place moves."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "retape.toml").touch()
    source = write(tmp_path / "shop.sqlite", [*QUICK, Said({"n": 1}, target="/a")])
    run = write(tmp_path / "run.sqlite", [*SLOW, Said({"n": 2}, target="/a")], source).path
    for number, name in enumerate(("baseline", "control"), 3):
        write(path_beside(run, name), [*QUICK, Said({"n": number}, target="/a")], source)
    return source.path, run


def test_runs_beside_a_run_are_those_made_at_the_same_time(tmp_path: Path) -> None:
    source = write(tmp_path / "shop.sqlite", QUICK[:1])
    run = write(tmp_path / "run.sqlite", QUICK[:1], source, later=9.0).path
    assert runs_beside(run) == ()
    one = write(tmp_path / "run.baseline.sqlite", QUICK[:1], source, later=9.0).path
    assert runs_beside(run) == (one,)
    write(tmp_path / "run.control.sqlite", QUICK[:1], source, later=99.0)
    assert runs_beside(run) == (one,)
    one.write_text("none")
    assert runs_beside(run) == ()


def test_a_latency_and_what_moves_by_itself_are_accepted_like_any_other_drift(paths: tuple[Path, Path]) -> None:
    recorded, run = paths
    desk = Desk.open(run, today=TODAY, recorded=recorded)
    groups = {group.class_id: group for group in desk.result.groups}
    assert groups["performance.slower"].origin is Origin.REGRESSION
    assert groups["response.body.value-changed"].origin is Origin.FLAKY
    assert (desk.result.verdict, len(desk.result.reasons)) == ("drift", 1)
    desk.accept([groups["performance.slower"].fingerprint])
    assert desk.result.verdict == "inconclusive"
    desk.accept([groups["response.body.value-changed"].fingerprint])
    assert (desk.result.verdict, desk.result.reasons) == ("clean", ())
    approvals = tuple(approval_of(group, Decision.ACCEPTED, today=TODAY) for group in groups.values())
    beside = compare_beside(recorded, run, runs_beside(run), DiffOptions(approvals=approvals, today=TODAY))
    assert [(group.fingerprint, group.decision) for group in beside.groups] == [
        (group.fingerprint, group.decision) for group in desk.result.groups
    ]
    assert (beside.verdict, beside.reasons, beside.exit_code) == ("clean", (), 0)
    assert {use.state for use in beside.approvals} == {ApprovalState.USED}


def test_an_accepted_latency_is_not_called_useless_where_none_is_measured(paths: tuple[Path, Path]) -> None:
    from diffing.engine import compare_captures

    recorded, run = paths
    slower = Desk.open(run, today=TODAY, recorded=recorded).result.groups[0]
    assert slower.class_id == "performance.slower"
    alone = compare_captures(recorded, run, DiffOptions(approvals=(approval_of(slower, Decision.ACCEPTED),)))
    assert alone.approvals == ()
