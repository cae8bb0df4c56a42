"""Linking outbound calls to their cause: one table, one axis at a time."""

from __future__ import annotations

import pytest

from captures.links import LINGER, PASSING, PENDING, REMEMBERED, SHOWN, VALUED, Linker
from captures.model import CauseHow, Headers
from captures.traces import trace_ids
from tests.corpus import each

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


@each(("inbound", "outbound"), [row[1:] for row in SAME_TRACE], ids=[row[0] for row in SAME_TRACE])
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


def test_an_id_of_one_exchange_alone_counts_before_one_that_several_share() -> None:
    linker = Linker()
    for number in (1, 2):
        linker.inbound_started(number, lines(x_request_id="page", traceparent=f"00-{number:032x}-1-01"), 0.0)
    cause = linker.cause_of(lines(x_request_id="page", traceparent=f"00-{2:032x}-9-01"), 0.5)
    assert (cause.how, cause.exchange) == (CauseHow.TRACE_HEADER, 2)


def test_those_that_share_an_id_are_told_the_fewest_where_several_ids_are_shared() -> None:
    linker = Linker()
    for number in (1, 2, 3):
        shared = lines(x_request_id="page", x_correlation_id="late" if number > 1 else "early")
        linker.inbound_started(number, shared, 0.0)
    assert linker.sharing(lines(x_request_id="page")) == {1, 2, 3}
    assert linker.sharing(lines(x_request_id="page", x_correlation_id="late")) == {2, 3}
    assert linker.sharing(lines(x_request_id="other")) == frozenset()
    linker.inbound_ended(2, 1.0)
    assert linker.sharing(lines(x_correlation_id="late")) == {3}


def test_an_unknown_trace_id_falls_back_to_the_window() -> None:
    linker = Linker()
    linker.inbound_started(1, lines(x_request_id="r-1"), 0.0)
    assert linker.cause_of(lines(x_request_id="made-by-the-service"), 0.5).how is CauseHow.WINDOW


@pytest.mark.parametrize(
    "headers", [lines(traceparent="garbage"), lines(x_request_id=""), lines(x_amzn_trace_id="Self=1")]
)
def test_malformed_trace_headers_are_no_evidence(headers: Headers) -> None:
    assert trace_ids(headers) == ()


# -- times that come out of order -------------------------------------------------------------------------------------


def test_who_was_open_counts_at_the_time_of_the_call() -> None:
    linker = Linker()
    linker.inbound_started(1, (), 0.0)
    linker.inbound_started(2, (), 5.0)
    assert linker.cause_of((), 4.0).exchange == 1, "the other had not begun"
    linker.inbound_ended(1, 6.0)
    assert linker.cause_of((), 5.5).how is CauseHow.AMBIGUOUS, "its end was heard of before the call"
    assert linker.cause_of((), 6.5).exchange == 2


def test_ends_may_be_heard_of_in_any_order() -> None:
    linker = Linker()
    for number in (1, 2, 3):
        linker.inbound_started(number, (), float(number))
    for number, ended in ((2, 20.0), (1, 10.0), (3, 15.0)):
        linker.inbound_ended(number, ended)
    assert linker.cause_of((), 17.0).exchange == 2
    assert linker.cause_of((), 20.0).how is CauseHow.NONE


# -- guesses ----------------------------------------------------------------------------------------------------------

A, B = b"4537c2b3-8b25-45ff-b73e-c149a44ebe3a", b"fe8ae165-8292-4bb9-863f-c7b27c09b82f"


def two_open(**headers: str) -> Linker:
    linker = Linker()
    linker.inbound_started(1, lines(**headers), 0.0, b"/carts/" + A)
    linker.inbound_started(2, lines(**headers), 0.0, b"/carts")
    linker.inbound_body(2, (), b'{"cart": "%s"}' % B)
    return linker


@pytest.mark.parametrize(("target", "body", "cause"), [(b"/stock/" + A, b"", 1), (b"/stock", b"id=" + B, 2)])
def test_an_id_of_one_open_request_alone_is_a_guess(target: bytes, body: bytes, cause: int) -> None:
    linker = two_open()
    assert linker.call_started(9, (), 1.0, target).how is CauseHow.AMBIGUOUS
    found = linker.call_ended(9, body)
    assert found is not None
    assert (found.how, found.exchange, found.how.is_guess) == (CauseHow.VALUE_FLOW, cause, True)
    assert found.evidence.startswith("a guess: a value (uuid)")
    assert not any(piece in found.evidence for piece in ("4537", "fe8a")), "evidence never quotes a value"


def test_ids_of_two_open_requests_are_no_evidence() -> None:
    linker = two_open()
    linker.call_started(9, (), 1.0, b"/both/" + A)
    found = linker.call_ended(9, B)
    assert found is not None
    assert (found.how, found.exchange) == (CauseHow.AMBIGUOUS, None)
    assert "values point to" in found.evidence
    linker.inbound_started(3, (), 1.0, b"/carts/" + A)
    linker.call_started(10, (), 1.0, b"/stock/" + A)
    again = linker.call_ended(10)
    assert again is not None
    assert again.how is CauseHow.AMBIGUOUS, "two requests hold it"


def test_what_a_call_was_answered_belongs_to_its_request() -> None:
    linker = two_open()
    linker.call_started(9, (), 1.0, b"/stock/" + A)
    linker.call_ended(9, b"", ((), b'{"hold": "hold_5f3a9c1b2d7e"}'))
    linker.call_started(10, (), 1.0, b"/holds/hold_5f3a9c1b2d7e")
    found = linker.call_ended(10)
    assert found is not None
    assert (found.how, found.exchange) == (CauseHow.VALUE_FLOW, 1)


def test_a_late_call_is_found_by_its_value() -> None:
    linker = two_open()
    linker.inbound_started(3, (), 0.0)
    linker.inbound_ended(1, 1.0)
    linker.call_started(9, (), 1.5, b"/audit/" + A)
    found = linker.call_ended(9)
    assert found is not None
    assert (found.exchange, "which had just ended" in found.evidence) == (1, True)


def test_a_trace_counts_before_a_value_and_one_that_is_shared_narrows() -> None:
    linker = two_open(x_request_id="page")
    linker.inbound_started(3, lines(x_request_id="own"), 0.0, b"/other")
    assert linker.call_started(9, lines(x_request_id="own"), 1.0, b"/stock/" + A).exchange == 3
    by_trace = linker.call_ended(9)
    assert by_trace is not None
    assert by_trace.how is CauseHow.TRACE_HEADER
    linker.call_started(10, lines(x_request_id="page"), 1.0, b"/stock/" + A)
    assert linker.candidates(10) == {1, 2}
    found = linker.call_ended(10)
    assert found is not None
    assert (found.how, found.exchange) == (CauseHow.VALUE_FLOW, 1)


def test_no_guess_for_a_call_without_a_trace_of_a_service_that_passes_traces_on() -> None:
    linker = Linker()
    for number in (1, 2):
        linker.inbound_started(
            number, lines(traceparent=f"00-{number:032x}-1-01"), 0.0, b"/carts/" + (A, B)[number - 1]
        )
    for call in range(100, 100 + PASSING):
        linker.call_started(call, lines(traceparent=f"00-{1:032x}-2-01"), 1.0)
        linker.call_ended(call)
    linker.call_started(9, (), 1.0, b"/sync/" + A)
    found = linker.call_ended(9)
    assert found is not None
    assert (found.how, "no trace" in found.evidence) == (CauseHow.AMBIGUOUS, True)


def connection_shows(linker: Linker, changes: int) -> None:
    """Let the service keep a connection to one open request, and ``changes`` times not."""
    for round_ in range(SHOWN):
        for call in (0, 1):
            linker.call_started(100 + 2 * round_ + call, (), 1.0, b"/stock/" + A, f"line-{round_}")
            linker.call_ended(100 + 2 * round_ + call)
    for number in range(changes):
        linker.call_started(200 + number, (), 1.0, b"/stock/" + (A, B)[number % 2], "shared")
        linker.call_ended(200 + number)


@pytest.mark.parametrize(("changes", "how"), [(0, CauseHow.CONNECTION), (2, CauseHow.AMBIGUOUS)])
def test_a_connection_tells_where_the_service_is_seen_to_keep_it(changes: int, how: CauseHow) -> None:
    linker = two_open()
    connection_shows(linker, changes)
    linker.call_started(9, (), 1.0, b"/rates", "line-3")
    found = linker.call_ended(9)
    assert found is not None
    assert (found.how, found.exchange) == (how, 1 if how is CauseHow.CONNECTION else None)
    assert "the call before on this connection" in found.evidence


def test_a_connection_of_a_request_that_has_ended_tells_nothing() -> None:
    linker = two_open()
    linker.inbound_started(3, (), 0.0)
    connection_shows(linker, 0)
    linker.inbound_ended(1, 2.0)
    linker.call_started(9, (), 3.0, b"/rates", "line-3")
    found = linker.call_ended(9)
    assert found is not None
    assert found.how is CauseHow.AMBIGUOUS


def test_the_only_open_request_that_is_not_answered_yet_is_a_guess() -> None:
    linker = two_open()
    linker.inbound_started(3, (), 0.0, b"/events")
    for stream in (1, 3, 99):
        linker.inbound_answered(stream)
    linker.call_started(9, (), 1.0, b"/rates")
    linker.inbound_answered(2)  # how it was when the call began counts
    found = linker.call_ended(9)
    assert found is not None
    assert (found.how, found.exchange, found.how.is_guess) == (CauseHow.UNANSWERED, 2, True)
    linker.call_started(10, (), 1.0, b"/stock/" + A)
    by_value = linker.call_ended(10)
    assert by_value is not None
    assert (by_value.how, by_value.exchange) == (CauseHow.VALUE_FLOW, 1), "a value tells more"
    linker.call_started(11, (), 1.0, b"/rates")
    nobody = linker.call_ended(11)
    assert nobody is not None
    assert nobody.how is CauseHow.AMBIGUOUS


def test_calls_that_never_end_and_values_of_the_past_are_forgotten() -> None:
    linker = Linker()
    for number in range(3 * VALUED):
        linker.inbound_started(number, (), 0.0, b"/carts/" + A)
        linker.inbound_ended(number, 0.0)
    assert sum(bool(one.parts or one.values) for one in linker._ended.values()) == VALUED
    for call in range(PENDING + 50):
        linker.call_started(call, (), 1.0)
    assert linker.call_ended(0) is None
    assert linker.call_ended(PENDING + 49) is not None
