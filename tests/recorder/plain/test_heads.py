"""Heads of requests: what is taken, is taken as mitmproxy would take it. What is in doubt is not taken."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mitmproxy.net.http import http1

from recorder.plain.heads import LONGEST, LONGEST_ANSWER, Begun, answer_of, plain_head

BASE = b"GET /a?b HTTP/1.1\r\nHost: shop\r\n\r\n"


def with_line(line: bytes) -> bytes:
    """:data:`BASE` with one header more."""
    return BASE.replace(b"\r\n\r\n", b"\r\n" + line + b"\r\n\r\n")


def with_first(line: bytes) -> bytes:
    """:data:`BASE` with another first line."""
    return BASE.replace(b"GET /a?b HTTP/1.1", line)


TAKEN = [
    BASE,
    with_first(b"DELETE / HTTP/1.1"),
    with_first(b"M-SEARCH / HTTP/1.1").replace(b"M-", b"M"),
    with_first(b"GET /caf\xc3\xa9#x//y HTTP/1.1"),
    with_first(b"GET http://shop.test/a HTTP/1.1"),
    with_first(b"GET http://10.0.0.1:8080/a HTTP/1.1"),
    with_line(b"Content-Length: 0"),
    with_line(b"content-length:17"),
    with_line(b"Content-Length:\t 17 "),
    with_line(b"Transfer-Encoding: Chunked"),
    with_line(b"Connection: Keep-Alive"),
    with_line(b"Connection: close"),
    with_line(b"X: a\x0bb\x7f\xff"),
    with_line(b"Empty:"),
    with_line(b"Cookie: a=1\r\nCookie: b=2"),
    BASE + b"the beginning of something else",
]

NOT_TAKEN = {
    "not complete": BASE[:-1],
    "nothing": b"",
    "a blank line first": b"\r\n" + BASE,
    "bare line feeds": BASE.replace(b"\r\n", b"\n"),
    "a bare line feed": with_line(b"X: a\nContent-Length: 3"),
    "a bare carriage return": with_line(b"X: a\rContent-Length: 3"),
    "a carriage return too many": with_line(b"X: a\r"),
    "a folded line": with_line(b"X: a\r\n b"),
    "a folded first line": with_first(b"GET /a HTTP/1.1\r\n X: y"),
    "a zero byte": with_line(b"X: a\0b"),
    "a zero byte in a name": with_line(b"X\0: a"),
    "a blank before the colon": with_line(b"Content-Length : 3"),
    "a tab before the colon": with_line(b"Transfer-Encoding\t: chunked"),
    "a blank before the name": with_line(b" Content-Length: 3"),
    "no name": with_line(b": a"),
    "no colon": with_line(b"Content-Length"),
    "a name that is no token": with_line(b"X(a): b"),
    "a name with eight bits": with_line(b"Caf\xe9: b"),
    "two lengths": with_line(b"Content-Length: 3\r\nContent-Length: 4"),
    "one length twice": with_line(b"Content-Length: 3\r\nContent-Length: 3"),
    "lengths in a list": with_line(b"Content-Length: 3, 3"),
    "a signed length": with_line(b"Content-Length: +3"),
    "a negative length": with_line(b"Content-Length: -3"),
    "a length with a zero before it": with_line(b"Content-Length: 017"),
    "a length with a line": with_line(b"Content-Length: 1_0"),
    "a length in sixteens": with_line(b"Content-Length: 0x3"),
    "a length with a point": with_line(b"Content-Length: 3.0"),
    "no length": with_line(b"Content-Length:"),
    "other digits": with_line("Content-Length: ٣".encode()),
    "a length no machine has": with_line(b"Content-Length: " + b"9" * 16),
    "a length and chunks": with_line(b"Content-Length: 3\r\nTransfer-Encoding: chunked"),
    "chunks and a length": with_line(b"Transfer-Encoding: chunked\r\nContent-Length: 3"),
    "chunks twice": with_line(b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked"),
    "chunks in a list": with_line(b"Transfer-Encoding: chunked, chunked"),
    "another coding": with_line(b"Transfer-Encoding: gzip, chunked"),
    "identity": with_line(b"Transfer-Encoding: identity"),
    "something like chunks": with_line(b"Transfer-Encoding: xchunked"),
    "chunks in quotes": with_line(b'Transfer-Encoding: "chunked"'),
    "chunks and more": with_line(b"Transfer-Encoding: chunked\x0b"),
    "an expectation": with_line(b"Expect: 100-continue"),
    "an upgrade": with_line(b"Connection: upgrade\r\nUpgrade: websocket"),
    "an upgrade nobody is told of": with_line(b"Upgrade: websocket"),
    "HTTP/2 offered": with_line(b"HTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA"),
    "a list of connection words": with_line(b"Connection: keep-alive, TE"),
    "another connection word": with_line(b"Connection: x-secret"),
    "a lower-case method": with_first(b"get / HTTP/1.1"),
    "a mixed method": with_first(b"Get / HTTP/1.1"),
    "no method": with_first(b" / HTTP/1.1"),
    "CONNECT": with_first(b"CONNECT shop:443 HTTP/1.1"),
    "CONNECT to a path": with_first(b"CONNECT / HTTP/1.1"),
    "CONNECT in absolute form": with_first(b"CONNECT http://shop/ HTTP/1.1"),
    "an asterisk": with_first(b"OPTIONS * HTTP/1.1"),
    "two blanks": with_first(b"GET  / HTTP/1.1"),
    "a tab": with_first(b"GET\t/ HTTP/1.1"),
    "a blank at the end": with_first(b"GET / HTTP/1.1 "),
    "a blank in the target": with_first(b"GET /a b HTTP/1.1"),
    "a control character in the target": with_first(b"GET /a\x0bb HTTP/1.1"),
    "HTTP/1.0": with_first(b"GET / HTTP/1.0"),
    "HTTP/1.2": with_first(b"GET / HTTP/1.2"),
    "HTTP/2": with_first(b"GET / HTTP/2.0"),
    "HTTP/0.9": with_first(b"GET /"),
    "lower-case http": with_first(b"GET / http/1.1"),
    "a user": with_first(b"GET http://me@shop/ HTTP/1.1"),
    "a user with a password": with_first(b"GET http://me:secret@shop/ HTTP/1.1"),
    "https": with_first(b"GET https://shop/ HTTP/1.1"),
    "another scheme": with_first(b"GET ftp://shop/ HTTP/1.1"),
    "a scheme in capitals": with_first(b"GET HTTP://shop/ HTTP/1.1"),
    "no path": with_first(b"GET http://shop HTTP/1.1"),
    "no path but a query": with_first(b"GET http://shop?a HTTP/1.1"),
    "no port": with_first(b"GET http://shop:/ HTTP/1.1"),
    "port 0": with_first(b"GET http://shop:0/ HTTP/1.1"),
    "a port with zeros": with_first(b"GET http://shop:0080/ HTTP/1.1"),
    "six digits": with_first(b"GET http://shop:100000/ HTTP/1.1"),
    "an address in brackets": with_first(b"GET http://[::1]/ HTTP/1.1"),
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + BASE,
    "HTTP/2's preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "too long": with_line(b"X: " + b"x" * LONGEST),
}


def as_mitmproxy_does(data: bytes) -> tuple[object, ...]:
    request = http1.read_request_head(data.split(b"\r\n\r\n")[0].split(b"\r\n"))
    size = http1.expected_http_body_size(request)
    server = (request.host, request.port) if request.host else None
    return request.data.method, server, request.data.path, request.data.headers.fields, size


@pytest.mark.parametrize("data", TAKEN, ids=repr)
def test_what_is_plain_is_read_as_mitmproxy_reads_it(data: bytes) -> None:
    head = plain_head(data)
    assert head is not None
    assert (head.method, head.server, head.target, head.headers, head.length) == as_mitmproxy_does(data)
    assert head.raw == data[: data.index(b"\r\n\r\n") + 4]
    assert head.closes is (b"Connection: close" in data)


@pytest.mark.parametrize("data", NOT_TAKEN.values(), ids=NOT_TAKEN.keys())
def test_what_is_in_doubt_is_not_taken(data: bytes) -> None:
    assert plain_head(data) is None


PIECES = st.sampled_from(
    [
        b"GET ", b"get ", b"CONNECT ", b"/", b"/a", b"http://shop/", b"http://a@b/", b" HTTP/1.1", b" HTTP/1.0",
        b"\r\n", b"\n", b"\r", b" ", b"\t", b"\0", b":", b"Host: shop", b"Content-Length", b"Transfer-Encoding",
        b"chunked", b"3", b"-", b"+", b",", b"Connection", b"close", b"Expect", b"X: y", b"\xff", b"_",
    ]
)  # fmt: skip


@given(st.lists(PIECES, max_size=12).map(b"".join), st.integers(0, len(BASE)), st.binary(max_size=3))
def test_whatever_is_taken_is_read_as_mitmproxy_reads_it(inside: bytes, at: int, more: bytes) -> None:
    data = BASE[:at] + inside + BASE[at:] + more
    head = plain_head(data)
    if head is not None:
        assert (head.method, head.server, head.target, head.headers, head.length) == as_mitmproxy_does(data)
        assert re.fullmatch(rb"([^\r\n\0]+\r\n)+\r\n", head.raw)
        assert data.startswith(head.raw)


HEADS = [
    b"HTTP/1.1 200 OK\r\nA: 1\r\n\r\n",
    b"HTTP/1.1 103 Early Hints\r\n\r\n",
    b"HTTP/1.0 200\nA: 1\nB:\n 2\n\n",
    b"HTTP/1.1 204 \r\nA: 1\n\r\n",
]


@given(st.lists(st.sampled_from(HEADS), min_size=1, max_size=3), st.data())
def test_an_answers_heads_are_found_in_any_pieces(heads: list[bytes], data: st.DataObject) -> None:
    whole = b"".join(heads) + b"body\n\nmore"
    begun, found, at = Begun(), [], 0
    while at < len(whole):
        size = data.draw(st.integers(1, len(whole) - at))
        begun.data += whole[at : at + size]
        at += size
        while len(found) < len(heads) and (raw := begun.head()):
            found.append(raw)
    assert found == heads
    assert begun.data == b"body\n\nmore"
    assert [answer_of(one).status_code for one in found] == [int(one.split()[1]) for one in heads]


def test_an_answers_head_that_does_not_end_is_none() -> None:
    begun = Begun(bytearray(b"HTTP/1.1 200 OK\r\n"))
    begun.data += b"X: " + b"x" * LONGEST_ANSWER
    with pytest.raises(ValueError, match="does not end"):
        begun.head()
