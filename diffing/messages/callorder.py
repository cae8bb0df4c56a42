"""Calls that write in another order: charged before it was reserved.

Only what was one after the other can change its order: the recorded first had ended before the second began, and in the
run the second had ended before the first began. Calls made at once come in any order, and reads do not depend on it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from captures.model import Exchange
from diffing.place import Place, Verdicts

_READS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
_MOST = 64  # calls of one exchange: every two of them are looked at


def compare_order(
    place: Place,
    verdicts: Verdicts,
    pairs: Sequence[tuple[Exchange, Exchange]],
    name_of: Callable[[Exchange], str],
) -> None:
    """Find pairs of calls, of different endpoints, that changed places. One finding for two endpoints."""
    writes = [pair for pair in pairs if pair[0].request.method not in _READS][:_MOST]
    writes.sort(key=lambda pair: pair[0].timing.started)
    told: set[tuple[str, str]] = set()
    for at, (first, first_now) in enumerate(writes):
        for second, second_now in writes[at + 1 :]:
            before, after = name_of(first), name_of(second)
            if before == after or (before, after) in told:
                continue
            if not (_before(first, second) and _before(second_now, first_now)):
                continue
            told.add((before, after))
            rule = next((rule for rule in place.rules.for_part(f"outbound {after}") if rule.path is None), None)
            location = f"outbound {after}"
            if rule is not None:
                verdicts.accept(place, location, location, (rule.id,), f"after {before}", f"before {before}")
                continue
            evidence = "in the recording the one had ended before the other began, in the run it is the other way round"
            here = replace(place, outbound=(second.id, second_now.id))
            verdicts.find(
                here, "outbound.reordered", location, location, f"after {before}", f"before {before}", evidence
            )


def _before(one: Exchange, other: Exchange) -> bool:
    ended = one.timing.ended or one.timing.started
    return ended <= other.timing.started and one.timing.started < other.timing.started
