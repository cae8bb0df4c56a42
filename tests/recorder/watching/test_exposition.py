"""What a scrape says, by the grammar of the format. (Prometheus's own parser reads it in ``tests/end_to_end``.)"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from captures.faults import REASONS
from recorder.settings import Settings
from recorder.watching.board import Board, Phase, View
from recorder.watching.exposition import exposition

BUILD = {"version": "1.2", "python": "3.11.0", "mitmproxy": "11.0.2"}
SAMPLE = re.compile(r"([a-z_]+)(\{(?:[a-z_]+=\"(?:[^\"\\\n]|\\[\\\"n])*\",?)+\})? (\S+)")


def samples(view: View, build: dict[str, str] = BUILD) -> dict[str, float]:
    """The samples of a scrape, checked line by line."""
    text = exposition(view, build)
    assert text.endswith("\n")
    found: dict[str, float] = {}
    kind = ""
    for line in text.splitlines():
        if line.startswith("# HELP "):
            name = line.split()[2]
            assert line.endswith("."), "a sentence"
            continue
        if line.startswith("# TYPE "):
            _, _, named, kind = line.split()
            assert named == name
            assert kind == ("counter" if name.endswith("_total") else "gauge")
            continue
        sample = SAMPLE.fullmatch(line)
        assert sample, line
        assert sample[1] == name
        key = name + (sample[2] or "")
        assert key not in found
        found[key] = float(sample[3])
    return found


def test_each_number_has_its_name() -> None:
    counters = {
        "seen": 9, "written": 6, "dropped": 3, "dropped_by": {"queue_full": 2, "disk_full": 1}, "truncated": 1,
        "redacted": 40, "refused": 4, "held_back": 2, "trouble": "the disk is full",
        "faults": 5, "open": 7, "queued": 8, "queued_bytes": 4096, "lag": 0.25,
        "left_out": 11, "left_out_calls": 12, "sampled_out": 13, "sampled_out_calls": 14,
        "a key of tomorrow": {"x": 1},
    }  # fmt: skip
    found = samples(View(Phase.RECORDING, counters, 0.5, 1_000_000.25, 12_288, 10**12))
    dropped = {name: value for name, value in found.items() if "dropped" in name and value}
    assert dropped == {
        'retape_exchanges_dropped_total{reason="queue_full"}': 2,
        'retape_exchanges_dropped_total{reason="disk_full"}': 1,
    }
    rest = {name: value for name, value in found.items() if "{" not in name}
    assert rest == {
        "retape_recording": 1,
        "retape_start_time_seconds": 1_000_000.25,
        "retape_counters_age_seconds": 0.5,
        "retape_exchanges_seen_total": 9,
        "retape_exchanges_written_total": 6,
        "retape_exchanges_truncated_total": 1,
        "retape_redacted_values_total": 40,
        "retape_requests_refused_total": 4,
        "retape_proxy_faults_total": 5,
        "retape_requests_held_back_total": 2,
        "retape_write_trouble": 1,
        "retape_exchanges_open": 7,
        "retape_requests_left_out": 11,
        "retape_calls_left_out": 12,
        "retape_requests_sampled_out": 13,
        "retape_calls_sampled_out": 14,
        "retape_queue_exchanges": 8,
        "retape_queue_bytes": 4096,
        "retape_lag_seconds": 0.25,
        "retape_capture_size_bytes": 12_288,
        "retape_disk_free_bytes": 10**12,
    }
    assert 'retape_build_info{version="1.2",python="3.11.0",mitmproxy="11.0.2"}' in found


def test_before_anything_happened_every_counter_is_there_and_0() -> None:
    found = samples(View(Phase.STARTING))
    assert {name for name, value in found.items() if value} == {name for name in found if "build_info" in name}
    assert sum("dropped" in name for name in found) == len(REASONS)
    assert "retape_capture_size_bytes" not in found, "what is not known is absent"


def test_a_loss_without_a_known_reason_is_told() -> None:
    found = samples(View(Phase.RECORDING, {"dropped": 5, "dropped_by": {"queue_full": 2}}))
    assert found['retape_exchanges_dropped_total{reason="other"}'] == 3


def test_a_label_cannot_break_out() -> None:
    found = samples(View(Phase.STARTING), {"version": 'a"b\\c\nd'})
    assert 'retape_build_info{version="a\\"b\\\\c\\nd"}' in found


@pytest.mark.parametrize(
    ("steps", "age", "ailment"),
    [
        ([], 0.0, "starting"),
        ([("ready", None)], 3.0, ""),
        ([("ready", None)], 11.0, "the proxy process has not reported for 11 s"),
        ([("ready", None), ("counters", {"dropped": 9})], 3.0, ""),
        ([("ready", None), ("stopping", "interrupted")], 0.0, "stopping"),
    ],
)
def test_health(tmp_path: Path, steps: list[tuple[str, Any]], age: float, ailment: str) -> None:
    at = 100.0
    board = Board(tmp_path / "x.sqlite", clock=lambda: at)
    for name, argument in steps:
        at += 50.0  # each sign of life counts from when it came
        getattr(board, name)(argument if name != "ready" else Settings(tmp_path / "x.sqlite", ()))
    at += age
    assert board.view().ailment == ailment


def test_the_board_follows_the_recording_to_another_file(tmp_path: Path) -> None:
    (tmp_path / "two.sqlite").write_bytes(b"x" * 1000)
    (tmp_path / "two.sqlite-wal").write_bytes(b"x" * 24)
    (tmp_path / "three.sqlite").write_bytes(b"x" * 500)
    board = Board(tmp_path / "one.sqlite")
    assert board.view().capture_bytes is None
    assert board.view().free_bytes
    board.counters({"files": [[str(tmp_path / "two.sqlite"), 1], [str(tmp_path / "three.sqlite"), 1]]})
    assert board.view().capture_bytes == 1524
    board.counters({})
    assert board.view().capture_bytes == 1524
    assert Board(tmp_path / "gone" / "x.sqlite").view().free_bytes is None
