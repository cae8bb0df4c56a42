"""What mitmproxy says when an exchange breaks, as a :class:`captures.model.Failure`. Pure.

mitmproxy's messages may quote what was received, so none of them is stored: ``detail`` is a sentence of ours.
"""

from __future__ import annotations

import errno
import os
import re
from dataclasses import dataclass

from captures.model import Failure, FailureKind

CLIENT_WENT = ("client disconnected", "stream reset by client", "by client", "shutdown")

CERTIFICATE = "the server's certificate was not accepted"
UNREADABLE = "the server's answer was not valid HTTP"
HUNG_UP = "the client closed its half, and the server the connection"
STOPPED = "recording stopped before it was complete"


@dataclass(frozen=True, slots=True)
class Broken:
    """The state of an exchange at the moment it broke."""

    message: str  # mitmproxy's
    request_complete: bool
    response_started: bool
    upstream: Failure | None = None  # why the connection to the server could not be made, if it could not
    client_left: bool = False  # it had closed its half of the connection, which the server was told


def failure_of(broken: Broken) -> Failure:
    """Whose fault it was, and how it looked."""
    message = broken.message.lower()
    if any(words in message for words in CLIENT_WENT):
        return Failure(FailureKind.ABORTED, "the client went away")
    if broken.upstream is not None:
        return broken.upstream
    if broken.client_left and broken.request_complete and ("closed" in message or "reset" in message):
        return Failure(FailureKind.ABORTED, HUNG_UP)
    if broken.response_started:
        return Failure(FailureKind.TRUNCATED, "the server broke off inside its response")
    if "cannot parse http response" in message:
        return Failure(FailureKind.PROTOCOL, UNREADABLE)
    if not broken.request_complete:
        if "closed connection without sending" in message or "incomplete" in message:
            return Failure(FailureKind.ABORTED, "the client went away inside its request")
        if any(words in message for words in ("server closed", "server reset", "by server")):
            return Failure(FailureKind.RESET, "the server broke off inside the request")
        return Failure(FailureKind.PROTOCOL, "the request was not valid HTTP")
    if "by server" in message:
        return Failure(FailureKind.RESET, "the server ended the stream without an answer")
    if "closed" in message or "reset" in message or "eof" in message:
        return Failure(FailureKind.RESET, "the server closed the connection without an answer")
    return Failure(FailureKind.PROTOCOL, UNREADABLE)


def connect_failure(message: str) -> Failure:
    """Why a TCP connection was not made; ``message`` is asyncio's or the system's.

    asyncio writes ``Multiple exceptions: [Errno 111] …, [Errno 111] …`` when a name has several addresses.
    """
    if re.search(r"\[Errno 110\]|timed out|timeout", message, re.IGNORECASE):
        return Failure(FailureKind.TIMEOUT, "the connection attempt timed out")
    found = re.search(r"\[Errno (-?\d+)\]", message)
    number = int(found[1]) if found else 0
    if number == errno.ECONNREFUSED:
        return Failure(FailureKind.CONNECT, "connection refused")
    if number < 0 or "getaddrinfo" in message.lower() or "name or service" in message.lower():
        return Failure(FailureKind.CONNECT, "the host name was not found")
    return Failure(FailureKind.CONNECT, os.strerror(number).lower() if number > 0 else "no connection")


def tls_failure(message: str) -> Failure:
    """Why a TLS handshake with a server failed. Certificate reasons are OpenSSL's words and hold no traffic."""
    found = re.match(r"Certificate verify failed: ([\w ,.'()-]+)", message)
    if found:
        return Failure(FailureKind.TLS, f"{CERTIFICATE}: {found[1]}")
    if "does not speak TLS" in message:
        return Failure(FailureKind.TLS, "the server does not speak TLS")
    return Failure(FailureKind.TLS, "the TLS handshake failed")
