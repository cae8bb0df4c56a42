"""A client that speaks HTTP/2 as a test says, on top of h2's client side."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import h2.config
import h2.connection
import h2.events

from tests.recorder.conftest import connect


class Caller:
    """A client's connection; ``happened`` is what it was told, in order, its end (``None``) among it."""

    def __init__(self, sock: socket.socket, **options: Any) -> None:
        self.sock = sock
        self.h2 = h2.connection.H2Connection(h2.config.H2Configuration(header_encoding=None, **options))
        self.h2.initiate_connection()
        self.happened: list[Any] = []
        self.goaways: list[tuple[int, int]] = []  # last stream, error code
        self._begun = b""  # of a frame

    def ask(self, *paths: str, end: bool = True) -> None:
        for path in paths:
            headers = [(":method", "GET"), (":scheme", "http"), (":authority", "shop.test"), (":path", path)]
            self.h2.send_headers(self.h2.get_next_available_stream_id(), headers, end_stream=end)
        self.flush()

    def flush(self) -> None:
        with suppress(ConnectionError):
            self.sock.sendall(self.h2.data_to_send())

    def hear(self, enough: Callable[[list[Any]], Any]) -> list[Any]:
        """Listen until ``enough`` was told, or the connection ended."""
        while not enough(self.happened):
            try:
                data = self.sock.recv(65536)
            except ConnectionResetError:
                data = b""
            if not data:
                self.happened.append(None)
                break
            self.happened += self.h2.receive_data(self._without_goaways(data))
            self.flush()
        return self.happened

    def _without_goaways(self, data: bytes) -> bytes:
        """h2 takes GOAWAY for the end."""
        data, kept = self._begun + data, b""
        while len(data) >= 9 and len(data) >= (end := 9 + int.from_bytes(data[:3])):
            if data[3] == 7:
                self.goaways.append((int.from_bytes(data[9:13]), int.from_bytes(data[13:17])))
            else:
                kept += data[:end]
            data = data[end:]
        self._begun = data
        return kept


def of(kind: type, events: list[Any]) -> list[Any]:
    return [event for event in events if isinstance(event, kind)]


@contextmanager
def calling(port: int, **options: Any) -> Iterator[Caller]:
    """A client connected to ``port``; ``options`` are h2's configuration."""
    with connect(port) as sock:
        yield Caller(sock, **options)


def ended(count: int) -> Callable[[list[Any]], bool]:
    return lambda events: len(of(h2.events.StreamEnded | h2.events.StreamReset, events)) >= count  # type: ignore[arg-type]
