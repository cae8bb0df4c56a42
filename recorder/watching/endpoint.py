"""``/metrics`` and ``/healthz`` of a running recording: a small HTTP server in the parent, off the traffic's way.

GET and HEAD alone; every connection ends with its answer, so that few threads serve everybody. What is served holds
nothing of the traffic, so there is no log-in either; it listens on loopback unless told otherwise.
"""

from __future__ import annotations

import errno
import os
import socket
import sys
import threading
from collections.abc import Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from captures.errors import UsageError
from captures.model import authority
from captures.versions import version_of
from recorder.watching.board import Board
from recorder.watching.exposition import CONTENT_TYPE, exposition

PATIENCE = 5.0  # seconds a client may take for its request
CLIENTS = 16  # at once; further ones are turned away


class Endpoint:
    """The server, listening since :meth:`open`. Context manager."""

    def __init__(self, server: _Server) -> None:
        self._server = server
        self._thread = threading.Thread(target=server.serve_forever, args=(0.05,), name="metrics", daemon=True)
        self._thread.start()

    @classmethod
    def open(cls, host: str, port: int, board: Board) -> Self:
        """Listen on ``host`` and ``port`` (0: a free one). Raises :class:`UsageError` when that cannot be."""
        try:
            family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
            return cls(_Server(family, (str(address[0]), int(address[1])), board))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise UsageError(
                    f"--metrics: port {port} on {host} is taken by another program.",
                    hint="Choose another port, or 0 for a free one.",
                ) from error
            reason = "the host name was not found" if isinstance(error, socket.gaierror) else error.strerror
            raise UsageError(
                f"--metrics cannot listen on {authority(host, port)}: {reason}.",
                hint="Choose another address or port.",
            ) from error

    @property
    def address(self) -> tuple[str, int]:
        """Where it listens."""
        host, port = self._server.server_address[:2]
        return str(host), int(port)

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(PATIENCE)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def build() -> dict[str, str]:
    """The labels of ``retape_build_info``."""
    return {
        "version": version_of("retape"),
        "python": sys.version.partition(" ")[0],
        "mitmproxy": version_of("mitmproxy"),
    }


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = CLIENTS

    def __init__(self, family: int, address: tuple[str, int], board: Board) -> None:
        self.address_family = family
        self.board = board
        self.build: Mapping[str, str] = build()
        self._free = threading.BoundedSemaphore(CLIENTS)
        super().__init__(address, _Answer)

    def server_bind(self) -> None:
        """As the base class's base: a look-up of our own name, as http.server makes it, may take seconds."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])

    def process_request(self, request: Any, client_address: Any) -> None:
        """A thread for each client, up to :data:`CLIENTS`."""
        if self._free.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """As the base class."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._free.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away or was too slow is its own business; a defect of ours shows with RETAPE_DEBUG."""
        if os.environ.get("RETAPE_DEBUG"):
            super().handle_error(request, client_address)


class _Answer(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    default_request_version = "HTTP/1.0"  # the base class assumes 0.9, whose answers have no head
    timeout = PATIENCE
    server: _Server

    def do_GET(self) -> None:
        """Answer."""
        match self.path.partition("?")[0]:
            case "/metrics":
                self._send(HTTPStatus.OK, exposition(self.server.board.view(), self.server.build), CONTENT_TYPE)
            case "/healthz":
                ailment = self.server.board.view().ailment
                self._send(HTTPStatus.SERVICE_UNAVAILABLE if ailment else HTTPStatus.OK, f"{ailment or 'ok'}\n")
            case _:
                self._send(HTTPStatus.NOT_FOUND, "There is /metrics and /healthz.\n")

    do_HEAD = do_GET  # noqa: N815 - the name http.server looks for

    def _send(self, status: HTTPStatus, text: str, kind: str = "text/plain; charset=utf-8") -> None:
        body = text.encode()
        self.close_connection = True
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("Connection", "close")
        if status is HTTPStatus.METHOD_NOT_ALLOWED:
            self.send_header("Allow", "GET, HEAD")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """What http.server says to what it does not understand: a page that quotes the request. Not here."""
        status = HTTPStatus(code)
        if status is HTTPStatus.NOT_IMPLEMENTED:
            status = HTTPStatus.METHOD_NOT_ALLOWED
        self._send(status, f"{status.phrase}.\n")

    def version_string(self) -> str:
        """The Server header, without the versions a scanner would like to know."""
        return "retape"

    def log_message(self, *_: object) -> None:
        """Nothing: scrapes are no news."""
