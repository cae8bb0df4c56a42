"""Bodies in the file: content-addressed, so equal bodies are kept once, and zstd-compressed where that pays.

Bodies of one service are alike: the same names, the same words. A dictionary trained on the first of them
(``captures.dictionaries``) packs small ones into a third of what zstd needs without, and faster.
"""

from __future__ import annotations

import hashlib
import sqlite3
import time
from collections import OrderedDict
from collections.abc import Callable

import zstandard

from captures.dictionaries import LONGEST, Trainer, compressor

LEVEL = 3
MINIMUM, MINIMUM_ALIKE = 96, 24
"""Below so many bytes zstd's frame overhead eats the gain (measured on small JSON); the second: with a dictionary."""

WORTH_LEARNING = 0.9
"""A body that stays longer than that part of itself is compressed or encrypted already: nothing is learnt from it."""

REMEMBERED = 20_000
"""How many digests the writer keeps in memory to spare a look-up; the file remains the judge."""

DIGEST = 16
"""Bytes of its SHA-256 that a body is known by: two bodies that agree in them are not found by chance, nor by trying
until 2^64 of them are made. (Files of version 1 and 2 have all 32.)"""

FIND = f"SELECT id FROM body WHERE substr(sha256, 1, 4) = ? AND substr(sha256, 1, {DIGEST}) = ?"
"""The body of a digest: its first four bytes, which are indexed, and all of it."""

LATELY, LONGEST_LATELY = 256, 16_384
"""How many bodies a reader keeps for when they come again, and bytes of each."""


def digest_of(body: bytes) -> bytes:
    """What ``body`` is known by."""
    return hashlib.sha256(body).digest()[:DIGEST]


class BodyStore:
    """Writes bodies on one connection. Not thread-safe: it belongs to the writer thread."""

    def __init__(self, connection: sqlite3.Connection, now: Callable[[], float] = time.time) -> None:
        self._connection = connection
        self._now = now
        self._plain = zstandard.ZstdCompressor(level=LEVEL, write_content_size=False)
        self._known: OrderedDict[bytes, int] = OrderedDict()
        self._trainer = Trainer(LEVEL)
        self._trained: tuple[int, zstandard.ZstdCompressor] | None = None  # row of dictionary, and who packs with it
        self._current = False  # whether _trained is the newest dictionary of the file

    def put(self, body: bytes) -> int | None:
        """Store ``body`` unless it is there; its id, or None for an empty body."""
        if not body:
            return None
        digest = digest_of(body)
        known = self._known.get(digest)
        if known is not None:
            self._known.move_to_end(digest)
            return known
        row = self._connection.execute(FIND, (digest[:4], digest)).fetchone()
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
        self._current = False

    def _pack(self, body: bytes) -> tuple[str | int, bytes]:
        if not self._current:
            self._take_over()
        codec: str | int = "zstd"
        pack, least = self._plain, MINIMUM
        alike = len(body) <= LONGEST
        if alike and self._trained is not None:
            (codec, pack), least = self._trained, MINIMUM_ALIKE
        packed = pack.compress(body) if len(body) >= least else body
        if alike and (len(packed) < WORTH_LEARNING * len(body) or len(body) < MINIMUM):
            self._learn(body)
        return (codec, packed) if len(packed) < len(body) else ("raw", body)

    def _learn(self, body: bytes) -> None:
        made = self._trainer.seen(body)
        if made is None:
            return
        cursor = self._connection.execute("INSERT INTO dictionary (made, data) VALUES (?, ?)", (self._now(), made))
        self._trained = int(cursor.lastrowid or 0), compressor(made, LEVEL)

    def _take_over(self) -> None:
        row = self._connection.execute("SELECT id, data FROM dictionary ORDER BY id DESC LIMIT 1").fetchone()
        self._trained = (row[0], compressor(row[1], LEVEL)) if row else None
        self._trainer.begin_with(row[1] if row else None)
        self._current = True


class BodyReader:
    """Bodies of one capture as they are read, one after another, in one thread.

    Equal bodies are one row: what was read lately is the same object again, for nothing.
    """

    def __init__(
        self, connection: sqlite3.Connection, dictionaries: dict[int, zstandard.ZstdCompressionDict] | None = None
    ) -> None:
        # ``dictionaries``: of the capture by their rows, shared by its readers; each adds what it had to read.
        self._connection = connection
        self._dictionaries = {} if dictionaries is None else dictionaries
        # Making a decompressor costs five times what a small body does.
        self._zstd: dict[str | int, zstandard.ZstdDecompressor] = {}
        self._lately: dict[int, bytes] = {}

    def read(self, identity: int | None, codec: str | int | None, data: bytes | None, size: int | None) -> bytes:
        """The body of row ``identity``; the rest and what is raised as of :meth:`unpack`."""
        if identity is None:
            return b""
        known = self._lately.get(identity)
        if known is not None:
            return known
        body = self.unpack(codec, data, size)
        if len(body) <= LONGEST_LATELY:
            if len(self._lately) >= LATELY:
                self._lately.clear()
            self._lately[identity] = body
        return body

    def unpack(self, codec: str | int | None, data: bytes | None, size: int | None) -> bytes:
        """The body of a ``body`` row (all None: an empty body).

        Raises ``ValueError`` for an unknown codec or damaged data.
        """
        if codec is None or data is None:
            return b""
        if type(data) is not bytes or type(size) is not int or size < 0:
            raise ValueError("a row of body holds something that is no body")
        if codec == "raw":
            if len(data) != size:
                raise ValueError(f"damaged body: {len(data)} bytes instead of {size}")
            return data
        zstd = self._zstd.get(codec) or self._decompressor(codec)
        try:
            body = zstd.decompress(data, max_output_size=size)
        except (zstandard.ZstdError, MemoryError) as error:  # a damaged frame may claim any size
            raise ValueError(f"damaged zstd data: {error}") from error
        if len(body) != size:
            raise ValueError(f"damaged zstd data: {len(body)} bytes instead of {size}")
        return body

    def _decompressor(self, codec: str | int) -> zstandard.ZstdDecompressor:
        if codec == "zstd":
            plain = self._zstd[codec] = zstandard.ZstdDecompressor()
            return plain
        text = str(codec).removeprefix("zstd:")  # which version 2 wrote before the number
        if not text.isdecimal():
            raise ValueError(f"unknown body codec {codec!r}")
        number = int(text)
        known = self._dictionaries.get(number)
        try:
            if known is None:
                row = self._connection.execute("SELECT data FROM dictionary WHERE id = ?", (number,)).fetchone()
                if row is None:
                    raise ValueError(f"dictionary {number} is not in the file")
                known = self._dictionaries[number] = zstandard.ZstdCompressionDict(row[0])
            made = zstandard.ZstdDecompressor(dict_data=known)
        except (zstandard.ZstdError, TypeError, OverflowError) as error:
            raise ValueError(f"damaged dictionary {number}: {error}") from error
        self._zstd[codec] = made
        return made
