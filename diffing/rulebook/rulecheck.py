"""Which places of a recording each rule names: a rule that names none looks after nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from captures.formats.decoding import JsonBody, decode, form_fields
from captures.model import Direction, Exchange, Headers, Response
from captures.routes.endpoints import Endpoints, dependency_of
from captures.store import Capture
from diffing.rulebook.rulelint import Remark, place
from diffing.rulebook.rules import Rule, RuleBook
from diffing.rulebook.ruletree import RuleState

_SILENT = frozenset({"any", "type", "optional", "array", "object"})
"""Matchers that say nothing of what stands inside an object or array."""


@dataclass(slots=True)
class Coverage:
    """What a recording has for each rule. Counted in one pass, an exchange at a time."""

    book: RuleBook
    endpoints: set[str] = field(default_factory=set)
    places: Counter[str] = field(default_factory=Counter)  # rule id -> places it is the first to name
    behind: Counter[str] = field(default_factory=Counter)  # rule id -> places an earlier rule names, too
    members: Counter[str] = field(default_factory=Counter)  # rule id -> values inside what it accepts as a whole

    def add(self, exchange: Exchange, endpoint: str, call: str = "") -> None:
        """Count one recorded exchange; ``call``: "payments POST /charges" for an outbound one."""
        if call:  # whose call it is, and so of which endpoint, a rule about calls seldom says
            where = f"outbound {call} request"
            query = form_fields(exchange.request.target.partition(b"?")[2])
            names = dict.fromkeys(f"{where}.query {name}" for name, _ in query)
            self._named(self.book, (f"outbound {call}", f"{where}.target", *names))
            self._message(self.book, where, exchange.request.body, exchange.request.headers)
            return
        self.endpoints.add(endpoint)
        book = self.book.for_endpoint(endpoint)
        if exchange.response is None or not book.rules:
            return
        self._named(book, ("response.status", "response.reason"))
        self._named(book, (f"response.cookie {name}" for name in _cookies(exchange.response)))
        trailers = {name.decode("latin-1").lower() for name, _ in exchange.response.trailers}
        self._named(book, (f"response.trailer {name}" for name in trailers))
        self._message(book, "response", exchange.response.body, exchange.response.headers)

    def remarks(self, rules: Sequence[Rule], today: date) -> Iterator[Remark]:
        """Rules whose endpoint or place the recording does not have, and those that accept whole objects unseen."""
        for rule in rules:
            if rule.expires is not None and rule.expires < today:
                continue
            here = [endpoint for endpoint in self.endpoints if rule.applies_to(endpoint)]
            if not here:
                close = _closest(rule.endpoint, self.endpoints)
                guess = f" Did you mean {close}?" if close else ""
                yield Remark(
                    "no-endpoint",
                    rule.id,
                    f'Rule "{rule.id}" never applies: no recorded endpoint is {rule.endpoint}.{guess}',
                )
            elif not self.places[rule.id] and not self.behind[rule.id]:
                yield Remark(
                    "no-place", rule.id, f'Rule "{rule.id}" names nothing: no recorded answer has {place(rule)}.'
                )
            elif self.members[rule.id]:
                yield Remark(
                    "wide",
                    rule.id,
                    f'Rule "{rule.id}" (expect {rule.matcher.word}) accepts {self.members[rule.id]:,} recorded values '
                    f'inside {place(rule)} unseen: name the fields, or use expect = "same-shape".',
                )

    def _message(self, book: RuleBook, where: str, body: bytes, headers: Headers) -> None:
        names = {name.decode("latin-1").lower() for name, _ in headers}
        self._named(book, (f"{where}.header {name}" for name in sorted(names)))
        if not body:
            return
        part = f"{where}.body"
        self._named(book, (part,))
        state = book.tree(part)
        decoded = decode(body, headers) if state is not None else None
        if isinstance(decoded, JsonBody):
            self._walk(decoded.value, state)

    def _named(self, book: RuleBook, parts: Iterable[str]) -> None:
        for part in parts:
            self._count([rule for rule in book.for_part(part) if rule.path is None], None)

    def _walk(self, document: Any, state: RuleState[Rule] | None) -> None:
        stack: list[tuple[Any, RuleState[Rule] | None]] = [(document, state)]
        while stack:
            value, at = stack.pop()
            if at is None:
                continue
            self._count([rule for rule in at.here if rule.path is not None], value)
            children = value.items() if type(value) is dict else enumerate(value) if type(value) is list else ()
            looking = at.on(value)
            stack.extend((child, looking.step(key)) for key, child in children)

    def _count(self, rules: Sequence[Rule], value: Any) -> None:
        for number, rule in enumerate(rules):
            if number:
                self.behind[rule.id] += 1
                continue
            self.places[rule.id] += 1
            words = {matcher.word for matcher in (rule.matcher, *rule.matcher.either)}
            if words & _SILENT and type(value) in (dict, list):
                self.members[rule.id] += _leaves(value)


def covered(capture: Capture, rules: Sequence[Rule], templates: Sequence[str] = ()) -> Coverage:
    """What ``capture`` has for ``rules``; ``templates`` are those of ``retape.toml``."""
    known = Endpoints.of(capture, templates)
    coverage = Coverage(RuleBook(tuple(rules)))
    outbound = any(rule.part.startswith("outbound") for rule in rules)
    for exchange in capture.exchanges(direction=None if outbound else Direction.INBOUND):
        endpoint = known.endpoint_of(exchange)
        inbound = exchange.direction is Direction.INBOUND
        coverage.add(exchange, endpoint, "" if inbound else f"{dependency_of(exchange)} {endpoint}")
    return coverage


def _cookies(response: Response) -> list[str]:
    lines = (value for name, value in response.headers if name.lower() == b"set-cookie")
    return [line.decode("latin-1").partition("=")[0].strip() for line in lines]


def _leaves(value: Any) -> int:
    count, stack = 0, [value]
    while stack:
        item = stack.pop()
        if type(item) is dict:
            stack.extend(item.values())
        elif type(item) is list:
            stack.extend(item)
        else:
            count += 1
    return count


def _closest(glob: str, endpoints: Iterable[str]) -> str:
    import difflib

    found = difflib.get_close_matches(glob, sorted(endpoints), n=1, cutoff=0.6)
    return f'"{found[0]}"' if found else ""
