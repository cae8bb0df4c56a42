"""Whether an update still moves ``updated_at``: the one relation between two moments that is sure to hold on replay.

Both moments may be new, well formed and within their run, and yet be equal where every recorded update set them apart.
Only the answers to PUT and PATCH are asked (a read may come before a worker is done), only moments finer than a
round trip (a replay is faster than people, and may well create and update within one second), and only objects made
during the recording (rows that stand in a fresh build from the start never were updated).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from diffing import moments
from diffing.moments import Moment
from diffing.names import words

if TYPE_CHECKING:
    from diffing.place import Place
    from diffing.profile import Node

APART = 0.5  # seconds between both in every recorded sample: two requests, not two writes of one
FINE = 4  # digits of a second's fraction
_TAILS = frozenset({(), ("at",), ("on",), ("time",), ("date",)})


def is_update(scope: str) -> bool:
    """Whether the scope (endpoint and status) is of an update."""
    return scope.startswith(("PUT ", "PATCH "))


def learn_update(item: dict[str, Any], node: Node) -> None:
    """Count one recorded object with both moments."""
    found = _moments(item)
    if found is not None:
        node.updates += 1
        node.updates_apart += found[2].seconds - found[1].seconds >= APART


def stands_still(
    recorded: dict[str, Any], replayed: dict[str, Any], node: Node | None, place: Place
) -> tuple[str, str] | None:
    """(name of the member that no longer moves, evidence), or None."""
    if node is None or not 2 <= node.updates == node.updates_apart == node.objects or not is_update(place.scope):
        return None
    old, new = _moments(recorded), _moments(replayed)
    if old is None or new is None or old[0] != new[0] or new[1].seconds != new[2].seconds:
        return None
    if not (place.then.holds(old[1]) and place.now.holds(new[1])):
        return None
    created, updated = old[0]
    return updated, f"{updated} was later than {created} in {node.updates}/{node.updates} recorded samples"


def _moments(item: dict[str, Any]) -> tuple[tuple[str, str], Moment, Moment] | None:
    for created in item:
        first, *tail = words(created) or ("",)
        if first != "created" or tuple(tail) not in _TAILS:
            continue
        for updated in item:
            parts = words(updated)
            if parts and parts[0] in ("updated", "modified") and list(parts[1:]) == tail:
                one, other = _fine(item[created]), _fine(item[updated])
                return ((created, updated), one, other) if one and other else None
    return None


def _fine(value: Any) -> Moment | None:
    moment = moments.read(value) if type(value) is str and len(value) >= 20 else None
    if moment is None or moment.kind != "datetime" or len(moment.facets) != 5:
        return None
    return moment if int(str(moment.facets[3])) >= FINE else None
