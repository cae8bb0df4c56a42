"""Trace ids across formats: one table."""

from __future__ import annotations

import random
import re

import pytest

from captures.model import Headers
from captures.traces import is_traced, key_of, trace_ids, traceparent
from tests.corpus import each

HIGH, LOW = "4bf92f3577b34da6", "a3ce929d0e0e4736"
FORMATS: list[tuple[str, str]] = [
    ("traceparent", f"00-{HIGH}{LOW}-00f067aa0ba902b7-01"),
    ("elastic-apm-traceparent", f"00-{HIGH}{LOW}-00f067aa0ba902b7-01"),
    ("b3", f"{HIGH}{LOW}-00f067aa0ba902b7-1"),
    ("b3", f"{LOW}-00f067aa0ba902b7-1"),
    ("X-B3-TraceId", LOW.upper()),
    ("uber-trace-id", f"{HIGH}{LOW}:1:0:1"),
    ("x-datadog-trace-id", str(int(LOW, 16))),
    ("X-Amzn-Trace-Id", f"Self=1-2-3;Root=1-{HIGH[:8]}-{HIGH[8:]}{LOW};Sampled=1"),
    ("X-Cloud-Trace-Context", f"{HIGH}{LOW}/1;o=1"),
    ("sentry-trace", f"{HIGH}{LOW}-00f067aa0ba902b7-1"),
    ("ot-tracer-traceid", LOW),
    ("x-instana-t", LOW),
]


def lines(*headers: tuple[str, str]) -> Headers:
    return tuple((name.encode(), value.encode()) for name, value in headers)


@each("header", FORMATS)
def test_one_trace_is_known_in_every_format(header: tuple[str, str]) -> None:
    (found,) = trace_ids(lines(header))
    assert key_of(found) == ("trace", LOW)
    assert is_traced(lines(header))


@pytest.mark.parametrize(
    "header",
    [
        ("traceparent", "garbage"), ("b3", "0"), ("b3", "d"), ("x-amzn-trace-id", "Self=1"), ("x-request-id", ""),
        ("tracestate", f"dd=p:{LOW}"), ("baggage", f"id={LOW}"),
    ],
)  # fmt: skip
def test_no_ids(header: tuple[str, str]) -> None:
    assert trace_ids(lines(header)) == ()


@pytest.mark.parametrize("header", [("x-datadog-trace-id", "many"), ("uber-trace-id", "what:ever"), ("b3", "0-0-0")])
def test_what_is_no_trace_is_still_one_text(header: tuple[str, str]) -> None:
    (found,) = trace_ids(lines(header))
    assert key_of(found) == found


def test_a_request_id_is_no_trace_of_that_name() -> None:
    (found,) = trace_ids(lines(("X-Request-ID", LOW)))
    assert key_of(found) == ("x-request-id", LOW)
    assert not is_traced(lines(("X-Request-ID", LOW)))


def test_a_new_trace_has_no_id_of_zeros() -> None:
    chances = iter([bytes(16), bytes(8), b"\1" * 16, bytes(8), *[b"\2" * 16, b"\3" * 8]])
    assert traceparent(lambda size: next(chances)) == b"00-" + b"02" * 16 + b"-" + b"03" * 8 + b"-01"
    assert re.fullmatch(rb"00-[0-9a-f]{32}-[0-9a-f]{16}-01", traceparent(random.Random(1).randbytes))
