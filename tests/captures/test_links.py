"""Linking outbound calls to their cause: one table, one axis at a time."""

from __future__ import annotations

import pytest

from captures.links import LINGER, REMEMBERED, Linker, trace_ids
from captures.model import CauseHow, Headers

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


def lines(**headers: str) -> Headers:
    return tuple((name.replace("_", "-").encode(), value.encode()) for name, value in headers.items())


SAME_TRACE: list[tuple[str, Headers, Headers]] = [
    ("w3c", lines(traceparent=f"00-{TRACE}-00f067aa0ba902b7-01"), lines(Traceparent=f"00-{TRACE}-aaaaaaaaaaaaaaaa-01")),
    ("b3 single", lines(b3=f"{TRACE}-00f067aa0ba902b7-1"), lines(b3=f"{TRACE}-bbbbbbbbbbbbbbbb-1")),
    ("b3 multi to single", lines(X_B3_TraceId=TRACE), lines(b3=f"{TRACE}-1-1")),
    ("jaeger", lines(uber_trace_id="abc:1:0:1"), lines(uber_trace_id="abc:2:1:1")),
    ("datadog", lines(x_datadog_trace_id="77"), lines(x_datadog_trace_id="77")),
    ("x-ray", lines(X_Amzn_Trace_Id="Root=1-5e-6f;Parent=1"), lines(X_Amzn_Trace_Id="Self=9;Root=1-5e-6f")),
    ("cloud trace", lines(X_Cloud_Trace_Context="AB/1;o=1"), lines(X_Cloud_Trace_Context="ab/2")),
    ("request id", lines(X_Request_ID="r-1"), lines(x_request_id="r-1")),
]


@pytest.mark.parametrize(("inbound", "outbound"), [row[1:] for row in SAME_TRACE], ids=[row[0] for row in SAME_TRACE])
def test_a_propagated_id_names_the_cause_among_many(inbound: Headers, outbound: Headers) -> None:
    linker = Linker()
    linker.inbound_started(1, (), 0.0)
    linker.inbound_started(2, inbound, 0.0)
    linker.inbound_started(3, (), 0.0)
    cause = linker.cause_of(outbound, 1.0)
    assert (cause.how, cause.exchange) == (CauseHow.TRACE_HEADER, 2)
    assert "on both" in cause.evidence


def test_a_trace_id_still_names_an_exchange_that_has_ended() -> None:
    linker = Linker()
    linker.inbound_started(1, lines(x_request_id="r-1"), 0.0)
    linker.inbound_ended(1, 1.0)
    linker.inbound_started(2, (), 1.5)
    cause = linker.cause_of(lines(x_request_id="r-1"), 2.0)
    assert cause.exchange == 1
    assert "after its response" in cause.evidence


def test_but_not_for_ever() -> None:
    linker = Linker()
    linker.inbound_started(1, lines(x_request_id="r-1"), 0.0)
    linker.inbound_ended(1, 1.0)
    linker.inbound_started(2, lines(x_request_id="r-2"), 2.0)
    linker.inbound_ended(2, 2.0 + LINGER)
    assert linker.cause_of(lines(x_request_id="r-1"), 3.0 + LINGER).how is CauseHow.NONE


def test_the_memory_of_ended_exchanges_is_bounded() -> None:
    linker = Linker()
    for number in range(REMEMBERED + 50):
        linker.inbound_started(number, lines(x_request_id=str(number)), 0.0)
        linker.inbound_ended(number, 0.0)
    assert linker.cause_of(lines(x_request_id="0"), 0.0).how is CauseHow.NONE
    assert linker.cause_of(lines(x_request_id=str(REMEMBERED + 49)), 0.0).exchange == REMEMBERED + 49


def test_one_open_exchange_is_the_cause_by_window() -> None:
    linker = Linker()
    linker.inbound_started(7, (), 0.0)
    assert linker.cause_of((), 0.5).exchange == 7
    linker.inbound_ended(7, 1.0)
    assert linker.cause_of((), 1.5).how is CauseHow.NONE


def test_several_open_exchanges_are_ambiguous_and_named() -> None:
    linker = Linker()
    linker.inbound_started(7, (), 0.0)
    linker.inbound_started(8, (), 0.0)
    cause = linker.cause_of((), 0.5)
    assert (cause.how, cause.exchange) == (CauseHow.AMBIGUOUS, None)
    assert "7, 8" in cause.evidence


def test_a_trace_id_shared_by_open_exchanges_proves_nothing() -> None:
    linker = Linker()
    for number in (1, 2):
        linker.inbound_started(number, lines(x_request_id="page"), 0.0)
    assert linker.cause_of(lines(x_request_id="page"), 0.5).how is CauseHow.AMBIGUOUS
    linker.inbound_ended(1, 1.0)
    assert linker.cause_of(lines(x_request_id="page"), 1.5).exchange == 2


def test_an_unknown_trace_id_falls_back_to_the_window() -> None:
    linker = Linker()
    linker.inbound_started(1, lines(x_request_id="r-1"), 0.0)
    assert linker.cause_of(lines(x_request_id="made-by-the-service"), 0.5).how is CauseHow.WINDOW


@pytest.mark.parametrize(
    "headers", [lines(traceparent="garbage"), lines(x_request_id=""), lines(x_amzn_trace_id="Self=1")]
)
def test_malformed_trace_headers_are_no_evidence(headers: Headers) -> None:
    assert trace_ids(headers) == ()
