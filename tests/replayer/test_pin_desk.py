"""Calls that come late: for the pin before, not for the one that runs."""

from __future__ import annotations

from typing import Any

from captures.model import Response
from replayer.pin_desk import PinDesk
from replayer.pins import Body, Pin, PinRequest, PinResponse, PinStub
from tests.replayer.tapes import ORDER, request, response

MADE = ORDER.replace("3", "4")
FIXED = ORDER.replace("3", "5")
AUDIT = PinStub("bank", PinRequest("POST", "http://bank/audit", (), Body("json", {"n": 1})), PinResponse(202))


def after_a_pin() -> PinDesk:
    """A desk whose pin before expects FIXED and got MADE beside it, its audit still to come."""
    desk = PinDesk()
    pin = Pin("p", PinRequest("POST", "/orders"), PinResponse(201, (), Body("json", {"id": "«uuid»", "sku": FIXED})))
    desk.load((AUDIT,), {}, request("POST", "/orders", {}))
    desk.answered(pin, response(201, {"id": MADE, "sku": FIXED}))
    desk.finish()
    desk.load((), {}, request("GET", f"/orders/{ORDER}"))
    return desk


def call(desk: PinDesk, body: Any) -> Response | None:
    return desk.answer(request("POST", "/audit", body, host="bank")).response


def test_a_call_the_pin_before_waits_for_is_answered_and_not_blamed_once() -> None:
    desk = after_a_pin()
    answered = call(desk, {"n": 1})
    assert answered is not None
    assert (answered.status, desk.calls) == (202, [])
    call(desk, {"n": 1})
    assert len(desk.calls) == 1


def test_a_call_about_what_the_pin_before_made_is_not_blamed_and_any_other_is() -> None:
    desk = after_a_pin()
    call(desk, {"order": MADE})
    assert desk.calls == []
    for body in ({"sku": FIXED}, {"order": ORDER}, {"n": 2}):
        call(desk, body)
    assert [one.stub for one in desk.calls] == [None, None, None]
