"""One capture file while it is written: its lock, its session, its commits, and whether it still is where it was.

Not thread-safe: it belongs to the writer's thread. A file that is moved away, removed or cut short under its writer is
told by its inode: SQLite itself would go on writing into what nobody finds any more.
"""

from __future__ import annotations

import fcntl
import json
import os
import sqlite3
import struct
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import IO, Any

from captures import schema, streaming
from captures.errors import CaptureError
from captures.migrations import migrate
from captures.model import Direction, Exchange, Skipped
from captures.packing import INSERT, Packer
from captures.replacing import Older
from captures.store import MAGIC, identify
from captures.streaming import Ending, Streamed

BUSY = 250  # milliseconds a commit waits for a lock of another program; who holds the exchanges tries again
LAST_BUSY = 5_000  # milliseconds the end of a session waits for one
CAUSES = 10_000  # exchanges that are awaited as causes before it is looked which have come (late calls: they have)
ELSEWHERE = "cause_elsewhere"  # the note of a call on a cause that is in another file: its id
FAR = 1 << 62  # where a file's own lock is
BALLAST = 128 * 1024  # bytes that the lock file keeps from a full disk, for the session's last counters


@dataclass(frozen=True, slots=True)
class Tally:
    """A session's integrity counters, as one file has them."""

    seen: int = 0
    written: int = 0
    dropped: int = 0
    truncated: int = 0


class Fate(StrEnum):
    """What has become of a file that is open for writing."""

    HERE = "here"
    MOVED = "moved"  # it has another name now, or its folder has
    REMOVED = "removed"  # it has none: what it held is lost
    DAMAGED = "cut short"  # another program made it smaller: what it held is lost


class CaptureFile:
    """The capture at ``path`` (made when missing), locked, with one new session that is being written into it.

    ``replace_run``: the file takes the place of an older run, once :meth:`begun` is called; else never.
    Raises :class:`CaptureError` when the file is not ours, is newer, cannot be written, or is being written by another
    process.
    """

    def __init__(
        self,
        path: Path,
        *,
        mode: str,
        started: float,
        redaction_key: str | None = None,
        meta: Mapping[str, Any] | None = None,
        replace_run: bool = False,
    ) -> None:
        self.path = path
        self._lock_file = lock_capture(path)
        self._older: Older | None = None
        self._descriptor = -1
        connection = None
        try:
            self._older = Older(path) if replace_run else None
            self._connection, self._descriptor = connection, _ = open_for_writing(path)
            if mode != "replay" and connection.execute("SELECT 1 FROM session WHERE mode = 'replay'").fetchone():
                raise CaptureError(
                    f"{path} is a run, the result of a replay: nothing is recorded into it.",
                    hint="Record into another file: -o CAPTURE",
                )
            newest = connection.execute("SELECT MAX(id) FROM packed_exchange").fetchone()[0]
            self.is_empty: bool = newest is None
            self.first_id: int = 1 + (newest or 0)
            self.session = self._begin(mode, started, redaction_key, meta or {})
            self.begun_at: float = connection.execute("SELECT MIN(started) FROM session").fetchone()[0]
            self._size = os.fstat(self._descriptor).st_size
            self._beside = {one: inode for one in (f"{path}-wal", f"{path}-shm") if (inode := _inode(one))}
        except BaseException as error:
            if connection is not None:
                connection.close()
                os.close(self._descriptor)
            if self._older is not None:
                self._older.put_back()
            give_up_lock(self._lock_file)
            if isinstance(error, sqlite3.Error | OSError):
                raise CaptureError(
                    f"{path} cannot be written: {error}.", hint="Check the disk's room and the folder's permissions."
                ) from error
            raise
        self._causes: set[int] = set()  # of calls in this file, which were not there yet when last looked for
        self._packer = Packer(connection)

    def _begin(self, mode: str, started: float, redaction_key: str | None, meta: Mapping[str, Any]) -> int:
        cursor = self._connection.execute(
            "INSERT INTO session (mode, started, redaction_key, meta) VALUES (?, ?, ?, ?)",
            (mode, started, redaction_key, json.dumps(dict(meta), ensure_ascii=False)),
        )
        self._connection.commit()
        return int(cursor.lastrowid or 0)

    def begun(self) -> None:
        """The run is worth keeping: the older one that it replaces is given up."""
        if self._older is not None:
            self._older.give_up()
            self._older = None

    def fate(self) -> Fate:
        """What has become of the file."""
        try:
            there = self.path.stat()
        except (FileNotFoundError, NotADirectoryError):
            there = None
        except OSError:
            return Fate.HERE  # it cannot be told; the next commit says what is wrong
        own = os.fstat(self._descriptor)
        if there is not None and (there.st_dev, there.st_ino) == (own.st_dev, own.st_ino):
            shrunk, self._size = own.st_size < self._size, own.st_size
            return Fate.DAMAGED if self._is_another_s(own.st_size, shrunk=shrunk) else Fate.HERE
        return Fate.MOVED if own.st_nlink else Fate.REMOVED

    def _is_another_s(self, size: int, *, shrunk: bool) -> bool:
        """Whether another program wrote over the file, or cut it: its header is none of ours, or it lacks pages of it.

        (VACUUM by another program makes it smaller as well, and rightly.)
        """
        head = os.pread(self._descriptor, 100, 0)
        if not head.startswith(MAGIC) or int.from_bytes(head[68:72], "big") != schema.APPLICATION_ID:
            return True
        page = int.from_bytes(head[16:18], "big")
        return shrunk and size < int.from_bytes(head[28:32], "big") * (65536 if page == 1 else page)

    def name_now(self) -> Path:
        """Where the file is now, as far as the system tells (Linux): its other name where one was removed."""
        with suppress(OSError):
            link = f"/proc/self/fd/{self._descriptor}"
            now, own = Path(os.readlink(link)), _inode(link)
            for name in (now, *self.path.parent.iterdir()):  # where it had two names, the system may tell the lost one
                if _inode(name) == own:
                    return name
        return self.path

    def bytes(self) -> int:
        """How large the capture is, with what is in the write-ahead log only."""
        (pages,) = self._connection.execute("PRAGMA page_count").fetchone()
        (size,) = self._connection.execute("PRAGMA page_size").fetchone()
        return int(pages) * int(size)

    def commit(self, items: Sequence[Exchange | Skipped | Streamed], tally: Tally) -> None:
        """Write ``items``, and ``tally`` as the session's counters: all of it, or nothing and raise why."""
        exchanges = [
            item if item.session == self.session else replace(item, session=self.session)
            for item in items
            if isinstance(item, Exchange)
        ]
        streamed = [item for item in items if isinstance(item, Streamed)]
        skipped = [(self.session, item.exchange, item.reason) for item in items if isinstance(item, Skipped)]
        try:
            self._connection.executemany(INSERT, [self._packer.row(exchange) for exchange in exchanges])
            self._connection.executemany("INSERT INTO skipped VALUES (?, ?, ?)", skipped)
            if streamed:
                streaming.write(self._connection, streamed, self.session, self._packer)
            self._count(tally)
            self._connection.commit()
        except BaseException:
            self._packer.forget()
            with suppress(sqlite3.Error):
                self._connection.rollback()
            raise
        rows_of_streams = [item.exchange if isinstance(item, Ending) else item.stream.row for item in streamed]
        exchanges += [exchange for exchange in rows_of_streams if exchange is not None]
        self.is_empty = self.is_empty and not exchanges
        for exchange in exchanges:
            if exchange.direction is Direction.INBOUND:
                self._causes.discard(exchange.id)
            elif exchange.cause is not None and exchange.cause.exchange is not None:
                self._causes.add(exchange.cause.exchange)
        if len(self._causes) > CAUSES:
            self._causes = set(self._absent())

    def point_elsewhere(self) -> None:
        """Let no call name a cause that is not in this file: where it is instead stands in the evidence and a note.

        A call is written when it ends, its cause later, when the recording may have gone on to another file.
        """
        for cause in self._absent():
            self._connection.execute(
                "UPDATE packed_exchange AS x SET caused_by = NULL, (notes, cause_evidence) ="
                f" (SELECT json_set(e.notes, '$.{ELSEWHERE}', ?1), COALESCE(e.cause_evidence, '') || ?2"
                " FROM exchange e WHERE e.id = x.id) WHERE caused_by = ?1 AND session = ?3",
                (cause, elsewhere(cause), self.session),
            )
        self._connection.commit()
        self._causes.clear()

    def _absent(self) -> list[int]:
        look = "SELECT 1 FROM packed_exchange WHERE id = ?"
        return [one for one in self._causes if self._connection.execute(look, (one,)).fetchone() is None]

    def end(self, tally: Tally, ended: float, meta: Mapping[str, Any]) -> None:
        """End the session, merging ``meta`` into its own. Raises ``sqlite3.Error`` when the file cannot be written."""
        self._connection.execute(f"PRAGMA busy_timeout = {LAST_BUSY}")
        try:
            self._finish(tally, ended, meta)
        except sqlite3.OperationalError:
            # A disk without room for one page more: what the log holds goes into the file, and the ballast goes.
            with suppress(sqlite3.Error):
                self._connection.rollback()
            with suppress(sqlite3.Error):
                self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            with suppress(OSError):
                os.ftruncate(self._lock_file.fileno(), 0)
            self._finish(tally, ended, meta)
        (busy, _, _) = self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        if busy and self.fate() is Fate.MOVED:
            raise sqlite3.OperationalError("database is locked")  # its log is found by the old name only
        be_one_file(self._connection)

    def abandon(self) -> None:
        """Close a file that is gone or that another program wrote over, and change nothing of what that put there.

        What SQLite kept beside it goes too: it would take its log for one of whatever has the file's name next.
        """
        if self.fate() is not Fate.REMOVED:
            with suppress(OSError):
                os.truncate(f"{self.path}-wal", 0)  # else SQLite, on closing, would put what is in its log over it
        self.close()
        for one, inode in self._beside.items():
            if _inode(one) == inode:
                with suppress(OSError):
                    os.unlink(one)

    def close(self) -> None:
        """Close the file and give up its lock."""
        moved = self.name_now() if self.fate() is Fate.MOVED else None
        with suppress(sqlite3.Error):
            self._connection.close()
        os.close(self._descriptor)
        if moved is not None and moved != self.path:
            # SQLite refused by the old name.
            with suppress(sqlite3.Error), closing(sqlite3.connect(moved)) as connection:
                be_one_file(connection)
        if self._older is not None:
            self._older.put_back()
        give_up_lock(self._lock_file)

    def _finish(self, tally: Tally, ended: float, meta: Mapping[str, Any]) -> None:
        (text,) = self._connection.execute("SELECT meta FROM session WHERE id = ?", (self.session,)).fetchone()
        self._connection.execute(
            "UPDATE session SET ended = ?, meta = ? WHERE id = ?",
            (ended, json.dumps({**json.loads(text), **meta}, ensure_ascii=False), self.session),
        )
        self._count(tally)
        self._connection.commit()

    def _count(self, tally: Tally) -> None:
        changed = self._connection.execute(
            "UPDATE session SET seen = ?, written = ?, dropped = ?, truncated = ? WHERE id = ?",
            (tally.seen, tally.written, tally.dropped, tally.truncated, self.session),
        ).rowcount
        if changed != 1:
            raise sqlite3.DatabaseError("the session is not in the file any more")


def elsewhere(cause: int) -> str:
    """What the evidence of a call says whose cause, exchange ``cause``, is in another file."""
    return f"; exchange {cause} is not in this file, it ended while another was written"


def is_being_written(path: str | Path) -> bool:
    """Whether a writer (in any process) holds the capture at ``path`` open right now."""
    lock = _lock_path(Path(path))
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


@contextmanager
def held(path: Path) -> Iterator[None]:
    """Nobody else writes to the capture at ``path`` meanwhile, and it is one file: for who replaces it.

    Raises :class:`CaptureError` where it is being written, or read in a way that keeps it two.
    """
    identify(path)
    lock = lock_capture(path)
    try:
        connection, descriptor = open_for_writing(path)
        try:
            be_one_file(connection)
            alone = connection.execute("PRAGMA journal_mode").fetchone()[0] == "delete"
        finally:
            connection.close()
            os.close(descriptor)
        if not alone:
            raise CaptureError(
                f"{path} is open in another program.", hint="Close it there, or write elsewhere with -o."
            )
        yield
    finally:
        with suppress(OSError):
            os.unlink(lock.name)
        lock.close()


def _inode(path: str | Path) -> tuple[int, int] | None:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _private(path: str, flags: int) -> int:
    """An opener that makes files that nobody else may read."""
    return os.open(path, flags, 0o600)


def _lock_path(path: Path) -> Path:
    """The lock file of the capture at ``path``: beside the file itself, so that a symbolic link to it has the same."""
    return Path(f"{path.resolve()}.lock")


def lock_capture(path: Path) -> IO[bytes]:
    if path.exists() and not path.is_file():
        identify(path)  # says what it is; a device must never be replaced by a file, whatever its size
    file = take_lock(_lock_path(path), path)
    with suppress(OSError):
        os.posix_fallocate(file.fileno(), 0, BALLAST)
    return file


def take_lock(lock: Path, path: Path) -> IO[bytes]:
    """Lock the file ``lock``, which says that ``path`` is being written; their folder is made when missing.

    Raises :class:`CaptureError`.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise CaptureError(
            f"{path.parent} cannot be made: {error.strerror}.", hint="Write elsewhere with -o."
        ) from error
    while True:
        try:
            file = open(lock, "ab", opener=_private)  # noqa: SIM115 - held as long as the file is written
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


def give_up_lock(file: IO[bytes]) -> None:
    """Unlock what :func:`take_lock` locked, and remove the lock file."""
    with suppress(OSError):  # the folder may have gone; the lock itself goes with the descriptor
        if os.fstat(file.fileno()).st_ino == Path(file.name).stat().st_ino:
            os.unlink(file.name)
    file.close()


def open_for_writing(path: Path) -> tuple[sqlite3.Connection, int]:
    """A connection to the capture at ``path`` (made when missing), and a descriptor with a lock of the file itself.

    The descriptor is closed after the connection only: closing any of a file gives up all locks that the process has on
    it, SQLite's included (POSIX, fcntl).
    """
    new = not path.exists() or path.stat().st_size == 0
    version = schema.VERSION if new else identify(path)
    if new:
        _create(path.resolve())
    try:
        descriptor = os.open(path, os.O_RDWR)
    except OSError as error:
        raise CaptureError(
            f"{path} cannot be written: {error.strerror}.", hint="Check the permissions of the file and its folder."
        ) from error
    connection = None
    try:
        _lock_itself(descriptor, path)
        connection = sqlite3.connect(path, timeout=10, check_same_thread=False)
        migrate(connection, version)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute(f"PRAGMA busy_timeout = {BUSY}")
    except BaseException:
        if connection is not None:
            connection.close()
        os.close(descriptor)
        raise
    return connection, descriptor


def _lock_itself(descriptor: int, path: Path) -> None:
    """Lock one byte of the file, far behind those that SQLite locks: it may have another name (a hard link), with
    another lock file beside it. SQLite keeps a log for each name, so that two writers would ruin it.

    The lock is the descriptor's (Linux): SQLite, giving up its own, gives up all that belong to the process.
    """
    command = getattr(fcntl, "F_OFD_SETLK", None)
    if command is None:
        return
    try:
        fcntl.fcntl(descriptor, command, struct.pack("hhqqi", fcntl.F_WRLCK, os.SEEK_SET, FAR, 1, 0))
    except (BlockingIOError, PermissionError) as error:
        raise CaptureError(
            f"{path} is being written by another retape process, under another name.",
            hint="Stop that one, or write to another file with -o.",
        ) from error
    except OSError:
        return  # a file system without locks


def be_one_file(connection: sqlite3.Connection) -> None:
    """A finished capture is one file: copied, committed or read from a read-only place without its ``-wal``.

    While somebody reads it, that has to wait for the next writer.
    """
    connection.execute("PRAGMA busy_timeout = 0")
    with suppress(sqlite3.OperationalError):
        connection.execute("PRAGMA journal_mode = DELETE")


def _create(path: Path) -> None:
    """Put an empty capture at ``path``, as a whole or not at all: nobody meets half of one, also after ``kill -9``."""
    young = path.with_name(f"{path.name}.new")
    for stale in (young, *(Path(f"{file}-{what}") for file in (young, path) for what in ("wal", "shm", "journal"))):
        stale.unlink(missing_ok=True)  # of a writer that was killed, or of a capture that was deleted
    try:
        os.close(os.open(young, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))  # traffic is nobody else's business
        connection = sqlite3.connect(young)
        try:
            connection.execute(
                "PRAGMA synchronous = OFF"
            )  # nobody has it yet: to be on the disk once, whole, is enough
            schema.create(connection)
        finally:
            connection.close()  # also moves everything from the write-ahead log into the file
        with young.open("rb") as whole:
            os.fsync(whole.fileno())
        young.replace(path)
    except BaseException:
        with suppress(OSError):
            young.unlink(missing_ok=True)
        raise
