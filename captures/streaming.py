"""Exchanges that are written while they go on: a WebSocket, a stream of events, a gRPC conversation.

Such an exchange is in the file from when it opens: as one that broke off (``notes["open"]``), which is what it is if
the writer is killed. Its messages follow as they come, and its own row is replaced when it ends. Nothing of it gathers
in memory but its two heads, whose secrets are looked for in its messages.

This is the part of ``captures.writer`` that knows of such exchanges; it belongs to the writer's thread. A batch may be
tried again, in parts and in another order, and in another file: what is written for an exchange that stands in the file
already does no harm, and what has no exchange there is counted by ``capture verify``.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from captures.model import Exchange, Failure, FailureKind, Message, Skipped
from captures.packing import INSERT, Packer
from captures.queued import Opened, Whole
from captures.rows import INSERT_MESSAGE, to_message_row

PrepareMessages = Callable[[Exchange], Callable[[Message], "Message | None"]]
"""For an exchange that opens: what is applied to each of its messages (None: it cannot be searched, nor kept)."""

STILL_OPEN = Failure(FailureKind.ABORTED, "it was still open when this was written")


@dataclass(slots=True, eq=False)
class Stream:
    """One exchange that is written while it goes on."""

    prepare: Callable[[Message], Message | None] | None  # redaction
    row: Exchange | None = None  # what is written when it opens; None where there is nothing, or it may not be written
    stands_in: int = 0  # the number of the file that has its row (see ``Series.number``); 0: none
    over: bool = False  # whether its end is in a file
    unended: bool = False  # whether there was no room for its end
    lost: int = 0  # messages that could not be written
    redacted: int = 0  # messages with secrets that were replaced
    unscannable: int = 0  # messages that could not be searched for secrets, and so are not kept

    def said(self, message: Message) -> Said | None:
        """``message``, ready to be written; None (and counted) where it must not be."""
        try:
            clean = self.prepare(message) if self.prepare is not None else message
        except Exception:  # noqa: BLE001 - whatever went wrong: what could not be redacted is not written
            clean = None
        if clean is None:
            self.unscannable += 1
            return None
        self.redacted += clean is not message
        return Said(self, clean)


class Opening(NamedTuple):
    """Ready to be written: the row of an exchange that is open."""

    stream: Stream


class Said(NamedTuple):
    """Ready to be written: one message."""

    stream: Stream
    message: Message


class Ending(NamedTuple):
    """Ready to be written: an exchange in place of its open row, with messages that are not written yet."""

    stream: Stream
    exchange: Exchange
    messages: tuple[Message, ...] = ()

    def completed(self) -> Exchange:
        """The exchange, with what happened to its messages."""
        its, exchange = self.stream, self.exchange
        if not its.lost and not its.unscannable and not its.redacted:
            return exchange
        more = {
            "messages_lost": its.lost + exchange.notes.get("messages_lost", 0),
            "messages_unscannable": its.unscannable,
            "redacted": {**exchange.notes.get("redacted", {}), **({"messages": its.redacted} if its.redacted else {})},
        }
        notes = {**exchange.notes, **{key: value for key, value in more.items() if value}}
        # What is missing of others is in their bodies, too.
        socket = exchange.response is not None and exchange.response.status == 101
        missing = socket and bool(its.lost or its.unscannable)
        return replace(exchange, notes=notes, body_truncated=exchange.body_truncated or missing)


Streamed = Opening | Said | Ending


class Held(NamedTuple):
    """What is ready to be written, and not written yet."""

    item: Exchange | Skipped | Streamed
    size: int  # as it was queued: what is made ready may be smaller


class Unredacted(Exception):
    """``item`` must not be written: its secrets could not be replaced."""

    def __init__(self, words: str, item: Exchange | Ending) -> None:
        super().__init__(words)
        self.item = item


class Growth(NamedTuple):
    """By how much a session's counters grow."""

    seen: int
    written: int
    truncated: int


class Streams:
    """The exchanges that are open."""

    def __init__(self, prepare: Callable[[Exchange], Exchange] | None, messages: PrepareMessages | None) -> None:
        self._prepare = prepare
        self._messages = messages
        self._open: dict[int, Stream] = {}

    def ready(self, item: Exchange | Whole | Opened | Message) -> Exchange | Streamed | None:
        """What is to be written for ``item``, redacted; None for a message that must not be.

        Raises :class:`Unredacted` for an exchange that must not be written.
        """
        if isinstance(item, Message):
            stream = self._open.get(item.exchange)
            said = stream.said(item) if stream is not None else None
            return said
        if isinstance(item, Opened):
            return self._begin(item.exchange)
        exchange, messages = (item.exchange, item.messages) if isinstance(item, Whole) else (item, ())
        stream = self._open.pop(exchange.id, None)
        if stream is None and isinstance(item, Whole):
            stream = self._stream(exchange)
        try:
            ready = self._prepare(exchange) if self._prepare is not None else exchange
        except Exception as error:
            words = f"exchange {exchange.id} could not be redacted ({type(error).__name__})"
            raise Unredacted(words, exchange if stream is None else Ending(stream, exchange)) from error
        if stream is None:
            return ready
        return Ending(stream, ready, tuple(said.message for said in map(stream.said, messages) if said is not None))

    def end(self, exchange: int) -> Stream | None:
        """The stream of ``exchange``, which will never end in the file."""
        return self._open.pop(exchange, None)

    def _begin(self, exchange: Exchange) -> Opening:
        stream = self._open[exchange.id] = self._stream(exchange)
        row = replace(exchange, failure=STILL_OPEN, body_truncated=True, notes={**exchange.notes, "open": True})
        try:
            stream.row = self._prepare(row) if self._prepare is not None else row
        except Exception:  # noqa: BLE001 - what could not be redacted is not written
            stream.row = None
        return Opening(stream)

    def _stream(self, exchange: Exchange) -> Stream:
        if self._messages is None:
            return Stream(None)
        try:
            return Stream(self._messages(exchange))
        except Exception:  # noqa: BLE001 - as above
            return Stream(lambda message: None)


def reopened(items: Sequence[Exchange | Skipped | Streamed], file: int) -> list[Exchange | Skipped | Streamed]:
    """``items``, and before them the exchanges of messages that go on in file number ``file``."""
    older = {item.stream for item in items if isinstance(item, Said) and item.stream.stands_in not in (0, file)}
    return [*map(Opening, older), *items]


def growth(items: Sequence[Streamed], file: int) -> Growth:
    """By what the counters grow when ``items`` are in file number ``file``."""
    seen = written = truncated = 0
    ends = {id(item.stream) for item in items if isinstance(item, Ending)}
    for item in items:
        if isinstance(item, Said) or (isinstance(item, Opening) and not _is_due(item, ends)):
            continue
        stream = item.stream
        stood = stream.stands_in == file
        seen += not stood and stream.stands_in > 0  # a row of it is in the file before, and counted there
        written += not stood
        truncated += item.completed().body_truncated - stood if isinstance(item, Ending) else not stood
    return Growth(seen, written, truncated)


def write(connection: sqlite3.Connection, items: Sequence[Streamed], session: int, packer: Packer) -> None:
    """Write ``items``, without the commit."""
    bodies = packer.bodies
    ends = {id(item.stream) for item in items if isinstance(item, Ending)}
    rows: list[tuple[object, ...]] = []
    messages: list[tuple[object, ...]] = []
    for item in items:
        if isinstance(item, Said):
            messages.append(to_message_row(item.message, bodies.put(item.message.body)))
            continue
        if isinstance(item, Ending):
            exchange = item.completed()
            messages += [to_message_row(message, bodies.put(message.body)) for message in item.messages]
        elif item.stream.row is not None and _is_due(item, ends):
            exchange = item.stream.row
        else:
            continue
        rows.append(packer.row(replace(exchange, session=session)))
    connection.executemany(INSERT.replace("INSERT", "INSERT OR REPLACE", 1), rows)
    connection.executemany(INSERT_MESSAGE, messages)


def written(items: Sequence[Streamed], file: int) -> None:
    """``items`` are in file number ``file`` now."""
    ends = {id(item.stream) for item in items if isinstance(item, Ending)}
    for item in items:
        stream = item.stream
        if isinstance(item, Ending):
            stream.stands_in, stream.over = file, True
        elif isinstance(item, Opening) and _is_due(item, ends) and stream.row is not None:
            stream.stands_in = file
            stream.row = replace(stream.row, request=replace(stream.row.request, body=b""))  # it may be large


def _is_due(item: Opening, ends: set[int]) -> bool:
    return item.stream.row is not None and not item.stream.over and id(item.stream) not in ends
