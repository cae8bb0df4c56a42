"""Whether an update still moves ``updated_at``.

Both moments may be new, well formed and within their run, and yet be equal where every recorded update set them apart.
Only the answers to PUT and PATCH are asked (a read may come before a worker is done), and only objects made during the
recording (rows that stand in a fresh build from the start never were updated). Two signs count. With clocks finer than
a round trip: both moments are equal. With coarse ones, for a replay is faster than people and may well create and
update within one second: the moment of the update was the present in the recording, and on replay it lies further
back than the answer can have taken, still at the moment of creation.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from diffing.values import moments
from diffing.values.layouts import layout_of
from diffing.values.moments import Moment

if TYPE_CHECKING:
    from diffing.contract.profile import Node
    from diffing.place import Place

APART = 0.5  # seconds between both in every recorded sample: two requests, not two writes of one
FINE = 1e-4  # grain, in seconds, of a clock that tells two requests apart
PRESENT = 2.0  # seconds before the end of its exchange that a moment set by it may lie, beside its grain


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
    grain = max(moment.grain for moment in (*old[1:], *new[1:]))
    if grain > FINE and not _left_behind(old[2], new[2], grain, place):
        return None
    created, updated = old[0]
    return updated, f"{updated} was later than {created} in {node.updates}/{node.updates} recorded samples"


def _left_behind(old: Moment, new: Moment, grain: float, place: Place) -> bool:
    """Whether the update was the present in the recording and is well past on replay."""
    slack = grain + PRESENT
    return place.then.now - old.seconds <= slack and place.now.now - new.seconds > 5 * slack


def _moments(item: dict[str, Any]) -> tuple[tuple[str, str], Moment, Moment] | None:
    names = layout_of(item).updated
    if names is None:
        return None
    one, other = _moment(item[names[0]]), _moment(item[names[1]])
    return (names, one, other) if one and other else None


def _moment(value: Any) -> Moment | None:
    if type(value) is str:
        found = moments.read(value) or moments.read_epoch_text(value)
    elif isinstance(value, int | Decimal) and type(value) is not bool and float(value) < 1e20:
        found = moments.read_epoch(float(value))
    else:
        return None
    return found if found is not None and found.grain <= 1 else None
