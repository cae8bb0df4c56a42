"""An update that no longer moves ``updated_at``; and all the reasons to say nothing."""

from __future__ import annotations

import json

import pytest

from tests.diffing.pairs import exchange, judge

RECORDED = ("2026-11-20T08:59:50.123456Z", "2026-11-20T09:00:00.654321Z")
STILL = "2026-11-21T11:59:59.500001Z"
MOVED = (STILL, "2026-11-21T11:59:59.502017Z")


def body(created: str, updated: str) -> str:
    return json.dumps({"id": 1, "created_at": created, "updated_at": updated})


def evidence(
    recorded: tuple[str, str], replayed: tuple[str, str], sample: tuple[str, str] = RECORDED, method: str = "PUT"
) -> list[str]:
    one, other, more = (
        exchange(body(*times), method=method, replayed=at == 1) for at, times in enumerate((recorded, replayed, sample))
    )
    findings = judge(one, other, None, (more,)).findings
    assert {(found.class_id, found.location) for found in findings} <= {
        ("response.body.value-changed", "response.body $.updated_at")
    }
    return [found.evidence for found in findings]


def test_an_update_that_leaves_updated_at_alone_is_found() -> None:
    assert evidence(RECORDED, (STILL, STILL)) == ["updated_at was later than created_at in 2/2 recorded samples"]
    assert evidence(RECORDED, MOVED) == []


def cut(times: tuple[str, str], digits: int) -> tuple[str, str]:
    return times[0][: 19 + digits] + "Z", times[1][: 19 + digits] + "Z"


COARSE = ("2026-11-20T08:59:50Z", "2026-11-20T09:00:00Z")


@pytest.mark.parametrize(
    ("replayed", "found"),
    [
        (("2026-11-21T11:59:20Z", "2026-11-21T11:59:20Z"), True),  # the answer came 40 seconds later
        (("2026-11-21T11:59:20Z", "2026-11-21T12:00:00Z"), False),
        (("2026-11-21T12:00:00Z", "2026-11-21T12:00:00Z"), False),  # made and updated within one second
    ],
)
def test_a_coarse_clock_is_enough_where_the_update_was_the_present(replayed: tuple[str, str], found: bool) -> None:
    assert bool(evidence(COARSE, replayed, COARSE)) is found


def test_epoch_numbers_are_moments_as_well() -> None:
    def numbers(created: float, updated: float) -> str:
        return json.dumps({"id": 1, "created": created, "updated": updated})

    one = exchange(numbers(1795165190, 1795165200), method="PUT")
    still = exchange(numbers(1795262360, 1795262360), method="PUT", replayed=True)
    assert [found.path for found in judge(one, still, None, (one,)).findings] == ["$.updated"]


@pytest.mark.parametrize(
    ("recorded", "replayed", "sample", "method"),
    [
        (RECORDED, (STILL, STILL), RECORDED, "GET"),  # a worker may not be done
        (RECORDED, (STILL, STILL), (RECORDED[0], RECORDED[0]), "PUT"),  # not always
        (RECORDED, (STILL, STILL), (RECORDED[0], "2026-11-20T08:59:50.125000Z"), "PUT"),  # two writes of one request
        (cut(RECORDED, 0), cut((STILL, STILL), 0), cut(RECORDED, 0), "PUT"),  # within one second
        (cut(RECORDED, 4), cut((STILL, STILL), 4), cut(RECORDED, 4), "PUT"),  # within one millisecond
        (("2026-10-01T00:00:00.123456Z", RECORDED[1]), (STILL, STILL), RECORDED, "PUT"),  # a row of a fresh build
    ],
)
def test_nothing_is_said_where_it_may_be_so_by_chance(
    recorded: tuple[str, str], replayed: tuple[str, str], sample: tuple[str, str], method: str
) -> None:
    assert evidence(recorded, replayed, sample, method) == []


def test_one_sample_proves_nothing() -> None:
    one = exchange(body(*RECORDED), method="PUT")
    assert judge(one, exchange(body(STILL, STILL), method="PUT", replayed=True)).findings == ()


def test_a_rule_about_the_member_stands() -> None:
    rules = [{"id": "any-time", "location": "$.updated_at", "expect": "timestamp"}]
    one = exchange(body(*RECORDED), method="PUT")
    assert judge(one, exchange(body(STILL, STILL), method="PUT", replayed=True), rules, (one,)).findings == ()
