"""Where a message's body ends: readers of bytes that pass on unchanged. Pure, but for h11's buffers."""

from __future__ import annotations

from typing import Protocol

import h11
from h11._receivebuffer import ReceiveBuffer

from captures.model import Headers
from recorder.mends.http1 import TrailingReader

LONGEST = 1024 * 1024  # bytes of what stands between two chunks, or after the last


class Broken(Exception):
    """The body cannot end any more: the message says why, in the words of the library that reads it."""

    def __init__(self, message: str, content: bytes) -> None:
        super().__init__(message)
        self.content = content  # what was read before


class Body(Protocol):
    """What is still to come of a body."""

    done: bool
    left_over: int
    """When it is done: how many bytes of what was read last do not belong to it."""

    @property
    def trailers(self) -> Headers:
        """The header lines after it."""

    def read(self, data: bytes) -> bytes:
        """The content in ``data``, the next bytes on the wire. Raises :class:`Broken`."""

    def end(self) -> str:
        """The connection has ended: what is wrong with that; empty where that is how the body ends."""


class Counted:
    """A body of so many bytes."""

    trailers: Headers = ()

    def __init__(self, length: int) -> None:
        self._length = self._left = length
        self.done = not length
        self.left_over = 0

    def read(self, data: bytes) -> bytes:
        """As :class:`Body` has it."""
        if len(data) > self._left:
            self.left_over = len(data) - self._left
            data = data[: self._left]
        self._left -= len(data)
        self.done = not self._left
        return data

    def end(self) -> str:
        """As :class:`Body` has it."""
        return (
            f"HTTP/1 protocol error: peer closed connection without sending complete message body "
            f"(received {self._length - self._left} bytes, expected {self._length})"
        )


class Chunked:
    """A body in chunks, with the trailers after it."""

    def __init__(self) -> None:
        self._reader = TrailingReader()
        self._buffer = ReceiveBuffer()
        self.done = False
        self.left_over = 0

    @property
    def trailers(self) -> Headers:
        """As :class:`Body` has it."""
        return self._reader.trailers

    def read(self, data: bytes) -> bytes:
        """As :class:`Body` has it."""
        self._buffer += data
        parts: list[bytes] = []
        while not self.done:
            try:
                event = self._reader(self._buffer)
            except h11.ProtocolError as error:
                raise Broken(f"HTTP/1 protocol error: {error}", b"".join(parts)) from error
            if event is None:
                if len(self._buffer) > LONGEST:
                    raise Broken("HTTP/1 protocol error: a line between chunks does not end", b"".join(parts))
                break
            if isinstance(event, h11.EndOfMessage):
                self.done = True
                self.left_over = len(self._buffer)
            else:
                parts.append(bytes(event.data))
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def end(self) -> str:
        """As :class:`Body` has it."""
        return "HTTP/1 protocol error: peer closed connection without sending complete message body"


class UntilClosed:
    """A body that ends with its connection."""

    trailers: Headers = ()
    done = False
    left_over = 0

    def read(self, data: bytes) -> bytes:
        """As :class:`Body` has it."""
        return data

    def end(self) -> str:
        """As :class:`Body` has it."""
        return ""


def body_of(size: int | None) -> Body:
    """The body that mitmproxy expects ``size`` bytes of (None: chunks, -1: until the connection ends)."""
    if size is None:
        return Chunked()
    return UntilClosed() if size < 0 else Counted(size)
