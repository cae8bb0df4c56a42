"""Credentials that a call presents: who the service claims to be towards a dependency.

Secrets are pseudonyms in a recording, but keyed ones: equal secrets stay equal, and one that differs is another one. It
may be another one only when it was minted in the run: then it has the same scheme and the same form, says the same of
itself (the claims of a JWT, the user of Basic), and stands wherever the recorded one stood. No value is ever shown.
"""

from __future__ import annotations

import base64
import binascii
import re

from diffing.place import Accepted, Drift, Outcome, Place
from diffing.values import payloads
from diffing.values.generated import is_nothing, looks_generated, prefix_of, same_alphabet
from diffing.values.variations import about_as_long

_SCHEMES = re.compile(r"([A-Za-z][A-Za-z0-9!#$%&'*+.^_`|~-]*)\s+(.*)", re.DOTALL)
_PARAMETERS = re.compile(r'([A-Za-z][\w-]*)\s*=\s*(?:"([^"]*)"|([^",\s]*))')
_FRESH = re.compile(r".*(?:signature|nonce|timestamp|response|cnonce|date|nc)", re.IGNORECASE)
_NAMESPACE = "credential\x00"


def learn_presented(recorded: str, replayed: str, place: Place) -> None:
    """Note which secret stands for which, in whatever header."""
    for one, other in zip(_secrets(recorded), _secrets(replayed), strict=False):
        place.identity.observe(_NAMESPACE + one, _NAMESPACE + other)


def judge_presented(name: str, recorded: str, replayed: str, place: Place) -> Outcome:
    """Judge two unequal, present credentials of header ``name``. ``Drift.change`` is ``authorization-lost``,
    ``identity`` or ``header-changed``.
    """
    if name == "cookie":
        return _cookies(recorded, replayed, place)
    old_scheme, old = _parts(recorded)
    new_scheme, new = _parts(replayed)
    if is_nothing(new) and not is_nothing(old):
        return Drift("authorization-lost", "what is sent stands for no credential at all")
    if old_scheme.lower() != new_scheme.lower():
        return Drift("header-changed", f"{old_scheme or 'no scheme'} became {new_scheme or 'no scheme'}")
    return _secret(old_scheme.lower(), old, new, place)


def shown(name: str, value: str) -> str:
    """A credential without its secret: scheme, form and length."""
    if name == "cookie":
        return "; ".join(f"{member}=…" for member, _ in _members(value))
    scheme, secret = _parts(value)
    said = f"{prefix_of(secret)}… ({len(secret)} characters)" if secret else "(empty)"
    return f"{scheme} {said}".strip()


def _secret(scheme: str, old: str, new: str, place: Place) -> Outcome:
    if old == new:
        return Accepted(("builtin.header-form",), "only the scheme's case differs")
    if scheme == "basic":
        one, other = _basic(old), _basic(new)
        if one is not None and other is None:
            return Drift("header-changed", "it no longer holds a user and a password")
        if one is not None and other is not None and one[0] != other[0]:
            return Drift("identity", "it is another user's")
    if "=" in old.rstrip("=") and (fields := _fields(old)) is not None:
        return _parameters(fields, _fields(new), place)
    token = payloads.jwt(old)
    if token is not None:
        return _jwt(old, new, place)
    if prefix_of(old) != prefix_of(new):
        return Drift("header-changed", f"{prefix_of(old) or 'no prefix'} became {prefix_of(new) or 'no prefix'}")
    if not about_as_long(old, new) or not same_alphabet(old, new) or payloads.jwt(new) is not None:
        return Drift("header-changed", f"a secret of {len(old)} characters became one of {len(new)}, of another form")
    broken = _contradiction(old, new, place)
    if broken:
        return Drift("identity", broken)
    return Accepted(("volatile.token",), "the same scheme and form, and the same new one wherever it stood")


def _jwt(old: str, new: str, place: Place) -> Outcome:
    from diffing.values.insides import tokens

    if payloads.jwt(new) is None:
        return Drift("header-changed", "a JWT became something else")
    outcome = tokens(old, new, place, Accepted(("volatile.jwt",), "algorithm, claims and lifetime as recorded"))
    if isinstance(outcome, Drift):
        return Drift("identity" if outcome.change == "identity" else "header-changed", outcome.evidence)
    signatures = [side.rpartition(".")[2] for side in (old, new)]
    if bool(signatures[0]) != bool(signatures[1]):
        return Drift("header-changed", "only one of the two tokens is signed")
    claims = payloads.jwt(old), payloads.jwt(new)
    if claims[0] is not None and claims[1] is not None:
        for claim in ("sub", "role", "roles", "aud", "azp", "client_id", "scope", "scp"):
            before, after = claims[0].claims.get(claim), claims[1].claims.get(claim)
            if before != after and not _renamed(before, after, place):
                return Drift("header-changed", f"the token's claim {claim} is another one")
    broken = _contradiction(old, new, place)
    return Drift("identity", broken) if broken else outcome


def _contradiction(old: str, new: str, place: Place) -> str | None:
    one, other = _NAMESPACE + old, _NAMESPACE + new
    if place.identity.swapped(one, other):
        return "this credential and the new one stand for each other"
    return place.identity.contradiction(one, other)


def _renamed(before: object, after: object, place: Place) -> bool:
    return isinstance(before, str) and isinstance(after, str) and place.identity.times(before, after) > 0


def _parameters(old: dict[str, str], new: dict[str, str] | None, place: Place) -> Outcome:
    """``Credential=…/20261120/eu/s3/aws4_request, Signature=…`` and the like: what is not fresh must stay."""
    from diffing.values.embedded import judge_text

    if new is None or old.keys() != new.keys():
        return Drift("header-changed", "it has other parameters")
    for name, value in old.items():
        other = new[name]
        if value == other or (_FRESH.fullmatch(name) and about_as_long(value, other) and not is_nothing(other)):
            continue
        if name.lower() == "credential":  # key/date/region/service/aws4_request
            one, two = value.split("/"), other.split("/")
            if len(one) == len(two) and [*one[:1], *one[2:]] == [*two[:1], *two[2:]]:
                continue
            return Drift("identity", "it is signed with another key, or for another region or service")
        outcome = judge_text(value, other, (name,), None, place)
        if not isinstance(outcome, Accepted):
            return Drift("header-changed", f"its {name} is another one")
    return Accepted(("volatile.token",), "signed anew: the same key and parameters")


def _cookies(recorded: str, replayed: str, place: Place) -> Outcome:
    old, new = dict(_members(recorded)), dict(_members(replayed))
    gone = sorted(old.keys() - new.keys())
    if gone or new.keys() - old.keys():
        return Drift("header-changed", f"without {gone[0]}" if gone else "with another member")
    whys: list[str] = []
    for name, value in old.items():
        other = new[name]
        if value == other:
            continue
        if is_nothing(other):
            return Drift("authorization-lost", f"{name} stands for nothing")
        generated = looks_generated(value) and looks_generated(other)
        if not generated or not about_as_long(value, other) or not same_alphabet(value, other):
            return Drift("header-changed", f"{name} is another one")
        broken = _contradiction(value, other, place)
        if broken:
            return Drift("identity", f"{name}: {broken}")
        whys.append(name)
    if not whys:
        return Accepted(("builtin.header-form",), "the same members")
    return Accepted(("volatile.token",), f"the same members; {', '.join(whys)} made anew")


def _secrets(value: str) -> list[str]:
    members = _members(value)
    if members and ";" in value:
        return [text for _, text in members]
    return [_parts(value)[1]]


def _parts(value: str) -> tuple[str, str]:
    match = _SCHEMES.fullmatch(value.strip())
    if match is not None:
        return match[1], match[2].strip()
    bare = value.strip()
    return (bare, "") if bare.lower() in ("bearer", "basic", "token", "digest") else ("", bare)


def _members(value: str) -> list[tuple[str, str]]:
    pieces = (piece.strip().partition("=") for piece in value.split(";"))
    return [(name, text) for name, mark, text in pieces if mark]


def _fields(value: str) -> dict[str, str] | None:
    found = _PARAMETERS.findall(value)
    if not found or _PARAMETERS.sub("", value).strip(", \t"):
        return None
    return {name: quoted or plain for name, quoted, plain in found}


def _basic(secret: str) -> tuple[str, str] | None:
    try:
        user, mark, password = base64.b64decode(secret, validate=True).decode("utf-8").partition(":")
    except (ValueError, binascii.Error):
        return None
    return (user, password) if mark else None
