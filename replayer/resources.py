"""Which earlier changes an exchange comes after because of its path: those of the same resource, of one above it, and,
for a read, of what lies below it. Pure.

What was made within the recording is followed by its ids (``prerequisites``), collections by what they show. Here is
what no id tells: a change of something that was there before, whoever named it first. An action without an id
(``POST /login``) is no change of a resource, but for a read of the very same path.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from captures.model import Exchange
from replayer.clients import Client, clients_of
from replayer.touching import Path, is_id, touch_of

_Whose = tuple[Path, frozenset[Client]]


@dataclass(slots=True)
class Resources:
    """The changes seen so far, of one session. Memory grows with them, and a little with what follows them."""

    _latest: dict[_Whose, int] = field(default_factory=dict)  # the last change; that one follows the one before it
    _acts: dict[_Whose, int] = field(default_factory=dict)  # the last POST to a path without an id
    _below: dict[Path, list[int]] = field(default_factory=dict)
    _after: dict[int, tuple[int, ...]] = field(default_factory=dict)
    _reads: dict[int, tuple[Path, int]] = field(default_factory=dict)  # how many of those below came first

    def add(self, exchange: Exchange, *, made: bool) -> None:
        """The next exchange. ``made``: within the recording, which whoever shows it follows by its ids."""
        touch = touch_of(exchange)
        if not touch.path:
            return
        client = frozenset(one for one in clients_of(exchange) if one[0] != "connection")
        whose = [_whose(touch.path[:length], client) for length in range(1, len(touch.path) + 1)]
        after = [self._latest[one] for one in whose if one in self._latest]
        if not touch.write:
            act = self._acts.get(whose[-1])
            after += [act] if act is not None else []
            below = self._below.get(touch.path)
            if below:
                self._reads[exchange.id] = touch.path, len(below)
        elif touch.deep:
            about_one = any(map(is_id, touch.path))
            (self._latest if about_one or exchange.request.method != "POST" else self._acts)[whose[-1]] = exchange.id
            if about_one and not made:
                for length in range(1, len(touch.path)):
                    self._below.setdefault(touch.path[:length], []).append(exchange.id)
        if after:
            self._after[exchange.id] = tuple(after)

    def before(self, exchange: int) -> Iterator[int]:
        """The changes that ``exchange`` comes after; of one path the last, which comes after the others."""
        yield from self._after.get(exchange, ())
        path, count = self._reads.get(exchange, ((), 0))
        yield from self._below.get(path, ())[:count]


def _whose(path: Path, client: frozenset[Client]) -> _Whose:
    """Without an id, such as ``/settings`` and ``/me``, a path may be another resource for each client."""
    return path, frozenset() if any(map(is_id, path)) else client
