"""Bodies in the file: content-addressed, so equal bodies are kept once, and zstd-compressed where that pays."""

from __future__ import annotations

import hashlib
import sqlite3
from collections import OrderedDict

import zstandard

MINIMUM = 96
"""Below this many bytes zstd's frame overhead eats the gain (measured on small JSON)."""

REMEMBERED = 20_000
"""How many digests the writer keeps in memory to spare a look-up; the UNIQUE index remains the judge."""


class BodyStore:
    """Writes bodies on one connection. Not thread-safe: it belongs to the writer thread."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._compressor = zstandard.ZstdCompressor(level=3)
        self._known: OrderedDict[bytes, int] = OrderedDict()

    def put(self, body: bytes) -> int | None:
        """Store ``body`` unless it is there; its id, or None for an empty body."""
        if not body:
            return None
        digest = hashlib.sha256(body).digest()
        known = self._known.get(digest)
        if known is not None:
            self._known.move_to_end(digest)
            return known
        row = self._connection.execute("SELECT id FROM body WHERE sha256 = ?", (digest,)).fetchone()
        if row is None:
            codec, data = self._pack(body)
            cursor = self._connection.execute(
                "INSERT INTO body (sha256, size, codec, data) VALUES (?, ?, ?, ?)", (digest, len(body), codec, data)
            )
            identity = int(cursor.lastrowid or 0)
        else:
            identity = int(row[0])
        self._known[digest] = identity
        if len(self._known) > REMEMBERED:
            self._known.popitem(last=False)
        return identity

    def forget(self) -> None:
        """Drop remembered ids: after a rolled-back transaction they point at nothing."""
        self._known.clear()

    def _pack(self, body: bytes) -> tuple[str, bytes]:
        if len(body) >= MINIMUM:
            packed = self._compressor.compress(body)
            if len(packed) < len(body):
                return "zstd", packed
        return "raw", body


def unpack(codec: str | None, data: bytes | None, size: int | None) -> bytes:
    """The body of a ``body`` row (all None: an empty body).

    Raises ``ValueError`` for an unknown codec or damaged data.
    """
    if codec is None or data is None:
        return b""
    if codec == "raw":
        return bytes(data)
    if codec == "zstd":
        try:
            body = zstandard.ZstdDecompressor().decompress(data, max_output_size=size or 0)
        except (zstandard.ZstdError, MemoryError) as error:  # a damaged frame may claim any size
            raise ValueError(f"damaged zstd data: {error}") from error
        if len(body) != size:
            raise ValueError(f"damaged zstd data: {len(body)} bytes instead of {size}")
        return body
    raise ValueError(f"unknown body codec {codec!r}")
