"""Which exchanges of a capture are worth a pin each: the fewest that show every behaviour. Pure over exchanges.

A behaviour is an endpoint with its status and the shape of its answer, or one kind of call to a dependency (endpoint,
outcome, shapes, once or more often). What shows which, and the choosing, is ``captures.distilling``. Here nothing that
an exchange needs is counted: a pin brings its own setup.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from captures.distilling import Distillate, Distilling, traits_of
from captures.model import Exchange
from captures.visible import visible
from replayer.plan import reason_to_skip


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Exchanges that got no pin: how many, of what, and why that loses nothing (or what it loses)."""

    endpoint: str
    outcome: str
    count: int
    why: str
    examples: tuple[int, ...] = ()

    def __str__(self) -> str:
        return f"left out: {self.count:,} x {visible(self.endpoint)} {self.outcome}: {self.why}"


def cover(
    exchanges: Iterable[tuple[Exchange, str, Sequence[tuple[Exchange, str]]]],
    limit: int | None = None,
    shown: Callable[[int], int] = lambda identity: identity,
) -> tuple[tuple[int, ...], tuple[LeftOut, ...]]:
    """The ids to pin, in order, and what is left out. ``exchanges``: each with its endpoint and its calls, with theirs.

    ``limit``: no more pins than that; then some behaviours are left out, and each is named. ``shown``: how an id is
    told to people (in a run: the recorded one).
    """
    distilling = Distilling()
    whole = True
    for exchange, endpoint, calls in exchanges:
        if pinnable(exchange):
            distilling.add(exchange, endpoint, traits_of(exchange, endpoint, calls))
            whole = False
    if whole:
        return (), ()
    result = distilling.distil(lambda identity: (), limit)
    return tuple(kept.exchange for kept in result.kept), tuple(_left_out(result, shown))


def pinnable(exchange: Exchange) -> bool:
    """Whether a pin can be made of it: it was answered completely and can be sent again."""
    complete = exchange.response is not None and exchange.failure is None and not exchange.body_truncated
    return complete and reason_to_skip(exchange) is None


def _left_out(result: Distillate, shown: Callable[[int], int]) -> Iterator[LeftOut]:
    for dropped in result.dropped:
        if dropped.like is None:
            why = "no room for what they show (--limit)"
        else:
            why = f"all they show is pinned, first in exchange {shown(dropped.like)}"
        yield LeftOut(dropped.endpoint, dropped.outcome, dropped.count, why, tuple(map(shown, dropped.examples)))
