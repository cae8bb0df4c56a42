from __future__ import annotations

from dataclasses import replace

import pytest

from captures.model import Headers, Request
from replayer.http1 import ProtocolError
from replayer.wire.http2_messages import request_headers, response_head, response_trailers, trailer_list
from tests.corpus import each

ONE = Request("POST", "https", "shop.test", 8443, b"/a%2Fb?x", ((b"Host", b"shop"), (b"A", b"1"), (b"a", b"2")), b"hi")
TWO = replace(ONE, http_version="HTTP/2.0", headers=((b"Host", b"shop"), (b"a", b"1"), (b"a", b"2")))


def made(request: Request) -> tuple[dict[bytes, bytes], list[tuple[bytes, bytes]], list[str]]:
    """Pseudo-headers, the others, and where something was changed."""
    pairs, changes = request_headers(request)
    pseudo = [pair for pair in pairs if pair[0][:1] == b":"]
    assert pairs[: len(pseudo)] == pseudo
    return dict(pseudo), pairs[len(pseudo) :], [change["where"] for change in changes]


def test_what_was_recorded_over_http2_goes_out_as_it_was() -> None:
    pseudo, others, changes = made(TWO)
    place = {b":method": b"POST", b":scheme": b"https", b":authority": b"shop", b":path": b"/a%2Fb?x"}
    assert pseudo == place
    assert others == [(b"a", b"1"), (b"a", b"2")]
    assert changes == []


def test_what_was_recorded_over_http1_has_its_changes_listed() -> None:
    pseudo, others, changes = made(ONE)
    assert pseudo[b":authority"] == b"shop"
    assert others == [(b"a", b"1"), (b"a", b"2")]
    assert changes == ["request line", "header host", "header names"]


@each(
    ("headers", "kept", "dropped"),
    [
        (((b"connection", b"keep-alive, x-a"), (b"x-a", b"1"), (b"b", b"2")), [(b"b", b"2")], ["connection", "x-a"]),
        (((b"keep-alive", b"5"), (b"proxy-connection", b"x")), [], ["keep-alive", "proxy-connection"]),
        (((b"upgrade", b"h2c"), (b"http2-settings", b"AA")), [], ["upgrade", "http2-settings"]),
        (((b"transfer-encoding", b"chunked"),), [], ["transfer-encoding"]),
        (((b"te", b"trailers"),), [(b"te", b"trailers")], []),
        (((b"te", b"gzip"),), [], ["te"]),
        (((b"connection", b"te, close"), (b"te", b"trailers")), [(b"te", b"trailers")], ["connection"]),
        (((b"cookie", b"a"), (b"cookie", b"b")), [(b"cookie", b"a"), (b"cookie", b"b")], []),
        (((b"content-length", b"9"),), [(b"content-length", b"2")], ["content-length"]),
    ],
)
def test_what_http2_forbids_is_dropped_and_said(
    headers: Headers, kept: list[tuple[bytes, bytes]], dropped: list[str]
) -> None:
    _, others, changes = made(replace(TWO, headers=headers))
    assert others == kept
    assert changes == [f"header {name}" for name in dropped]


@pytest.mark.parametrize(
    ("target", "path", "authority"),
    [
        (b"*", b"*", b"shop.test:8443"),
        (b"", b"/", b"shop.test:8443"),
        (b"http://other:1/x?y", b"/x?y", b"other:1"),
        (b"https://u@other", b"/", b"other"),
    ],
)
def test_where_there_is_no_host_the_place_is_what_the_target_or_the_connection_says(
    target: bytes, path: bytes, authority: bytes
) -> None:
    pseudo, _, changes = made(replace(ONE, target=target, headers=()))
    assert (pseudo[b":path"], pseudo[b":authority"]) == (path, authority)
    assert ":authority" in changes


def test_trailers_are_in_lower_case() -> None:
    assert trailer_list(((b"X-Sum", b"A"),)) == [(b"x-sum", b"A")]
    assert response_trailers([(b"x-sum", b"A")]) == ((b"x-sum", b"A"),)


@pytest.mark.parametrize("pairs", [[(b":status", b"200")], [(b"A", b"b")], [(b"", b"b")], [(b"a", b"\0")]])
def test_trailers_that_are_malformed(pairs: list[tuple[bytes, bytes]]) -> None:
    with pytest.raises(ProtocolError):
        response_trailers(pairs)


@pytest.mark.parametrize("pairs", [[], [(b":status", b"+20")], [(b":path", b"/")], [(b":status", b"020")]])
def test_heads_that_are_malformed(pairs: list[tuple[bytes, bytes]]) -> None:
    with pytest.raises(ProtocolError):
        response_head(pairs)
