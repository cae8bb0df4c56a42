"""Why a recorded call is made more often: once more after a failure, once for every item, or just again. Pure.

An N+1 is the commonest way in which a build becomes slow without answering anything else: where one call was recorded,
one is made for each of many things. A retry is the build's answer to a dependency's failure. Both are still a call made
more often (one family of classes, so that an approval holds when the evidence changes), but they are mended elsewhere.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence

from captures.model import Exchange

ITEMS = 3
"""From so many different calls on, where fewer were recorded, they are taken for one per item."""

PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})
"""Statuses after which asking again is what clients do (RFC 9110 15.5.9 and 15.6, RFC 8470, RFC 6585 section 4)."""


def how_repeated(recorded: Sequence[Exchange], replayed: Sequence[Exchange]) -> tuple[str, str]:
    """(class, evidence) for calls of one endpoint of which more were made than recorded; evidence may be empty."""
    beyond = len(replayed) - len(recorded)
    retries = _retries(replayed) - _retries(recorded)
    if 0 < beyond <= retries:
        return "outbound.retried", f"{retries} of them again after a failure"
    once, many = {_request(call) for call in recorded}, {_request(call) for call in replayed}
    if len(many) >= max(ITEMS, 2 * len(once)) and len(many) >= len(replayed) - len(recorded):
        return "outbound.n-plus-one", f"an N+1: {len(many)} different requests where {len(once)} were recorded"
    again = len(replayed) - len(many)
    return "outbound.repeated", f"{again} of them the same request again" if again > 0 else ""


def _retries(calls: Sequence[Exchange]) -> int:
    """How many of ``calls`` repeat one that had just failed."""
    failed: set[Hashable] = set()
    count = 0
    for call in calls:
        request = _request(call)
        count += request in failed
        bad = call.failure is not None or call.response is None or call.response.status in PASSING
        (failed.add if bad and "miss" not in call.notes else failed.discard)(request)
    return count


def _request(call: Exchange) -> Hashable:
    return call.request.method, call.request.target, call.request.body
