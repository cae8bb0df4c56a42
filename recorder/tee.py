"""Copies of bodies that pass through the proxy while they pass, so that nothing waits for a body's end.

A partial body survives a connection that breaks off, and a server-sent event reaches the client at once. A tee never
raises: an exception in a stream callback would break the traffic.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable

BUFFERED = 4 * 1024 * 1024
"""A request up to this size is held until it is complete, so that it is kept whole when its server is down."""

HEAD = 64 * 1024
"""Of a body over the limit this much is kept: enough to see what it was."""

HELD = 512 * 1024 * 1024
"""Bytes of all bodies under way that are kept in memory: beyond them the one that grows keeps its beginning only."""

HASHED_FROM = 1024 * 1024
"""A body of this size is hashed from its first byte on while it passes, in case it grows over the limit."""


class Held:
    """How much all tees together hold."""

    __slots__ = ("limit", "size")

    def __init__(self, limit: int = HELD) -> None:
        self.limit = limit
        self.size = 0


class Tee:
    """Passes chunks on unchanged and keeps them up to ``limit`` bytes; ``also`` is called with each."""

    __slots__ = ("_chunks", "_digest", "_held", "_kept", "_limit", "also", "cut", "passes_over", "size")

    def __init__(self, limit: int, held: Held | None = None) -> None:
        self._chunks: list[bytes] = []
        self._limit = limit
        self._held = held or Held()
        self._kept = 0  # bytes in the chunks
        self._digest: hashlib._Hash | None = None  # of all that passed, once that is much
        self.cut = False  # whether only the body's beginning is kept
        self.also: Callable[[bytes], None] | None = None
        self.size = 0  # bytes that passed
        self.passes_over = min(BUFFERED, limit)  # bytes over which a request is not held back any more

    def __call__(self, data: bytes) -> bytes:
        """One chunk; ``b""`` at the end."""
        if data:
            self.size += len(data)
            if self.cut:
                self._hash(data)
            else:
                self._keep(bytes(data))
        if self.also is not None:
            self.also(data)
        return data

    def _keep(self, data: bytes) -> None:
        self._chunks.append(data)
        self._kept += len(data)
        self._held.size += len(data)
        full = self._held.size > self._held.limit and self._kept > HEAD
        if self.size > self._limit or full:
            self._hash(data)
            self.cut = True
            beginning = b"".join(self._chunks)[: min(HEAD, self._limit)]
            self.release()
            self._chunks = [beginning]
            self._kept = len(beginning)
            self._held.size += self._kept
        elif self.size >= HASHED_FROM:
            self._hash(data)

    def _hash(self, data: bytes) -> None:
        if self._digest is None:
            self._digest = hashlib.sha256()
            for chunk in self._chunks:  # ``data`` is the last of them
                self._digest.update(chunk)
        else:
            self._digest.update(data)

    @property
    def sha256(self) -> str:
        """Of a body that was cut: the SHA-256 (hex) of all of it that passed."""
        return self._digest.hexdigest() if self._digest is not None else ""

    def body(self) -> bytes:
        """What was kept."""
        return self._chunks[0] if len(self._chunks) == 1 else b"".join(self._chunks)

    def release(self) -> None:
        """It is kept by somebody else from now on."""
        self._held.size -= self._kept
        self._kept = 0
