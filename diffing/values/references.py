"""References of an object that stayed: the recorded ticket is the recorded customer's.

An id that never repeats in the recording may be made anew. Where the object itself kept its id, it is the recorded one,
and what it refers to is, too, unless the run shows the other object being made: in an answer of its own, or in one to a
write. Rows of a table are the recorded ones where their first id stayed in all of them. A number counts from one again
in an empty database, so that of an object which a write of the run answered with, or whose own moments or UUID moved,
says nothing of what else was made with it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from diffing.values.identity import BOUND, LIMIT
from diffing.values.layouts import WIDE, layout_of
from diffing.values.names import Hint, hint_of, words
from diffing.values.numbers import id_key, own_id
from diffing.values.signals import in_window

if TYPE_CHECKING:
    from diffing.contract.profile import Node
    from diffing.place import Place

OWN = ("id", "pk")
ROWS = 3  # of a table, that kept their first id
EVERY = 3  # references that moved, and none that stayed: the database was filled anew
SHORTEST = 8  # characters of a text that is an id

_PASSING = frozenset(
    "session request trace span correlation event nonce latest last current next previous revision version snapshot "
    "build deployment instance server pod run".split()
)
"""Words of names of what an object that stays may well refer to anew with every request, or with every start."""

_KEYS = frozenset("api access license licence public".split())

Path = tuple[str, ...]


def note_made(recorded: str, replayed: str, names: Path, place: Place) -> None:
    """Note an id that the run shows being made: it stands in its object's own place, or in the answer to a write."""
    made = place.identity.made
    if place.side != "response" or len(made) >= LIMIT:
        return
    if not place.scope.startswith(("GET ", "HEAD ")):
        made.add((recorded, replayed))
    elif recorded != replayed and names:
        own = (*names[:-1], "id") if names[-1].lower() in ("uuid", "guid", "_id") else names
        if own_id(own, place):
            made.add((recorded, replayed))


def strayed(
    recorded: dict[str, Any], replayed: dict[str, Any], node: Node | None, names: Path, place: Place, *, row: bool
) -> Iterator[tuple[str, Path, str]]:
    """(last word of the class, members below, evidence) of every reference that changed for no reason the run shows.

    ``row``: the object is an item of an array.
    """
    if node is None or len(recorded) > WIDE or not place.scope.startswith(("GET ", "HEAD ")):
        return
    found = [
        path for name in recorded if name in replayed and (path := _reference(name, recorded[name], replayed[name]))
    ]
    if not found:
        return
    own = _kept(recorded, replayed, node, row=row)
    if own is None:
        return
    for path in found:
        below = node.child(path[0])
        if below is not None and len(path) > 1:
            below = below.child(path[1])
        old, new = _at(recorded, path), _at(replayed, path)
        if _counted(old) and _counted(new):
            made = _made(old, new, (*names, *path), below, place)
        else:
            made = _text_made(old, new, below, place) or _made_anew(own, recorded, replayed, below, names, place)
        if not made:
            yield (
                "identity" if own in OWN else "value-changed",
                path,
                f"{own} is as recorded, and nothing in the run made this one anew",
            )


def _reference(name: str, old: Any, new: Any) -> Path | None:
    """Where in member ``name`` the id of another object stands."""
    if type(old) is dict and type(new) is dict:
        inner = next((own for own in OWN if own in old and own in new), None)
        return (name, inner) if inner is not None and _unequal(old[inner], new[inner]) else None
    if name in OWN or not _unequal(old, new):
        return None
    if hint_of(name) is Hint.ID:
        return (name,) if _counted(old) or (_PASSING.isdisjoint(words(name)) and len(words(name)) > 1) else None
    return (name,) if words(name)[-1:] == ("key",) and not _KEYS.isdisjoint(words(name)) and not _counted(old) else None


def _kept(recorded: dict[str, Any], replayed: dict[str, Any], node: Node, *, row: bool) -> str | None:
    """The member by which the object is known to be the recorded one."""
    own = next((name for name in OWN if name in recorded), None)
    if own is None and row:
        own = next((name for name in recorded if hint_of(name) is Hint.ID), None)
        column = node.child(own) if own is not None else None
        if column is None or column.stayed < ROWS or not column.varies():
            return None
    if own is None or recorded[own] != replayed.get(own):
        return None
    if not _counted(recorded[own]):
        return own if type(recorded[own]) is str and len(recorded[own]) >= SHORTEST else None
    column = node.child(own)
    return own if column is not None and not column.moved else None


def _made_anew(
    own: str, recorded: dict[str, Any], replayed: dict[str, Any], below: Node | None, names: Path, place: Place
) -> bool:
    """Whether the object may have been made in the run, though its own number is the recorded one."""
    if not _counted(recorded[own]):
        return False
    key = id_key(recorded[own], (*names, own), place)
    if (key, key) in place.identity.made or (below is not None and below.moved > EVERY and not below.stayed):
        return True
    moved = (*layout_of(recorded).born, "uuid", "guid")
    return any(name in recorded and recorded[name] != replayed.get(name) for name in moved)


def _made(old: int | str, new: int | str, names: Path, node: Node | None, place: Place) -> bool:
    """Whether the run shows the object of the new number being made, or its place moves anyhow."""
    one, other = id_key(old, names, place), id_key(new, names, place)
    if "#" not in one or place.identity.elsewhere(one, other):
        return True
    return node is not None and node.moving()


def _text_made(old: str, new: str, node: Node | None, place: Place) -> bool:
    """The same for ids that are no numbers."""
    identity = place.identity
    if (old, new) in identity.made or identity.times(old, new) >= BOUND:
        return True
    if node is not None and node.moving():
        return True
    shape, now = place.shape(old), place.shape(new)
    if shape is None or now is None:
        return True  # a word: it is judged as one
    return in_window(shape, old, place.then) and in_window(now, new, place.now)


def _at(item: dict[str, Any], path: Path) -> Any:
    return item[path[0]] if len(path) == 1 else item[path[0]][path[1]]


def _unequal(old: Any, new: Any) -> bool:
    if _counted(old) or _counted(new):
        return _counted(old) and _counted(new) and bool(old != new)
    return type(old) is type(new) is str and old != new and min(len(old), len(new)) >= SHORTEST


def _counted(value: Any) -> bool:
    return type(value) is int or (type(value) is str and value.isascii() and value.isdigit())
