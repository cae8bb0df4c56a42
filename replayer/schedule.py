"""Which request may go out next, and when. Pure: no sockets, no sleeping; the time is handed in.

A window of the recording is looked at. In it stands what is under way, what waits for another's answer
(:mod:`replayer.precedence`), what waits for its time (:mod:`replayer.pacing`), and what may go out: of these the one
recorded first, as long as fewer than ``concurrency`` are under way. One at a time nothing is looked ahead at, and the
order is the recorded one.

The schedule is absolute: the first request sets its beginning, and no delay moves what comes after.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass, field
from math import inf

from captures.model import Exchange
from replayer.chains import Chains
from replayer.lag import Lag
from replayer.pacing import Pacing
from replayer.plan import Order
from replayer.precedence import Edge, Precedence

AHEAD = 4  # exchanges looked at for each that may be under way
LEAST_AHEAD = 64
HELD_BYTES = 64 * 1024 * 1024  # of bodies in the window


@dataclass(frozen=True, slots=True)
class Start:
    """Send ``recorded`` now. ``lag``: seconds since it was due, None without a schedule."""

    recorded: Exchange
    lag: float | None = None


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing may go out before a request under way is finished, or before the time ``until``."""

    until: float = inf


@dataclass(slots=True)
class _Entry:
    recorded: Exchange
    index: int
    due: float  # on the caller's clock, counted from the beginning of the schedule
    edges: tuple[Edge, ...]
    waits_for: int
    followers: list[_Entry] = field(default_factory=list)


class Schedule:
    """The order and the times of one replay. ``recorded``, in its order, is read as far ahead as the window needs."""

    def __init__(
        self,
        recorded: Iterator[Exchange],
        *,
        concurrency: int = 1,
        order: Order = Order.RECORDED,
        pacing: Pacing | None = None,
        window: int | None = None,
        chains: Chains | None = None,
    ) -> None:
        self._recorded = recorded
        self._concurrency = concurrency
        self._pacing = pacing or Pacing()
        self._paced = self._pacing != Pacing()
        self._precedence = Precedence(order, chains or Chains()) if concurrency > 1 else None
        self._window = (window or max(LEAST_AHEAD, AHEAD * concurrency)) if concurrency > 1 else 1
        self._entries: dict[int, _Entry] = {}
        self._ready: list[tuple[float, int, _Entry]] = []
        self._count = self._running = self._bytes = 0
        self._exhausted = False
        self._session: int | None = None
        self._first = self._last = self._passed = 0.0  # recorded times: of this session; seconds of those before it
        self._began: float | None = None
        self.lag = Lag()

    def next(self, now: float) -> Start | Wait | None:
        """What to do at ``now``; None: everything is finished."""
        self._look_ahead()
        if not self._entries:
            return None
        if self._running >= self._concurrency or not self._ready:
            return Wait()
        if self._began is None:
            self._began = now
        due, _, entry = self._ready[0]
        if self._paced and now < self._began + due:
            return Wait(self._began + due)
        heapq.heappop(self._ready)
        self._running += 1
        if not self._paced:
            return Start(entry.recorded)
        lag = now - (self._began + due)
        self.lag.add(lag)
        return Start(entry.recorded, lag)

    def finish(self, exchange: int) -> None:
        """Recorded ``exchange``, which was started, is over: what waited for its answer may go."""
        entry = self._entries.pop(exchange)
        self._running -= 1
        self._bytes -= _size(entry.recorded)
        if self._precedence is not None:
            self._precedence.finish(exchange)
        for follower in entry.followers:
            follower.waits_for -= 1
            if not follower.waits_for:
                heapq.heappush(self._ready, (follower.due, follower.index, follower))

    def unfinished(self) -> list[int]:
        """What was read from the recording and is not over: under way, or not even started."""
        return list(self._entries)

    def edges(self, exchange: int) -> tuple[Edge, ...]:
        """What ``exchange``, which is not over, had to wait for when it was looked at."""
        return self._entries[exchange].edges

    def _look_ahead(self) -> None:
        while not self._exhausted and len(self._entries) < self._window:
            if self._entries and self._bytes >= HELD_BYTES:
                return
            recorded = next(self._recorded, None)
            if recorded is None:
                self._exhausted = True
                return
            edges = self._precedence.add(recorded) if self._precedence is not None else ()
            due = self._pacing.due(self._count, self._since_first(recorded)) if self._paced else 0.0
            entry = _Entry(recorded, self._count, due, edges, len(edges))
            self._count += 1
            self._bytes += _size(recorded)
            self._entries[recorded.id] = entry
            for edge in edges:
                self._entries[edge.before].followers.append(entry)
            if not edges:
                heapq.heappush(self._ready, (due, entry.index, entry))

    def _since_first(self, recorded: Exchange) -> float:
        """Recorded seconds since the first request; the time between two recordings is nobody's pace, and left out."""
        started = recorded.timing.started
        if recorded.session != self._session:
            self._passed += max(self._last - self._first, 0.0)
            self._session, self._first, self._last = recorded.session, started, started
        self._last = max(self._last, started)
        return self._passed + started - self._first


def _size(recorded: Exchange) -> int:
    response = len(recorded.response.body) if recorded.response is not None else 0
    return len(recorded.request.body) + response
