from __future__ import annotations

from pathlib import Path

import pytest

from captures.model import Direction, Exchange, Request, Timing
from captures.store import Capture
from captures.writer import CaptureWriter
from diffing.model import Column
from diffing.reports import coverage
from tests.diffing.reports.conftest import Story


def test_the_ledger_by_endpoint(story: Story) -> None:
    rows = {row.endpoint: row for row in coverage.by_endpoint(story.result)}
    orders = rows["GET /orders/{id}"]
    assert (orders.recorded, orders.replayed, orders.columns[Column.DRIFTED], orders.groups) == (6, 6, 6, 6)
    assert rows["DELETE /orders/{id}"].replayed == 0
    assert sum(row.recorded for row in rows.values()) == len(story.result.judgements)


def test_misses_are_told_whatever_their_explanation_holds(story: Story) -> None:
    found, total = coverage.misses(story.replayed)
    assert (len(found), total) == (12, 12)
    assert (found[0].to, found[0].line, found[0].caused_by) == ("inventory", "GET /stock/1/items/1", 101)
    nearest, differs, sought, hint = found[0].explanation
    assert nearest == ("nearest recorded", "#11 GET /stock/1, already served")
    assert differs[0] == "differs"
    assert differs[1].startswith('request.path: "/stock/1" → "</script>')
    assert "\x1b" not in differs[1]
    assert sought == ("for", "exchange 1")
    assert hint[1].startswith("The path differs")
    assert coverage.misses(story.recorded) == ((), 0)
    assert coverage.misses(None) == ((), 0)


@pytest.mark.parametrize(
    ("miss", "told"),
    [
        ("free text", [("", "free text")]),
        ({}, []),
        (
            {"nearest": None, "differences": [], "hint": "record again"},
            [("nearest recorded", "none"), ("hint", "record again")],
        ),
        ({"later_key": {"a": 1}}, [("later key", '{"a": 1}')]),
    ],
)
def test_an_explanation_of_any_shape_is_told(miss: object, told: list[tuple[str, str]], tmp_path: Path) -> None:
    request = Request("GET", "http", "x.test", 80, b"/")
    with CaptureWriter(tmp_path / "run.sqlite", mode="replay") as writer:
        writer.put(Exchange(1, Direction.OUTBOUND, request, Timing(0.0), notes={"miss": miss}))
    with Capture.open(tmp_path / "run.sqlite") as run:
        assert [list(one.explanation) for one in coverage.misses(run)[0]] == [told]


def test_why_exchanges_failed(story: Story) -> None:
    assert coverage.skipped_reasons(story.result.judgements, Column.FAILED) == [("timeout: no answer in 10 s", [26])]
