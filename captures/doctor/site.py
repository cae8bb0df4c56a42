"""A TLS server and a proxy on loopback for one client: what it asks, and which way it came, is seen here.

Both prove themselves with certificates of Retape's own CA, as the recorder does. The answer says which way the request
came, in forms that a browser of files, git and Go's module loader understand, so that a client need not be programmed.
"""

from __future__ import annotations

import socket
import ssl
import threading
from contextlib import suppress
from typing import Self

from captures.trust import Authority

NEAR = "127.0.0.1"
FAR = "retape-doctor.localhost"  # for a client any host that is not loopback; reserved, so nobody is asked for it
PROXIED, DIRECT = "proxied", "direct"
PATIENCE = 20.0  # seconds for one connection
VERSION = "v1.0.0-"


class Contexts:
    """The certificates of both names, made once for all sites."""

    def __init__(self, authority: Authority) -> None:
        self._near, self._far = authority.leaf_context(NEAR), authority.leaf_context(FAR)
        self._near.sni_callback = self._choose

    def _choose(self, connection: ssl.SSLObject, name: str | None, _: ssl.SSLContext) -> None:
        if name == FAR:
            connection.context = self._far

    def wrap(self, connection: socket.socket) -> ssl.SSLSocket:
        """The server's side of TLS, for the name that the client asks for. Raises ``OSError``."""
        return self._near.wrap_socket(connection, server_side=True)


class Site:
    """Listens until closed. ``refusals`` counts the clients that did not want our certificate."""

    def __init__(self, contexts: Contexts) -> None:
        self._contexts = contexts
        self._sockets = [socket.create_server((NEAR, 0)) for _ in range(2)]
        self._direct, self._proxy = (int(one.getsockname()[1]) for one in self._sockets)
        self.refusals = 0
        for listening, serve in zip(self._sockets, (self._serve_direct, self._serve_proxy), strict=True):
            threading.Thread(target=self._accept, args=(listening, serve), daemon=True).start()

    @property
    def proxy_url(self) -> str:
        """For ``HTTP_PROXY``."""
        return f"http://{NEAR}:{self._proxy}"

    @property
    def near(self) -> str:
        """A URL on loopback."""
        return f"https://{NEAR}:{self._direct}"

    @property
    def far(self) -> str:
        """A URL that looks as if it were elsewhere."""
        return f"https://{FAR}:{self._direct}"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for one in self._sockets:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)  # wakes the thread that accepts
            one.close()

    def _accept(self, listening: socket.socket, serve: object) -> None:
        assert callable(serve)
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            connection.settimeout(PATIENCE)
            threading.Thread(target=self._one, args=(connection, serve), daemon=True).start()

    def _one(self, connection: socket.socket, serve: object) -> None:
        assert callable(serve)
        with connection, suppress(OSError):
            serve(connection)

    def _serve_direct(self, connection: socket.socket) -> None:
        self._talk(connection, DIRECT)

    def _serve_proxy(self, connection: socket.socket) -> None:
        head = _head(connection)
        if not head.startswith(b"CONNECT "):
            connection.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            return
        connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        self._talk(connection, PROXIED)

    def _talk(self, connection: socket.socket, way: str) -> None:
        try:
            secured = self._contexts.wrap(connection)
        except ssl.SSLError:  # an alert: "unknown ca", "certificate unknown"
            self.refusals += 1
            return
        except ConnectionError:  # some only hang up
            self.refusals += 1
            return
        with secured:
            target = [*_head(secured).split(b" "), b"", b""][1].decode("latin-1")
            body = answer(target, way).encode()
            secured.sendall(
                b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s"
                % (len(body), body)
            )
            with suppress(OSError):
                secured.unwrap()


def answer(target: str, way: str) -> str:
    """What stands at ``target``: the way a request came, as a page, as a git repository or as a Go module."""
    path = target.partition("?")[0]
    if path.endswith("/info/refs"):
        return f"{'0' * 39}1\trefs/heads/{way}\n"
    if path.endswith("/HEAD"):
        return f"ref: refs/heads/{way}\n"
    if path.endswith("/@v/list"):
        return f"{VERSION}{way}\n"
    if path.endswith(".info"):
        return f'{{"Version":"{VERSION}{way}","Time":"2026-01-01T00:00:00Z"}}'
    if path.endswith(".mod"):
        return "module m.test/x\n"
    return f"{way}\n"


def _head(connection: socket.socket) -> bytes:
    received = b""
    while b"\r\n\r\n" not in received:
        chunk = connection.recv(4096)
        if not chunk or len(received) > 65536:
            break
        received += chunk
    return received
