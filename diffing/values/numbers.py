"""One JSON number against another: epochs, durations, ids of integers, ports; everything else is data."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from diffing.contract.profile import Node
from diffing.place import Accepted, Drift, Outcome, Place
from diffing.values import measures, moments, numbered, pasts, signals
from diffing.values.identity import BOUND
from diffing.values.names import WRAPPERS, Hint, entity, happened, hint_of, is_plural, singular, words
from diffing.values.volatile import Family, Shape

GLOBAL = 10**15
"""Integers from here on are snowflakes: unique by themselves, and often written as a string beside."""


def integer_key(number: int | str, names: tuple[str, ...], place: Place) -> str:
    """The identity of an integer id: its digits mean nothing without the kind of object and the recording session."""
    digits = str(number)
    if 15 < len(digits) <= 20 and int(digits) >= GLOBAL:
        return digits
    return f"{place.session}:{entity(names, place.endpoint)}#{number}"


def id_key(value: int | str, names: tuple[str, ...], place: Place) -> str:
    """The identity of an id, for ``42`` and for ``"42"`` the same: under a name of ids both are one object's number.

    Strings of anything but digits, or with a zero before them, stand for themselves.
    """
    if type(value) is str:
        counted = value.isascii() and value.isdigit() and (value[0] != "0" or value == "0")
        if not counted or not names or hint_of(names[-1]) is not Hint.ID:
            return value
    return integer_key(value, names, place)


def site_of(names: tuple[str, ...], place: Place) -> int:
    """A number for a kind of place: pairs of ids that stand in two of them were not made by one bug."""
    return hash((place.endpoint, place.where, names)) or 1


def _site_of_integer(own: bool, place: Place) -> int:
    """The same for a number: two references that agree may come of one wrong row, so an endpoint is no place.

    The object's own id is one kind, what a write answers with another, a reference that is read a third.
    """
    return hash((place.side, own, not place.scope.startswith(("GET ", "HEAD ")))) or 1


def judge_numbers(recorded: Any, replayed: Any, names: tuple[str, ...], node: Node | None, place: Place) -> Outcome:
    """Judge two unequal JSON numbers."""
    name = names[-1] if names else ""
    hint = hint_of(name)
    old, new = Decimal(str(recorded)), Decimal(str(replayed))
    if old.compare(new).is_zero():
        return Drift("number-form", f"written {recorded}, now {replayed}")
    if hint is Hint.MEASURE and old >= 0 and new >= 0:
        complaint = measures.complaint(recorded, replayed, name, node)
        return Drift("value-changed", complaint) if complaint else _measured(name)
    before, after = moments.read_epoch(float(old)), moments.read_epoch(float(new))
    if before is not None and after is not None and hint not in (Hint.ID, Hint.REFERENCE):
        if before.facets != after.facets:
            return Drift("format-changed", f"epoch {before.facets[0]} became epoch {after.facets[0]}")
        inside = place.then.holds(before) and place.now.holds(after)
        if hint is Hint.MOMENT or inside:
            relation = moments.same_relation(before, after, place.then, place.now, happened=happened(name))
            if relation is None and not inside:
                relation = pasts.complaint(before, after, node, place)
            if relation:
                return Drift("value-changed", relation)
            precision = _precision(recorded, replayed)
            if precision:
                return Drift("format-changed", precision)
            why = f"named {name}" if hint is Hint.MOMENT else "in the time of its run"
            return Accepted(("volatile.timestamp",), f"epoch {before.facets[0]}; {why}")
        if hint is None and moments.as_far(before, after, place.then, place.now) and not _precision(recorded, replayed):
            return Accepted(("volatile.timestamp",), f"epoch {before.facets[0]}; as far from its exchange as recorded")
    if type(recorded) is int and type(replayed) is int:
        if hint is Hint.ID:
            accepted = judge_integer_id(recorded, replayed, names, node, place)
            if accepted is not None:
                return accepted
        if own_port(str(recorded), str(replayed), name, place):
            return Accepted(("builtin.own-host",), f"the service's own port; named {name}")
        numbers = hint is Hint.REFERENCE or words(name)[-1:] in (("number",), ("iid",))
        if numbers and place.learning:
            numbered.note_value(recorded, replayed, place)
        if (numbers or hint is Hint.ID) and numbered.in_a_way(recorded, replayed, place):
            return Accepted(("volatile.integer-id",), f"integer named {name}; the same pair stands in a way to it")
    return Drift("value-changed")


def _measured(name: str) -> Accepted:
    return Accepted(("volatile.duration",), f"number; named {name}")


def own_port(recorded: str, replayed: str, name: str, place: Place) -> bool:
    """Whether both are the service's own port, under a name that says port."""
    if "port" not in words(name):
        return False
    return any(
        one.rpartition(":")[2] == recorded and other.rpartition(":")[2] == replayed for one, other in place.hosts
    )


def judge_integer_id(
    recorded: int | str, replayed: int | str, names: tuple[str, ...], node: Node | None, place: Place
) -> Outcome | None:
    """Judge two unequal integers under a name that promises an id. None: no sign that the id was made anew.

    An object's own id (``$.id``) may be new at first sight. A reference to another object (``$.user_id``) may only
    when the same pair stands elsewhere or the place never repeats: else a wrong reference would pass for a new id.
    """
    if str(recorded) in place.echoed:
        return Drift("value-changed", "the recorded id is what the request sends, and the request still sends it")
    one, other = integer_key(recorded, names, place), integer_key(replayed, names, place)
    rule = "volatile.digits" if type(recorded) is str and node is not None else "volatile.integer-id"
    if (int(recorded) > 0) != (int(replayed) > 0):
        return Drift("value-changed", "only one of them can be the number of an object")
    identity = place.identity
    own = (node is not None and own_id(names, place)) or _created(names, place)
    if place.learning:
        identity.observe(one, other, 1, _site_of_integer(own, place))
        if node is not None:
            numbered.note_value(recorded, replayed, place)
        return Accepted((rule,))
    broken = identity.contradiction(one, other)
    if broken:
        return Drift("identity", broken)
    if max(identity.times(one, other), identity.times(str(recorded), str(replayed))) >= BOUND:
        return Accepted((rule,), "the replay itself sent the new value")
    if not own and identity.swapped(one, other):
        return Drift("identity", "this id and the new one stand for each other")
    if "#" not in one and "#" not in other and identity.recorded(other):
        return Drift("identity", "the new value is one that the recording has for another object")
    against = signals.against(node, certain=identity.elsewhere(one, other), weak=True)
    if against:
        return Drift("value-changed", against)
    signal = _signal(one, other, own, names, node, place)
    if not signal and node is not None and numbered.in_a_way(recorded, replayed, place):
        signal = "the same pair stands in a way to it"
    return Accepted((rule,), f"integer named {names[-1] if names else 'id'}; {signal}") if signal else None


def own_id(names: tuple[str, ...], place: Place) -> bool:
    """Whether ``id`` under these members is the number of what the answer is about, not of something it refers to."""
    if not names or names[-1].lower() not in ("id", "pk"):
        return False
    above = [name.lower() for name in names[:-1] if name.lower() not in WRAPPERS]
    if not above:
        return True
    return is_plural(above[-1]) or singular(above[-1]) == entity((), place.endpoint)


def _created(names: tuple[str, ...], place: Place) -> bool:
    """Whether an id is that of what a POST has just made: ``/posts/91`` in the answer to ``POST /posts``."""
    if len(names) != 1 or not place.scope.startswith("POST ") or not place.scope.endswith((" 201", " 302", " 303")):
        return False
    return entity(names, place.endpoint) == entity((), place.endpoint)


def _signal(one: str, other: str, own: bool, names: tuple[str, ...], node: Node | None, place: Place) -> str:
    if own:
        return "the object's own id"
    if place.identity.elsewhere(one, other):
        return f"the same pair stands in {place.identity.times(one, other)} places"
    moves = node.moves if node is not None else None
    if moves is not None and moves.moved:
        return f"it differed in {moves.moved}/{moves.moved + moves.stayed} answers to the same recorded request"
    shape = Shape("snowflake", Family.ID)
    if (
        "#" not in one + other
        and signals.in_window(shape, one, place.then)
        and signals.in_window(shape, other, place.now)
    ):
        return "made in its run, as the id itself says"
    several = bool(names) and words(names[-1])[-1:] == ("ids",)  # of one list, no value comes twice anyhow
    if node is not None and node.varies() and not several:
        return f"no value twice in {node.seen} recorded samples"
    return ""


def _precision(recorded: Any, replayed: Any) -> str:
    """Why two epoch numbers are not equally fine, or "". Zeros at the end of a fraction are left out by some."""
    if (type(recorded) is int) == (type(replayed) is int):
        return ""
    return "whole seconds became fractions" if type(recorded) is int else "fractions of a second became whole ones"
