"""Set-Cookie by cookie name: the value is mostly volatile, what protects it is not (RFC 6265bis, 4.1)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

from diffing.messages.cookievalues import judge_readable
from diffing.model import ABSENT
from diffing.place import Accepted, Drift, Outcome, Place, Verdicts
from diffing.values import moments, payloads
from diffing.values.embedded import judge_text
from diffing.values.generated import looks_generated
from diffing.values.tokens import mixed_up
from diffing.values.variations import about_as_long
from diffing.values.volatile import shape_of

_KINDS = "uuid nanoid ulid ksuid objectid hex digits snowflake digest token code integer-id prefixed-id reference"
_VALUES = frozenset(f"volatile.{kind}" for kind in _KINDS.split())
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
    """Compare Set-Cookie lines; of two lines for one cookie the last counts, as in browsers."""
    if recorded == replayed:
        return
    left, right = _by_name(recorded), _by_name(replayed)
    for name, old, new in _pairs(left, right):
        location = f"response.cookie {name}"
        rule = next(iter(place.rules.for_part(location)), None)
        if old is None or new is None:
            if rule is not None and rule.matcher.optional:
                before, after = (_shown(side) if side else ABSENT for side in (old, new))
                verdicts.accept(place, location, location, (rule.id,), before, after)
                continue
            change = "removed" if new is None else "added"
            gone = _shown(old) if old else ABSENT
            verdicts.find(place, f"response.cookie.{change}", location, location, gone, _shown(new) if new else ABSENT)
            continue
        if old.value != new.value:
            broken = rule.broken(old.value, new.value) if rule is not None else ""
            if broken:  # a user's rule has the last word: no built-in one accepts what it refuses
                change = "response.cookie.value-changed"
                verdicts.find(place, change, location, location, old.value, new.value, broken)
            elif rule is not None:
                verdicts.accept(place, location, location, (rule.id,), old.value, new.value)
            else:
                _value(place, verdicts, location, old, new)
        _attributes(place, verdicts, location, old, new)
    if left == right:
        where, why = "response.cookie", "the same cookies with the same attributes"
        before, after = "; ".join(left), "; ".join(right)
        verdicts.accept(place, where, where, ("builtin.header-form",), before, after, why)


def _by_name(lines: list[str]) -> dict[str, dict[tuple[str, str], SetCookie]]:
    """Cookies by name, then by Domain and Path: those three together name a cookie (RFC 6265bis, 5.7)."""
    found: dict[str, dict[tuple[str, str], SetCookie]] = {}
    for cookie in map(parse, lines):
        whose = cookie.attributes.get("domain", "").lower().lstrip("."), cookie.attributes.get("path", "")
        same_name = found.setdefault(cookie.name, {})
        same_name.pop(whose, None)
        same_name[whose] = cookie
    return found


def _pairs(
    left: dict[str, dict[tuple[str, str], SetCookie]], right: dict[str, dict[tuple[str, str], SetCookie]]
) -> Iterator[tuple[str, SetCookie | None, SetCookie | None]]:
    """Cookies of one name, domain and path; then those of one name in their order: one that moved is still there."""
    for name in sorted(left.keys() | right.keys()):
        ours, theirs = left.get(name, {}), right.get(name, {})
        both = [whose for whose in ours if whose in theirs]
        for whose in both:
            yield name, ours[whose], theirs[whose]
        gone = [cookie for whose, cookie in ours.items() if whose not in theirs]
        new = [cookie for whose, cookie in theirs.items() if whose not in ours]
        yield from ((name, old, now) for old, now in zip_longest(gone, new))


def learn_cookies(place: Place, recorded: list[str], replayed: list[str]) -> None:
    """Note which value of a cookie stands for which."""
    for name, old, new in _pairs(_by_name(recorded), _by_name(replayed)):
        if old is not None and new is not None and old.value and new.value and place.shape(old.value) is not None:
            place.identity.observe(_key(name, old.value), _key(name, new.value))
            _mixed_up(name, old.value, new.value, place)


def _mixed_up(name: str, recorded: str, replayed: str, place: Place) -> str:
    """Why the opaque token of a cookie is not the one that stands elsewhere: in a page, in a redirect; ""."""
    if not (_token_like(recorded) and _token_like(replayed)) or payloads.signed(recorded) or payloads.jwt(recorded):
        return ""
    return mixed_up(recorded, replayed, None, Accepted(("volatile.token",)), name, place)


def _key(name: str, value: str) -> str:
    return f"cookie {name}\x00{value}"


def _value(place: Place, verdicts: Verdicts, location: str, old: SetCookie, new: SetCookie) -> None:
    outcome = judge_readable(old.name, old.value, new.value, place) or _opaque(place, old, new)
    if isinstance(outcome, Accepted):
        verdicts.accept(place, location, location, outcome.rules, old.value, new.value, outcome.why)
    elif outcome.change == "identity":
        verdicts.find(place, "response.identity", location, location, old.value, new.value, outcome.evidence)
    else:
        change = "response.cookie.value-changed"
        verdicts.find(place, change, location, location, old.value, new.value, outcome.evidence)


def _opaque(place: Place, old: SetCookie, new: SetCookie) -> Outcome:
    outcome = judge_text(old.value, new.value, (old.name,), None, place)
    if isinstance(outcome, Accepted) and (place.learning or _VALUES.isdisjoint(outcome.rules)):
        return outcome
    if not isinstance(outcome, Accepted):
        if outcome.change == "identity":
            return outcome
        # What can be read in a value has been judged; the rest of a token is free.
        readable = payloads.jwt(old.value) is not None or payloads.jwt(new.value) is not None
        if readable or not (_token_like(old.value) and _token_like(new.value)):
            return outcome
        if not about_as_long(old.value, new.value):
            return Drift("value-changed", f"a token of {len(old.value)} characters became one of {len(new.value)}")
        outcome = Accepted(("builtin.cookie-value",), f"two tokens under {old.name}")
    if old.value.isdigit() and len(old.value) < 10:
        vouched = place.identity.times(old.value, new.value) if not place.learning else 1
        if not vouched:
            return Drift("value-changed", "nothing in the run says that it was made anew")
    if place.learning:
        return outcome
    broken = place.identity.contradiction(_key(old.name, old.value), _key(old.name, new.value))
    broken = broken or _mixed_up(old.name, old.value, new.value, place)
    return Drift("identity", broken) if broken else outcome


def _token_like(value: str) -> bool:
    shape = shape_of(value.strip('"'))
    if shape is not None and shape.strong and shape.kind not in ("token", "prefixed-id", "reference"):
        return True
    return looks_generated(value)


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
                where, why = f"{location} expires", "as far from now as recorded"
                verdicts.accept(place, where, where, ("builtin.cookie-lifetime",), one, other, why)
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
