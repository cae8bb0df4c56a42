"""Cursors, global ids and JWTs are judged by what they hold, like the JSON around them: see ``values.payloads``."""

from __future__ import annotations

from typing import Any

from diffing.contract.profile import Node
from diffing.place import Accepted, Drift, Outcome, Place
from diffing.values import payloads
from diffing.values.names import Hint
from diffing.values.variations import about_as_long
from diffing.values.volatile import Family, Shape


def cursors_and_ids(
    recorded: str, replayed: str, name: str, hint: Hint, node: Node | None, place: Place
) -> Outcome | None:
    """Judge cursors and global ids that are base64 of something readable by what they say; None for all others."""
    from diffing.values.scalars import identifier

    if len(recorded) < 8 or recorded.isdigit():
        return None
    one = payloads.opened(recorded)
    other = payloads.opened(replayed) if one is not None else None
    if hint is Hint.ID and isinstance(one, str) and ":" in one and other is None and replayed:
        return Drift("format-changed", "the id named a kind of object in base64, now it does not")
    if one is None or other is None:
        return None
    if hint is Hint.ID:
        if isinstance(one, str) and isinstance(other, str) and ":" in one:
            kind, now = one.rpartition(":")[0], other.rpartition(":")[0]
            if kind.rstrip("0123456789") != now.rstrip("0123456789"):
                return Drift("format-changed", "the id is one of another kind of object")
            shape = Shape("global-id", Family.ID, (kind,))
            return identifier(shape, recorded, replayed, name, node, place)
        return None
    rules: list[str] = ["volatile.cursor"]
    if isinstance(one, str) != isinstance(other, str):
        return Drift("format-changed", f"{name} holds another kind of text")
    differing = _differing(one, other, name, f"what {name} holds", rules, place)
    return differing or Accepted(tuple(rules), f"readable cursor; named {name}")


def tokens(recorded: str, replayed: str, place: Place, accepted: Accepted) -> Outcome:
    """Judge two JWTs that are accepted by their form by their claims."""
    from diffing.values.scalars import judge_value

    old, new = payloads.jwt(recorded), payloads.jwt(replayed)
    if old is None or new is None:
        return accepted
    complaint = payloads.jwt_complaint(old, new)
    if not complaint and not about_as_long(recorded.rpartition(".")[2], replayed.rpartition(".")[2]):
        complaint = "the token's signature has another length"
    if complaint:
        return Drift("format-changed", complaint)
    rules = list(accepted.rules)
    for one, other, path in payloads.unequal_members(old.claims, new.claims):
        if one is None and other is None:
            return Drift("format-changed", "a claim of the token has another shape")
        outcome = judge_value(one, other, ("sub_id",) if path == ("sub",) else path, None, place)
        if not isinstance(outcome, Accepted):
            evidence = f"the token's claim {path[-1] if path else ''} is another one"
            return Drift(outcome.change, f"{evidence}: {outcome.evidence}" if outcome.evidence else evidence)
        rules.extend(rule for rule in outcome.rules if rule not in rules)
    return Accepted(tuple(rules), accepted.why)


def sealed(recorded: str, replayed: str, name: str, place: Place) -> Drift | None:
    """What two signed values that can be read say differently; None: nothing, or they are opaque, or JWTs.

    Time and signature follow the payload, and may be made anew.
    """

    if not recorded.startswith(("ey", ".ey")) or payloads.jwt(recorded) is not None:
        return None
    one = payloads.signed(recorded)
    if one is None or not one[1]:
        return None
    other = payloads.signed(replayed)
    if other is None:
        return Drift("format-changed", "it could be read, now it cannot")
    if len(one[1]) != len(other[1]):
        return Drift("format-changed", "it is signed in another way")
    return _differing(one[0], other[0], name, f"what {name or 'it'} says", [], place)


def _differing(one: Any, other: Any, name: str, what: str, rules: list[str], place: Place) -> Drift | None:
    """What two readable values say differently; None: nothing, and ``rules`` has what accepts the rest."""
    from diffing.values.scalars import judge_value

    for before, after, path in payloads.unequal_members(one, other):
        if before is None and after is None:
            return Drift("format-changed", f"{what} has other members")
        outcome = judge_value(before, after, path or (name,), None, place)
        if not isinstance(outcome, Accepted):
            evidence = f"inside, {path[-1] if path else 'its text'} is another one"
            return Drift(outcome.change, f"{evidence}: {outcome.evidence}" if outcome.evidence else evidence)
        rules.extend(rule for rule in outcome.rules if rule not in rules)
    return None
