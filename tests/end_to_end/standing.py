"""Real servers that stand where a dependency used to be, answer like it, and count every connection they accept."""

from __future__ import annotations

import contextlib
import ssl
import threading
from collections.abc import Iterator
from http.server import ThreadingHTTPServer
from pathlib import Path
from socket import socket
from typing import Any

from tests.end_to_end.dependency import Answers


class Standing(ThreadingHTTPServer):
    """One such server on loopback; over TLS with ``certificate``. A connection counts before its first byte."""

    daemon_threads = True

    def __init__(self, port: int, certificate: Path | None = None) -> None:
        super().__init__(("127.0.0.1", port), Answers)
        self.accepted = 0
        self._context: ssl.SSLContext | None = None
        if certificate is not None:
            self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._context.load_cert_chain(certificate)

    def get_request(self) -> tuple[socket, Any]:
        """The next connection."""
        connection, address = self.socket.accept()
        self.accepted += 1
        if self._context is not None:
            connection = self._context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        return connection, address

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that gives up is not news."""


@contextlib.contextmanager
def standing(port: int, certificate: Path | None = None) -> Iterator[Standing]:
    """A :class:`Standing` that serves while the context lasts."""
    server = Standing(port, certificate)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
