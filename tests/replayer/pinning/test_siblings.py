"""What one recording shows to vary by itself is not fixed by its pins."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from replayer.pin_make import Made, make_pins
from replayer.pins import Pin
from tests.replayer.tapes import Tape, request, response

SHIRT = {
    "sku": "A-1",
    "served": 1,
    "sizes": ["s", "m", "l"],
    "mood": "calm",
    "tags": [{"id": 1}],
    "promotion": "summer",
}
NEXT = {"sku": "A-1", "served": 2, "sizes": ["m", "l", "s"], "mood": "busy", "tags": [{"id": 1}]}


def first_of(tmp_path: Path, *exchanges: tuple[Any, Any]) -> Pin:
    with Tape(tmp_path / "shop.sqlite") as tape:
        for asked, answered in exchanges:
            tape.inbound(asked, answered)
    made = next(iter(make_pins(tmp_path / "shop.sqlite", None)))
    assert isinstance(made, Made)
    return made.pin


def test_what_differs_between_two_answers_to_one_request_becomes_a_matcher(tmp_path: Path) -> None:
    ask = request(target="/shirt")
    pin = first_of(tmp_path, (ask, response(200, SHIRT)), (ask, response(200, NEXT)))
    assert pin.expect is not None
    assert pin.expect.body.value == {**SHIRT, "served": "«integer»", "mood": "«token»"}
    assert dict(pin.expect.varies) == {"$.sizes": "unordered", "$.promotion": "optional"}


@pytest.mark.parametrize(
    "exchanges",
    [
        [(request(target="/shirt"), response(200, NEXT)), "POST"],  # something was changed in between
        [(request(target="/shirt?size=m"), response(200, NEXT))],
        [(request(target="/shirt", headers=((b"Accept-Language", b"de"),)), response(200, NEXT))],
        [(request(target="/shirt"), response(404, NEXT))],
    ],
)
def test_another_request_or_another_state_shows_nothing(tmp_path: Path, exchanges: list[Any]) -> None:
    (other, *changed) = exchanges
    between = [(request("POST", "/buy", {}), response(204))] if changed else []
    pin = first_of(tmp_path, (request(target="/shirt"), response(200, SHIRT)), *between, other)
    assert pin.expect is not None
    assert (pin.expect.body.value, pin.expect.varies) == (SHIRT, ())


def test_a_tag_that_follows_a_moving_body_moves(tmp_path: Path) -> None:
    made = {"id": "3f0e6a52-8f0b-4f5e-9a56-8c0d9b6d2a11"}
    answer = response(200, made, headers=((b"ETag", b'"5ac1"'),))
    pin = first_of(tmp_path, (request(target="/list"), answer))
    assert pin.expect is not None
    assert ("etag", "«string»") in pin.expect.headers
