"""The flows that ``[[chain]]`` names, as they go in one replay: values learnt from answers, put into requests. Pure."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from captures.flows.mentions import Key
from captures.formats import jsonspans
from captures.model import Request, Response
from replayer.chain_places import Span, field_of, spans_in, values_at
from replayer.chain_rules import ChainRule
from replayer.substitution import Replacement, Substitution, choice

LIMIT = 50_000  # values remembered for each rule, oldest forgotten first


@dataclass(frozen=True, slots=True)
class Fixed:
    """One span of a text that a rule decides about. ``text`` None: what stands there stays."""

    span: Span
    text: str | None = None
    origin: str = ""


@dataclass(frozen=True, slots=True)
class Decided:
    """What rules say of one request, for its path, its query, each header by its number, its body."""

    path: tuple[Fixed, ...] = ()
    query: tuple[Fixed, ...] = ()
    headers: dict[int, tuple[Fixed, ...]] | None = None
    body: tuple[Fixed, ...] = ()


class Chains:
    """The rules, and the values each has seen."""

    def __init__(self, rules: Sequence[ChainRule] = ()) -> None:
        self._rules = rules
        self._tables = [_Values() for _ in rules]

    def __bool__(self) -> bool:
        return bool(self._rules)

    def learn(self, request: Request, recorded: Response, live: Response, order: int) -> frozenset[str]:
        """Take what rules name in an answer; returns the recorded values that inference must leave alone there."""
        forbidden: set[str] = set()
        for rule, table in zip(self._rules, self._tables, strict=True):
            place = rule.source
            if place is None or place.concerns(request) is None:
                continue
            old = values_at(place, recorded)
            if rule.never:
                forbidden.update(old.values())
                continue
            new = values_at(place, live)
            origin = f'exchange {order} by [[chain]] "{rule.name}"'
            for at, value in old.items():
                if at in new and value:
                    table.add(value, Replacement(new[at], origin, order))
        return frozenset(forbidden)

    def pairs(self, request: Request, recorded: Response, live: Response) -> Iterator[tuple[str, str, str]]:
        """(recorded value, the field it stands in or "", what ``live`` has there) of all that rules name."""
        for rule in self._rules:
            place = rule.source
            if place is None or rule.never or place.concerns(request) is None:
                continue
            new = values_at(place, live)
            for at, value in values_at(place, recorded).items():
                if value and at in new:
                    yield value, field_of(place, at), new[at]

    def decide(self, request: Request, body: bytes, before: int | None) -> Decided | None:
        """What the rules say of ``request``, whose ``body`` has its content coding off; None: nothing."""
        path, _, query = request.target.partition(b"?")
        texts = {"path": path.decode("latin-1"), "query": query.decode("latin-1"), "body": body.decode("latin-1")}
        sides: dict[str, list[Fixed]] = {"path": [], "query": [], "body": []}
        headers: dict[int, list[Fixed]] = {}
        for rule, table in zip(self._rules, self._tables, strict=True):
            found = spans_in(rule, request) if rule.never or table else None
            if found is None:
                continue
            for side, spans in (("path", found.path), ("query", found.query), ("body", found.body)):
                json = side == "body" and rule.use is not None and rule.use.kind == "json"
                sides[side] += (_fixed(rule, table, texts[side], span, before, json=json) for span in spans)
            for number, spans in found.headers.items():
                text = request.headers[number][1].decode("latin-1")
                headers.setdefault(number, []).extend(_fixed(rule, table, text, span, before) for span in spans)
        told = {number: _settled(fixed) for number, fixed in headers.items()}
        said = Decided(_settled(sides["path"]), _settled(sides["query"]), told, _settled(sides["body"]))
        return said if said.path or said.query or said.body or any(told.values()) else None

    # -- what vanished --------------------------------------------------------------------------------------------

    def lost(self, request: Request, recorded: Response, live: Response | None) -> Iterator[Key]:
        """What rules name in a recorded answer and the live one does not show."""
        for rule in self._rules:
            if rule.never or rule.source is None or rule.source.concerns(request) is None:
                continue
            new = values_at(rule.source, live) if live is not None else {}
            for at, value in values_at(rule.source, recorded).items():
                if at not in new:
                    yield value, f"[[chain]] {rule.name}"

    def brought(self, request: Request, body: bytes) -> Iterator[Key]:
        """What rules name in a request; ``body`` has its content coding off."""
        path, _, query = request.target.partition(b"?")
        for rule in self._rules:
            found = None if rule.never else spans_in(rule, request)
            if found is None:
                continue
            for raw, spans in ((path, found.path), (query, found.query), (body, found.body)):
                for start, end in spans:
                    yield raw.decode("latin-1")[start:end].strip('"'), f"[[chain]] {rule.name}"
            for number, spans in found.headers.items():
                for start, end in spans:
                    yield request.headers[number][1].decode("latin-1")[start:end], f"[[chain]] {rule.name}"

    def knows(self, key: Key) -> bool:
        """Whether a rule has seen what stands for a value."""
        value, label = key
        return any(
            f"[[chain]] {rule.name}" == label and table.apply(value, None) is not None
            for rule, table in zip(self._rules, self._tables, strict=True)
        )

    def forbids(self, request: Request) -> bool:
        """Whether a rule says that something in ``request`` is to be sent as recorded."""
        return any(rule.never and rule.use is not None and rule.use.concerns(request) for rule in self._rules)


class _Values:
    """The values one rule has seen: exact ones, and for texts around them a table."""

    def __init__(self) -> None:
        self._exact: OrderedDict[str, tuple[Replacement, ...]] = OrderedDict()
        self._inside = Substitution()

    def __bool__(self) -> bool:
        return bool(self._exact)

    def add(self, value: str, replacement: Replacement) -> None:
        known = [one for one in self._exact.pop(value, ()) if one.order != replacement.order]
        self._exact[value] = tuple(sorted((*known, replacement), key=lambda one: one.order))[-8:]
        self._inside.add(value, replacement.text, replacement.origin, replacement.order)
        if len(self._exact) > LIMIT:
            self._inside.remove(self._exact.popitem(last=False)[0])

    def apply(self, text: str, before: int | None) -> tuple[str, str] | None:
        """What stands for ``text`` and why; None when nothing in it is known."""
        whole = self._exact.get(text)
        if whole is not None:
            chosen, origin = choice(whole, before)
            return chosen.text, origin
        fresh, origins = self._inside.apply(text, before)
        return (fresh, origins[0]) if origins else None


def _fixed(rule: ChainRule, table: _Values, text: str, span: Span, before: int | None, *, json: bool = False) -> Fixed:
    if rule.never:
        return Fixed(span)
    literal = text[slice(*span)]
    quoted = json and literal.startswith('"')
    told = table.apply(literal[1:-1] if quoted else literal, before)
    if told is None:
        return Fixed((span[0], span[0]))  # nothing of the rule's: inference may speak
    fresh, origin = told
    if quoted or (json and not _is_literal(fresh)):
        fresh = jsonspans.quoted(fresh, '""')
    return Fixed(span, fresh, origin)


def _is_literal(text: str) -> bool:
    try:
        return len(list(jsonspans.scalars(text))) == 1
    except ValueError:
        return False


def _settled(fixed: Sequence[Fixed]) -> tuple[Fixed, ...]:
    """In order, without empty ones; of two that overlap the one that forbids, then the rule that stands first."""
    kept: list[Fixed] = []
    for one in sorted((one for one in fixed if one.span[0] < one.span[1]), key=lambda one: one.text is not None):
        if all(one.span[1] <= other.span[0] or other.span[1] <= one.span[0] for other in kept):
            kept.append(one)
    return tuple(sorted(kept, key=lambda one: one.span))
