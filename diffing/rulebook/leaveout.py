"""What a whole run says, with one exchange left out or answered otherwise, and as it was afterwards.

Learning a whole recording again for each changed answer would take the square of it; what one exchange adds to the
identities and to the forms of values is little, and can be taken away again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace

from captures.model import Exchange, Response
from diffing.contract.profile import Node
from diffing.exchange import Context, learn_pair
from diffing.values.identity import Identity, partners

_Counts = Counter[tuple[str, str]]  # (recorded, replayed) -> times


def answered(exchange: Exchange, response: Response | None) -> Exchange:
    """The exchange that answers to ``exchange`` with ``response``."""
    return replace(exchange, response=response, replay_of=exchange.id)


@contextmanager
def without(
    identity: Identity, exchange: Exchange, context: Context
) -> Iterator[Callable[[Exchange, Exchange], AbstractContextManager[None]]]:
    """What is known of the run without what ``exchange`` says; gives what puts a changed pair in its place."""
    response = exchange.response
    scope = f"{context.endpoint_of(exchange)} {response.status if response else 0}"
    forms = [(node, frozenset(node.facets)) for node in _nodes(context, scope)]
    own = _said(exchange, answered(exchange, exchange.response), context)
    with _counted(identity, own, -1):

        @contextmanager
        def changed(recorded: Exchange, copy: Exchange) -> Iterator[None]:
            with _counted(identity, _said(recorded, copy, context), 1):
                yield
            for node, facets in forms:  # learning the changed pair has noted how its values are formed
                if len(node.facets) != len(facets):
                    node.facets = set(facets)

        yield changed


def _nodes(context: Context, scope: str) -> Iterator[Node]:
    stack = [node for (where, _), node in context.profile.trees.items() if where == scope]
    while stack:
        node = stack.pop()
        yield node
        stack.extend(node.children.values())
        if node.items is not None:
            stack.append(node.items)


def _said(recorded: Exchange, copy: Exchange, context: Context) -> _Counts:
    alone = Identity()
    learn_pair(recorded, copy, replace(context, identity=alone))
    counts: _Counts = Counter()
    for one, known in alone.forward.items():
        counts.update({(one, other): times for other, times in partners(known).items()})
    return counts


@contextmanager
def _counted(identity: Identity, counts: _Counts, sign: int) -> Iterator[None]:
    """``identity`` with these pairs seen more (or less) often; as it was afterwards."""
    kept = [
        (table, key, dict(known) if isinstance(known := table.get(key), dict) else known)
        for pair in counts
        for table, key in ((identity.forward, pair[0]), (identity.backward, pair[1]))
    ]
    for (recorded, replayed), times in counts.items():
        for table, one, other in ((identity.forward, recorded, replayed), (identity.backward, replayed, recorded)):
            known = table.get(one)
            after = {} if known is None else partners(known)
            left = after.get(other, 0) + sign * times
            after.pop(other, None)
            if left > 0:
                after[other] = left
            if after:
                table[one] = after
            else:
                table.pop(one, None)
    try:
        yield
    finally:
        for table, key, before in kept:
            if before is None:
                table.pop(key, None)
            else:
                table[key] = before
