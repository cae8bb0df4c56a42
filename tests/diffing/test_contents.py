"""A digest is held to what stands beside it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from tests.diffing.pairs import exchange, judge

SHA, OTHER = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08", "60303ae2" * 8


def places(recorded: dict[str, Any], replayed: dict[str, Any], *samples: dict[str, Any]) -> list[tuple[str, str]]:
    """(path, class) of every finding; ``samples`` are recorded answers to the very same request."""
    again = tuple(replace(exchange(json.dumps(sample)), id=10 + n) for n, sample in enumerate(samples))
    judgement = judge(exchange(json.dumps(recorded)), exchange(json.dumps(replayed), replayed=True), samples=again)
    return [(finding.path, finding.class_id) for finding in judgement.findings]


BROKEN = [("$.sha256", "response.body.relation-broken")]


@pytest.mark.parametrize(
    "beside", [{"size": 10}, {"content": "aGVsbG8="}, {"name": "a.bin", "byteLength": 10}, {"data": {"a": [1]}}]
)
def test_a_digest_of_what_stayed_is_another_file(beside: dict[str, Any]) -> None:
    assert places({**beside, "sha256": SHA}, {**beside, "sha256": OTHER}) == BROKEN


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ({"name": "a.bin"}, {"name": "a.bin"}),  # nothing says what it is the digest of
        ({"size": 0}, {"size": 0}),
        ({"size": 9, "at": "2026-11-20T09:00:00Z"}, {"size": 9, "at": "2026-11-21T12:00:00Z"}),
    ],
)
def test_a_digest_may_be_anew_where_the_content_may(old: dict[str, Any], new: dict[str, Any]) -> None:
    assert places({**old, "sha256": SHA}, {**new, "sha256": OTHER}) == []


def test_a_digest_that_moves_by_itself_proves_nothing() -> None:
    again = {"size": 10, "sha256": "1f2e3d4c" * 8}
    assert places({"size": 10, "sha256": SHA}, {"size": 10, "sha256": OTHER}, again) == []
