from __future__ import annotations

import json
import sqlite3
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from captures.cli import capture as group
from captures.model import Cause, CauseHow, Direction, Exchange, Timing
from captures.rotation import Rotation
from captures.store import Capture
from captures.writer import CaptureWriter
from tests.captures.making import JSON, exchange


def at(identity: int, started: float, **more: Any) -> Exchange:
    timing = Timing(started, ended=started + 0.1)
    return replace(exchange(identity, headers=JSON, target=b"/%d" % identity, connection="c1", **more), timing=timing)


def call(identity: int, started: float, cause: int | None) -> Exchange:
    how = CauseHow.WINDOW if cause else CauseHow.AMBIGUOUS
    made = at(identity, started, direction=Direction.OUTBOUND, dependency="tax")
    return replace(made, cause=Cause(how, cause, "it was open"))


def record(path: Path, *exchanges: Exchange, began: float, key: str | None = "abcd") -> Path:
    with CaptureWriter(path, mode="record", now=lambda: began, redaction_key=key) as writer:
        for one in exchanges:
            writer.put(one)
    return path


@pytest.fixture
def two(tmp_path: Path) -> tuple[Path, Path]:
    """Recorded at the same time beside two copies of a service; the second in two sessions."""
    first = record(tmp_path / "a.sqlite", at(1, 10.0), call(2, 10.2, 1), at(3, 12.0), call(4, 12.5, None), began=9.0)
    second = record(tmp_path / "b.sqlite", at(1, 10.1), call(2, 10.3, 1), began=9.5)
    record(second, at(3, 11.0), call(4, 13.0, 3), began=10.9)
    connection = sqlite3.connect(second)
    connection.execute("INSERT INTO body (id, sha256, size, codec, data) VALUES (900, x'00', 5, 'raw', 'frame')")
    connection.execute("UPDATE body SET data = CAST(data AS BLOB)")
    connection.execute(
        "INSERT INTO message (exchange, seq, from_client, kind, at, body) VALUES (3, 1, 0, 'text', 11, 900)"
    )
    connection.commit()
    connection.close()
    return first, second


def run(*words: object) -> Result:
    return CliRunner().invoke(group, [str(word) for word in words], standalone_mode=False)


def test_recordings_become_one(two: tuple[Path, Path], tmp_path: Path) -> None:
    out = tmp_path / "out.sqlite"
    done = run("merge", *two, "-o", out, "--format", "json")
    told = json.loads(done.stdout)
    assert told["exchanges"] == 8
    assert [(row["session"], row["was"], row["exchanges"]) for row in told["sessions"]] == [
        (1, 1, 4),
        (2, 1, 2),
        (3, 2, 2),
    ]
    assert told["warnings"] == []
    with Capture.open(out) as opened:
        assert opened.damage() == []
        found = list(opened.exchanges())
        assert [one.id for one in found] == list(range(1, 9))
        assert [one.timing.started for one in found] == sorted(one.timing.started for one in found)
        assert [one.notes["was"] for one in found] == [[1, 1], [2, 1], [1, 2], [2, 2], [2, 3], [1, 3], [1, 4], [2, 4]]
        assert [one.session for one in found] == [1, 2, 1, 2, 3, 1, 1, 3]
        assert [one.cause.exchange if one.cause else 0 for one in found] == [0, 0, 1, 2, 0, 0, None, 5]
        assert {one.connection for one in found} == {"1/c1", "2/c1"}
        assert [session.started for session in opened.sessions()] == [9.0, 9.5, 10.9]
        (message,) = opened.rows("SELECT m.exchange, b.data FROM message m JOIN body b ON b.id = m.body")
        assert message == (5, b"frame")


def test_what_is_said_to_people(two: tuple[Path, Path], tmp_path: Path) -> None:
    other = record(tmp_path / "c.sqlite", at(1, 20.0), began=19.0, key="ffff")
    lines = run("merge", two[0], other, "-o", tmp_path / "out.sqlite").stdout.splitlines()
    assert lines[0] == f"session 1: 4 exchanges, session 1 of {two[0]}"
    assert "redacted with different keys" in lines[2]
    assert lines[-1].endswith("5 exchanges of 2 sessions.")


def test_what_does_not_belong_together(two: tuple[Path, Path], tmp_path: Path) -> None:
    a_run = tmp_path / "run.sqlite"
    with CaptureWriter(a_run, mode="replay") as writer:
        writer.put(replace(exchange(1), replay_of=1))
    out = tmp_path / "out.sqlite"
    assert "hold the same session" in str(run("merge", two[0], two[0], "-o", out).exception)
    assert "is a recording" in str(run("merge", two[0], a_run, "-o", out).exception)
    assert "exists already" in str(run("merge", *two, "-o", two[0]).exception)
    assert not out.exists()


def test_the_files_of_a_series_are_joined_with_the_causes_that_lie_between_them(tmp_path: Path) -> None:
    clock, base = [1000.0], tmp_path / "shop.sqlite"

    def traced(identity: int, started: float, cause: int) -> Exchange:
        made = Cause(CauseHow.TRACE_HEADER, cause, "the same traceparent")
        return replace(call(identity, started, cause), cause=made)

    with CaptureWriter(
        base, mode="record", now=lambda: clock[0], rotation=Rotation(seconds=60), meta={"recording": "r"}
    ) as writer:
        for _ in range(6):
            writer.reserve_id()
        writer.put(traced(2, 10.2, 1))  # 1 is still open when the recording goes on in another file
        writer.put(at(3, 11.0))
        assert writer.flush()
        clock[0] += 60
        while writer.path == base:
            writer.flush()
        writer.put(at(1, 10.0))
        writer.put(traced(5, 12.0, 3))  # its cause is in the file before
        writer.put(traced(6, 12.5, 1))
        files = [Path(name) for name, _ in writer.close().files]
    other = record(tmp_path / "other.sqlite", at(1, 10.1), at(3, 11.1), began=9.0)  # has the same ids
    for given in ([*files, other], [other, *reversed(files)]):
        out = tmp_path / f"{given[0].stem}-joined.sqlite"
        assert run("merge", *given, "-o", out).exception is None
        with Capture.open(out) as opened:
            assert opened.damage() == []
            by_id = {one.id: one for one in opened.exchanges()}
        calls = [one for one in by_id.values() if one.direction is Direction.OUTBOUND]
        assert [one.cause.evidence for one in calls if one.cause] == ["the same traceparent"] * 3
        causes = [by_id[one.cause.exchange].request.target for one in calls if one.cause and one.cause.exchange]
        assert causes == [b"/1", b"/3", b"/1"]
        assert not any("cause_elsewhere" in one.notes for one in by_id.values())
        lines = {one.connection for one in by_id.values()}
        assert len(lines) == 2, "a client's connection is one over the files of a series"
    alone = tmp_path / "alone.sqlite"
    assert run("merge", files[1], other, "-o", alone).exception is None
    with Capture.open(alone) as opened:
        (lonely,) = [one for one in opened.exchanges() if one.request.target == b"/5"]
        assert lonely.cause is not None
        assert (lonely.cause.exchange, lonely.notes["cause_elsewhere"]) == (None, 3)
