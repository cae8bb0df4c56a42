"""Volatile values *inside* strings: URLs, messages, composite keys, lines of text.

``Order ord_8fk2b1 confirmed at 2026-11-21T07:50:12Z`` is cut into pieces that could be values and the text between
them. The text between must be equal; each unequal piece is judged like a value of its own, named by the word before it
(``token=…``, ``/orders/…``). One piece that does not pass makes the whole string a difference.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from diffing.contract.profile import Node
from diffing.place import Accepted, Drift, Outcome, Place
from diffing.values import hosts, numbered, signatures, surroundings
from diffing.values.composed import parts
from diffing.values.identity import BOUND
from diffing.values.moments import Moment, read_epoch_text
from diffing.values.names import Hint, entity, hint_of, words
from diffing.values.numbers import integer_key, judge_integer_id, own_port
from diffing.values.pieces import cut, name_of, query_name
from diffing.values.scalars import judge_whole
from diffing.values.signals import fits
from diffing.values.textforms import same_text
from diffing.values.traceids import same_trace
from diffing.values.volatile import Family
from diffing.walk.membernames import PUSH_ID, made_at, pushed

_DIGIT = re.compile(r"[0-9]")
LONG_DIGITS = 9  # fewer digits in a text are a count, an amount, a page
LONGEST = 100_000  # characters: a longer string is compared as it stands
_COMPOSED = frozenset({"prefixed-id", "reference", "code", "hex"})
TRACEPARENT = 55  # characters of version 00 (W3C Trace Context)
WINDOW = 6  # words of a composite key that may be one id


def judge_text(recorded: str, replayed: str, names: tuple[str, ...], node: Node | None, place: Place) -> Outcome:
    """Judge two unequal strings. Never None: what nothing explains is a changed value."""
    used: list[str] = []
    at_home = own_hosts_hidden(recorded, place, 0)
    if at_home != recorded:
        replayed_at_home = own_hosts_hidden(replayed, place, 1)
        used.append("builtin.own-host")
        if at_home == replayed_at_home:
            return Accepted(tuple(used))
        recorded, replayed = at_home, replayed_at_home
    form = same_text(recorded, replayed)
    if form:
        return Drift("string-form", f"only {form} differs")
    name = names[-1] if names else ""
    if recorded.isdigit() and replayed.isdigit() and own_port(recorded, replayed, name, place):
        return Accepted(("builtin.own-host",), f"the service's own port; named {name}")
    signed = signatures.parse(recorded)
    if signed is not None and (other := signatures.parse(replayed)) is not None:
        outcome = _signed(signed, other, place)
        return Accepted((*used, *outcome.rules), outcome.why) if isinstance(outcome, Accepted) else outcome
    if len(recorded) == TRACEPARENT and "trace" in words(name) and same_trace(recorded, replayed):
        return Accepted((*used, "volatile.token"), f"trace context of the same version and flags; named {name}")
    if len(recorded) == PUSH_ID and pushed(recorded) and pushed(replayed):
        return _push_ids(recorded, replayed, place)
    whole = judge_whole(recorded, replayed, names, node, place)
    if isinstance(whole, Accepted):
        return Accepted((*used, *whole.rules), whole.why)
    if whole is not None:
        return whole
    if len(recorded) > LONGEST or len(replayed) > LONGEST:
        return Drift("value-changed", "too long to look into")
    if _one_value(recorded, replayed, place):
        return Drift("value-changed")
    inside = _judge_pieces(recorded, replayed, names, node, place)
    if isinstance(inside, Accepted):
        return Accepted((*used, *inside.rules), inside.why)
    return inside or Drift("value-changed")


def _push_ids(recorded: str, replayed: str, place: Place) -> Outcome:
    """Two push ids: made anew when their own moments say so, or when the same pair stands elsewhere."""
    if place.learning:
        place.identity.observe(recorded, replayed)
    elif (broken := place.identity.contradiction(recorded, replayed)) is not None:
        return Drift("identity", broken)
    made, anew = (Moment("id", made_at(text), 1.0, ()) for text in (recorded, replayed))
    if place.identity.times(recorded, replayed) >= 2:
        return Accepted(("volatile.prefixed-id",), "push id; the same pair stands elsewhere")
    if place.then.holds(made) and place.now.holds(anew):
        return Accepted(("volatile.prefixed-id",), "push id; made in its run, as the id itself says")
    return Drift("value-changed")


def _one_value(recorded: str, replayed: str, place: Place) -> bool:
    """Whether both are values of one kind that only look as if there were pieces in them: ``urn:uuid:…``."""
    old = place.shape(recorded)
    if old is None or old.kind == "token" or old.family is Family.MOMENT:
        return False
    new = place.shape(replayed)
    return new is not None and new.kind == old.kind and old.kind not in _COMPOSED


def own_hosts_hidden(text: str, place: Place, side: int) -> str:
    """``text`` with the service's own authority replaced by a mark: it moves with every start."""
    for pair in place.hosts:
        own = pair[side]
        if own and own in text:
            text = re.sub(rf"(?<![\w.-]){re.escape(own)}(?![\w.-]|:\d)", "\x00own", text)
        if own and "%2" in text:  # in the query of another URL: redirect_uri=http%3A%2F%2F127.0.0.1%3A5000%2Fcallback
            escaped = re.escape(own).replace(":", "(?::|%3[Aa])")
            text = re.sub(rf"(?:(?<=%2[Ff])|(?<![\w.%-])){escaped}(?![\w.-]|:\d|%3[Aa]\d)", "\x00own", text)
    return text


def learn_request(recorded: str, replayed: str) -> list[tuple[str, str]]:
    """Pairs of pieces that differ between two request targets of one shape: the replay put one for the other."""
    old, new = cut(recorded), cut(replayed)
    if old[1] != new[1]:
        return []
    return [(one, other) for one, other in zip(old[0], new[0], strict=True) if one != other]


def path_context(target: str) -> list[tuple[str, str]]:
    """(name, digits) of every integer in a target: ``/orders/15`` has ``("order_id", "15")``."""
    pieces, gaps = cut(target)
    return [(name_of(pieces, gaps, at), piece) for at, piece in enumerate(pieces) if piece.isdigit()]


def _judge_pieces(
    recorded: str, replayed: str, names: tuple[str, ...], node: Node | None, place: Place
) -> Outcome | None:
    old, gaps = cut(recorded)
    new, new_gaps = cut(replayed)
    if gaps != new_gaps:
        return None
    if gaps == ("", ""):  # a single piece has been judged as a whole
        return None if place.learning else _composite(recorded, replayed, place)
    rules: list[str] = []
    whys: list[str] = []
    processes = 0
    for at, (one, other) in enumerate(zip(old, new, strict=True)):
        if one == other:
            continue
        before = f"{old[at - 1]}{gaps[at]}" if at else gaps[at]
        outcome = _judge_piece(one, other, _named(old, gaps, at, names), node, place, before)
        if not isinstance(outcome, Accepted) and not (outcome is not None and outcome.change == "identity"):
            if (told := surroundings.said(old, gaps, at, other)) is not None:
                outcome = Accepted((told[0],), told[1])
            elif surroundings.process(old, gaps, at, other):
                processes += 1
                continue
        if not isinstance(outcome, Accepted):
            if place.learning and one.isdigit():
                continue  # what comes after a number is learnt all the same
            return outcome
        rules.extend(rule for rule in outcome.rules if rule not in rules)
        if outcome.why and outcome.why not in whys and len(whys) < 5:
            whys.append(outcome.why)
    if processes and "volatile.timestamp" not in rules:
        return None
    return Accepted(tuple(rules), " / ".join(whys)) if rules else None


def _named(pieces: Sequence[str], gaps: Sequence[str], at: int, names: tuple[str, ...]) -> tuple[str, str]:
    """What piece ``at`` is called: (by the text before it, by the member the whole text stands under).

    What the member is called says nothing of numbers in it, nor of the parts of a URL: ``next`` makes no token of the
    page in ``/items?page=12``.
    """
    asked = query_name(pieces, gaps, at)
    if asked is not None:
        return asked, ""
    name, outer = name_of(pieces, gaps, at), names[-1] if names else ""
    if name or pieces[at].isdigit() or gaps[0].startswith("/") or gaps[1] == "://":
        return name, ""
    return "", outer if hint_of(outer) in (Hint.ID, Hint.TOKEN) else ""


def _judge_digits(one: str, other: str, name: str, place: Place) -> Outcome | None:
    """Judge digits in a text that calls them an id."""
    if name.lower() in ("id", "pk"):  # whose, the text does not say: it takes more than the object's own
        name = f"{entity((name,), place.endpoint)}_id"
    key, new_key = integer_key(one, (name,), place), integer_key(other, (name,), place)
    if place.identity.times(key, new_key) >= BOUND:
        return Accepted(("volatile.binding",), "the replay itself sent the new value")
    if place.learning:
        numbered.note_way(one, other, place)
    padded = one[0] == "0" or other[0] == "0"
    old, new = (one, other) if padded else (int(one), int(other))
    outcome = judge_integer_id(old, new, (name,), None, place)
    if outcome is None and numbered.as_value(one, other, place):
        return Accepted(("volatile.integer-id",), "digits in a text; the same pair stands as an id")
    return outcome


def _judge_piece(
    one: str, other: str, called: tuple[str, str], node: Node | None, place: Place, before: str
) -> Outcome | None:
    name, outer = called
    digits = one.isdigit() and other.isdigit()
    if digits and hint_of(name) is Hint.ID:
        return _judge_digits(one, other, name, place)
    if (signed := signatures.parse(one)) is not None and (twin := signatures.parse(other)) is not None:
        return _signed(signed, twin, place)
    if hosts.pointer(one, before) and hosts.pointer(other, before):
        return Accepted(("volatile.memory-address",), "memory-address; the text says so")
    if (path := hosts.temporary(one)) is not None and path == hosts.temporary(other):
        return Accepted(("volatile.temp-path",), "temp-path; the text says so")
    hint = hint_of(name)
    if digits and place.learning:
        numbered.note_way(one, other, place)
    if digits and numbered.as_value(one, other, place):
        return Accepted(("volatile.digits",), "digits in a text; the same pair stands as an id")
    if digits and hint in (Hint.TOKEN, Hint.REFERENCE) and len(one) < LONG_DIGITS:
        name, hint = "", None  # "Invoice 1200 total": nothing but a noun before it
    outcome = judge_whole(one, other, (name,) if hint is not None else (outer,) if outer else (), node, place)
    if outcome is None and place.identity.times(one, other) >= 2 and not place.identity.contradiction(one, other):
        return Accepted(("volatile.binding",), "the same pair stands elsewhere")
    if isinstance(outcome, Accepted) or place.learning or (outcome is not None and outcome.change == "identity"):
        return outcome
    return _composite(one, other, place) or outcome


def _signed(one: tuple[str, signatures.Parameters], other: tuple[str, signatures.Parameters], place: Place) -> Outcome:
    """Two signed URLs. Their parts are judged like any other text."""

    def same(left: str, right: str, name: str) -> bool:
        return isinstance(judge_text(left, right, (name,) if name else (), None, place), Accepted)

    complaint = signatures.complaint(one, other, place.then, place.now, same)
    if complaint is not None:
        return Drift("value-changed", complaint)
    return Accepted(("volatile.signed-url",), "signed-url; named by its parameters")


def _composite(one: str, other: str, place: Place) -> Outcome | None:
    """Judge two unequal words as composite keys; None: neither their parts nor the run say anything about them."""
    if _renamed_parts(one, other, place):
        return Accepted(("volatile.binding",), "a composite key; its ids are renamed as elsewhere")
    if _counted_moment(one, other, place):
        return Accepted(("volatile.timestamp",), "epoch and a counter; in the time of its run")
    for left, right in parts(one, other):
        shape = place.shape(left)
        if shape is not None and shape.strong and shape.identity:
            broken = place.identity.contradiction(left, right)
            if broken is not None:
                return Drift("identity", broken)
    return None


def _counted_moment(one: str, other: str, place: Place) -> bool:
    """``1795165200000-0``, the id of a stream's entry: a moment of its run, the counter as recorded."""
    (when, mark, count), (then, _, counted) = one.partition("-"), other.partition("-")
    if not mark or count != counted or not (count.isdigit() and when.isdigit() and then.isdigit()):
        return False
    before, after = read_epoch_text(when), read_epoch_text(then)
    if before is None or after is None or before.facets != after.facets:
        return False
    return place.then.holds(before) and place.now.holds(after)


def _known(left: str, right: str, whole: tuple[str, str], place: Place) -> bool:
    """Whether a pair is known; of the whole word, which is noted where it stands, from somewhere else."""
    identity = place.identity
    return identity.elsewhere(left, right) if (left, right) == whole else identity.times(left, right) > 0


def _renamed_parts(one: str, other: str, place: Place) -> bool:
    """Whether ``one`` is ``other`` once the ids in it, as ``-`` and ``_`` cut it, are renamed as in the whole run."""
    old, new = re.split(r"([_-])", one), re.split(r"([_-])", other)
    if len(old) != len(new) or len(old) < 3:
        return False
    at = 0
    while at < len(old):
        if old[at] == new[at] or (old[at].isdigit() and numbered.as_value(old[at], new[at], place)):
            at += 1
            continue
        for end in range(min(len(old), at + 2 * WINDOW), at, -1):
            begin = next(
                (
                    start
                    for start in range(max(0, at - 2 * WINDOW), at + 1)
                    if _known("".join(old[start:end]), "".join(new[start:end]), (one, other), place)
                ),
                None,
            )
            if begin is not None:
                left, right = "".join(old[begin:end]), "".join(new[begin:end])
                if place.identity.contradiction(left, right) is None:
                    at = end
                    break
        else:
            return False
    return True


def learn_pieces(text: str, place: Place) -> None:
    """Note the ids in a string that is equal on both sides: each stands for itself."""
    if _DIGIT.search(text) is None:
        return
    pieces, gaps = cut(text)
    for at, piece in enumerate(pieces):
        if piece.isdigit():
            name = name_of(pieces, gaps, at)
            if hint_of(name) is Hint.ID and gaps[at] == "/":
                key = integer_key(piece, (name,), place)
                place.identity.observe(key, key)
                numbered.note_way(piece, piece, place)
        elif len(piece) >= 5 and _DIGIT.search(piece) is not None:
            shape = place.shape(piece)
            for part in [piece] if shape is not None else piece.split("-"):
                shape = shape or (place.shape(part) if len(part) >= 5 else None)
                if shape is None or not shape.identity or shape.family is Family.MOMENT:
                    continue
                if shape.strong or fits(shape, hint_of(name_of(pieces, gaps, at))):
                    place.identity.observe(part, part)
                shape = None


def strings_in(value: Any, found: set[str]) -> None:
    """Every string and integer of a JSON value, as text, into ``found``."""
    stack = [value]
    while stack:
        item = stack.pop()
        if type(item) is dict:
            stack.extend(item.values())
        elif type(item) is list:
            stack.extend(item)
        elif type(item) is str or type(item) is int:
            found.add(str(item))
