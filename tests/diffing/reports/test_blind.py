from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from diffing.model import Column, EndpointTally, Ledger, Result, Stubs
from diffing.reports import blind
from tests.diffing.reports.conftest import Story
from tests.diffing.reports.story import clean


def titles(view: dict[str, Any]) -> set[str]:
    return {spot[0] for spot in view["blind"]}


def test_what_was_not_seen_is_told_in_one_place(story: Story) -> None:
    view = blind.view(replace(story.result, latency=None), story.recorded, story.replayed)
    assert titles(view) == {
        "Reasons",
        "Endpoints never replayed",
        "Exchanges without an answer",
        "Bodies",
        "Dependencies",
        "Isolation",
        "Latency",
    }
    assert {title for title, _ in view["fine"]}.isdisjoint(titles(view))
    text = json.dumps(view, ensure_ascii=False)
    assert "DELETE /orders/{id} (1 recorded exchange)" in text
    assert "the run was stopped before it (#27)" in text
    assert "12 calls got no recorded answer" in text
    assert "\x1b" not in text


@pytest.mark.parametrize(
    ("changes", "title", "words"),
    [
        ({"meta": {"replayed": {"only": "path:/a", "isolated": True}}}, "Selection", "--only path:/a"),
        ({"meta": {"replayed": {"stubbed": False, "isolated": True}}}, "Dependencies", "did not go to the stubs"),
        ({"stubs": Stubs(0, 2, 0), "meta": {"replayed": {"isolated": True}}}, "Dependencies", "2 calls got no"),
        ({"meta": {"replayed": {"isolated": False, "enforced": ["Said so."]}}}, "Isolation", "Said so."),
        ({"ledger": Ledger(recorded=3, not_replayed=3)}, "Exchanges without an answer", "3 exchanges of 3"),
        (
            {
                "endpoints": (EndpointTally("GET /a", {Column.NOT_REPLAYED: 2, Column.SAME: 0}),),
                "recording": (9, 4),
            },
            "Endpoints never replayed",
            "3 endpoints more of the recording",
        ),
    ],
)
def test_each_spot_says_what_was_not_seen(story: Story, changes: dict[str, Any], title: str, words: str) -> None:
    result: Result = replace(clean(story.result), **changes)
    view = blind.view(result, None, None)
    (spot,) = [one for one in view["blind"] if one[0] == title]
    assert words in json.dumps(spot)


def test_a_run_that_saw_everything_has_no_blind_spot(story: Story) -> None:
    result = replace(clean(story.result), latency=(), meta={"replayed": {"isolated": True}})
    view = blind.view(result, None, None)
    assert view["blind"] == []
    assert len(view["fine"]) > 8
