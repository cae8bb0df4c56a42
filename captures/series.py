"""The files that one recording is written into, one after another.

There is a second one where the first was moved, removed or cut short while it was written, and where the recording
rotates (``captures.rotation``). Each file has a session of its own whose counters are that file's: they add up over the
files. A later one says in its meta which it ``follows``, and why. Ids go on from file to file: no two exchanges of a
recording have the same.
"""

from __future__ import annotations

import errno
import os
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from captures.capture_file import CaptureFile, Fate, Tally
from captures.model import Exchange, Skipped
from captures.rotation import Rotation, Shelf, follows, successor
from captures.streaming import Streamed

TOLD = 100  # files that are told of by name; of those before them only how many there are, and their size


@dataclass(frozen=True, slots=True)
class Loss:
    """Exchanges that were written and are gone with their file."""

    written: int
    truncated: int
    reason: str  # of ``captures.faults.REASONS``


@dataclass(frozen=True, slots=True)
class Beginning:
    """What each session of a recording begins with."""

    mode: str
    now: Callable[[], float]
    redaction_key: str | None = None
    meta: Mapping[str, Any] = field(default_factory=dict)


class Series:
    """Writes into the newest file. Belongs to the writer's thread. The constructor raises as :class:`CaptureFile`."""

    def __init__(
        self, path: Path, beginning: Beginning, *, replace_run: bool = False, rotation: Rotation | None = None
    ) -> None:
        self._path = path
        self._beginning = beginning
        self._base = Tally()  # what the files before this one have of the recording's counters
        self._ended: list[tuple[Path, int]] = []  # files that are complete, and the recording's session in each
        self._is_tidied = rotation is not None and rotation.keeps
        self.untold = (0, 0)  # files that :meth:`files` does not tell, and bytes in them
        self._shelf = Shelf(path, rotation, beginning.now()) if rotation is not None else None
        self._follows = self._shelf.follows if self._shelf else None  # what the next file says of the one before
        first = self._shelf.first if self._shelf else path
        self.is_new = not first.exists()
        self.first_id = self._shelf.first_id if self._shelf else 1
        try:
            self._file: CaptureFile | None = self._open(first, self.first_id, replace_run=replace_run)
        except BaseException:
            if self._shelf is not None:
                self._shelf.close()
            raise
        self.first_id = max(self.first_id, self._file.first_id)
        self.path, self.session = first, self._file.session  # of the newest file
        self.number = 1  # of the newest file, in this recording
        self._tidy(at_once=True)

    def files(self) -> tuple[tuple[str, int], ...]:
        """Path and session of the files of this recording that are there, oldest first; but for those ``untold``."""
        current = [] if self._file is None else [(self._file.path, self._file.session)]
        return tuple((str(path), session) for path, session in (*self._ended, *current))

    def removed(self) -> tuple[int, int]:
        """How many files were removed because they are kept no longer, and exchanges in them."""
        return (self._shelf.removed_files, self._shelf.removed_exchanges) if self._shelf else (0, 0)

    def commit(self, items: Sequence[Exchange | Skipped | Streamed], totals: Tally) -> None:
        """Write ``items``; ``totals`` are the recording's counters then. Raises why not."""
        if self._file is None:
            raise AssertionError("go_on() comes before")
        self._file.commit(items, self._share(totals))

    def is_here(self) -> bool:
        """Whether the present file is where it was."""
        return self._file is not None and (self._beginning.mode != "record" or self._file.fate() is Fate.HERE)

    def leave(self, totals: Tally) -> Loss | None:
        """Take leave of the present file, which is not where it was; what was lost with it. Raises why it cannot be.

        One that was moved is completed under its new name.
        """
        if self._file is None:
            return None
        fate = self._file.fate()
        if fate is not Fate.MOVED:
            return self.lose(fate, totals)
        self._finish(self._file, totals)
        self._follows = follows(self._file.path, fate.value)
        self._file = None
        return None

    def lose(self, fate: Fate, totals: Tally) -> Loss | None:
        """Give up the present file, which is gone or no capture any more: what it held is lost."""
        if self._file is None:
            return None
        share = self._share(totals)
        self._file.abandon()
        self._follows = follows(self._file.path, fate.value)
        self._file = None
        return Loss(share.written, share.truncated, "file_removed" if fate is Fate.REMOVED else "file_damaged")

    def go_on(self, first_id: int) -> None:
        """Open the next file, if there is none; its ids are not below ``first_id``. Raises why not."""
        if self._file is None:
            self._file = self._open(self._next_path(), first_id)
            self.path, self.session = self._file.path, self._file.session
            self.number += 1

    def rotate(self, totals: Tally, first_id: int) -> bool:
        """Go on in another file if it is time to, with ids from ``first_id`` on; whether it was.

        Raises why it cannot be done; the present file is gone on with then.
        """
        old, shelf, now = self._file, self._shelf, self._beginning.now()
        if old is None or shelf is None:
            return False
        if old.is_empty or not shelf.is_due(old.bytes(), old.begun_at, now):
            self._tidy()
            return False
        self._follows = follows(old.path, "rotated")
        new = self._open(shelf.next(now), first_id, step=1)
        try:
            old.point_elsewhere()
            share = self._finish(old, totals)
        except BaseException:
            new.close()
            with suppress(OSError):
                new.path.unlink()
            raise
        shelf.add(old.path, old.begun_at, now, share.written)
        self._file, self.path, self.session = new, new.path, new.session
        self.number += 1
        self._tidy(at_once=True)
        return True

    def end(self, totals: Tally, meta: Mapping[str, Any]) -> Loss | None:
        """End the session and close the file; what was lost where it had gone by then.

        Raises ``sqlite3.Error`` when the end could not be written.
        """
        try:
            return self._end(totals, meta)
        finally:
            if self._shelf is not None:
                self._shelf.close()

    def begun(self) -> None:
        """See :meth:`CaptureFile.begun`."""
        if self._file is not None:
            self._file.begun()

    def _end(self, totals: Tally, meta: Mapping[str, Any]) -> Loss | None:
        file = self._file
        if file is None:
            return None
        fate = file.fate() if self._beginning.mode == "record" else Fate.HERE
        if fate in (Fate.REMOVED, Fate.DAMAGED):
            return self.lose(fate, totals)
        try:
            pointed = self._shelf is None or _pointed_elsewhere(file)
            file.end(self._share(totals), self._beginning.now(), meta)  # has room also where the disk is full
            if not pointed:
                _pointed_elsewhere(file)
            if fate is Fate.MOVED:
                self._ended.append((file.name_now(), file.session))
                self._file = None
        finally:
            file.close()
        return None

    def _finish(self, file: CaptureFile, totals: Tally) -> Tally:
        """Complete ``file``; its part of the counters. Exchanges that are not written yet belong to the next one."""
        share = self._share(totals)
        share = Tally(share.written + share.dropped, share.written, share.dropped, share.truncated)
        file.end(share, self._beginning.now(), {})
        self._ended.append((file.name_now(), file.session))
        file.close()
        self._forget()
        self._base = Tally(self._base.seen + share.seen, totals.written, totals.dropped, totals.truncated)
        return share

    def _forget(self) -> None:
        """A recording that goes on for weeks, and whose files are kept, must not keep a list of them all."""
        while len(self._ended) > TOLD and not self._is_tidied:
            path, _ = self._ended.pop(0)
            with suppress(OSError):
                self.untold = (self.untold[0] + 1, self.untold[1] + path.stat().st_size)

    def _tidy(self, *, at_once: bool = False) -> None:
        if self._shelf is None or self._file is None:
            return
        removed = self._shelf.tidy(self._file.bytes(), self._beginning.now(), at_once=at_once)
        # The system tells full names, those of the shelf are as they were given.
        gone = {name for path in removed for name in (path, path.resolve())}
        self._ended = [(path, session) for path, session in self._ended if path not in gone]

    def _next_path(self) -> Path:
        if not self._path.parent.is_dir():  # not made again: it may be a disk that is not mounted
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
        if self._shelf is not None:
            return self._shelf.next(self._beginning.now())
        return successor(self._path, self._beginning.now()) if self._path.exists() else self._path

    def _open(self, path: Path, first_id: int, *, replace_run: bool = False, step: int = 0) -> CaptureFile:
        beginning = self._beginning
        meta = dict(beginning.meta)
        if self._follows is not None:
            meta["follows"] = self._follows
        if self._shelf is not None:
            meta["series"] = self._shelf.mark(first_id, step)
        return CaptureFile(
            path,
            mode=beginning.mode,
            started=beginning.now(),
            redaction_key=beginning.redaction_key,
            meta=meta,
            replace_run=replace_run,
        )

    def _share(self, totals: Tally) -> Tally:
        """The present file's part of the recording's counters."""
        base = self._base
        return Tally(
            totals.seen - base.seen,
            totals.written - base.written,
            totals.dropped - base.dropped,
            totals.truncated - base.truncated,
        )


def _pointed_elsewhere(file: CaptureFile) -> bool:
    """Whether every call of ``file`` names what is in it: the counters must not be lost for that."""
    try:
        file.point_elsewhere()
    except sqlite3.Error:
        return False
    return True
