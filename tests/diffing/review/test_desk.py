"""Decisions about one run, written into the rules file and in force at once."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from captures.errors import UsageError
from diffing.engine import DiffOptions, compare_captures
from diffing.model import RE_RECORDED, ApprovalState, Decision, Group
from diffing.options import options_from
from diffing.review.desk import Desk
from tests.diffing.repeats import Said, write
from tests.diffing.review.conftest import Pair

TODAY = date(2026, 11, 30)

pytestmark = pytest.mark.slow  # a run is compared in each


@pytest.fixture
def desk(project: Path, pair: Pair) -> Desk:
    return Desk.open(pair.run, pair.recorded, today=TODAY)


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


def test_all_accepted_is_clean_and_the_engine_says_the_same(desk: Desk, project: Path) -> None:
    from captures.config import load

    assert desk.result.exit_code == 1
    desk.accept([group.fingerprint for group in desk.result.groups])
    assert (desk.result.verdict, desk.result.exit_code) == ("clean", 0)
    options = options_from(load(project), today=TODAY)
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
    with pytest.raises(UsageError, match="too short"):
        desk.accept([""])


def group_of(desk: Desk, class_id: str) -> Group:
    return next(group for group in desk.result.groups if group.class_id == class_id)


def test_a_preview_says_what_else_the_rule_would_hide_and_ignoring_writes_it(desk: Desk) -> None:
    group = group_of(desk, "response.body.type-changed")
    seen = desk.preview([group.fingerprint])
    assert not desk.file.exists()
    assert f'id = "drift-{group.fingerprint}"' in seen.text
    (hidden,) = seen.hides
    assert (hidden.endpoint, hidden.why, hidden.values, hidden.exchanges) == (group.endpoint, "same today", 1, 4)
    assert seen.left == len(desk.result.groups) - 1
    change = desk.ignore([group.fingerprint], reason="the tax service rounds", author="dana")
    assert 'reason = "the tax service rounds"' in change.diff
    assert group.fingerprint not in {one.fingerprint for one in desk.result.groups}
    assert dict(desk.result.rules)[f"drift-{group.fingerprint}"] == 3
    assert change.undecide == (group.fingerprint,)
    desk.undecide([group.fingerprint])
    assert group.fingerprint in {one.fingerprint for one in desk.result.groups}
    desk.undo()
    desk.undo()
    assert not desk.file.exists()


def test_what_no_rule_can_say_is_said_and_nothing_is_written(desk: Desk) -> None:
    call = group_of(desk, "outbound.repeated").fingerprint
    ((name, sentence),) = desk.preview([call]).unsaid
    assert (name, sentence.startswith("no rule can say outbound.repeated")) == (call, True)
    with pytest.raises(UsageError, match="No rule was made"):
        desk.ignore([call])
    assert not desk.file.exists()
    total = group_of(desk, "response.body.type-changed").fingerprint
    change = desk.ignore([call, total])
    assert (change.fingerprints, [name for name, _ in change.unsaid]) == ((total,), [call])


def test_a_rule_for_one_group_names_the_other_groups_that_it_would_hide(tmp_path: Path) -> None:
    """Of two groups at one place, whose shape differs, a rule made for both values of the one may hide the other."""
    from diffing.review.hiding import preview, sentences

    source = write(tmp_path / "recorded.sqlite", [Said({"n": number}) for number in (1, 2, 3, 4)])
    recorded = source.path
    run = write(tmp_path / "run.sqlite", [Said({"n": value}) for value in (5, "x", "y", 6)], source).path
    result = compare_captures(recorded, run)
    assert len(result.groups) > 1
    shown = preview(recorded, run, DiffOptions(), result, result.groups[:1], TODAY)
    assert {one.group for one in shown.others} == {group.fingerprint for group in result.groups[1:]}
    assert "would also hide" in sentences(shown)[0]
