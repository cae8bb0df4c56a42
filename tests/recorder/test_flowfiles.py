"""mitmproxy's flow files: out and in again is the same, and a file of mitmdump's own is read."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mitmproxy import http
from mitmproxy.io import FlowReader, FlowWriter, tnetstring
from mitmproxy.test import tflow

from captures.archives.entries import Broken, Losses
from captures.model import (
    Cause,
    CauseHow,
    Direction,
    Exchange,
    Failure,
    FailureKind,
    Headers,
    Message,
    Request,
    Response,
    Timing,
)
from recorder.flowfiles import FlowFile, write

TEXT = st.text("abc-", min_size=1, max_size=5).map(str.encode)
LINES = st.lists(st.tuples(TEXT, st.binary(max_size=5)), max_size=3).map(tuple)


@st.composite
def exchanges(draw: st.DrawFn) -> Exchange:
    trailers: Headers = draw(LINES)
    failure = draw(st.sampled_from([None, FailureKind.ABORTED, FailureKind.RESET, FailureKind.TRUNCATED]))
    response: Response | None = Response(
        draw(st.integers(100, 999)), draw(LINES), draw(st.binary(max_size=20)), draw(TEXT), trailers,
        draw(st.sampled_from(["HTTP/1.0", "HTTP/1.1", "HTTP/2.0"])),
    )  # fmt: skip
    if failure in (FailureKind.ABORTED, FailureKind.RESET):
        response = None
    version = draw(st.sampled_from(["HTTP/1.1", "HTTP/2.0"]))
    return Exchange(
        draw(st.integers(1, 999)), draw(st.sampled_from([*Direction])),
        Request(
            draw(st.sampled_from(["GET", "PURGE"])), "https", draw(st.sampled_from(["shop.test", "::1"])), 8443,
            b"/a%2Fb?x=1#y", draw(LINES), draw(st.binary(max_size=20)), draw(LINES), version,
        ),
        Timing(1000.0, 1000.5, 1001.0 if response else None, 1002.0), response,
        Failure(failure, "x") if failure else None, connection="c-1",
        notes={"authority": "shop.test"} if version == "HTTP/2.0" else {},
    )  # fmt: skip


@pytest.mark.slow
@given(exchanges())
def test_out_and_in_again_is_the_same(tmp_path_factory: pytest.TempPathFactory, one: Exchange) -> None:
    path = tmp_path_factory.mktemp("flows") / "x.flows"
    with path.open("wb") as file:
        assert write([one], lambda _: (), file, Losses()) == 1
    ((entry),) = FlowFile(path).entries(Losses())
    found = entry.exchange
    assert entry.told is one.direction
    assert (found.failure and found.failure.kind) == (one.failure and one.failure.kind)
    assert replace(found, id=one.id, failure=one.failure) == one


def test_what_a_flow_cannot_carry_is_said() -> None:
    cause = Cause(CauseHow.WINDOW, 7, "x")
    one = Exchange(
        9, Direction.OUTBOUND, Request("GET", "http", "pay.test", 80, b"/"), Timing(1.0), Response(200),
        dependency="payments", cause=cause, body_truncated=True,
    )  # fmt: skip
    losses, file = Losses(), io.BytesIO()
    write([one], lambda _: [Message(9, 1, False, "event", 1.0)], file, losses)
    assert losses.sentences() == [
        "1 exchange: that a body is held only in part (in the flow's comment)",
        "1 exchange: when each message of a stream came",
        "1 exchange: which exchange caused it (in the flow's comment)",
    ]
    file.seek(0)
    (flow,) = FlowReader(file).stream()
    assert flow.comment == "retape 9, caused by 7 (window), dependency payments, a body is held only in part"


def test_what_is_no_exchange_is_left_out_and_said(tmp_path: Path) -> None:
    streamed = tflow.tflow(resp=True)
    assert isinstance(streamed, http.HTTPFlow)
    assert streamed.response is not None
    streamed.response.data.content = None
    tunnel = tflow.tflow()
    tunnel.request.method = "CONNECT"
    path = tmp_path / "x.flows"
    with path.open("wb") as file:
        for flow in (tflow.ttcpflow(), tunnel, streamed, tflow.twebsocketflow()):
            FlowWriter(file).add(flow)
    losses = Losses()
    first, second = FlowFile(path).entries(losses)
    assert first.exchange.body_truncated
    assert second.exchange.notes == {"websocket": 3}
    assert [(one.from_client, one.kind, one.body) for one in second.messages] == [
        (True, "binary", b"hello binary"), (True, "text", b"hello text"), (False, "text", b"it's me"),
    ]  # fmt: skip
    with path.open("wb") as file:
        write([replace(second.exchange, id=1)], lambda _: second.messages, file, Losses())
    (again,) = FlowFile(path).entries(Losses())
    assert again.messages == second.messages
    assert sorted(losses.counts) == [
        "a body that was streamed and is not in the file",
        "left out: a connection that is not HTTP",
        "left out: the opening of a tunnel (CONNECT)",
    ]


def test_a_file_that_is_cut_off_or_newer_says_so(tmp_path: Path) -> None:
    file = io.BytesIO()
    FlowWriter(file).add(tflow.tflow(resp=True))
    whole = file.getvalue()
    path = tmp_path / "x.flows"
    for content, wanted, count in (
        (whole + whole[:-9], "is damaged or cut off after 1 flow", 1),
        (whole + b"rubbish", "is damaged or cut off after 1 flow", 1),
        (b"9:rubbish", "is damaged or cut off after 0 flows", 0),
    ):
        path.write_bytes(content)
        entries = FlowFile(path).entries(Losses())
        for _ in range(count):
            next(entries)
        with pytest.raises(Broken, match=f"^{wanted}$"):
            next(entries)
    state = tflow.tflow(resp=True).get_state()
    state["version"] = 999
    path.write_bytes(tnetstring.dumps(state))
    with pytest.raises(Broken, match="was written by a newer mitmproxy"):
        list(FlowFile(path).entries(Losses()))
