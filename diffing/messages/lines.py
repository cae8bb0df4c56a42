"""Which line of one text is which line of the other: linear in practice, bounded always.

Lines that stand once on either side are the anchors (patience diff: the longest run of them in one order); between
anchors what is left is small and aligned exactly, or large and aligned by position, which :class:`Alignment` says.
``difflib`` alone is quadratic, and cubic on texts made for it.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from dataclasses import dataclass
from difflib import SequenceMatcher

EXACT = 200
"""Lines per side up to which a stretch without anchors is aligned exactly."""

Pair = tuple[int | None, int | None]


@dataclass(frozen=True, slots=True)
class Alignment:
    """Unequal lines in order: (recorded, replayed) by index; None where a side has no such line."""

    unequal: tuple[Pair, ...]
    by_position: int  # lines that were too many to align and were paired as they come


def aligned(left: list[str], right: list[str]) -> Alignment:
    """Align two texts by lines."""
    unequal: list[Pair] = []
    by_position = 0
    stack = [(0, len(left), 0, len(right))]
    while stack:
        i1, i2, j1, j2 = stack.pop()
        while i1 < i2 and j1 < j2 and left[i1] == right[j1]:
            i1, j1 = i1 + 1, j1 + 1
        while i1 < i2 and j1 < j2 and left[i2 - 1] == right[j2 - 1]:
            i2, j2 = i2 - 1, j2 - 1
        if i1 == i2 or j1 == j2:
            unequal.extend(_paired(i1, i2, j1, j2))
            continue
        anchors = _anchors(left, right, i1, i2, j1, j2)
        if anchors:
            stretches = []
            for i, j in anchors:
                stretches.append((i1, i, j1, j))
                i1, j1 = i + 1, j + 1
            stretches.append((i1, i2, j1, j2))
            stack.extend(reversed(stretches))
            continue
        if max(i2 - i1, j2 - j1) > EXACT:
            by_position += max(i2 - i1, j2 - j1)
            unequal.extend(_paired(i1, i2, j1, j2))
            continue
        matcher = SequenceMatcher(None, left[i1:i2], right[j1:j2], autojunk=False)
        for word, a1, a2, b1, b2 in matcher.get_opcodes():
            if word != "equal":
                unequal.extend(_paired(i1 + a1, i1 + a2, j1 + b1, j1 + b2))
    return Alignment(tuple(unequal), by_position)


def _paired(i1: int, i2: int, j1: int, j2: int) -> list[Pair]:
    both = min(i2 - i1, j2 - j1)
    pairs: list[Pair] = [(i1 + at, j1 + at) for at in range(both)]
    pairs.extend((at, None) for at in range(i1 + both, i2))
    pairs.extend((None, at) for at in range(j1 + both, j2))
    return pairs


def _anchors(left: list[str], right: list[str], i1: int, i2: int, j1: int, j2: int) -> list[tuple[int, int]]:
    """Places of lines that stand once in both stretches: as many as follow each other in one order."""
    ours, theirs = Counter(left[i1:i2]), Counter(right[j1:j2])
    where = {right[j]: j for j in range(j1, j2) if theirs[right[j]] == 1}
    pairs = [(i, where[left[i]]) for i in range(i1, i2) if ours[left[i]] == 1 and left[i] in where]
    ends: list[int] = []  # the smallest last place of an increasing run of each length
    at: list[int] = []  # which pair that is
    before: list[int] = []  # for each pair, the one before it in its run
    for number, (_, j) in enumerate(pairs):
        length = bisect_left(ends, j)
        before.append(at[length - 1] if length else -1)
        if length == len(ends):
            ends.append(j)
            at.append(number)
        else:
            ends[length], at[length] = j, number
    run: list[tuple[int, int]] = []
    number = at[-1] if at else -1
    while number >= 0:
        run.append(pairs[number])
        number = before[number]
    run.reverse()
    return run
