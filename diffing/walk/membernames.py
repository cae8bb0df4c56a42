"""Members whose *name* is an identifier that was made anew: ``{"ord_1": …}`` and ``{"ord_2": …}``."""

from __future__ import annotations

import re
from collections.abc import Iterable

from diffing.contract.profile import generated_name
from diffing.place import Place
from diffing.values.volatile import Family, shape_of

Pairs = list[tuple[str, str]]

_PUSH = re.compile(r"-[0-9A-Z_a-z-]{19}")
_ORDERED = "-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz"
_BORN, _LATEST = 1_333_238_400, 4_102_444_800  # Unix seconds: 2012, when push ids were invented, and 2100
PUSH_ID = 20  # characters


def pushed(name: str) -> bool:
    """Whether ``name`` is a push id of the Firebase Realtime Database: twenty characters, the first eight a moment."""
    if _PUSH.fullmatch(name) is None or name.lower() == name or name.upper() == name:
        return False
    return _BORN <= made_at(name) <= _LATEST


def made_at(push_id: str) -> float:
    """When a push id was made, in Unix seconds."""
    made = 0
    for letter in push_id[:8]:
        made = made * 64 + _ORDERED.index(letter)
    return made / 1000


def made_anew(gone: list[str], new: list[str], kept: Iterable[str], place: Place) -> Pairs:
    """Pairs of names that stand for each other: known ones, then those of one form in their order.

    ``kept``: names that both sides have. Where numbers stayed, another number is another object's.
    """
    pairs: Pairs = []
    counted = any(_number(name) for name in kept)
    free = dict.fromkeys(new)
    open_left: list[str] = []
    for name in gone:
        partner = place.identity.partner(name)
        if partner is not None and partner in free:
            del free[partner]
            pairs.append((name, partner))
        elif (generated_name(name) or pushed(name)) and not (counted and _number(name)):
            open_left.append(name)
    open_right = [name for name in free if (generated_name(name) or pushed(name)) and not (counted and _number(name))]
    if open_left and len(open_left) == len(open_right):
        kinds = [(shape_of(one), shape_of(other)) for one, other in zip(open_left, open_right, strict=True)]
        push = [(pushed(one), pushed(other)) for one, other in zip(open_left, open_right, strict=True)]
        if all(both == (True, True) for both in push) or all(
            one is not None and other is not None and one.kind == other.kind for one, other in kinds
        ):
            pairs.extend(zip(open_left, open_right, strict=True))
    return pairs


def _number(name: str) -> bool:
    """Whether ``name`` is digits that are no moment: days and hours of a moving window come and go."""
    if not name.isdigit():
        return False
    shape = shape_of(name)
    return shape is None or shape.family is not Family.MOMENT


def note_names(pairs: Pairs, place: Place) -> None:
    """Note, while learning, which name stands for which."""
    if place.learning:
        for one, other in pairs:
            place.identity.observe(one, other)
