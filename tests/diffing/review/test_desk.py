"""Decisions about one run, written into the rules file and in force at once."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from captures.errors import UsageError
from diffing.engine import compare_captures
from diffing.model import RE_RECORDED, ApprovalState, Decision
from diffing.options import options_from
from diffing.review.desk import Desk
from tests.diffing.shop import DRIFTS, play

TODAY = date(2026, 11, 30)


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "retape.toml").touch()
    tape = play(1, tmp_path / "shop.sqlite")
    run = play(2, tmp_path / "run.sqlite", DRIFTS, tape)
    return Desk.open(run.path, tape.path, today=TODAY)


def test_an_accepted_group_passes_and_a_rejected_one_does_not(desk: Desk) -> None:
    one, other = desk.result.groups[:2]
    change = desk.accept([one.fingerprint[:6]], reason="ORD-7", author="dana", until=RE_RECORDED)
    assert (change.verb, change.fingerprints, change.written) == ("accept", (one.fingerprint,), True)
    assert change.diff.startswith("--- /dev/null\n+++ b/retape.rules.toml\n")
    desk.reject([other.fingerprint], reason="breaks the app")
    groups = {group.fingerprint: group for group in desk.result.groups}
    assert groups[one.fingerprint].decision is Decision.ACCEPTED
    assert groups[one.fingerprint].approval is not None
    assert groups[one.fingerprint].approval.author == "dana"
    assert groups[other.fingerprint].approval is not None
    assert groups[other.fingerprint].approval.reason == "breaks the app"
    assert [use.state for use in desk.result.approvals] == [ApprovalState.USED] * 2
    again = Desk.open(desk.run, desk.recorded, today=TODAY)
    assert again.result == desk.result


def test_all_accepted_is_clean_and_the_engine_says_the_same(desk: Desk, tmp_path: Path) -> None:
    from captures.config import load

    assert desk.result.exit_code == 1
    desk.accept([group.fingerprint for group in desk.result.groups])
    assert (desk.result.verdict, desk.result.exit_code) == ("clean", 0)
    options = options_from(load(tmp_path), today=TODAY)
    assert compare_captures(desk.recorded, desk.run, options) == desk.result


def test_undo_gives_the_file_back_and_the_group_fails_again(desk: Desk) -> None:
    before = desk.result
    desk.accept([before.groups[0].fingerprint])
    text = desk.file.read_bytes()
    desk.accept([before.groups[1].fingerprint])
    assert desk.undo().verb == "undo"
    assert desk.file.read_bytes() == text
    desk.undo()
    assert not desk.file.exists()
    assert desk.result == before
    with pytest.raises(UsageError, match="Nothing was decided here"):
        desk.undo()


def test_undo_leaves_what_others_wrote_meanwhile(desk: Desk) -> None:
    name = desk.result.groups[0].fingerprint
    desk.accept([name])
    desk.file.write_text(desk.file.read_text() + "# mine\n")
    with pytest.raises(UsageError, match="was changed since"):
        desk.undo()
    desk.undecide([name])
    assert "# mine" in desk.file.read_text()
    assert name not in desk.file.read_text()


def test_a_dry_decision_shows_the_same_diff_and_writes_nothing(desk: Desk) -> None:
    name = desk.result.groups[0].fingerprint
    shown = desk.accept([name], dry=True)
    assert not desk.file.exists()
    assert shown.diff == desk.accept([name]).diff
    assert not shown.written


def test_near_ones_of_a_group_that_is_not_there(desk: Desk) -> None:
    name = desk.result.groups[0].fingerprint
    with pytest.raises(UsageError) as caught:
        desk.accept([name[:-1] + "z"])
    assert name in caught.value.hint
    with pytest.raises(UsageError, match="no drift group"):
        desk.accept([""])
