"""Which recorded outbound exchange answers a call the build makes now. Pure.

Scheme, host, port and method always count (but a HEAD that was not recorded is the head of a GET). Beyond them a call
agrees with a recorded one at one of these ranks:

- *exact*: target and body are the same bytes;
- *canonical*: they say the same (query order, JSON key order and white space, content coding, multipart boundary);
- *volatile*: they say the same once ids the build minted are taken for the recorded ones (``rewriting``), or they
  differ only where both hold one kind of volatile value, or where a rule of the user's lets them differ.

A call of several possible causes is sought in the pools of all of them at once, rank by rank: it gets the answer it
agrees with most, and of equals that of the exchange that began first. What has ended comes after what is under way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from captures.model import Exchange, Request
from replayer.misses import distance, likeness
from replayer.stubbing.calls import Call
from replayer.stubbing.keys import canonical_key, exact_key, place, server, volatile_key
from replayer.stubbing.pools import Group, Pool, Stub, Taker

__all__ = [
    "Accepts",
    "Call",
    "Match",
    "Matched",
    "Pool",
    "Stub",
    "Taker",
    "Where",
    "canonical_key",
    "exact_key",
    "match",
    "place",
    "volatile_key",
]

NEAREST = 200  # unused stubs looked at for the nearest one: explaining a miss must not cost more than answering

Accepts = Callable[[Exchange, Request, float], tuple[str, ...] | None]
"""The ids of the rules that let a call (made at a Unix time) differ from a recorded one; None where none does."""


class Matched(StrEnum):
    """How a call was answered; stands in the exchange's notes as ``matched``."""

    EXACT = "exact"
    CANONICAL = "canonical"
    VOLATILE = "volatile"
    EXHAUSTED = "exhausted"  # recorded n times, called once more: the last answer again
    BORROWED = "borrowed"  # the same call, recorded under another inbound exchange
    CHANGED = "changed"  # the nearest call of this inbound exchange, or of none, with differences


@dataclass(frozen=True, slots=True)
class Where:
    """The pools a call may belong to: tiers of equal claim, the strongest first, and those of exchanges that ended."""

    tiers: Sequence[Sequence[Pool]]
    late: Sequence[Pool] = ()

    def pools(self) -> Iterator[Pool]:
        """All of them."""
        for tier in self.tiers:
            yield from tier
        yield from self.late


@dataclass(frozen=True, slots=True)
class Match:
    """The stub that answers, and how it agreed. ``score``: how like a nearest one is, 1 being the same."""

    stub: Stub
    how: Matched
    rules: tuple[str, ...] = ()
    score: float = 1.0


def match(
    call: Call,
    where: Where,
    borrow: Callable[[Request], Stub | None],
    *,
    strict: bool,
    accepts: Accepts | None = None,
) -> Match | None:
    """The stub for ``call``, marked as used; None is a miss.

    ``borrow`` finds the same call under any other inbound exchange. With ``strict`` a call that differs from every
    recorded one in more than volatile values is a miss; otherwise the nearest unused one of the first pool that
    has one (or, for a HEAD, the GET of the same place) answers it and the difference is reported, so that a changed
    amount is not buried under what a 502 sets off.
    """
    late = (where.late,) if where.late else ()
    found = _agreeing(call, where.tiers) or _again(call, where.tiers) or (_agreeing(call, late) if late else None)
    if found is None:
        lent = borrow(call.request) or (borrow(call.plain) if call.translated else None)
        if lent is not None:
            return Match(lent, Matched.BORROWED)
    found = found or _volatile(call, (*where.tiers, *late))
    if found is None and accepts is not None:
        found = _by_rule(call, (*where.tiers, *late), accepts)
    if found is not None:
        found.stub.used = True
        return found
    return None if strict else _changed(call, where.tiers) or _head_of_get(call, where.tiers)


def _agreeing(call: Call, tiers: Sequence[Sequence[Pool]]) -> Match | None:
    for tier in tiers:
        for pool in tier:
            stub = _fresh(pool.exact(call), call)
            if stub is not None:
                return Match(stub, Matched.EXACT)
        for pool in tier:
            stub = _fresh(pool.canonical_of(call), call) if pool.stubs else None
            if stub is not None:
                return Match(stub, Matched.CANONICAL)
    if call.translated:
        for tier in tiers:
            for pool in tier:
                stub = _fresh(pool.canonical(call.plain_canonical), call)
                if stub is not None:
                    return Match(stub, Matched.VOLATILE)
    return None


def _fresh(group: Group | None, call: Call) -> Stub | None:
    return group.fresh(call) if group is not None else None


def _again(call: Call, tiers: Sequence[Sequence[Pool]]) -> Match | None:
    for tier in tiers:
        for pool in tier:
            if not pool.stubs:
                continue
            group = pool.canonical_of(call)
            if group is None and call.translated:
                group = pool.canonical(call.plain_canonical)
            if group is not None:
                return Match(group.again(call.headers), Matched.EXHAUSTED)
    return None


def _volatile(call: Call, tiers: Sequence[Sequence[Pool]]) -> Match | None:
    used: Stub | None = None
    for tier in tiers:
        for pool in tier:
            group = pool.volatile(call) if pool.stubs else None
            if group is None:
                continue
            stub = group.fresh(call)
            if call.translated and stub is not None and len(group.stubs) > 1:
                stub = _of_the_same_ids(call, group.stubs, stub)
            if stub is not None:
                return Match(stub, Matched.EXHAUSTED if stub.used else Matched.VOLATILE)
            used = used or group.again(call.headers)
    return Match(used, Matched.EXHAUSTED) if used is not None else None


def _of_the_same_ids(call: Call, stubs: list[Stub], unused: Stub) -> Stub:
    """Of stubs that differ in volatile values only, the one with the ids of ``call``, used or not: a second call about
    one order must not take the answer of the next order."""
    at = next(index for index, stub in enumerate(stubs) if stub is unused)
    around = stubs[max(0, at - NEAREST // 2) : at + NEAREST // 2]
    return min(around, key=lambda stub: (distance(stub.request, call.plain), stub.used))


def _by_rule(call: Call, tiers: Sequence[Sequence[Pool]], accepts: Accepts) -> Match | None:
    """The nearest stub that differs only where rules let it; an unused one, else the last such answer again."""
    again: Match | None = None
    for tier in tiers:
        for pool in tier:
            candidates = [stub for stub in pool.stubs if server(stub.request) == server(call.plain)]
            candidates.sort(key=lambda stub: stub.used)
            near = sorted(candidates[:NEAREST], key=lambda stub: (stub.used, distance(stub.request, call.plain)))
            for stub in near:
                rules = accepts(stub.exchange, call.plain, call.at)
                if rules is None:
                    continue
                if not stub.used:
                    return Match(stub, Matched.VOLATILE, rules)
                again = again or Match(stub, Matched.EXHAUSTED, rules)
    return again


def _changed(call: Call, tiers: Sequence[Sequence[Pool]]) -> Match | None:
    """The nearest stub at the same place that nobody has had: of the first tier that has one, the nearest of all."""
    for tier in tiers:
        candidates = [
            stub for pool in tier for stub in [one for one in pool.at(call) if not one.used and not one.lent][:NEAREST]
        ]
        if candidates:
            scores = [(distance(stub.request, call.plain), index) for index, stub in enumerate(candidates)]
            _, index = min(scores)
            candidates[index].lent = True
            return Match(candidates[index], Matched.CHANGED, score=likeness(candidates[index].request, call.plain))
    return None


def _head_of_get(call: Call, tiers: Sequence[Sequence[Pool]]) -> Match | None:
    """For a HEAD that was not recorded the recorded GET, whose head it asks for (RFC 9110 9.3.2); none is used up."""
    if call.request.method != "HEAD":
        return None
    get = replace(call.plain, method="GET")
    asked = Call(get, lambda: get, call.at)
    candidates = [stub for tier in tiers for pool in tier for stub in pool.at(asked)[:NEAREST]]
    near = min(candidates, key=lambda stub: distance(stub.request, get), default=None)
    return Match(near, Matched.CHANGED, score=likeness(near.request, call.plain)) if near is not None else None
