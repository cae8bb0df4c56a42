"""What stock mitmproxy breaks works through ours; run with both ends of the supported range."""

from __future__ import annotations

import asyncio

import pytest

from captures.errors import UsageError
from recorder import mends
from tests.recorder.conftest import Lab, answering, ask, connect, head, inbound, outbound, read_until

pytestmark = pytest.mark.slow  # a real proxy for each

TRAILED = b"5\r\nhello\r\n0\r\nX-Sum: 1\r\nx-sum: 2\r\n\r\n"


def test_response_trailers_pass_and_are_kept(lab: Lab) -> None:
    answer = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n" + TRAILED
    with lab.recording(inbound(lab.origin(answering(answer)))) as proxy, connect(proxy.port()) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: a\r\nTE: trailers\r\n\r\n")
        assert read_until(client, b"x-sum: 2\r\n\r\n") == answer
    response = lab.only().response
    assert response is not None
    assert response.body == b"hello"
    assert response.trailers == ((b"X-Sum", b"1"), (b"x-sum", b"2"))


def test_request_trailers_pass_and_are_kept(lab: Lab) -> None:
    seen = bytearray()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while not seen.endswith(b"x-sum: 2\r\n\r\n"):
            seen.extend(await reader.read(1000))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        await writer.drain()

    request = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n" + TRAILED
    with lab.recording(inbound(lab.origin(handle))) as proxy:
        assert ask(proxy.port(), request).startswith(b"HTTP/1.1 200 OK")
    assert bytes(seen) == request
    assert lab.only().request.body == b"hello"
    assert lab.only().request.trailers == ((b"X-Sum", b"1"), (b"x-sum", b"2"))


def test_trailers_of_one_exchange_do_not_end_in_the_next(lab: Lab) -> None:
    answers = iter([TRAILED, b"3\r\nbye\r\n0\r\n\r\n"])

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for body in answers:
            await head(reader)
            writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + body)
            await writer.drain()

    with lab.recording(inbound(lab.origin(handle))) as proxy, connect(proxy.port()) as client:
        client.sendall(b"GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n")
        assert read_until(client, b"bye\r\n0\r\n\r\n").count(b"X-Sum") == 1
    first, second = lab.exchanges()
    assert first.response is not None
    assert second.response is not None
    assert (len(first.response.trailers), second.response.trailers) == (2, ())


@pytest.mark.parametrize(
    "early",
    [
        pytest.param(b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n", id="103"),
        pytest.param(b"HTTP/1.1 102 Processing\r\n\r\n" * 3, id="three-102"),
        pytest.param(b"HTTP/1.1 100 Continue\r\n\r\n", id="100"),
    ],
)
@pytest.mark.parametrize("at_once", [True, False])
def test_informational_responses_are_not_the_answer(lab: Lab, early: bytes, at_once: bool) -> None:
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await head(reader)
        for piece in [early + answer] if at_once else [early[:15], early[15:], answer]:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0)

    with lab.recording(inbound(lab.origin(handle))) as proxy:
        assert ask(proxy.port(), b"GET / HTTP/1.1\r\nHost: a\r\n\r\n") == early + answer
    response = lab.only().response
    assert response is not None
    assert response.status == 200
    assert response.body == b"ok"


EXPECTING = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n"


def test_the_server_says_whether_a_client_may_continue(lab: Lab) -> None:
    early = b"HTTP/1.1 100 Go on\r\nX-A: 1\r\n\r\n"
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    heads = []

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append(await head(reader))
        writer.write(early)
        assert await reader.readexactly(4) == b"body"
        writer.write(answer)

    with lab.recording(inbound(lab.origin(handle))) as proxy, connect(proxy.port()) as client:
        client.sendall(EXPECTING)
        assert read_until(client, b"\r\n\r\n") == early
        client.sendall(b"body")
        assert read_until(client, b"\r\n\r\n") == answer
    assert heads == [EXPECTING]
    assert (b"Expect", b"100-continue") in lab.only().request.headers
    assert lab.only().request.body == b"body"
    assert not lab.only().body_truncated


@pytest.mark.parametrize(
    "framing", [b"Content-Length: 2\r\n\r\nno", b"Transfer-Encoding: chunked\r\n\r\n2\r\nno\r\n0\r\n\r\n"]
)
def test_a_server_that_refuses_an_expectation_gets_no_body(lab: Lab, framing: bytes) -> None:
    answer = b"HTTP/1.1 417 Expectation Failed\r\n" + framing
    rest = []

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await head(reader)
        writer.write(answer)
        rest.append(await reader.read())

    with lab.recording(inbound(lab.origin(handle))) as proxy, connect(proxy.port()) as client:
        client.sendall(EXPECTING)
        assert read_until(client, answer[-8:]) == answer
    response = lab.only().response
    assert response is not None
    assert (response.status, response.body, rest) == (417, b"no", [b""])


def test_a_body_that_comes_without_waiting_for_100_passes(lab: Lab) -> None:
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    with lab.recording(inbound(lab.origin(answering(answer, body=4)))) as proxy:
        assert ask(proxy.port(), EXPECTING + b"body") == answer
    assert lab.only().request.body == b"body"


def test_a_mitmproxy_without_what_we_mend_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(mends.http1.mitm.Http1Connection, "read_body")
    with pytest.raises(UsageError, match="is not one the recorder knows"):
        mends.mend()


def test_mending_twice_mends_once() -> None:
    mends.mend()
    before = mends.http1.mitm.Http1Client.read_headers
    mends.mend()
    assert mends.http1.mitm.Http1Client.read_headers is before


@pytest.mark.parametrize(
    ("door", "request_"),
    [
        (0, b"garbage\r\n\r\n"),
        (0, b"GET / HTTP/1.1\r\nno colon here\r\n\r\n"),
        (0, b"GET /a b HTTP/1.1\r\nHost: a\r\n\r\n"),
        (1, b"GET http://user:word@127.0.0.1:9/ HTTP/1.1\r\nHost: a\r\n\r\n"),
        (1, b"GET /nowhere HTTP/1.1\r\n\r\n"),
    ],
)
def test_requests_that_cannot_be_passed_on_are_counted(lab: Lab, door: int, request_: bytes) -> None:
    with lab.recording(inbound(9), outbound()) as proxy:
        for _ in range(2):
            assert ask(proxy.port(door), request_).startswith(b"HTTP/1.1 400 ")
    assert lab.exchanges() == []
    assert proxy.last("done")["refused"] == 2
    assert [event["what"] for event in proxy.events if event["event"] == "warning"] == ["refused"]


def test_an_answer_of_400_is_the_service_s(lab: Lab) -> None:
    answer = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    with lab.recording(inbound(lab.origin(answering(answer)))) as proxy:
        assert ask(proxy.port(), b"GET / HTTP/1.1\r\nHost: a\r\n\r\n") == answer
    assert proxy.last("done")["refused"] == 0
    assert lab.only().failure is None


@pytest.mark.parametrize(("second", "status"), [(b"2", b"200"), (b"3", b"400")])
def test_a_length_that_is_sent_twice(lab: Lab, second: bytes, status: bytes) -> None:
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"
    with lab.recording(inbound(lab.origin(answering(answer, 2)))) as proxy:
        request = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nContent-Length: %s\r\n\r\nab" % second
        assert ask(proxy.port(), request).startswith(b"HTTP/1.1 " + status)
    exchange = lab.only()
    assert (exchange.failure is None) is (status == b"200")
    if exchange.failure is None:
        assert exchange.request.body == b"ab"


@pytest.mark.parametrize("word", [b"keep-alive", b"Keep-Alive"])
def test_a_connection_of_http_1_0_that_is_kept(lab: Lab, word: bytes) -> None:
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: keep-alive\r\n\r\nok"

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for _ in range(3):
            await head(reader)
            writer.write(answer)
        await writer.drain()

    with lab.recording(inbound(lab.origin(handle))) as proxy, connect(proxy.port()) as client:
        for _ in range(3):
            client.sendall(b"GET / HTTP/1.0\r\nHost: a\r\nConnection: %s\r\n\r\n" % word)
            assert read_until(client, b"ok") == answer
    assert [exchange.failure for exchange in lab.exchanges()] == [None] * 3


@pytest.mark.parametrize("framing", [b"Transfer-Encoding : chunked", b"content-length\t: 3"])
def test_a_body_whose_length_servers_differ_on_is_no_request(lab: Lab, framing: bytes) -> None:
    with lab.recording(inbound(lab.origin(answering(b"")))) as proxy:
        smuggled = b"POST /a HTTP/1.1\r\nHost: a\r\n%s\r\n\r\n0\r\n\r\nGET /b HTTP/1.1\r\nHost: a\r\n\r\n" % framing
        assert ask(proxy.port(), smuggled).startswith(b"HTTP/1.1 400 ")
    exchange = lab.only()
    assert exchange.request.target == b"/a"
    assert exchange.failure is not None
