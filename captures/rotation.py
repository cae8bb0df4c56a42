"""A recording in many files: when it goes on in another, how they are called, which of them are kept.

``shop.sqlite`` is followed by ``shop-20261130T125500Z.sqlite``, named by the time it begins. A file never changes its
name. Its sessions say in their meta which ``series`` it belongs to, so that the next recording goes on with the series
and so that only files of it are ever removed: a file with any session that says nothing of it is somebody's own.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from captures.capture_file import give_up_lock, take_lock
from captures.errors import CaptureError
from captures.replacing import remove
from captures.store import Capture

LOOK = 30.0  # seconds between two looks whether a file has grown too old to be kept


@dataclass(frozen=True, slots=True)
class Rotation:
    """When a recording goes on in another file, and which of its files are kept; None where there is no such bound."""

    size: int | None = None  # bytes; a file is a little larger, it ends with a whole batch
    seconds: float | None = None  # from the beginning of a file
    keep_files: int | None = None  # the one that is being written among them
    keep_seconds: float | None = None  # from the end of a file
    keep_bytes: int | None = None  # of all files together

    @property
    def keeps(self) -> bool:
        """Whether there is a bound on what is kept."""
        return any(bound is not None for bound in (self.keep_files, self.keep_seconds, self.keep_bytes))

    def is_due(self, size: int, age: float) -> bool:
        """Whether a file of ``size`` bytes that was begun ``age`` seconds ago is done."""
        return (self.size is not None and size >= self.size) or (self.seconds is not None and age >= self.seconds)


@dataclass(frozen=True, slots=True)
class Member:
    """A file of a series that nobody writes into."""

    path: Path
    number: int  # in its series, from 1
    next_id: int  # neither it nor a file before it has an exchange of this id or above
    begun: float  # Unix seconds
    ended: float
    size: int  # bytes
    exchanges: int


def surplus(members: Sequence[Member], rotation: Rotation, current: int, now: float) -> list[Member]:
    """Those of ``members`` that are kept no longer beside a newest file of ``current`` bytes, oldest first. Pure."""
    kept = sorted(members, key=lambda member: member.number)
    gone: list[Member] = []

    def too_much() -> bool:
        if rotation.keep_files is not None and len(kept) + 1 > rotation.keep_files:
            return True
        if rotation.keep_seconds is not None and kept[0].ended < now - rotation.keep_seconds:
            return True
        total = current + sum(member.size for member in kept)
        return rotation.keep_bytes is not None and total > rotation.keep_bytes

    while kept and too_much():
        gone.append(kept.pop(0))
    return gone


class Shelf:
    """The other files of a series that rotates, with the lock that keeps a second recorder from going on with it.

    Belongs to the writer's thread, once made. Raises :class:`CaptureError` as a capture file does.
    """

    def __init__(self, base: Path, rotation: Rotation, now: float) -> None:
        self.removed_files = self.removed_exchanges = 0  # those that were kept no longer
        self._base = base
        self._rotation = rotation
        self._lock_file = take_lock(Path(f"{base}.series.lock"), base)
        self._looked = now
        name, self._members = members(base)
        self._name = name or secrets.token_hex(6)
        self._number = 1
        self.first, self.first_id = base, 1  # the file to begin with, and the first id that no file has
        self.follows: Mapping[str, str] | None = None
        if not self._members:
            if base.exists() and base.stat().st_size:  # somebody's own: neither gone on with nor ever removed
                self.first = successor(base, now)
            return
        newest = self._members[-1]
        self._number, self.first_id = newest.number, newest.next_id
        if newest.exchanges and rotation.is_due(newest.size, now - newest.begun):
            self._number += 1
            self.first, self.follows = successor(base, now), follows(newest.path, "rotated")
        else:
            self.first = self._members.pop().path

    def is_due(self, size: int, begun: float, now: float) -> bool:
        """Whether the newest file, of ``size`` bytes and begun at ``begun``, is done."""
        return self._rotation.is_due(size, now - begun)

    def next(self, now: float) -> Path:
        """The name of the file after the newest."""
        return successor(self._base, now)

    def mark(self, first_id: int, step: int = 0) -> dict[str, Any]:
        """What the newest file (``step`` 1: the one after it) says of itself; its ids are not below ``first_id``."""
        return {"id": self._name, "number": self._number + step, "first_id": first_id}

    def add(self, path: Path, begun: float, ended: float, exchanges: int) -> None:
        """The newest file is done, and another is the newest."""
        if self._rotation.keeps:  # else none of them is ever asked for
            size = path.stat().st_size if path.exists() else 0
            self._members.append(Member(path, self._number, 0, begun, ended, size, exchanges))
        self._number += 1

    def tidy(self, current: int, now: float, *, at_once: bool = True) -> list[Path]:
        """Remove what is kept no longer beside a newest file of ``current`` bytes; not ``at_once``: now and then."""
        if not at_once and now - self._looked < LOOK:
            return []
        self._looked = now
        gone = []
        for member in surplus(self._members, self._rotation, current, now):
            try:
                remove(member.path)
            except OSError:
                break  # it is tried again, and nothing newer goes before it
            self._members.remove(member)
            self.removed_files += 1
            self.removed_exchanges += member.exchanges
            gone.append(member.path)
        return gone

    def close(self) -> None:
        """Give up the lock."""
        give_up_lock(self._lock_file)


def follows(path: Path, why: str) -> Mapping[str, str]:
    """What a session says of the file before its own."""
    return {"file": path.name, "why": why}


def successor(path: Path, at: float) -> Path:
    """A name that nothing has, for the file that follows ``path`` at time ``at``: ``shop-20261130T125500Z.sqlite``."""
    stamp = f"{datetime.fromtimestamp(at, UTC):%Y%m%dT%H%M%SZ}"
    number = 1
    while True:
        ending = stamp if number == 1 else f"{stamp}-{number}"
        wanted = path.with_name(f"{path.stem}-{ending}{path.suffix}")
        if not wanted.exists() and not wanted.is_symlink():
            return wanted
        number += 1


def members(base: Path) -> tuple[str | None, list[Member]]:
    """The series that the newest rotated file of ``base`` belongs to, and its files, oldest first.

    Must not be asked while this process writes one of them: closing it would give up SQLite's locks on it (fcntl).
    """
    pattern = re.compile(rf"{re.escape(base.stem)}-\d{{8}}T\d{{6}}Z(-\d+)?{re.escape(base.suffix)}")
    if not base.parent.is_dir():
        return None, []
    names = [path for path in base.parent.iterdir() if path.name == base.name or pattern.fullmatch(path.name)]
    found = [entry for path in names if path.is_file() and not path.is_symlink() and (entry := _look(path))]
    found.sort(key=lambda entry: (entry[1].begun, entry[1].number))
    newest = found[-1][0] if found else None
    return newest, [member for name, member in found if name == newest]


def _look(path: Path) -> tuple[str, Member] | None:
    """The series of the file at ``path`` and what it is in it; None where it is in none."""
    try:
        with Capture.open(path) as capture:
            sessions = capture.sessions()
            newest = capture.newest
    except CaptureError:
        return None
    names: set[object] = set()
    numbers: list[int] = []
    ids = [newest + 1]
    for session in sessions:
        mark = session.meta.get("series")
        if not isinstance(mark, dict) or session.mode != "record":
            return None
        number, first_id = mark.get("number"), mark.get("first_id")
        if type(number) is not int or type(first_id) is not int:
            return None
        names.add(mark.get("id"))
        numbers.append(number)
        ids.append(first_id)
    if len(names) != 1:
        return None
    (name,) = names
    if not isinstance(name, str):
        return None
    stat, last = path.stat(), sessions[-1].ended
    ended = stat.st_mtime if last is None else last
    written = sum(session.written for session in sessions)
    return name, Member(path, max(numbers), max(ids), sessions[0].started, ended, stat.st_size, written)
