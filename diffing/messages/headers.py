"""Response headers and trailers: every header counts; what varies by nature falls under a built-in rule by its name."""

from __future__ import annotations

import re

from captures.formats.decoding import media_type
from captures.formats.mediatypes import content_type_parameters
from captures.model import Headers, Request, Response, header_values, lower_name
from diffing.contract import protections
from diffing.messages.carried import broken_identity, judge_carried, learn_carried
from diffing.messages.cookies import compare_cookies, learn_cookies
from diffing.messages.digestheaders import judge_digest
from diffing.messages.linkheaders import judge_links
from diffing.messages.ratelimits import judge_rate
from diffing.messages.relays import judge_location, judge_relay
from diffing.model import ABSENT
from diffing.place import Accepted, Outcome, Place, Verdicts
from diffing.rulebook import builtins
from diffing.rulebook.rules import Rule
from diffing.values import moments
from diffing.values.embedded import judge_text, learn_pieces
from diffing.values.traceids import judge_request_id, same_etag
from diffing.values.variations import about_as_long

_NUMBER = re.compile(r"[0-9]+(?:\.[0-9]+)?")
_NONCE = re.compile(r"'nonce-([^']+)'")
_LEADS = frozenset("location content-location odata-entityid operation-location".split())
_LINKS = _LEADS | {"link"}
_ACTS = frozenset("content-disposition clear-site-data refresh".split())
"""What browsers obey as soon as it is there."""
_EPOCH = 365 * 86_400.0  # seconds: no file of today was changed in 1970


def by_name(headers: Headers) -> dict[str, list[str]]:
    """Values in order under each lower-case name."""
    found: dict[str, list[str]] = {}
    for name, value in headers:
        found.setdefault(lower_name(name), []).append(value.decode("latin-1"))
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
    if recorded[1].headers == replayed[1].headers and not place.learning:
        return
    left, right = by_name(recorded[1].headers), by_name(replayed[1].headers)
    if left == right:
        if recorded[1].headers != replayed[1].headers:
            where, why = "response.headers", "the same values in order per name"
            old, new = (
                _shown([name.decode("latin-1") for name, _ in side[1].headers]) for side in (recorded, replayed)
            )
            verdicts.accept(place, where, where, ("builtin.header-form",), old, new, why)
        if place.learning:
            _learn(place, left, right)
        return
    if place.learning:
        _learn(place, left, right)
    bodies = recorded[1].body, replayed[1].body
    compare_cookies(place, verdicts, left.pop("set-cookie", []), right.pop("set-cookie", []))
    names = left.keys() | right.keys()
    if place.learning:  # what any other header carries on is no evidence of itself: see _learn
        names &= _LINKS
    for name in sorted(names):
        ours, theirs = left.get(name, []), right.get(name, [])
        if ours == theirs:
            continue
        rule = next(iter(place.rules.for_part(f"response.header {name}")), None)
        if rule is not None and (theirs or rule.matcher.optional):
            _ruled(place, verdicts, name, ours, theirs, rule)
        elif name in builtins.HOP_BY_HOP and not (name == "upgrade" and place.scope.endswith((" 426", " 101"))):
            _accept(place, verdicts, name, ("builtin.hop-by-hop",), ours, theirs)
        elif ours and theirs and _shown(ours) == _shown(theirs):  # RFC 9110, 5.3: lines of one name are one list
            _accept(place, verdicts, name, ("builtin.header-form",), ours, theirs, "one line or several")
        elif name == "content-length" and _length_follows(recorded[0], ours, theirs, left, equal=bodies_equal):
            _accept(place, verdicts, name, ("builtin.content-length",), ours, theirs)
        elif name == "content-encoding" and bodies_equal:
            _find(place, verdicts, "response.content-encoding", name, ours, theirs)
        elif name != "location" and (found := _protection(place, name, ours, theirs, recorded[0], replayed[0])):
            _find(place, verdicts, found[0], name, ours, theirs, found[1])
        elif not theirs:
            _removed(place, verdicts, name, ours)
        elif not ours:
            have, samples = place.profile.header_evidence(place.scope, name)
            added = "changed" if name in _ACTS and not have else "added"
            evidence = f"{have}/{samples or 1} recorded samples"
            _find(place, verdicts, f"response.header.{added}", name, ours, theirs, evidence)
        elif name == "content-type":
            _media_types(place, verdicts, recorded[1].headers, replayed[1].headers)
        else:
            if name == "etag" and replayed[1].status == 304 and _asked_for(replayed[0], theirs):
                why = "the tag that the request asked about"
                _accept(place, verdicts, name, ("builtin.echo",), ours, theirs, why)
                continue
            echo = (header_values(recorded[0].headers, name), header_values(replayed[0].headers, name))
            _values(place, verdicts, name, ours, theirs, echo, left, bodies, recorded[0].method)


def _length_follows(
    request: Request, ours: list[str], theirs: list[str], left: dict[str, list[str]], *, equal: bool
) -> bool:
    """Whether another Content-Length says no more than that the body differs, which is judged."""
    if not ours or not theirs or "content-encoding" in left:
        return True
    if request.method == "HEAD":  # it speaks of a body that nobody sees
        return (ours == ["0"]) == (theirs == ["0"])
    return not equal


def _asked_for(request: Request, tags: list[str]) -> bool:
    """Whether a 304 answers with a tag of the request's If-None-Match."""
    asked = [part.strip() for value in by_name(request.headers).get("if-none-match", []) for part in value.split(",")]
    return bool(tags) and all(tag in asked for tag in tags)


def _learn(place: Place, left: dict[str, list[str]], right: dict[str, list[str]]) -> None:
    """Note what the headers of two responses say of ids."""
    learn_cookies(place, left.get("set-cookie", []), right.get("set-cookie", []))
    for name, ours in left.items():
        theirs = right.get(name)
        if theirs is None or name in builtins.HOP_BY_HOP or name in builtins.UNTOLD or name == "set-cookie":
            continue
        old, new = ", ".join(ours), ", ".join(theirs)
        if name in _LEADS or name == "link":
            if old == new:
                learn_pieces(old, place)
        elif not builtins.REQUEST_ID.fullmatch(name):
            learn_carried(old, new, name, place)


def compare_trailers(
    place: Place,
    verdicts: Verdicts,
    recorded: Headers,
    replayed: Headers,
    bodies: tuple[bytes, bytes] | None = None,
) -> None:
    """Compare the trailers of two responses (gRPC carries its status there). ``bodies``: what digests are of."""
    if recorded == replayed:
        return
    left, right = by_name(recorded), by_name(replayed)
    for name in sorted(left.keys() | right.keys()):
        ours, theirs = left.get(name, []), right.get(name, [])
        if ours == theirs:
            continue
        location = f"response.trailer {name}"
        rule = next(iter(place.rules.for_part(location)), None)
        broken = rule.broken(_shown(ours), _shown(theirs) if theirs else ABSENT) if rule is not None else ""
        if rule is not None and not broken:
            verdicts.accept(place, location, location, (rule.id,), _shown(ours), _shown(theirs))
            continue
        if rule is None and ours and theirs:
            old, new = ", ".join(ours), ", ".join(theirs)
            outcome = judge_digest(name, (old, new), bodies) if bodies is not None else None
            outcome = outcome or judge_text(old, new, (name,), None, place)
            if isinstance(outcome, Accepted):
                verdicts.accept(place, location, location, outcome.rules, _shown(ours), _shown(theirs), outcome.why)
                continue
            broken = outcome.evidence
        change = "changed" if ours and theirs else "removed" if ours else "added"
        verdicts.find(place, f"response.trailer.{change}", location, location, _shown(ours), _shown(theirs), broken)


def _ruled(place: Place, verdicts: Verdicts, name: str, ours: list[str], theirs: list[str], rule: Rule) -> None:
    complaint = None if not theirs else rule.matcher.complaint(_shown(ours), _shown(theirs))
    if complaint is None:
        _accept(place, verdicts, name, (rule.id,), ours, theirs)
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
    around: dict[str, list[str]],
    bodies: tuple[bytes, bytes],
    method: str,
) -> None:
    sent, resent = ([value.decode("latin-1") for value in side] for side in echo)
    if sent and ours == sent:
        if theirs == resent:
            _accept(place, verdicts, name, ("builtin.echo",), ours, theirs, "the request sends it")
        else:
            _find(place, verdicts, "response.header.changed", name, ours, theirs, "the request's value is not echoed")
        return
    old, new = ", ".join(ours), ", ".join(theirs)
    known = _builtin(place, name, old, new)
    if known == "":
        _find(place, verdicts, "response.header.format-changed", name, ours, theirs)
    elif known is not None:
        broken = broken_identity(old, new, name, place) if known == "builtin.request-id" else None
        told = _validator(place, name) if known == "builtin.validator" else ""
        if broken:
            _find(place, verdicts, "response.identity", name, ours, theirs, broken)
        elif told:
            _find(place, verdicts, "response.header.validator-changed", name, ours, theirs, told)
        else:
            equal = name == "etag" and bodies[0] and bodies[0] == bodies[1]
            why = f"named {name}; its body is byte for byte the same" if equal else f"named {name}"
            _accept(place, verdicts, name, (known,), ours, theirs, why)
    elif name in builtins.SECURITY:
        complaint = _policy(old, new, bodies)
        if complaint is None:
            _accept(place, verdicts, name, ("builtin.csp-nonce",), ours, theirs, "only the nonce differs")
        else:
            _find(place, verdicts, "response.header.security-changed", name, ours, theirs, complaint)
    elif name in ("date", "last-modified"):
        evidence = "another moment than that of the answer" if name == "date" else "no moment before the answer"
        _find(place, verdicts, "response.header.changed", name, ours, theirs, evidence)
    else:
        outcome = _text(place, name, ours, theirs, around, bodies, method)
        if isinstance(outcome, Accepted):
            _accept(place, verdicts, name, outcome.rules, ours, theirs, outcome.why)
        elif outcome.change == "identity":
            _find(place, verdicts, "response.identity", name, ours, theirs, outcome.evidence)
        else:
            change = "format-changed" if outcome.change == "format-changed" else "changed"
            told_of = protections.judged(name, ours, theirs, place.scope) if change == "changed" else None
            class_id, evidence = told_of or (f"response.header.{change}", outcome.evidence)
            _find(place, verdicts, class_id, name, ours, theirs, evidence)


def _text(
    place: Place,
    name: str,
    ours: list[str],
    theirs: list[str],
    around: dict[str, list[str]],
    bodies: tuple[bytes, bytes],
    method: str,
) -> Outcome:
    """Judge two unequal values that no rule of HTTP speaks of."""
    old, new = ", ".join(ours), ", ".join(theirs)
    outcome = judge_links(ours, theirs, place) if name == "link" else None
    outcome = outcome or judge_rate(name, old, new, around, place.then, place.now)
    outcome = outcome or judge_relay(name, old, new, place) or judge_digest(name, (old, new), bodies)
    if outcome is not None:
        return outcome
    if name in _LEADS:
        led = judge_text(old, new, (name,), None, place)
        if isinstance(led, Accepted) or led.change == "identity":
            return led
        return judge_location(old, new, place, bodies, method) or led
    tree = place.profile.tree(place.scope, "headers")
    return judge_carried(old, new, name, tree.child(name) if tree is not None else None, place)


def _validator(place: Place, name: str) -> str:
    """What another ETag says beside an equal body; "" when it says nothing."""
    if name != "etag" or place.learning:
        return ""
    if place.scope.endswith(" 304"):
        return "what the client has was still good, under another tag"
    return ""


def _policy(old: str, new: str, bodies: tuple[bytes, bytes]) -> str | None:
    """What two unequal policies differ in; None: in their nonces alone, and the page has each of them."""
    before, after = _NONCE.findall(old), _NONCE.findall(new)
    if _NONCE.sub("'nonce'", old) != _NONCE.sub("'nonce'", new):
        return ""
    for one, other in zip(before, after, strict=True):
        if not about_as_long(one, other):
            return f"a nonce of {len(one)} characters became one of {len(other)}"
        used = [
            re.search(rb"nonce=[\"']?" + re.escape(side.encode("latin-1")), body) is not None
            for side, body in zip((one, other), bodies, strict=True)
        ]
        if used[0] and not used[1]:
            return "no element of the page has the nonce"
    return None


def _protection(
    place: Place, name: str, ours: list[str], theirs: list[str], old: Request, new: Request
) -> tuple[str, str] | None:
    if name not in protections.JUDGED:
        return None
    origins = [", ".join(by_name(request.headers).get("origin", [])) for request in (old, new)]
    return protections.judged(name, ours, theirs, place.scope, (origins[0], origins[1]))


def _builtin(place: Place, name: str, old: str, new: str) -> str | None:
    """The built-in rule that accepts, "" when it applies and the form is broken, None when there is none."""
    if name == "date":
        one, other = moments.read(old), moments.read(new)
        if one is None or other is None or one.kind != other.kind:
            return ""
        return None if place.then.holds(one) and not place.now.holds(other) else "builtin.date"
    if name in builtins.TIMING:
        return "builtin.timing" if new and (not _NUMBER.fullmatch(old) or _NUMBER.fullmatch(new)) else ""
    formed = judge_request_id(name, old, new)
    if formed is not None:
        return "builtin.request-id" if formed else ""
    if name == "etag":
        same = same_etag(old, new)  # bare on both sides, as many services send them: judged as any other token
        return None if same is None else "builtin.validator" if same else ""
    if name == "last-modified":
        one, other = moments.read(old), moments.read(new)
        if one is None or other is None:
            return ""
        late = other.seconds > place.now.now + moments.AFTER and one.seconds <= place.then.now + moments.AFTER
        return None if late or (other.seconds < _EPOCH <= one.seconds) else "builtin.validator"
    if name in builtins.LISTS and _members(old, name) == _members(new, name):
        return "builtin.list-order"
    return None


def _members(value: str, name: str) -> list[str]:
    parts = [part.strip() for part in value.split(",")]
    return sorted(parts if name in ("allow", "access-control-allow-methods") else [part.lower() for part in parts])


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
        _accept(place, verdicts, "content-type", ("builtin.boundary",), left, right)
    elif before == after:
        _accept(place, verdicts, "content-type", ("builtin.header-form",), left, right)
    else:
        _find(place, verdicts, "response.media-type-parameter", "content-type", left, right)


def _shown(values: list[str]) -> str:
    return ", ".join(values)


def _accept(
    place: Place,
    verdicts: Verdicts,
    name: str,
    rules: tuple[str, ...],
    ours: list[str],
    theirs: list[str],
    why: str = "",
) -> None:
    location = f"response.header {name}"
    before, after = (_shown(side) if side else ABSENT for side in (ours, theirs))
    verdicts.accept(place, location, location, rules, before, after, why)


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
