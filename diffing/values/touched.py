"""Rows that a read writes: the row is the recorded one, and reading it sets when it was changed last.

Any past moment may stand for any other, as rows of staging are older than those of a fresh build. Where the moment of
creation is the recorded one the row is, too, and its last change or login is no other than the recorded one: still less
the very moment of a GET that the recording shows without such an effect.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from diffing.values import moments
from diffing.values.layouts import layout_of
from diffing.values.moments import Moment

if TYPE_CHECKING:
    from diffing.contract.profile import Node
    from diffing.place import Place

PRESENT = 2.0  # seconds between the end of the exchange and what it has just set, beside its grain


def touched(
    recorded: dict[str, Any], replayed: dict[str, Any], node: Node | None, place: Place
) -> Iterator[tuple[str, str]]:
    """(member, evidence) of every moment of the past that a read made the present."""
    layout = layout_of(recorded)
    if not layout.touched or place.side != "response" or not place.scope.startswith(("GET ", "HEAD ")):
        return
    born = next((name for name in layout.born if recorded[name] == replayed.get(name)), None)
    created = _moment(recorded[born]) if born is not None else None
    if created is None or place.then.holds(created):
        return
    for name in layout.touched:
        if name == born or recorded[name] == replayed.get(name):
            continue
        old, new = _moment(recorded[name]), _moment(replayed.get(name))
        below = node.child(name) if node is not None else None
        moves = below is not None and below.moving()
        if old is None or new is None or moves or place.then.holds(old):
            continue
        if abs(new.seconds - place.now.now) <= PRESENT + new.grain:
            yield name, f"{born} is as recorded, and so is the row; {name} is the moment of this very request"


def _moment(value: Any) -> Moment | None:
    if type(value) is str:
        found = moments.read(value) or moments.read_epoch_text(value)
    else:
        found = moments.read_epoch(float(value)) if type(value) is int and abs(value) < 1e20 else None
    return found if found is not None and found.grain <= 60 else None
