"""The second signal. A shape alone never accepts a difference: something else must say that the value is made anew.

In the order they are asked: its name; the same pair stands elsewhere in the run (it was minted in one place and is
used in another); answers to the very same recorded request differ there; its own time lies in its run; the place
never repeats a value. What replays of the recorded build say is added in ``diffing.values.scalars``. What spoke for an
accepted value is kept in ``Accepted.why``.
"""

from __future__ import annotations

import re

from diffing.contract.profile import Node
from diffing.contract.sketch import LONG, brief
from diffing.place import Place
from diffing.values import idclocks
from diffing.values.moments import Clock, Moment
from diffing.values.names import Hint, hint_of, words
from diffing.values.passwordhashes import password_hash
from diffing.values.volatile import Family, Shape

_LAST = re.compile(r"([^0-9]+[0-9]+[^0-9]+)[0-9]{3,}")

WEAK = frozenset({"digits", "reference", "code"})
"""Shapes that data has as often as ids: a name alone is not enough for them."""

CONSTANT = 8
"""Recorded samples from which on one and the same value everywhere says that nothing is made anew there."""

MINORITY = 3
"""A place that stays so much more often than it moves is no place where values are made."""

_STORED = frozenset("password passwd pwd pass passphrase hash digest secret credential credentials".split())
"""Words of names of stored passwords."""

_KEPT = frozenset("csrf xsrf session sid nonce authenticity".split())
"""Words of names of values that last as long as a session."""


def fits(shape: Shape, hint: Hint | None) -> bool:
    """Whether a name promises such a shape."""
    if shape.family is Family.MOMENT:
        return hint is Hint.MOMENT
    return hint in (Hint.ID, Hint.TOKEN, Hint.REFERENCE)


def second_signal(
    shape: Shape, recorded: str, replayed: str, name: str, hint: Hint | None, node: Node | None, place: Place
) -> str:
    """What says, beside its shape, that the value is made anew; "" when nothing does."""
    if shape.kind == "password-hash":
        one, other = password_hash(recorded), password_hash(replayed)
        if one is None or other is None or one.salt == other.salt:
            return ""
        if _STORED & set(words(name)):
            return f"named {name}, and its salt is another one"
    named = fits(shape, hint)
    if named and shape.kind not in WEAK:
        return f"named {name}"
    if named and shape.kind == "reference" and _counted(recorded, replayed):
        return f"named {name}, and counted up"
    if named and shape.kind == "reference" and place.scope.startswith("POST ") and _numbered(name, node):
        return f"named {name}, in the answer to a POST"
    moves = node.moves if node is not None else None
    if moves is not None and moves.moved:
        return f"it differed in {moves.moved}/{moves.moved + moves.stayed} answers to the same recorded request"
    if in_window(shape, recorded, place.then) and in_window(shape, replayed, place.now):
        return "made in its run, as the id itself says"
    if not shape.strong and not named:
        return ""
    if place.identity.elsewhere(recorded, replayed):
        return f"the same pair stands in {place.identity.times(recorded, replayed)} places"
    if shape.kind == "digits" and words(name) == ("number",):
        return ""  # of a house, or an account: differing from sample to sample, as data does
    if node is not None and node.varies():
        return f"no value twice in {node.seen} recorded samples"
    return ""


def _counted(recorded: str, replayed: str) -> bool:
    """Whether two references of several numbers differ in the last one only: ``ORD-2026-000123``."""
    one, other = _LAST.fullmatch(recorded), _LAST.fullmatch(replayed)
    return one is not None and other is not None and one[1] == other[1]


def _numbered(name: str, node: Node | None) -> bool:
    """Whether a name of numbers for people is one that is counted up: ``order_number``, not ``payment_code``."""
    if hint_of(name) is Hint.ID:
        return words(name) == ("id",)
    repeated = node is not None and node.values.repeated
    return words(name)[-1] in ("number", "no", "nr", "num") and not repeated


def against(node: Node | None, *, certain: bool, weak: bool, name: str = "") -> str:
    """What the run and the recording say against a value made anew at a place; "".

    ``certain``: the pair is known from elsewhere, so that what stays at this place are other objects.
    """
    if node is None or (node.moves is not None and node.moves.moved):
        return ""
    if node.became is not None and node.became.one and not node.values.repeated:
        return f"{len(node.became.recorded)} recorded values became one and the same"
    if certain:
        return ""
    if node.stayed and (weak or node.stayed >= MINORITY * node.moved):
        return f"it stayed in {node.stayed}/{node.stayed + node.moved} places of this run"
    samples = node.seen - node.nulls
    one = len(node.values.counts) == 1 and node.values.complete and len(node.requests) > 1
    if one and samples >= CONSTANT and _KEPT.isdisjoint(words(name)):
        return f"one value in all {samples} recorded samples"
    return ""


def in_window(shape: Shape, text: str, clock: Clock) -> bool:
    """Whether ``text`` is an id that was made while its run was going on."""
    return any(clock.holds(Moment("id", when, 1.0, ())) for when in idclocks.made_at(shape.kind, text))


def known_here(replayed: str, node: Node | None) -> bool:
    """Whether the recording has the new value in another answer: what is made anew is nowhere in it.

    Where answers to one request differed, values may well come back.
    """
    if node is None or (node.moves is not None and node.moves.moved):
        return False
    return (replayed if len(replayed) <= LONG else brief(replayed)) in node.values.counts


def stale(shape: Shape, recorded: str, replayed: str, place: Place) -> bool:
    """Whether the recorded id was made in its run and the replayed one was not: it is somebody else's, or old."""
    if shape.kind == "snowflake" or not idclocks.made_at(shape.kind, recorded):
        return False
    return in_window(shape, recorded, place.then) and not in_window(shape, replayed, place.now)


def described(shape: Shape) -> str:
    """``uuid v4``, ``prefixed-id ord_``, ``datetime``."""
    if shape.kind == "uuid":
        return f"uuid v{shape.facets[0]}"
    if shape.kind == "prefixed-id":
        return f"prefixed-id {shape.facets[0]}{shape.facets[1]}"
    return shape.kind
