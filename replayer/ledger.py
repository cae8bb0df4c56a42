"""What became of each exchange of a replay: every one ends in exactly one place, and is told of once."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Protocol

from captures.model import Exchange
from replayer.events import Event, ExchangeDone, Passed


class Skips(Protocol):
    """Where it is written that an exchange was not replayed: a capture writer."""

    def skip(self, exchange: int, reason: str) -> None:
        """Recorded ``exchange`` was not replayed, for ``reason``."""


@dataclass(slots=True)
class Ledger:
    """``done`` of ``total`` were sent or passed over. What is only set up for others is not judged, nor counted."""

    total: int
    setup: frozenset[int]
    writer: Skips
    emit: Callable[[Event], None]
    done: int = 0
    replayed: int = 0
    reasons: list[str] = field(default_factory=list)  # why the run is not conclusive
    notes: list[str] = field(default_factory=list)

    @property
    def judged(self) -> int:
        """How many exchanges the replay is about."""
        return self.total - len(self.setup)

    def sent(self, recorded: Exchange, raw: Exchange, lag: float | None = None) -> None:
        """``recorded`` was sent and came to ``raw``."""
        if recorded.id in self.setup:
            self._check_setup(recorded, raw)
        else:
            self.replayed += 1
        self.done += 1
        timing = raw.timing
        self.emit(
            ExchangeDone(
                recorded.id,
                raw.id,
                f"{recorded.request.method} {recorded.request.target.decode('latin-1')}",
                raw.response.status if raw.response else None,
                raw.failure.kind if raw.failure else None,
                (timing.ended or timing.started) - timing.started,
                self.done,
                self.total,
                lag,
            )
        )

    def skip(self, exchange: int, reason: str) -> None:
        """Recorded ``exchange`` cannot be replayed."""
        if exchange in self.setup:
            self.reasons.append(f"exchange {exchange}, which selected ones need, was not replayed: {reason}")
        else:
            self.writer.skip(exchange, reason)
        self.done += 1
        self.emit(Passed(exchange, reason, self.done, self.total))

    def pass_over(self, exchanges: Iterable[int], reason: str) -> None:
        """Note all that is left, once for all of it in ``reasons`` already."""
        for exchange in exchanges:
            if exchange not in self.setup:
                self.writer.skip(exchange, reason)
            self.done += 1

    def _check_setup(self, recorded: Exchange, raw: Exchange) -> None:
        """Say so when what was only sent for the others' sake went another way than recorded: they will, too."""
        then, now = (exchange.response.status if exchange.response else None for exchange in (recorded, raw))
        if then != now:
            request = f"{recorded.request.method} {recorded.request.target.decode('latin-1')}"
            self.notes.append(
                f"Exchange {recorded.id} ({request}), which selected ones need, was answered with "
                f"{now or 'a failure'} instead of {then or 'a failure'}: expect drift that follows from it."
            )
