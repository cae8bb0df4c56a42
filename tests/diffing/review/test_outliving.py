"""An approval outlives the recording it was made on: another one, copies and parts of it, and other ids in it."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from captures.copying import copy_chosen
from captures.joining import join
from captures.store import Capture
from diffing.engine import DiffOptions, compare_captures
from diffing.model import RE_RECORDED, Approval, ApprovalState, Decision
from diffing.review.approvals import approval_of, recording_of
from tests.diffing.repeats import Said, write
from tests.diffing.shop import DRIFTS, play

pytestmark = pytest.mark.slow  # captures are written and compared in each

OLD = [Said({"n": number, "kind": "a"}, target=f"/things/{number}") for number in range(3)]
NEW = [replace(said, body={**said.body, "kind": 1}) for said in OLD]


def test_what_was_approved_on_one_capture_is_approved_on_the_next(tmp_path: Path) -> None:
    """Other ids, other amounts, twice the traffic: the same seven drifts."""
    tape = play(1, tmp_path / "a.sqlite", rounds=3)
    run = play(2, tmp_path / "a-run.sqlite", DRIFTS, tape, rounds=3)
    found = compare_captures(tape.path, run.path).groups
    assert len(found) == 7
    options = DiffOptions(approvals=tuple(approval_of(group, Decision.ACCEPTED) for group in found))
    again = play(11, tmp_path / "b.sqlite", rounds=6)
    later = play(12, tmp_path / "b-run.sqlite", DRIFTS, again, rounds=6)
    result = compare_captures(again.path, later.path, options)
    assert [group.decision for group in result.groups] == [Decision.ACCEPTED] * 7
    assert (result.verdict, result.exit_code) == ("clean", 0)
    assert {use.state for use in result.approvals} == {ApprovalState.USED}


def test_the_identity_of_a_recording_is_that_of_its_copies_and_not_of_a_new_one(tmp_path: Path) -> None:
    def identity(path: Path) -> str:
        with Capture.open(path) as capture:
            return recording_of(capture.sessions())

    first = write(tmp_path / "first.sqlite", OLD).path
    second = write(tmp_path / "second.sqlite", OLD, later=60.0).path
    with Capture.open(first) as source:
        copy_chosen(source, tmp_path / "part.sqlite", lambda exchange: exchange.id == 1, "prune")
    join([first, second], tmp_path / "both.sqlite")
    assert (
        identity(first) == identity(tmp_path / "part.sqlite") < identity(second) == identity(tmp_path / "both.sqlite")
    )


@pytest.mark.parametrize(("before", "state"), [(0.0, ApprovalState.USED), (60.0, ApprovalState.SUPERSEDED)])
def test_until_re_recorded(before: float, state: ApprovalState, tmp_path: Path) -> None:
    older = write(tmp_path / "older.sqlite", OLD, later=-before).path
    source = write(tmp_path / "shop.sqlite", OLD)
    run = write(tmp_path / "run.sqlite", NEW, source).path
    (group,) = compare_captures(source.path, run).groups
    with Capture.open(older) as capture:
        then = recording_of(capture.sessions())
    approval = approval_of(group, Decision.ACCEPTED, until=RE_RECORDED, recording=then)
    result = compare_captures(source.path, run, DiffOptions(approvals=(approval,)))
    assert [use.state for use in result.approvals] == [state]
    assert result.groups[0].open is (state is ApprovalState.SUPERSEDED)
    assert any("until the capture was recorded again, which it was" in note for note in result.notes) is bool(before)


@pytest.mark.parametrize("cut_short", ["only", "unended"])
def test_a_part_of_a_run_does_not_call_an_approval_useless(cut_short: str, tmp_path: Path) -> None:
    source = write(tmp_path / "shop.sqlite", OLD)
    run = write(tmp_path / "run.sqlite", OLD, source)
    options = DiffOptions(approvals=(Approval("a" * 12, Decision.ACCEPTED),))
    assert [use.state for use in compare_captures(source.path, run.path, options).approvals] == [
        ApprovalState.UNMATCHED
    ]
    if cut_short == "only":
        options = replace(options, only="path:/things/1")
    else:
        with closing(sqlite3.connect(run.path)) as connection, connection:
            connection.execute("UPDATE session SET ended = NULL")
    assert compare_captures(source.path, run.path, options).approvals == ()
