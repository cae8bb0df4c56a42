"""In which order the calls of one exchange were made, recorded beside replayed, and what became of each. Pure.

``assets/sequence.js`` draws it: calls that kept their order stand on one line, one that changed places stands where
each build made it, and a line leads from the one to the other.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence

from captures.model import Exchange
from diffing.model import Finding

SAME, CHANGED, MISSING, EXTRA = "same", "changed", "missing", "extra"
REPEATED, REORDERED, FAILED = "repeated", "reordered", "failed"

_AGAIN = frozenset({"outbound.repeated", "outbound.n-plus-one", "outbound.retried"})

Slot = tuple[int | None, int | None]
"""One line of the drawing: which call (an index into the paired calls) each build made there."""


def state_of(one: Exchange | None, other: Exchange | None, about: Iterable[Finding], *, known: bool, late: bool) -> str:
    """The word for a pair of calls.

    ``about``: the findings about it; ``known``: whether the recording has a call to this endpoint in this exchange;
    ``late``: whether it stands in another order than recorded.
    """
    classes = {finding.class_id for finding in about}
    if other is None:
        return MISSING
    if "miss" in other.notes or (other.failure is not None and (one is None or one.failure is None)):
        return FAILED
    if one is None:
        return REPEATED if known or classes & _AGAIN else EXTRA
    if any(name.startswith("outbound.request.") for name in classes):
        return CHANGED
    return REORDERED if late or "outbound.reordered" in classes else SAME


def milliseconds(call: Exchange | None, by: Exchange | None) -> float | None:
    """When ``call`` began, counted from the beginning of the request ``by`` that caused it."""
    if call is None or by is None:
        return None
    return round((call.timing.started - by.timing.started) * 1000, 1)


def slots(pairs: Sequence[tuple[Exchange | None, Exchange | None]]) -> list[Slot]:
    """The lines of the drawing, in order. ``pairs`` may stand in any."""
    ours = sorted((one.timing.started, one.id, at) for at, (one, _) in enumerate(pairs) if one is not None)
    theirs = sorted((other.timing.started, other.id, at) for at, (_, other) in enumerate(pairs) if other is not None)
    there = {at: position for position, (_, _, at) in enumerate(theirs)}
    both = [at for _, _, at in ours if at in there]
    kept = {both[index] for index in rising([there[at] for at in both])}
    lines: list[Slot] = []
    right = iter([at for _, _, at in theirs])
    for _, _, at in ours:
        if at not in kept:
            lines.append((at, None))
            continue
        for other in right:
            if other == at:
                break
            lines.append((None, other))
        lines.append((at, at))
    lines += [(None, other) for other in right]
    return lines


def out_of_order(lines: Sequence[Slot]) -> frozenset[int]:
    """The paired calls that stand at one place in the recording and at another in the run."""
    left = {one for one, other in lines if one is not None and other is None}
    return frozenset(left & {other for one, other in lines if one is None and other is not None})


def drawn(lines: Iterable[Slot], most: int) -> list[list[int | None]]:
    """``lines`` as JSON, of the first ``most`` calls."""
    return [[one, other] for one, other in lines if max(one or 0, other or 0) < most]


def rising(numbers: Sequence[int]) -> list[int]:
    """The indices of a longest rising subsequence (C. Schensted, 1961)."""
    tails: list[int] = []
    ends: list[int] = []
    before: list[int] = []
    for index, number in enumerate(numbers):
        at = bisect_left(tails, number)
        if at == len(tails):
            tails.append(number)
            ends.append(index)
        else:
            tails[at], ends[at] = number, index
        before.append(ends[at - 1] if at else -1)
    found: list[int] = []
    at = ends[-1] if ends else -1
    while at >= 0:
        found.append(at)
        at = before[at]
    return found[::-1]
