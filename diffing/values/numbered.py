"""One number in two forms: as a value (``"number": 101``) and in the way to the same object (``/pulls/101``, ``#101``).

An integer says nothing by itself, and neither does a number in a URL. That both are renamed alike, wherever the run has
them, is what speaks for either: a wrong number leaves its link behind.
"""

from __future__ import annotations

from diffing.place import Place

SHORTEST = 3  # digits: smaller numbers are everywhere


def note_value(recorded: int | str, replayed: int | str, place: Place) -> None:
    """Note, while learning, an integer (or digits) that its name calls an id or a number."""
    _note("value", str(recorded), str(replayed), place)


def note_way(recorded: str, replayed: str, place: Place) -> None:
    """Note, while learning, digits in a URL, a reference or a global id."""
    _note("way", recorded, replayed, place)


def in_a_way(recorded: int | str, replayed: int | str, place: Place) -> bool:
    """Whether the pair stands in a way to an object, and neither number stands for another one there."""
    return _stands("way", str(recorded), str(replayed), place)


def as_value(recorded: str, replayed: str, place: Place) -> bool:
    """Whether the pair stands as an id or a number, and neither number stands for another one there."""
    return _stands("value", recorded, replayed, place)


def _note(kind: str, recorded: str, replayed: str, place: Place) -> None:
    if min(len(recorded), len(replayed)) >= SHORTEST:
        place.identity.observe(_key(kind, recorded, place), _key(kind, replayed, place))


def _stands(kind: str, recorded: str, replayed: str, place: Place) -> bool:
    if min(len(recorded), len(replayed)) < SHORTEST or recorded in place.echoed:
        return False
    one, other = _key(kind, recorded, place), _key(kind, replayed, place)
    return place.identity.times(one, other) > 0 and place.identity.contradiction(one, other) is None


def _key(kind: str, number: str, place: Place) -> str:
    return f"{place.session}:{kind}#{number}"
