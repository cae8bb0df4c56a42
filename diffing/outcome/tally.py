"""The ledger endpoint by endpoint, and how long the new build took to answer each. Pure; fed pair by pair."""

from __future__ import annotations

from array import array
from collections.abc import Mapping
from dataclasses import dataclass, field
from statistics import median

from captures.model import Exchange
from diffing.model import Column, EndpointTally, Judgement

MEASURED = 10_000  # times kept for one endpoint, the first


@dataclass(slots=True)
class Tally:
    """Counts and times by endpoint. Memory grows with endpoints, not with exchanges."""

    _columns: dict[str, dict[Column, int]] = field(default_factory=dict)
    _seconds: dict[str, array[float]] = field(default_factory=dict)

    def add(self, judgement: Judgement, replayed: Exchange | None) -> None:
        """One judged exchange, and what answered to it."""
        columns = self._columns.setdefault(judgement.endpoint, dict.fromkeys(Column, 0))
        columns[judgement.column] += 1
        if replayed is None or replayed.failure is not None or replayed.timing.ended is None:
            return
        seconds = self._seconds.setdefault(judgement.endpoint, array("d"))
        if len(seconds) < MEASURED:
            seconds.append(max(0.0, replayed.timing.ended - replayed.timing.started))

    def endpoints(self) -> tuple[EndpointTally, ...]:
        """Every endpoint, by name."""
        return tuple(
            EndpointTally(name, _numbers(columns), median(self._seconds[name]) if name in self._seconds else None)
            for name, columns in sorted(self._columns.items())
        )


def _numbers(columns: Mapping[Column, int]) -> Mapping[Column, int]:
    return {column: columns[column] for column in Column}
