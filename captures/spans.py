"""Which exchanges of a recording a replay was about, kept in its run: a list of (first, last) that stays short."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Self


def spans_of(ids: Sequence[int], among: Iterable[int] | None = None) -> list[list[int]]:
    """The ascending ``ids`` as spans that hold none but them of ``among`` (ascending; None: of all numbers)."""
    found: list[list[int]] = []
    if among is None:
        for identity in ids:
            if found and found[-1][1] == identity - 1:
                found[-1][1] = identity
            else:
                found.append([identity, identity])
        return found
    wanted = set(ids)
    going_on = False
    for identity in among:
        if identity in wanted and going_on:
            found[-1][1] = identity
        elif identity in wanted:
            found.append([identity, identity])
        going_on = identity in wanted
    return found


@dataclass(frozen=True, slots=True)
class Spans:
    """Spans to be asked; disjoint, ascending."""

    firsts: tuple[int, ...]
    lasts: tuple[int, ...]

    @classmethod
    def of(cls, stored: Any) -> Self | None:
        """From the meta of a run; None where that says nothing (an older run)."""
        if not isinstance(stored, list):
            return None
        spans = sorted((int(first), int(last)) for first, last in stored)
        return cls(tuple(first for first, _ in spans), tuple(last for _, last in spans))

    def __contains__(self, identity: int) -> bool:
        at = bisect_right(self.firsts, identity) - 1
        return at >= 0 and identity <= self.lasts[at]
