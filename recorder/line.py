"""The socket from a proxy to the writing process: batches of calls, and what is known of them when it breaks.

A batch is one pickle, of a socket that only the two processes have: ``(until, calls)``. Nothing that is noted later
happened before ``until``; a call is ``(time, method of recorder.scribe.Intake, arguments…)``. Times are of the
machine's monotonic clock, which all its processes share.

A writing process that is killed takes along what it had not committed. Of that nobody has a copy, but it is known how
much had gone over (:attr:`Line.told`), so that the parent can count what is lost. What is open then is told again to
the next one, whose end of a new socket the parent hands over; a batch that was not through is no loss either.
"""

from __future__ import annotations

import pickle
import socket
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import fields
from operator import attrgetter
from typing import Any, BinaryIO

from captures.model import (
    Cause,
    CauseHow,
    Direction,
    Exchange,
    Failure,
    FailureKind,
    Message,
    Request,
    Response,
    Timing,
)

Call = tuple[Any, ...]
Batch = tuple[float, list[Call]]


def _reducers() -> dict[type, Callable[[Any], tuple[Any, ...]]]:
    """How to pickle what an exchange is made of: a tenth of what frozen, slotted dataclasses cost by themselves."""
    found: dict[type, Callable[[Any], tuple[Any, ...]]] = {}
    for kind in (Exchange, Request, Response, Timing, Cause, Failure, Message):
        found[kind] = _reducer(kind, attrgetter(*(field.name for field in fields(kind))))
    for word in (Direction, CauseHow, FailureKind):
        found[word] = _reducer(word, lambda one: (one.value,))
    return found


def _reducer(made: type, arguments: Callable[[Any], tuple[Any, ...]]) -> Callable[[Any], tuple[Any, ...]]:
    return lambda one: (made, arguments(one))


def _send(batch: Batch, out: BinaryIO, reducers: Mapping[type, Any]) -> None:
    """Write ``batch`` to ``out``. Large bodies are not copied, and leave while other threads run."""
    pickler = pickle.Pickler(out, 5)
    pickler.dispatch_table = reducers
    pickler.dump(batch)
    out.flush()


def receive(source: BinaryIO) -> Batch | None:
    """The next batch; None at the end, also where that cuts a batch short (its sender was killed)."""
    try:
        batch: Batch = pickle.load(source)  # noqa: S301 - written by our own process, over a socket nobody else has
    except (EOFError, OSError, pickle.UnpicklingError):
        return None
    return batch


class Line:
    """A proxy's end. Belongs to the thread that sends.

    ``renewals``: where the parent hands over the end of a new socket when one has broken; its end means that none
    will come. ``broke`` is told, then, how many exchanges had gone over the old one.
    """

    def __init__(
        self,
        first: socket.socket,
        renewals: socket.socket | None = None,
        broke: Callable[[int], object] = lambda told: None,
    ) -> None:
        self._socket, self._out = first, first.makefile("wb")
        self._renewals = renewals
        self._broke = broke
        self._reducers = _reducers()
        self._begun: dict[int, list[Call]] = {}  # what was told of the exchanges that are open, by handle
        self.told = 0  # exchanges that went over the present socket: ended, or written while they go on
        self.untold = 0  # exchanges that nobody was there for any more
        self.is_cut = False  # for good

    def tell(self, until: float, calls: list[Call]) -> None:
        """Send a batch, over another socket where this one is broken. Waits for it; without one it is counted."""
        while not self.is_cut:
            try:
                _send((until, calls), self._out, self._reducers)
            except OSError:
                self._renew()
            else:
                self.told += self._count(calls)
                return
        self.untold += self._count(calls)

    def close(self) -> None:
        """Nothing more is told."""
        for one in (self._out, self._socket, self._renewals):
            if one is not None:
                with suppress(OSError):
                    one.close()

    def _renew(self) -> None:
        """Go on with another writing process: it is told of what is open."""
        self._broke(self.told)
        self.told = 0
        with suppress(OSError):
            self._out.close()
        self._socket.close()
        new = self._next()
        if new is None:
            self.is_cut = True
            return
        self._socket, self._out = new, new.makefile("wb")
        again = [call for calls in self._begun.values() for call in calls]
        self._begun = {}
        self.tell(0.0, again)

    def _next(self) -> socket.socket | None:
        if self._renewals is None:
            return None
        try:
            said, descriptors, _, _ = socket.recv_fds(self._renewals, 1, 1)
        except OSError:
            return None
        return socket.socket(fileno=descriptors[0]) if said and descriptors else None

    def _count(self, calls: Iterable[Call]) -> int:
        """How many exchanges ``calls`` end, or have written while they go on. Remembers what they begin."""
        number = 0
        for call in calls:
            method, what = call[1], call[2]
            if method == "start":
                self._begun[what] = [call]
            elif method in {"put", "lose"}:
                before = self._begun.pop(what if method == "lose" else what.id, ())
                number += not _is_written(before)
            elif method == "drop":
                number += what
            elif method == "begin":
                self._begun[what.id].append(call)
                number += 1
            elif method not in {"add", "end"}:
                self._begun[what].append(call)
        return number


def _is_written(calls: Sequence[Call]) -> bool:
    """Whether an exchange of which ``calls`` were told is written while it goes on: counted already."""
    return any(call[1] == "begin" for call in calls)
