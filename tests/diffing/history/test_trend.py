"""What runs say together, told by made-up entries that differ in one thing each."""

from __future__ import annotations

from dataclasses import replace

import pytest

from diffing.history.entry import Build, Entry
from diffing.history.trend import trend_of
from tests.diffing.history.making import HOUR, endpoint, entry, group

SAME = Build(git="a" * 40, started="5e7")


def test_series_by_run() -> None:
    trend = trend_of(
        [
            entry(0, seconds=8.0),
            entry(1, group(), group("bbbbbbbbbbbb", open=False, decision="accepted")),
            entry(2, group(), endpoints=(endpoint(),), recording=(20, 4), seconds=None),
        ],
        noted=40,
    )
    assert (trend.noted, trend.drift, trend.flaky) == (40, (0, 1, 1), (0, 0, 0))
    assert trend.coverage == (1.0, 1.0, 0.25)
    assert trend.seconds == (8.0, 10.0, None)
    assert [(one.endpoint, one.drifted, one.of, one.groups) for one in trend.endpoints] == [
        ("GET /orders/{id}", 2, 3, (0, 1, 1))
    ]
    assert trend.quiet == 1


def test_how_long_a_group_has_been_open() -> None:
    other = group("bbbbbbbbbbbb", "POST /orders")
    trend = trend_of([entry(0, other), entry(1, group(), other), entry(2, group()), entry(3, group())])
    (one,) = trend.open  # the other one is gone
    assert (one.group.fingerprint, one.runs, one.of, one.age) == ("aaaaaaaaaaaa", 3, 4, 2 * HOUR)
    assert one.series == (False, True, True, True)


@pytest.mark.parametrize(
    ("entries", "known"),
    [
        ([entry(0, group()), entry(1, endpoints=(endpoint("POST /orders"),), part="--only x")], 1),
        ([entry(0, group()), entry(1, endpoints=(endpoint(replayed=0),))], 1),
        ([entry(0, group()), entry(1)], 0),
        ([entry(0, group()), entry(1, group(open=False, decision="accepted"))], 0),
    ],
    ids=["was not asked", "was not sent", "is gone", "was accepted"],
)
def test_a_run_that_did_not_ask_closes_nothing(entries: list[Entry], known: int) -> None:
    assert len(trend_of(entries).open) == known


@pytest.mark.parametrize(
    ("change", "flaky"),
    [
        ({}, 1),
        ({"build": replace(SAME, dirty=True)}, 0),
        ({"build": Build(git="b" * 40, started="5e7")}, 0),
        ({"build": replace(SAME, started="0ther")}, 0),
        ({"capture": "0ther"}, 0),
        ({"tier": "smoke"}, 0),
        ({"part": "shard 1/2"}, 0),
        ({"rules": "0ther"}, 0),
        ({"endpoints": (endpoint(replayed=0), endpoint("POST /orders"))}, 0),
    ],
    ids=lambda change: next(iter(change), "alike") if isinstance(change, dict) else "",
)
def test_what_comes_and_goes_between_runs_that_are_alike(change: dict[str, object], flaky: int) -> None:
    trend = trend_of([entry(0, group(), build=SAME), entry(1, **{"build": SAME, **change})])
    assert len(trend.unsteady) == flaky
    assert trend.flaky == ((1, 0) if flaky else (0, 0))


def test_two_dirty_trees_are_never_one_build() -> None:
    dirty = replace(SAME, dirty=True)
    assert trend_of([entry(0, group(), build=dirty), entry(1, build=dirty)]).unsteady == ()


def test_what_the_baseline_says_of_itself() -> None:
    moving = group(origin="flaky", open=False)
    trend = trend_of([entry(0, moving), entry(1, moving)])
    assert [(one.flaky, one.comes_and_goes) for one in trend.unsteady] == [(2, False)]
    assert [(one.endpoint, one.flaky, one.drifted) for one in trend.endpoints] == [("GET /orders/{id}", 1, 0)]
    assert (trend.drift, trend.flaky) == ((0, 0), (1, 1))


def test_no_runs() -> None:
    trend = trend_of([])
    assert (trend.entries, trend.drift, trend.open, trend.endpoints) == ((), (), (), ())
