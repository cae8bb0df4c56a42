"""When requests are due: as soon as they may, as recorded, faster or slower than that, or at a steady rate. Pure.

The schedule is absolute: a request that went out late does not push the following ones back, and how late each went
out is reported. (A schedule of gaps, like GoReplay's, adds every delay up and calls the slower traffic a replay.)
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Self

from captures.errors import UsageError


@dataclass(frozen=True, slots=True)
class Pacing:
    """``none``: both None. ``recorded*4``: ``speed`` 4. ``50/s``: ``rate`` 50."""

    speed: float | None = None
    rate: float | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises :class:`UsageError`."""
        if text == "none":
            return cls()
        match = re.fullmatch(r"recorded(?:\*(?P<speed>\d{1,9}(?:\.\d{1,9})?))?|(?P<rate>\d{1,9}(?:\.\d{1,9})?)/s", text)
        number = float(match["speed"] or match["rate"] or 1) if match is not None else 0.0
        if match is None or number <= 0 or not math.isfinite(number):
            raise UsageError(
                f"--pacing {text} is none of none, recorded, recorded*FACTOR, N/s.",
                hint="Four times as fast as recorded: --pacing 'recorded*4'; fifty a second: --pacing 50/s",
            )
        return cls(rate=number) if match["rate"] else cls(speed=number)

    def due(self, index: int, since_first: float) -> float:
        """Seconds after the first request at which request ``index`` (from 0) is due.

        ``since_first``: how long after the first one it was recorded.
        """
        if self.speed is not None:
            return max(since_first, 0.0) / self.speed
        if self.rate is not None:
            return index / self.rate
        return 0.0

    def __str__(self) -> str:
        """As it is given: what :meth:`parse` reads."""
        if self.speed is not None:
            return "recorded" if self.speed == 1 else f"recorded*{_decimal(self.speed)}"
        return f"{_decimal(self.rate)}/s" if self.rate is not None else "none"


def _decimal(number: float) -> str:
    return f"{number:.9f}".rstrip("0").rstrip(".")
