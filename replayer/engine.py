"""Sends everything a replay has chosen, and sees to it that each of them ends in one column of the ledger.

Whatever cuts it short (the build is gone, somebody interrupts), what was not written is passed over with the reason.
No sockets, no clock of its own: all of it runs on virtual time in ``tests/replayer/simulation``.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence

from captures.model import Exchange
from replayer.chains import Chains
from replayer.dispatch import Dispatch, Withhold, nothing_missing
from replayer.events import Event, TargetDied
from replayer.health import Health
from replayer.ledger import Ledger
from replayer.plan import ReplayPlan, reason_to_skip
from replayer.schedule import Schedule


class Engine:
    """``recorded`` streams the exchanges ``chosen`` (their ids, ascending)."""

    def __init__(
        self,
        recorded: Iterable[Exchange],
        chosen: Sequence[int],
        plan: ReplayPlan,
        ledger: Ledger,
        emit: Callable[[Event], None],
    ) -> None:
        self._chosen = chosen
        self._concurrency = plan.concurrency
        self._ledger = ledger
        self._emit = emit
        self._looked_at = 0  # of the chosen exchanges
        self._schedule = Schedule(
            self._sendable(recorded),
            concurrency=plan.concurrency,
            order=plan.order,
            pacing=plan.pacing,
            chains=Chains(plan.chains),
        )
        self.died = False

    async def run(
        self,
        send: Callable[[Exchange], Awaitable[Exchange]],
        health: Health,
        clock: Callable[[], float],
        withhold: Withhold = nothing_missing,
    ) -> None:
        """Send everything with ``send``. ``clock`` is the event loop's. Cancelled: see :meth:`interrupt`."""
        dispatch = Dispatch(self._schedule, send, self._ledger, health, clock, withhold)
        await dispatch.run(self._concurrency)
        if dispatch.complaint is not None:
            count = self._ledger.replayed
            after = f"{count} exchange{'' if count == 1 else 's'}"
            reason = f"the target stopped answering after {after}: {dispatch.complaint}"
            self.died = True
            self._ledger.reasons.append(reason)
            self._emit(TargetDied(reason))
            self._ledger.pass_over(self._left(), reason)

    def interrupt(self) -> None:
        """Pass over all that is left; :meth:`run` has ended, or was never called."""
        self._ledger.reasons.append(f"interrupted after {self._ledger.done} of {len(self._chosen)} exchanges")
        self._ledger.pass_over(self._left(), "the replay was interrupted")

    def lag(self) -> dict[str, float] | None:
        """How late requests went out, seconds; None without a schedule."""
        return self._schedule.lag.to_json() if self._schedule.lag.count else None

    def _sendable(self, recorded: Iterable[Exchange]) -> Iterator[Exchange]:
        for exchange in recorded:
            self._looked_at += 1
            reason = reason_to_skip(exchange)
            if reason is None:
                yield exchange
            else:
                self._ledger.skip(exchange.id, reason)

    def _left(self) -> list[int]:
        """What is in no column of the ledger: under way, waiting, or not even looked at."""
        return [*self._schedule.unfinished(), *self._chosen[self._looked_at :]]
