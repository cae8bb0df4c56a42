"""mitmproxy's messages, as failures. The messages were seen on 11.0.2 and 12.2.3."""

from __future__ import annotations

import pytest

from captures.model import Failure, FailureKind
from recorder.failures import Broken, connect_failure, failure_of, tls_failure
from tests.corpus import each

DOWN = Failure(FailureKind.CONNECT, "connection refused")


@each(
    ("message", "complete", "started", "upstream", "kind"),
    [
        ("Client disconnected.", True, False, None, FailureKind.ABORTED),
        ("Client disconnected.", True, True, None, FailureKind.ABORTED),
        ("Client disconnected.", True, False, DOWN, FailureKind.ABORTED),
        ("stream reset by client (CANCEL)", True, False, None, FailureKind.ABORTED),
        ("[Errno 111] Connect call failed", True, False, DOWN, FailureKind.CONNECT),
        ("server closed connection", True, False, None, FailureKind.RESET),
        ("peer closed connection without sending complete message body", True, True, None, FailureKind.TRUNCATED),
        ("HTTP/1 protocol error: peer closed connection without sending", False, False, None, FailureKind.ABORTED),
        ("HTTP/1 protocol error: illegal chunk header", False, False, None, FailureKind.PROTOCOL),
        ("Cannot parse HTTP response: Invalid HTTP status line", True, False, None, FailureKind.PROTOCOL),
        ("server reset the connection", False, False, None, FailureKind.RESET),
        ("unexpected server response: b'SECRET'", True, False, None, FailureKind.PROTOCOL),
        ("HTTP/1 protocol error: illegal chunk header", True, True, None, FailureKind.TRUNCATED),
    ],
)
def test_kinds(message: str, complete: bool, started: bool, upstream: Failure | None, kind: FailureKind) -> None:
    failure = failure_of(Broken(message, complete, started, upstream))
    assert failure.kind is kind
    assert "SECRET" not in failure.detail


def test_a_broken_answer_is_never_the_clients_fault() -> None:
    for complete in (True, False):
        failure = failure_of(Broken("Cannot parse HTTP response", complete, response_started=False))
        assert failure == Failure(FailureKind.PROTOCOL, "the server's answer was not valid HTTP")


@pytest.mark.parametrize(
    ("message", "kind", "detail"),
    [
        ("[Errno 111] Connect call failed ('127.0.0.1', 9)", FailureKind.CONNECT, "connection refused"),
        (
            "Multiple exceptions: [Errno 111] Connect call failed ('::1', 9, 0, 0), [Errno 111] Connect call failed",
            FailureKind.CONNECT, "connection refused",
        ),
        ("[Errno -2] Name or service not known", FailureKind.CONNECT, "the host name was not found"),
        ("[Errno 113] No route to host", FailureKind.CONNECT, "no route to host"),
        ("[Errno 110] Connect call failed ('10.0.0.1', 9)", FailureKind.TIMEOUT, "the connection attempt timed out"),
        ("connection cancelled", FailureKind.CONNECT, "no connection"),
    ],
)  # fmt: skip
def test_no_connection(message: str, kind: FailureKind, detail: str) -> None:
    assert connect_failure(message) == Failure(kind, detail)


@pytest.mark.parametrize(
    ("message", "detail"),
    [
        (
            "Certificate verify failed: hostname mismatch",
            "the server's certificate was not accepted: hostname mismatch",
        ),
        ("The remote server does not speak TLS.", "the server does not speak TLS"),
        ("OpenSSL Error([('SSL routines', '', 'x')])", "the TLS handshake failed"),
    ],
)
def test_no_handshake(message: str, detail: str) -> None:
    assert tls_failure(message) == Failure(FailureKind.TLS, detail)
