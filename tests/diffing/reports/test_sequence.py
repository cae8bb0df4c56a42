from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from captures.model import Direction, Exchange, Failure, FailureKind, Request, Response, Timing
from diffing.model import Finding
from diffing.reports import page_data
from diffing.reports.calls import call_rows
from diffing.reports.sequence import drawn, slots
from tests.corpus import each
from tests.diffing.reports import embedded
from tests.diffing.reports.conftest import Story


def call(identity: int, path: str, at: float, **more: Any) -> Exchange:
    request = Request("POST", "http", "pay.test", 80, path.encode(), (), b"")
    timing = Timing(at, at, at, at + 0.5)
    return Exchange(
        identity, Direction.OUTBOUND, request, timing, Response(200, (), b"", b"OK"), dependency="pay", **more
    )


def about(class_id: str, recorded: int | None, replayed: int | None) -> Finding:
    return Finding(
        class_id, "POST /", "outbound pay", "", 1, 2, 1, outbound_recorded=recorded, outbound_replayed=replayed
    )


A, B, C = call(1, "/a", 1), call(2, "/b", 2), call(3, "/c", 3)
DOWN = Failure(FailureKind.RESET, "")


@each(
    ("recorded", "replayed", "findings", "states", "lines"),
    [
        ([A], [call(11, "/a", 1, replay_of=1)], (), ["same"], [[0, 0]]),
        ([A], [call(11, "/a", 1, replay_of=1)], (about("outbound.request.query", 1, 11),), ["changed"], [[0, 0]]),
        ([A, B], [call(12, "/b", 2, replay_of=2)], (), ["missing", "same"], [[0, None], [1, 1]]),
        ([B], [call(11, "/a", 1), call(12, "/b", 2, replay_of=2)], (), ["extra", "same"], [[None, 0], [1, 1]]),
        ([A], [call(11, "/a", 1, replay_of=1), call(12, "/a", 2)], (), ["same", "repeated"], [[0, 0], [None, 1]]),
        ([A], [call(11, "/a", 1, replay_of=1, failure=DOWN)], (), ["failed"], [[0, 0]]),
        ([replace(A, failure=DOWN)], [call(11, "/a", 1, replay_of=1, failure=DOWN)], (), ["same"], [[0, 0]]),
        ([A], [call(11, "/x", 1, notes={"miss": {}})], (), ["missing", "failed"], [[0, None], [None, 1]]),
        (
            [A, B],
            [call(12, "/b", 1, replay_of=2), call(13, "/a", 2, replay_of=1)],
            (about("outbound.reordered", 2, 12),),
            ["reordered", "reordered"],
            [[0, None], [1, 1], [None, 0]],
        ),
    ],
)  # fmt: skip
def test_each_call_has_its_word_and_its_line(
    recorded: list[Exchange], replayed: list[Exchange], findings: tuple[Finding, ...], states: list[str], lines: Any
) -> None:
    rows, found = call_rows(recorded, replayed, findings)
    assert [row["state"] for row in rows] == states
    assert drawn(found, 60) == lines


@given(st.permutations(range(12)), st.sets(st.integers(0, 11)))
def test_every_call_is_drawn_once_on_each_side_in_the_order_it_was_made(order: list[int], gone: set[int]) -> None:
    ours = [call(number, f"/{number}", float(number)) for number in range(12)]
    theirs = {number: call(100 + number, f"/{number}", float(at)) for at, number in enumerate(order)}
    pairs = [(one, None if one.id in gone else theirs[one.id]) for one in ours]
    pairs += [(None, theirs[number]) for number in gone]
    lines = slots(pairs)
    left = [pairs[one][0] for one, _ in lines if one is not None]
    right = [pairs[other][1] for _, other in lines if other is not None]
    assert [one.id for one in left if one] == list(range(12))
    assert [one.id for one in right if one] == [100 + number for number in order]
    assert all(one == other for one, other in lines if one is not None and other is not None)


def test_times_are_counted_from_the_request_that_caused_the_call(story: Story) -> None:
    detail = embedded.exchanges(page_data.chunks(story.result, story.recorded, story.replayed))["x-20"]
    assert [entry["state"] for entry in detail["calls"]] == ["changed", "missing"]
    assert [entry["recorded"]["at"] for entry in detail["calls"]] == [50.0, 100.0]
    assert detail["lines"] == [[0, 0], [1, None]]
