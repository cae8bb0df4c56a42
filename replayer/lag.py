"""How late requests went out, kept in constant memory: the largest lag exactly, percentiles to within 5 %. Pure."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field

STEP = 1.05  # each class of lags reaches this much further than the one before
LEAST = 1e-4  # seconds: below is the first class


@dataclass(slots=True)
class Lag:
    """Seconds between when requests were due and when they went out."""

    largest: float = 0.0
    count: int = 0
    _classes: Counter[int] = field(default_factory=Counter)

    def add(self, seconds: float) -> None:
        """One request's lag; a negative one would be a request that went out early, and is none."""
        self.count += 1
        self.largest = max(self.largest, seconds)
        self._classes[0 if seconds <= LEAST else math.ceil(math.log(seconds / LEAST, STEP))] += 1

    def quantile(self, share: float) -> float:
        """The lag that ``share`` (0 to 1) of the requests did not exceed: at most 5 % too much, never too little."""
        left = math.ceil(share * self.count)
        for number, many in sorted(self._classes.items()):
            left -= many
            if left <= 0:
                return min(LEAST * STEP**number, self.largest)
        return self.largest

    def to_json(self) -> dict[str, float]:
        """As it stands in a run's ``meta``: seconds."""
        return {"p50": self.quantile(0.5), "p99": self.quantile(0.99), "max": self.largest}
