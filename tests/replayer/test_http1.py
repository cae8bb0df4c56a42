from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from captures.model import Request, Response
from replayer.encoding import encode_request as encoded
from replayer.encoding import encode_response
from replayer.http1 import (
    BodyReader,
    Framing,
    ProtocolError,
    RequestParser,
    keeps_alive,
)
from replayer.wire.http1_response import ResponseParser
from tests.corpus import each


def encode_request(request: Request) -> tuple[bytes, list[dict[str, str]]]:
    made = encoded(request)
    return made.head + made.body, made.changes


def parsed(raw: bytes, method: str = "GET", *, step: int = 0, closed: bool = False) -> ResponseParser:
    parser = ResponseParser(method)
    pieces = [raw[at : at + step] for at in range(0, len(raw), step)] if step else [raw]
    for piece in pieces:
        parser.feed(piece)
    if closed:
        parser.eof()
    return parser


@pytest.mark.parametrize("step", [0, 1, 7])
@each(
    ("raw", "method", "body"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", "GET", b"hello"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x=1\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n", "GET", b"hello"),
        (b"HTTP/1.1 204 No Content\r\n\r\n", "GET", b""),
        (b"HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n", "GET", b""),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", "HEAD", b""),
        (b"HTTP/1.1 200 OK\nContent-Length: 2\n\nok", "GET", b"ok"),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\nLink: </a>\r\n\r\n"
         b"HTTP/1.1 200 \r\ncontent-length:2\r\n\r\nok", "GET", b"ok"),
    ],
)  # fmt: skip
def test_a_response_whatever_the_pieces_it_comes_in(raw: bytes, method: str, body: bytes, step: int) -> None:
    parser = parsed(raw, method, step=step)
    response = parser.response()
    assert response is not None
    assert response.body == body
    assert parser.reusable


def test_header_lines_stay_as_they_were_sent() -> None:
    raw = b"HTTP/1.1 200 Fine by me\r\nX-b: 1\r\nx-B:  2 \r\nSet-Cookie: a\r\nset-cookie: b\r\nEmpty:\r\nC\xe9: \xff\r\n\r\n"  # noqa: E501
    response = parsed(raw, "HEAD").response()
    assert response is not None
    assert response.reason == b"Fine by me"
    assert response.headers == (
        (b"X-b", b"1"), (b"x-B", b"2"), (b"Set-Cookie", b"a"), (b"set-cookie", b"b"),
        (b"Empty", b""), (b"C\xe9", b"\xff"),
    )  # fmt: skip


def test_trailers_are_apart_from_headers() -> None:
    raw = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nX-Sum: 1\r\nX-Sum: 2\r\n\r\n"
    response = parsed(raw, step=1).response()
    assert response is not None
    assert response.trailers == ((b"X-Sum", b"1"), (b"X-Sum", b"2"))


def test_a_body_that_ends_with_the_connection() -> None:
    parser = parsed(b"HTTP/1.1 200 OK\r\n\r\nabc")
    assert not parser.eof() or parser.response() == Response(200, (), b"abc", b"OK")
    assert not parser.reusable


def test_what_came_of_a_truncated_response_is_kept() -> None:
    parser = parsed(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc")
    assert not parser.eof()
    assert parser.response() == Response(200, ((b"Content-Length", b"10"),), b"abc", b"OK")


@pytest.mark.parametrize(
    "raw",
    [
        b"SSH-2.0-OpenSSH\r\n",
        b"HTTP/2 200\r\n\r\n",
        b"HTTP/1.1 abc OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n",
    ],
)
def test_what_is_not_http_is_an_error(raw: bytes) -> None:
    with pytest.raises(ProtocolError):
        parsed(raw)


def test_pipelined_requests_and_an_upgrade_offer_with_a_body() -> None:
    parser = RequestParser()
    parser.feed(
        b"POST /a HTTP/1.1\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nContent-Length: 2\r\n\r\nhi"
        b"GET http://b.test/x?y HTTP/1.0\r\n\r\nGET /half HT"
    )
    first, second = parser.next_message(), parser.next_message()
    assert first is not None
    assert second is not None
    assert (first[0].method, first[0].target, first[1]) == ("POST", b"/a", b"hi")
    assert (second[0].target, second[0].version) == (b"http://b.test/x?y", "HTTP/1.0")
    assert parser.next_message() is None


@pytest.mark.parametrize(
    ("version", "headers", "alive"),
    [
        ("HTTP/1.1", (), True),
        ("HTTP/1.1", ((b"Connection", b"x, Close"),), False),
        ("HTTP/1.0", (), False),
        ("HTTP/1.0", ((b"connection", b"Keep-Alive"),), True),
    ],
)
def test_keep_alive(version: str, headers: tuple[tuple[bytes, bytes], ...], alive: bool) -> None:
    assert keeps_alive(version, headers) is alive


def test_a_request_goes_out_byte_for_byte() -> None:
    headers = ((b"hOST", b"h"), (b"X", b"1"), (b"x", b"2"), (b"Content-Length", b"2"))
    data, changes = encode_request(Request("POST", "http", "h", 80, b"/a%2Fb//c?x&x=;", headers, b"hi"))
    assert data == b"POST /a%2Fb//c?x&x=; HTTP/1.1\r\nhOST: h\r\nX: 1\r\nx: 2\r\nContent-Length: 2\r\n\r\nhi"
    assert changes == []


def test_a_length_that_redaction_made_false_is_set_right_and_said() -> None:
    data, changes = encode_request(Request("POST", "http", "h", 80, b"/", ((b"content-length", b"9"),), b"hi"))
    assert b"content-length: 2\r\n" in data
    assert changes[0]["where"] == "header content-length"


def test_chunked_stays_chunked_with_its_trailers() -> None:
    headers = ((b"Transfer-Encoding", b"chunked"),)
    data, _ = encode_request(Request("POST", "http", "h", 80, b"/", headers, b"hello", ((b"T", b"1"),)))
    assert data.endswith(b"\r\n\r\n5\r\nhello\r\n0\r\nT: 1\r\n\r\n")


def test_a_request_of_http2_becomes_one_of_http1() -> None:
    data, changes = encode_request(Request("POST", "https", "h", 8443, b"/", ((b"a", b"b"),), b"x", (), "HTTP/2.0"))
    assert data == b"POST / HTTP/1.1\r\nHost: h:8443\r\na: b\r\nContent-Length: 1\r\n\r\nx"
    assert len(changes) == 3


def test_the_cookie_lines_of_http2_become_one_and_an_offer_of_h2c_is_dropped() -> None:
    split = ((b"cookie", b"a=1"), (b"x", b"y"), (b"cookie", b"b=2"), (b"host", b"h"))
    data, _ = encode_request(Request("GET", "http", "h", 80, b"/", split, http_version="HTTP/2.0"))
    assert data == b"GET / HTTP/1.1\r\ncookie: a=1; b=2\r\nx: y\r\nhost: h\r\n\r\n"
    offer = ((b"Connection", b"Upgrade, HTTP2-Settings, keep-alive"), (b"Upgrade", b"h2c"), (b"HTTP2-Settings", b"AA"))
    data, changes = encode_request(Request("GET", "http", "h", 80, b"/", offer))
    assert data == b"GET / HTTP/1.1\r\nConnection: keep-alive\r\n\r\n"
    assert changes[0]["where"] == "header upgrade"


@pytest.mark.parametrize(
    ("headers", "version", "method", "expected", "close"),
    [
        (((b"Content-Length", b"99"),), "HTTP/1.1", "GET", b"Content-Length: 2\r\n\r\nok", False),
        (((b"Transfer-Encoding", b"chunked"),), "HTTP/1.1", "GET", b"chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", False),
        ((), "HTTP/1.1", "GET", b"OK\r\n\r\nok", True),
        ((), "HTTP/2.0", "GET", b"Content-Length: 2\r\n\r\nok", False),
        (((b"Content-Length", b"99"),), "HTTP/1.1", "HEAD", b"Content-Length: 99\r\n\r\n", False),
        (
            ((b"Connection", b"close"), (b"Content-Length", b"2")),
            "HTTP/1.1",
            "GET",
            b"Content-Length: 2\r\n\r\nok",
            True,
        ),
    ],
)
def test_a_recorded_response_is_served_with_true_framing(
    headers: tuple[tuple[bytes, bytes], ...], version: str, method: str, expected: bytes, close: bool
) -> None:
    data, closes = encode_response(Response(200, headers, b"ok", b"OK", http_version=version), method)
    assert data.startswith(b"HTTP/1.1 200 OK\r\n")
    assert data.endswith(expected)
    assert closes is close


@given(st.binary(max_size=300), st.lists(st.integers(1, 40), max_size=20))
def test_any_body_survives_chunking_in_any_pieces(body: bytes, cuts: list[int]) -> None:
    response = Response(200, ((b"Transfer-Encoding", b"chunked"),), body, b"OK", trailers=((b"T", b"x"),))
    data, _ = encode_response(response, "GET")
    parser = ResponseParser("GET")
    at = 0
    for cut in cuts:
        parser.feed(data[at : at + cut])
        at += cut
    assert parser.feed(data[at:])
    assert parser.response() == response


def test_a_body_has_one_framing_and_trailers_have_a_chunked_body() -> None:
    both = ((b"Content-Length", b"2"), (b"Transfer-Encoding", b"chunked"))
    data, changes = encode_request(Request("POST", "http", "h", 80, b"/", both, b"hi"))
    assert data == b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n"
    assert [change["where"] for change in changes] == ["header content-length"]
    grpc = Request("POST", "http", "h", 80, b"/", ((b"host", b"h"),), b"hi", ((b"t", b"1"),), "HTTP/2.0")
    data, changes = encode_request(grpc)
    assert data.endswith(b"Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nt: 1\r\n\r\n")
    assert [change["where"] for change in changes] == ["request line", "header transfer-encoding"]


def test_no_value_can_begin_another_request() -> None:
    headers = ((b"A", b"1\r\nB: 2"), (b"C\n", b"3"))
    data, changes = encode_request(Request("GET", "http", "h", 80, b"/a HTTP/1.1\r\n\r\nGET /b", headers))
    assert data == b"GET /a HTTP/1.1%0D%0A%0D%0AGET /b HTTP/1.1\r\nA: 1  B: 2\r\nC : 3\r\n\r\n"
    assert [change["where"] for change in changes] == ["request head"]


PIECES = st.sampled_from(
    [b"HTTP/1.1 200 OK", b"HTTP/1.1 103 ", b"\r\n", b"\r\n", b"\r\n", b"\n", b"\r", b" ", b"\t", b":", b": ", b"ok",
     b"HTTP/1.0 204", b"A: b", b"B:c ", b"Content-Length: 2", b"Connection: close", b"Transfer-Encoding: chunked"]
)  # fmt: skip


@given(st.lists(PIECES, max_size=14), st.sampled_from(["GET", "HEAD"]))
def test_what_comes_at_once_is_read_as_what_comes_byte_by_byte(pieces: list[bytes], method: str) -> None:
    """The shortcut for a head that comes in one piece reads nothing in another way."""
    raw = b"HTTP/1.1 200 OK\r\n" + b"".join(pieces)

    def read(step: int) -> object:
        parser = ResponseParser(method)
        try:
            done = [parser.feed(raw[at : at + step]) for at in range(0, len(raw), step)][-1]
        except ProtocolError:
            return "not HTTP"
        return done, parser.response(), parser.interim, done and parser.reusable

    assert read(len(raw)) == read(1)


@given(st.binary(max_size=200))
def test_any_bytes_are_a_message_or_an_error(raw: bytes) -> None:
    for parse in (ResponseParser("GET").feed, BodyReader(Framing.CHUNKED).feed):
        with suppress(ProtocolError):
            parse(bytearray(raw))  # type: ignore[operator]
    requests = RequestParser()
    requests.feed(raw)
    with suppress(ProtocolError):
        requests.next_message()
