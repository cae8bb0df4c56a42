"""What the exchanges of a capture cannot do without, when some of them are to be kept and others are not.

An inbound exchange needs the earlier ones that made what it names and changed it since (``prerequisites``), and the
calls that were made while it was open and may be its own; those it is known to have caused go where it goes.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from captures.model import Direction, Exchange
from captures.store import Capture
from replayer.chain_rules import ChainRule
from replayer.chains import Chains
from replayer.prerequisites import History


@dataclass(slots=True)
class Needs:
    """Learnt from a whole capture. Memory grows with ids, not with bodies."""

    history: History
    _open: dict[int, tuple[float, float]] = field(default_factory=dict)  # inbound exchange -> started, ended
    _loose: array[int] = field(default_factory=lambda: array("q"))  # calls without a certain cause, by start
    _at: array[float] = field(default_factory=lambda: array("d"))

    @classmethod
    def of(
        cls, source: Capture, rules: Sequence[ChainRule] = (), told: Callable[[int], None] = lambda count: None
    ) -> Needs:
        """What the exchanges of ``source`` need; ``rules``: the ``[[chain]]`` tables."""
        needs = cls(History(chains=Chains(rules)))
        loose = sorted((call.timing.started, call.id) for call in source.uncaused(None))
        needs._at.extend(at for at, _ in loose)
        needs._loose.extend(identity for _, identity in loose)
        for count, exchange in enumerate(source.exchanges(direction=Direction.INBOUND)):
            needs.history.add(exchange)
            if loose:
                started = exchange.timing.started
                needs._open[exchange.id] = started, exchange.timing.ended or started
            told(count)
        return needs

    def of_exchange(self, inbound: int) -> Iterator[int]:
        """Every exchange that ``inbound`` needs, itself left out; of calls those without a certain cause."""
        steps = self.history.setup_for(inbound)
        yield from steps
        for one in (*steps, inbound):
            yield from self.loose_calls(one)

    def loose_calls(self, inbound: int) -> Sequence[int]:
        """The calls without a certain cause that began while ``inbound`` was open."""
        started, ended = self._open.get(inbound, (1.0, 0.0))
        return self._loose[bisect_left(self._at, started) : bisect_right(self._at, ended)]


def certainly_caused(call: Exchange) -> int | None:
    """The inbound exchange that ``call`` belongs to, where one is known."""
    return call.cause.exchange if call.direction is Direction.OUTBOUND and call.cause is not None else None
