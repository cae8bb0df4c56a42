"""The order of the smoke tier: one axis of risk at a time, then laws over random covers."""

from __future__ import annotations

import random

from replayer.tiers.cover import Cover
from replayer.tiers.ordering import ordered
from tests.corpus import each
from tests.replayer.tiers.making import cover, step

PAST = {"GET /drifted": 0.5, "GET /worse": 1.0}


@each(
    ("steps", "order"),
    [
        ([step(1), step(2), step(3)], (1, 2, 3)),
        ([step(1), step(2, writes=True)], (2, 1)),
        ([step(1, writes=True), step(2, fails=True)], (2, 1)),
        ([step(1, writes=True, fails=True), step(2, "GET /worse")], (2, 1)),
        ([step(1, "GET /drifted"), step(2, "GET /worse")], (2, 1)),
        ([step(1), step(2), step(3, "GET /worse", needs=(2,))], (2, 3, 1)),
        ([step(1), step(2, fails=True), step(3, "GET /worse", needs=(1,))], (1, 3, 2)),
        ([step(1, fails=True), step(2, fails=True), step(3, "GET /y", writes=True, fails=True)], (3, 1, 2)),
        ([*(step(at, writes=True) for at in (1, 2, 3)), step(4, "GET /y", writes=True)], (1, 4, 2, 3)),
    ],
    ids=[
        "as recorded",
        "writes",
        "errors",
        "past drift",
        "more of it",
        "with what it needs",
        "a need has its risk",
        "errors that write",
        "each endpoint once before any twice",
    ],
)
def test_at_most_risk_first(steps: list[object], order: tuple[int, ...]) -> None:
    assert ordered(cover(*steps), PAST) == order  # type: ignore[arg-type]


def test_what_is_asked_most_comes_before_what_is_asked_least() -> None:
    made = cover(step(1, "GET /rare"), step(2, "GET /often"), recorded={"GET /rare": 1, "GET /often": 99})
    assert ordered(made, {}) == (2, 1)


def test_further_edges_hold_and_none_leads_backwards() -> None:
    made = cover(step(1), step(2, "GET /worse"), step(3, "GET /drifted"))
    assert ordered(made, PAST, {2: {1}, 1: {3}, 3: {99}}) == (1, 2, 3)


def drawn(seed: int) -> tuple[Cover, dict[str, float]]:
    draw = random.Random(seed)
    steps = [
        step(
            number,
            f"GET /{draw.choice('abc')}",
            writes=draw.random() < 0.3,
            fails=draw.random() < 0.2,
            needs=tuple({draw.randint(1, number) for _ in range(draw.randint(0, 3))} - {number}),
        )
        for number in range(1, draw.randint(2, 40))
    ]
    return cover(*steps), {"GET /a": draw.random()}


@each("seed", range(30))
def test_every_beginning_is_closed_and_nothing_is_lost(seed: int) -> None:
    made, past = drawn(seed)
    order = ordered(made, past)
    assert sorted(order) == [one.exchange for one in made.steps]
    needs = {one.exchange: one.needs for one in made.steps}
    assert all(order.index(need) < order.index(one) for one in order for need in needs[one])
    assert order == ordered(made, past)
