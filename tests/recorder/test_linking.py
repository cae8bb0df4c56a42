"""Fifty requests at once through a real service: with traces every link is right, without none is wrong and certain."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Any

import pytest

from benchmarks.linking import record
from captures.model import CauseHow, Direction
from recorder.listeners import LOOPBACK
from tests.recorder.conftest import Lab, answering, ask, connect, head, inbound, outbound, read_until

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"
TRACE = b"traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


@pytest.mark.slow
@pytest.mark.parametrize("inject", [False, True], ids=["sent by clients", "injected"])
def test_with_traces_every_link_of_a_concurrent_service_is_right(tmp_path: Path, inject: bool) -> None:
    found = record(tmp_path, traced=True, inject=inject, requests=100)
    print(found)
    assert (found.certain, found.calls) == (400, 400), found.wrong
    assert set(found.hows) == {"trace-header"}
    assert found.traced, "what the recorder added is not recorded as the client's"


@pytest.mark.slow
@pytest.mark.parametrize("pooled", [False, True], ids=["a connection for each request", "a pool"])
def test_without_traces_no_wrong_link_claims_to_be_certain(tmp_path: Path, pooled: bool) -> None:
    found = record(tmp_path, traced=False, pooled=pooled, requests=100)
    print(found)
    assert found.wrong == []
    assert found.right > 0.6, str(found)
    # Every call of the service's own may mislead (it bears an open request's id), and few others do.
    assert len([one for one in found.misled if "/sync/" not in one]) <= 0.02 * found.calls, found.misled


def traced_service(lab: Lab, ports: dict[str, int], seen: list[bytes]) -> int:
    """A service that passes traceparent on to a dependency; the port."""
    dependency = lab.origin(answering(OK))

    async def service(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await head(reader)
        traces = [line for line in request.split(b"\r\n") if line.lower().startswith(b"traceparent")]
        seen.extend(traces)
        out_reader, out_writer = await asyncio.open_connection(LOOPBACK, ports["outbound"])
        out_writer.write(
            b"\r\n".join([b"GET http://127.0.0.1:%d/dep HTTP/1.1" % dependency, b"Host: dep", *traces, b"", b""])
        )
        await out_reader.read()
        out_writer.close()
        writer.write(OK)
        await writer.drain()

    return lab.origin(service)


@pytest.mark.slow
@pytest.mark.parametrize("headers", [(), (b"traceparent: nonsense",), (b"b3: 4bf92f3577b34da6-1-1",), (TRACE,)])
def test_a_trace_is_injected_only_where_there_is_none(lab: Lab, headers: tuple[bytes, ...]) -> None:
    ports: dict[str, int] = {}
    seen: list[bytes] = []
    port = traced_service(lab, ports, seen)
    with lab.recording(inbound(port), outbound(), inject_trace=True) as proxy:
        ports["outbound"] = proxy.port(1)
        ask(proxy.port(), b"\r\n".join([b"GET / HTTP/1.1", b"Host: shop.test", *headers, b"", b""]))
    by_direction: dict[Direction, Any] = {one.direction: one for one in lab.exchanges()}
    asked, call = by_direction[Direction.INBOUND], by_direction[Direction.OUTBOUND]
    sent = tuple(tuple(line.split(b": ", 1)) for line in headers)
    assert asked.request.headers == ((b"Host", b"shop.test"), *sent), "the capture shows what the client sent"
    if headers:
        assert "injected" not in asked.notes
        assert seen == [line for line in headers if line.startswith(b"traceparent")]
    else:
        value = asked.notes["injected"]["traceparent"]
        assert re.fullmatch(r"00-[0-9a-f]{32}-[0-9a-f]{16}-01", value)
        assert seen == [b"traceparent: " + value.encode()]
        assert (call.cause.how, call.cause.exchange) == (CauseHow.TRACE_HEADER, asked.id)


def test_no_trace_is_injected_unless_asked_for(lab: Lab) -> None:
    ports: dict[str, int] = {}
    seen: list[bytes] = []
    with lab.recording(inbound(traced_service(lab, ports, seen)), outbound()) as proxy:
        ports["outbound"] = proxy.port(1)
        ask(proxy.port(), b"GET / HTTP/1.1\r\nHost: shop.test\r\n\r\n")
    assert seen == []


def test_calls_beside_an_open_stream_of_events_are_laid_to_the_request_that_waits(lab: Lab) -> None:
    ports: dict[str, int] = {}
    dependency = lab.origin(answering(OK))

    async def service(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if b" /events " in await head(reader):
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n\n")
            await writer.drain()
            await reader.read()
            return
        out_reader, out_writer = await asyncio.open_connection(LOOPBACK, ports["outbound"])
        out_writer.write(b"GET http://127.0.0.1:%d/dep HTTP/1.1\r\nHost: dep\r\n\r\n" % dependency)
        await out_reader.read()
        out_writer.close()
        writer.write(OK)
        await writer.drain()

    with lab.recording(inbound(lab.origin(service)), outbound()) as proxy:
        ports["outbound"] = proxy.port(1)
        with connect(proxy.port()) as stream:
            stream.sendall(b"GET /events HTTP/1.1\r\nHost: shop.test\r\n\r\n")
            read_until(stream, b"data: 1\n\n")
            ask(proxy.port(), b"GET /orders HTTP/1.1\r\nHost: shop.test\r\n\r\n")
    exchanges = {one.id: one for one in lab.exchanges()}
    (cause,) = (one.cause for one in exchanges.values() if one.cause is not None)
    assert cause.how is CauseHow.UNANSWERED
    assert exchanges[cause.exchange or 0].request.target == b"/orders"
