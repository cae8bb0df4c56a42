"""Matchers in plain words: ``«uuid»``, ``«timestamp iso8601 as created»``, ``«the order»``. Pure.

A string of a pin is a sequence of literal text and *slots*. A slot is a matcher (what must hold there, perhaps with a
name) or a reference to a named value. ``««`` is a literal ``«``; a ``»`` outside a slot is itself. The grammar::

    slot      = "«" ( reference | matcher ) "»"
    reference = "the " name
    matcher   = kind [ " as " name ]
    kind      = one of KINDS | "regex /" pattern "/"
    name      = letter { letter | digit | "_" | "-" | "." }

A pattern that some text would keep busy for ever is refused. It cannot hold ``»`` (write ``\\u00bb``). A kind says the
JSON type as well: a whole value ``«integer»`` is a number; inside a longer string a slot stands for its text.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Any

from diffing.rulebook.patterns import Pattern, UnsafePattern, safe_pattern

OPEN, CLOSE = "«", "»"

MOST_SLOTS = 24
"""In one string (of a text: in one line). To try where each of many begins and ends takes for ever."""

_NAME = r"[A-Za-z][A-Za-z0-9_.-]*"
_REFERENCE = re.compile(rf"the ({_NAME})\Z")
_NAMED = re.compile(rf"(.*) as ({_NAME})\Z", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of matcher: its JSON type, the pattern its text must have, and a value of that shape."""

    type: str  # "string", "number", "any"
    pattern: str
    sample: str
    meaning: str


_DATE = r"\d{4}-\d{2}-\d{2}"
_CLOCK = r"\d{2}:\d{2}(?::\d{2}(?:[.,]\d{1,9})?)?"
_ZONE = r"(?:Z|[+-]\d{2}:?\d{2})"
_RFC1123 = r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} (?:GMT|UTC|[+-]\d{4})"
_UUID = r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}"

KINDS: Mapping[str, Kind] = {
    "uuid": Kind("string", _UUID, "00000000-0000-4000-8000-000000000000", "a UUID with dashes (RFC 9562)"),
    "ulid": Kind("string", r"[0-7][0-9A-HJKMNP-TV-Z]{25}", "01ARZ3NDEKTSV4RRFFQ69G5FAV", "a ULID"),
    "hex": Kind("string", r"[0-9a-fA-F]+", "00000000", "hexadecimal digits"),
    "timestamp iso8601": Kind(
        "string", rf"{_DATE}[T ]{_CLOCK} ?{_ZONE}", "2000-01-01T00:00:00Z", "a date and time with its zone (ISO 8601)"
    ),
    "timestamp iso8601 without zone": Kind(
        "string", rf"{_DATE}[T ]{_CLOCK}", "2000-01-01T00:00:00", "a date and time that says no zone (ISO 8601)"
    ),
    "date iso8601": Kind("string", _DATE, "2000-01-01", "a date (ISO 8601)"),
    "timestamp http": Kind("string", _RFC1123, "Sat, 01 Jan 2000 00:00:00 GMT", "a date and time as in HTTP headers"),
    "timestamp unix": Kind("number", r"\d{9,10}(?:\.\d+)?", "946684800", "seconds since 1970"),
    "timestamp unix ms": Kind("number", r"\d{12,13}(?:\.\d+)?", "946684800000", "milliseconds since 1970"),
    "jwt": Kind("string", r"[\w-]+\.[\w-]+\.[\w-]*", "eyJhbGciOiJub25lIn0.e30.", "a JSON Web Token"),
    "token": Kind("string", r"[A-Za-z0-9_.~+/=-]+", "token", "letters, digits and -._~+/= without blanks"),
    "digits": Kind("string", r"\d+", "0", "digits, as a string"),
    "integer": Kind("number", r"-?\d+", "0", "a number without a fraction"),
    "number": Kind("number", r"-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?", "0", "any number"),
    "string": Kind("string", r".*", "string", "any string"),
    "any": Kind("any", r".*", "any", "anything at all, null too, as long as it is there"),
}


@dataclass(frozen=True, slots=True)
class Slot:
    """A matcher, or (``kind`` empty) a reference to ``name``."""

    kind: str
    name: str = ""
    pattern: str = ""  # of kind "regex"

    def __str__(self) -> str:
        if not self.kind:
            return f"{OPEN}the {self.name}{CLOSE}"
        words = f"regex /{self.pattern}/" if self.kind == "regex" else self.kind
        return f"{OPEN}{words}{f' as {self.name}' if self.name else ''}{CLOSE}"

    @property
    def regex(self) -> str:
        """The pattern a value's text must match in full."""
        return self.pattern if self.kind == "regex" else KINDS[self.kind].pattern

    @property
    def meaning(self) -> str:
        """What it asserts, for people."""
        return f"text matching /{self.pattern}/" if self.kind == "regex" else KINDS[self.kind].meaning

    def holds(self, value: Any) -> bool:
        """Whether the JSON value ``value`` is of this kind (names apart)."""
        if self.kind == "any":
            return True
        if isinstance(value, bool) or value is None or isinstance(value, list | dict):
            return False
        number = isinstance(value, int | Decimal)
        wanted = "string" if self.kind == "regex" else KINDS[self.kind].type
        if number != (wanted == "number"):
            return False
        if self.kind == "regex":
            return _own(self.pattern).matches(value)
        return re.fullmatch(self.regex, _plain_number(value) if number else value, re.DOTALL) is not None


Parts = tuple[str | Slot, ...]


def parse(text: str) -> Parts:
    """Literal pieces and slots of ``text``, in order. Raises ``ValueError`` with one sentence for a bad slot."""
    parts: list[str | Slot] = []
    literal = ""
    position = 0
    while (start := text.find(OPEN, position)) >= 0:
        literal += text[position:start]
        if text.startswith(OPEN, start + 1):
            literal += OPEN
            position = start + 2
            continue
        end = text.find(CLOSE, start)
        if end < 0:
            raise ValueError(f"{text[start : start + 40]!r} has no closing {CLOSE}; a plain « is written ««")
        if literal:
            parts.append(literal)
            literal = ""
        parts.append(_slot(text[start + 1 : end]))
        position = end + 1
    literal += text[position:]
    if literal or not parts:
        parts.append(literal)
    if len(parts) > MOST_SLOTS and _crowded(text):
        raise ValueError(f"there are more than {MOST_SLOTS} matchers in one line")
    return tuple(parts)


def _crowded(text: str) -> bool:
    return any(line.replace(OPEN + OPEN, "").count(OPEN) > MOST_SLOTS for line in text.split("\n"))


def escape(text: str) -> str:
    """``text`` as a literal in a pin."""
    return text.replace(OPEN, OPEN + OPEN)


def unescape(text: str) -> str:
    """The inverse, for a text without slots."""
    return text.replace(OPEN + OPEN, OPEN)


def has_slot(text: str) -> bool:
    """Whether :func:`parse` would find a slot."""
    return OPEN in text and OPEN in text.replace(OPEN + OPEN, "")


def whole(text: str) -> Slot | None:
    """The slot, when ``text`` is one slot and nothing else."""
    if not (text.startswith(OPEN) and text.endswith(CLOSE)):
        return None
    parts = parse(text)
    return parts[0] if len(parts) == 1 and isinstance(parts[0], Slot) else None


def as_regex(parts: Parts, text_of: Callable[[Slot], str | None]) -> tuple[re.Pattern[str], tuple[Slot, ...]]:
    """A pattern for a whole string, one group per slot that ``text_of`` has no text for, and those slots."""
    pattern = ""
    groups: list[Slot] = []
    for part in parts:
        if isinstance(part, str):
            pattern += re.escape(part)
            continue
        known = text_of(part)
        if known is not None:
            pattern += re.escape(known)
        else:
            pattern += f"(?P<slot{len(groups)}>{part.regex})"
            groups.append(part)
    return re.compile(pattern + r"\Z", re.DOTALL), tuple(groups)


def text_of(value: Any) -> str:
    """A bound value inside a longer string."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | Decimal):
        return str(value)
    return "" if value is None else str(value)


def _plain_number(value: Any) -> str:
    return str(value).replace("E", "e") if isinstance(value, Decimal) else str(value)


@lru_cache(maxsize=512)  # the slots of a pin are read again for each value
def _own(pattern: str) -> Pattern:
    return safe_pattern(pattern)


def _slot(words: str) -> Slot:
    reference = _REFERENCE.match(words)
    if reference:
        return Slot("", reference[1])
    name = ""
    named = _NAMED.match(words)
    if named:
        words, name = named[1], named[2]
    if words.startswith("regex /") and words.endswith("/") and len(words) > 7:
        pattern = words[7:-1]
        try:
            _own(pattern)
        except re.error as error:
            raise ValueError(f"the pattern of «{words}» is not a regular expression: {error}") from error
        except UnsafePattern as error:
            raise ValueError(f"the pattern of «{words}» {error}") from error
        return Slot("regex", name, pattern)
    if words not in KINDS:
        close = difflib.get_close_matches(words, KINDS, n=1, cutoff=0.5)
        guess = f" Did you mean «{close[0]}»?" if close else ""
        raise ValueError(f"there is no matcher «{words}».{guess} A plain « is written ««")
    return Slot(words, name)
