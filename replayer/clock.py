"""Another time for the build: its clock shows the recording's date and goes on from there, second by second.

libfaketime (:mod:`replayer.faketime`) is given a distance to the real time and no moment: each process counts a moment
from its own start, so that the workers of a service would disagree, and reads it in its own time zone. The monotonic
clock and the times of files stay real: timeouts last as long as ever, caches stay valid.

A program that asks the kernel itself does not notice: every Go program, and what is linked statically.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from replayer.faketime import variables

LEAD = 1.0  # seconds a build is expected to need; one that is ready sooner is not asked before its time
LONG = 60.0  # seconds of recording after which a request that comes early may carry a token from the future


@dataclass(frozen=True, slots=True)
class RecordedClock:
    """The time for one replay: ``shift`` seconds are added to the real one (as a rule it is negative)."""

    shift: int
    first: float  # when the first request was recorded, Unix seconds
    library: Path

    @classmethod
    def starting(cls, first: float, now: float, library: Path) -> Self:
        """A clock that shows ``first`` a moment (:data:`LEAD`) after ``now``, both in Unix seconds.

        Whole seconds: libfaketime reads a fraction by the program's locale, and some of those write it with a comma.
        """
        return cls(round(first - now - LEAD), first, library)

    def environment(self, base: Mapping[str, str]) -> dict[str, str]:
        """``base`` with the clock set."""
        return variables(self.library, self.shift, base)

    def until_due(self, now: float) -> float:
        """Seconds from ``now`` until the first request is due: what it carries must not be from the future."""
        return max(0.0, self.first - (now + self.shift))

    def statement(self) -> str:
        """What was done, in a sentence for the report."""
        begun = datetime.fromtimestamp(self.first, UTC)
        return (
            f"The build's clock was set to the recording's: {begun:%Y-%m-%dT%H:%M:%SZ} at its first request, or "
            "as much later as it took beyond a second to start (libfaketime; who asks the kernel does not see it)."
        )
