"""What may go out next, and when: the schedule alone, time handed in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from math import inf

import pytest

from captures.model import Exchange
from replayer import schedule as module
from replayer.pacing import Pacing
from replayer.plan import Order
from replayer.schedule import Schedule, Start, Wait
from tests.replayer.test_precedence import exchange


def alone(count: int) -> list[Exchange]:
    return [exchange(number, f"GET /{number}", at=(number, number + 9, number + 9)) for number in range(1, count + 1)]


def started(schedule: Schedule, now: float = 0.0) -> list[int]:
    """Everything that may go out at ``now``."""
    found = []
    while isinstance(step := schedule.next(now), Start):
        found.append(step.recorded.id)
    return found


def test_one_at_a_time_in_recorded_order_and_not_read_ahead() -> None:
    read: list[int] = []

    def source() -> Iterator[Exchange]:
        for one in alone(3):
            read.append(one.id)
            yield one

    schedule = Schedule(source(), order=Order.INDEPENDENT)
    for number in (1, 2, 3):
        assert started(schedule) == [number]
        assert read == list(range(1, number + 1))
        assert schedule.next(0.0) == Wait()
        schedule.finish(number)
    assert schedule.next(0.0) is None


def test_at_most_so_many_at_once() -> None:
    schedule = Schedule(iter(alone(5)), concurrency=2)
    assert started(schedule) == [1, 2]
    schedule.finish(2)
    assert started(schedule) == [3]
    schedule.finish(1)
    schedule.finish(3)
    assert started(schedule) == [4, 5]
    assert schedule.unfinished() == [4, 5]


def test_what_waits_lets_others_pass_and_goes_first_when_it_may() -> None:
    first, second, third, fourth = alone(4)
    second = exchange(2, "GET /2", at=(20, 21, 22))
    schedule = Schedule(iter([first, second, third, fourth]), concurrency=2)
    assert started(schedule) == [1, 3]
    assert [edge.before for edge in schedule.edges(2)] == [1]
    schedule.finish(1)
    assert started(schedule) == [2]


def test_the_window_is_bounded_by_number_and_by_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[int] = []

    def source() -> Iterator[Exchange]:
        for one in alone(200):
            read.append(one.id)
            yield one

    schedule = Schedule(source(), concurrency=2, window=10)
    assert started(schedule) == [1, 2]
    assert len(read) == 10
    schedule.finish(2)
    assert started(schedule) == [3]
    assert len(read) == 11
    monkeypatch.setattr(module, "HELD_BYTES", 1_000)
    read.clear()
    large = (replace(one, request=replace(one.request, body=b"x" * 600)) for one in source())
    assert started(Schedule(large, concurrency=8)) == [1, 2]
    assert len(read) == 2


# -- times --------------------------------------------------------------------------------------------------------


def test_a_rate_is_absolute() -> None:
    schedule = Schedule(iter(alone(4)), concurrency=4, pacing=Pacing.parse("10/s"))
    assert started(schedule, 100.0) == [1]
    assert schedule.next(100.05) == Wait(100.1)
    step = schedule.next(100.25)
    assert isinstance(step, Start)
    assert step.lag == pytest.approx(0.15)
    step = schedule.next(100.25)
    assert isinstance(step, Start)
    assert step.lag == pytest.approx(0.05), "the delay of the one before did not move it"
    assert schedule.next(100.25) == Wait(pytest.approx(100.3))
    assert schedule.lag.largest == pytest.approx(0.15)


@pytest.mark.parametrize(("pacing", "after"), [("recorded", 1.0), ("recorded*4", 0.25), ("recorded*0.5", 2.0)])
def test_as_recorded_faster_and_slower(pacing: str, after: float) -> None:
    schedule = Schedule(iter(alone(3)), concurrency=4, pacing=Pacing.parse(pacing))
    assert started(schedule, 50.0) == [1]
    assert schedule.next(50.0) == Wait(pytest.approx(50 + after))
    assert started(schedule, 50 + after) == [2]
    assert schedule.next(50 + after) == Wait(pytest.approx(50 + 2 * after))


def test_the_night_between_two_recordings_is_left_out() -> None:
    early, late = alone(2), [replace(one, id=one.id + 2, session=2) for one in alone(2)]
    late = [replace(one, timing=replace(one.timing, started=one.timing.started + 90_000)) for one in late]
    pacing = Pacing.parse("recorded")
    schedule = Schedule(iter([*early, *late]), concurrency=9, pacing=pacing, order=Order.INDEPENDENT)
    assert started(schedule, 0.0) == [1]
    assert started(schedule, 1.0) == [2, 3]
    assert schedule.next(1.0) == Wait(2.0)


def test_without_a_pace_there_is_no_lag() -> None:
    schedule = Schedule(iter(alone(1)))
    assert schedule.next(5.0) == Start(alone(1)[0], None)
    assert schedule.lag.count == 0
    assert Wait().until == inf
