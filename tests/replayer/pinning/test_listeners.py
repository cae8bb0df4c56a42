"""A pin expects the address of a dependency where an answer named the listener that stood for it."""

from __future__ import annotations

from pathlib import Path

import pytest

from captures.model import Response, header
from captures.store import Capture
from replayer.pin_make import Made, make_pins
from replayer.pinning.listeners import Listeners
from tests.replayer.tapes import Tape, request, response

HANDED = {"pay": ("http://pay.test:81/v2", "PAY")}


@pytest.mark.parametrize(
    ("said", "told"),
    [("http://127.0.0.1:7001/a", "http://pay.test:81/a"), ("127.0.0.1:70011", "127.0.0.1:70011"),
     ("9127.0.0.1:7001 127.0.0.1:7001", "9127.0.0.1:7001 pay.test:81")],
)  # fmt: skip
def test_an_answer_names_the_dependency(said: str, told: str) -> None:
    listeners = Listeners.handed(HANDED, {"PAY": "http://127.0.0.1:7001/v2"})
    came = listeners.translated(response(200, {"at": said}, headers=((b"X-At", said.encode()),)))
    assert came == response(200, {"at": told}, headers=((b"X-At", told.encode()),))


def test_a_compressed_body_is_left_alone() -> None:
    packed = Response(200, ((b"Content-Encoding", b"br"), (b"X-At", b"127.0.0.1:7001")), b"127.0.0.1:7001")
    came = Listeners.handed(HANDED, {"PAY": "http://127.0.0.1:7001"}).translated(packed)
    assert (came.body, header(came.headers, "x-at")) == (packed.body, b"pay.test:81")


def test_a_pin_expects_no_port_that_was_picked_for_one_recording(tmp_path: Path) -> None:
    path = tmp_path / "c.sqlite"
    with Tape(path, dependencies={"pay": {"url": "http://pay.test:81/v2", "env": "PAY"}}) as tape:
        first = tape.inbound(request(), response(200, {"pay": "http://127.0.0.1:6001/v2"}))
        tape.outbound(first, request(host="pay.test"), response(200, {}), notes={"host": "127.0.0.1:6001"})
    with Capture.open(path) as capture:
        assert Listeners.of_captures([capture]).pairs == ((b"127.0.0.1:6001", b"pay.test:81"),)
    (made,) = make_pins(path, None)
    assert isinstance(made, Made)
    assert made.pin.expect is not None
    assert made.pin.expect.body is not None
    assert "http://pay.test:81/v2" in repr(made.pin.expect.body)
    assert "6001" not in repr(made.pin)
