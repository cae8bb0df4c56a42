"""What a user's rule demands of a value in place of equality. A matcher is never a hole: presence is demanded of every
one (a field that is gone stays a finding), and all but ``any`` demand the type and the form.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from captures.errors import ConfigError
from diffing import moments
from diffing.flatten import flatten, same
from diffing.volatile import Family, shape_of

WORDS = {
    "uuid": "a UUID of any version",
    "timestamp": "a moment: ISO 8601, RFC 9110 date, or an epoch number",
    "date": "a calendar date",
    "integer": "a whole number",
    "number": "any number (with `tolerance`: near the recorded one)",
    "string": "any string",
    "boolean": "true or false",
    "id": "something that looks like an identifier",
    "opaque": "one unbroken, non-empty token",
    "type": "the same JSON type as recorded",
    "any": "anything that is there",
    "optional": "nothing, or the same JSON type as recorded",
    "unordered": "an array of the same items in any order",
    "regex:PATTERN": "a string that the pattern matches as a whole",
    "one-of": "one of the rule's `values`",
}


@dataclass(frozen=True, slots=True)
class Matcher:
    """A compiled matcher word."""

    word: str
    check: Callable[[Any, Any], bool]  # (recorded, replayed) -> satisfied
    optional: bool = False  # absence satisfies it as well
    unordered: bool = False  # the walk of a JSON body compares the items as ever and only lets their order differ

    def complaint(self, recorded: Any, replayed: Any) -> str | None:
        """None when ``replayed`` satisfies it, else one sentence without the value."""
        return None if self.check(recorded, replayed) else f"the rule expects {self.word}"


def compile_matcher(word: str, values: tuple[Any, ...], tolerance: object, where: str) -> Matcher:
    """The matcher written as ``word``. Raises :class:`ConfigError` naming ``where``."""
    if tolerance is not None:
        if word not in ("number", "integer"):
            raise ConfigError(f'{where}: tolerance only goes with expect = "number".')
        return Matcher(f"{word} within {tolerance}", _near(tolerance, where))
    if word.startswith("regex:"):
        try:
            pattern = re.compile(word[6:], re.DOTALL)
        except re.error as error:
            raise ConfigError(f"{where}: {word!r} is no regular expression: {error}.") from error
        return Matcher(word, lambda _, value: isinstance(value, str) and pattern.fullmatch(value) is not None)
    if word == "one-of":
        if not values:
            raise ConfigError(f'{where}: expect = "one-of" needs values = [...].')
        allowed = frozenset(_plain(value) for value in values)
        return Matcher(f"one of {len(values)} values", lambda _, value: _plain(value) in allowed)
    check = _CHECKS.get(word)
    if check is None:
        known = ", ".join(WORDS)
        raise ConfigError(f"{where}: expect = {word!r} is no matcher.", hint=f"Known are: {known}.")
    return Matcher(word, check, optional=word == "optional", unordered=word == "unordered")


def json_type(value: Any) -> str:
    """``null``, ``boolean``, ``integer``, ``number`` (with a fraction), ``string``, ``array`` or ``object``."""
    if value is None:
        return "null"
    kind = type(value)
    if kind is str:
        return "string"
    if kind is bool:
        return "boolean"
    if kind is int:
        return "integer"
    if kind is dict:
        return "object"
    if kind is list:
        return "array"
    return "number"


def broad_type(value: Any) -> str:
    """Like :func:`json_type` with one type for all numbers, as JSON has it."""
    kind = json_type(value)
    return "number" if kind == "integer" else kind


def _plain(value: Any) -> str:
    return f"{broad_type(value)}:{value}"


def _near(tolerance: object, where: str) -> Callable[[Any, Any], bool]:
    text = str(tolerance).strip()
    try:
        bound = Decimal(text.removesuffix("%"))
    except InvalidOperation as error:
        raise ConfigError(f'{where}: tolerance = {text!r} is neither a number nor a percentage like "1%".') from error
    relative = text.endswith("%")

    def check(recorded: Any, replayed: Any) -> bool:
        if broad_type(recorded) != "number" or broad_type(replayed) != "number":
            return False
        # Through text: Decimal arithmetic on the lossless Number would keep its strict comparison.
        old, new = Decimal(str(recorded)), Decimal(str(replayed))
        allowed = abs(old) * bound / 100 if relative else bound
        return abs(old - new) <= allowed

    return check


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


def _is_kind(kind: str) -> Callable[[Any, Any], bool]:
    def check(_: Any, value: Any) -> bool:
        shape = shape_of(value) if isinstance(value, str) else None
        return shape is not None and shape.kind == kind

    return check


_CHECKS: dict[str, Callable[[Any, Any], bool]] = {
    "uuid": _is_kind("uuid"),
    "date": _is_kind("date"),
    "timestamp": _is_moment,
    "integer": lambda _, value: json_type(value) == "integer",
    "number": lambda _, value: broad_type(value) == "number",
    "string": lambda _, value: isinstance(value, str),
    "boolean": lambda _, value: isinstance(value, bool),
    "id": _is_id,
    "opaque": lambda _, value: isinstance(value, str) and value != "" and not any(c.isspace() for c in value),
    "type": lambda recorded, replayed: broad_type(recorded) == broad_type(replayed),
    "optional": lambda recorded, replayed: broad_type(recorded) == broad_type(replayed),
    "any": lambda _, __: True,
    "unordered": _same_items,
}
