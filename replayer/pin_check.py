"""Judging what came for a pin: the same comparison as a replay's, plus matchers, minus tolerance. Pure.

A replay accepts that a recorded UUID is another one today; a pin that wanted that would say ``«uuid»``. So where the
engine lets a literal of the pin vary by itself, that is a finding here, which names the matcher to write instead.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from captures.formats.decoding import JsonBody, decode
from captures.jsonpaths import generalised
from captures.model import Direction, Exchange, Failure, Headers, Request, Response, Timing
from captures.routes.templates import looks_like_id
from diffing.exchange import Context, compare_exchange
from diffing.messages.headers import by_name
from diffing.model import ABSENT, Finding, Judgement
from diffing.rulebook.rules import RuleBook
from diffing.walk.flatten import same
from replayer import pin_notation
from replayer.alignment import MISSING, json_pairs
from replayer.pin_desk import Served, expected_call
from replayer.pin_file import rules_of
from replayer.pin_unify import Broken, Unifier
from replayer.pin_volatile import Scene, slot_for
from replayer.pins import Pin, PinResponse, PinStub

INBOUND, FIRST_STUB = 1, 2
"""Ids in the comparison: the pinned exchange, and its stubs after it."""

TOLERANT = ("volatile.", "builtin.date", "builtin.timing", "builtin.request-id", "builtin.validator")
TOLERANT_MORE = ("builtin.rate-limit", "builtin.cookie-value", "builtin.cookie-lifetime")


@dataclass(frozen=True, slots=True)
class Came:
    """What the target did: its response or failure, and the calls it made meanwhile."""

    request: Request
    timing: Timing
    response: Response | None
    failure: Failure | None
    calls: Sequence[Served] = ()
    calls_seen: bool = True  # False: somebody else runs the target, nothing is known of its calls


def judge(pin: Pin, came: Came, names: dict[str, Any], endpoint: str, rules: RuleBook) -> Judgement:
    """Judge ``came`` against ``pin``. ``names``: what setup and stubs have bound so far."""
    unifier = Unifier(names)
    recorded_calls, replayed_calls, call_findings = _calls(pin, came, unifier, endpoint)
    assert pin.expect is not None, "of a new pin there is nothing to judge"
    expected, seen = _responses(pin.expect, came.response, unifier)
    complete = came.response is not None and came.failure is None and came.response.status == pin.expect.status
    broken = [_finding(one, "response", endpoint, "response.") for one in unifier.broken] if complete else []
    recorded = Exchange(INBOUND, Direction.INBOUND, came.request, came.timing, expected)
    replayed = Exchange(INBOUND, Direction.INBOUND, came.request, came.timing, seen, came.failure)
    if pin.expect.varies:
        rules = RuleBook((*rules_of(pin.expect.varies), *rules.rules))
    context = Context(rules=rules, endpoint_of=lambda _: endpoint, call_of=call_name)
    judged = compare_exchange(recorded, replayed, context, recorded_calls, replayed_calls)
    free = {f"response.header {name.lower()}" for name, text in pin.expect.headers if pin_notation.has_slot(text)}
    told = [
        one for one in judged.findings if one.class_id != "response.header.validator-kept" or one.location not in free
    ]
    findings = [*told, *broken, *call_findings]
    if complete and seen is not None and _tolerated(judged):
        findings += _strictly("response", "response.", expected, seen, findings, endpoint, came.timing.started)
    if _tolerated(judged):
        for ours, theirs in zip(recorded_calls, replayed_calls, strict=False):
            if ours.id == theirs.replay_of:
                where = f"outbound {call_name(ours)} request"
                one, other = ours.request, theirs.request
                findings += _strictly(where, "outbound.request.", one, other, findings, endpoint, came.timing.started)
    return replace(judged, findings=tuple(findings))


def call_name(call: Exchange) -> str:
    """``payments POST /charges/{id}``: one name for a call and its stub, whatever the id."""
    path = call.request.target.partition(b"?")[0].decode("latin-1")
    words = ["{id}" if looks_like_id(word) else word for word in path.split("/")]
    return f"{call.dependency or call.request.host} {call.request.method} {'/'.join(words)}"


def _responses(template: PinResponse, actual: Response | None, unifier: Unifier) -> tuple[Response, Response | None]:
    if actual is None:
        expected, _ = Unifier(dict(unifier.names)).response(template, Response(0))
        return expected, None
    return unifier.response(template, actual)


def _calls(
    pin: Pin, came: Came, unifier: Unifier, endpoint: str
) -> tuple[list[Exchange], list[Exchange], list[Finding]]:
    """Expected and seen calls, paired ones first and in one order; broken matchers of calls as findings."""
    if not came.calls_seen:
        return [], [], []
    expected: list[Exchange] = []
    seen: list[Exchange] = []
    later: list[Exchange] = []
    findings: list[Finding] = []
    answered: set[int] = set()
    for call in sorted(came.calls, key=lambda one: (one.stub is None, one.stub or 0)):
        if call.stub is None or call.stub in answered:
            later.append(call.exchange)
            continue
        answered.add(call.stub)
        stub = pin.stubs[call.stub]
        ours, theirs = unifier.request(stub.request, call.exchange.request)
        recorded = _stub_exchange(call.stub, stub, ours)
        where = f"outbound {call_name(recorded)} request"
        findings += [_finding(one, where, endpoint, "outbound.request.") for one in unifier.broken]
        unifier.broken.clear()
        expected.append(recorded)
        seen.append(replace(call.exchange, request=theirs))
    missing = [
        _stub_exchange(index, stub, expected_call(stub, dict(unifier.names)))
        for index, stub in enumerate(pin.stubs)
        if index not in answered
    ]
    return [*expected, *missing], [*seen, *later], findings


def _stub_exchange(index: int, stub: PinStub, request: Request) -> Exchange:
    return Exchange(FIRST_STUB + index, Direction.OUTBOUND, request, Timing(0.0), dependency=stub.dependency)


def _finding(broken: Broken, where: str, endpoint: str, prefix: str) -> Finding:
    location, path = f"{where}.{broken.part}", f"{where}.{broken.part}"
    if broken.part == "target":
        class_id = "outbound.request.target"
    elif broken.part == "body":
        class_id = f"{prefix}body.rule-broken"
        if broken.place is not None:
            location, path = f"{where}.body {generalised(broken.place)}", _path(broken)
        if broken.expected.startswith("sha256 "):
            class_id = f"{prefix}body.binary-changed"
    elif broken.part == "header set-cookie":
        class_id = "response.cookie.value-changed"
    else:
        class_id = f"{prefix}header.changed" if prefix == "response." else f"{prefix}header-changed"
    return Finding(class_id, endpoint, location, path, broken.expected, broken.actual, INBOUND, broken.why)


def _path(broken: Broken) -> str:
    from captures.jsonpaths import normalised

    return normalised(broken.place or ())


def _tolerated(judged: Judgement) -> bool:
    return any(rule.startswith((*TOLERANT, *TOLERANT_MORE)) for rule in judged.rules)


def _strictly(
    where: str,
    prefix: str,
    expected: Response | Request,
    seen: Response | Request,
    known: Sequence[Finding],
    endpoint: str,
    now: float,
) -> Iterator[Finding]:
    """Literals of the pin that differ and that no finding names yet."""
    named = {(finding.location.partition(" $")[0], finding.path) for finding in known}
    places = {location for location, _ in named}
    one, other = decode(expected.body, expected.headers), decode(seen.body, seen.headers)
    if isinstance(one, JsonBody) and isinstance(other, JsonBody) and not same(one.value, other.value):
        for pair in json_pairs((), one.value, other.value):
            if pair.recorded is MISSING or pair.replayed is MISSING or same(pair.recorded, pair.replayed):
                continue
            if (f"{where}.body", pair.path) in named or isinstance(pair.recorded, dict | list):
                continue
            evidence = _advice(pair.name, pair.recorded, pair.replayed, now)
            location = f"{where}.body {pair.path}"
            yield Finding(
                f"{prefix}body.value-changed", endpoint, location, pair.path, pair.recorded, pair.replayed, INBOUND,
                evidence,
            )  # fmt: skip
    elif not isinstance(one, JsonBody) and f"{where}.body" not in places and one != other:
        text, theirs = _shown(expected.body), _shown(seen.body)
        yield Finding(f"{prefix}body.text-changed", endpoint, f"{where}.body", f"{where}.body", text, theirs, INBOUND)
    yield from _headers_strictly(where, prefix, expected.headers, seen.headers, places, endpoint, now)


def _headers_strictly(
    where: str, prefix: str, expected: Headers, seen: Headers, places: set[str], endpoint: str, now: float
) -> Iterator[Finding]:
    left, right = by_name(expected), by_name(seen)
    for name, values in left.items():
        theirs = right.get(name, [])
        location = f"{where}.header {name}"
        if values == theirs or location in places or (name == "set-cookie" and any(".cookie " in p for p in places)):
            continue
        if name in ("content-type", "vary", "allow") or not theirs:
            continue  # judged by meaning, or as a header that is gone
        class_id = f"{prefix}header.changed" if prefix == "response." else f"{prefix}header-changed"
        old, new = ", ".join(values), ", ".join(theirs)
        evidence = _advice(name, old, new, now)
        yield Finding(class_id, endpoint, location, location, old, new if theirs else ABSENT, INBOUND, evidence)


def _advice(name: str, value: Any, other: Any, now: float) -> str:
    slot = slot_for(name, other, value, Scene(now))
    return f"the pin fixes this value; {slot} would let it vary" if slot else "the pin fixes this value"


def _shown(body: bytes) -> str:
    return body[:400].decode("utf-8", "backslashreplace")
