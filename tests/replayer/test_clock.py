"""The recording's time: when it begins, and how it is said."""

from __future__ import annotations

from pathlib import Path

from replayer.clock import LEAD, RecordedClock

LIBRARY = Path("/lib/faketime/it.so")


def test_the_first_request_is_due_a_moment_after_the_start() -> None:
    recorded, now = 1_700_000_000.4, 1_795_976_715.9
    clock = RecordedClock.starting(recorded, now, LIBRARY)
    assert isinstance(clock.shift, int)
    assert abs(clock.until_due(now) - LEAD) <= 0.5, "whole seconds"
    assert clock.until_due(now + clock.until_due(now)) < 1e-6
    assert clock.until_due(now + 60) == 0.0, "a slow start makes it late, never early"


def test_a_recording_from_the_future_is_no_other_matter() -> None:
    clock = RecordedClock.starting(2_000_000_000.0, 1_900_000_000.0, LIBRARY)
    assert clock.environment({})["FAKETIME"] == f"+{100_000_000 - int(LEAD)}"


def test_the_report_names_the_moment_and_who_does_not_see_it() -> None:
    said = RecordedClock.starting(1_700_000_000.0, 1_800_000_000.0, LIBRARY).statement()
    assert "2023-11-14T22:13:20Z" in said
    assert "kernel" in said
