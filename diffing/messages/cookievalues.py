"""What a session cookie says where it can be read: signed JSON (itsdangerous, cookie-session), base64 of JSON, JWTs.

``eyJyb2xlIjoidXNlciJ9.ZzXqAQ.b3f9…`` is a payload, a time and a signature. The role in it is data, like any other.
"""

from __future__ import annotations

from diffing.place import Accepted, Drift, Outcome, Place
from diffing.values import payloads


def judge_readable(name: str, recorded: str, replayed: str, place: Place) -> Outcome | None:
    """Judge two unequal cookies by what they say; None: the recorded one is opaque, or a JWT, judged elsewhere."""
    from diffing.values.scalars import judge_value

    if payloads.jwt(recorded) is not None:
        return None
    one = payloads.signed(recorded)
    if one is None:
        return None
    if isinstance(one[0], dict) and one[0].keys() == {"iv", "value", "mac", "tag"} & one[0].keys():
        return None  # Laravel's envelope: what is inside is encrypted
    other = payloads.signed(replayed)
    if other is None:
        return Drift("value-changed", "it could be read, now it cannot")
    if len(one[1]) != len(other[1]) or any(abs(left - right) > 2 for left, right in zip(one[1], other[1], strict=True)):
        return Drift("value-changed", "it is signed in another way")
    rules = ["builtin.cookie-value"]
    for before, after, path in payloads.unequal_members(one[0], other[0]):
        if before is None and after is None:
            return Drift("value-changed", "it has other members")
        outcome = judge_value(before, after, path or (name,), None, place)
        if not isinstance(outcome, Accepted):
            member = path[-1] if path else "its text"
            evidence = f"inside, {member} is another one"
            return Drift(outcome.change, f"{evidence}: {outcome.evidence}" if outcome.evidence else evidence)
        rules.extend(rule for rule in outcome.rules if rule not in rules)
    return Accepted(tuple(rules), "readable, and says the same")
