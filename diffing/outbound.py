"""What the service asked of its dependencies while it answered one request: an output like the response itself.

Calls are paired by the stub that answered, then by endpoint in order; a pair is compared field by field, what is left
over is a call no longer made, a new one, or a recorded one made more often.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Hashable, Sequence
from dataclasses import replace

from captures.decoding import form_fields, media_type
from captures.model import Exchange, Headers, Request
from diffing import builtins
from diffing.bodies import compare_bodies
from diffing.embedded import judge_text
from diffing.headers import by_name
from diffing.model import ABSENT
from diffing.moments import Clock
from diffing.place import Accepted, Place, Verdicts

CallName = Callable[[Exchange], str]
"""``payments POST /charges`` for an outbound exchange."""


def compare_calls(
    place: Place,
    verdicts: Verdicts,
    recorded: Sequence[Exchange],
    replayed: Sequence[Exchange],
    name_of: CallName,
    known_dependencies: frozenset[str] = frozenset(),
) -> None:
    """Compare the calls of one inbound exchange. ``place`` is the inbound exchange's."""
    pairs, missing, extra = pair_calls(recorded, replayed, name_of)
    for ours, theirs in pairs:
        compare_call(place, verdicts, ours, theirs, name_of(ours))
    if place.learning:
        return
    left_over(place, verdicts, recorded, replayed, missing, extra, name_of, known_dependencies)


def pair_calls(
    recorded: Sequence[Exchange], replayed: Sequence[Exchange], name_of: CallName
) -> tuple[list[tuple[Exchange, Exchange]], list[Exchange], list[Exchange]]:
    """(pairs, recorded calls without a partner, replayed calls without one)."""
    waiting = {call.id: call for call in recorded}
    pairs: list[tuple[Exchange, Exchange]] = []
    free: list[Exchange] = []
    for call in replayed:
        stub = waiting.get(call.replay_of) if call.replay_of is not None else None
        if stub is not None and name_of(stub) == name_of(call):
            del waiting[stub.id]
            pairs.append((stub, call))
        else:
            free.append(call)
    for alike in (_request, _target, _nothing):
        by_likeness: dict[Hashable, deque[Exchange]] = defaultdict(deque)
        if free:
            for one in waiting.values():
                by_likeness[name_of(one), alike(one)].append(one)
        still: list[Exchange] = []
        for call in free:
            candidates = by_likeness.get((name_of(call), alike(call)))
            if not candidates:
                still.append(call)
            else:
                match = candidates.popleft()
                del waiting[match.id]
                pairs.append((match, call))
        free = still
    return sorted(pairs, key=lambda pair: pair[0].id), list(waiting.values()), free


def _request(call: Exchange) -> Hashable:
    return call.request.target, call.request.body


def _target(call: Exchange) -> Hashable:
    return call.request.target


def _nothing(call: Exchange) -> Hashable:
    del call
    return None


def call_place(place: Place, recorded: Exchange, replayed: Exchange, name: str) -> Place:
    """The place of one call within that of its inbound exchange."""
    return replace(
        place,
        scope=f"outbound {name}",
        then=Clock(place.then.started, recorded.timing.started),
        now=Clock(place.now.started, replayed.timing.started),
        side="outbound.request",
        where=f"outbound {name} request",
        outbound=(recorded.id, replayed.id),
    )


def compare_call(inbound: Place, verdicts: Verdicts, recorded: Exchange, replayed: Exchange, name: str) -> None:
    """Compare one call with the recorded one: target, query, headers, body."""
    place = call_place(inbound, recorded, replayed, name)
    before = len(verdicts.findings)
    old, new = recorded.request, replayed.request
    _targets(place, verdicts, old, new)
    _headers(place, verdicts, old.headers, new.headers)
    compare_bodies(place, verdicts, (old.body, old.headers), (new.body, new.headers))
    if len(verdicts.findings) == before and "miss" in replayed.notes and not place.learning:
        verdicts.inconclusive.append(f"a call to {name} got no recorded answer although nothing about it drifted")


def _targets(place: Place, verdicts: Verdicts, old: Request, new: Request) -> None:
    if old.target == new.target:
        return
    left, _, left_query = old.target.partition(b"?")
    right, _, right_query = new.target.partition(b"?")
    if left != right:
        one, other = left.decode("latin-1"), right.decode("latin-1")
        location = f"{place.where}.target"
        rule = next(iter(place.rules.for_part(location)), None)
        outcome = judge_text(one, other, (), None, place)
        if rule is not None and rule.matcher.complaint(one, other) is None:
            verdicts.rule(rule.id)
        elif isinstance(outcome, Accepted):
            verdicts.rule(*outcome.rules)
        else:
            change = "identity" if outcome.change == "identity" else "target"
            verdicts.find(place, f"outbound.request.{change}", location, location, one, other, outcome.evidence)
    if left_query != right_query:
        _queries(place, verdicts, left_query, right_query)


def _queries(place: Place, verdicts: Verdicts, recorded: bytes, replayed: bytes) -> None:
    left: dict[str, list[str]] = defaultdict(list)
    right: dict[str, list[str]] = defaultdict(list)
    for side, raw in ((left, recorded), (right, replayed)):
        for name, value in form_fields(raw):
            side[name].append(value)
    differs = False
    for name in sorted(left.keys() | right.keys()):
        ours, theirs = left.get(name), right.get(name)
        if ours == theirs:
            continue
        differs = True
        location = f"{place.where}.query {name}"
        rule = next(iter(place.rules.for_part(location)), None)
        one = ABSENT if ours is None else ", ".join(ours)
        other = ABSENT if theirs is None else ", ".join(theirs)
        evidence = ""
        if rule is not None and other is not ABSENT and rule.matcher.complaint(one, other) is None:
            verdicts.rule(rule.id)
            continue
        if ours is not None and theirs is not None:
            outcome = judge_text(", ".join(ours), ", ".join(theirs), (name,), None, place)
            if isinstance(outcome, Accepted):
                verdicts.rule(*outcome.rules)
                continue
            evidence = outcome.evidence
        verdicts.find(place, "outbound.request.query", location, location, one, other, evidence)
    if not differs:
        verdicts.rule("builtin.layout")


def _headers(place: Place, verdicts: Verdicts, recorded: Headers, replayed: Headers) -> None:
    left, right = by_name(recorded), by_name(replayed)
    for name in sorted(left.keys() | right.keys()):
        ours, theirs = left.get(name, []), right.get(name, [])
        if ours == theirs:
            continue
        location = f"{place.where}.header {name}"
        old, new = ", ".join(ours), ", ".join(theirs)
        one, other = (old if ours else ABSENT), (new if theirs else ABSENT)
        rule = next(iter(place.rules.for_part(location)), None)
        if rule is not None and ((not theirs and rule.matcher.optional) or rule.matcher.complaint(old, new) is None):
            verdicts.rule(rule.id)
        elif name in builtins.CLIENT or name in builtins.HOP_BY_HOP:
            verdicts.rule("builtin.client-header")
        elif builtins.REQUEST_ID.fullmatch(name) and ours and theirs:  # a lost one breaks the trace: presence counts
            verdicts.rule("builtin.request-id")
        elif name in builtins.CREDENTIALS:
            if ours and not theirs:
                verdicts.find(place, "outbound.request.authorization-lost", location, location, "present", ABSENT)
            elif not ours:
                verdicts.find(place, "outbound.request.header-added", location, location, ABSENT, "present")
            else:
                verdicts.rule("volatile.token")
        elif name == "content-type":
            _media_type(place, verdicts, recorded, replayed, location)
        elif not ours or not theirs:
            change = "header-added" if not ours else "header-removed"
            verdicts.find(place, f"outbound.request.{change}", location, location, one, other)
        else:
            outcome = judge_text(old, new, (name,), None, place)
            if isinstance(outcome, Accepted):
                verdicts.rule(*outcome.rules)
            else:
                verdicts.find(place, "outbound.request.header-changed", location, location, old, new, outcome.evidence)


def _media_type(place: Place, verdicts: Verdicts, recorded: Headers, replayed: Headers, location: str) -> None:
    old, new = media_type(recorded), media_type(replayed)
    if old == new:
        verdicts.rule("builtin.header-form")
    else:
        verdicts.find(place, "outbound.request.media-type", location, location, old or ABSENT, new or ABSENT)


def left_over(
    place: Place,
    verdicts: Verdicts,
    recorded: Sequence[Exchange],
    replayed: Sequence[Exchange],
    missing: Sequence[Exchange],
    extra: Sequence[Exchange],
    name_of: CallName,
    known_dependencies: frozenset[str],
) -> None:
    """One finding per endpoint of a dependency, however many calls: a loop that calls is one cause."""
    counts: dict[str, tuple[list[Exchange], list[Exchange]]] = {}
    for at, calls in enumerate((missing, extra)):
        for call in calls:
            counts.setdefault(name_of(call), ([], []))[at].append(call)
    for name, (gone, new) in counts.items():
        location = f"outbound {name}"
        rule = next((rule for rule in place.rules.for_part(location) if rule.path is None), None)
        if rule is not None:
            verdicts.rule(rule.id)
            continue
        before = sum(name_of(call) == name for call in recorded)
        after = sum(name_of(call) == name for call in replayed)
        evidence = f"{_times(before)} recorded, {_times(after)} replayed"
        here = replace(place, outbound=(gone[0].id if gone else None, new[0].id if new else None))
        if gone:
            change = "outbound.fewer" if after else "outbound.missing"
            verdicts.find(here, change, location, location, before, after if after else ABSENT, evidence)
        else:
            change = "outbound.repeated" if before else "outbound.extra"
            if not before and known_dependencies and (new[0].dependency or "") not in known_dependencies:
                change = "outbound.new-dependency"
            verdicts.find(here, change, location, location, before if before else ABSENT, after, evidence)


def _times(count: int) -> str:
    return f"{count} call{'' if count == 1 else 's'}"
