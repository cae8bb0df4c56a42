"""The user's rules: what must hold at a place instead of equality, with the reason and an expiry.

In ``retape.toml`` or ``retape.rules.toml``, reviewed like code::

    [[rules]]
    id = "order-status-races"
    endpoint = "GET /orders/{id}"        # a glob over "METHOD /template"; left out: everywhere
    location = "$.status"                # or "header x-cache", "cookie sid", "response.status",
    expect = "one-of"                    #    "outbound payments POST /charges request.body $.amount"
    values = ["pending", "paid"]
    reason = "the worker may be faster than the client"
    expires = 2027-01-31

A rule whose day has passed no longer applies, and the result says so. A misspelt key is refused: a rule that silently
never fires is worse than none (a defect of several peers).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from fnmatch import fnmatchcase
from typing import Any

from captures.config import check_keys
from captures.errors import ConfigError
from captures.jsonpaths import JsonPath, compile_path
from diffing.matchers import Matcher, compile_matcher

KEYS = ("id", "endpoint", "location", "expect", "values", "tolerance", "reason", "expires")


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

    def applies_to(self, endpoint: str) -> bool:
        """Whether the endpoint is one of the rule's."""
        return self.endpoint == "*" or endpoint == self.endpoint or fnmatchcase(endpoint, self.endpoint)


@dataclass(frozen=True, slots=True)
class RuleBook:
    """The rules that apply (to one endpoint, once narrowed), first match wins."""

    rules: tuple[Rule, ...] = ()

    def for_endpoint(self, endpoint: str) -> RuleBook:
        """Those of ``endpoint``."""
        if not self.rules:
            return self
        return RuleBook(tuple(rule for rule in self.rules if rule.applies_to(endpoint)))

    def for_part(self, part: str) -> tuple[Rule, ...]:
        """Those about ``part``, such as ``response.body`` or ``response.header x-cache``."""
        return tuple(rule for rule in self.rules if rule.part == part or fnmatchcase(part, rule.part))


def rule_at(rules: Sequence[Rule], place: tuple[str | int, ...]) -> Rule | None:
    """The first of ``rules`` (all of one part) whose JSON path names ``place``."""
    for rule in rules:
        if rule.path is None:
            if not place:
                return rule
        elif rule.path.matches(place):
            return rule
    return None


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
    for key in ("id", "endpoint", "location", "expect", "reason"):
        if key in entry and not isinstance(entry[key], str):
            raise ConfigError(f"{here}: {key} must be a string.")
    location = entry.get("location")
    if not location:
        raise ConfigError(f"{here}: location is missing.", hint='Say where: location = "$.created_at"')
    values = entry.get("values", [])
    if not isinstance(values, list):
        raise ConfigError(f"{here}: values must be a list.")
    word = entry.get("expect") or ("number" if "tolerance" in entry else "")
    if not word:
        raise ConfigError(f"{here}: expect is missing.", hint='Say what must hold: expect = "timestamp"')
    matcher = compile_matcher(word, tuple(values), entry.get("tolerance"), here)
    part, path = _location(location, here)
    if matcher.unordered and (path is None or not part.endswith(".body")):
        raise ConfigError(
            f'{here}: expect = "unordered" goes with an array of a body, not with {location!r}.',
            hint='Name the array itself: location = "$.items"',
        )
    return Rule(
        id=name,
        endpoint=str(entry.get("endpoint", "*")),
        location=location,
        part=part,
        path=path,
        matcher=matcher,
        reason=str(entry.get("reason", "")),
        expires=_day(entry.get("expires"), here),
    )


def _location(text: str, here: str) -> tuple[str, JsonPath | None]:
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
        raise ConfigError(
            f"{here}: location {text!r} names no place.",
            hint='Write "$.items[*].price", "header etag", "cookie sid", "response.status" or "outbound …".',
        )
    try:
        return part, compile_path(dollar + rest) if dollar else None
    except ConfigError as error:
        raise ConfigError(f"{here}: {error.message}", hint=error.hint) from error


def _day(value: Any, here: str) -> date | None:
    if value is None:
        return None
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    try:
        return date.fromisoformat(str(value))
    except ValueError as error:
        raise ConfigError(f"{here}: expires = {value!r} is no date.", hint="Write expires = 2027-01-31") from error
