"""Calls that no single request caused: made at start-up, in the background, or under several open requests at once.

They cannot be laid to an exchange, so they are compared as a pool, by endpoint and number, and only ever reported as
*info*: a recorder that was attached to a running service never saw its start.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from captures.model import Exchange
from diffing.model import ABSENT, Finding
from diffing.outbound import CallName

ENDPOINT = "(start-up)"


def compare_pools(recorded: Iterable[Exchange], replayed: Iterable[Exchange], name_of: CallName) -> Iterator[Finding]:
    """One finding per endpoint of a dependency whose number of unattributed calls differs."""
    ours: Counter[str] = Counter()
    theirs: Counter[str] = Counter()
    first: dict[str, tuple[int | None, int | None]] = {}
    for call in recorded:
        name = name_of(call)
        ours[name] += 1
        first.setdefault(name, (call.id, None))
    for call in replayed:
        name = name_of(call)
        theirs[name] += 1
        first.setdefault(name, (None, call.id))
    for name in sorted(ours.keys() | theirs.keys()):
        before, after = ours[name], theirs[name]
        if before == after or (before and after):
            continue
        yield Finding(
            class_id="outbound.unattributed",
            endpoint=ENDPOINT,
            location=f"outbound {name}",
            path=f"outbound {name}",
            recorded=before or ABSENT,
            replayed=after or ABSENT,
            exchange=first[name][0] or first[name][1] or 0,
            evidence=f"{before} recorded, {after} replayed, none of them caused by one request",
            outbound_recorded=first[name][0],
            outbound_replayed=first[name][1],
        )
