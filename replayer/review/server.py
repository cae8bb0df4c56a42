"""The sockets of ``retape review``: HTTP/1.1, one request a connection, a thread each.

Nothing of the review is known here: a request's head goes to the application, which may refuse it before its body is
read. Who is slow to ask holds up nobody: a connection has :data:`PATIENCE` seconds for its request in all, and when
:data:`CLIENTS` are open, the one that has been asking for longest makes room for the next.
"""

from __future__ import annotations

import errno
import os
import socket
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Protocol

from captures.errors import UsageError
from captures.model import authority
from replayer.review.guard import Head, Refusal, headers_of
from replayer.review.ticket import owners_of

PATIENCE = 10.0  # seconds from the connection to the last byte of its request
LINGER = 1.0  # seconds for what a client still sends after its answer
CLIENTS = 32  # connections at once

ALWAYS = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Connection": "close",
}
DEFECT = b"Retape could not answer this, which is a defect of it: RETAPE_DEBUG=1 retape review shows why.\n"
CLOSED = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back. ``headers`` come on top of :data:`ALWAYS`; without a policy of its own a page may do nothing."""

    status: HTTPStatus
    body: bytes = b""
    type: str = "text/plain; charset=utf-8"
    headers: Mapping[str, str] = field(default_factory=dict)


class Application(Protocol):
    """Who answers."""

    def refusal(self, head: Head) -> Refusal | None:
        """Why a request is refused, judged by its head alone."""

    def answer(self, head: Head, body: bytes) -> Answer:
        """The answer to a request that was not refused. Called from many threads."""


class ReviewServer(ThreadingHTTPServer):
    """Listens since it was made; :meth:`serve_forever` answers until it is interrupted."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = CLIENTS
    application: Application

    def __init__(self, host: str, port: int) -> None:
        """Listen on ``host`` and ``port`` (0: a free one). Raises :class:`UsageError` when that cannot be."""
        self._guard = threading.Lock()
        self._asking: dict[int, tuple[float, socket.socket]] = {}  # whose request is not here yet, oldest first
        self._open: set[int] = set()
        try:
            family, _, _, _, address = socket.getaddrinfo(
                host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
            )[0]
            self.address_family = family
            super().__init__((str(address[0]), int(address[1])), _Handler)
        except (OSError, UnicodeError) as error:
            reason = "there is no such host"
            if isinstance(error, OSError) and not isinstance(error, socket.gaierror):
                taken = error.errno == errno.EADDRINUSE
                reason = "another program has the port" if taken else str(error.strerror)
            raise UsageError(
                f"retape review cannot listen on {authority(host, port)}: {reason}.",
                hint="Choose another --port (0 takes a free one) or --host.",
            ) from error

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.server_address[1])

    def server_bind(self) -> None:
        """As the base class's base: a look-up of our own name, as http.server makes it, may take seconds."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])

    def process_request(self, request: Any, client_address: Any) -> None:
        """A thread for each client; beyond :data:`CLIENTS` the slowest is let go."""
        with self._guard:
            full = len(self._open) >= CLIENTS
            if full and self._asking:
                self._let_go(next(iter(self._asking)))
            if not full or self._asking:
                self._open.add(id(request))
                self._asking[id(request)] = (time.monotonic(), request)
                full = False
        if full:  # of people who read their answers: nobody is waiting for a review that long
            self.shutdown_request(request)
        else:
            super().process_request(request, client_address)

    def finish_request(self, request: Any, client_address: Any) -> None:
        """As the base class; then take what is still sent: closing on it would tear up the answer (RFC 9112, 9.6)."""
        super().finish_request(request, client_address)
        until = time.monotonic() + LINGER
        with suppress(OSError):
            request.shutdown(socket.SHUT_WR)
            request.settimeout(LINGER)
            while time.monotonic() < until and request.recv(65536):
                pass

    def shutdown_request(self, request: Any) -> None:
        """The connection is over, however it ended."""
        with self._guard:
            self._asking.pop(id(request), None)
            self._open.discard(id(request))
        super().shutdown_request(request)

    def asked(self, request: socket.socket) -> bool:
        """The request is here in full. Whether its connection still is."""
        with self._guard:
            return self._asking.pop(id(request), None) is not None

    def service_actions(self) -> None:
        """Between two looks at the listener: let go of who has been asking for too long."""
        late = time.monotonic() - PATIENCE
        with self._guard:
            for identity, (since, _) in list(self._asking.items()):
                if since < late:
                    self._let_go(identity)

    def _let_go(self, identity: int) -> None:
        _, connection = self._asking.pop(identity)
        with suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)  # its thread wakes up and closes it

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away or was too slow is its own business; a defect of ours shows with RETAPE_DEBUG."""
        if os.environ.get("RETAPE_DEBUG"):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    default_request_version = "HTTP/1.0"  # the base class assumes 0.9, whose answers have no head
    timeout = PATIENCE  # of one read or write: who does not take the answer is let go as well
    server: ReviewServer

    def _answer(self) -> None:
        application = self.server.application
        head = Head(self.command, self.path, headers_of(self.headers.items()))
        if head.query("ticket"):
            head = replace(head, owners=owners_of(self.connection))
        refusal = application.refusal(head)
        if refusal is not None:
            self._refuse(refusal.status, refusal.why)
            return
        length = int(head.one("content-length") or 0) if self.command == "POST" else 0
        body = self.rfile.read(length)
        if len(body) == length and self.server.asked(self.connection):
            try:
                answer = application.answer(head, body)
            except Exception:
                self._send(Answer(HTTPStatus.INTERNAL_SERVER_ERROR, DEFECT))
                raise
            self._send(answer)

    do_GET = do_HEAD = do_POST = _answer  # noqa: N815 - the names http.server looks for

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """What http.server itself finds wrong with a request, in our words and with our headers."""
        status = HTTPStatus(code)
        if status is HTTPStatus.NOT_IMPLEMENTED:
            status = HTTPStatus.METHOD_NOT_ALLOWED
        self._refuse(status, status.phrase + ".")

    def _refuse(self, status: HTTPStatus, why: str) -> None:
        self.server.asked(self.connection)
        self._send(Answer(status, f"{why}\n".encode()))

    def _send(self, answer: Answer) -> None:
        self.close_connection = True
        self.send_response_only(answer.status)
        headers = {"Content-Type": answer.type, "Content-Security-Policy": CLOSED, **ALWAYS, **answer.headers}
        for name, value in {**headers, "Content-Length": str(len(answer.body))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        """Say nothing: the address line holds the token."""
