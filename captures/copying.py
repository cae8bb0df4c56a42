"""Chosen exchanges of captures in a new file, which appears as a whole or not at all.

Sessions come along with what they say of themselves, messages with their exchanges. What a session lost while it was
recorded stays lost, and is said in the copy as well.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from captures import schema
from captures.bodies import BodyReader
from captures.errors import CaptureError, UsageError
from captures.model import Exchange, Session
from captures.packing import INSERT, Packer
from captures.store import Capture

BATCH = 2_000  # exchanges of a transaction
_BESIDE = ("wal", "shm")  # what SQLite keeps beside a file
MESSAGES = "SELECT seq, from_client, kind, at, body FROM message WHERE exchange = ? ORDER BY seq"

ChangeMessage = Callable[[Exchange, bool, str, bytes], bytes | None]
"""Of (its exchange, whether it is from the client, kind, body)."""


class Copy:
    """The new capture at ``output``. A context manager: what ends in an error leaves nothing behind.

    Raises :class:`UsageError` where there is a file already, unless ``replaces`` says that it is to be replaced, and
    :class:`CaptureError` where none can be written.
    """

    def __init__(self, output: Path, *, replaces: bool = False, message: ChangeMessage | None = None) -> None:
        # ``message`` gives what is written in place of a message of an exchange; None leaves it out.
        self._change = message
        if output.exists() and not replaces:
            raise UsageError(f"{output} exists already.", hint="Write elsewhere with -o, or remove it.")
        self._output = output
        self._young = output.with_name(f"{output.name}.new")
        self._rows: list[tuple[object, ...]] = []
        self._messages: list[tuple[object, ...]] = []
        self._written: dict[int, list[int]] = {}  # session -> exchanges, truncated ones
        self._sources: dict[int, tuple[BodyReader, bool]] = {}
        self.exchanges = 0
        try:
            for stale in (self._young, *(Path(f"{file}-{what}") for file in (self._young, output) for what in _BESIDE)):
                stale.unlink(missing_ok=True)  # of a copy that was killed, or of a capture that was deleted
            os.close(os.open(self._young, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
            self._connection = sqlite3.connect(self._young)
            schema.create(self._connection)
            self._connection.execute("PRAGMA journal_mode = MEMORY")
            self._connection.execute("PRAGMA synchronous = OFF")  # it is synced as a whole before it gets its name
        except (OSError, sqlite3.Error) as error:
            raise _unwritten(output, error) from error
        self._packer = Packer(self._connection)

    def session(self, session: Session, more: Mapping[str, Any]) -> int:
        """A session like ``session``, with ``more`` in its meta; its id here."""
        cursor = self._connection.execute(
            "INSERT INTO session (mode, started, ended, dropped, redaction_key, meta) VALUES (?, ?, ?, ?, ?, ?)",
            (
                session.mode, session.started, session.ended, session.dropped, session.redaction_key,
                json.dumps({**session.meta, **more}, ensure_ascii=False),
            ),
        )  # fmt: skip
        identity = int(cursor.lastrowid or 0)
        self._written[identity] = [0, 0]
        return identity

    def put(self, exchange: Exchange, source: Capture, original: int | None = None) -> None:
        """Write ``exchange``; its session is one of :meth:`session`.

        Its messages are those of exchange ``original`` in ``source`` (default: of the same id).
        """
        try:
            self._rows.append(self._packer.row(exchange))
            self._copy_messages(exchange, source, exchange.id if original is None else original)
            counts = self._written[exchange.session]
            counts[0] += 1
            counts[1] += exchange.body_truncated
            self.exchanges += 1
            if len(self._rows) >= BATCH:
                self._flush()
        except (OSError, sqlite3.Error) as error:
            raise _unwritten(self._output, error) from error

    def skipped(self, session: int, source: Capture) -> None:
        """In a run: also what was not replayed."""
        rows = [(session, one.exchange, one.reason) for one in source.skipped()]
        self._connection.executemany("INSERT INTO skipped VALUES (?, ?, ?)", rows)

    def _copy_messages(self, exchange: Exchange, source: Capture, original: int) -> None:
        known = self._sources.get(id(source))
        if known is None:
            known = source.body_reader(), any(source.rows("SELECT 1 FROM message LIMIT 1"))
            self._sources[id(source)] = known
        reader, some = known
        if not some:
            return
        for seq, from_client, kind, at, body in source.rows(MESSAGES, [original]):
            row = next(source.rows("SELECT codec, data, size FROM body WHERE id = ?", [body]), None)
            raw: bytes | None = reader.read(body, *row) if row else b""
            if self._change is not None and raw:
                raw = self._change(exchange, bool(from_client), kind, raw)
            if raw is not None:
                kept = self._packer.bodies.put(raw) if row else None
                self._messages.append((exchange.id, seq, from_client, kind, at, kept))

    def _flush(self) -> None:
        self._connection.executemany(INSERT, self._rows)
        self._connection.executemany(
            "INSERT INTO message (exchange, seq, from_client, kind, at, body) VALUES (?, ?, ?, ?, ?, ?)", self._messages
        )
        self._connection.commit()
        self._rows.clear()
        self._messages.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        try:
            if kind is None:
                self._finish()
        except (OSError, sqlite3.Error) as problem:
            raise _unwritten(self._output, problem) from problem
        finally:
            self._connection.close()
            self._young.unlink(missing_ok=True)

    def _finish(self) -> None:
        self._flush()
        for session, (written, truncated) in self._written.items():
            self._connection.execute(
                "UPDATE session SET written = ?, truncated = ?, seen = ? + dropped WHERE id = ?",
                (written, truncated, written, session),
            )
        self._connection.commit()
        self._connection.execute("PRAGMA journal_mode = DELETE")
        self._connection.close()
        with self._young.open("rb") as file:
            os.fsync(file.fileno())
        self._young.replace(self._output)


def copy_chosen(
    source: Capture, output: Path, holds: Callable[[Exchange], bool], by: str, *, replaces: bool = False
) -> int:
    """Write the exchanges of ``source`` that ``holds`` is true of to ``output``, with their ids; how many.

    ``by``: the command that does so, for the sessions' meta.
    """
    with Copy(output, replaces=replaces) as copy:
        made = {"made_from": {"file": source.path.name, "by": by, "exchanges": source.count()}}
        sessions = {session.id: copy.session(session, made) for session in source.sessions()}
        for one in source.sessions():
            if one.mode == "replay":
                copy.skipped(sessions[one.id], source)
        for exchange in source.exchanges():
            if holds(exchange):
                copy.put(replace(exchange, session=sessions[exchange.session]), source)
    return copy.exchanges


def _unwritten(path: Path, error: Exception) -> CaptureError:
    return CaptureError(
        f"{path} cannot be written: {error}.", hint="Check the disk's room and the folder's permissions."
    )
