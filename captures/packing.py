"""Exchanges as the rows of a capture that is written: what many of them have in common is written once.

Of a row's columns most say the same in thousands of rows (method, host, versions, status, why a cause is believed):
these are one row of ``kind``. Times are whole microseconds, counted from where they are small numbers. A row has half
the size so, and what it says is put together again by the view ``exchange`` (``captures.schema``).
"""

from __future__ import annotations

import json
import re
import sqlite3
import time
from collections.abc import Callable, Mapping

from captures.bodies import BodyStore
from captures.columns import EXCHANGE, KIND
from captures.heads import HeadStore, dump_headers
from captures.model import Exchange
from captures.recurring import Recurring

COLUMNS = ("id", "session", "kind", *(column for column in EXCHANGE if column not in ("id", "session", *KIND)))
INSERT = f"INSERT INTO packed_exchange ({', '.join(COLUMNS)}) VALUES ({', '.join('?' * len(COLUMNS))})"

KINDS = 4_096
"""How many kinds the writer keeps in mind; of one it forgot, a row may be written again."""
LONG = 8
"""From this many characters on, a note or an evidence that comes again is worth a row of its own."""

_SURROGATE = re.compile("[\ud800-\udfff]")


def microseconds(seconds: float) -> int:
    """The whole number of microseconds that is nearest; of a time in years we live in, the very same float again."""
    return round(seconds * 1e6)


class Packer:
    """Makes rows for :data:`INSERT` on one connection. Not thread-safe: it belongs to the writer thread."""

    def __init__(self, connection: sqlite3.Connection, now: Callable[[], float] = time.time) -> None:
        self.bodies = BodyStore(connection, now)
        self._connection = connection
        self._heads = HeadStore(connection)
        self._phrases = Recurring(connection, "phrase", "text")
        self._kinds: dict[tuple[object, ...], int] = {}
        self._zeros: dict[int, int] = {}  # session -> what its exchanges' times are counted from
        self._current = False  # whether these are what the file holds

    def forget(self) -> None:
        """Look again at what the file holds: after a rolled-back transaction, remembered rows are not there."""
        self.bodies.forget()
        self._heads.forget()
        self._current = False

    def row(self, exchange: Exchange) -> tuple[object, ...]:
        """The row of ``exchange``, whose bodies, heads and kind are written.

        Raises ``sqlite3.Error``, and ``OverflowError`` or ``ValueError`` for a time that no clock shows.
        """
        if not self._current:
            self._take_over()
        request, response, cause, failure, timing = (
            exchange.request,
            exchange.response,
            exchange.cause,
            exchange.failure,
            exchange.timing,
        )
        request_head, request_headers = self._heads.put(request.headers)
        response_head, response_headers = self._heads.put(response.headers) if response else (None, None)
        started = microseconds(timing.started)
        return (
            exchange.id,
            exchange.session,
            self._kind(exchange),
            cause.exchange if cause else None,
            self._phrase(cause.evidence) if cause else None,
            exchange.replay_of,
            request.target.decode("latin-1"),
            request_head,
            request_headers,
            self.bodies.put(request.body),
            dump_headers(request.trailers) if request.trailers else None,
            response_head,
            response_headers,
            self.bodies.put(response.body) if response else None,
            dump_headers(response.trailers) if response and response.trailers else None,
            self._phrase(failure.detail) if failure else None,
            exchange.connection,
            started - self._zero(exchange.session),
            None if timing.request_done is None else microseconds(timing.request_done) - started,
            None if timing.response_started is None else microseconds(timing.response_started) - started,
            None if timing.ended is None else microseconds(timing.ended) - started,
            self._phrase(_dump_notes(exchange.notes)) if exchange.notes else None,
        )

    def _kind(self, exchange: Exchange) -> int:
        request, response = exchange.request, exchange.response
        kind = (
            exchange.direction.value,
            exchange.protocol,
            exchange.dependency,
            exchange.cause.how.value if exchange.cause else None,
            request.method,
            request.scheme,
            request.host,
            request.port,
            request.http_version,
            response.status if response else None,
            response.reason.decode("latin-1") if response else None,
            response.http_version if response else None,
            exchange.failure.kind.value if exchange.failure else None,
            int(exchange.body_truncated),
        )
        known = self._kinds.get(kind)
        if known is None:
            if len(self._kinds) >= KINDS:
                del self._kinds[next(iter(self._kinds))]
            insert = f"INSERT INTO kind ({', '.join(KIND)}) VALUES ({', '.join('?' * len(KIND))})"
            known = self._kinds[kind] = int(self._connection.execute(insert, kind).lastrowid or 0)
        return known

    def _phrase(self, text: str) -> str | int:
        return text if len(text) < LONG else self._phrases.put(text)

    def _zero(self, session: int) -> int:
        known = self._zeros.get(session)
        if known is None:
            row = self._connection.execute("SELECT started FROM session WHERE id = ?", (session,)).fetchone()
            if row is None:
                raise sqlite3.DatabaseError("the session is not in the file any more")
            known = self._zeros[session] = int(row[0]) * 1_000_000
        return known

    def _take_over(self) -> None:
        self._kinds.clear()
        self._zeros.clear()
        self._phrases.take_over()
        newest = f"SELECT id, {', '.join(KIND)} FROM kind ORDER BY id DESC LIMIT {KINDS // 2}"
        for identity, *kind in self._connection.execute(newest):
            self._kinds.setdefault(tuple(kind), identity)
        self._current = True


def _dump_notes(notes: Mapping[str, object]) -> str:
    text = json.dumps(dict(notes), ensure_ascii=False)
    # A lone surrogate (half a character, out of a JSON body) is no UTF-8: it can be kept as an escape only.
    return text if text.isascii() or not _SURROGATE.search(text) else json.dumps(dict(notes))
