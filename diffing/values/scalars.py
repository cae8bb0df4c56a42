"""One scalar against another: equal by nature of the value, or a difference.

An unequal pair is accepted only on two signals. The first is shape (``values.volatile``): both sides look like values
of one generator. The second is one of those in ``values.signals``, or that the replay itself put the new value in the
old one's place. And what is accepted keeps its type, its format and its identity.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from diffing.contract.profile import Node, generated_name
from diffing.place import Accepted, Drift, Outcome, Place, body_location
from diffing.rulebook.matchers import broad_type, json_type
from diffing.values import composed, hosts, insides, measures, moments, pasts, references, signals, tokens
from diffing.values.chained import under
from diffing.values.identity import BOUND
from diffing.values.moments import Moment
from diffing.values.movement import note_moved
from diffing.values.names import Hint, happened, hint_of, words
from diffing.values.numbers import id_key, judge_integer_id, judge_numbers, site_of
from diffing.values.signals import fits
from diffing.values.variations import about_as_long, same_form
from diffing.values.volatile import (
    Family,
    Shape,
    bare_uuid,
    cased_id,
    id_of_digits,
    is_empty_digest,
    opaque,
    word_ends,
    worded,
)

if TYPE_CHECKING:
    from diffing.place import Trail

_LOOSE = frozenset({"hex", "code", "digits", "token", "ksuid", "objectid", "nanoid"})
"""Shapes that random characters fall into by chance: an id of eight letters and digits may lack the letters."""


_STILL_SENT = "the recorded value is what the request sends, and the request still sends it"

_NAMING = ("string", "integer")
_WHOLE = (("volatile.timestamp",), ("volatile.uuid",))
"""What has separators and yet no parts that mean something."""


def judge(
    recorded: Any, replayed: Any, names: tuple[str, ...], node: Node | None, place: Place, trail: Trail = ()
) -> Outcome:
    """Judge two unequal JSON scalars. ``names`` are the member names above the value, the nearest last.

    ``trail`` is where they stand, for what replays of the recorded build say of that place.
    """
    outcome = judge_value(recorded, replayed, names, node, place)
    if place.learning:
        if node is not None:
            note_moved(node, recorded, replayed)
        if isinstance(outcome, Drift) and type(recorded) is type(replayed) is str:
            place.identity.repeats.note(recorded, replayed, place.endpoint, body_location(place, trail)[0])
        return outcome
    if place.movements:
        return _weighed(outcome, recorded, replayed, place, trail)
    return outcome


def judge_value(recorded: Any, replayed: Any, names: tuple[str, ...], node: Node | None, place: Place) -> Outcome:
    """Judge two unequal JSON scalars by themselves, wherever they stand."""
    old, new = json_type(recorded), json_type(replayed)
    if names and place.identity.times(under(names[-1], recorded), under(names[-1], replayed)) >= BOUND:
        return Accepted(("volatile.binding",), "the replay itself sent the new value: [[chain]] names it")
    if old in _NAMING and new == old and (str(recorded), str(replayed)) in place.replaced:
        return Accepted(("volatile.binding",), "the request says the same: the replay itself put the new value there")
    if old == new == "string":
        from diffing.values.embedded import judge_text

        return judge_text(recorded, replayed, names, node, place)
    if broad_type(recorded) == broad_type(replayed) == "number":
        return judge_numbers(recorded, replayed, names, node, place)
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
    if old == new:  # true and false
        return Drift("value-changed")
    return Drift("type-changed", f"{old} became {new}")


def _weighed(outcome: Outcome, recorded: Any, replayed: Any, place: Place, trail: Trail) -> Outcome:
    """``outcome`` with what replays of the recorded build say: a fact outweighs a name."""
    movement = place.moves(trail)
    if movement is None:
        return outcome
    if isinstance(outcome, Accepted):
        if movement.steady and "volatile.binding" not in outcome.rules:
            return Drift("value-changed", f"{movement}: it does not move by itself")
        return replace(outcome, why=f"{outcome.why}; {movement}") if movement.differed else outcome
    if outcome.change == "value-changed" and movement.differed and type(recorded) is type(replayed) is str:
        old, new = place.shape(recorded), place.shape(replayed)
        alike = old is not None and new is not None and old.kind == new.kind and old.facets == new.facets
        if alike and old is not None and recorded not in place.echoed and old.family is not Family.MOMENT:
            return Accepted((f"volatile.{old.kind}",), f"{signals.described(old)}; {movement}")
    return outcome


def judge_whole(
    recorded: str, replayed: str, names: tuple[str, ...], node: Node | None, place: Place
) -> Outcome | None:
    """Judge two unequal strings as single values. None: nothing says that they vary by themselves."""
    name = names[-1] if names else ""
    hint = hint_of(name)
    if place.learning and len(recorded) >= references.SHORTEST:
        references.note_made(recorded, replayed, names, place)
    times = place.identity.times(recorded, replayed)
    old, new = _shapes(recorded, replayed, name, hint, place)
    # What a JWT says is judged though the replay sent it on; as texts, two that were made for one person within one
    # second are one (RFC 7519 counts seconds).
    signed = old is not None and old.kind == "jwt"
    if times >= BOUND and not signed:
        broken = None if place.learning else place.identity.contradiction(recorded, replayed)
        if broken:
            return Drift("identity", broken)
        drawn = recorded.isdigit() and replayed.isdigit() and len(recorded) == len(replayed)  # a code may begin with 0
        if old is not None and new is not None and old.kind == new.kind and not drawn and not same_form(old, new, node):
            return Drift("format-changed", f"the {old.kind} is formed differently")
        return Accepted(("volatile.binding",), "the replay itself sent the new value")
    if hint is Hint.ID and id_key(recorded, names, place) != recorded and id_key(replayed, names, place) != replayed:
        return judge_integer_id(recorded, replayed, names, node, place)
    outcome = _judge_shapes(recorded, replayed, (old, new), (name, hint), node, place)
    if mixed := tokens.mixed_up(recorded, replayed, old, outcome, name, place):
        return Drift("identity", mixed)
    if isinstance(outcome, Accepted):
        inside = "" if signed or outcome.rules in _WHOLE else composed.judge_ids(recorded, replayed, place)
        return Drift("identity", inside) if inside else outcome
    if isinstance(outcome, Drift) and outcome.change == "identity":
        return outcome
    return (
        _judge_named(recorded, replayed, name, node, place)
        or outcome
        or _snowflakes(recorded, replayed, name, node, place)
    )


def _snowflakes(recorded: str, replayed: str, name: str, node: Node | None, place: Place) -> Outcome | None:
    """Digits that say nothing as nanoseconds may say as snowflakes that they were made in their runs."""
    if not (recorded.isdigit() and replayed.isdigit() and recorded.isascii() and replayed.isascii()):
        return None
    old, new = id_of_digits(recorded), id_of_digits(replayed)
    if old is None or new is None or not old.kind == new.kind == "snowflake":
        return None
    return identifier(old, recorded, replayed, name, node, place)


def _shapes(
    recorded: str, replayed: str, name: str, hint: Hint | None, place: Place
) -> tuple[Shape | None, Shape | None]:
    if hint is Hint.ID:
        if recorded.isdigit() and replayed.isdigit() and recorded.isascii() and replayed.isascii():
            return id_of_digits(recorded), id_of_digits(replayed)  # as nanoseconds a snowflake is of these years
        if words(name)[-1] in ("uuid", "guid") and (bare := bare_uuid(recorded)) is not None:
            return bare, bare_uuid(replayed) or place.shape(replayed)
        if (cased := cased_id(recorded)) is not None and (other := cased_id(replayed)) is not None:
            return cased, other
    return place.shape(recorded), place.shape(replayed)


def _judge_shapes(
    recorded: str,
    replayed: str,
    shapes: tuple[Shape | None, Shape | None],
    named: tuple[str, Hint | None],
    node: Node | None,
    place: Place,
) -> Outcome | None:
    (old, new), (name, hint) = shapes, named
    if (
        hint in (Hint.ID, Hint.TOKEN)
        and (inside := insides.cursors_and_ids(recorded, replayed, name, hint, node, place)) is not None
    ):
        return inside
    if (unsealed := insides.sealed(recorded, replayed, name, place)) is not None:
        return unsealed
    if old is None or new is None:
        return _half_known(recorded, replayed, old, name, hint, place)
    if old.kind != new.kind:
        if len(recorded) == len(replayed) and _by_chance(old, new, recorded, replayed):
            strong = old.strong and new.strong and len(recorded) >= 20
            chance = Shape("token", Family.TOKEN, (), strong=strong, identity=False)
            return identifier(chance, recorded, replayed, name, node, place)
        if {old.kind, new.kind} <= {"digits", "snowflake"} and hint is Hint.ID:
            return identifier(replace(old, kind="digits"), recorded, replayed, name, node, place)
        if old.family is new.family is Family.TOKEN and hint is Hint.TOKEN and about_as_long(recorded, replayed):
            return Accepted(("volatile.token",), f"token; named {name}")
        if old.strong or (hint is not None and hint is not Hint.MEASURE):
            return Drift("format-changed", f"{old.kind} became {new.kind}")
        return None
    if not same_form(old, new, node):
        if old.strong or fits(old, hint):
            return Drift("format-changed", f"the {old.kind} is formed differently")
        return None
    if old.kind == "token" and not about_as_long(recorded, replayed, node):
        if old.strong or fits(old, hint):
            return Drift("format-changed", f"a token of {len(recorded)} characters became one of {len(replayed)}")
        return None
    if old.family is Family.MOMENT:
        before, after = _moment(recorded), _moment(replayed)
        return judge_moments(before, after, name, hint, place, node) if before and after else None
    outcome = identifier(old, recorded, replayed, name, node, place)
    if old.kind == "jwt" and isinstance(outcome, Accepted):
        return insides.tokens(recorded, replayed, place, outcome)
    return outcome


def _judge_named(recorded: str, replayed: str, name: str, node: Node | None, place: Place) -> Outcome | None:
    old = hosts.named(recorded, name)
    new = hosts.named(replayed, name) if old is not None else None
    if old is None or new is None or old.kind != new.kind:
        return None
    if old.facets != new.facets:
        change = "value-changed" if old.kind == "temp-path" else "format-changed"
        return Drift(change, f"the {old.kind} is formed differently")
    if recorded in place.echoed:
        return Drift("value-changed", _STILL_SENT)
    complaint = _unsure(old.kind, recorded, replayed, name, node, place)
    if complaint:
        return Drift("value-changed", complaint)
    return Accepted((f"volatile.{old.kind}",), f"{old.kind}; named {name}")


def _unsure(kind: str, recorded: str, replayed: str, name: str, node: Node | None, place: Place) -> str:
    """What speaks against a value that its name and form say to be one of a machine; "" when nothing does."""
    if place.learning:
        place.identity.observe(f"{kind}\x00{recorded}", f"{kind}\x00{replayed}", 1, site_of((name,), place))
        return ""
    certain = place.identity.elsewhere(f"{kind}\x00{recorded}", f"{kind}\x00{replayed}")
    if kind == "duration":
        return measures.unsteady(name, node) or hosts.far(recorded, replayed)
    if kind != "host":
        return ""
    if hosts.is_address(recorded):
        if hosts.standing(replayed) and not hosts.standing(recorded) and not hosts.serving(name):
            return "the new address is none of a machine"
        moved = node is not None and node.moving()
        if not (certain or moved or hosts.serving(name)):
            return "nothing says that the address is that of the machine behind the answer"
    if node is not None and node.became is not None and node.became.one:
        return "several machines became one"
    if node is not None and node.stayed and not certain:
        return f"it stayed in {node.stayed}/{node.stayed + node.moved} places of this run"
    return ""


def learn_equal(value: Any, names: tuple[str, ...], place: Place) -> None:
    """Note that an identifier stands for itself: a rename of it elsewhere would then be a contradiction."""
    if type(value) is str:
        if value[:1].isdigit() and (key := id_key(value, names, place)) != value:
            place.identity.observe(key, key)
            return
        if len(value) < 5 or len(value) > 2048:
            return
        hint = hint_of(names[-1] if names else "")
        shape = place.shape(value) if len(value) <= 128 else None
        if shape is None or shape.kind == "token":
            from diffing.values.embedded import learn_pieces

            learn_pieces(value, place)
        if shape is None:
            if hint is Hint.ID and ((not value.isalpha() and value.isalnum()) or cased_id(value) is not None):
                place.identity.observe(value, value)  # by its name alone: parts of composite keys are asked for it
            return
        if (shape.identity or hint is Hint.ID) and (shape.strong or fits(shape, hint)):
            place.identity.observe(value, value)
    elif type(value) is int and names and hint_of(names[-1]) is Hint.ID:
        from diffing.values.numbers import integer_key

        key = integer_key(value, names, place)
        place.identity.observe(key, key)
        references.note_made(key, key, names, place)


def learn_names(members: list[str], place: Place) -> None:
    """The same for members that are named by an id, as in ``{"ord_1": …}``."""
    for name in members:
        if generated_name(name):
            shape = place.shape(name)
            if shape is not None and shape.identity and shape.strong:
                place.identity.observe(name, name)


def _half_known(
    recorded: str, replayed: str, old: Shape | None, name: str, hint: Hint | None, place: Place
) -> Outcome | None:
    if hint is Hint.TOKEN and opaque(recorded) and opaque(replayed) and about_as_long(recorded, replayed):
        return Accepted(("volatile.token",), f"token; named {name}")
    if hint in (Hint.ID, Hint.TOKEN) and _random_letters(recorded, replayed):
        return identifier(Shape("token", Family.TOKEN, (), identity=False), recorded, replayed, name, None, place)
    if old is not None and old.strong and (fits(old, hint) or old.kind in ("uuid", "datetime", "jwt")):
        return Drift("format-changed", f"{old.kind} became something else")
    return None


def _random_letters(recorded: str, replayed: str) -> bool:
    """Whether both are random ids without a digit: such do happen."""
    if len(recorded) != len(replayed) or len(recorded) < 8 or min(_casings(recorded), _casings(replayed)) <= 2:
        return False
    alike = _prefix(recorded) == _prefix(replayed) and not (worded(recorded) and worded(replayed))
    return alike and opaque(recorded) and opaque(replayed)


def _prefix(text: str) -> str:
    before, mark, _ = text.partition("_")
    return before if mark and before.isalpha() and len(text) < 20 else ""


def _by_chance(old: Shape, new: Shape, recorded: str, replayed: str) -> bool:
    """Whether one generator of random characters may have made both: a token's third letter may be an underscore."""
    kinds = {old.kind, new.kind}
    if "ulid" in kinds and recorded.isupper() != replayed.isupper():
        return False
    return kinds <= _LOOSE or ("token" in kinds and kinds <= _LOOSE | {"prefixed-id", "ulid"})


def _casings(text: str) -> int:
    letters = [letter for letter in text if letter.isalpha()]  # eu-west-1 and us-east-1 are words
    return sum(one.islower() != other.islower() for one, other in pairwise(letters))


def identifier(
    shape: Shape, recorded: str, replayed: str, name: str, node: Node | None, place: Place
) -> Outcome | None:
    """Judge two values of one shape as identifiers or tokens."""
    if recorded in place.echoed:
        return Drift("value-changed", _STILL_SENT)
    hint = hint_of(name)
    bound = shape.identity or hint is Hint.ID
    if place.learning and bound and (shape.strong or fits(shape, hint)):
        place.identity.observe(recorded, replayed, 1, site_of((name,), place))
    signal = signals.second_signal(shape, recorded, replayed, name, hint, node, place)
    if bound and not place.learning and (signal or shape.strong):
        broken = place.identity.contradiction(recorded, replayed)
        if broken:
            return Drift("identity", broken)
        if shape.strong and place.identity.recorded(replayed):
            return Drift("identity", "the new value is one that the recording has for another object")
    if not signal:
        return None
    if not place.learning and shape.strong and signals.known_here(replayed, node):
        return Drift("value-changed", "the new value is one that the recording has here in another answer")
    if shape.kind == "prefixed-id" and not shape.facets[-1] and word_ends(recorded) and word_ends(replayed):
        return Drift("value-changed", "both are words with a number, not made at random")
    if shape.kind == "digest" and is_empty_digest(replayed):
        return Drift("value-changed", "the new digest is that of nothing")
    if not place.learning and not signals.in_window(shape, replayed, place.now):
        weak = shape.kind in signals.WEAK
        certain = place.identity.elsewhere(recorded, replayed)
        speaks = signals.against(node, certain=certain, weak=weak, name=name)
        if speaks:
            return Drift("value-changed", speaks)
    if not place.learning and signals.stale(shape, recorded, replayed, place):
        return Drift("value-changed", "the recorded id was made in its run, the replayed one was not")
    return Accepted((f"volatile.{shape.kind}",), f"{signals.described(shape)}; {signal}")


def _moment(text: str) -> Moment | None:
    return moments.read(text) or moments.read_epoch_text(text)


def judge_moments(
    before: Moment, after: Moment, name: str, hint: Hint | None, place: Place, node: Node | None = None
) -> Outcome | None:
    """Judge two moments of one form. None: neither its name nor the time of its run speaks for it."""
    relation = moments.same_relation(before, after, place.then, place.now, happened=happened(name))
    inside = place.then.holds(before) and place.now.holds(after)
    if relation is not None:
        # A calendar entry outside both runs is data that changed, with or without a promising name.
        return Drift("value-changed", relation) if hint is Hint.MOMENT or inside else None
    if not inside and not place.learning and (said := pasts.complaint(before, after, node, place)):
        return Drift("value-changed", said)
    if hint is Hint.MOMENT:
        return Accepted(("volatile.timestamp",), f"{before.kind}; named {name}")
    if inside and (before.kind != "date" or before.seconds != after.seconds):
        return Accepted(("volatile.timestamp",), f"{before.kind}; in the time of its run")
    far = f"{before.kind}; as far from its exchange as recorded"
    return Accepted(("volatile.timestamp",), far) if before.grain <= 60 else None
