"""Headers of outbound calls: what the service says of itself, of its caller and of what it wants.

A header that passes on what the caller sent must still pass on what the caller sends. Ids of requests and traces keep
their form; credentials are judged by :mod:`diffing.messages.presented`, ids by :mod:`diffing.messages.carried`.
"""

from __future__ import annotations

import re

from captures.formats.decoding import media_type
from captures.formats.mediatypes import content_type_parameters
from captures.model import Headers, Request
from diffing.messages.carried import is_who, judge_carried, learn_carried
from diffing.messages.digestheaders import judge_digest
from diffing.messages.headers import by_name
from diffing.messages.presented import judge_presented, learn_presented, shown
from diffing.model import ABSENT
from diffing.place import Accepted, Place, Verdicts
from diffing.rulebook import builtins
from diffing.values.traceids import judge_request_id, trace_of

Asked = tuple[Request, Request]
"""The inbound requests, recorded and replayed, during which a call was made."""

_ANY = frozenset({"*/*", "application/json", "application/json, text/plain, */*", "application/json, */*"})
_ADDRESS = re.compile(
    r"localhost|.*\.(?:localhost|local|internal|test)|[0-9.]+|\[?[0-9a-f]*:[0-9a-f:.]*\]?", re.IGNORECASE
)


def learn_call_headers(place: Place, recorded: Headers, replayed: Headers) -> None:
    """Note which ids and credentials stand for which in the headers of a call."""
    left, right = by_name(recorded), by_name(replayed)
    for name, values in left.items():
        if name in builtins.CLIENT or name in builtins.HOP_BY_HOP or name not in right:
            continue
        old, new = ", ".join(values), ", ".join(right[name])
        if name in builtins.CREDENTIALS:
            learn_presented(old, new, place)
        elif not builtins.REQUEST_ID.fullmatch(name):
            learn_carried(old, new, name, place)


def compare_call_headers(
    place: Place, verdicts: Verdicts, recorded: Request, replayed: Request, asked: Asked | None
) -> None:
    """Compare the headers of two calls. ``asked``: the requests of the caller, where one is known."""
    left, right = by_name(recorded.headers), by_name(replayed.headers)
    told = None if asked is None else (by_name(asked[0].headers), by_name(asked[1].headers))
    for name in sorted(left.keys() | right.keys()):
        ours, theirs = left.get(name, []), right.get(name, [])
        passed = told is not None and _passed_on(place, verdicts, name, ours, theirs, told)
        if passed or ours == theirs:
            continue
        location = f"{place.where}.header {name}"
        old, new = ", ".join(ours), ", ".join(theirs)
        secret = name in builtins.CREDENTIALS
        one, other = (shown(name, side) if secret else side for side in (old, new))
        before, after = (one if ours else ABSENT), (other if theirs else ABSENT)
        rule = next(iter(place.rules.for_part(location)), None)
        broken = rule.broken(old if ours else ABSENT, new if theirs else ABSENT) if rule is not None else ""
        if broken and ours and theirs:
            verdicts.find(place, "outbound.request.header-changed", location, location, before, after, broken)
        elif rule is not None and not broken:
            verdicts.accept(place, location, location, (rule.id,), before, after)
        elif name in builtins.CLIENT or name in builtins.HOP_BY_HOP:
            why = "the client library's own"
            verdicts.accept(place, location, location, ("builtin.client-header",), before, after, why)
        elif not ours or not theirs:
            change = "authorization-lost" if secret and ours else "header-removed" if ours else "header-added"
            if not ours and (is_who(name) or (name == "accept" and new.lower() not in _ANY)):
                change = "header-changed"  # it acts for somebody, or asks for a certain form, which it did not
            verdicts.find(place, f"outbound.request.{change}", location, location, before, after)
        elif secret:
            outcome = judge_presented(name, old, new, place)
            if isinstance(outcome, Accepted):
                verdicts.accept(place, location, location, outcome.rules, before, after, outcome.why)
            else:
                change = f"outbound.request.{outcome.change}"
                verdicts.find(place, change, location, location, before, after, outcome.evidence)
        elif name == "content-type":
            _media_type(place, verdicts, recorded.headers, replayed.headers, location)
        else:
            _value(place, verdicts, name, (old, new), (recorded, replayed), location)


def _value(
    place: Place, verdicts: Verdicts, name: str, values: tuple[str, str], requests: tuple[Request, Request], where: str
) -> None:
    old, new = values
    if name == "host" and (wired(old) or wired(new)):
        verdicts.accept(place, where, where, ("builtin.client-header",), old, new, "where the dependency is wired to")
        return
    formed = judge_request_id(name, old, new)
    if formed is not None:
        if formed:
            why = f"the same form; named {name}"
            verdicts.accept(place, where, where, ("builtin.request-id",), old, new, why)
        else:
            evidence = "an id of a request or trace lost its form"
            verdicts.find(place, "outbound.request.header-changed", where, where, old, new, evidence)
        return
    anew = any(
        by_name(requests[0].headers).get(other) != by_name(requests[1].headers).get(other)
        for other in ("date", "x-timestamp", "timestamp", "x-request-timestamp", "x-amz-date", "x-nonce", "webhook-id")
    )
    outcome = judge_digest(name, values, (requests[0].body, requests[1].body), signed_anew=anew)
    if outcome is None:
        tree = place.profile.tree(place.scope, "headers")
        outcome = judge_carried(old, new, name, tree.child(name) if tree is not None else None, place)
    if isinstance(outcome, Accepted):
        verdicts.accept(place, where, where, outcome.rules, old, new, outcome.why)
    else:
        change = "identity" if outcome.change == "identity" else "header-changed"
        verdicts.find(place, f"outbound.request.{change}", where, where, old, new, outcome.evidence)


def _passed_on(
    place: Place,
    verdicts: Verdicts,
    name: str,
    ours: list[str],
    theirs: list[str],
    told: tuple[dict[str, list[str]], dict[str, list[str]]],
) -> bool:
    """Whether the recorded call passes on what its caller sent, and all is said about it."""
    if name == "host" or name in builtins.CLIENT or name in builtins.HOP_BY_HOP or name.startswith("content-"):
        return False
    location = f"{place.where}.header {name}"
    if not theirs or any(place.rules.for_part(location)):
        return False
    before, after = told
    old, new = ", ".join(ours), ", ".join(theirs)
    if not ours:  # what only the replay sends (a traceparent, --header) is no doing of the build's
        if name in before or name not in after or trace_of(", ".join(after[name])) != trace_of(new):
            return False
        why = f"the caller's {name}, which it sends in the replay alone, is passed on"
        verdicts.accept(place, location, location, ("builtin.echo",), ABSENT, _safe(name, new), why)
        return True
    for source in dict.fromkeys(
        (
            name,
            *(
                other
                for other in before
                if builtins.REQUEST_ID.fullmatch(name) and builtins.REQUEST_ID.fullmatch(other)
            ),
        )
    ):
        sent, resent = ", ".join(before.get(source, ())), ", ".join(after.get(source, ()))
        if not sent or not resent or trace_of(sent) != trace_of(old):
            continue
        if trace_of(resent) == trace_of(new):
            if old == new:
                return True
            if sent != old and judge_request_id(name, old, new) is not True:
                return False
            verdicts.accept(
                place,
                location,
                location,
                ("builtin.echo",),
                _safe(name, old),
                _safe(name, new),
                f"the caller's {source} is passed on",
            )
            return True
        if old == new and resent == sent:
            continue
        secret = name in builtins.CREDENTIALS
        change = "identity" if secret else "header-changed"
        verdicts.find(
            place,
            f"outbound.request.{change}",
            location,
            location,
            _safe(name, old),
            _safe(name, new),
            f"the recorded call passes on the caller's {source}, this one does not",
        )
        return True
    return False


def _safe(name: str, value: str) -> str:
    return shown(name, value) if name in builtins.CREDENTIALS else value


def wired(host: str, *, bare: bool = True) -> bool:
    """Whether the wiring leads to ``host``, not the service: this machine, an address, or (``bare``) a name without a
    dot, as containers have.
    """
    name = host.rpartition(":")[0] if re.search(r":[0-9]+$", host) else host
    return _ADDRESS.fullmatch(name) is not None or (bare and "." not in name)


def _media_type(place: Place, verdicts: Verdicts, recorded: Headers, replayed: Headers, location: str) -> None:
    old, new = media_type(recorded), media_type(replayed)
    if old != new:
        verdicts.find(place, "outbound.request.media-type", location, location, old or ABSENT, new or ABSENT)
        return
    before, after = dict(content_type_parameters(recorded)), dict(content_type_parameters(replayed))
    for side in (before, after):
        if "charset" in side:
            side["charset"] = side["charset"].lower()
    left, right = (", ".join(by_name(side).get("content-type", [])) for side in (recorded, replayed))
    boundary = before.pop("boundary", None) != after.pop("boundary", None)
    if before == after:
        rules = ("builtin.boundary",) if boundary else ("builtin.header-form",)
        verdicts.accept(place, location, location, rules, left, right, "the same type and parameters")
        return
    changed = sorted({*before.items()} ^ {*after.items()})
    evidence = f"another {changed[0][0]}"
    only = (
        {"charset"} == {name for name, _ in changed}
        and "utf-8" in (before.get("charset", "utf-8"),)
        and after.get("charset", "utf-8") == "utf-8"
        and (old or "").endswith("json")
    )
    if only:  # JSON is UTF-8 with or without saying so (RFC 8259, 8.1)
        verdicts.accept(place, location, location, ("builtin.header-form",), left, right, "JSON is UTF-8 anyway")
        return
    verdicts.find(place, "outbound.request.header-changed", location, location, left, right, evidence)
