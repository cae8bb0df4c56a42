"""What surrounds the values being compared (their run, their request, the rules about them), and what comes of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable
from dataclasses import dataclass, field
from typing import Any

from captures.jsonpaths import normalised
from diffing.contract.profile import Profile, generated_name
from diffing.model import ABSENT, Acceptance, Arrangement, Finding
from diffing.rulebook.rules import RuleBook
from diffing.values.identity import Identity
from diffing.values.moments import Clock
from diffing.values.movement import Movement, Movements
from diffing.values.volatile import Shape, shape_of
from diffing.walk.patching import Change

BUDGET = 4_000_000
"""JSON nodes visited per exchange. A body beyond it is inconclusive, never clean, and never a hang."""

Trail = tuple[str | int, ...]

Lessons = dict[tuple[str, int, str, str], tuple[tuple[str, ...], tuple[object, ...] | None]]
"""By endpoint, session, name and text: the identities it says of itself, and its form (:mod:`walk.standing`)."""

ARRANGED = 2_000
"""Pairs of items of one array that are told with a judgement."""

SHAPES = 20_000
"""Shapes of values remembered between the steps of one comparison: they are asked for in each."""


class BudgetSpentError(Exception):
    """The comparison of one exchange grew beyond its budget."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """An unequal pair that satisfies what stands in place of equality. ``why``: the signals that spoke for it."""

    rules: tuple[str, ...]
    why: str = ""


@dataclass(frozen=True, slots=True)
class Drift:
    """An unequal pair that is a finding. ``change`` is the last word of its class."""

    change: str
    evidence: str = ""


Outcome = Accepted | Drift


@dataclass(slots=True)
class Place:
    """The surroundings of one exchange, or of one outbound call of it."""

    endpoint: str
    scope: str  # endpoint and status, the key of the profile's trees
    exchange: int
    then: Clock
    now: Clock
    identity: Identity
    profile: Profile
    rules: RuleBook
    hosts: Iterable[tuple[str, str]] = ()  # own authorities, recorded and replayed
    echoed: Container[str] = frozenset()  # what the request sent, equal on both sides
    replaced: Container[tuple[str, str]] = frozenset()  # (recorded, new) of what it sent, where the replay put the new
    learning: bool = False
    session: int = 1
    side: str = "response"  # prefix of classes: "response" or "outbound.request"
    where: str = "response"  # prefix of locations: "response" or "outbound payments POST /charges request"
    outbound: tuple[int | None, int | None] = (None, None)
    strict: bool = False  # nothing is accepted: see diffing.walk.exact
    movements: Movements = field(default_factory=dict)  # what replays of the recorded build itself say
    shapes: dict[str, Shape | None] = field(default_factory=dict)  # of values looked at
    lessons: Lessons = field(default_factory=dict)  # what is learnt of a text that stands for itself

    def shape(self, text: str) -> Shape | None:
        """:func:`diffing.values.volatile.shape_of`, remembered."""
        if len(text) > 128:
            return shape_of(text)
        try:
            return self.shapes[text]
        except KeyError:
            if len(self.shapes) >= SHAPES:
                self.shapes.clear()
            found = self.shapes[text] = shape_of(text)
            return found

    def moves(self, trail: Trail) -> Movement | None:
        """How often the value there differed between two runs of the recorded build; None: nobody looked."""
        if not self.movements:
            return None
        return self.movements.get((self.scope, body_location(self, trail)[0]))


def _none() -> Counter[Any]:
    """An empty counter: made at once, where ``Counter()`` looks for what to count in ten steps."""
    return Counter.__new__(Counter)


@dataclass(slots=True)
class Verdicts:
    """Collects what the comparison of one exchange comes to."""

    findings: list[Finding] = field(default_factory=list)
    rules: Counter[str] = field(default_factory=_none)
    inconclusive: list[str] = field(default_factory=list)
    budget: int = BUDGET
    places: Counter[tuple[str, str]] = field(default_factory=_none)  # (rule, generalised location)
    changes: list[Change] | None = None  # a list where every difference is wanted as a patch, accepted or not
    trace: list[Acceptance] | None = None  # a list where every accepted place is asked for
    arranged: list[Arrangement] | None = None  # a list where it is asked what was taken for what

    def spend(self, nodes: int = 1) -> None:
        """Count visited nodes. Raises :class:`BudgetSpentError`."""
        self.budget -= nodes
        if self.budget < 0:
            raise BudgetSpentError

    def count(self) -> int:
        """How many findings and uses of rules there are so far."""
        return len(self.findings) + self.rules.total()

    def rule(self, *ids: str) -> None:
        """Note that rules accepted an unequal place."""
        for identity in ids:
            self.rules[identity] += 1

    def accept(
        self,
        place: Place,
        location: str,
        path: str,
        rules: tuple[str, ...],
        recorded: Any,
        replayed: Any,
        why: str = "",
    ) -> None:
        """Note that ``rules`` accepted the unequal values of one place."""
        if place.learning:
            return
        for identity in rules:
            self.rules[identity] += 1
            self.places[identity, location] += 1
        if self.trace is not None:
            sides = presentable(recorded), presentable(replayed)
            self.trace.append(Acceptance(rules, location, path, *sides, why, place.outbound))

    def arrange(
        self, place: Place, recorded: Trail, replayed: Trail, pairs: tuple[tuple[int, int], ...] | None = None
    ) -> None:
        """Note which item of an array was taken for which, or (without ``pairs``) where a value went."""
        if self.arranged is not None and not place.learning and (pairs is None or len(pairs) <= ARRANGED):
            where = f"{place.where}.body"
            self.arranged.append(Arrangement(where, recorded, replayed, pairs, place.outbound))

    def find(
        self, place: Place, class_id: str, location: str, path: str, recorded: Any, replayed: Any, evidence: str = ""
    ) -> None:
        """Note one difference. ``class_id`` is the whole class."""
        source = None
        if type(recorded) is str and type(replayed) is str:
            source = place.identity.repeats.source(recorded, replayed, place.endpoint, location)
            if source is not None:
                evidence = (
                    f"{evidence}; the same change as at {source}" if evidence else f"the same change as at {source}"
                )
        self.findings.append(
            Finding(
                class_id=class_id,
                endpoint=place.endpoint,
                location=location,
                path=path,
                recorded=presentable(recorded),
                replayed=presentable(replayed),
                exchange=place.exchange,
                evidence=evidence,
                outbound_recorded=place.outbound[0],
                outbound_replayed=place.outbound[1],
                follows=str(source) if source is not None else "",
            )
        )


def body_location(place: Place, trail: Trail) -> tuple[str, str]:
    """(generalised location, exact path) of a place in a JSON body."""
    general = "".join(
        "[*]" if isinstance(step, int) or generated_name(step) else normalised((step,))[1:] for step in trail
    )
    return f"{place.where}.body ${general}", normalised(trail)


def presentable(value: Any, room: int = 400) -> Any:
    """``value`` for a finding: JSON-able, and cut so that a megabyte does not travel into every report."""
    return _cut(value, [room], 8)


def _cut(value: Any, room: list[int], depth: int) -> Any:
    room[0] -= 1
    kind = type(value)
    if value is ABSENT or value is None or kind is bool:
        return value
    if kind is int:
        return value if abs(value) < 10**400 else f"{str(value)[:60]}…"
    if kind is str:
        return value if len(value) <= 1000 else f"{value[:1000]}… ({len(value):,} characters)"
    if kind is dict or kind is list:
        if room[0] <= 0 or depth == 0:
            return f"… ({len(value):,} more)"
        if kind is dict:
            kept: dict[str, Any] = {}
            for name, child in value.items():
                if room[0] <= 0:
                    kept["…"] = f"{len(value) - len(kept):,} more"
                    break
                kept[name] = _cut(child, room, depth - 1)
            return kept
        items: list[Any] = []
        for child in value:
            if room[0] <= 0:
                items.append(f"… ({len(value) - len(items):,} more)")
                break
            items.append(_cut(child, room, depth - 1))
        return items
    number = float(value)  # a Number: as float where that says the same, else as it was written
    return number if repr(number) == str(value) else str(value)
