"""The values of one place: each with its count, exactly while they are few, else of a fair sample of them.

The sample is the values with the smallest check sums (bottom-k sampling, Cohen and Kaplan 2007). It does not depend on
the order in which values come: what a value's count says is exact, and two sketches of two parts of a recording merge
into just the one that the whole of it gives.
"""

from __future__ import annotations

from bisect import insort
from dataclasses import dataclass, field
from typing import Any
from zlib import crc32

DISTINCT = 64
"""Different values remembered with their counts; of more than that a sample of so many."""

SCANT = 8
"""The same, for places beyond the first ten thousand."""

LONG = 80
"""Characters of a string that are kept as they are; a longer one by its beginning, length and check sum."""


Rank = tuple[int, str, str, Any]
"""Check sum and text of a value, the name of its type, and the value: by the first three all values are in order."""


@dataclass(slots=True)
class Sketch:
    """Counts of values. Values are hashable and told apart by equality; ``str()`` of two different ones differs."""

    room: int = DISTINCT
    counts: dict[Any, int] = field(default_factory=dict)
    ranks: list[Rank] | None = None  # of the kept ones, sorted, once there are more

    @property
    def complete(self) -> bool:
        """Whether every value that came is in ``counts``."""
        return self.ranks is None

    @property
    def repeated(self) -> bool:
        """Whether a kept value came twice."""
        return any(count > 1 for count in self.counts.values())

    @property
    def once(self) -> int:
        """How many of the kept values came just once."""
        return sum(count == 1 for count in self.counts.values())

    def add(self, value: Any, times: int = 1) -> None:
        """Count ``value``."""
        counts = self.counts
        known = counts.get(value)
        if known is not None:
            counts[value] = known + times
        elif self.ranks is None and len(counts) < self.room:
            counts[value] = times
        else:
            self._beyond(value, times)

    def merge(self, other: Sketch) -> None:
        """Count everything that ``other`` counted: a value among the smallest of both is among those of each."""
        for value, count in other.counts.items():
            self.counts[value] = self.counts.get(value, 0) + count
        self.room = min(self.room, other.room)
        if self.ranks is not None or other.ranks is not None or len(self.counts) > self.room:
            kept = sorted(self.counts, key=_rank)[: self.room]
            self.counts = {value: self.counts[value] for value in kept}
            self._rank()

    def _beyond(self, value: Any, times: int) -> None:
        if self.ranks is None:
            self._rank()
        ranks = self.ranks
        assert ranks is not None
        text = value if type(value) is str else str(value)
        try:
            check = crc32(text.encode())
        except UnicodeEncodeError:
            check = crc32(text.encode("utf-8", "surrogatepass"))
        last = ranks[-1]
        if check > last[0] or (rank := (check, text, type(value).__name__, value)) > last:
            return
        del ranks[-1], self.counts[last[3]]
        insort(ranks, rank)
        self.counts[value] = times

    def _rank(self) -> None:
        self.ranks = sorted(map(_rank, self.counts))


def brief(text: str) -> str:
    """A long string as it is counted."""
    return f"{text[: LONG - 20]}\u2026{len(text)}:{crc32(text.encode('utf-8', 'surrogatepass')):08x}"


def _rank(value: Any) -> Rank:
    text = str(value)
    return crc32(text.encode("utf-8", "surrogatepass")), text, type(value).__name__, value
