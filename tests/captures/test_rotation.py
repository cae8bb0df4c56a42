from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from captures.errors import CaptureError
from captures.model import Cause, CauseHow, Direction
from captures.replacing import remove
from captures.rotation import Member, Rotation, members, successor, surplus
from captures.store import Capture
from captures.unended import sessions_of
from captures.writer import CaptureWriter
from tests.captures.making import capture, exchange
from tests.corpus import each

DAY = 86400.0
START = 1_796_040_000.0  # 2026-11-30 12:00:00 UTC


def kept(count: int) -> list[Member]:
    """``count`` files, of 100 bytes each, that ended a day after each other; the last one at START."""
    return [
        Member(Path(f"{number}"), number, 1, 0.0, START - (count - number) * DAY, 100, 1)
        for number in range(1, count + 1)
    ]


@each(
    ("rotation", "gone"),
    [
        (Rotation(), []),
        (Rotation(keep_files=6), []),
        (Rotation(keep_files=3), [1, 2, 3]),
        (Rotation(keep_files=1), [1, 2, 3, 4, 5]),
        (Rotation(keep_seconds=2.5 * DAY), [1, 2]),
        (Rotation(keep_seconds=1.0), [1, 2, 3, 4]),
        (Rotation(keep_bytes=550), []),
        (Rotation(keep_bytes=549), [1]),
        (Rotation(keep_bytes=1), [1, 2, 3, 4, 5]),
        (Rotation(keep_files=5, keep_bytes=250), [1, 2, 3]),
    ],
)
def test_what_is_kept_no_longer(rotation: Rotation, gone: list[int]) -> None:
    shuffled = sorted(kept(5), key=lambda member: member.number % 3)
    assert [member.number for member in surplus(shuffled, rotation, 50, START)] == gone


@pytest.mark.parametrize(
    ("rotation", "size", "age", "due"),
    [
        (Rotation(), 10**12, 10**9, False),
        (Rotation(size=100), 99, 10**9, False),
        (Rotation(size=100), 100, 0, True),
        (Rotation(seconds=60), 10**12, 59, False),
        (Rotation(seconds=60), 0, 60, True),
        (Rotation(size=100, seconds=60), 0, 61, True),
    ],
)
def test_when_a_file_is_done(rotation: Rotation, size: int, age: float, due: bool) -> None:
    assert rotation.is_due(size, age) is due


def test_names_tell_the_time_and_are_free(tmp_path: Path) -> None:
    base = tmp_path / "shop.v1.sqlite"
    names = []
    for _ in range(3):
        path = successor(base, START)
        path.touch()
        names.append(path.name)
    assert names == [f"shop.v1-20261130T120000Z{ending}.sqlite" for ending in ("", "-2", "-3")]


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.at = START

    def __call__(self) -> float:
        return self.at


def record(path: Path, clock: Clock, hours: int, rotation: Rotation, each: int = 2) -> list[str]:
    """Record ``each`` exchanges every hour; the names of the files that were written and are there."""
    with CaptureWriter(path, mode="record", now=clock, rotation=rotation) as writer:
        for _ in range(hours):
            for _ in range(each):
                writer.put(exchange(writer.reserve_id()))
            assert writer.flush()
            before = writer.path
            clock.at += 3600
            if rotation.seconds == 3600:
                wait(lambda: writer.path != before, writer)  # noqa: B023 - called at once
        return [Path(name).name for name, _ in writer.close().files]


def wait(condition: Callable[[], bool], writer: CaptureWriter) -> None:
    while not condition():
        writer.flush()  # wakes the thread, which looks at the clock


HOURLY = Rotation(seconds=3600)


def ids(*paths: Path) -> list[int]:
    found = []
    for path in paths:
        with Capture.open(path) as opened:
            assert opened.check() == []
            found += [one.id for one in opened.exchanges()]
    return found


def test_a_recording_in_files_of_an_hour(tmp_path: Path) -> None:
    clock = Clock()
    names = record(tmp_path / "shop.sqlite", clock, 3, HOURLY)
    assert names == [
        "shop.sqlite", "shop-20261130T130000Z.sqlite", "shop-20261130T140000Z.sqlite", "shop-20261130T150000Z.sqlite",
    ]  # fmt: skip
    assert ids(*(tmp_path / name for name in names)) == [1, 2, 3, 4, 5, 6]
    previous = None
    for number, name in enumerate(names, start=1):
        with Capture.open(tmp_path / name) as opened:
            (session,) = opened.sessions()
        assert (session.seen, session.written) == ((2, 2) if number < 4 else (0, 0))
        assert session.meta["series"]["number"] == number
        assert session.meta.get("follows") == (previous and {"file": previous, "why": "rotated"})
        previous = name
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(names)  # no lock, no log


def test_the_next_recording_goes_on_with_the_series(tmp_path: Path) -> None:
    clock, base = Clock(), tmp_path / "shop.sqlite"
    record(base, clock, 1, Rotation(seconds=7200))
    record(base, clock, 1, Rotation(seconds=7200))  # the same file: it is not two hours old
    assert ids(base) == [1, 2, 3, 4]
    assert record(base, clock, 1, Rotation(seconds=7200)) == ["shop-20261130T140000Z.sqlite"]
    second = tmp_path / "shop-20261130T140000Z.sqlite"
    assert ids(base, second) == [1, 2, 3, 4, 5, 6]
    with Capture.open(base) as old, Capture.open(second) as new:
        assert new.sessions()[0].meta["series"]["id"] == old.sessions()[0].meta["series"]["id"]
        assert new.sessions()[0].meta["follows"] == {"file": "shop.sqlite", "why": "rotated"}


def test_ids_go_on_after_a_file_that_is_empty(tmp_path: Path) -> None:
    clock, base = Clock(), tmp_path / "shop.sqlite"
    names = record(base, clock, 1, HOURLY)
    assert ids(tmp_path / names[-1]) == []
    with CaptureWriter(base, mode="record", now=clock, rotation=HOURLY) as writer:
        assert writer.path.name == names[-1]
        assert writer.reserve_id() == 3


def test_the_oldest_files_of_a_series_go_and_nothing_else_does(tmp_path: Path) -> None:
    clock, base = Clock(), tmp_path / "shop.sqlite"
    plain = capture(tmp_path / "shop-20260101T000000Z.sqlite", exchange(1))  # not of the series: nothing says so
    noted = tmp_path / "shop-20260101T000001Z.sqlite"
    noted.write_text("notes to self")
    other = tmp_path / "stock-20260101T000000Z.sqlite"
    record(other.with_name("stock.sqlite"), Clock(), 1, Rotation(seconds=1e9))
    os.rename(other.with_name("stock.sqlite"), other)
    names = record(base, clock, 4, replace(HOURLY, keep_files=2))
    assert names == ["shop-20261130T150000Z.sqlite", "shop-20261130T160000Z.sqlite"]
    away = tmp_path / "away"
    away.mkdir()
    record(away / "shop.sqlite", Clock(), 1, Rotation(seconds=1e9))  # the same name, of another series
    foreign = tmp_path / "shop-20260101T000002Z.sqlite"
    os.rename(away / "shop.sqlite", foreign)
    assert sorted(path.name for path in tmp_path.glob("*.sqlite")) == sorted(
        [*names, plain.name, noted.name, other.name, foreign.name]
    )
    assert record(base, clock, 1, replace(HOURLY, keep_files=2))[-1] == "shop-20261130T170000Z.sqlite"
    assert not (tmp_path / names[0]).exists()  # also after a restart
    assert plain.exists()
    assert foreign.exists()


def test_a_file_somebody_recorded_into_is_somebody_s_own(tmp_path: Path) -> None:
    clock, base = Clock(), tmp_path / "shop.sqlite"
    names = record(base, clock, 2, HOURLY)
    with CaptureWriter(tmp_path / names[0], mode="record") as writer:  # without --rotate
        writer.put(exchange(100))
    record(base, clock, 2, replace(HOURLY, keep_files=1))
    assert (tmp_path / names[0]).exists()
    assert not (tmp_path / names[1]).exists()


def test_a_plain_recording_is_neither_gone_on_with_nor_removed(tmp_path: Path) -> None:
    base = capture(tmp_path / "shop.sqlite", exchange(1))
    before = base.read_bytes()
    assert record(base, Clock(), 3, replace(HOURLY, keep_files=1)) == ["shop-20261130T150000Z.sqlite"]
    assert base.read_bytes() == before


def test_files_grow_too_old_also_while_nothing_is_recorded(tmp_path: Path) -> None:
    clock, base = Clock(), tmp_path / "shop.sqlite"
    record(base, clock, 1, HOURLY)
    with CaptureWriter(base, mode="record", now=clock, rotation=replace(HOURLY, keep_seconds=DAY)) as writer:
        assert base.exists()
        clock.at += 2 * DAY
        wait(lambda: writer.counters().removed == (1, 2), writer)
        assert not base.exists()


def test_what_is_removed_is_no_file_of_the_recording_any_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # named as people do: without a folder
    names = record(Path("shop.sqlite"), Clock(), 5, replace(HOURLY, keep_files=2))
    assert names == sorted(path.name for path in tmp_path.glob("*.sqlite"))
    assert len(names) == 2


def test_what_a_killed_recorder_left_beside_a_file_goes_with_it(tmp_path: Path) -> None:
    for ending in ("", "-wal", "-shm", "-journal", "-notes"):
        (tmp_path / f"shop.sqlite{ending}").touch()
    remove(tmp_path / "shop.sqlite")
    assert [path.name for path in tmp_path.iterdir()] == ["shop.sqlite-notes"]


def test_a_recording_of_weeks_keeps_no_list_of_all_its_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("captures.series.TOLD", 3)
    path, clock = tmp_path / "shop.sqlite", Clock()
    with CaptureWriter(path, mode="record", now=clock, rotation=HOURLY, meta={"recording": "r"}) as writer:
        for number in range(1, 9):
            writer.put(exchange(writer.reserve_id()))
            clock.at += 3600
            wait(lambda: len(list(tmp_path.glob("*.sqlite"))) > number, writer)  # noqa: B023 - called at once
        assert writer.flush()
        counters = writer.close()
    assert [Path(name).name[5:-7] for name, _ in counters.files] == [
        f"20261130T{hour}0000Z" for hour in (17, 18, 19, 20)
    ]
    older = sorted(tmp_path.glob("*.sqlite"))[:5]
    assert counters.untold == (5, sum(file.stat().st_size for file in older))
    everything = sessions_of("r", path)
    assert [file.name for file, _ in everything] == [file.name for file in sorted(tmp_path.glob("*.sqlite"), key=named)]
    assert sum(session.written for _, session in everything) == 8
    assert sessions_of("another", path) == []


def named(path: Path) -> str:
    """The time in the name of a file of a series: the first has none."""
    return path.name.removeprefix("shop").rjust(40)


def test_two_recorders_do_not_go_on_with_one_series(tmp_path: Path) -> None:
    with CaptureWriter(tmp_path / "shop.sqlite", mode="record", rotation=HOURLY):
        with pytest.raises(CaptureError, match="being written by another") as told:
            CaptureWriter(tmp_path / "shop.sqlite", mode="record", rotation=HOURLY)
        assert "series" not in told.value.message


def test_a_call_whose_cause_is_in_another_file_says_so(tmp_path: Path) -> None:
    clock, base = Clock(), tmp_path / "shop.sqlite"

    def call(identity: int, cause: int) -> None:
        made = Cause(CauseHow.TRACE_HEADER, cause, f"traceparent {cause} on both")
        writer.put(exchange(identity, direction=Direction.OUTBOUND, cause=made))

    with CaptureWriter(base, mode="record", now=clock, rotation=HOURLY) as writer:
        for _ in range(6):
            writer.reserve_id()
        call(2, 1)  # 1 is still open when the recording goes on in another file
        writer.put(exchange(3))
        call(4, 3)  # after its cause was answered
        assert writer.flush()
        clock.at += 3600
        wait(lambda: writer.path != base, writer)
        writer.put(exchange(1))
        call(5, 3)  # its cause is in the file before
        call(6, 1)
        files = [Path(name) for name, _ in writer.close().files]
    causes = {}
    for file in files:
        with Capture.open(file) as opened:
            assert opened.check() == []
            causes.update({one.id: (one.cause, dict(one.notes)) for one in opened.exchanges() if one.cause})
    known = {identity: cause.exchange for identity, (cause, _) in causes.items()}
    assert known == {2: None, 4: 3, 5: None, 6: 1}
    for identity, cause in ((2, 1), (5, 3)):
        told, notes = causes[identity]
        assert told.how is CauseHow.TRACE_HEADER
        assert told.evidence == (
            f"traceparent {cause} on both; exchange {cause} is not in this file, it ended while another was written"
        )
        assert notes == {"cause_elsewhere": cause}


def test_where_no_file_can_be_made_the_recording_goes_on_in_the_one_it_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, base = Clock(), tmp_path / "shop.sqlite"
    monkeypatch.setattr("captures.writer.LATER", 0.0)
    with CaptureWriter(base, mode="record", now=clock, rotation=HOURLY) as writer:
        writer.put(exchange(writer.reserve_id()))
        assert writer.flush()
        with monkeypatch.context() as patch:
            patch.setattr("captures.capture_file._create", refuse)
            clock.at += 3600
            wait(lambda: bool(writer.counters().unrotated), writer)
            writer.put(exchange(writer.reserve_id()))
            assert writer.flush()
            assert writer.path == base
        wait(lambda: writer.path != base, writer)
        assert writer.counters().unrotated == ""
        assert writer.close().dropped == 0
    assert ids(base) == [1, 2]


def refuse(path: Path) -> None:
    raise sqlite3.OperationalError("database or disk is full")


def test_members_of_nothing(tmp_path: Path) -> None:
    assert members(tmp_path / "shop.sqlite") == (None, [])
    assert members(tmp_path / "nowhere" / "shop.sqlite") == (None, [])


def test_a_stream_whose_cause_is_in_another_file_says_so(tmp_path: Path) -> None:
    clock, base = Clock(), tmp_path / "shop.sqlite"
    with CaptureWriter(base, mode="record", now=clock, rotation=HOURLY) as writer:
        assert (writer.reserve_id(), writer.reserve_id()) == (1, 2)
        made = exchange(2, direction=Direction.OUTBOUND, cause=Cause(CauseHow.WINDOW, 1, "the only one open"))
        assert writer.begin(made)
        assert writer.put(made)
        assert writer.flush()
        clock.at += 3600
        wait(lambda: writer.path != base, writer)
        writer.put(exchange(1))
    with Capture.open(base) as opened:
        (one,) = opened.exchanges()
        assert opened.check() == []
    assert one.cause is not None
    assert one.cause.exchange is None
    assert one.notes["cause_elsewhere"] == 1


def test_a_lock_at_the_end_costs_neither_the_end_nor_what_calls_say_of_their_cause(tmp_path: Path) -> None:
    clock = Clock()
    base = tmp_path / "shop.sqlite"
    writer = CaptureWriter(base, mode="record", now=clock, rotation=HOURLY)
    writer.put(exchange(2, direction=Direction.OUTBOUND, cause=Cause(CauseHow.WINDOW, 1, "the only one open")))
    assert writer.flush()
    other = sqlite3.connect(base, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    lets_go = threading.Timer(0.7, other.close)  # later than a commit waits
    lets_go.start()
    assert writer.close().last_error == ""
    lets_go.join()
    with Capture.open(base) as opened:
        assert opened.damage() == []
        (session,) = opened.sessions()
        (one,) = opened.exchanges()
    assert session.ended is not None
    assert one.cause is not None
    assert one.cause.exchange is None
