"""Reading JSON paths: which part of RFC 9535 is accepted, and what is said, the place marked, about everything else.

Accepted are ``$``, ``.name``, ``['name']``, ``[n]``, ``[*]``, ``.*``, ``..``, slices counted from the front
(``[1:3]``, ``[::2]``) and plain filters (``[?@.kind == 'card']``, ``&&`` between conditions). What a library mis-parses
or silently matches wrongly is refused here before it sees it: a path that matches nothing is worse than an error.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from typing import Any

from captures.errors import ConfigError

SYNTAX = "Use $, .name, ['name'], [n], [*], .., [1:3] and [?@.kind == 'card'] only: $.items[*].price"
MOST = 2**53 - 1
"""The largest index (RFC 9535, 2.1: I-JSON)."""


class Any_(Enum):  # noqa: N801 - typing.Any is taken
    """Steps that stand for many."""

    CHILD = "*"
    DESCENDANTS = ".."  # this place and every place under it


@dataclass(frozen=True, slots=True)
class Slice:
    """Items ``start``, ``start + step``, … before ``stop``; counted from the front, so that no length is needed."""

    start: int
    stop: int | None
    step: int

    def holds(self, index: int) -> bool:
        """Whether the item at ``index`` is one of them."""
        return index >= self.start and (self.stop is None or index < self.stop) and not (index - self.start) % self.step


@dataclass(frozen=True, slots=True)
class Condition:
    """``@.name`` alone (it is there), or compared with a literal (RFC 9535, 2.3.5.2.2)."""

    place: tuple[str | int, ...]
    operator: str = ""
    literal: Any = None

    def holds(self, value: Any) -> bool:
        """Whether ``value`` satisfies it. Values of different types are unequal and in no order."""
        for step in self.place:
            within = isinstance(value, dict) if isinstance(step, str) else isinstance(value, list) and step < len(value)
            if not within or (isinstance(step, str) and step not in value):
                return self.operator == "!="
            value = value[step]
        if not self.operator:
            return True
        mine, theirs = _comparable(value), _comparable(self.literal)
        if self.operator in ("==", "!="):
            return (mine == theirs) == (self.operator == "==")
        if mine[0] != theirs[0]:
            return False
        if self.operator in ("<=", ">=") and mine == theirs:
            return True
        if mine[0] not in ("number", "string"):
            return False
        return bool(mine[1] < theirs[1] if self.operator[0] == "<" else mine[1] > theirs[1])


@dataclass(frozen=True, slots=True)
class Filter:
    """The children that satisfy every condition."""

    conditions: tuple[Condition, ...]

    def holds(self, value: Any) -> bool:
        """Whether the child ``value`` is one of them."""
        return all(condition.holds(value) for condition in self.conditions)


Step = str | int | Any_ | Slice | Filter

_NAME = re.compile(r"[A-Za-z_\u0080-\ud7ff\ue000-\U0010ffff][A-Za-z0-9_\u0080-\ud7ff\ue000-\U0010ffff]*")
_BLANK = re.compile(r"[ \t\r\n]*")
_INDEX = re.compile(r"-?(?:0|[1-9][0-9]*)")
_ANY_INDEX = re.compile(r"-?[0-9]+")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_OPERATOR = re.compile(r"==|!=|<=|>=|<|>")
_WORDS = {"true": True, "false": False, "null": None}
_CONTROLS = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}


def read(text: str) -> tuple[Step, ...]:
    """The steps of the path written as ``text``. Raises :class:`ConfigError` with the place marked."""
    return tuple(_Reader(text).steps())


def refusal(text: str, at: int, reason: str) -> ConfigError:
    """What is said about ``text``: the reason, and a caret under the character ``at`` (counted from 0)."""
    shown = "".join(character if character.isprintable() else "·" for character in text)
    column = sum(_width(character) for character in shown[:at])
    name = shown or "''"
    where = f"    {shown}\n    {' ' * column}^"
    return ConfigError(f"{name} is no JSON path Retape knows, at column {at + 1}: {reason}\n{where}", hint=SYNTAX)


class _Reader:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def steps(self) -> Iterator[Step]:
        text = self.text
        if not text.startswith("$"):
            why = "a path starts with $" if text.lstrip()[:1] != "$" else "blanks stand before the $"
            raise refusal(text, 0, f"{why}.")
        self.at = 1
        while self.at < len(text):
            if text.startswith("..", self.at):
                yield Any_.DESCENDANTS
                self.at += 2
                if self.at == len(text):
                    raise self.no("`..` says to look everywhere and not for what.")
                yield self.bracket() if self.peek() == "[" else self.dotted("..")
            elif self.peek() == ".":
                self.at += 1
                yield self.dotted(".")
            elif self.peek() == "[":
                yield self.bracket()
            elif self.peek().isspace():
                raise self.no("a blank stands between the steps; a name that has one is quoted: ['a b'].")
            else:
                raise self.no(_unexpected(self.peek()))

    def dotted(self, dots: str) -> Step:
        """What follows a dot."""
        here = self.peek()
        if here == "*":
            self.at += 1
            return Any_.CHILD
        match = _NAME.match(self.text, self.at)
        if match is None:
            reasons = {"": "a name is missing after the dot.", "[": "no dot stands before a bracket.",
                       ".": "there are too many dots."}  # fmt: skip
            digits = f"a name that begins with a digit is quoted: ['{here}…']; an item is [{here}]."
            raise self.no(reasons.get(here) or (digits if here.isdigit() else _unexpected(here, dots)))
        self.at = match.end()
        if self.peek() == "-":
            whole = re.compile(r"[\w-]+").match(self.text, match.start())
            raise self.no(f"a name with a dash is quoted: ['{whole[0] if whole else match[0]}'].")
        if self.peek() == "(":
            raise self.no("functions are not known.")
        return match[0]

    def bracket(self) -> Step:
        """``[...]`` with one selector in it."""
        self.at += 1
        self.blanks()
        here = self.peek()
        step: Step
        if here in ("'", '"'):
            step = self.quoted()
        elif here == "*":
            self.at += 1
            step = Any_.CHILD
        elif here == "?":
            self.at += 1
            step = self.filter()
        elif here and here in ":-0123456789":
            step = self.numbered()
        elif here == "]":
            raise self.no("the bracket is empty.")
        elif here == "":
            raise self.no("the bracket is not closed.")
        elif _NAME.match(here):
            raise self.no("a name in a bracket is quoted: ['name'].")
        else:
            raise self.no(_unexpected(here))
        self.blanks()
        if self.peek() == ",":
            raise self.no("one bracket has one selector: write a rule for each.")
        if self.peek() != "]":
            raise self.no("the bracket is not closed." if not self.peek() else _unexpected(self.peek()))
        self.at += 1
        return step

    def numbered(self) -> int | Slice:
        """``n`` or ``start:stop:step``."""
        parts: list[int | None] = []
        while True:
            parts.append(self.index() if self.peek() not in (":", "]", "") else None)
            self.blanks()
            if self.peek() != ":" or len(parts) == 3:
                break
            self.at += 1
            self.blanks()
        if len(parts) == 1:
            return parts[0] or 0
        start, stop, step = [*parts, None][:3]
        if step == 0:
            raise self.no("a slice with the step 0 has no items.")
        if stop is not None and stop <= (start or 0):
            raise self.no("this slice has no items.")
        return Slice(start or 0, stop, step or 1)

    def index(self) -> int:
        match = _INDEX.match(self.text, self.at)
        longest = _ANY_INDEX.match(self.text, self.at)
        if match is None or longest is None or longest.end() > match.end():
            raise self.no("an index is 0, 1, 2 … without leading zeros.")
        number = int(match[0])
        if match[0].startswith("-"):
            raise self.no(
                "items are counted from the front: the end of the recorded array is not that of the replayed one."
                if number
                else "-0 is no index."
            )
        if number > MOST:
            raise self.no("the index is beyond 2^53.")
        self.at = match.end()
        return number

    def filter(self) -> Filter:
        """``@.kind == 'card' && @.active``, in parentheses or not."""
        conditions: list[Condition] = []
        self.blanks()
        wrapped = self.peek() == "("
        if wrapped:
            self.at += 1
        while True:
            self.blanks()
            conditions.append(self.condition())
            self.blanks()
            if not self.text.startswith("&&", self.at):
                break
            self.at += 2
        if self.text.startswith("||", self.at):
            raise self.no("`or` is not known: write a rule for each.")
        if wrapped:
            if self.peek() != ")":
                raise self.no(
                    "the parenthesis is not closed." if self.peek() in ("", "]") else _unexpected(self.peek())
                )
            self.at += 1
            self.blanks()
        return Filter(tuple(conditions))

    def condition(self) -> Condition:
        if self.peek() != "@":
            raise self.no(_not_a_condition(self.text, self.at))
        self.at += 1
        place: list[str | int] = []
        while self.peek() in (".", "["):
            begin = self.at
            if self.text.startswith("..", self.at):
                raise self.no("a filter names one place of the item, without ..")
            if self.peek() == ".":
                self.at += 1
                step = self.dotted(".")
            else:
                step = self.bracket()
            if not isinstance(step, str | int):
                self.at = begin
                raise self.no("a filter names one place of the item, without * and without another filter.")
            place.append(step)
        self.blanks()
        match = _OPERATOR.match(self.text, self.at)
        if match is None:
            if self.peek() == "=":
                raise self.no("equality is written ==.")
            if not place:
                raise self.no("a filter says what of the item: [?@.kind == 'card'].")
            return Condition(tuple(place))
        self.at = match.end()
        self.blanks()
        return Condition(tuple(place), match[0], self.literal())

    def literal(self) -> Any:
        here = self.peek()
        if here in ("'", '"'):
            return self.quoted()
        if number := _NUMBER.match(self.text, self.at):
            self.at = number.end()
            if _NAME.match(self.peek()) or self.peek().isdigit():
                raise self.no("this is no number.")
            return Decimal(number[0])
        for word, value in _WORDS.items():
            if self.text.startswith(word, self.at) and not _NAME.match(self.text[self.at + len(word) :][:1]):
                self.at += len(word)
                return value
        if here in ("@", "$"):
            raise self.no("a filter compares with a literal: 'text', 12, true, false or null.")
        raise self.no("a literal is missing: 'text', 12, true, false or null.")

    def quoted(self) -> str:
        """A name or text in quotes, its escapes read (RFC 9535, 2.3.1.1)."""
        quote = self.peek()
        opened = self.at
        self.at += 1
        out: list[str] = []
        while (here := self.peek()) != quote:
            if not here:
                self.at = opened
                raise self.no("the quote is not closed.")
            if here == "\\":
                out.append(self.escape(quote))
                continue
            if here < " ":
                raise self.no("a control character in quotes is written as an escape.")
            if "\ud800" <= here <= "\udfff":
                raise self.no("half a surrogate pair is no character.")
            out.append(here)
            self.at += 1
        self.at += 1
        return "".join(out)

    def escape(self, quote: str) -> str:
        letter = self.text[self.at + 1 : self.at + 2]
        if letter == "u":
            return self.unicode()
        if letter in _CONTROLS:
            self.at += 2
            return _CONTROLS[letter]
        if letter and letter in ("\\", "/", quote):
            self.at += 2
            return letter
        raise self.no(f"there is no escape \\{letter}; known are \\{quote} \\\\ \\/ \\b \\f \\n \\r \\t \\uXXXX.")

    def unicode(self) -> str:
        unit = self.unit(self.at)
        if unit is None:
            raise self.no("\\u takes four hexadecimal digits.")
        if 0xD800 <= unit <= 0xDFFF:
            low = self.unit(self.at + 6)
            if unit >= 0xDC00 or low is None or not 0xDC00 <= low <= 0xDFFF:
                raise self.no("half a surrogate pair is no character.")
            self.at += 12
            return chr(0x10000 + ((unit - 0xD800) << 10) + low - 0xDC00)
        self.at += 6
        return chr(unit)

    def unit(self, at: int) -> int | None:
        match = re.compile(r"\\u([0-9a-fA-F]{4})").match(self.text, at)
        return int(match[1], 16) if match else None

    def peek(self) -> str:
        return self.text[self.at : self.at + 1]

    def blanks(self) -> None:
        match = _BLANK.match(self.text, self.at)
        self.at = match.end() if match else self.at

    def no(self, reason: str) -> ConfigError:
        return refusal(self.text, self.at, reason)


def _comparable(value: Any) -> tuple[str, Any]:
    """A type and what to compare within it. Numbers by value: 1 is 1.0, and true is no 1."""
    if value is None or isinstance(value, bool):
        return ("null" if value is None else "boolean", value)
    if isinstance(value, str):
        return ("string", value)
    if isinstance(value, dict | list):
        return ("container", id(value))
    return ("number", Decimal(str(value)))


def _unexpected(character: str, after: str = "") -> str:
    if not character:
        return "the path ends too early."
    if character.isspace():
        return "a blank stands here; a name that has one is quoted: ['a b']."
    shown = character if character.isprintable() else f"U+{ord(character):04X}"
    return f"{shown} is not expected {f'after {after}' if after else 'here'}."


def _not_a_condition(text: str, at: int) -> str:
    if text[at : at + 1] == "!":
        return "`not` is not known: compare with != instead."
    if _NAME.match(text, at):
        return "functions are not known; a condition begins with @."
    return "a condition begins with @: [?@.kind == 'card']."


def _width(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in ("W", "F") else 1
