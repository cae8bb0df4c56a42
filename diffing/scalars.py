"""One scalar against another: equal by nature of the value, or a difference.

An unequal pair is accepted only on two signals. The first is shape (``diffing.volatile``): both sides look like values
of one generator. The second is one of: the name promises such a value; both moments fall into their own run; the
place never repeats a value in the recording; the same pair stands elsewhere in the run; the replay itself put the new
value in the old one's place. And what is accepted keeps its type, its format and its identity.
"""

from __future__ import annotations

from decimal import Decimal
from itertools import pairwise
from typing import Any

from diffing import moments
from diffing.identity import BOUND
from diffing.matchers import broad_type, json_type
from diffing.moments import Moment
from diffing.names import Hint, entity, happened, hint_of
from diffing.place import Accepted, Drift, Outcome, Place
from diffing.profile import Node
from diffing.volatile import Family, Shape, opaque, shape_of

_LOOSE = frozenset({"hex", "code", "digits", "token", "ksuid", "objectid"})
"""Shapes that random characters fall into by chance: an id of eight letters and digits may lack the letters."""


def judge(recorded: Any, replayed: Any, names: tuple[str, ...], node: Node | None, place: Place) -> Outcome:
    """Judge two unequal JSON scalars. ``names`` are the member names above the value, the nearest last."""
    old, new = json_type(recorded), json_type(replayed)
    if old == new == "string":
        from diffing.embedded import judge_text

        return judge_text(recorded, replayed, names, node, place)
    if broad_type(recorded) == broad_type(replayed) == "number":
        return _judge_numbers(recorded, replayed, names, node, place)
    if new == "null":
        seen = node.nulls if node is not None else 0
        if seen and node is not None:
            return Drift("null-changed", f"null in {seen}/{node.seen} recorded samples")
        return Drift("became-null", f"never null in {node.seen if node else 1} recorded samples")
    if old == "null":
        if node is not None and broad_type(replayed) in node.types:
            return Drift("null-changed", f"null in {node.nulls}/{node.seen} recorded samples")
        if (node is not None and node.nulls == node.seen) or node is None:
            return Drift("null-changed", "always null in the recording")
    return Drift("type-changed", f"{old} became {new}")


def judge_whole(
    recorded: str, replayed: str, names: tuple[str, ...], node: Node | None, place: Place
) -> Outcome | None:
    """Judge two unequal strings as single values. None: nothing says that they vary by themselves."""
    times = place.identity.times(recorded, replayed)
    if times >= BOUND:
        broken = None if place.learning else place.identity.contradiction(recorded, replayed)
        if broken:
            return Drift("identity", broken)
        old, new = shape_of(recorded), shape_of(replayed)
        if old is not None and new is not None and old.kind == new.kind and not _same_facets(old, new, node):
            return Drift("format-changed", f"the {old.kind} is formed differently")
        return Accepted(("volatile.binding",))
    name = names[-1] if names else ""
    hint = hint_of(name)
    old, new = shape_of(recorded), shape_of(replayed)
    if old is None or new is None:
        return _half_known(recorded, replayed, old, new, hint)
    if old.kind != new.kind:
        if len(recorded) == len(replayed) and _by_chance(old, new):
            strong = old.strong and new.strong and len(recorded) >= 20
            chance = Shape("token", Family.TOKEN, (), strong=strong, identity=False)
            return _identifier(chance, recorded, replayed, hint, node, place)
        if old.family is new.family is Family.TOKEN and hint is Hint.TOKEN:
            return Accepted(("volatile.token",))
        if old.strong or (hint is not None and hint is not Hint.MEASURE):
            return Drift("format-changed", f"{old.kind} became {new.kind}")
        return None
    if not _same_facets(old, new, node):
        if old.strong or _fits(old, hint):
            return Drift("format-changed", f"the {old.kind} is formed differently")
        return None
    if old.family is Family.MOMENT:
        before, after = _moment(recorded), _moment(replayed)
        return _moments(before, after, name, hint, place) if before and after else None
    return _identifier(old, recorded, replayed, hint, node, place)


def integer_key(number: int | str, names: tuple[str, ...], place: Place) -> str:
    """The identity of an integer id: its digits mean nothing without the kind of object and the recording session."""
    return f"{place.session}:{entity(names, place.endpoint)}#{number}"


def learn_equal(value: Any, names: tuple[str, ...], place: Place) -> None:
    """Note that an identifier stands for itself: a rename of it elsewhere would then be a contradiction."""
    if type(value) is str:
        if 5 <= len(value) <= 128:
            shape = shape_of(value)
            if (
                shape is not None
                and shape.identity
                and (shape.strong or _fits(shape, hint_of(names[-1] if names else "")))
            ):
                place.identity.observe(value, value)
    elif type(value) is int and names and hint_of(names[-1]) is Hint.ID:
        key = integer_key(value, names, place)
        place.identity.observe(key, key)


def _half_known(
    recorded: str, replayed: str, old: Shape | None, new: Shape | None, hint: Hint | None
) -> Outcome | None:
    if hint is Hint.TOKEN and opaque(recorded) and opaque(replayed):
        longer, shorter = max(len(recorded), len(replayed)), min(len(recorded), len(replayed))
        if longer <= 1.34 * shorter + 2:
            return Accepted(("volatile.token",))
    if old is not None and old.strong and (_fits(old, hint) or old.kind in ("uuid", "datetime", "jwt")):
        return Drift("format-changed", f"{old.kind} became something else")
    random = len(recorded) == len(replayed) >= 8 and min(_casings(recorded), _casings(replayed)) > 2
    if hint in (Hint.ID, Hint.TOKEN) and random and opaque(recorded) and opaque(replayed):
        return Accepted(("volatile.token",))  # random ids without a digit do happen
    return None


def _by_chance(old: Shape, new: Shape) -> bool:
    """Whether one generator of random characters may have made both: a token's third letter may be an underscore."""
    kinds = {old.kind, new.kind}
    return kinds <= _LOOSE or ("token" in kinds and kinds <= _LOOSE | {"prefixed-id", "ulid"})


def _casings(text: str) -> int:
    return sum(left.islower() != right.islower() for left, right in pairwise(text))


def _identifier(
    shape: Shape, recorded: str, replayed: str, hint: Hint | None, node: Node | None, place: Place
) -> Outcome | None:
    if recorded in place.echoed:
        return Drift("value-changed", "the recorded value is what the request sends, and the request still sends it")
    fits = _fits(shape, hint)
    if place.learning and shape.identity and (shape.strong or fits):
        place.identity.observe(recorded, replayed)
    times = place.identity.times(recorded, replayed)
    if not fits and not (shape.strong and (times >= 2 or (node is not None and node.varies()))):
        return None
    if shape.identity and not place.learning:
        broken = place.identity.contradiction(recorded, replayed)
        if broken:
            return Drift("identity", broken)
    return Accepted((f"volatile.{shape.kind}",))


def _fits(shape: Shape, hint: Hint | None) -> bool:
    if shape.family is Family.MOMENT:
        return hint is Hint.MOMENT
    return hint in (Hint.ID, Hint.TOKEN, Hint.REFERENCE)


def _same_facets(old: Shape, new: Shape, node: Node | None) -> bool:
    if old.facets == new.facets:
        return True
    if node is not None and (node.facets & node.replayed_facets):
        # Forms that vary within one build (Go and Java leave out zeros of a fraction) overlap between two runs of it;
        # a changed format does not.
        return (old.kind, *old.facets) in node.facets and (old.kind, *new.facets) in node.facets | node.replayed_facets
    if old.kind == "datetime" and len(old.facets) == len(new.facets) == 5:
        left, right = list(old.facets), list(new.facets)
        digits = (int(str(left.pop(3))), int(str(right.pop(3))))
        left[2] = right[2] = ""
        return left == right and max(digits) >= 6 and (min(digits) == 0 or abs(digits[0] - digits[1]) <= 3)
    return False


def _moment(text: str) -> Moment | None:
    return moments.read(text) or moments.read_epoch_text(text)


def _moments(before: Moment, after: Moment, name: str, hint: Hint | None, place: Place) -> Outcome | None:
    relation = moments.same_relation(before, after, place.then, place.now, happened=happened(name))
    inside = place.then.holds(before) and place.now.holds(after)
    if relation is not None:
        # A calendar entry outside both runs is data that changed, with or without a promising name.
        return Drift("value-changed", relation) if hint is Hint.MOMENT or inside else None
    if hint is Hint.MOMENT or (inside and before.kind != "date") or (inside and before.seconds != after.seconds):
        return Accepted(("volatile.timestamp",))
    return Accepted(("volatile.timestamp",)) if before.grain <= 60 else None


def _judge_numbers(recorded: Any, replayed: Any, names: tuple[str, ...], node: Node | None, place: Place) -> Outcome:
    name = names[-1] if names else ""
    hint = hint_of(name)
    old, new = Decimal(str(recorded)), Decimal(str(replayed))
    if old.compare(new).is_zero():
        return Drift("number-form", f"written {recorded}, now {replayed}")
    if hint is Hint.MEASURE and old >= 0 and new >= 0:
        return Accepted(("volatile.duration",))
    before, after = moments.read_epoch(float(old)), moments.read_epoch(float(new))
    if before is not None and after is not None and hint not in (Hint.ID, Hint.REFERENCE):
        if before.facets != after.facets:
            return Drift("format-changed", f"epoch {before.facets[0]} became epoch {after.facets[0]}")
        inside = place.then.holds(before) and place.now.holds(after)
        if hint is Hint.MOMENT or inside:
            relation = moments.same_relation(before, after, place.then, place.now, happened=happened(name))
            return Drift("value-changed", relation) if relation else Accepted(("volatile.timestamp",))
    if type(recorded) is int and type(replayed) is int and hint is Hint.ID:
        accepted = judge_integer_id(recorded, replayed, names, node, place)
        if accepted is not None:
            return accepted
    return Drift("value-changed")


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
    if place.learning:
        place.identity.observe(one, other)
        return Accepted(("volatile.integer-id",))
    broken = place.identity.contradiction(one, other)
    if broken:
        return Drift("identity", broken)
    own = not names or names[-1].lower() in ("id", "pk")
    if own or place.identity.times(one, other) >= 2 or (node is not None and node.varies()):
        return Accepted(("volatile.integer-id",))
    return None
