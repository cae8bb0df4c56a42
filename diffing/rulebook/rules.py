"""The user's rules: what must hold at a place instead of equality, with the reason and an expiry.

In ``retape.toml`` or ``retape.rules.toml``, reviewed like code::

    [[rules]]
    id = "order-status-races"
    endpoint = "GET /orders/{id}"        # a glob over "METHOD /template"; left out: everywhere
    location = "$.status"                # or "header x-cache", "cookie sid", "response.status",
    expect = "one-of"                    #    "outbound payments POST /charges request.body $.amount"
    values = ["pending", "paid"]
    reason = "the worker may be faster than the client"
    author = "dana"
    evidence = "38 of 240 replays differed"   # written by tools
    created = 2026-11-20
    expires = 2027-01-31

What a matcher takes beside ``expect`` (``values``, ``format``, ``min`` …) stands in ``rulebook.demands``. A rule whose
day has passed no longer applies, and the result says so. A misspelt key is refused: a rule that silently never fires is
worse than none (a defect of several peers).
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from fnmatch import fnmatchcase
from typing import Any

from captures.config import check_keys
from captures.errors import ConfigError
from captures.jsonpaths import JsonPath, compile_path
from diffing.model import ABSENT
from diffing.rulebook.breadth import refuse_holes
from diffing.rulebook.demands import PARAMETERS, Document, implied
from diffing.rulebook.matchers import Matcher, compile_matcher, of_text
from diffing.rulebook.ruletree import RuleState, tree

_PARTS = (
    *("header", "cookie", "trailer", "outbound", "response.header", "response.cookie", "response.trailer"),
    *("response.body", "response.status", "response.reason"),
)

REMEMBERED = 10_000
"""Endpoints and parts whose rules are remembered."""

KEYS = ("id", "endpoint", "location", "expect", *PARAMETERS, "reason", "author", "evidence", "created", "expires")


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule, compiled. ``part`` is the location without its JSON path: ``response.body``."""

    id: str
    endpoint: str  # glob; "*" for every endpoint
    location: str  # as written
    part: str  # glob, lower case for headers
    path: JsonPath | None
    matcher: Matcher
    reason: str = ""
    expires: date | None = None
    author: str = ""
    evidence: str = ""
    created: date | None = None
    params: Mapping[str, Any] = field(default_factory=dict, hash=False)  # as written: values, tolerance, format …

    def complaint(self, recorded: Any, replayed: Any, document: Document | None = None) -> str | None:
        """None when ``replayed`` satisfies the rule, else one sentence without the value.

        ``document``: the replayed body it stands in, for relations to other places of it.
        """
        return self.matcher.complaint(recorded, replayed, document, self.path)

    def broken(self, recorded: Any, replayed: Any) -> str:
        """Empty when ``replayed`` satisfies the rule, else the sentence with its id. Absence satisfies ``optional``."""
        if replayed is ABSENT:
            complaint = None if self.matcher.optional else "the rule expects it to be there"
        else:
            complaint = self.matcher.complaint("" if recorded is ABSENT else recorded, replayed)
        return f"{complaint} ({self.id})" if complaint else ""

    def applies_to(self, endpoint: str) -> bool:
        """Whether the endpoint is one of the rule's."""
        return self.endpoint == "*" or endpoint == self.endpoint or fnmatchcase(endpoint, self.endpoint)


@dataclass(frozen=True, slots=True)
class RuleBook:
    """The rules that apply (to one endpoint, once narrowed), first match wins. Narrowing is remembered."""

    rules: tuple[Rule, ...] = ()
    _endpoints: dict[str, RuleBook] = field(default_factory=dict, compare=False, repr=False)
    _parts: dict[str, tuple[Rule, ...]] = field(default_factory=dict, compare=False, repr=False)
    _trees: dict[str, RuleState[Rule] | None] = field(default_factory=dict, compare=False, repr=False)

    def for_endpoint(self, endpoint: str) -> RuleBook:
        """Those of ``endpoint``."""
        if not self.rules:
            return self
        known = self._endpoints.get(endpoint)
        if known is None:
            known = RuleBook(tuple(rule for rule in self.rules if rule.applies_to(endpoint)))
            if len(self._endpoints) < REMEMBERED:
                self._endpoints[endpoint] = known
        return known

    def for_part(self, part: str) -> tuple[Rule, ...]:
        """Those about ``part``, such as ``response.body`` or ``response.header x-cache``."""
        if not self.rules:
            return ()
        known = self._parts.get(part)
        if known is None:
            known = tuple(rule for rule in self.rules if rule.part == part or fnmatchcase(part, rule.part))
            if len(self._parts) < REMEMBERED:
                self._parts[part] = known
        return known

    def tree(self, part: str) -> RuleState[Rule] | None:
        """The rules about ``part`` as one tree over the steps of their JSON paths; None when there are none."""
        if not self.rules:
            return None
        if part not in self._trees:
            rules = self.for_part(part)
            paths = [(rule, rule.path.steps if rule.path is not None else ()) for rule in rules]
            state = tree(paths) if paths else None
            if len(self._trees) >= REMEMBERED:
                return state
            self._trees[part] = state
        return self._trees[part]


def parse_rules(entries: Iterable[Mapping[str, Any]], where: str = "rules") -> tuple[Rule, ...]:
    """The rules of ``[[rules]]`` entries. Raises :class:`ConfigError` naming the entry, the key and a suggestion."""
    rules: list[Rule] = []
    seen: set[str] = set()
    for number, entry in enumerate(entries, 1):
        name = str(entry.get("id") or f"rule {number}")
        here = f'{where} [[rules]] "{name}"'
        check_keys(entry, KEYS, here)
        rule = _rule(entry, name, here)
        if rule.id in seen:
            raise ConfigError(f"{here}: the id is given twice.", hint="Reports name rules by id: make them different.")
        if rule.id.startswith(("builtin.", "volatile.")):
            raise ConfigError(f"{here}: ids beginning with builtin. or volatile. are taken.", hint="Choose another id.")
        seen.add(rule.id)
        rules.append(rule)
    return tuple(rules)


def current(rules: Iterable[Rule], today: date) -> tuple[RuleBook, tuple[str, ...]]:
    """The rules that still apply on ``today``, and one sentence for each that has expired."""
    kept: list[Rule] = []
    expired: list[str] = []
    for rule in rules:
        if rule.expires is not None and rule.expires < today:
            expired.append(f'Rule "{rule.id}" expired on {rule.expires} and was not applied.')
        else:
            kept.append(rule)
    return RuleBook(tuple(kept)), tuple(expired)


def _rule(entry: Mapping[str, Any], name: str, here: str) -> Rule:
    for key in ("id", "endpoint", "location", "expect", "reason", "author", "evidence"):
        if key in entry and not isinstance(entry[key], str):
            raise ConfigError(f"{here}: {key} must be a string.")
    location = entry.get("location")
    if not location:
        raise ConfigError(f"{here}: location is missing.", hint='Say where: location = "$.created_at"')
    params = {key: entry[key] for key in PARAMETERS if key in entry}
    word = entry.get("expect") or implied(params)
    if not word:
        raise ConfigError(f"{here}: expect is missing.", hint='Say what must hold: expect = "timestamp"')
    part, path = parse_location(location, here)
    matcher = compile_matcher(word, params, here)
    in_body = path is not None and part.endswith(".body")
    if matcher.unordered and not in_body:
        raise ConfigError(
            f'{here}: expect = "unordered" goes with an array of a body, not with {location!r}.',
            hint='Name the array itself: location = "$.items"',
        )
    if matcher.relations and not in_body:
        raise ConfigError(
            f"{here}: after and before compare places of one JSON body, and {location!r} is none.",
            hint='Name the place in the body: location = "$.updated_at"',
        )
    if not in_body:
        matcher = of_text(matcher)
    endpoint = str(entry.get("endpoint", "*"))
    if not set(endpoint) & set("/*?("):
        raise ConfigError(
            f"{here}: endpoint = {endpoint!r} names no path, so no endpoint is meant.",
            hint='Like: endpoint = "GET /orders/{id}"; leave it out for every endpoint.',
        )
    refuse_holes(endpoint, location, part, path, word, params, here)
    return Rule(
        id=name,
        endpoint=endpoint,
        location=location,
        part=part,
        path=path,
        matcher=matcher,
        reason=str(entry.get("reason", "")),
        expires=_day(entry.get("expires"), "expires", here),
        author=str(entry.get("author", "")),
        evidence=str(entry.get("evidence", "")),
        created=_day(entry.get("created"), "created", here),
        params=params,
    )


def parse_location(text: str, here: str) -> tuple[str, JsonPath | None]:
    """(part, JSON path) of a location as people write it. Raises :class:`ConfigError` naming ``here``."""
    part, dollar, rest = text.partition("$")
    part = part.strip() or "response.body"
    words = part.split()
    if words[0] in ("header", "cookie", "trailer"):
        part = f"response.{part}"
        words = part.split()
    if words[0] in ("response.header", "response.trailer") and len(words) == 2:
        part = part.lower()
    elif words[0] == "response.cookie" and len(words) == 2:
        pass
    elif not (part in ("response.body", "response.status", "response.reason") or words[0] == "outbound"):
        close = difflib.get_close_matches(words[0], _PARTS, n=1, cutoff=0.6)
        guess = f' Did you mean "{" ".join((close[0], *words[1:]))}"?' if close else ""
        raise ConfigError(
            f"{here}: location {text!r} names no place.{guess}",
            hint='Write "$.items[*].price", "header etag", "cookie sid", "response.status" or "outbound …".',
        )
    if dollar and not part.endswith("body"):
        raise ConfigError(
            f"{here}: location {text!r} has a JSON path where there is no body.",
            hint='A path goes with a body: "$.a" or "outbound payments POST /charges request.body $.a".',
        )
    try:
        return part, compile_path(dollar + rest) if dollar else None
    except ConfigError as error:
        raise ConfigError(f"{here}: {error.message}", hint=error.hint) from error


def _day(value: Any, key: str, here: str) -> date | None:
    if value is None:
        return None
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    try:
        return date.fromisoformat(str(value))
    except ValueError as error:
        raise ConfigError(f"{here}: {key} = {value!r} is no date.", hint=f"Write {key} = 2027-01-31") from error
