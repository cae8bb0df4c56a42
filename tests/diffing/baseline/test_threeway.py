"""A verdict on a recording, a run of the new build, and runs of the recorded build beside it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

import retape
from captures.errors import UsageError
from diffing.baseline.threeway import compare_beside
from diffing.model import Origin, Result
from tests.diffing.repeats import Said, write


def judged(folder: Path, recorded: Sequence[Said], *runs: Sequence[Said]) -> Result:
    """``runs``: the new build's, then the baseline's one or two."""
    source = write(folder / "recorded.sqlite", recorded)
    paths = [write(folder / f"run{n}.sqlite", run, source, later=3_600.0 * n).path for n, run in enumerate(runs, 1)]
    return compare_beside(source.path, paths[0], paths[1:])


def said(**values: object) -> list[Said]:
    return [Said({"name": "Shirt", "price": 10, "stock": 5, **values})]


def test_only_the_new_builds_drift_fails(tmp_path: Path) -> None:
    result = judged(tmp_path, said(), said(price=11, name="Blouse"), said(name="Blouse"), said(name="Blouse"))
    assert {(group.location, group.origin) for group in result.groups} == {
        ("response.body $.price", Origin.REGRESSION),
        ("response.body $.name", Origin.STALE),
    }
    assert (result.verdict, result.exit_code) == ("drift", 1)
    assert result.groups[0].origin is Origin.REGRESSION
    assert any("the capture is stale there" in note for note in result.notes)


def test_a_stale_capture_alone_does_not_fail_and_says_so(tmp_path: Path) -> None:
    result = judged(tmp_path, said(), said(name="Blouse"), said(name="Blouse"), said(name="Blouse"))
    assert [group.origin for group in result.groups] == [Origin.STALE]
    assert (result.verdict, result.exit_code) == ("clean", 0)
    assert result.ledger.drifted == 1  # the ledger is about the recording
    assert any("record again" in note for note in result.notes)


def test_another_value_than_the_baselines_is_a_regression_though_both_differ(tmp_path: Path) -> None:
    result = judged(tmp_path, said(), said(name="Skirt"), said(name="Blouse"), said(name="Blouse"))
    assert [group.origin for group in result.groups] == [Origin.REGRESSION]
    assert result.exit_code == 1


def test_what_the_baseline_does_by_itself_cannot_be_judged(tmp_path: Path) -> None:
    result = judged(tmp_path, said(), said(stock=7), said(stock=8), said(stock=9))
    assert [group.origin for group in result.groups] == [Origin.FLAKY]
    assert (result.verdict, result.exit_code) == ("inconclusive", 3)
    assert "the baseline differs from itself" in result.reasons[0]


def test_one_baseline_says_what_it_cannot_tell(tmp_path: Path) -> None:
    result = judged(tmp_path, said(), said(stock=7), said(stock=8))
    assert [group.origin for group in result.groups] == [Origin.REGRESSION]
    assert any("ran once" in note for note in result.notes)


@pytest.mark.slow
def test_a_baseline_that_failed_proves_nothing(tmp_path: Path) -> None:
    result = judged(tmp_path, said(), said(price=11), [Said(failed=True)], [Said(failed=True)])
    assert [group.origin for group in result.groups] == [None]
    assert result.exit_code == 1
    other = judged(tmp_path / "other", said(), said(price=11), [Said({}, status=500)], [Said({}, status=500)])
    assert [group.origin for group in other.groups] == [Origin.REGRESSION]


def test_a_run_that_is_clean_stays_clean(tmp_path: Path) -> None:
    result = judged(tmp_path, said(), said(), said(), said())
    assert (result.verdict, result.groups) == ("clean", ())


@pytest.mark.slow
def test_slower_answers_are_a_group_of_their_own(tmp_path: Path) -> None:
    def answers(seconds: float) -> list[Said]:
        return [Said({"n": 1}, seconds=seconds * (1 + number % 7 / 20)) for number in range(40)]

    result = judged(tmp_path, answers(0.01), answers(0.03), answers(0.01), answers(0.0101))
    (group,) = result.groups
    assert (group.class_id, group.origin, group.location) == ("performance.slower", Origin.REGRESSION, "performance")
    assert group.exchanges == ()
    assert result.exit_code == 1
    quick = judged(tmp_path / "quick", answers(0.01), answers(0.01), answers(0.03), answers(0.03))
    assert [group.class_id for group in quick.groups] == ["performance.faster"]
    assert quick.exit_code == 0


def test_the_command_line_and_every_report(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    judged(tmp_path, said(), said(price=11, name="Blouse"), said(name="Blouse"), said(name="Blouse"))
    words = ["diff", *(str(tmp_path / name) for name in ("recorded.sqlite", "run1.sqlite"))]
    words += ["--baseline", str(tmp_path / "run2.sqlite"), "--baseline", str(tmp_path / "run3.sqlite")]
    for name in ("json", "junit", "html"):
        words += ["--report", f"{name}={tmp_path / name}"]
    assert retape.run([*words, "--report", "terminal"]) == 1
    shown = capsys.readouterr().out
    assert "(regression)" in shown
    assert "(stale capture)" in shown
    assert "1 more from a stale capture" in shown
    document = json.loads((tmp_path / "json").read_text())
    assert [group["origin"] for group in document["groups"]] == ["regression", "stale capture"]
    junit = (tmp_path / "junit").read_text()
    assert "$.price" in junit.partition("<failure")[2].partition("</failure>")[0]
    assert "$.name" not in junit.partition("<failure")[2].partition("</failure>")[0]


def test_a_run_does_not_bear_itself_out(tmp_path: Path) -> None:
    source = write(tmp_path / "recorded.sqlite", said())
    run = write(tmp_path / "run.sqlite", said(), source).path
    with pytest.raises(UsageError, match="given twice"):
        compare_beside(source.path, run, [run])
    with pytest.raises(UsageError, match="One or two"):
        compare_beside(source.path, run, [run, run, run])
