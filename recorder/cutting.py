"""Where one message ends and the next begins, in bytes that come in pieces cut anywhere. Pure.

A cutter is fed what passes and gives back whole messages. Of a message over its limit it keeps the beginning and
counts the rest, so its memory is bounded whatever comes.
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Callable, Iterator
from typing import Protocol

import brotli
import zstandard

_BLANK = re.compile(rb"[\r\n](?:(?<=\n)|(?<=\r)\n|(?!\n|\Z))(?:\r\n|\n|\r(?!\n|\Z))")
"""The end of a line and an empty line (WHATWG HTML, 9.2.5). A CR at the end may be half of a CRLF: it waits.

Twice ``\\r\\n|\\n|\\r(?!\\n|\\Z)``, but with a first byte to look for, which takes a quarter of the time.
"""
_OVERLAP = 3  # bytes of a blank line that may have come before its last one
PIECE = 64  # bytes of which a content coding is taken off at a time: of brotli they may be 40 MB, of more as much more
BLOWN, RATIO = 16 * 1024 * 1024, 1_000  # what is more bytes than this, and than so many for each that came: no messages
PREFIX = 5  # bytes before a gRPC message: a flag, four bytes of length (gRPC over HTTP/2, "Length-Prefixed-Message")


class Cutter(Protocol):
    """Cuts one direction of one exchange."""

    def feed(self, data: bytes) -> Iterator[tuple[bytes, int]]:
        """The messages that end in ``data``: what is kept of each, and how long it is."""

    def rest(self) -> tuple[bytes, int] | None:
        """What came after the last whole message, if anything did."""


class _Kept:
    """The beginning of one message, and its length."""

    __slots__ = ("_limit", "_parts", "size")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._parts: list[bytes] = []
        self.size = 0

    def add(self, data: bytes) -> None:
        """More of it."""
        room = self._limit - self.size
        if room > 0 and data:
            self._parts.append(data[:room])
        self.size += len(data)

    def take(self) -> tuple[bytes, int]:
        """What was kept and how long it was; the next message begins."""
        whole = self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)
        size = self.size
        self._parts = []
        self.size = 0
        return whole, size


class Events:
    """Server-sent events, each with its comments and the blank line that ends it: joined they are the stream."""

    def __init__(self, limit: int) -> None:
        self._kept = _Kept(limit)
        self._tail = b""  # the last bytes of the event, if a blank line may have begun in them

    def feed(self, data: bytes) -> Iterator[tuple[bytes, int]]:
        """As :class:`Cutter`."""
        before = len(self._tail)
        window = self._tail + data
        done, ended = before, 0
        for match in _BLANK.finditer(window):
            end = match.end()
            self._kept.add(window[done:end])
            done = ended = end
            yield self._kept.take()
        self._kept.add(window[done:])
        self._tail = window[max(ended, len(window) - _OVERLAP) :]

    def rest(self) -> tuple[bytes, int] | None:
        """As :class:`Cutter`."""
        return self._kept.take() if self._kept.size else None


class GrpcMessages:
    """gRPC messages with their prefixes: joined they are the body."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._kept = _Kept(limit)
        self._prefix = b""
        self._missing = PREFIX  # bytes of the prefix, or of the message

    def feed(self, data: bytes) -> Iterator[tuple[bytes, int]]:
        """As :class:`Cutter`."""
        at = 0
        while at < len(data):
            if not self._prefix and not self._kept.size and len(data) - at >= PREFIX:
                whole = PREFIX + int.from_bytes(data[at + 1 : at + PREFIX], "big")
                if whole <= self._limit and at + whole <= len(data):  # as most of them come
                    yield data[at : at + whole], whole
                    at += whole
                    continue
            part = data[at : at + self._missing]
            at += len(part)
            self._missing -= len(part)
            self._kept.add(part)
            if len(self._prefix) < PREFIX:
                self._prefix += part
                if self._missing:
                    return
                (self._missing,) = struct.unpack(">xI", self._prefix)
            if not self._missing:
                self._prefix, self._missing = b"", PREFIX
                yield self._kept.take()

    def rest(self) -> tuple[bytes, int] | None:
        """As :class:`Cutter`."""
        return self._kept.take() if self._kept.size else None


class Unpacked:
    """Cuts what is sent in a content coding, by what it says."""

    def __init__(self, coding: str, inner: Cutter) -> None:
        """Raises ``ValueError`` for a coding that cannot be taken off piece by piece."""
        self._inner = inner
        self._came = self._said = 0  # bytes
        self._unpack: Callable[[bytes], bytes]
        if coding in ("gzip", "x-gzip", "deflate"):
            self._unpack = _inflater(zlib.MAX_WBITS if coding == "deflate" else 47)
        elif coding == "br":
            self._unpack = brotli.Decompressor().process
        elif coding == "zstd":
            self._unpack = zstandard.ZstdDecompressor().decompressobj().decompress
        else:
            raise ValueError(f"content coding {coding}")

    def feed(self, data: bytes) -> Iterator[tuple[bytes, int]]:
        """As :class:`Cutter`. Raises an exception of the codec for what is not in that coding.

        And ``ValueError`` for what is hardly anything until it is unpacked: the traffic must not wait for that.
        """
        for at in range(0, len(data), PIECE):
            piece = data[at : at + PIECE]
            said = self._unpack(piece)
            self._came += len(piece)
            self._said += len(said)
            if self._said > max(BLOWN, RATIO * self._came):
                raise ValueError("it unpacks to far more than came")
            yield from self._inner.feed(said)

    def rest(self) -> tuple[bytes, int] | None:
        """As :class:`Cutter`."""
        return self._inner.rest()


def _inflater(window: int) -> Callable[[bytes], bytes]:
    """Takes gzip or zlib off; ``window`` is zlib's ``wbits``."""
    stream = zlib.decompressobj(window)
    return lambda data: stream.decompress(data)
