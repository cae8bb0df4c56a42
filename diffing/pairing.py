"""Which exchange of one capture answers to which of another: in a run by ``replay_of``, else by order and likeness."""

from __future__ import annotations

import hashlib
from collections import defaultdict, deque
from collections.abc import Callable, Iterable

from captures.model import Exchange

EndpointOf = Callable[[Exchange], str]


def pair_by_likeness(
    recorded: Iterable[Exchange], replayed: Iterable[Exchange], endpoint_of: EndpointOf
) -> tuple[dict[int, int], list[int]]:
    """(recorded id -> replayed id, replayed ids without a partner) for two captures that know nothing of each other.

    Within an endpoint: first equal requests in their order, then equal targets, then what is left in its order. Keeps
    ids and digests only, not exchanges.
    """
    ours: dict[str, list[tuple[int, bytes, bytes]]] = defaultdict(list)
    theirs: dict[str, list[tuple[int, bytes, bytes]]] = defaultdict(list)
    for side, exchanges in ((ours, recorded), (theirs, replayed)):
        for exchange in exchanges:
            side[endpoint_of(exchange)].append((exchange.id, *_signature(exchange)))
    pairs: dict[int, int] = {}
    extra: list[int] = []
    for endpoint in ours.keys() | theirs.keys():
        left, right = ours.get(endpoint, []), theirs.get(endpoint, [])
        for key in (lambda row: (row[1], row[2]), lambda row: row[1], lambda _: None):
            left, right = _join(left, right, key, pairs)
        extra.extend(row[0] for row in right)
    return pairs, sorted(extra)


Row = tuple[int, bytes, bytes]


def _join(
    left: list[Row], right: list[Row], key: Callable[[Row], object], pairs: dict[int, int]
) -> tuple[list[Row], list[Row]]:
    waiting: dict[object, deque[Row]] = defaultdict(deque)
    for row in right:
        waiting[key(row)].append(row)
    over: list[Row] = []
    for row in left:
        queue = waiting.get(key(row))
        if queue:
            pairs[row[0]] = queue.popleft()[0]
        else:
            over.append(row)
    return over, sorted(row for queue in waiting.values() for row in queue)


def _signature(exchange: Exchange) -> tuple[bytes, bytes]:
    request = exchange.request
    return (
        hashlib.blake2b(request.target, digest_size=12).digest(),
        hashlib.blake2b(request.body, digest_size=12).digest(),
    )
