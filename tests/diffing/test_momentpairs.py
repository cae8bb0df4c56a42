"""Moments of one document, each of which may be new, looked at together."""

from __future__ import annotations

import json
from collections.abc import Sequence

from tests.diffing.pairs import judge_json


def told(recorded: Sequence[str], replayed: Sequence[str]) -> list[tuple[str, str]]:
    sides = [json.dumps([{"n": n, "created_at": at} for n, at in enumerate(side)]) for side in (recorded, replayed)]
    return [(found.path, found.class_id.removeprefix("response.body.")) for found in judge_json(*sides).findings]


RECORDED = [f"2026-11-20T09:00:00.{ms}Z" for ms in (417, 623, 881)]
A, B, C = "2026-10-01T09:00:00Z", "2026-10-02T10:30:00Z", "2026-10-03T11:15:00Z"


def test_a_fraction_that_no_moment_has_any_longer_is_not_stored() -> None:
    cut = [f"2026-11-21T12:00:0{n}.000Z" for n in range(3)]
    assert told(RECORDED, cut) == [("$[0].created_at", "format-changed")]
    assert told(RECORDED, [*cut[:2], "2026-11-21T12:00:02.310Z"]) == []
    assert told(RECORDED[:2], cut[:2]) == []


def test_fractions_that_the_recording_has_not_either_say_nothing() -> None:
    whole = [f"2026-11-20T09:00:0{n}.000Z" for n in range(3)]
    assert told(whole, [f"2026-11-21T12:00:0{n}.000Z" for n in range(3)]) == []


def test_two_moments_that_changed_places_are_said_once() -> None:
    assert told([A, B], [B, A]) == [("$[1].created_at", "relation-broken")]


def test_a_moment_that_another_one_had_is_no_exchange() -> None:
    assert told([A, B], [B, C]) == []
