"""What a user's rule demands of a value in place of equality. A matcher is never a hole: presence is demanded of every
one (a field that is gone stays a finding), and all but ``any`` demand the type and the form.
"""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from captures.errors import ConfigError
from captures.jsonpaths import JsonPath
from diffing.rulebook.demands import Check, Demand, Document, Relation, compile_demands
from diffing.rulebook.forms import digest_form, is_opaque, same_shape, same_url
from diffing.rulebook.patterns import UnsafePattern, safe_pattern
from diffing.values import moments
from diffing.values.volatile import Family, shape_of
from diffing.walk.flatten import flatten, same
from diffing.walk.jsontypes import broad_type, json_type

__all__ = ["WORDS", "Matcher", "broad_type", "compile_matcher", "json_type"]

WORDS = {
    "uuid": "a UUID of any version (with `format`: v4, v7, lower, upper)",
    "ulid": "a ULID",
    "timestamp": "a moment: ISO 8601, RFC 9110 date, or an epoch number (with `format`: rfc3339 ms Z)",
    "date": "a calendar date",
    "integer": "a whole number (with `min`, `max`)",
    "number": "any number (with `tolerance`: near the recorded one; with `min`, `max`)",
    "string": "any string (with `prefix`, `length`)",
    "boolean": "true or false",
    "id": "something that looks like an identifier",
    "opaque": "one unbroken, non-empty token",
    "digest": "a hash in hex or base64 (with `format`: md5, sha1, sha256, sha512, hex, base64)",
    "jwt": "a JSON Web Token with the recorded algorithm and claims",
    "url": "a URL with the recorded host, path and query names; ids in the path may differ",
    "equal": "the recorded value, whatever a built-in rule would accept",
    "type": "the same JSON type as recorded",
    "same-shape": "the same members and types all the way down, and strings of the same form",
    "any": "anything that is there",
    "optional": "nothing, or the same JSON type as recorded",
    "unordered": "an array of the same items in any order",
    "regex:PATTERN": "a string that the pattern matches as a whole; a pattern that may never end is refused",
    "one-of": "one of the rule's `values`",
    "any-of": "one of the rule's `types`: null, array, object, or a word of this table that needs nothing beside it",
}


_NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?")
_DIGITS = 300  # of a number written out


@dataclass(frozen=True, slots=True)
class Matcher:
    """A compiled matcher word with what else is demanded."""

    word: str
    check: Check  # (recorded, replayed) -> satisfied
    optional: bool = False  # absence satisfies it as well
    unordered: bool = False  # the walk of a JSON body compares the items as ever and only lets their order differ
    demands: tuple[Demand, ...] = ()
    relations: tuple[Relation, ...] = ()
    either: tuple[Matcher, ...] = ()  # of ``any-of``: one of these has to be satisfied

    def complaint(
        self, recorded: Any, replayed: Any, document: Document | None = None, path: JsonPath | None = None
    ) -> str | None:
        """None when ``replayed`` satisfies it, else one sentence without the value."""
        if not self.check(recorded, replayed):
            return f"the rule expects {self.word}"
        for demand in self.demands:
            if not demand.check(recorded, replayed):
                return f"the rule expects {demand.text}"
        if document is not None and path is not None:
            for relation in self.relations:
                if document.breaks(relation, path, replayed):
                    return f"the rule expects it {relation.text}"
        return None

    def said(self) -> str:
        """All that it demands, in words: ``timestamp, rfc3339 ms Z, after $.created_at``."""
        further = (*(demand.text for demand in self.demands), *(relation.text for relation in self.relations))
        return ", ".join((self.word, *further))


def compile_matcher(word: str, params: Mapping[str, Any], where: str) -> Matcher:
    """The matcher written as ``word`` with its parameters. Raises :class:`ConfigError` naming ``where``."""
    demands, relations = compile_demands(word, params, where)
    if word.startswith("regex:"):
        return _of_pattern(word, where)
    if word == "one-of":
        values = params.get("values")
        if not isinstance(values, list) or not values:
            raise ConfigError(f'{where}: expect = "one-of" needs values = [...].')
        allowed = frozenset(_plain(value) for value in values)
        return Matcher(f"one of {len(values)} values", lambda _, value: _plain(value) in allowed)
    if word == "any-of":
        return _either(params.get("types"), where)
    check = _CHECKS.get(word)
    if check is None:
        close = difflib.get_close_matches(word, WORDS, n=1, cutoff=0.5)
        guess = f' Did you mean "{close[0]}"?' if close else ""
        raise ConfigError(f"{where}: expect = {word!r} is no matcher.{guess}", hint=f"Known are: {', '.join(WORDS)}.")
    return Matcher(
        word,
        check,
        optional=word == "optional",
        unordered=word == "unordered",
        demands=demands,
        relations=relations,
    )


def _either(types: object, where: str) -> Matcher:
    if not isinstance(types, list) or not types or not all(isinstance(one, str) for one in types):
        raise ConfigError(f'{where}: expect = "any-of" needs types = ["null", "integer"].')
    matchers = []
    for one in types:
        if one in _NO_TYPES:
            raise ConfigError(f"{where}: {one!r} is none of types: it says nothing of the value alone.")
        plain = _PLAIN_TYPES.get(one)
        matchers.append(Matcher(one, plain) if plain is not None else compile_matcher(one, {}, where))
    return _one_of(tuple(matchers))


def _one_of(matchers: tuple[Matcher, ...]) -> Matcher:
    return Matcher(
        f"any of {', '.join(matcher.word for matcher in matchers)}",
        lambda recorded, replayed: any(matcher.complaint(recorded, replayed) is None for matcher in matchers),
        either=matchers,
    )


def of_text(matcher: Matcher) -> Matcher:
    """``matcher`` for places whose values are always text, such as headers: a number there is one written out."""
    if matcher.either:
        return _one_of(tuple(of_text(one) for one in matcher.either))
    if matcher.word not in ("integer", "number"):
        return matcher

    def reading(check: Check) -> Check:
        return lambda recorded, replayed: check(_written_number(recorded), _written_number(replayed))

    demands = tuple(replace(demand, check=reading(demand.check)) for demand in matcher.demands)
    return replace(matcher, check=reading(matcher.check), demands=demands)


def _written_number(value: Any) -> Any:
    if not isinstance(value, str) or len(value) > _DIGITS or not _NUMBER.fullmatch(value):
        return value
    return Decimal(value) if "." in value else int(value)


def _of_pattern(word: str, where: str) -> Matcher:
    try:
        pattern = safe_pattern(word.removeprefix("regex:"))
    except re.error as error:
        raise ConfigError(f"{where}: {word!r} is no regular expression: {error}.") from error
    except UnsafePattern as error:
        hint = "What repeats inside a repetition needs a sign that only begins or ends it: ([a-z]+,)+ for ([a-z]+,?)+."
        raise ConfigError(f"{where}: {word!r} {error}.", hint=hint) from error
    if pattern.reach is None:
        return Matcher(word, lambda _, value: isinstance(value, str) and pattern.matches(value))
    short = f"a text of at most {pattern.reach:,} characters, for over more its pattern may take too long"
    return Matcher(
        word,
        lambda _, value: isinstance(value, str) and (not pattern.within(value) or pattern.matches(value)),
        demands=(Demand(short, lambda _, value: pattern.within(value)),),
    )


def _plain(value: Any) -> str:
    return f"{broad_type(value)}:{value}"


def _same_items(recorded: Any, replayed: Any) -> bool:
    if type(recorded) is not list or type(replayed) is not list:
        return same(recorded, replayed)
    return Counter(map(flatten, recorded)) == Counter(map(flatten, replayed))


def _is_moment(_: Any, value: Any) -> bool:
    if isinstance(value, str):
        return (moments.read(value) or moments.read_epoch_text(value)) is not None
    return broad_type(value) == "number" and moments.read_epoch(float(value)) is not None


def _is_id(_: Any, value: Any) -> bool:
    if json_type(value) == "integer":
        return True
    shape = shape_of(value) if isinstance(value, str) else None
    return shape is not None and shape.family is not Family.MOMENT


def _is_kind(kind: str) -> Check:
    def check(_: Any, value: Any) -> bool:
        shape = shape_of(value) if isinstance(value, str) else None
        return shape is not None and shape.kind == kind

    return check


def _same_jwt(recorded: Any, replayed: Any) -> bool:
    new = shape_of(replayed) if isinstance(replayed, str) else None
    if new is None or new.kind != "jwt":
        return False
    old = shape_of(recorded) if isinstance(recorded, str) else None
    return old is None or old.kind != "jwt" or old.facets == new.facets


_NO_TYPES = frozenset({"equal", "type", "same-shape", "any", "optional", "unordered", "one-of", "any-of"})
_PLAIN_TYPES: dict[str, Check] = {
    "null": lambda _, value: value is None,
    "array": lambda _, value: type(value) is list,
    "object": lambda _, value: type(value) is dict,
}
_CHECKS: dict[str, Check] = {
    "uuid": _is_kind("uuid"),
    "date": _is_kind("date"),
    "timestamp": _is_moment,
    "integer": lambda _, value: json_type(value) == "integer",
    "number": lambda _, value: broad_type(value) == "number",
    "string": lambda _, value: isinstance(value, str),
    "boolean": lambda _, value: isinstance(value, bool),
    "id": _is_id,
    "opaque": lambda _, value: isinstance(value, str) and is_opaque(value),
    "type": lambda recorded, replayed: broad_type(recorded) == broad_type(replayed),
    "optional": lambda recorded, replayed: broad_type(recorded) == broad_type(replayed),
    "any": lambda _, __: True,
    "unordered": _same_items,
    "equal": same,
    "ulid": _is_kind("ulid"),
    "digest": lambda _, value: digest_form(value) is not None,
    "jwt": _same_jwt,
    "url": same_url,
    "same-shape": same_shape,
}
