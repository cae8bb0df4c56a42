"""The order of the covering set: at most risk first, and before each what it needs. Pure.

    risk = 8 x past drift + 4 x errors + 2 x writes + traffic share

each from 0 to 1, so that what drifted lately comes before what merely fails, that before what writes, and that before
what is asked most. Of one endpoint the second counts half, the third a third, so that a cut still has many endpoints.
What others wait for has their risk, so that nothing at risk stands behind something dull. Each
beginning of the order is closed: whatever is in it has what it needs in it, so a part of the tier is its beginning.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from heapq import heapify, heappop, heappush

from replayer.tiers.cover import Cover, Step

DRIFT, FAILS, WRITES = 8.0, 4.0, 2.0


def risk(step: Step, past: Mapping[str, float], share: float) -> float:
    """How likely a drift shows here. ``past``: 0 to 1 by endpoint; ``share``: of the traffic, 0 to 1."""
    return DRIFT * past.get(step.endpoint, 0.0) + FAILS * step.fails + WRITES * step.writes + share


def ordered(
    cover: Cover, past: Mapping[str, float], edges: Mapping[int, Collection[int]] | None = None
) -> tuple[int, ...]:
    """The exchanges of ``cover`` in the order to send them. ``edges``: further ones that must come before each."""
    total = cover.total or 1
    own: dict[int, float] = {}
    times: Counter[str] = Counter()
    shares = {name: count / total for name, count in cover.recorded.items()}
    for step in sorted(
        cover.steps, key=lambda step: (-risk(step, past, shares.get(step.endpoint, 0.0)), step.exchange)
    ):
        times[step.endpoint] += 1
        own[step.exchange] = risk(step, past, shares.get(step.endpoint, 0.0)) / times[step.endpoint]
    before = {step.exchange: _before(step, own, edges or {}) for step in cover.steps}
    return by_priority([step.exchange for step in cover.steps], before, _passed_back(cover.steps, before, own))


def _before(step: Step, known: Mapping[int, float], edges: Mapping[int, Collection[int]]) -> frozenset[int]:
    """Only what was recorded earlier: nothing waits for itself, however it came to be an edge."""
    both = {*step.needs, *edges.get(step.exchange, ())}
    return frozenset(one for one in both if one in known and one < step.exchange)


def _passed_back(
    steps: Sequence[Step], before: Mapping[int, frozenset[int]], own: Mapping[int, float]
) -> dict[int, float]:
    """The risk of each, or the greatest of those that wait for it."""
    passed = dict(own)
    for step in reversed(steps):
        for one in before[step.exchange]:
            passed[one] = max(passed[one], passed[step.exchange])
    return passed


def by_priority(
    ids: Sequence[int], before: Mapping[int, frozenset[int]], priority: Mapping[int, float]
) -> tuple[int, ...]:
    """``ids``, each after those in ``before``; of those that may come next the greatest priority, then the least id."""
    waiting = {one: len(before[one]) for one in ids}
    followers: dict[int, list[int]] = {}
    for one in ids:
        for other in before[one]:
            followers.setdefault(other, []).append(one)
    heap = [(-priority[one], one) for one in ids if not waiting[one]]
    heapify(heap)
    found = []
    while heap:
        _, one = heappop(heap)
        found.append(one)
        for follower in followers.get(one, ()):
            waiting[follower] -= 1
            if not waiting[follower]:
                heappush(heap, (-priority[follower], follower))
    return tuple(found)
