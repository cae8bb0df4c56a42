"""Writing a capture: a thread of its own takes exchanges off a queue and commits them in batches.

The caller's thread (the proxy's event loop, the replayer's) only appends to a queue; hashing, compressing and fsync
happen here. A batch is committed after :data:`INTERVAL` seconds or :data:`BATCH` exchanges, so at most that much is
missing after ``kill -9``; WAL keeps the file intact. What cannot be kept (queue full, disk full) is counted in the
session's ``dropped``, never raised into the traffic's path.
"""

from __future__ import annotations

import fcntl
import json
import os
import queue
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any, Self

from captures import schema
from captures.bodies import BodyStore
from captures.errors import CaptureError
from captures.model import Exchange, Skipped
from captures.rows import INSERT, to_row
from captures.store import identify

INTERVAL = 0.1  # seconds between commits: the recorder promises "on disk within a second"
BATCH = 2_000  # exchanges
MAX_QUEUED_BYTES = 256 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Counters:
    """A snapshot of one writer's integrity counters. ``last_error`` is SQLite's word for the latest loss."""

    seen: int
    written: int
    dropped: int
    truncated: int
    last_error: str = ""


class CaptureWriter:
    """Appends one session to a capture file (made when missing). Context manager; :meth:`close` drains and ends it.

    Raises :class:`CaptureError` from the constructor when the file is not ours, is newer, cannot be written, or is
    being written by another process.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        mode: str,
        meta: Mapping[str, Any] | None = None,
        redaction_key: str | None = None,
        now: Callable[[], float] = time.time,
        max_queued_bytes: int = MAX_QUEUED_BYTES,
        prepare: Callable[[Exchange], Exchange] | None = None,
    ) -> None:
        # ``prepare`` (redaction) is applied to each exchange on the writer's thread, before anything reaches the disk.
        self._prepare = prepare
        self.path = Path(path)
        self._now = now
        self._max_queued_bytes = max_queued_bytes
        self._lock_file = _lock(self.path)
        try:
            self._connection = _open_for_writing(self.path)
            if mode == "record" and self._connection.execute("SELECT 1 FROM session WHERE mode = 'replay'").fetchone():
                raise CaptureError(
                    f"{self.path} is a run, the result of a replay: nothing is recorded into it.",
                    hint="Record into another file: -o CAPTURE",
                )
            self._next_id = 1 + (self._connection.execute("SELECT MAX(id) FROM exchange").fetchone()[0] or 0)
            cursor = self._connection.execute(
                "INSERT INTO session (mode, started, redaction_key, meta) VALUES (?, ?, ?, ?)",
                (mode, now(), redaction_key, json.dumps(dict(meta or {}), ensure_ascii=False)),
            )
            self._connection.commit()
        except BaseException as error:
            connection = getattr(self, "_connection", None)
            if connection is not None:
                connection.close()
            self._unlock()
            if isinstance(error, sqlite3.Error | OSError):
                raise CaptureError(
                    f"{self.path} cannot be written: {error}.",
                    hint="Check the disk's room and the folder's permissions.",
                ) from error
            raise
        self.session = int(cursor.lastrowid or 0)
        self._bodies = BodyStore(self._connection)
        self._queue: queue.SimpleQueue[Exchange | Skipped | _Flush | None] = queue.SimpleQueue()
        self._hurry = threading.Event()  # set: do not wait for the batch to gather
        self._state = threading.Lock()  # guards the numbers below
        self._queued_bytes = 0
        self._seen = self._written = self._dropped = self._truncated = 0
        self._last_error = ""
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="capture-writer", daemon=True)
        self._thread.start()

    def reserve_id(self) -> int:
        """The id of the next exchange. Take it when the exchange *starts*, so that ids follow the order of start."""
        with self._state:
            identity = self._next_id
            self._next_id += 1
        return identity

    def put(self, exchange: Exchange) -> bool:
        """Hand ``exchange`` over to the thread; its ``session`` is set here. Never blocks.

        False when it had to be dropped (queue full, or the writer is closed): counted.
        """
        size = len(exchange.request.body) + (len(exchange.response.body) if exchange.response else 0) + 512
        with self._state:
            self._seen += 1
            if self._closed or self._queued_bytes + size > self._max_queued_bytes:
                self._dropped += 1
                self._last_error = "the writer is closed" if self._closed else "the queue is full"
                return False
            self._queued_bytes += size
            # Inside the lock: behind the mark that ends the thread, an exchange would be lost without being counted.
            self._queue.put(replace(exchange, session=self.session))
        return True

    def skip(self, exchange: int, reason: str) -> None:
        """In a run: note that recorded exchange ``exchange`` was not replayed, and why."""
        self._queue.put(Skipped(exchange, reason))

    def flush(self, timeout: float = 10.0) -> bool:
        """Wait until everything handed over so far is committed (or counted as dropped). False on timeout."""
        marker = _Flush(threading.Event())
        with self._state:
            if self._closed:
                return True  # closing drains
            self._queue.put(marker)
        self._hurry.set()
        return marker.done.wait(timeout)

    def counters(self) -> Counters:
        """The counters now."""
        with self._state:
            return Counters(self._seen, self._written, self._dropped, self._truncated, self._last_error)

    def close(self, meta: Mapping[str, Any] | None = None) -> Counters:
        """Drain, end the session (merging ``meta`` into its own), close the file. Idempotent."""
        with self._state:
            already, self._closed = self._closed, True
            if not already:
                self._queue.put(None)
        if not already:
            self._hurry.set()
            self._thread.join()
            self._end(meta or {})
        return self.counters()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # -- the thread ---------------------------------------------------------------------------------------------

    def _run(self) -> None:
        while True:
            batch = [self._queue.get()]
            # A batch gathers while this thread sleeps: woken for every item, it would take the interpreter from the
            # traffic's thread each time.
            self._hurry.wait(INTERVAL)
            self._hurry.clear()
            while batch[-1] is not None and len(batch) < BATCH:
                try:
                    batch.append(self._queue.get_nowait())
                except queue.Empty:
                    break
            self._write([item for item in batch if isinstance(item, Exchange | Skipped)])
            for item in batch:
                if isinstance(item, _Flush):
                    item.done.set()
            if batch[-1] is None:
                return

    def _write(self, items: Iterable[Exchange | Skipped]) -> None:
        items = list(items)
        exchanges = [item for item in items if isinstance(item, Exchange)]
        skipped = [(self.session, item.exchange, item.reason) for item in items if isinstance(item, Skipped)]
        if not items:
            return
        size = sum(len(e.request.body) + (len(e.response.body) if e.response else 0) + 512 for e in exchanges)
        error_text = ""
        refused = len(exchanges)
        if self._prepare is not None:
            exchanges, error_text = _prepared(exchanges, self._prepare)
        refused -= len(exchanges)
        with self._state:
            self._dropped += refused
        error = self._commit(exchanges, skipped)
        if error is not None and len(items) > 1 and not isinstance(error, sqlite3.OperationalError):
            # One row that cannot be written must not take its whole batch along. (A full disk or a lock refuses all.)
            self._count(dropped=0, error=self._commit([], skipped))
            for exchange in exchanges:
                error = self._commit([exchange], [])
                self._count(dropped=error is not None, error=error)
        elif error is not None:
            self._count(dropped=len(exchanges), error=error)
        with self._state:
            self._queued_bytes -= size
            if error_text:
                self._last_error = error_text

    def _commit(self, exchanges: list[Exchange], skipped: list[tuple[int, int, str]]) -> Exception | None:
        """Write all of it and count it, or nothing and return why."""
        truncated = sum(exchange.body_truncated for exchange in exchanges)
        try:
            rows = [
                to_row(e, self._bodies.put(e.request.body), self._bodies.put(e.response.body if e.response else b""))
                for e in exchanges
            ]
            self._connection.executemany(INSERT, rows)
            self._connection.executemany("INSERT INTO skipped VALUES (?, ?, ?)", skipped)
            self._connection.execute(
                "UPDATE session SET seen = ?, written = ?, dropped = ?, truncated = ? WHERE id = ?",
                (
                    self._seen,
                    self._written + len(exchanges),
                    self._dropped,
                    self._truncated + truncated,
                    self.session,
                ),
            )
            self._connection.commit()
        except Exception as error:  # noqa: BLE001 - whatever a row holds, the thread must go on and count it
            self._bodies.forget()
            with suppress(sqlite3.Error):
                self._connection.rollback()
            return error
        with self._state:
            self._written += len(exchanges)
            self._truncated += truncated
        return None

    def _count(self, *, dropped: int, error: Exception | None) -> None:
        with self._state:
            self._dropped += dropped
            if error is not None:
                self._last_error = str(error) or type(error).__name__

    def _end(self, meta: Mapping[str, Any]) -> None:
        try:
            old = json.loads(
                self._connection.execute("SELECT meta FROM session WHERE id = ?", (self.session,)).fetchone()[0]
            )
            counters = self.counters()
            self._connection.execute(
                "UPDATE session SET ended = ?, seen = ?, written = ?, dropped = ?, truncated = ?, meta = ?"
                " WHERE id = ?",
                (
                    self._now(),
                    counters.seen,
                    counters.written,
                    counters.dropped,
                    counters.truncated,
                    json.dumps({**old, **meta}, ensure_ascii=False),
                    self.session,
                ),
            )
            self._connection.commit()
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            # A finished capture is one file: copied, committed or read from a read-only place without its -wal. While
            # somebody reads it, that has to wait for the next writer.
            self._connection.execute("PRAGMA busy_timeout = 0")
            with suppress(sqlite3.OperationalError):
                self._connection.execute("PRAGMA journal_mode = DELETE")
        except sqlite3.Error as error:
            with self._state:
                self._last_error = str(error)
        finally:
            self._connection.close()
            self._unlock()

    def _unlock(self) -> None:
        with suppress(OSError):  # the folder may have gone; the lock itself goes with the descriptor
            os.unlink(self._lock_file.name)
        self._lock_file.close()


def _prepared(exchanges: Iterable[Exchange], prepare: Callable[[Exchange], Exchange]) -> tuple[list[Exchange], str]:
    """What ``prepare`` made of ``exchanges``, without those it failed on, and a sentence about the last of these."""
    done: list[Exchange] = []
    complaint = ""
    for exchange in exchanges:
        try:
            done.append(prepare(exchange))
        except Exception as error:  # noqa: BLE001 - whatever went wrong: what could not be redacted is not written
            complaint = f"exchange {exchange.id} could not be redacted ({type(error).__name__})"
    return done, complaint


@dataclass(frozen=True, slots=True)
class _Flush:
    done: threading.Event


def is_being_written(path: str | Path) -> bool:
    """Whether a writer (in any process) holds the capture at ``path`` open right now."""
    lock = Path(f"{path}.lock")
    if not lock.exists():
        return False
    try:
        with lock.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def _lock(path: Path) -> IO[bytes]:
    if path.exists() and not path.is_file():
        identify(path)  # says what it is; a device must never be replaced by a file, whatever its size
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CaptureError(
            f"{path.parent} cannot be made: {error.strerror}.", hint="Write elsewhere with -o."
        ) from error
    lock = Path(f"{path}.lock")
    while True:
        try:
            file = lock.open("ab")
        except OSError as error:
            raise CaptureError(
                f"{path} cannot be written: {error.strerror}.", hint="Check the folder's permissions."
            ) from error
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            file.close()
            raise CaptureError(
                f"{path} is being written by another retape process.",
                hint="Stop that one, or write to another file with -o.",
            ) from error
        # A writer that just ended unlinks the lock file: what we locked must still be the file of that name.
        with suppress(OSError):
            if os.fstat(file.fileno()).st_ino == lock.stat().st_ino:
                return file
        file.close()


def _open_for_writing(path: Path) -> sqlite3.Connection:
    new = not path.exists() or path.stat().st_size == 0
    version = schema.VERSION if new else identify(path)
    if new:
        _create(path.resolve())
    connection = sqlite3.connect(path, timeout=10, check_same_thread=False)
    try:
        schema.migrate(connection, version)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
    except BaseException:
        connection.close()
        raise
    return connection


def _create(path: Path) -> None:
    """Put an empty capture at ``path``, as a whole or not at all: nobody meets half of one, also after ``kill -9``."""
    young = path.with_name(f"{path.name}.new")
    for stale in (young, *(Path(f"{file}-{what}") for file in (young, path) for what in ("wal", "shm"))):
        stale.unlink(missing_ok=True)  # of a writer that was killed, or of a capture that was deleted
    try:
        os.close(os.open(young, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))  # traffic is nobody else's business
        connection = sqlite3.connect(young)
        try:
            schema.create(connection)
        finally:
            connection.close()  # also moves everything from the write-ahead log into the file
        young.replace(path)
    except BaseException:
        young.unlink(missing_ok=True)
        raise
