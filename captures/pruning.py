"""What leaves a capture when it is pruned, and what stays for the sake of others. Pure.

An exchange goes when every criterion that was given says so. It stays all the same where one that stays needs it: a
call belongs to the request that caused it, and a request may need what an earlier one made.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from captures.errors import UsageError
from captures.model import Exchange
from captures.quantities import seconds_of
from captures.selection import Selection

_LIKE = "Like: --before 2026-11-21, --before '2026-11-21 09:30' (UTC), or an age: --before 12h, --before 7d."


@dataclass(frozen=True, slots=True)
class Criteria:
    """What is to go: everything that all of these say."""

    only: Selection
    before: float | None = None  # started earlier, Unix seconds
    failed: bool = False  # only without a whole answer
    keep_last: int = 0  # the latest so many of what would go stay

    def say(self, exchange: Exchange, endpoint: str) -> bool:
        """Whether ``exchange`` is to go, but for :attr:`keep_last`."""
        return (
            (self.before is None or exchange.timing.started < self.before)
            and (not self.failed or exchange.failure is not None)
            and self.only.matches(exchange, endpoint)
        )


@dataclass(frozen=True, slots=True)
class Pruned:
    """What goes, and what stays only because something that stays needs it."""

    gone: frozenset[int]
    needed: dict[int, int]  # exchange -> the first one that needs it


def moment_of(text: str, now: float) -> float:
    """The point in time that ``text`` names (Unix seconds): a date, a time, or an age before ``now``.

    Raises :class:`UsageError`.
    """
    age = seconds_of(text)
    if age is not None:
        return now - age
    try:
        at = datetime.fromisoformat(text.strip())
    except ValueError as error:
        raise UsageError(f"--before {text!r} is no time.", hint=_LIKE) from error
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()


def pruned(
    asked: Iterable[int], inbound: Iterable[int], needs: Callable[[int], Iterable[int]], keep_last: int = 0
) -> Pruned:
    """Which of ``asked`` (inbound exchanges, and calls without a certain cause, in order) go.

    ``inbound``: every inbound exchange. ``needs``: which others an inbound exchange cannot do without.
    """
    going = list(asked)
    gone = set(going[: len(going) - keep_last] if keep_last else going)
    needed: dict[int, int] = {}
    if gone:
        for one in inbound:
            if one in gone:
                continue
            for other in needs(one):
                if other in gone:
                    needed.setdefault(other, one)
    return Pruned(frozenset(gone - set(needed)), needed)
