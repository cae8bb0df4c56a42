"""The fewest exchanges that show every behaviour."""

from __future__ import annotations

from dataclasses import replace

import pytest

from captures.model import Cause, CauseHow, Direction, Exchange
from replayer.pinning.covering import cover
from tests.captures.making import JSON, exchange

Told = tuple[Exchange, str, list[tuple[Exchange, str]]]


def told(identity: int, body: bytes = b'{"id": 1}', status: int = 200, *calls: str, endpoint: str = "GET /a") -> Told:
    """Exchange ``identity`` of ``endpoint``, which made ``calls``."""
    made = [
        exchange(
            identity * 10 + at, direction=Direction.OUTBOUND, dependency="payments", method="POST",
            target=path.encode(),
            cause=Cause(CauseHow.TRACE_HEADER, identity, "traceparent"),
        )
        for at, path in enumerate(calls, 1)
    ]  # fmt: skip
    one = exchange(identity, target=b"/a", status=status, response_headers=JSON, response_body=body)
    return one, endpoint, [(call, f"POST {call.request.target.decode()}") for call in made]


BASE = told(1)


@pytest.mark.parametrize(
    ("other", "both"),
    [
        (told(2, b'{"id": 2}'), False),  # a value makes no behaviour
        (told(2, endpoint="GET /b"), True),
        (told(2, status=404), True),
        (told(2, b'{"id": "2"}'), True),
        (told(2, b'{"id": 2, "more": null}'), True),
        (told(2, b'{"id": 2}', 200, "/charges"), True),
    ],
)
def test_what_is_a_behaviour_of_its_own(other: Told, both: bool) -> None:
    chosen, left_out = cover([BASE, other])
    if both:
        assert 2 in chosen
        return
    assert chosen == (1,)
    assert [str(one) for one in left_out] == ["left out: 1 x GET /a 200: all they show is pinned, first in exchange 1"]


def test_calls_made_once_and_twice_are_told_apart_and_one_may_show_what_two_do() -> None:
    once, twice = told(1, b"{}", 200, "/charges"), told(2, b"{}", 200, "/charges", "/charges")
    assert cover([once, twice])[0] == (1, 2)
    plain, with_call = told(1), told(2, b'{"id": 1}', 200, "/charges")
    assert cover([plain, with_call])[0] == (2,)  # it shows what the first does, too


def test_a_limit_takes_what_shows_most_and_names_what_it_left() -> None:
    chosen, left_out = cover([told(1), told(2, status=404), told(3, b"{}", 201, "/charges")], limit=1)
    assert chosen == (3,)
    assert {one.outcome: one.why for one in left_out} == dict.fromkeys(
        ("200", "404"), "no room for what they show (--limit)"
    )


def test_ids_are_told_as_people_know_them_and_what_cannot_be_pinned_is_not_chosen() -> None:
    broken, endpoint, calls = told(3, status=500)
    unanswered = replace(broken, response=None)
    chosen, left_out = cover([BASE, told(2), (unanswered, endpoint, calls)], shown=lambda identity: identity + 100)
    assert chosen == (1,)
    assert [one.examples for one in left_out] == [(102,)]
    assert cover([(unanswered, endpoint, calls)]) == ((), ())
