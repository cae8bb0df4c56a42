"""Header lists in the file: clients send, and services answer with, the same lines again and again.

A row of ``head`` is a list of lines ``[name, value]``; where values differ from message to message it has a number in
place of the value: which of the values in the exchange's own ``request_headers`` (or ``response_headers``, a JSON list
of text) stands there. Among those, a number is a row of ``head_value``: a long value that came more than once, such as
a cookie or a bearer token. Order, case, duplicates and every byte are kept (as latin-1), and plain SQLite puts it
together again (the view ``headers``). Without a head, the exchange's own text is the whole list.

Heads have lines in common, too: a number in place of a line is a row of ``head_line``, which has one that came more
than once. (A service that sends thirty lines and varies three of them here and there had a kilobyte for each head.)

Which lines vary is learnt from the traffic: messages with the same names share at most :data:`ALIKE` heads, and up
to :data:`MOST` where each of these is used :data:`WORTH` times on the average.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import orjson

from captures.model import Headers, lower_name
from captures.recurring import NotThere, Recalled, Recurring

ALIKE, WORTH, MOST = 16, 8, 1_024
OPEN = frozenset(
    "age content-length date etag traceparent x-correlation-id x-request-id x-response-time x-runtime".split()
)
"""Names whose values vary with the message: nothing has to be learnt about them."""
SHAPES = 1_024
"""How many lists of names the writer keeps in mind; of one it forgot, a head may be written again."""
LONG = 24
"""From this many bytes on, a value that comes again is worth a row of its own."""
SPELLED = frozenset({"content-type", "soapaction", "x-amz-target"})
"""Names whose lines and values are never put into a row of their own: SQL looks for words in them
(``captures.routes``)."""
KEPT = 2_048
"""How many heads a reader keeps, and a writer takes over from the sessions before it."""

WRONG = "the headers of a message are no list of names and values"


def dump_headers(headers: Headers) -> str:
    """JSON text of ``headers``; latin-1 keeps every byte."""
    return json.dumps(
        [[name.decode("latin-1"), value.decode("latin-1")] for name, value in headers], ensure_ascii=False
    )


def load_headers(text: str | None) -> Headers:
    """The inverse of :func:`dump_headers`; None is no headers. Raises ``ValueError`` for any other text."""
    if not text:
        return ()
    try:
        return tuple([(name.encode("latin-1"), value.encode("latin-1")) for name, value in orjson.loads(text)])
    except (ValueError, TypeError, AttributeError) as error:
        raise ValueError(WRONG) from error


@dataclass(slots=True)
class _Shape:
    """Messages with the same header names in the same order."""

    fixed: list[int]  # places of the lines that are part of the head
    varying: list[int] = field(default_factory=list)
    heads: dict[tuple[bytes, ...], int] = field(default_factory=dict)  # values of the fixed lines -> row of head
    uses: int = 0  # since the shape last changed

    def crowded(self) -> bool:
        return len(self.heads) >= ALIKE and (self.uses < WORTH * len(self.heads) or len(self.heads) >= MOST)

    def vary_one_more(self) -> None:
        """The fixed line with the most different values varies from now on; of equal ones the shortest."""

        def spread(at: int) -> tuple[int, int]:
            values = {key[at] for key in self.heads}
            return len(values), -sum(map(len, values))

        place = self.fixed.pop(max(range(len(self.fixed)), key=spread))
        self.varying = sorted([*self.varying, place])
        self.heads = {}
        self.uses = 0


def _new_shape(names: tuple[bytes, ...]) -> _Shape:
    varying = [at for at, name in enumerate(names) if lower_name(name) in OPEN]
    return _Shape([at for at in range(len(names)) if at not in varying], varying)


class HeadStore:
    """Writes header lists on one connection. Not thread-safe: it belongs to the writer thread."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._shapes: dict[tuple[bytes, ...], _Shape] = {}
        self._values = Recurring(connection, "head_value", "value")
        self._lines = Recurring(connection, "head_line", "line")
        self._current = False  # whether these are what the file holds

    def put(self, headers: Headers) -> tuple[int | None, str]:
        """The row of ``head`` for ``headers``, written unless it is there, and the text for the exchange's column."""
        if not headers:
            return None, ""
        if not self._current:
            self._take_over()
        names = tuple([name for name, _ in headers])
        shape = self._shapes.get(names)
        if shape is None:
            if len(self._shapes) >= SHAPES:
                del self._shapes[next(iter(self._shapes))]
            shape = self._shapes[names] = _new_shape(names)
        shape.uses += 1
        key = tuple([headers[at][1] for at in shape.fixed])
        head = shape.heads.get(key)
        if head is None:
            if shape.fixed and shape.crowded():
                shape.vary_one_more()
                key = tuple([headers[at][1] for at in shape.fixed])
            head = shape.heads[key] = self._insert(headers, shape.varying)
        if not shape.varying:
            return head, ""
        values = [self._varying(*headers[at]) for at in shape.varying]
        return head, orjson.dumps(values).decode()

    def forget(self) -> None:
        """Look again at what the file holds: after a rolled-back transaction, remembered ids point at nothing."""
        self._current = False

    def _take_over(self) -> None:
        self._shapes.clear()
        known = _Lines(self._connection)
        for identity, lines in self._connection.execute(f"SELECT id, lines FROM head ORDER BY id DESC LIMIT {KEPT}"):
            parsed = known.parsed(lines)
            names = tuple([name for name, _ in parsed])
            varying = [at for at, (_, value) in enumerate(parsed) if isinstance(value, int)]
            shape = self._shapes.get(names)
            if shape is None:  # the newest knows best what varies
                fixed = [at for at in range(len(names)) if at not in varying]
                shape = self._shapes[names] = _Shape(fixed, varying)
            if shape.varying == varying:
                shape.heads.setdefault(tuple([value for _, value in parsed if isinstance(value, bytes)]), identity)
                shape.uses += WORTH  # each was worth its row before
        self._values.take_over()
        self._lines.take_over()
        self._current = True

    def _insert(self, headers: Headers, varying: Sequence[int]) -> int:
        numbers = {at: number for number, at in enumerate(varying)}
        lines = [self._line(name, numbers.get(at, value)) for at, (name, value) in enumerate(headers)]
        text = f"[{','.join(map(str, lines))}]"
        return int(self._connection.execute("INSERT INTO head (lines) VALUES (?)", (text,)).lastrowid or 0)

    def _line(self, name: bytes, value: bytes | int) -> str | int:
        said = value if isinstance(value, int) else value.decode("latin-1")
        text = orjson.dumps([name.decode("latin-1"), said]).decode()
        return text if lower_name(name) in SPELLED else self._lines.put(text)

    def _varying(self, name: bytes, value: bytes) -> str | int:
        text = value.decode("latin-1")
        return text if len(text) < LONG or lower_name(name) in SPELLED else self._values.put(text)


class HeadReader:
    """Header lists of one capture as they are read; threads may share it, as rows once written stay as they are."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._heads: dict[int, tuple[Headers, tuple[tuple[int, int], ...]]] = {}  # varying lines: place, number
        self._lines = _Lines(connection)
        self._values = Recalled(connection, "head_value", "value", lambda text: text.encode("latin-1"))

    def read(self, head: int | None, text: str | None) -> Headers:
        """The header list of a row's head and text. Raises ``ValueError`` where they are none."""
        if head is None:
            return _known_headers(text) if text else ()
        lines, varying = self._heads.get(head) or self._head(head)
        if not varying:
            if text:
                raise ValueError(WRONG)
            return lines
        try:
            values = orjson.loads(text or "")
            filled = list(lines)
            for at, number in varying:
                value = values[number]
                filled[at] = lines[at][0], value.encode("latin-1") if type(value) is str else self._value(value)
        except NotThere:
            raise
        except (ValueError, TypeError, AttributeError, IndexError, KeyError) as error:
            raise ValueError(WRONG) from error
        return tuple(filled)

    def shared(self, head: int) -> Headers:
        """The lines that are the same in every message of a head."""
        lines, varying = self._heads.get(head) or self._head(head)
        open_places = {at for at, _ in varying}
        return tuple([line for at, line in enumerate(lines) if at not in open_places])

    def own(self, head: int, text: str | None) -> Headers:
        """The other lines of a message: those whose values vary."""
        lines = self.read(head, text)
        _, varying = self._heads.get(head) or self._head(head)
        return tuple([lines[at] for at, _ in varying])

    def text(self, head: int | None, text: str | None) -> str | None:
        """The same as :func:`dump_headers` writes it; None stays None."""
        return text if head is None and text != "" else dump_headers(self.read(head, text))

    def _head(self, identity: int) -> tuple[Headers, tuple[tuple[int, int], ...]]:
        row = self._connection.execute("SELECT lines FROM head WHERE id = ?", (identity,)).fetchone()
        if row is None:
            raise ValueError(f"head {identity} is not in the file")
        parsed = self._lines.parsed(row[0])
        lines = tuple([(name, value if isinstance(value, bytes) else b"") for name, value in parsed])
        varying = tuple([(at, value) for at, (_, value) in enumerate(parsed) if isinstance(value, int)])
        if len(self._heads) >= KEPT:
            self._heads.clear()
        self._heads[identity] = lines, varying
        return lines, varying

    def _value(self, identity: int) -> bytes:
        if type(identity) is not int:
            raise ValueError(WRONG)
        return self._values.get(identity)


@lru_cache(maxsize=256)  # of a file of version 1, which has each list whole
def _known_headers(text: str) -> Headers:
    return load_headers(text)


class _Lines:
    """The lines of heads, which may be rows of ``head_line``."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._rows = Recalled(connection, "head_line", "line", lambda text: _line(orjson.loads(text)))

    def parsed(self, lines: Any) -> list[tuple[bytes, bytes | int]]:
        """Names, and values or the numbers of values that vary. Raises ``ValueError``."""
        try:
            return [self._rows.get(line) if type(line) is int else _line(line) for line in orjson.loads(lines)]
        except NotThere:
            raise
        except (ValueError, TypeError, AttributeError, OverflowError) as error:
            raise ValueError(WRONG) from error


def _line(line: Any) -> tuple[bytes, bytes | int]:
    name, value = line
    return name.encode("latin-1"), value if type(value) is int and value >= 0 else value.encode("latin-1")
