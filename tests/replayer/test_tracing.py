"""Fresh trace ids: new, unique, of the same form."""

from __future__ import annotations

import random
import re
from typing import Any

import pytest

from captures.model import Direction, Exchange, Headers, Request, Timing
from captures.traces import trace_ids
from diffing.values.traceids import judge_request_id
from replayer.tracing import with_fresh_traces, with_injected_trace
from tests.corpus import each

FORMS = [
    ("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
    ("b3", "80f198ee56343ba864fe8b2a57d3eff7-e457b5a2e4d86bd1-1-05e3ac9a4f6e3b90"),
    ("X-B3-TraceId", "463ac35c9f6413ad"),
    ("uber-trace-id", "80f198ee56343ba864fe8b2a57d3eff7:e457b5a2e4d86bd1:0:1"),
    ("x-datadog-trace-id", "7277407061855694839"),
    ("X-Amzn-Trace-Id", "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1"),
    ("X-Cloud-Trace-Context", "105445aa7843bc8bf206b12000100000/1;o=1"),
    ("X-Request-Id", "3f0e6a52-8f0b-4f5e-9a56-8c0d9b6d2a11"),
    ("X-Request-ID", "f058ebd6-02f7-4d3f-942e-904344e8cde5".upper()),
    ("X-Correlation-Id", "order-2026-AbC9_x81"),
    ("Request-Id", "9f86d081884c7d65"),
]


def renewed(seed: int, *headers: tuple[str, str]) -> tuple[Headers, list[str]]:
    given = tuple((name.encode(), value.encode()) for name, value in headers)
    fresh, changes = with_fresh_traces(given, random.Random(seed).randbytes)
    return fresh, [change.where for change in changes]


@each(("name", "value"), FORMS)
def test_a_recorded_id_becomes_another_of_its_form(name: str, value: str) -> None:
    (first, *_), changes = renewed(1, (name, value))
    (second, *_), _ = renewed(2, (name, value))
    assert first[0] == name.encode(), "its case stays"
    assert len({value.encode(), first[1], second[1]}) == 3
    assert trace_ids([first])[0][0] == trace_ids([(name.encode(), value.encode())])[0][0]  # type: ignore[arg-type]
    assert len(first[1]) == len(value)
    assert judge_request_id(name.lower(), value, first[1].decode()), "the comparison must take it for the same form"
    assert f"header {name.lower()}" in changes


def test_a_request_without_a_trace_gets_one() -> None:
    fresh, changes = renewed(1, ("Host", "shop.test"), ("X-Request-Id", "3f0e6a52-8f0b-4f5e-9a56-8c0d9b6d2a11"))
    assert [name for name, _ in fresh] == [b"Host", b"X-Request-Id", b"traceparent"]
    assert re.fullmatch(rb"00-[0-9a-f]{32}-[0-9a-f]{16}-01", fresh[2][1])
    assert changes == ["header x-request-id", "header traceparent"]


@pytest.mark.parametrize(("name", "value"), [("b3", "0"), ("X-Request-Id", "7"), ("x-b3-traceid", "zz")])
def test_what_is_no_id_stays(name: str, value: str) -> None:
    fresh, changes = renewed(1, (name, value))
    assert fresh[0] == (name.encode(), value.encode())
    assert changes == ["header traceparent"]


def test_a_broken_traceparent_is_replaced() -> None:
    fresh, _ = renewed(1, ("traceparent", "nonsense"), ("Accept", "*/*"))
    assert [name for name, _ in fresh] == [b"Accept", b"traceparent"]


def test_no_two_alike() -> None:
    chance = random.Random(3).randbytes
    given: Headers = tuple((name.encode(), value.encode()) for name, value in FORMS)
    seen: set[tuple[str, str]] = set()
    for _ in range(200):
        found = trace_ids(with_fresh_traces(given, chance)[0])
        assert len(set(found)) == len(found)
        assert not seen & set(found)
        seen.update(found)


@pytest.mark.parametrize(
    ("notes", "sent", "added"),
    [
        ({"injected": {"traceparent": "00-a-b-01"}}, (), True),
        ({"injected": {"traceparent": "00-a-b-01"}}, (("Traceparent", "own"),), False),
        ({}, (), False),
        ({"injected": "damaged"}, (), False),
    ],
)
def test_what_the_recorder_injected_the_build_gets_too(
    notes: dict[str, Any], sent: tuple[tuple[str, str], ...], added: bool
) -> None:
    headers = tuple((name.encode(), value.encode()) for name, value in sent)
    recorded = Exchange(1, Direction.INBOUND, Request("GET", "http", "a", 80, b"/"), Timing(0.0), notes=notes)
    given, changes = with_injected_trace(headers, recorded)
    assert given == (*headers, *([(b"traceparent", b"00-a-b-01")] if added else []))
    assert len(changes) == added
