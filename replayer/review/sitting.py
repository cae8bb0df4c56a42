"""One review: a run on the desk, the page made of it, and what was done so that it can be undone.

Everything happens under one lock, as the desk is for one at a time; many threads may ask.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from captures.config import Config, load
from captures.errors import UsageError
from captures.store import Capture
from captures.visible import visible
from captures.wording import counted
from diffing.model import Result
from diffing.reports import html
from diffing.reports.wording import verdict_sentence
from diffing.review.approvals import parse_until
from diffing.review.desk import Change, Desk
from diffing.review.hiding import Preview
from replayer.review import pins, told

Stamp = tuple[tuple[int, int, int] | None, ...]


class Replaced(UsageError):
    """The run or its recording is another one than the page was made of."""


@dataclass(frozen=True, slots=True)
class Paths:
    """What is reviewed, and where decisions go."""

    run: Path
    recorded: Path | None = None
    rules: Path | None = None
    config: Path | None = None
    pins: Path = Path("tests/pins")
    baselines: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True)
class Done:
    """One change, the newest of which can be undone."""

    said: str  # "Accepted 3 groups"
    file: str
    undo: Callable[[], str]  # takes it back, and says what that changed as a unified diff


class Sitting:
    """The review of one run from when it is opened until the server ends."""

    def __init__(self, paths: Paths, author: str = "", today: date | None = None) -> None:
        """Compare the run. Raises what :meth:`Desk.open` raises."""
        self._paths = paths
        self._author = author
        self._today = today
        self._lock = threading.Lock()
        self._done: list[Done] = []
        self._count = 0  # of changes, other people's included
        self._seen: tuple[tuple[tuple[str, ...], int], Preview] | None = None
        self._open()

    def _open(self) -> None:
        paths = self._paths
        self._desk = Desk.open(
            paths.run, paths.recorded, paths.rules, paths.config, baselines=paths.baselines, today=self._today
        )
        self._captures = _stamp((self._desk.run, self._desk.recorded))
        self._config_files = self._config().files
        self._files = self._stamp_of_files()
        self._page: bytes | None = None
        self._made_of: frozenset[str] = frozenset()  # the groups in the page
        self._shown: frozenset[str] = frozenset()  # in a page that somebody may still look at
        self._done = []
        self._count += 1

    @property
    def result(self) -> Result:
        """The run with the decisions that stand."""
        return self._desk.result

    @property
    def sentence(self) -> str:
        """The verdict as it stands."""
        return verdict_sentence(self._desk.result)

    @property
    def done(self) -> list[str]:
        """What was changed and not undone, in order."""
        return [f"{one.said}: {one.file}" for one in self._done]

    def page(self) -> bytes:
        """The whole page. Made anew only for other groups: decisions it asks for by itself.

        Never of a result and the captures of another one. Raises what :meth:`Desk.open` raises.
        """
        with self._lock:
            replaced = self._replaced()
            if replaced and self._page is None:  # nobody has seen or decided anything yet
                self._open()
                replaced = False
            desk = self._desk
            groups = frozenset(group.fingerprint for group in desk.result.groups)
            if self._page is None or (groups != self._made_of and not replaced):
                with Capture.open(desk.recorded) as recorded, Capture.open(desk.run) as run:
                    self._page = html.render(desk.result, recorded, run, review=True).encode("utf-8")
                self._made_of = groups
                self._shown |= groups
            return self._page

    def state(self, since: str = "") -> Mapping[str, Any]:
        """What stands now; ``since``: nothing more where that is what is known already."""
        with self._lock:
            self._look()
            return {"same": True} if since and since == self._at else self._state()

    def accept(self, groups: Sequence[str], reason: str, author: str, until: str) -> Mapping[str, Any]:
        """The new truth: for good, until a date, or until recorded again."""
        when = parse_until(until) if until else None
        if isinstance(when, date) and when < self._now:
            raise UsageError(f"{when} is over already.", hint="Give a day to come.")
        return self._decide(lambda desk: desk.accept(groups, reason=reason, author=author, until=when), groups)

    def reject(self, groups: Sequence[str], reason: str, author: str) -> Mapping[str, Any]:
        """Keeps failing, with a note."""
        return self._decide(lambda desk: desk.reject(groups, reason=reason, author=author), groups)

    def preview(self, groups: Sequence[str]) -> Mapping[str, Any]:
        """The rules that :meth:`ignore` would write, and what they would hide besides."""
        with self._lock:
            self._current()
            return told.previewed(self._seen_of(groups), self._desk.file.name)

    def ignore(self, groups: Sequence[str], reason: str, author: str) -> Mapping[str, Any]:
        """Rules that let them pass and still assert something."""
        return self._decide(
            lambda desk: desk.ignore(groups, reason=reason, author=author, seen=self._seen_of(groups)), groups
        )

    def _seen_of(self, groups: Sequence[str]) -> Preview:
        """Looked at once for the preview and the writing, unless something changed in between."""
        about = (tuple(groups), self._count)
        if self._seen is None or self._seen[0] != about:
            self._seen = (about, self._desk.preview(groups))
        return self._seen[1]

    def undo(self) -> Mapping[str, Any]:
        """Take the newest change back. Raises :class:`UsageError` when there is none, or it cannot be."""
        with self._lock:
            self._look()
            if not self._done:
                raise UsageError("Nothing was changed in this review that could be undone.")
            last = self._done[-1]
            diff = last.undo()
            self._done.pop()
            return self._after(f"Undone: {last.said[0].lower()}{last.said[1:]}", last.file, diff)

    def pin(self, groups: Sequence[str], exchange: int | None, side: str, *, write: bool) -> Mapping[str, Any]:
        """Pins of an example of each group, as recorded or as replayed; without ``write``: what they would be."""
        with self._lock:
            self._current()
            chosen = [self._desk.group(name) for name in groups]
            wanted = [pins.example_of(group, exchange if len(chosen) == 1 else None) for group in chosen]
            ids = sorted({identity for identity in wanted if identity is not None})
            if not ids:
                raise UsageError("No recorded request leads here, so there is nothing to pin.")
            capture = self._desk.run if side == "replayed" else self._desk.recorded
            drafts = pins.drafts_of(capture, ids, self._paths.pins, self._config())
            if not write:
                return pins.told(drafts)
            new = [draft for draft in drafts.pins if draft.before != draft.text]
            pins.write(new)
            said = told.done("pin", len(drafts.pins), "exchange")
            if not new:
                return self._after(f"{said} before; nothing was written", str(self._paths.pins), "")
            self._done.append(Done(said, pins.named(new), lambda: _pins_back(new)))
            return self._after(said, pins.named(new), pins.unified(new))

    def reopen(self) -> Mapping[str, Any]:
        """Look at the captures as they are now. Raises what :meth:`Desk.open` raises."""
        with self._lock:
            self._open()
            return {"state": self._state()}

    def _decide(self, act: Callable[[Desk], Change], groups: Sequence[str]) -> Mapping[str, Any]:
        with self._lock:
            self._current()
            if not groups:
                raise UsageError("No group was named.", hint="Tick some, or open one.")
            change = act(self._desk)
            said = told.done(change.verb, len(change.fingerprints))
            file = change.path.name
            if not change.diff:
                return self._after(f"{said} before; nothing was written", file, "")
            self._done.append(Done(said, file, lambda: self._desk.undo().diff))
            return self._after(said, file, change.diff)

    def _after(self, said: str, file: str, diff: str) -> Mapping[str, Any]:
        self._files = self._stamp_of_files()
        self._count += 1
        return {
            "said": f"{said}.",
            "file": file,
            "diff": visible(told.shortened(diff), lines=True),
            "state": self._state(),
        }

    def _current(self) -> None:
        """Raises :class:`Replaced` where what would be decided on is no longer there."""
        self._look()
        if self._replaced():
            raise Replaced("The run was replaced since this page was made.", hint="Load the new one first.")

    def _look(self) -> None:
        """Take in what others wrote into the files meanwhile."""
        now = self._stamp_of_files()
        if now != self._files:
            self._desk.refresh()
            self._files = now
            self._count += 1

    def _replaced(self) -> bool:
        return _stamp((self._desk.run, self._desk.recorded)) != self._captures

    def _config(self) -> Config:
        paths = self._paths
        return load(explicit=paths.config, rules=paths.rules if paths.rules and paths.rules.exists() else None)

    @property
    def _now(self) -> date:
        return self._today or date.today()  # noqa: DTZ011 - the user's own calendar

    def _stamp_of_files(self) -> Stamp:
        return _stamp((self._desk.file, *self._config_files))

    @property
    def _at(self) -> str:
        return f"{self._count}{'r' if self._replaced() else ''}"

    def _state(self) -> dict[str, Any]:
        last = self._done[-1] if self._done else None
        return {
            "at": self._at,
            **told.standing(self._desk.result, self._shown),
            "undo": last.said if last else "",
            "changed": counted(len(self._done), "change"),
            "replaced": self._replaced(),
            "author": self._author,
            "today": self._now.isoformat(),
            "rules": self._desk.file.name,
            "pins": str(self._paths.pins),
        }


def _pins_back(drafts: Sequence[pins.Draft]) -> str:
    pins.take_back(drafts)
    return pins.unified(drafts, back=True)


def _stamp(paths: Sequence[Path]) -> Stamp:
    """Tells whether a file is another one, or was written to."""
    stamps: list[tuple[int, int, int] | None] = []
    for path in paths:
        try:
            found = path.stat()
        except OSError:
            stamps.append(None)
        else:
            stamps.append((found.st_ino, found.st_size, found.st_mtime_ns))
    return tuple(stamps)
