"""Making one run of the runs of shards: what belongs together, what is left out, and what is never passed over."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import retape
from captures.digest import digest
from captures.errors import CaptureError, CorruptCapture, UsageError
from captures.merging import merge
from captures.model import Cause, CauseHow, Direction, Exchange
from captures.store import Capture
from captures.writer import CaptureWriter
from tests.captures.making import capture, exchange


def shard(path: Path, name: str, *exchanges: Exchange, end: bool = True, **meta: Any) -> Path:
    said = {"shard": name, "source_digest": "d", "rules_digest": "r", "bindings": [["a", name]], **meta}
    writer = CaptureWriter(path, mode="replay", meta=said, now=lambda: 1000.0)
    for one in exchanges:
        assert writer.put(one)
    writer.close()
    if not end:
        with sqlite3.connect(path) as file:
            file.execute("UPDATE session SET ended = NULL")
    return path


def call(identity: int, by: int | None, how: CauseHow = CauseHow.WINDOW, **more: Any) -> Exchange:
    how = how if by else CauseHow.NONE if how is CauseHow.WINDOW else how
    return exchange(
        identity,
        direction=Direction.OUTBOUND,
        dependency="pay",
        cause=Cause(how, by, ""),
        **{"target": b"/pay", **more},
    )


@pytest.fixture
def two(tmp_path: Path) -> list[Path]:
    """Shard 1 judges recorded exchange 1 and sends 5 for its sake; shard 2 judges 5."""
    first = [exchange(1, replay_of=1), call(2, 1), exchange(3, replay_of=5, notes={"setup": True}), call(4, 3)]
    start = call(5, None, target=b"/config")
    second = [exchange(1, replay_of=5), call(2, 1, replay_of=6), replace(start, id=3)]
    return [
        shard(tmp_path / "one.sqlite", "1/2", *first, start),
        shard(tmp_path / "two.sqlite", "2/2", *second),
    ]


def test_what_is_kept_and_what_it_points_at(two: list[Path], tmp_path: Path) -> None:
    merged = merge([two[1], two[0]], tmp_path / "run.sqlite")  # the order they are given in says nothing
    assert (merged.shards, merged.missing, merged.reasons, merged.exchanges) == ((1, 2), (), (), 7)
    with Capture.open(merged.run) as run:
        assert run.check() == []
        kept = list(run.exchanges())
        assert [(one.replay_of, one.notes["shard"], "setup" in one.notes) for one in kept] == [
            (1, 1, False), (None, 1, False), (5, 1, True), (None, 1, False), (5, 2, False), (6, 2, False),
            (None, 1, False),
        ]  # fmt: skip
        causes = {one.id: one.cause.exchange for one in kept if one.cause is not None}
        assert causes == {2: 1, 4: 3, 6: 5, 7: None}  # of two start-up calls one is kept
        (session,) = run.sessions()
        assert {number: one["bindings"] for number, one in session.meta["shards"].items()} == {
            "1": [["a", "1/2"]],
            "2": [["a", "2/2"]],
        }


def test_a_missing_or_unfinished_shard_is_inconclusive(two: list[Path], tmp_path: Path) -> None:
    merged = merge(two[:1], tmp_path / "run.sqlite")
    assert merged.reasons == ("shard 2/2 is missing",)
    cut = shard(tmp_path / "cut.sqlite", "2/2", exchange(1, replay_of=5), end=False, inconclusive=["the disk was full"])
    merged = merge([two[0], cut], tmp_path / "again.sqlite")
    assert merged.reasons == (
        "shard 2/2: the disk was full",
        "shard 2/2 has no end: its replay was cut short, or is still going on",
    )
    with Capture.open(merged.run) as run:
        assert run.sessions()[0].meta["inconclusive"] == list(merged.reasons)


def test_what_a_shard_passed_over_stays_named(two: list[Path], tmp_path: Path) -> None:
    with CaptureWriter(
        tmp_path / "b.sqlite", mode="replay", meta={"shard": "2/2", "source_digest": "d", "rules_digest": "r"}
    ) as writer:
        writer.skip(5, "it is a tunnel")
    merged = merge([two[0], tmp_path / "b.sqlite"], tmp_path / "run.sqlite")
    with Capture.open(merged.run) as run:
        assert [(one.exchange, one.reason) for one in run.skipped()] == [(5, "it is a tunnel")]


@pytest.mark.parametrize(
    ("other", "words"),
    [
        (lambda path: shard(path, "1/2"), "are both shard 1/2"),
        (lambda path: shard(path, "2/3"), "cut the capture differently"),
        (lambda path: shard(path, "2/2", source_digest="e"), "replayed from another capture"),
        (lambda path: shard(path, "2/2", rules_digest="e"), "other rules or another configuration"),
        (lambda path: shard(path, ""), "is a run without --shard"),
        (lambda path: capture(path, exchange()), "is a recording"),
    ],
)
def test_what_does_not_belong_together(
    two: list[Path], tmp_path: Path, other: Callable[[Path], Path], words: str
) -> None:
    with pytest.raises(UsageError, match=words):
        merge([two[0], other(tmp_path / "other.sqlite")], tmp_path / "run.sqlite")
    assert not (tmp_path / "run.sqlite").exists()


@pytest.mark.parametrize(
    "name", ["1/99999999999999", "1/100001", "3/2", "0/2", "-1/2", "x/y", "1/2/2", "²/3", "1/2\n", ["1/2"]]
)
def test_a_run_that_says_it_is_an_impossible_shard_is_damaged(two: list[Path], tmp_path: Path, name: Any) -> None:
    """It comes from another machine: the first of them would be counted up to for days."""
    with pytest.raises(CorruptCapture, match="names no shard"):
        merge([two[0], shard(tmp_path / "other.sqlite", name)], tmp_path / "run.sqlite")
    assert not (tmp_path / "run.sqlite").exists()


def test_files_that_are_there_or_are_none(two: list[Path], tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="exists and is not overwritten"):
        merge(two, two[0])
    (tmp_path / "link.sqlite").symlink_to(tmp_path / "nothing.sqlite")
    with pytest.raises(UsageError, match="exists and is not overwritten"):
        merge(two, tmp_path / "link.sqlite")
    (tmp_path / "junk.sqlite").write_bytes(b"junk")
    with pytest.raises(CaptureError):
        merge([two[0], tmp_path / "junk.sqlite"], tmp_path / "run.sqlite")


def test_the_command(two: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["capture", "merge", *map(str, two)]
    assert retape.run([*words, "-o", str(tmp_path / "run.sqlite")]) == 0
    assert "2 of 2 shards, 7 exchanges" in capsys.readouterr().out
    assert retape.run([*words[:3], "-o", str(tmp_path / "part.sqlite"), "--format", "json"]) == 3
    said = json.loads(capsys.readouterr().out)
    assert (said["missing"], said["inconclusive"]) == ([2], ["shard 2/2 is missing"])


def test_a_digest_is_of_the_traffic_and_not_of_the_file(tmp_path: Path) -> None:
    one = capture(tmp_path / "one.sqlite", exchange(1, body=b"a"), exchange(2))
    copy = Path(shutil.copy(one, tmp_path / "copy.sqlite"))
    with sqlite3.connect(copy) as file:
        file.execute("PRAGMA journal_mode = WAL")
    with sqlite3.connect(copy) as file:
        file.execute("VACUUM")
    other = capture(tmp_path / "other.sqlite", exchange(1, body=b"b"), exchange(2))
    found = []
    for path in (one, copy, other):
        with Capture.open(path) as opened:
            found.append(digest(opened))
    assert found[0] == found[1] != found[2]
