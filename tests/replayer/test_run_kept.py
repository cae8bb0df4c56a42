"""What a run keeps of what it was to replay: nothing that was selected goes missing unseen."""

from __future__ import annotations

import errno
import io
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from captures.merging import merge
from captures.model import FailureKind
from captures.selection import parse
from captures.writer import CaptureWriter
from diffing.engine import DiffOptions, compare_captures
from replayer.events import Notice
from replayer.plan import Shard
from replayer.progress import Progress
from tests.replayer.tapes import Tape, request, response, run_of
from tests.replayer.test_run import meta_of, target


@pytest.mark.slow
def test_what_comes_after_the_replay_began_is_not_missed(tmp_path: Path) -> None:
    path = tmp_path / "c.sqlite"
    with Tape(path) as tape:
        tape.inbound(request(), response(200, b"{}"))
        late = tape.writer.reserve_id()  # it began before the replay, and is not written yet
        tape.inbound(request(), response(200, b"{}"))
        tape.writer.flush()
        with target() as where:
            outcome, run, _ = run_of(path, command=(), target=where, stub_listen=0)
        assert [one.replay_of for one in run] == [1, 3]
        tape.writer.put(replace(run[0], id=late, replay_of=None))
        tape.outbound(None, request(target="/later", host="other.test"), response())
        tape.inbound(request(target="/later"), response())
    result = compare_captures(path, outcome.run)
    assert (result.exit_code, result.ledger.recorded, result.ledger.not_replayed) == (0, 2, 0), result
    assert any(note.startswith("2 recorded exchanges came after") for note in result.notes)


@pytest.mark.parametrize("only", [None, "id:1,2"])
def test_an_exchange_that_was_selected_and_is_not_in_the_run_is_not_replayed(
    tmp_path: Path, only: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "c.sqlite"
    with Tape(path) as tape:
        for number in range(3):
            tape.inbound(request(target=f"/{number}"), response(200, b"{}"))
    put = CaptureWriter.put
    monkeypatch.setattr(CaptureWriter, "put", lambda self, one: one.replay_of in (1, 2) or put(self, one))
    with target() as where:
        outcome, _, _ = run_of(path, command=(), target=where, only=parse(only) if only else None, stub_listen=0)
    result = compare_captures(path, outcome.run)
    assert (result.exit_code, result.ledger.not_replayed) == (3, 2)
    assert any("the run holds nothing of it" in reason for reason in result.reasons)


@pytest.mark.slow
def test_an_answer_longer_than_may_be_is_kept_in_part(tmp_path: Path) -> None:
    path = tmp_path / "c.sqlite"
    with Tape(path) as tape:
        whole = response(200, b"x" * 90_000)
        tape.inbound(request(), whole)
        cut = {"body_truncated": True, "notes": {"response_body_length": 500_000}}
        tape.inbound(request(), replace(whole, body=b"x" * 65_536), **cut)
    with target(b"x" * 300_000) as where:
        outcome, (first, second), _ = run_of(path, command=(), target=where, stub_listen=0, max_body=100_000)
    for one in (first, second):
        assert one.response is not None
        assert (len(one.response.body), one.body_truncated) == (65_536, True)
        assert one.notes["response_body_length"] > 100_000
        assert one.failure is not None
        assert one.failure.kind is FailureKind.TRUNCATED
    result = compare_captures(path, outcome.run)
    assert {group.exchanges for group in result.groups if group.class_id == "response.failed"} == {(1,)}
    assert any("kept in part in the recording" in reason for reason in result.reasons)


@pytest.mark.slow
def test_large_answers_wait_for_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "c.sqlite"
    with Tape(path) as tape:
        for _ in range(8):
            tape.inbound(request(), response(200, b"x"))
    monkeypatch.setattr("replayer.run.CaptureWriter", partial(CaptureWriter, max_queued_bytes=150_000))
    with target(b"x" * 100_000) as where:
        outcome, run, _ = run_of(path, command=(), target=where, stub_listen=0)
    assert (len(run), outcome.reasons) == (8, ())


@pytest.mark.slow
def test_a_shard_without_a_part_is_an_empty_run(tmp_path: Path) -> None:
    path = tmp_path / "c.sqlite"
    with Tape(path) as tape:
        tape.inbound(request(), response(200, b"{}"), connection="a")
    runs = []
    with target() as where:
        for number in (1, 2):
            outcome, _, _ = run_of(path, command=(), target=where, stub_listen=0, shard=Shard(number, 2))
            runs.append(outcome.run.rename(tmp_path / f"s{number}.sqlite"))
            result = compare_captures(path, runs[-1])
            assert (result.exit_code, result.ledger.recorded) == (0, outcome.total)
    assert any("holds no exchange" in note for run in runs for note in meta_of(run)["notes"])
    merged = merge(runs, tmp_path / "all.sqlite")
    result = compare_captures(path, merged.run)
    assert (result.exit_code, result.ledger.recorded, result.ledger.replayed) == (0, 1, 1), result


def test_a_disk_that_is_full_is_told_at_once_and_in_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "c.sqlite"
    with Tape(path) as tape:
        for number in range(3):
            tape.inbound(request(target=f"/{number}"), response(200, b"{}"))

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("captures.capture_file.CaptureFile.commit", full)
    monkeypatch.setattr("replayer.run.CaptureWriter", partial(CaptureWriter, patience=0))
    with target() as where:
        outcome, _, events = run_of(path, command=(), target=where, stub_listen=0)
    assert outcome.lost == "3 exchanges could not be written: the disk is full (No space left on device)"
    notices = [event.sentence for event in events if isinstance(event, Notice)]
    assert [notice for notice in notices if "disk is full" in notice] == [
        f"what is replayed cannot be written to {outcome.run}: the disk is full (No space left on device); make room"
    ]
    stream = io.StringIO()
    Progress(stream, quiet=True)(events[-1])
    assert stream.getvalue() == f"retape: {outcome.lost}; {outcome.run} is not whole\n"
    result = compare_captures(path, outcome.run, DiffOptions(unended=outcome.lost))
    assert result.exit_code == 3
    assert outcome.lost in result.reasons
    assert not any("still going on" in reason for reason in result.reasons)
