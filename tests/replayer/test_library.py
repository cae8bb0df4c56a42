from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from captures.store import Capture
from replayer.library import KEPT, StubLibrary
from tests.replayer.tapes import Tape, request, response

PAYMENT = {"amount": 100, "currency": "EUR"}


@pytest.fixture
def library(tmp_path: Path) -> Iterator[StubLibrary]:
    with Tape(tmp_path / "c.sqlite") as tape:
        order = tape.inbound(request("POST", "/orders/17"), response())
        tape.inbound(request("POST", "/orders/18"), response())
        tls = request(target="/v1/charges", host="old.test", scheme="https")
        tape.outbound(order, tls, response())
        tape.outbound(order, replace(tls, host="new.test", http_version="HTTP/2.0"), response())
        tape.outbound(order, replace(tls, host="both.test", http_version="HTTP/2.0"), response())
        tape.outbound(order, replace(tls, host="both.test"), response())
        tape.outbound(order, request("POST", "/pay", PAYMENT, host="moved.test"), response())
        tape.outbound(None, request(target="/a_b?page=2", host="other.test"), response())
    with Capture.open(tmp_path / "c.sqlite") as capture:
        yield StubLibrary(capture, [1], ("POST /orders/{number}",))


@pytest.mark.parametrize(
    ("host", "offered"),
    [
        ("old.test", ("http/1.1",)),
        ("new.test", ("h2", "http/1.1")),
        ("both.test", ("h2", "http/1.1")),
        ("never.test", ("h2", "http/1.1")),
    ],
)
def test_http2_is_offered_unless_only_http1_was_recorded(
    library: StubLibrary, host: str, offered: tuple[str, ...]
) -> None:
    assert library.protocols(host, 443) == offered


def test_similar_calls_are_found_by_body_wherever_they_went_and_by_path_whatever_they_asked(
    library: StubLibrary,
) -> None:
    elsewhere = library.similar(request("PUT", "/elsewhere", PAYMENT, host="b.test"))
    assert [one.request.host for one in elsewhere] == ["moved.test"]
    paged = library.similar(request("DELETE", "/a_b", host="other.test"))
    assert [one.request.target for one in paged] == [b"/a_b?page=2"]
    assert library.similar(request("PATCH", "/nothing", host="nowhere.test")) == []


def test_calls_go_by_the_names_that_rules_use(library: StubLibrary) -> None:
    (tls, *_, moved) = library.pool(1).stubs
    assert library.name_of(moved.exchange) == "moved POST /pay"
    assert library.endpoint_of(tls.exchange) == "POST /orders/{number}"
    (loose,) = library.unattributed.stubs
    assert library.endpoint_of(loose.exchange) == ""


def test_a_pool_that_is_held_keeps_what_was_served(library: StubLibrary) -> None:
    library.hold(1)
    library.hold(1)  # one recorded request may be replayed twice
    library.pool(1).stubs[0].used = True
    for other in range(100, 100 + 2 * KEPT):
        library.pool(other)
    assert library.pool(1).stubs[0].used
    library.release(1)
    for other in range(200, 200 + 2 * KEPT):
        library.pool(other)
    assert library.pool(1).stubs[0].used
    library.release(1)
    for other in range(300, 300 + 2 * KEPT):
        library.pool(other)
    assert not library.pool(1).stubs[0].used


def test_stubs_in_memory_are_found_by_the_recorded_call(library: StubLibrary) -> None:
    stub = library.pool(1).stubs[0]
    assert library.find(stub.exchange.id) is stub
    assert library.find(999) is None
    assert library.pool_of(stub) is library.pool(1)
