"""Copies of bodies that pass through the proxy while they pass, so that nothing waits for a body's end.

A partial body survives a connection that breaks off, and a server-sent event reaches the client at once. A tee never
raises: an exception in a stream callback would break the traffic.
"""

from __future__ import annotations

BUFFERED = 4 * 1024 * 1024
"""A request up to this size is held until it is complete, so that it is kept whole when its server is down."""

HEAD = 64 * 1024
"""Of a body over the limit this much is kept: enough to see what it was."""


class Tee:
    """Passes chunks on unchanged and keeps them up to ``limit`` bytes."""

    __slots__ = ("_chunks", "_limit", "passes_over", "size")

    def __init__(self, limit: int) -> None:
        self._chunks: list[bytes] = []
        self._limit = limit
        self.size = 0  # bytes that passed
        self.passes_over = min(BUFFERED, limit)  # bytes over which a request is not held back any more

    def __call__(self, data: bytes) -> bytes:
        """One chunk; ``b""`` at the end."""
        if data:
            before = self.size
            self.size += len(data)
            if self.size <= self._limit:
                self._chunks.append(bytes(data))
            elif before <= self._limit:
                self._chunks = [b"".join([*self._chunks, data])[: min(HEAD, self._limit)]]
        return data

    @property
    def truncated(self) -> bool:
        """Whether only the body's beginning was kept."""
        return self.size > self._limit

    def body(self) -> bytes:
        """What was kept."""
        return self._chunks[0] if len(self._chunks) == 1 else b"".join(self._chunks)
