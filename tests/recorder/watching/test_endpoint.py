"""The endpoint over real sockets."""

from __future__ import annotations

import http.client
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from captures.errors import UsageError
from recorder.settings import Settings
from recorder.watching.board import Board
from recorder.watching.endpoint import CLIENTS, Endpoint
from recorder.watching.exposition import CONTENT_TYPE


@pytest.fixture
def board(tmp_path: Path) -> Board:
    return Board(tmp_path / "x.sqlite")


@pytest.fixture
def endpoint(board: Board) -> Iterator[Endpoint]:
    with Endpoint.open("127.0.0.1", 0, board) as endpoint:
        yield endpoint


def ask(endpoint: Endpoint, method: str, path: str) -> tuple[int, dict[str, str], bytes]:
    connection = http.client.HTTPConnection(*endpoint.address, timeout=10)
    try:
        connection.request(method, path)
        answer = connection.getresponse()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
    finally:
        connection.close()


def test_metrics_and_their_head(endpoint: Endpoint, board: Board) -> None:
    board.counters({"seen": 12})
    status, headers, body = ask(endpoint, "GET", "/metrics?name=x")
    assert (status, headers["content-type"]) == (200, CONTENT_TYPE)
    assert b"\nretape_exchanges_seen_total 12\n" in body
    status, head, nothing = ask(endpoint, "HEAD", "/metrics")
    assert (status, head["content-type"], nothing) == (200, CONTENT_TYPE, b"")
    assert int(head["content-length"]) > 1000


def test_health_follows_the_recording(endpoint: Endpoint, board: Board, tmp_path: Path) -> None:
    assert ask(endpoint, "GET", "/healthz")[::2] == (503, b"starting\n")
    board.ready(Settings(tmp_path / "x.sqlite", ()))
    assert ask(endpoint, "GET", "/healthz")[::2] == (200, b"ok\n")
    board.stopping("interrupted")
    assert ask(endpoint, "HEAD", "/healthz")[::2] == (503, b"")


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/", 404), ("GET", "/metrics/", 404), ("POST", "/metrics", 405), ("DELETE", "/healthz", 405)],
)
def test_nothing_else_is_served(endpoint: Endpoint, method: str, path: str, status: int) -> None:
    answer, headers, body = ask(endpoint, method, path)
    assert answer == status
    assert headers.get("allow") == ("GET, HEAD" if status == 405 else None)
    assert b"Python" not in body + headers["server"].encode()


def test_what_is_not_http_is_refused_without_being_quoted(endpoint: Endpoint) -> None:
    with socket.create_connection(endpoint.address, 60) as client:
        client.sendall(b"GET /secret-of-mine HTTP/9.9 and more\r\n\r\n")
        answer = b"".join(iter(lambda: client.recv(4096), b""))
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"secret" not in answer


def test_too_many_slow_clients_are_turned_away_and_the_next_is_served(endpoint: Endpoint) -> None:
    slow = [socket.create_connection(endpoint.address, 60) for _ in range(CLIENTS)]
    for client in slow:
        client.sendall(b"GET /met")
    with socket.create_connection(endpoint.address, 60) as one_more:
        assert one_more.recv(100) == b""
    for client in slow:
        client.sendall(b"rics HTTP/1.0\r\n\r\n")
        assert client.recv(100).startswith(b"HTTP/1.1 200 ")
        client.close()


def test_an_address_that_cannot_be_had(endpoint: Endpoint, board: Board) -> None:
    with pytest.raises(UsageError, match=r"--metrics: port \d+ on 127\.0\.0\.1 is taken") as told:
        Endpoint.open(*endpoint.address, board)
    assert told.value.hint
    with pytest.raises(UsageError, match="host name was not found"):
        Endpoint.open("no.such.host.invalid", 0, board)
    with pytest.raises(UsageError, match=r"cannot listen on 192\.0\.2\.1:0"):
        Endpoint.open("192.0.2.1", 0, board)


def test_ipv6(board: Board) -> None:
    with Endpoint.open("::1", 0, board) as endpoint:
        assert ask(endpoint, "GET", "/healthz")[0] == 503
