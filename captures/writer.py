"""Writing a capture: a thread of its own takes exchanges off a queue and commits them in batches.

The caller's thread (the proxy's event loop, the replayer's) only appends to a queue; hashing, compressing and fsync
happen here. A batch is committed after :data:`INTERVAL` seconds or :data:`BATCH` exchanges, so at most that much is
missing after ``kill -9``; WAL keeps the file intact.

Whatever goes wrong with the file is no business of the traffic. While it cannot be written (a full disk, another
program's lock, a folder that is gone) exchanges are kept in memory and tried again, up to a bound of bytes and of
time. A recording follows its file: where that was moved, removed or cut short, it goes on in a new one. What is lost is
counted in the session's ``dropped``, by reason.
"""

from __future__ import annotations

import queue
import sqlite3
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any, Self

from captures import streaming
from captures.capture_file import Fate, Tally, is_being_written
from captures.counters import Counters, places_replaced
from captures.faults import REASONS, Fault, fault_of
from captures.model import Exchange, Message, Skipped
from captures.queued import Flush, Item, Opened, Unended, Whole, gathered, left_in, size_of
from captures.rotation import Rotation
from captures.series import Beginning, Loss, Series
from captures.streaming import Ending, Held, PrepareMessages, Streamed, Streams, Unredacted
from captures.trying import Trying

__all__ = ["CaptureWriter", "Counters", "is_being_written"]

INTERVAL = 0.1  # seconds between commits: the recorder promises "on disk within a second"
BATCH = 2_000  # exchanges
MAX_QUEUED_BYTES = 256 * 1024 * 1024
PATIENCE = 5.0  # seconds a batch is tried again before it counts as lost
LAST_PATIENCE = 3.0  # seconds of that at the end, however long it was before
TICK, LATER = 1.0, 10.0  # seconds between looks whether it is time for another file; and after one could not be made
GIVEN_UP = Fault("given_up", REASONS["given_up"])


class CaptureWriter:
    """Appends one session to a capture file (made when missing). Context manager; :meth:`close` drains and ends it.

    ``prepare`` (redaction) is applied to each exchange on the writer's thread, before anything reaches the disk, and
    what ``prepare_messages`` gives for an exchange to each of its messages.
    ``replace_run``: the file takes the place of an older run, once :meth:`begun` is called; else never. ``blocks``:
    no exchange is refused for want of room; the caller begins no new one while :meth:`is_full`. ``spills``: with that,
    what has no room is refused all the same while the file cannot be written, and nobody need wait. ``patience``:
    seconds for which exchanges are kept and tried again while the file cannot be written (as long as there is room in
    memory: ``max_queued_bytes``). Raises :class:`CaptureError` from the constructor when the file is not ours, is
    newer, cannot be written, or is being written by another process. ``rotation``: when it goes on in another file.
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
        prepare_messages: PrepareMessages | None = None,
        replace_run: bool = False,
        blocks: bool = False,
        spills: bool = False,
        patience: float = PATIENCE,
        rotation: Rotation | None = None,
    ) -> None:
        self._max_queued_bytes = max_queued_bytes
        self._blocks, self._spills = blocks, spills
        beginning = Beginning(mode, now, redaction_key, meta or {})
        self._series = Series(Path(path), beginning, replace_run=replace_run, rotation=rotation)
        self._rotates = rotation is not None
        self._rotate_again = 0.0  # when it is tried again to go on in another file; monotonic
        self.is_new = self._series.is_new  # this writer made the file
        self.path, self.session = self._series.path, self._series.session
        self._next_id = self._series.first_id
        self._queue: queue.SimpleQueue[Item | Flush | None] = queue.SimpleQueue()
        self._hurry = threading.Event()  # set: do not wait for the batch to gather
        self._state = threading.Lock()  # guards the numbers below
        self._queued_bytes = 0
        self._open: set[int] = set()  # exchanges that have begun, and whose messages are taken
        self._waiting: deque[float] = deque()  # when each exchange that is queued was handed over, monotonic
        self._dropped_by: Counter[str] = Counter(dict.fromkeys(REASONS, 0))
        self._seen = self._written = self._truncated = self._redacted = 0
        self._last_error = ""
        self._fault: Fault | None = None  # why nothing can be written at the moment
        self._files, self._removed = self._series.files(), self._series.removed()
        self._unrotated = ""
        self._closed = self._given_up = False
        # The thread's own:
        self._streams = Streams(prepare, prepare_messages)
        self._held: deque[Held] = deque()  # prepared, and not written yet
        self._markers: list[Flush] = []
        self._trying = Trying(patience)
        self._thread = threading.Thread(target=self._run, name="capture-writer", daemon=True)
        self._thread.start()

    def reserve_id(self) -> int:
        """The id of the next exchange. Take it when the exchange *starts*, so that ids follow the order of start."""
        with self._state:
            identity = self._next_id
            self._next_id += 1
        return identity

    def begun(self) -> None:
        """The run is worth keeping: the older one that it replaces is given up."""
        self._series.begun()

    def put(self, exchange: Exchange, messages: tuple[Message, ...] = ()) -> bool:
        """Hand ``exchange`` over, with its ``messages`` or the last of them; its ``session`` is set when it is written.

        Never blocks. False when it had to be dropped (queue full, or the writer is closed): counted. One that
        :meth:`begin` was called for is completed by this.
        """
        item = Whole(exchange, messages) if messages else exchange
        size = size_of(item)
        with self._state:
            if self._closed or not self._takes(size):
                self._refuse(exchange.id, Fault("closed", REASONS["closed"]) if self._closed else self._full())
                return False
            self._ends(exchange.id)
            self._queued_bytes += size
            self._waiting.append(time.monotonic())
            # Inside the lock: behind the mark that ends the thread, an exchange would be lost without being counted.
            self._queue.put(item)
        return True

    def _ends(self, exchange: int) -> bool:
        """Count it, unless it was counted as it began; whether it was."""
        begun = exchange in self._open
        self._open.discard(exchange)
        self._seen += not begun
        return begun

    def _refuse(self, exchange: int, fault: Fault) -> None:
        if self._ends(exchange):
            self._last_error = fault.sentence
            self._queue.put(Unended(exchange))  # what is in the file says that it is not complete
        else:
            self._lose(1, fault)

    def begin(self, exchange: Exchange) -> bool:
        """Write ``exchange`` as one that is still open; its messages follow, and :meth:`put` completes it.

        False when there is no room: it is written when it ends, without what was said in between.
        """
        with self._state:
            if not self._hand_over(Opened(exchange)):
                return False
            self._open.add(exchange.id)
            self._seen += 1
        return True

    def add(self, message: Message) -> bool:
        """Hand over a message of an exchange that has begun. False when it had to be dropped."""
        with self._state:
            return message.exchange in self._open and self._hand_over(message)

    def _hand_over(self, item: Opened | Message) -> bool:
        """Nobody waits to begin these, so that room is needed for them also where exchanges are never refused."""
        size = size_of(item)
        most = 2 * self._max_queued_bytes
        if self._closed or (self._queued_bytes and self._queued_bytes + size > most) or not self._takes(size):
            return False
        self._queued_bytes += size
        self._queue.put(item)
        return True

    def lose(self, exchange: int, reason: str) -> None:
        """Count an exchange that was lost on its way here, for one of ``captures.faults.REASONS``."""
        with self._state:
            self._refuse(exchange, self._full() if reason == "queue_full" else Fault(reason, REASONS[reason]))

    def drop(self, number: int, reason: str) -> None:
        """Count ``number`` exchanges that never came here."""
        with self._state:
            self._seen += number
            self._lose(number, self._full() if reason == "queue_full" else Fault(reason, REASONS[reason]))

    def has_room(self, exchange: Exchange, messages: tuple[Message, ...] = ()) -> bool:
        """Whether :meth:`put` would take ``exchange`` now; after a :meth:`flush` it does."""
        with self._state:
            return self._takes(size_of(Whole(exchange, messages)))

    def _full(self) -> Fault:
        return self._fault or Fault("queue_full", REASONS["queue_full"])

    def _takes(self, size: int) -> bool:
        # Alone in the queue anything is taken: it is in memory already.
        waits = self._blocks and not (self._spills and self._fault)
        return waits or not self._queued_bytes or self._queued_bytes + size <= self._max_queued_bytes

    def is_full(self) -> bool:
        """Whether so much waits to be written that who can wait should."""
        full = self._queued_bytes >= self._max_queued_bytes
        return full and not (self._spills and self._fault) and not self._given_up

    def skip(self, exchange: int, reason: str) -> None:
        """In a run: note that recorded exchange ``exchange`` was not replayed, and why."""
        self._queue.put(Skipped(exchange, reason))

    def flush(self, timeout: float = 10.0) -> bool:
        """Wait until everything handed over so far is committed (or counted as dropped). False on timeout."""
        marker = Flush(threading.Event())
        with self._state:
            if self._closed:
                return True  # closing drains
            self._queue.put(marker)
        self._hurry.set()
        return marker.done.wait(timeout)

    def counters(self) -> Counters:
        """The counters now."""
        with self._state:
            lag = time.monotonic() - self._waiting[0] if self._waiting else 0.0
            return Counters(
                self._seen, self._written, self._dropped_by.total(), self._truncated, self._last_error,
                dict(self._dropped_by), self._redacted, len(self._waiting), self._queued_bytes, lag,
                self._fault.sentence if self._fault else "",
                self._files, self._series.untold, self._removed, self._unrotated,
            )  # fmt: skip

    def give_up(self) -> None:
        """Write nothing more: what waits, and what comes, is counted as dropped. For who cannot wait for it."""
        self._given_up = True
        self._hurry.set()

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
        ending = False
        while not ending:
            wait = max(0.0, self._trying.next - time.monotonic()) if self._held else TICK if self._rotates else None
            items = gathered(self._queue, wait, self._hurry, INTERVAL, BATCH)
            ending = bool(items) and items[-1] is None
            try:
                self._step(items, ending)
            except Exception as error:  # noqa: BLE001 - a thread that died here would lose all that follows, and say nothing
                self._give_up(error, items)

    def _step(self, items: list[Item | Flush | None], ending: bool) -> None:
        self._take(items)
        if ending:
            self._trying.hurry(time.monotonic(), LAST_PATIENCE)
        self._write()
        while ending and self._held:
            time.sleep(max(0.0, self._trying.next - time.monotonic()))
            self._write()
        if self._rotates and not ending and not self._fault:
            self._rotate()

    def _give_up(self, error: Exception, items: Iterable[Item | Flush | None]) -> None:
        """The last net: what nothing foresaw costs what was under way, counted, and not the recording."""
        self._held.clear()
        with self._state:
            exchanges, self._queued_bytes = left_in(self._queue)
            lost = len(self._waiting) - exchanges
            self._waiting = deque(islice(self._waiting, lost, None))
            self._lose(lost, Fault("unwritten", f"an error of Retape's own ({type(error).__name__})"))
        for marker in (*self._markers, *(item for item in items if isinstance(item, Flush))):
            marker.done.set()
        self._markers.clear()

    def _take(self, items: Iterable[Item | Flush | None]) -> None:
        """Hold ``items``, made ready to be written; what cannot be made ready is lost."""
        for item in items:
            if isinstance(item, Flush):
                self._markers.append(item)
            elif isinstance(item, Skipped):
                self._held.append(Held(item, 0))
            elif isinstance(item, Unended):
                self._never_ends(self._streams.end(item.exchange))
            elif item is not None and self._given_up:
                self._forgo(item)
            elif item is not None:
                size = size_of(item)
                try:
                    ready = self._streams.ready(item)
                except Unredacted as error:
                    self._settle(Held(error.item, size), Fault("unredacted", str(error)))
                    continue
                if ready is not None:
                    self._held.append(Held(ready, size))
                else:
                    with self._state:
                        self._queued_bytes -= size

    def _forgo(self, item: Exchange | Whole | Opened | Message) -> None:
        """Give up what is not made ready yet."""
        if isinstance(item, Exchange | Whole):
            exchange = item.exchange if isinstance(item, Whole) else item
            stream = self._streams.end(exchange.id)
            ready = exchange if stream is None else Ending(stream, exchange)
            self._settle(Held(ready, size_of(item)), GIVEN_UP)
        else:
            with self._state:
                self._queued_bytes -= size_of(item)

    def _never_ends(self, stream: streaming.Stream | None) -> None:
        """There was no room for an end: it stays open in the file, if it got there."""
        if stream is not None:
            stream.unended = True
            if not stream.stands_in and stream.row is None:
                with self._state:
                    self._lose(1, self._full())

    def _write(self) -> None:
        """Write what is held, unless it was tried a moment ago."""
        while self._given_up and self._held:
            self._settle(self._held.popleft(), GIVEN_UP)
        if self._held and time.monotonic() >= self._trying.next:
            self._try()
        if not self._held:
            for marker in self._markers:
                marker.done.set()
            self._markers.clear()

    def _try(self) -> None:
        while self._held and not self._given_up:
            batch = [self._held.popleft() for _ in range(min(BATCH, len(self._held)))]
            error = self._commit(batch)
            if error is None:
                continue
            fault = fault_of(error)
            if fault.of_file:
                if fault.reason == "file_damaged" and self._give_up_file():
                    self._held.extendleft(reversed(batch))
                    continue
                if fault.reason == "locked":
                    self._held.extendleft(reversed(batch))
                else:
                    self._held.extend(self._squeeze(batch))  # behind the others: those may be smaller
                self._in_trouble(fault)
                return
            # One row that cannot be written must not take its whole batch along.
            for one in batch:
                error = self._commit([one])
                if error is not None and fault_of(error).of_file:
                    self._held.append(one)
                elif error is not None:
                    self._settle(one, fault_of(error))
        with self._state:
            self._fault = None
        self._trying.done()

    def _squeeze(self, batch: list[Held]) -> list[Held]:
        """Write as much of ``batch`` as there is room for, the smallest first; what is left."""
        left = sorted(batch, key=lambda held: held.size)
        many = len(left) // 2
        while many:
            if self._commit(left[:many]) is None:
                left = left[many:]
                many = min(many, len(left))
            else:
                many //= 2
        return left

    def _in_trouble(self, fault: Fault) -> None:
        with self._state:
            self._fault = fault
        if not self._trying.failed(time.monotonic()):
            while self._held:
                self._settle(self._held.popleft(), fault)

    def _commit(self, batch: Sequence[Held]) -> Exception | None:
        """Write all of it and count it, or nothing and return why."""
        try:
            self._follow()
            items = streaming.reopened([held.item for held in batch], self._series.number)
            exchanges = [item for item in items if isinstance(item, Exchange)]
            streamed = [item for item in items if isinstance(item, Streamed)]
            more = streaming.growth(streamed, self._series.number)
            written = len(exchanges) + more.written
            truncated = sum(exchange.body_truncated for exchange in exchanges) + more.truncated
            totals = self._totals()
            totals = replace(
                totals,
                seen=totals.seen + more.seen,
                written=totals.written + written,
                truncated=totals.truncated + truncated,
            )
            self._series.commit(items, totals)
        except Exception as error:  # noqa: BLE001 - whatever a row holds, the thread must go on and count it
            return error
        streaming.written(streamed, self._series.number)
        exchanges += [item.completed() for item in streamed if isinstance(item, Ending)]
        with self._state:
            self._seen += more.seen
            self._written += written
            self._truncated += truncated
            self._redacted += sum(map(places_replaced, exchanges))
            self._queued_bytes -= sum(held.size for held in batch)
            for _ in exchanges:
                self._waiting.popleft()
        return None

    def _follow(self) -> None:
        if self._series.is_here():
            return
        try:
            self._note(self._series.leave(self._totals()))
            self._series.go_on(self._next_id)
        finally:
            self._look_at_files()

    def _rotate(self) -> None:
        """Go on in another file if it is time to."""
        if time.monotonic() < self._rotate_again:
            return
        why = ""
        try:
            self._series.rotate(self._totals(), self._next_id)
        except Exception as error:  # noqa: BLE001 - whatever it is, the present file is gone on with
            why, self._rotate_again = fault_of(error).sentence, time.monotonic() + LATER
        with self._state:
            self._unrotated = why
        self._look_at_files()

    def _look_at_files(self) -> None:
        with self._state:
            self._files, self._removed = self._series.files(), self._series.removed()
            self.path, self.session = self._series.path, self._series.session

    def _give_up_file(self) -> bool:
        loss = self._series.lose(Fate.DAMAGED, self._totals())
        self._note(loss)
        return loss is not None

    def _note(self, loss: Loss | None) -> None:
        with self._state:
            self._files = self._series.files()
            if loss is None:
                return
            self._written -= loss.written
            self._truncated -= loss.truncated
            self._lose(loss.written, Fault(loss.reason, REASONS[loss.reason]))

    def _settle(self, held: Held, fault: Fault) -> None:
        """What is held is lost."""
        item = held.item
        with self._state:
            self._queued_bytes -= held.size
            self._last_error = fault.sentence
            if isinstance(item, streaming.Said):
                item.stream.lost += 1
            elif isinstance(item, streaming.Opening):
                item.stream.row = None
                if item.stream.unended and not item.stream.stands_in:
                    self._lose(1, fault)
            elif isinstance(item, Exchange | Ending):
                self._waiting.popleft()
                if isinstance(item, Exchange) or not item.stream.stands_in:
                    self._lose(1, fault)

    def _lose(self, number: int, fault: Fault) -> None:
        """Count; the caller holds the lock."""
        self._dropped_by[fault.reason] += number
        self._last_error = fault.sentence

    def _totals(self) -> Tally:
        with self._state:
            return Tally(self._seen, self._written, self._dropped_by.total(), self._truncated)

    def _end(self, meta: Mapping[str, Any]) -> None:
        try:
            self._note(self._series.end(self._totals(), meta))
        except (sqlite3.Error, OSError) as error:
            with self._state:
                self._last_error = fault_of(error).sentence
