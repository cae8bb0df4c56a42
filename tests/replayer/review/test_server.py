"""Over real sockets: what is answered, with which headers, and that who is slow holds up nobody."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http import HTTPStatus

import pytest

from captures.errors import UsageError
from replayer.review import server as module
from replayer.review.guard import Head, Refusal
from replayer.review.server import ALWAYS, CLIENTS, DEFECT, Answer, ReviewServer

PATIENCE = 60.0


@dataclass
class Echo:
    """Says what it was asked; refuses what asks for it."""

    asked: list[tuple[Head, bytes]] = field(default_factory=list)

    def refusal(self, head: Head) -> Refusal | None:
        return Refusal(HTTPStatus.FORBIDDEN, "No.") if head.path == "/no" else None

    def answer(self, head: Head, body: bytes) -> Answer:
        self.asked.append((head, body))
        if head.path == "/defect":
            raise KeyError(head.path)
        return Answer(HTTPStatus.OK, f"{head.method} {head.target} {body.decode()}".encode(), headers={"X-Own": "1"})


@pytest.fixture
def served() -> Iterator[ReviewServer]:
    with ReviewServer("127.0.0.1", 0) as server:
        server.application = Echo()
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield server
        server.shutdown()
        thread.join(PATIENCE)


def connected(server: ReviewServer) -> socket.socket:
    return socket.create_connection(("127.0.0.1", server.port), PATIENCE)


def talk(server: ReviewServer, sent: bytes) -> tuple[int, dict[str, str], bytes]:
    with connected(server) as connection:
        connection.sendall(sent)
        return parts(everything(connection))


def everything(connection: socket.socket) -> bytes:
    got = b""
    while more := connection.recv(65536):
        got += more
    return got


def parts(answer: bytes) -> tuple[int, dict[str, str], bytes]:
    head, _, body = answer.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    return int(first.split(" ")[1]), dict(line.split(": ", 1) for line in lines), body


@pytest.mark.parametrize(
    ("sent", "status", "body"),
    [
        (b"GET /a?b=c HTTP/1.1\r\nHost: x\r\n\r\n", 200, b"GET /a?b=c "),
        (b"HEAD / HTTP/1.1\r\nHost: x\r\n\r\n", 200, b""),
        (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc", 200, b"POST / abc"),
        (b"GET / HTTP/1.0\r\n\r\n", 200, b"GET / "),
        (b"GET /no HTTP/1.1\r\nHost: x\r\n\r\n", 403, b"No.\n"),
        (b"POST /no HTTP/1.1\r\nHost: x\r\nContent-Length: 999999\r\n\r\n", 403, b"No.\n"),  # its body is not awaited
        (b"GET /defect HTTP/1.1\r\nHost: x\r\n\r\n", 500, DEFECT),
        (b"OPTIONS / HTTP/1.1\r\nHost: x\r\nOrigin: http://evil.test\r\n\r\n", 405, b"Method Not Allowed.\n"),
        (b"<script> HTTP/1.1\r\n\r\n", 400, b"Bad Request.\n"),
        (b"GET /<script> HTTP/9.9\r\n\r\n", 505, b"HTTP Version Not Supported.\n"),
        (b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\n\r\n", 414, None),
        (b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 200 + b"\r\n", 431, None),
    ],
)
def test_what_is_answered(served: ReviewServer, sent: bytes, status: int, body: bytes | None) -> None:
    got, headers, content = talk(served, sent)
    assert got == status
    assert body is None or content == body
    assert {name: headers[name] for name in ALWAYS} == ALWAYS
    assert headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert not [name for name in headers if name.lower().startswith("access-control")]


def test_an_answer_may_bring_headers_of_its_own(served: ReviewServer) -> None:
    assert talk(served, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")[1]["X-Own"] == "1"


def test_who_is_slow_holds_up_nobody(served: ReviewServer) -> None:
    """More clients than there is room for begin a request and never end it; one that asks properly is answered."""
    slow = [connected(served) for _ in range(CLIENTS + 8)]
    try:
        for number, connection in enumerate(slow):
            connection.sendall(b"POST / HTTP/1.1\r\nContent-Length: 10\r\n\r\nab" if number % 2 else b"GET / HT")
        for _ in range(3):
            assert talk(served, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")[0] == 200
    finally:
        for connection in slow:
            connection.close()


@pytest.mark.parametrize(
    "sent", [b"", b"GET / HTTP/1.1\r\nHost: x\r\n", b"POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\nab"]
)
def test_patience_with_one_request_ends(served: ReviewServer, monkeypatch: pytest.MonkeyPatch, sent: bytes) -> None:
    """However often it sends another byte: the time is that of the request as a whole."""
    with connected(served) as connection:
        connection.sendall(sent)
        monkeypatch.setattr(module, "PATIENCE", -1.0)
        assert everything(connection) == b""
    assert not [body for head, body in served.application.asked if head.method == "POST"]  # type: ignore[attr-defined]


def test_a_port_that_is_taken_is_said(served: ReviewServer) -> None:
    with pytest.raises(UsageError, match=f"cannot listen on 127.0.0.1:{served.port}: another program has the port"):
        ReviewServer("127.0.0.1", served.port)


@pytest.mark.parametrize("host", ["a..b", "192.0.2.1"])
def test_a_host_that_is_not_this_machine_is_said(host: str) -> None:
    with pytest.raises(UsageError, match=f"cannot listen on {re.escape(host)}:0: ") as caught:
        ReviewServer(host, 0)
    assert "--host" in caught.value.hint
