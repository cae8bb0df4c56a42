"""Set-Cookie by cookie name: the value is mostly volatile, what protects it is not (RFC 6265bis, 4.1)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from diffing import moments
from diffing.embedded import judge_text
from diffing.model import ABSENT
from diffing.place import Accepted, Place, Verdicts
from diffing.volatile import opaque, shape_of

_SAME_SITE = {"none": 0, "": 1, "lax": 2, "strict": 3}


@dataclass(frozen=True, slots=True)
class SetCookie:
    """One Set-Cookie line, attributes by lower-case name."""

    name: str
    value: str
    attributes: dict[str, str]


def parse(line: str) -> SetCookie:
    """Read one line the way browsers do: everything after the first semicolon is attributes."""
    pair, *rest = line.split(";")
    name, _, value = pair.partition("=")
    attributes: dict[str, str] = {}
    for piece in rest:
        key, _, text = piece.partition("=")
        if key.strip():
            attributes[key.strip().lower()] = text.strip()
    return SetCookie(name.strip(), value.strip(), attributes)


def compare_cookies(place: Place, verdicts: Verdicts, recorded: list[str], replayed: list[str]) -> None:
    """Compare Set-Cookie lines; of two lines for one name the last counts, as in browsers."""
    if recorded == replayed:
        return
    left = {cookie.name: cookie for cookie in map(parse, recorded)}
    right = {cookie.name: cookie for cookie in map(parse, replayed)}
    for name in sorted(left.keys() | right.keys()):
        old, new = left.get(name), right.get(name)
        location = f"response.cookie {name}"
        rule = next(iter(place.rules.for_part(location)), None)
        if old is None or new is None:
            if rule is not None and rule.matcher.optional:
                verdicts.rule(rule.id)
                continue
            change = "removed" if new is None else "added"
            gone = _shown(old) if old else ABSENT
            verdicts.find(place, f"response.cookie.{change}", location, location, gone, _shown(new) if new else ABSENT)
            continue
        if old.value != new.value:
            if rule is not None and rule.matcher.complaint(old.value, new.value) is None:
                verdicts.rule(rule.id)
            else:
                _value(place, verdicts, location, old, new)
        _attributes(place, verdicts, location, old, new)
    if left == right:
        verdicts.rule("builtin.header-form")


def _value(place: Place, verdicts: Verdicts, location: str, old: SetCookie, new: SetCookie) -> None:
    outcome = judge_text(old.value, new.value, (old.name,), None, place)
    if isinstance(outcome, Accepted):
        verdicts.rule(*outcome.rules)
        return
    if old.value and new.value and (_token_like(old.value) and _token_like(new.value)):
        verdicts.rule("builtin.cookie-value")
        return
    verdicts.find(place, "response.cookie.value-changed", location, location, old.value, new.value, outcome.evidence)


def _token_like(value: str) -> bool:
    text = value.strip('"')
    shape = shape_of(text)
    return (shape is not None and shape.strong) or (len(text) >= 16 and opaque(text) and not text.isalpha())


def _attributes(place: Place, verdicts: Verdicts, location: str, old: SetCookie, new: SetCookie) -> None:
    before, after = old.attributes, new.attributes
    for name in ("secure", "httponly", "partitioned"):
        if name in before and name not in after:
            _lost(place, verdicts, f"{location} {name}", name, ABSENT)
    strict, now = (_SAME_SITE.get(side.get("samesite", "").lower(), 1) for side in (before, after))
    if now < strict:
        _lost(place, verdicts, f"{location} samesite", before.get("samesite"), after.get("samesite", ABSENT))
    for name in sorted(before.keys() | after.keys()):
        one, other = before.get(name), after.get(name)
        if one == other or (name in ("secure", "httponly", "partitioned") and other is None):
            continue
        if name == "samesite" and (now < strict or (one or "").lower() == (other or "").lower()):
            continue
        if name == "expires" and one and other:
            first, second = moments.read(one), moments.read(other)
            if first and second and not moments.same_relation(first, second, place.then, place.now, happened=False):
                verdicts.rule("builtin.cookie-lifetime")
                continue
        verdicts.find(
            place,
            "response.cookie.attribute-changed",
            f"{location} {name}",
            f"{location} {name}",
            ABSENT if one is None else one or name,
            ABSENT if other is None else other or name,
        )


def _lost(place: Place, verdicts: Verdicts, location: str, old: Any, new: Any) -> None:
    verdicts.find(place, "response.cookie.security-lost", location, location, old, new)


def _shown(cookie: SetCookie) -> str:
    return "; ".join(
        (cookie.name, *(f"{name}={value}" if value else name for name, value in cookie.attributes.items()))
    )
