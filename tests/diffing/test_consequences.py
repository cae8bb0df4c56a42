"""Drift that only follows from an earlier exchange that went wrong."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from captures.model import Exchange
from diffing.classes import class_of
from diffing.model import Group
from diffing.outcome.attribution import attributed
from diffing.outcome.consequences import Consequences
from tests.diffing.pairs import exchange

ORDER = "ord_8fk2b1q0"
Sides = tuple[Exchange, Exchange, str]


def step(
    number: int,
    line: str,
    *,
    answer: Any = None,
    sent: Any = None,
    status: tuple[int, int] = (201, 500),
    session: int = 1,
) -> Sides:
    """One exchange of both sides: ``line`` is "POST /orders"."""
    method, target = line.split()
    body = json.dumps(sent).encode() if sent is not None else b""
    old = exchange(json.dumps(answer), status=status[0], method=method, target=target, sent=body)
    new = exchange("{}", status=status[1], method=method, target=target, sent=body, replayed=True)
    at = f"{method} {'/'.join(part for part in target.split('/')[:2])}"
    return replace(old, id=number, session=session), replace(new, id=100 + number), at


def follows(*steps: Sides) -> dict[int, int]:
    consequences = Consequences()
    for old, new, endpoint in steps:
        consequences.add(old, new, endpoint)
    return consequences.follows


MADE = step(1, "POST /orders", answer={"id": ORDER, "number": 7})


@pytest.mark.parametrize(
    "later",
    [
        step(2, f"GET /orders/{ORDER}", status=(200, 404)),
        step(2, f"DELETE /orders/{ORDER}/items", status=(204, 404)),
        step(2, f"GET /search?order={ORDER}", status=(200, 404)),
        step(2, "POST /payments", sent={"order": {"ref": ORDER}}, status=(201, 422)),
    ],
)
def test_what_asks_for_something_that_was_never_made_follows_from_its_making(later: Sides) -> None:
    assert follows(MADE, later) == {2: 1}


@pytest.mark.parametrize(
    "later",
    [
        step(2, "GET /orders/ord_another1", status=(200, 404)),
        step(2, "GET /orders", status=(200, 500)),
        step(2, f"GET /orders/{ORDER}x", status=(200, 404)),
        step(2, f"GET /orders/{ORDER}", status=(200, 404), session=2),
    ],
)
def test_what_asks_for_something_else_does_not(later: Sides) -> None:
    assert follows(MADE, later) == {}


def test_integer_ids_count_within_one_kind_of_object() -> None:
    made = step(1, "POST /orders", answer={"id": 17})
    assert follows(made, step(2, "GET /orders/17", status=(200, 404))) == {2: 1}
    assert follows(made, step(2, "GET /users/17", status=(200, 404))) == {}


def test_what_was_made_after_all_explains_nothing() -> None:
    made = step(1, "POST /orders", answer={"id": ORDER}, status=(201, 200))
    assert follows(made, step(2, f"GET /orders/{ORDER}", status=(200, 404))) == {}


def test_what_the_request_itself_names_was_not_made_by_it() -> None:
    read = step(1, f"GET /orders/{ORDER}", answer={"id": ORDER}, status=(200, 500))
    assert follows(read, step(2, f"DELETE /orders/{ORDER}", status=(204, 500))) == {}


def test_a_chain_leads_to_its_beginning() -> None:
    chain = (
        MADE,
        step(2, f"POST /orders/{ORDER}/payments", answer={"id": "pay_0a1b2c3d4e"}, status=(201, 404)),
        step(3, "GET /payments/pay_0a1b2c3d4e", status=(200, 404)),
    )
    assert follows(*chain) == {2: 1, 3: 1}


def group(name: str, endpoint: str, *exchanges: int, class_id: str = "response.status.class") -> Group:
    drift = class_of(class_id)
    return Group(name, class_id, drift.kind, drift.level, endpoint, "response.status", 201, 500, "", 1, exchanges)


def test_groups_say_what_they_follow_from() -> None:
    told = attributed((group("read", "GET /orders/{id}", 2, 3), group("make", "POST /orders", 1)), {2: 1, 3: 1})
    assert [(one.fingerprint, one.because) for one in told] == [("make", None), ("read", "make")]
    assert told[1].evidence == "asks for what POST /orders no longer makes (201 -> 500)"


def test_one_exchange_that_fails_by_itself_keeps_a_group_on_its_own() -> None:
    told = attributed((group("make", "POST /orders", 1), group("read", "GET /orders/{id}", 2, 3)), {2: 1})
    assert {one.because for one in told} == {None}
