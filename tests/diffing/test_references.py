"""What the recorded object refers to is the recorded object, too, unless the run shows another one being made."""

from __future__ import annotations

from typing import Any

import pytest

from tests.diffing.probes.messages import judge_probe

Rows = list[dict[str, Any]]


def listed(orders: list[int], customers: list[int], own: str = "order_id") -> Rows:
    return [{own: order, "customer_id": customer} for order, customer in zip(orders, customers, strict=True)]


def pair(request: str, recorded: Any, replayed: Any) -> dict[str, Any]:
    return {"request": request, "recorded": recorded, "replayed": replayed}


def said(*exchanges: dict[str, Any]) -> list[str]:
    """What is found in the exchanges, as ``class path (evidence)``."""
    lines = judge_probe({"exchanges": list(exchanges)}).explained.splitlines()
    return [line.split("finding")[1].strip() for line in lines if line.strip().startswith("finding")]


STAYED, NEW = [7001, 7002, 7003, 7004], [8001, 8002, 8003, 8004]
OLD, NEXT = [201, 202, 203, 204], [301, 302, 303, 304]
STRAYED = "as recorded, and nothing in the run made this one anew"


@pytest.mark.parametrize("own", ["id", "order_id"])
def test_rows_that_stayed_belong_to_whom_they_belonged(own: str) -> None:
    found = said(pair("GET /orders", listed(STAYED, OLD, own), listed(STAYED, NEXT, own)))
    assert len(found) == 4
    assert all(f"{own} is {STRAYED}" in line for line in found)


def test_rows_made_anew_may_belong_to_whom_they_like() -> None:
    assert not said(pair("GET /orders", listed(STAYED, OLD, "id"), listed(NEW, NEXT, "id")))


def test_rows_that_stayed_may_belong_to_somebody_whom_the_run_made() -> None:
    customers = [[{"id": one} for one in side] for side in (OLD, NEXT)]
    made = pair("GET /customers", *customers)
    assert not said(made, pair("GET /orders", listed(STAYED, OLD), listed(STAYED, NEXT)))
    answered = [[{"customer_id": one} for one in side] for side in (OLD, NEXT)]
    assert not said(pair("POST /import", *answered), pair("GET /orders", listed(STAYED, OLD), listed(STAYED, NEXT)))


def test_two_rows_are_too_few_to_be_known_by_their_first_id() -> None:
    assert not [
        line
        for line in said(pair("GET /orders", listed(STAYED[:2], OLD[:2]), listed(STAYED[:2], NEXT[:2])))
        if STRAYED in line
    ]


def test_an_object_inside_is_a_reference_like_any_other() -> None:
    tickets = [
        [{"id": one, "customer": {"id": customer, "name": "x"}} for one, customer in zip(STAYED, whose, strict=True)]
        for whose in (OLD, NEXT)
    ]
    found = said(pair("GET /tickets", *tickets))
    assert len(found) == 4
    assert all("customer.id" in line and STRAYED in line for line in found)
