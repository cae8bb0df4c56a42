"""Opening and reading capture files. Writing is in ``captures.writer``.

Whatever is wrong with a file ends in one sentence of the ``CaptureError`` family: never in an empty capture.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

from zstandard import ZstdCompressionDict

from captures import schema
from captures.bodies import DIGEST, BodyReader
from captures.errors import CaptureError, CorruptCapture, NewerCapture, NotACapture
from captures.heads import HeadReader
from captures.migrations import pretend
from captures.model import Direction, Exchange, Message, Session, Skipped
from captures.rows import COLUMNS, SELECT, SELECT_MESSAGE, from_message_row, from_row, to_session, to_skipped

MAGIC = b"SQLite format 3\x00"
_REQUEST_BODY, _RESPONSE_BODY = COLUMNS.index("request_body"), COLUMNS.index("response_body")


def identify(path: Path) -> int:
    """The capture version of the file at ``path``.

    Raises the sentence that fits: missing, not SQLite, another application's SQLite, from a newer Retape.
    """
    if not path.exists():
        raise CaptureError(f"{path} does not exist.", hint="Record one with: retape record -o " + str(path))
    if not path.is_file() and not path.is_dir():
        raise NotACapture(f"{path} is a device or a pipe, not a file.", hint="Captures are SQLite files: name one.")
    if path.is_dir():
        raise NotACapture(f"{path} is a directory, not a capture.", hint="Name the .sqlite file inside it.")
    try:
        with path.open("rb") as file:
            head = file.read(100)
    except OSError as error:
        raise CaptureError(f"{path} cannot be read: {error.strerror}.", hint="Check the file's permissions.") from error
    if len(head) < 100 or not head.startswith(MAGIC):
        if head.startswith(MAGIC[:6]):
            raise CorruptCapture(f"{path} is cut off inside its first page.", hint="Restore it from a copy.")
        raise NotACapture(f"{path} is not a Retape capture.", hint="Captures are SQLite files made by retape record.")
    version = int.from_bytes(head[60:64], "big")
    application = int.from_bytes(head[68:72], "big")
    if application != schema.APPLICATION_ID:
        raise NotACapture(
            f"{path} is a SQLite database of another application, not a Retape capture.",
            hint="Captures are SQLite files made by retape record.",
        )
    if version > schema.VERSION:
        raise NewerCapture(
            f"{path} was written by a newer Retape (capture version {version}; this one reads up to {schema.VERSION}).",
            hint="Upgrade: pip install -U retape",
        )
    return version


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turn SQLite's and the codecs' complaints while reading ``path`` into a :class:`CorruptCapture`."""
    try:
        yield
    except sqlite3.OperationalError as error:
        if "locked" in str(error):
            raise CaptureError(f"{path} is locked by another program.", hint="Close it there and try again.") from error
        raise CorruptCapture(f"{path} is damaged: {error}.", hint=DAMAGED) from error
    except (sqlite3.DatabaseError, ValueError, TypeError, KeyError, AttributeError, OverflowError) as error:
        raise CorruptCapture(f"{path} is damaged: {error}.", hint=DAMAGED) from error


_UNCAUSED = "(COALESCE(e.cause_how, '') IN ('', 'none', 'ambiguous') OR e.caused_by IS NULL)"
READERS = 4
"""How many readers of bodies rest for the next iterations; each keeps some megabytes at most."""
DAMAGED = "Restore it from a copy; `sqlite3 FILE .recover` may save a part."


class Capture:
    """A capture opened for reading. Use as a context manager; safe while another process is recording into it."""

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self.path = path
        self._connection = connection
        self._dictionaries: dict[int, ZstdCompressionDict] = {}
        self._heads = HeadReader(connection)
        self._readers: list[BodyReader] = []  # at rest
        self._table = "exchange"  # what has a row for each
        self._limit: int | None = None  # newest exchange id when opened: a stable view while recording goes on

    @classmethod
    def open(cls, path: str | Path) -> Self:
        """Open the capture at ``path`` read-only.

        Raises :class:`CaptureError` or a subclass (see :func:`identify`). Takes time independent of the size.
        """
        path = Path(path)
        identify(path)
        with reading(path):
            connection = _connect_read_only(path)
            connection.row_factory = sqlite3.Row
            # Not what the file's first page says: a writer's migration may still be in the write-ahead log.
            version = connection.execute("PRAGMA user_version").fetchone()[0]
            _refuse_views(path, connection, version)
            pretend(connection, version)
            capture = cls(path, connection)
            if version >= 3:
                capture._table = "packed_exchange"
            capture._limit = _newest(connection)
        return capture

    def close(self) -> None:
        """Close the file. Idempotent."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def sessions(self) -> list[Session]:
        """Every session in the file, oldest first."""
        with reading(self.path):
            return [to_session(row) for row in self._connection.execute("SELECT * FROM session ORDER BY id")]

    def count(self, direction: Direction | None = None) -> int:
        """How many exchanges there are (of one direction)."""
        values: tuple[object, ...] = (self.newest, direction)
        sql = "SELECT COUNT(*) FROM exchange WHERE id <= ? AND direction = ?"
        if direction is None:
            # SQLite counts a whole table by its pages: all, less what came since.
            all_rows = f"SELECT COUNT(*) FROM {self._table}"
            sql, values = f"SELECT ({all_rows}) - ({all_rows} WHERE id > ?)", (self.newest,)
        with reading(self.path):
            return int(self._connection.execute(sql, values).fetchone()[0])

    def exchanges(
        self,
        *,
        direction: Direction | None = None,
        session: int | None = None,
        ids: Iterable[int] | None = None,
        narrowed: Iterable[tuple[str, Sequence[object]]] = (),
        backwards: bool = False,
    ) -> Iterator[Exchange]:
        """Exchanges in the order they started, one at a time (memory does not grow with the capture).

        ``narrowed``: further SQL over exchange ``e``, with the values of its marks. ``backwards``: the latest first.
        """
        clauses: list[str] = ["e.id <= ?"]
        values: list[object] = [self._limit]
        if direction is not None:
            clauses.append("e.direction = ?")
            values.append(direction.value)
        if session is not None:
            clauses.append("e.session = ?")
            values.append(session)
        for clause, marks in narrowed:
            clauses.append(clause)
            values.extend(marks)
        if ids is not None:
            wanted = sorted({one for one in ids if abs(one) < 2**63})  # SQLite's integers end there
            for start in range(0, len(wanted), 500):
                some = wanted[start : start + 500]
                clause = f"e.id IN ({','.join('?' * len(some))})"
                yield from self._select([*clauses, clause], [*values, *some])
            return
        yield from self._select(clauses, values, "e.id DESC" if backwards else "e.id")

    def exchange(self, identity: int) -> Exchange:
        """One exchange. Raises :class:`CaptureError` when there is none of that id."""
        for exchange in self.exchanges(ids=[identity]):
            return exchange
        raise CaptureError(f"{self.path} has no exchange {identity}.", hint=f"List them: retape capture ls {self.path}")

    def each(self, ids: Iterable[int]) -> Iterator[Exchange]:
        """The exchanges of growing ``ids`` that may come slowly: the first at once, later ones some together."""
        together, waiting = 1, list[int]()
        for identity in ids:
            waiting.append(identity)
            if len(waiting) == together:
                yield from self.exchanges(ids=waiting)
                together, waiting = min(together * 2, 256), []
        yield from self.exchanges(ids=waiting)

    def messages(self, exchange: int) -> Iterator[Message]:
        """The messages of ``exchange`` (WebSocket, server-sent events, gRPC) in order, one at a time."""
        bodies = self.body_reader()
        with reading(self.path):
            cursor = self._connection.cursor()
            cursor.row_factory = None
            for row in cursor.execute(f"{SELECT_MESSAGE} WHERE m.exchange = ? ORDER BY m.seq", [exchange]):
                identity = row[-4]
                if row[-3] is None and identity is not None:
                    raise ValueError(f"a message of exchange {exchange} is not in the file")
                yield from_message_row(row, bodies.read(identity, *row[-3:]))

    def message_count(self, exchange: int | None = None) -> int:
        """How many messages there are (of ``exchange``)."""
        where, values = ("WHERE exchange = ?", (exchange,)) if exchange is not None else ("", ())
        with reading(self.path):
            return int(self._connection.execute(f"SELECT COUNT(*) FROM message {where}", values).fetchone()[0])

    def message_counts(self) -> Callable[[int], int]:
        """How many messages each exchange has, asked one by one: nothing is looked up where no exchange has any."""
        with reading(self.path):
            some = self._connection.execute("SELECT 1 FROM message LIMIT 1").fetchone() is not None
        return self.message_count if some else lambda exchange: 0

    def caused_by(self, inbound: int) -> list[Exchange]:
        """The outbound exchanges linked to inbound exchange ``inbound``, in the order they started."""
        return list(self._select(["e.caused_by = ?", "e.direction = 'outbound'"], [inbound]))

    def replays_of(self, recorded: int) -> list[Exchange]:
        """In a run: the exchanges that answer to recorded exchange ``recorded``."""
        return list(self._select(["e.replay_of = ?"], [recorded]))

    def answer_to(self, recorded: int) -> Exchange:
        """In a run: what answers to recorded exchange ``recorded``, the latest. Raises :class:`CaptureError`."""
        found = self.replays_of(recorded)
        if not found:
            raise CaptureError(
                f"{self.path} has nothing that answers to recorded exchange {recorded}.",
                hint=f"Only a run has: retape replay CAPTURE -o RUN. List what is there: retape capture ls {self.path}",
            )
        return found[-1]

    def answers(self, session: int | None) -> Iterator[Exchange]:
        """In a run: the inbound exchanges of ``session``, in the order of the recorded ones they answer to."""
        clauses, values = ["e.replay_of IS NOT NULL", "e.direction = 'inbound'", "e.id <= ?"], [self._limit]
        if session is not None:
            clauses.append("e.session = ?")
            values.append(session)
        return self._select(clauses, list(values), "e.replay_of, e.id")

    def effects(self) -> Iterator[Exchange]:
        """The outbound exchanges with a certain cause, in the order of their causes."""
        return self._select(
            ["e.caused_by IS NOT NULL", "e.direction = 'outbound'", "e.id <= ?"], [self._limit], "e.caused_by, e.id"
        )

    def uncaused(self, session: int | None) -> Iterator[Exchange]:
        """The outbound exchanges (of ``session``) that no single request is known to have caused."""
        clauses, values = ["e.direction = 'outbound'", _UNCAUSED, "e.id <= ?"], [self._limit]
        if session is not None:
            clauses.append("e.session = ?")
            values.append(session)
        return self._select(clauses, list(values))

    def skipped(self) -> list[Skipped]:
        """In a run: what was not replayed, and why."""
        with reading(self.path):
            rows = self._connection.execute("SELECT exchange, reason FROM skipped ORDER BY exchange")
            return [to_skipped(row["exchange"], row["reason"]) for row in rows]

    def query(self, sql: str, parameters: Sequence[object] | Mapping[str, object] = ()) -> Iterator[dict[str, Any]]:
        """Rows of a read-only SQL query as dicts, through sqlite-utils: for lists and statistics."""
        from sqlite_utils import Database

        with reading(self.path):
            rows = iter(Database(self._connection).query(sql, parameters))  # type: ignore[arg-type]
        while True:
            with reading(self.path):
                row = next(rows, None)
            if row is None:
                return
            yield row

    def rows(self, sql: str, parameters: Sequence[object] = ()) -> Iterator[tuple[Any, ...]]:
        """Rows of a read-only SQL query as tuples: for passes over a whole capture."""
        with reading(self.path):  # whoever takes the rows raises nothing into here
            cursor = self._connection.cursor()
            cursor.row_factory = None
            # ``yield from`` would close the cursor for whoever leaves before the end, which may be after the capture.
            for row in cursor.execute(sql, parameters):  # noqa: UP028
                yield row

    @property
    def newest(self) -> int:
        """The greatest exchange id there was when the capture was opened; 0 in an empty one."""
        return self._limit or 0

    def body_reader(self) -> BodyReader:
        """Makes bodies of rows of ``body`` that a :meth:`query` found. For one thread."""
        return BodyReader(self._connection, self._dictionaries)

    def head_reader(self) -> HeadReader:
        """Makes header lists of ``request_head, request_headers`` that a :meth:`query` found."""
        return self._heads

    def check(self) -> list[str]:
        """Every integrity complaint, as sentences; empty when the file is sound. Reads the whole file."""
        return [*self.damage(), *self.losses()]

    def damage(self) -> list[str]:
        """What in the file is not as it was written: pages, references, counts, bodies against their SHA-256."""
        with reading(self.path):
            verdicts = [row[0] for row in self._connection.execute("PRAGMA integrity_check(20)")]
        complaints = [f"SQLite: {verdict}" for verdict in verdicts if verdict != "ok"]
        with reading(self.path):
            page = self._connection.execute("PRAGMA page_size").fetchone()[0]
            log = Path(f"{self.path}-wal")  # of a disk that was full: it has what the file had no room for
            if self.path.stat().st_size % page and not (log.exists() and log.stat().st_size):
                complaints.append("the file is cut off inside its last page")
            for table, count in self._connection.execute(
                'SELECT "table", COUNT(*) FROM pragma_foreign_key_check'
                """ WHERE NOT ("table" = 'message' AND parent = 'exchange') GROUP BY "table\""""  # up to version 2
            ):
                complaints.append(f"{count} rows of {table} refer to something that is not here")
        for session in self.sessions():
            with reading(self.path):
                there = self._connection.execute(
                    "SELECT COUNT(*) FROM exchange WHERE session = ?", (session.id,)
                ).fetchone()[0]
            if there != session.written:
                complaints.append(f"session {session.id} counted {session.written} exchanges written, {there} are here")
        complaints.extend(self._damaged_bodies())
        return complaints

    def losses(self) -> list[str]:
        """What was lost on the way in: exchanges dropped, sessions that never ended."""
        complaints: list[str] = []
        for session in self.sessions():
            if session.dropped:
                complaints.append(f"session {session.id} dropped {session.dropped} of {session.seen} exchanges")
            if session.ended is None:
                complaints.append(f"session {session.id} has no end: it is still being written, or its writer died")
        with reading(self.path):
            alone, theirs = self._connection.execute(
                "SELECT COUNT(*), COUNT(DISTINCT exchange) FROM message m"
                " WHERE NOT EXISTS (SELECT 1 FROM exchange e WHERE e.id = m.exchange)"
            ).fetchone()
            still_open = self._connection.execute(
                "SELECT COUNT(*) FROM exchange WHERE notes LIKE '%\"open\": true%' AND body_truncated"
            ).fetchone()[0]
        if alone:
            complaints.append(f"{alone} messages belong to {theirs} exchanges that are not here")
        if still_open:
            complaints.append(f"{still_open} exchanges were still open when they were last written")
        return complaints

    def _damaged_bodies(self) -> Iterator[str]:
        """SQLite has no check sums: a flipped bit inside a stored body shows only here."""
        with reading(self.path):
            cursor = self._connection.execute("SELECT id, sha256, size, codec, data FROM body")
        bodies = self.body_reader()
        while True:
            with reading(self.path):
                row = cursor.fetchone()
            if row is None:
                return
            try:
                body = bodies.unpack(row["codec"], row["data"], row["size"])
            except ValueError as error:
                yield f"body {row['id']}: {error}"
                continue
            if row["sha256"] not in ((whole := hashlib.sha256(body).digest())[:DIGEST], whole):
                yield f"body {row['id']} is not what was written (its SHA-256 differs)"

    def _select(self, clauses: list[str], values: list[object], order: str = "e.id") -> Iterator[Exchange]:
        where = " AND ".join(clauses)
        with reading(self.path), self._one_reader() as bodies:  # whoever takes the exchanges raises nothing into here
            cursor = self._connection.cursor()
            cursor.row_factory = None
            for row in cursor.execute(f"{SELECT} WHERE {where} ORDER BY {order}", values):
                asked, answered = row[_REQUEST_BODY], row[_RESPONSE_BODY]
                if (row[-6] is None and asked is not None) or (row[-3] is None and answered is not None):
                    raise ValueError(f"a body of exchange {row[0]} is not in the file")
                yield from_row(row, bodies.read(asked, *row[-6:-3]), bodies.read(answered, *row[-3:]), self._heads)

    @contextmanager
    def _one_reader(self) -> Iterator[BodyReader]:
        """A reader for one iteration alone: there may be several, in several threads. Making one costs 20 µs."""
        try:
            reader = self._readers.pop()
        except IndexError:
            reader = self.body_reader()
        try:
            yield reader
        finally:
            if len(self._readers) < READERS:
                self._readers.append(reader)


def _newest(connection: sqlite3.Connection) -> int:
    # MAX(id) of a view over several tables would read them all.
    row = connection.execute("SELECT id FROM exchange ORDER BY id DESC LIMIT 1").fetchone()
    return int(row[0]) if row else 0


def _refuse_views(path: Path, connection: sqlite3.Connection, version: int) -> None:
    """Raise :class:`CorruptCapture` where a view stands in for a table: one row of it may take for ever."""
    views = {name for (name,) in connection.execute("SELECT LOWER(name) FROM sqlite_master WHERE type = 'view'")}
    tables = schema.TABLE_NAMES if version >= 3 else {"exchange", *schema.TABLE_NAMES}
    for name in sorted(views & tables):
        connection.close()
        raise CorruptCapture(f"{path} is damaged: {name} is no table.", hint=DAMAGED)


def _connect_read_only(path: Path) -> sqlite3.Connection:
    """Read-only; on a read-only medium (no room for the WAL's shared memory) as an immutable file."""
    base = path.resolve().as_uri()
    connection = sqlite3.connect(f"{base}?mode=ro", uri=True, timeout=10, check_same_thread=False)
    try:
        connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone()
    except sqlite3.OperationalError as error:
        if "unable to open" not in str(error) and "readonly" not in str(error):
            connection.close()
            raise
        connection.close()
        connection = sqlite3.connect(f"{base}?mode=ro&immutable=1", uri=True, timeout=10, check_same_thread=False)
        connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone()
    return connection
