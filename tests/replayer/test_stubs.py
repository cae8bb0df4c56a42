"""The stub server over real sockets, with clients that nobody here wrote (httpx, requests) and raw bytes."""

from __future__ import annotations

import ast
import http.client
import socket
import time
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from captures.errors import UsageError
from captures.model import Failure, FailureKind, Response
from replayer.stubs import Answer, Piece, Server
from tests.corpus import each
from tests.replayer.serving import Running

ROOT = Path(__file__).parents[2]


def test_plain_http_through_the_proxy(running: Running) -> None:
    with running.client() as client:
        answer = client.post("http://inventory.test:8080/a%2Fb?x=1&x=", content=b"hi", headers={"X-Odd": "v"})
    assert (answer.status_code, answer.reason_phrase, answer.content) == (200, "Fine", b"ok")
    assert [pair for pair in answer.headers.raw if pair[0].lower() == b"x-a"] == [(b"x-A", b"1"), (b"X-a", b"2")]
    (asked,) = running.desk.asked
    assert (asked.method, asked.scheme, asked.host, asked.port) == ("POST", "http", "inventory.test", 8080)
    assert (asked.target, asked.body) == (b"/a%2Fb?x=1&x=", b"hi")
    assert (b"X-Odd", b"v") in asked.headers


def test_https_through_a_tunnel_with_a_certificate_for_each_host(running: Running) -> None:
    with running.client() as client:
        for host in ("payments.test", "other.test:8443", "127.0.0.1:9"):
            assert client.get(f"https://{host}/x").content == b"ok"
    assert [(one.scheme, one.host, one.port) for one in running.desk.asked] == [
        ("https", "payments.test", 443),
        ("https", "other.test", 8443),
        ("https", "127.0.0.1", 9),
    ]


def test_a_tunnel_to_an_address_proves_to_be_the_name_asked_for(running: Running) -> None:
    parts = urlsplit(running.proxy)
    connection = http.client.HTTPSConnection(parts.hostname or "", parts.port, context=running.trust, timeout=60)
    connection.set_tunnel("10.9.8.7", 443)
    connection.connect()
    connection.close()
    with socket.create_connection((parts.hostname or "", parts.port or 0), 60) as plain:
        plain.sendall(b"CONNECT 10.9.8.7:443 HTTP/1.1\r\n\r\n")
        assert plain.recv(100).startswith(b"HTTP/1.1 200")
        with running.trust.wrap_socket(plain, server_hostname="payments.test") as tls:
            assert dict(item[0] for item in tls.getpeercert()["subject"])["commonName"] == "payments.test"  # type: ignore[index,misc,union-attr]


def test_plain_http_inside_a_tunnel(running: Running) -> None:
    told = running.raw(b"CONNECT a.test:80 HTTP/1.1\r\nHost: a.test:80\r\n\r\nGET /t HTTP/1.1\r\nHost: a.test\r\n\r\n")
    assert told.count(b"HTTP/1.1 200") == 2
    assert (running.desk.asked[0].scheme, running.desk.asked[0].host, running.desk.asked[0].port) == (
        "http",
        "a.test",
        80,
    )


def test_a_client_that_does_not_know_the_authority_is_noticed(running: Running) -> None:
    with httpx.Client(proxy=running.proxy, trust_env=False, timeout=60) as client, pytest.raises(httpx.ConnectError):
        client.get("https://payments.test/")
    with running.client() as client:  # a further exchange: the first connection has been dealt with
        client.get("http://a.test/")
    assert running.desk.distrusts == ["payments.test:443"]


@pytest.mark.parametrize("tunnel", [False, True], ids=["proxied", "tunnelled"])
def test_a_listener_reached_through_the_proxy_still_stands_for_its_dependency(running: Running, tunnel: bool) -> None:
    """A client that honours the proxy variables sends the handed-over address through the proxy, too."""
    url = running.listen(Server("https", "bank.test", 8443))
    if tunnel:
        host = urlsplit(url).netloc.encode()
        running.raw(
            b"CONNECT " + host + b" HTTP/1.1\r\nHost: " + host + b"\r\n\r\nGET /rate HTTP/1.1\r\nHost: x\r\n\r\n"
        )
    else:
        with running.client() as client:
            assert client.get(f"{url}/rate").status_code == 200
    (asked,) = running.desk.asked
    assert (asked.scheme, asked.host, asked.port, asked.target) == ("https", "bank.test", 8443, b"/rate")
    assert (b"Host", b"bank.test:8443") in asked.headers


def test_a_listener_stands_for_its_dependency(running: Running) -> None:
    url = running.listen(Server("https", "payments.test", 8443))
    with httpx.Client(trust_env=False, timeout=60) as client:
        assert client.get(url + "/charges").content == b"ok"
    (asked,) = running.desk.asked
    assert (asked.scheme, asked.host, asked.port, asked.target) == ("https", "payments.test", 8443, b"/charges")
    assert dict(asked.headers)[b"Host"] == b"payments.test:8443"


def test_keep_alive_pipelining_and_expectations(running: Running) -> None:
    told = running.raw(
        b"GET http://a.test/1 HTTP/1.1\r\n\r\nPOST http://a.test/2 HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"2\r\nhi\r\n0\r\n\r\nGET http://a.test/3 HTTP/1.0\r\n\r\nGET http://a.test/4 HTTP/1.1\r\n\r\n"
    )
    assert told.count(b"HTTP/1.1 200") == 3
    assert [(one.target, one.body) for one in running.desk.asked] == [(b"/1", b""), (b"/2", b"hi"), (b"/3", b"")]


def test_100_continue(running: Running) -> None:
    parts = urlsplit(running.proxy)
    with socket.create_connection((parts.hostname or "", parts.port or 0), 60) as connection:
        connection.sendall(b"PUT http://a.test/ HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n")
        assert connection.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(b"hi")
        assert connection.recv(1000).startswith(b"HTTP/1.1 200 Fine")


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("kind", [FailureKind.CONNECT, FailureKind.RESET, FailureKind.TLS, FailureKind.PROTOCOL])
def test_a_recorded_failure_fails_again(running: Running, scheme: str, kind: FailureKind) -> None:
    running.desk.answers["/x"] = Answer(None, Failure(kind))
    with running.client() as client, pytest.raises(httpx.RemoteProtocolError):
        client.get(f"{scheme}://a.test/x")


def test_a_recorded_timeout_is_held(running: Running) -> None:
    running.desk.answers["/slow"] = Answer(None, Failure(FailureKind.TIMEOUT), hold=20)
    with running.client() as client, pytest.raises(httpx.ReadTimeout):
        client.get("http://a.test/slow", timeout=0.1)
    running.desk.answers["/slow"] = Answer(None, Failure(FailureKind.TIMEOUT), hold=0.05)
    with running.client() as client, pytest.raises(httpx.RemoteProtocolError):
        client.get("http://a.test/slow")


@pytest.mark.parametrize("framing", [(b"Content-Length", b"10"), (b"Transfer-Encoding", b"chunked")])
def test_a_truncated_answer_is_truncated_again(running: Running, framing: tuple[bytes, bytes]) -> None:
    cut = Answer(Response(200, (framing,), b"half", b"OK"), Failure(FailureKind.TRUNCATED))
    running.desk.answers["/cut"] = cut
    came: list[bytes] = []
    with running.client() as client, client.stream("GET", "https://a.test/cut") as answer:
        pieces = answer.iter_raw()
        with pytest.raises(httpx.RemoteProtocolError):
            came.extend(pieces)
    assert b"".join(came) == b"half"


def test_a_refused_tunnel(running: Running) -> None:
    running.desk.refused.add(("a.test", 443))
    with running.client() as client, pytest.raises(httpx.TransportError):
        client.get("https://a.test/")


def test_an_answer_that_ends_by_closing_ends_well_under_tls(running: Running) -> None:
    running.desk.answers["/eof"] = Answer(Response(200, (), b"to the end", b"OK"))
    with running.client() as client:
        assert client.get("https://a.test/eof").content == b"to the end"


def events_of(pieces: tuple[Piece, ...]) -> Response:
    body = b"".join(piece.data for piece in pieces)
    return Response(200, ((b"Content-Type", b"text/event-stream"), (b"Transfer-Encoding", b"chunked")), body, b"OK")


EVENTS = (Piece(0.0, b"data: 1\n\n"), Piece(0.05, b"data: 2\n\n"), Piece(0.05, b"data: 3\n\n"))


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_events_come_one_by_one_in_their_time_and_the_connection_is_kept(running: Running, scheme: str) -> None:
    running.desk.answers["/events"] = Answer(events_of(EVENTS), pieces=EVENTS)
    with running.client() as client:
        began = time.monotonic()
        with client.stream("GET", f"{scheme}://a.test/events") as answer:
            came = [(piece, time.monotonic() - began) for piece in answer.iter_raw()]
        assert [piece for piece, _ in came] == [piece.data for piece in EVENTS]
        assert came[1][1] >= 0.05
        assert came[2][1] >= 0.10
        assert client.get(f"{scheme}://a.test/next").content == b"ok"


def test_what_waits_holds_up_nobody_else(running: Running) -> None:
    running.desk.answers["/slow"] = Answer(Response(200, (), b"slow"), hold=60)
    parts = urlsplit(running.proxy)
    with socket.create_connection((parts.hostname or "", parts.port or 0), 60) as waiting, running.client() as client:
        waiting.sendall(b"GET http://a.test/slow HTTP/1.1\r\nHost: a.test\r\n\r\n")
        assert client.get("http://a.test/fast").content == b"ok"
        waiting.setblocking(False)
        with pytest.raises(BlockingIOError):
            waiting.recv(1)


def test_a_pipelined_request_is_answered_after_the_slow_one_before_it(running: Running) -> None:
    running.desk.answers["/slow"] = Answer(Response(200, ((b"Content-Length", b"4"),), b"slow", b"OK"), hold=0.05)
    told = running.raw(
        b"GET http://a.test/slow HTTP/1.1\r\nHost: a.test\r\n\r\n"
        b"GET http://a.test/x HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n",
        half_close=False,
    )
    assert told.index(b"slow") < told.index(b"ok")


def test_a_stream_that_the_recorded_client_left_stays_open_until_this_one_leaves(running: Running) -> None:
    pieces = tuple(Piece(0, piece.data) for piece in EVENTS)
    running.desk.answers["/events"] = Answer(events_of(pieces), pieces=pieces, ends=False)
    parts = urlsplit(running.proxy)
    with socket.create_connection((parts.hostname or "", parts.port or 0), 60) as reading:
        reading.sendall(b"GET http://a.test/events HTTP/1.1\r\nHost: a.test\r\n\r\n")
        told = b""
        while b"data: 3" not in told:
            told += reading.recv(4096)
        reading.sendall(b"GET http://a.test/more HTTP/1.1\r\nHost: a.test\r\n\r\n")
        with running.client() as client:
            assert client.get("http://a.test/x").content == b"ok"
        assert b"0\r\n\r\n" not in told
        reading.setblocking(False)
        with pytest.raises(BlockingIOError):
            reading.recv(1)
    assert [one.target for one in running.desk.asked] == [b"/events", b"/x"]


def test_a_body_of_known_length_in_pieces_and_one_that_breaks_off(running: Running) -> None:
    pieces = (Piece(0.01, b"ha"), Piece(0.01, b"lf"))
    whole = Response(200, ((b"Content-Length", b"4"),), b"half", b"OK")
    running.desk.answers["/whole"] = Answer(whole, pieces=pieces)
    cut = Response(200, ((b"Content-Length", b"10"),), b"half", b"OK")
    running.desk.answers["/cut"] = Answer(cut, Failure(FailureKind.TRUNCATED), pieces=pieces)
    with running.client() as client:
        assert client.get("http://a.test/whole").content == b"half"
        assert client.head("http://a.test/whole").headers["content-length"] == "4"
        with pytest.raises(httpx.RemoteProtocolError):
            client.get("http://a.test/cut")


def test_a_stream_recorded_over_http2_comes_in_chunks_over_http1(running: Running) -> None:
    pieces = tuple(Piece(0, piece.data) for piece in EVENTS)
    body = b"".join(piece.data for piece in pieces)
    kind = ((b"content-type", b"text/event-stream"),)
    running.desk.answers["/e"] = Answer(Response(200, kind, body, http_version="HTTP/2.0"), pieces=pieces)
    with running.client() as client:
        answer = client.get("http://a.test/e")
    assert (answer.content, answer.headers["transfer-encoding"]) == (body, "chunked")


@pytest.mark.parametrize(
    "data",
    [
        b"\x00\x01\x02\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET ftp://a/ HTTP/1.1\r\n\r\n",
        b"CONNECT a:b HTTP/1.1\r\n\r\n",
    ],
)
def test_what_cannot_be_read_is_refused_politely(running: Running, data: bytes) -> None:
    assert running.raw(data).startswith(b"HTTP/1.1 400 ")
    assert running.desk.asked == []


def test_a_port_that_is_taken(running: Running) -> None:
    with pytest.raises(UsageError, match="cannot be listened on"):
        running.listen(port=urlsplit(running.proxy).port or 0)


@each(
    "module",
    [
        *("stubs", "desk", "connect", "matching", "misses", "library", "serve", "http1", "encoding"),
        *sorted(f"stubbing/{path.stem}" for path in (ROOT / "replayer" / "stubbing").glob("*.py")),
    ],
)
def test_nothing_that_answers_can_open_a_connection(module: str) -> None:
    """Read as syntax, not as text: no call or import by which Python opens a connection."""
    tree = ast.parse((ROOT / "replayer" / f"{module}.py").read_text())
    names = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    names |= {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    imported |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    opens = {
        "create_connection",
        "open_connection",
        "create_datagram_endpoint",
        "sock_connect",
        "urlopen",
        "connect_ex",
    }
    assert not names & opens
    assert not imported & {"socket", "http.client", "urllib.request", "httpx", "requests", "replayer.client"}
