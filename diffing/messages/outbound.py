"""What the service asked of its dependencies while it answered one request: an output like the response itself.

Calls are paired by the stub that answered, then by endpoint in order; a pair is compared field by field, what is left
over is a call no longer made, a new one, or a recorded one made more often.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Hashable, Sequence
from dataclasses import replace

from captures.formats.decoding import form_fields
from captures.model import Exchange, Request
from diffing.contract.profile import Node
from diffing.messages.bodies import compare_bodies
from diffing.messages.callheaders import Asked, compare_call_headers, learn_call_headers, wired
from diffing.messages.callorder import compare_order
from diffing.messages.callrepeats import how_repeated
from diffing.messages.carried import judge_carried, judge_target, learn_carried, learn_targets
from diffing.model import ABSENT
from diffing.place import Accepted, Drift, Outcome, Place, Verdicts
from diffing.rulebook.rules import Rule

CallName = Callable[[Exchange], str]
"""``payments POST /charges`` for an outbound exchange."""


def compare_calls(
    place: Place,
    verdicts: Verdicts,
    recorded: Sequence[Exchange],
    replayed: Sequence[Exchange],
    name_of: CallName,
    known_dependencies: frozenset[str] = frozenset(),
    asked: Asked | None = None,
    *,
    made_only: bool = False,
) -> None:
    """Compare the calls of one inbound exchange. ``place`` is the inbound exchange's; ``asked``: its two requests.

    ``made_only``: what is missing says nothing, because the exchange was cut off by no fault of the build.
    """
    pairs, missing, extra = pair_calls(recorded, replayed, name_of)
    for ours, theirs in pairs:
        compare_call(place, verdicts, ours, theirs, name_of(ours), asked)
    if place.learning:
        return
    compare_order(place, verdicts, pairs, name_of)
    left_over(place, verdicts, recorded, replayed, () if made_only else missing, extra, name_of, known_dependencies)


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
        then=place.then.at(recorded.timing.started),
        now=place.now.at(replayed.timing.started),
        side="outbound.request",
        where=f"outbound {name} request",
        outbound=(recorded.id, replayed.id),
    )


def learn_call(inbound: Place, verdicts: Verdicts, recorded: Exchange, replayed: Exchange, name: str) -> None:
    """Note which new ids and credentials stand for which recorded ones in a call. Raises ``BudgetSpentError``."""
    place = call_place(inbound, recorded, replayed, name)
    old, new = recorded.request, replayed.request
    left, _, left_query = old.target.decode("latin-1").partition("?")
    right, _, right_query = new.target.decode("latin-1").partition("?")
    learn_targets(left, right, place)
    ours, theirs = (_parameters(query.encode("latin-1")) for query in (left_query, right_query))
    for parameter, values in ours.items():
        for one, other in zip(values, theirs.get(parameter, ()), strict=False):
            learn_carried(one, other, parameter, place)
    learn_call_headers(place, old.headers, new.headers)
    compare_bodies(place, verdicts, (old.body, old.headers), (new.body, new.headers))


def compare_call(
    inbound: Place, verdicts: Verdicts, recorded: Exchange, replayed: Exchange, name: str, asked: Asked | None = None
) -> None:
    """Compare one call with the recorded one: target, query, headers, body."""
    place = call_place(inbound, recorded, replayed, name)
    before = len(verdicts.findings)
    old, new = recorded.request, replayed.request
    _destinations(place, verdicts, old, new)
    _targets(place, verdicts, old, new)
    compare_call_headers(place, verdicts, old, new, asked)
    compare_bodies(place, verdicts, (old.body, old.headers), (new.body, new.headers))
    if len(verdicts.findings) == before and "miss" in replayed.notes and not place.learning:
        verdicts.inconclusive.append(f"a call to {name} got no recorded answer although nothing about it drifted")


def _destinations(place: Place, verdicts: Verdicts, old: Request, new: Request) -> None:
    """Another host or scheme, where the service chose it: to addresses and bare names the wiring leads."""
    if wired(old.host, bare=old.host != new.host) or wired(new.host, bare=old.host != new.host):
        return
    one, other = f"{old.scheme}://{old.host}", f"{new.scheme}://{new.host}"
    if one.lower() == other.lower():
        return
    location = f"{place.where}.target"
    rule = next(iter(place.rules.for_part(location)), None)
    broken = rule.broken(one, other) if rule is not None else ""
    if rule is not None and not broken:
        verdicts.accept(place, location, location, (rule.id,), one, other)
    else:
        verdicts.find(place, "outbound.request.target", location, location, one, other, broken)


def _targets(place: Place, verdicts: Verdicts, old: Request, new: Request) -> None:
    if old.target == new.target:
        return
    left, _, left_query = old.target.partition(b"?")
    right, _, right_query = new.target.partition(b"?")
    if left != right:
        one, other = left.decode("latin-1"), right.decode("latin-1")
        location = f"{place.where}.target"
        rule = next(iter(place.rules.for_part(location)), None)
        outcome = judge_target(one, other, place)
        broken = rule.broken(one, other) if rule is not None else ""
        if broken:  # a user's rule has the last word, here and below: no built-in one accepts what it refuses
            verdicts.find(place, "outbound.request.target", location, location, one, other, broken)
        elif rule is not None:
            verdicts.accept(place, location, location, (rule.id,), one, other)
        elif isinstance(outcome, Accepted):
            verdicts.accept(place, location, location, outcome.rules, one, other, outcome.why)
        else:
            change = "identity" if outcome.change == "identity" else "target"
            verdicts.find(place, f"outbound.request.{change}", location, location, one, other, outcome.evidence)
    if left_query != right_query:
        _queries(place, verdicts, left_query, right_query)


def _parameters(query: bytes) -> dict[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for name, value in form_fields(query):
        found[name].append(value)
    return found


def _queries(place: Place, verdicts: Verdicts, recorded: bytes, replayed: bytes) -> None:
    left, right = _parameters(recorded), _parameters(replayed)
    tree = place.profile.tree(place.scope, "query")
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
        evidence = rule.broken(one, other) if rule is not None else ""
        if rule is not None and not evidence:
            verdicts.accept(place, location, location, (rule.id,), one, other)
            continue
        change = "query"
        if rule is None and ours is not None and theirs is not None:
            outcome = _values(ours, theirs, name, tree.child(name) if tree is not None else None, place)
            if isinstance(outcome, Accepted):
                verdicts.accept(place, location, location, outcome.rules, one, other, outcome.why)
                continue
            evidence = outcome.evidence
            change = "identity" if outcome.change == "identity" else change
        verdicts.find(place, f"outbound.request.{change}", location, location, one, other, evidence)
    if not differs:
        location = f"{place.where}.query"
        old, new = recorded.decode("latin-1"), replayed.decode("latin-1")
        verdicts.accept(place, location, location, ("builtin.layout",), old, new, "the same parameters")


def _values(ours: list[str], theirs: list[str], name: str, node: Node | None, place: Place) -> Outcome:
    """The values of one parameter, each by itself: ``id=10&id=11``."""
    if len(ours) != len(theirs):
        return Drift("query", f"{len(ours)} values became {len(theirs)}")
    rules: list[str] = []
    why = ""
    for one, other in zip(ours, theirs, strict=True):
        if one == other:
            continue
        outcome = judge_carried(one, other, name, node, place)
        if not isinstance(outcome, Accepted):
            return outcome
        rules.extend(rule for rule in outcome.rules if rule not in rules)
        why = why or outcome.why
    return Accepted(tuple(rules), why)


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
        before = sum(name_of(call) == name for call in recorded)
        after = sum(name_of(call) == name for call in replayed)
        evidence = f"{_times(before)} recorded, {_times(after)} replayed"
        rule = next((rule for rule in place.rules.for_part(location) if rule.path is None), None)
        if rule is not None:
            broken = _broken(rule, before, after)
            if not broken:
                verdicts.accept(place, location, location, (rule.id,), before or ABSENT, after or ABSENT)
                continue
            evidence = f"{evidence}; {broken}"
        here = replace(place, outbound=(gone[0].id if gone else None, new[0].id if new else None))
        if gone:
            change = "outbound.fewer" if after else "outbound.missing"
            verdicts.find(here, change, location, location, before, after if after else ABSENT, evidence)
        else:
            change = "outbound.extra"
            if before:
                change, how = how_repeated(
                    [call for call in recorded if name_of(call) == name],
                    [call for call in replayed if name_of(call) == name],
                )
                evidence = "; ".join(part for part in (evidence, how) if part)
            if not before and known_dependencies and (new[0].dependency or "") not in known_dependencies:
                change = "outbound.new-dependency"
            verdicts.find(here, change, location, location, before if before else ABSENT, after, evidence)


def _broken(rule: Rule, before: int, after: int) -> str:
    """What a rule about a call as a whole, which judges how often it is made, has against it; empty: nothing.

    ``optional`` lets it be left out, or made where it was not recorded, but not made more often than recorded.
    """
    if rule.matcher.optional and 0 < after <= max(before, 1):
        return ""
    return rule.broken(before, after or ABSENT) or (
        f"the rule expects it no more often than recorded ({rule.id})" if rule.matcher.optional and after else ""
    )


def _times(count: int) -> str:
    return f"{count} call{'' if count == 1 else 's'}"
