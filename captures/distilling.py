"""The smallest part of a recording that still shows all of its behaviour: ``retape capture distill``. Pure.

What an exchange shows are its *traits*: endpoint, status and shape of the answer in one; each call it made, with the
dependency's endpoint, the outcome and the shapes of both its messages, and whether it was made once or more often; each
chain, where a value comes from and where it is brought back; each kind of message. Exchanges with the same traits are
interchangeable, and of those left the fewest are chosen (:mod:`captures.covering`), with what they need; ties go to the
earlier one. Values make no trait: what only some numbers show (a rounding) may be lost.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from captures.covering import cover, without_superfluous
from captures.flows.tracing import Flow
from captures.formats.decoding import EmptyBody, decode
from captures.formats.mediatypes import media_type
from captures.formats.structures import Structure, structured
from captures.jsonpaths import Place, generalised
from captures.model import Exchange, Headers
from captures.tokens import kind_of

_INDEX = re.compile(r"\[[0-9]+\]")

ALIKE = 4
"""Of exchanges with the same traits, so many are looked at: their needs differ."""

DEEPEST = 40
"""Levels of a body that its shape tells apart."""


@dataclass(frozen=True, slots=True, order=True)
class Trait:
    """One thing an exchange shows. Equal ones are the same behaviour."""

    kind: str  # "answer", "call", "calls", "chain", "messages", "start-up call"
    endpoint: str
    text: str  # for people
    mark: str = ""  # digest of the shapes


@dataclass(frozen=True, slots=True)
class Kept:
    """An exchange of the result, and why it is there."""

    exchange: int
    traits: tuple[Trait, ...]  # that it is the first to show; none for one that is only needed
    needed_by: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Dropped:
    """Exchanges that are not in the result: each shows what ``like`` shows, which is."""

    like: int | None  # None: what they show is not in the result (--max)
    endpoint: str
    outcome: str
    count: int
    examples: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Distillate:
    """The result."""

    kept: tuple[Kept, ...]  # in order
    dropped: tuple[Dropped, ...]
    uncovered: tuple[Trait, ...] = ()  # for want of room


@dataclass(slots=True)
class _Group:
    """Exchanges with the same traits."""

    traits: frozenset[Trait]
    endpoint: str
    outcome: str
    ids: list[int] = field(default_factory=list)  # the first few
    count: int = 0


@dataclass(slots=True)
class Distilling:
    """Fed with the exchanges of a capture, in order; memory grows with different behaviours, not with exchanges."""

    groups: dict[frozenset[Trait], _Group] = field(default_factory=dict)

    def add(self, exchange: Exchange, endpoint: str, traits: Iterable[Trait]) -> None:
        """The next exchange that can be chosen or dropped, with what it shows."""
        shown = frozenset(traits)
        group = self.groups.get(shown)
        if group is None:
            group = self.groups[shown] = _Group(shown, endpoint, outcome(exchange))
        group.count += 1
        if len(group.ids) < ALIKE:
            group.ids.append(exchange.id)

    def distil(self, needs: Callable[[int], Iterable[int]], most: int | None = None) -> Distillate:
        """Choose. ``needs``: which others an exchange cannot do without. ``most``: no more exchanges than that."""
        closures = {one: frozenset({one, *needs(one)}) for group in self.groups.values() for one in group.ids}
        shows = {one: group.traits for group in self.groups.values() for one in group.ids}
        wanted = frozenset[Trait]().union(*self.groups)
        chosen = without_superfluous(cover(shows, closures, most), shows, closures)
        return self._told(chosen, closures, shows, wanted)

    def _told(
        self, chosen: Sequence[int], closures: Mapping[int, frozenset[int]], shows: Mapping[int, frozenset[Trait]],
        wanted: frozenset[Trait],
    ) -> Distillate:  # fmt: skip
        there = frozenset[int]().union(*(closures[one] for one in chosen)) if chosen else frozenset[int]()
        by: dict[int, list[int]] = {}
        for one in chosen:
            for other in closures[one]:
                if other != one:
                    by.setdefault(other, []).append(one)
        told: set[Trait] = set()
        kept = []
        for one in sorted(there):
            new = shows.get(one, frozenset()) - told
            told |= new
            kept.append(Kept(one, tuple(sorted(new)), tuple(sorted(by.get(one, ())))))
        return Distillate(tuple(kept), tuple(self._dropped(there, shows)), tuple(sorted(wanted - told)))

    def _dropped(self, there: frozenset[int], shows: Mapping[int, frozenset[Trait]]) -> Iterator[Dropped]:
        first: dict[Trait, int] = {}
        for one in sorted(there):
            for trait in shows.get(one, ()):
                first.setdefault(trait, one)
        for group in sorted(self.groups.values(), key=lambda group: group.ids[0]):
            gone = [one for one in group.ids if one not in there]
            count = group.count - len(group.ids) + len(gone)
            if not count:
                continue
            alike = [one for one in group.ids if one in there]
            covering = [first.get(trait) for trait in sorted(group.traits)]
            like = alike[0] if alike else None if None in covering else covering[0]
            yield Dropped(like, group.endpoint, group.outcome, count, tuple(gone))


def traits_of(
    exchange: Exchange, endpoint: str, calls: Iterable[tuple[Exchange, str]], chains: Iterable[Trait] = ()
) -> Iterator[Trait]:
    """What an inbound exchange shows, whose ``calls`` (with their endpoints) it caused."""
    yield Trait("answer", endpoint, f"{endpoint} {outcome(exchange)}", _answer_mark(exchange))
    times: dict[str, int] = {}
    for call, name in calls:
        called = f"{call.dependency or call.request.host} {name}"
        times[called] = times.get(called, 0) + 1
        mark = f"{shape_of(call.request.headers, call.request.body)} {_answer_mark(call)}"
        yield Trait("call", endpoint, f"{called} {outcome(call)} by {endpoint}", mark)
    for called, count in times.items():
        yield Trait("calls", endpoint, f"{called} {'once' if count == 1 else 'more than once'} by {endpoint}")
    yield from chains


def message_traits(endpoint: str, kinds: Iterable[tuple[str, bool]]) -> Iterator[Trait]:
    """What a conversation shows: each kind of message (text, event, grpc …) and whether the client sent it."""
    for kind, from_client in kinds:
        yield Trait("messages", endpoint, f"{kind} from the {'client' if from_client else 'server'} at {endpoint}")


def start_up_trait(call: Exchange, endpoint: str) -> Trait:
    """What a call shows that no request is known to have caused."""
    name = f"{call.dependency or call.request.host} {endpoint}"
    return Trait("start-up call", name, f"{name} {outcome(call)} without a cause", _answer_mark(call))


def chain_traits(flows: Iterable[Flow], endpoints: Callable[[int], str]) -> dict[int, set[Trait]]:
    """For each exchange the chains that end in it: from which place of which answer, to which place of the request."""
    found: dict[int, set[Trait]] = {}
    for flow in flows:
        source = f"{endpoints(flow.source)} {_INDEX.sub('[*]', flow.place)}".strip()
        for use in flow.uses:
            user = endpoints(use.exchange)
            for place in use.places:
                text = f"{source} to {user} {_INDEX.sub('[*]', place)}"
                found.setdefault(use.exchange, set()).add(Trait("chain", user, text))
    return found


def outcome(exchange: Exchange) -> str:
    """``201``, ``timeout``."""
    if exchange.failure is not None:
        return exchange.failure.kind.value
    return str(exchange.response.status) if exchange.response else "-"


def _answer_mark(exchange: Exchange) -> str:
    response = exchange.response
    return shape_of(response.headers, response.body) if response is not None else ""


def shape_of(headers: Headers, body: bytes) -> str:
    """A digest of which members a body has and of which types; of its media type where it has none."""
    decoded = decode(body, headers)
    if isinstance(decoded, EmptyBody):
        return "empty"
    read = structured(decoded)
    if not isinstance(read, Structure):
        return media_type(headers) or "bytes"
    lines = sorted(set(_members((), read.value)))
    return hashlib.sha256("\n".join((read.kind, *lines)).encode("utf-8", "surrogatepass")).hexdigest()[:16]


def _members(place: Place, value: Any) -> Iterator[str]:
    if isinstance(value, dict) and len(place) < DEEPEST:
        yield f"{generalised(place)} object"
        for name, member in value.items():
            # A name that is an id is no part of a shape: such objects are maps.
            yield from _members((*place, "*" if name.isdigit() or kind_of(name) is not None else name), member)
    elif isinstance(value, list) and len(place) < DEEPEST:
        yield f"{generalised(place)} array"
        for member in value:
            yield from _members((*place, 0), member)
    else:
        kind = "number" if isinstance(value, int | float) and not isinstance(value, bool) else type(value).__name__
        yield f"{generalised(place)} {'number' if kind == 'Number' else kind}"
