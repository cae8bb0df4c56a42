"""A read that writes, told by the moments of the row it reads."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from tests.diffing.pairs import exchange, judge

CREATED, BEFORE = "2026-10-01T09:00:00Z", "2026-10-11T10:12:01Z"
NOW, EARLIER = "2026-11-21T12:00:00Z", "2026-11-21T11:58:00Z"


def row(created: str, updated: str, name: str = "updated_at") -> str:
    return json.dumps({"id": 1, "created_at": created, name: updated})


def told(recorded: str, replayed: str, *samples: str, method: str = "GET") -> list[tuple[str, str]]:
    again = tuple(replace(exchange(sample, method=method), id=10 + n) for n, sample in enumerate(samples))
    pair = exchange(recorded, method=method), exchange(replayed, method=method, replayed=True)
    return [(found.path, found.class_id) for found in judge(*pair, samples=again).findings]


@pytest.mark.parametrize("name", ["updated_at", "last_login", "lastSeenAt", "modified"])
def test_reading_a_recorded_row_must_not_touch_it(name: str) -> None:
    assert told(row(CREATED, BEFORE, name), row(CREATED, NOW, name)) == [(f"$.{name}", "response.body.value-changed")]


@pytest.mark.parametrize(
    ("recorded", "replayed"),
    [
        (row(CREATED, BEFORE), row("2026-10-02T09:00:00Z", NOW)),  # another row, of another data set
        (row(CREATED, BEFORE), row(CREATED, EARLIER)),  # touched by something else, before
        (row(CREATED, "2026-11-20T09:00:00Z"), row(CREATED, NOW)),  # the recorded read did so, too
        (row(CREATED, BEFORE, "synced_at"), row(CREATED, NOW, "synced_at")),  # by a clock of its own
    ],
)
def test_what_no_read_has_touched(recorded: str, replayed: str) -> None:
    assert told(recorded, replayed) == []


def test_a_write_touches_its_row() -> None:
    assert told(row(CREATED, BEFORE), row(CREATED, NOW), method="POST") == []


def test_a_moment_that_moves_by_itself_proves_nothing() -> None:
    assert told(row(CREATED, BEFORE), row(CREATED, NOW), row(CREATED, "2026-10-12T10:12:01Z")) == []
