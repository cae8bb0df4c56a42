"""Response headers and trailers: every header counts; what varies by nature falls under a built-in rule by its name."""

from __future__ import annotations

import re

from captures.decoding import media_type
from captures.mediatypes import content_type_parameters
from captures.model import Headers, Request, Response, header_values
from diffing import builtins, moments
from diffing.cookies import compare_cookies
from diffing.embedded import judge_text
from diffing.model import ABSENT
from diffing.place import Accepted, Place, Verdicts
from diffing.rules import Rule
from diffing.volatile import shape_of


def by_name(headers: Headers) -> dict[str, list[str]]:
    """Values in order under each lower-case name."""
    found: dict[str, list[str]] = {}
    for name, value in headers:
        found.setdefault(name.decode("latin-1").lower(), []).append(value.decode("latin-1"))
    return found


def compare_headers(
    place: Place,
    verdicts: Verdicts,
    recorded: tuple[Request, Response],
    replayed: tuple[Request, Response],
    *,
    bodies_equal: bool,
) -> None:
    """Compare the headers of two responses."""
    left, right = by_name(recorded[1].headers), by_name(replayed[1].headers)
    if left == right:
        if recorded[1].headers != replayed[1].headers:
            verdicts.rule("builtin.header-form")
        return
    compare_cookies(place, verdicts, left.pop("set-cookie", []), right.pop("set-cookie", []))
    for name in sorted(left.keys() | right.keys()):
        ours, theirs = left.get(name, []), right.get(name, [])
        if ours == theirs:
            continue
        rule = next(iter(place.rules.for_part(f"response.header {name}")), None)
        if rule is not None and (theirs or rule.matcher.optional):
            _ruled(place, verdicts, name, ours, theirs, rule)
        elif name in builtins.HOP_BY_HOP:
            verdicts.rule("builtin.hop-by-hop")
        elif name == "content-length" and (
            not ours or not theirs or not bodies_equal or recorded[0].method == "HEAD" or "content-encoding" in left
        ):
            verdicts.rule("builtin.content-length")
        elif name == "content-encoding" and bodies_equal:
            _find(place, verdicts, "response.content-encoding", name, ours, theirs)
        elif not theirs:
            _removed(place, verdicts, name, ours)
        elif not ours:
            have, samples = place.profile.header_evidence(place.scope, name)
            _find(
                place, verdicts, "response.header.added", name, ours, theirs, f"{have}/{samples or 1} recorded samples"
            )
        elif name == "content-type":
            _media_types(place, verdicts, recorded[1].headers, replayed[1].headers)
        else:
            echo = (header_values(recorded[0].headers, name), header_values(replayed[0].headers, name))
            _values(place, verdicts, name, ours, theirs, echo)


def compare_trailers(place: Place, verdicts: Verdicts, recorded: Headers, replayed: Headers) -> None:
    """Compare the trailers of two responses (gRPC carries its status there)."""
    left, right = by_name(recorded), by_name(replayed)
    for name in sorted(left.keys() | right.keys()):
        ours, theirs = left.get(name, []), right.get(name, [])
        if ours == theirs:
            continue
        if ours and theirs:
            outcome = judge_text(", ".join(ours), ", ".join(theirs), (name,), None, place)
            if isinstance(outcome, Accepted):
                verdicts.rule(*outcome.rules)
                continue
        change = "changed" if ours and theirs else "removed" if ours else "added"
        location = f"response.trailer {name}"
        verdicts.find(place, f"response.trailer.{change}", location, location, _shown(ours), _shown(theirs))


def _ruled(place: Place, verdicts: Verdicts, name: str, ours: list[str], theirs: list[str], rule: Rule) -> None:
    complaint = None if not theirs else rule.matcher.complaint(_shown(ours), _shown(theirs))
    if complaint is None:
        verdicts.rule(rule.id)
    else:
        _find(place, verdicts, "response.header.changed", name, ours, theirs, f"{complaint} ({rule.id})")


def _removed(place: Place, verdicts: Verdicts, name: str, ours: list[str]) -> None:
    have, samples = place.profile.header_evidence(place.scope, name)
    evidence = f"{have or 1}/{samples or 1} recorded samples"
    if name in builtins.SECURITY:
        change = "security-lost"
    else:
        change = "removed" if have >= samples else "optional-removed"
    _find(place, verdicts, f"response.header.{change}", name, ours, [], evidence)


def _values(
    place: Place,
    verdicts: Verdicts,
    name: str,
    ours: list[str],
    theirs: list[str],
    echo: tuple[tuple[bytes, ...], tuple[bytes, ...]],
) -> None:
    sent, resent = ([value.decode("latin-1") for value in side] for side in echo)
    if sent and ours == sent:
        if theirs == resent:
            verdicts.rule("builtin.echo")
        else:
            _find(place, verdicts, "response.header.changed", name, ours, theirs, "the request's value is not echoed")
        return
    old, new = ", ".join(ours), ", ".join(theirs)
    known = _builtin(name, old, new)
    if known == "":
        _find(place, verdicts, "response.header.format-changed", name, ours, theirs)
    elif known is not None:
        verdicts.rule(known)
    elif name in builtins.SECURITY:
        if _without_nonces(old) == _without_nonces(new):
            verdicts.rule("builtin.csp-nonce")
        else:
            _find(place, verdicts, "response.header.security-changed", name, ours, theirs)
    else:
        outcome = judge_text(old, new, (name,), None, place)
        if isinstance(outcome, Accepted):
            verdicts.rule(*outcome.rules)
        elif outcome.change == "identity":
            _find(place, verdicts, "response.identity", name, ours, theirs, outcome.evidence)
        else:
            change = "format-changed" if outcome.change == "format-changed" else "changed"
            _find(place, verdicts, f"response.header.{change}", name, ours, theirs, outcome.evidence)


def _builtin(name: str, old: str, new: str) -> str | None:
    """The built-in rule that accepts, "" when it applies and the form is broken, None when there is none."""
    if name == "date":
        one, other = moments.read(old), moments.read(new)
        return "builtin.date" if one and other and one.kind == other.kind else ""
    if name in builtins.TIMING:
        return "builtin.timing" if new else ""
    if builtins.REQUEST_ID.fullmatch(name):
        return "builtin.request-id" if same_form(old, new) else ""
    if name == "etag":
        if _etag(old) is _etag(new) is None:
            return None  # bare on both sides, as many services send them: judged as any other token
        return "builtin.validator" if _etag(old) == _etag(new) else ""
    if name == "last-modified":
        return "builtin.validator" if moments.read(old) and moments.read(new) else ""
    if builtins.RATE_LIMIT.fullmatch(name):
        return "builtin.rate-limit" if new.isdigit() == old.isdigit() else ""
    if name in builtins.LISTS and _members(old) == _members(new):
        return "builtin.list-order"
    return None


def same_form(old: str, new: str) -> bool:
    """Whether two opaque ids may come from one generator: the same shape, or about the same length."""
    one, other = shape_of(old), shape_of(new)
    if one is not None and other is not None and one.strong and other.strong:
        return one.kind == other.kind and (one.kind != "uuid" or one.facets == other.facets)
    if (one is not None and one.kind == "uuid") != (other is not None and other.kind == "uuid"):
        return False
    return bool(new) and max(len(old), len(new)) <= 1.5 * min(len(old), len(new)) + 2


def _etag(value: str) -> bool | None:
    """Whether weak; None when it is no entity tag (RFC 9110, 8.8.3). Bare ones are told apart by their quotes."""
    match = re.fullmatch(r'(W/)?"[^"]*"', value)
    return None if match is None else match[1] is not None


def _members(value: str) -> list[str]:
    return sorted(part.strip().lower() for part in value.split(","))


def _without_nonces(value: str) -> str:
    return re.sub(r"'nonce-[^']+'", "'nonce'", value)


def _media_types(place: Place, verdicts: Verdicts, recorded: Headers, replayed: Headers) -> None:
    old, new = media_type(recorded), media_type(replayed)
    ours, theirs = header_values(recorded, "content-type"), header_values(replayed, "content-type")
    left, right = [value.decode("latin-1") for value in ours], [value.decode("latin-1") for value in theirs]
    if old != new:
        _find(place, verdicts, "response.media-type", "content-type", left, right, f"{old} became {new}")
        return
    before, after = dict(content_type_parameters(recorded)), dict(content_type_parameters(replayed))
    for side in (before, after):
        if "charset" in side:
            side["charset"] = side["charset"].lower()  # case-insensitive: RFC 9110, 8.3.2
    if before.pop("boundary", None) != after.pop("boundary", None) and before == after:
        verdicts.rule("builtin.boundary")
    elif before == after:
        verdicts.rule("builtin.header-form")
    else:
        _find(place, verdicts, "response.media-type-parameter", "content-type", left, right)


def _shown(values: list[str]) -> str:
    return ", ".join(values)


def _find(
    place: Place, verdicts: Verdicts, class_id: str, name: str, ours: list[str], theirs: list[str], evidence: str = ""
) -> None:
    location = f"response.header {name}"
    verdicts.find(
        place,
        class_id,
        location,
        location,
        _shown(ours) if ours else ABSENT,
        _shown(theirs) if theirs else ABSENT,
        evidence,
    )
