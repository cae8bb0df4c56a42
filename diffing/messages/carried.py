"""Ids in headers, queries and targets: who a call is about is held until something says that it was made anew.

A body that answers with a new id is where the id was made. A header or a query only carries one on: ``X-Tenant-Id: 18``
instead of 17 is another tenant, whatever its shape. So a name and a shape are not enough here. The same pair must stand
in a body, or the place must never repeat a value in the recording, or the replay itself sent the new one. What passes
keeps its identity per name: two recorded values never become one, nor one two.
"""

from __future__ import annotations

from collections.abc import Iterator

from captures.formats.decoding import form_fields
from captures.model import Headers, lower_name
from diffing.contract.profile import Node, Profile
from diffing.place import Accepted, Drift, Outcome, Place
from diffing.values import moments
from diffing.values.embedded import judge_text, learn_pieces, learn_request
from diffing.values.names import Hint, hint_of, singular, words
from diffing.values.numbers import integer_key
from diffing.values.scalars import learn_equal
from diffing.values.signals import in_window
from diffing.values.volatile import Family

_KINDS = (
    "uuid nanoid snowflake global-id ulid ksuid objectid prefixed-id reference code hex digits integer-id digest token "
    "cursor build"
)
_MADE = frozenset(f"volatile.{kind}" for kind in _KINDS.split())
_WHO = frozenset(
    "tenant user customer account org organization organisation owner member client merchant shop store workspace "
    "company team principal subject actor employee patient partner seller buyer agent admin project realm".split()
)
_HINTS = (Hint.ID, Hint.TOKEN, Hint.REFERENCE)
_LONGEST = 2_048


def is_who(name: str) -> bool:
    """Whether ``name`` says on whose behalf something is done: ``X-Tenant-Id``, ``user_id``."""
    return hint_of(name) in (Hint.ID, Hint.REFERENCE) and not _WHO.isdisjoint(words(name))


def learn_told(profile: Profile, scope: str, headers: Headers, target: bytes = b"") -> None:
    """Count what the headers and the query of one recorded message say under names that promise an id or a token."""
    for part, values in (("headers", _decoded(headers)), ("query", form_fields(target.partition(b"?")[2]))):
        told = {name: value for name, value in values if hint_of(name) in _HINTS and len(value) <= _LONGEST}
        if told:
            profile.add(scope, part, told)


def _decoded(headers: Headers) -> Iterator[tuple[str, str]]:
    return ((lower_name(name), value.decode("latin-1")) for name, value in headers)


def learn_carried(recorded: str, replayed: str, name: str, place: Place) -> None:
    """Note what a header or a query says of an id. An unequal pair is only noted for its own name: it is no evidence
    that the id was made anew.
    """
    if max(len(recorded), len(replayed)) > _LONGEST:
        return
    hint = hint_of(name)
    shape = place.shape(recorded)
    if hint not in _HINTS and (shape is None or not shape.strong or shape.family is Family.MOMENT):
        return
    if recorded == replayed:
        learn_equal(recorded, (name,), place)
        if hint is Hint.ID and recorded.isdigit():
            key = integer_key(recorded, (name,), place)
            place.identity.observe(key, key)
    place.identity.observe(_key(name, recorded), _key(name, replayed))


def learn_targets(recorded: str, replayed: str, place: Place) -> None:
    """Note the ids in the paths of two requests."""
    if recorded == replayed:
        learn_pieces(recorded, place)
    for one, other in learn_request(recorded, replayed):
        if not one.isdigit():
            place.identity.observe(_key("path", one), _key("path", other))


def judge_carried(recorded: str, replayed: str, name: str, node: Node | None, place: Place) -> Outcome:
    """Judge two unequal values of a header, or of a parameter of a query."""
    outcome = judge_text(recorded, replayed, (name,), node, place)
    if not isinstance(outcome, Accepted):
        return outcome
    if "volatile.timestamp" in outcome.rules:
        return _moved(recorded, replayed, place) or outcome
    if _MADE.isdisjoint(outcome.rules):
        return outcome
    broken = broken_identity(recorded, replayed, name, place)
    if broken:
        return Drift("identity", broken)
    if _held(recorded, name, place) and not _vouched(recorded, replayed, name, node, place):
        return Drift("value-changed", "nothing in the run says that it was made anew")
    return outcome


def judge_target(recorded: str, replayed: str, place: Place) -> Outcome:
    """Judge two unequal paths of outbound requests."""
    outcome = judge_text(recorded, replayed, (), None, place)
    if not isinstance(outcome, Accepted):
        return outcome
    for one, other in learn_request(recorded, replayed):
        broken = place.identity.contradiction(_key("path", one), _key("path", other))
        if broken and not one.isdigit():
            return Drift("identity", broken)
    old, new = recorded.split("/"), replayed.split("/")
    for before, one, other in zip(old, old[1:], new[1:], strict=False):
        name = f"{singular(before)}_id"
        if one != other and is_who(name) and not _vouched(one, other, name, None, place):
            return Drift("value-changed", f"nothing in the run says that the {singular(before)} was made anew")
    return outcome


def broken_identity(recorded: str, replayed: str, name: str, place: Place) -> str | None:
    """One sentence when the pair contradicts what stands elsewhere in the run, under this name or in bodies."""
    if place.learning:
        return None
    identity = place.identity
    if hint_of(name) is Hint.ID and recorded.isdigit() and replayed.isdigit():
        one, other = (integer_key(side, (name,), place) for side in (recorded, replayed))
        broken = identity.contradiction(one, other)
        if broken is None and identity.recorded(other) and not identity.times(one, other):
            broken = "the new value is one that the recording has for another object"
    else:
        broken = identity.contradiction(recorded, replayed)
    one, other = _key(name, recorded), _key(name, replayed)
    if not broken and identity.swapped(one, other):
        return "this id and the new one stand for each other"
    return broken or identity.contradiction(one, other)


def _moved(recorded: str, replayed: str, place: Place) -> Drift | None:
    """What two moments that a call names differ in. A past one is what the service asks for: no past will do."""
    before, after = (moments.read(side) or moments.read_epoch_text(side) for side in (recorded, replayed))
    if before is None or after is None:
        return None
    relation = moments.same_relation(before, after, place.then, place.now, happened=False)
    return Drift("value-changed", relation) if relation else None


def _held(recorded: str, name: str, place: Place) -> bool:
    """Whether a name and a shape are not enough for it."""
    if is_who(name):
        return True
    shape = place.shape(recorded)
    return shape is None or shape.kind in ("digits", "reference", "code") or recorded.isdigit()


def _vouched(recorded: str, replayed: str, name: str, node: Node | None, place: Place) -> bool:
    identity = place.identity
    if identity.times(recorded, replayed):
        return True
    if recorded.isdigit() and replayed.isdigit():
        keys = [integer_key(side, (name,), place) for side in (recorded, replayed)]
        if identity.times(keys[0], keys[1]):
            return True
    if node is not None and node.varies():
        return True
    shape, now = place.shape(recorded), place.shape(replayed)
    if shape is None or now is None:
        return False
    return in_window(shape, recorded, place.then) and in_window(now, replayed, place.now)


def _key(name: str, value: str) -> str:
    return f"{name}\x00{value}"
