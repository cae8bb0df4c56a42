"""What a value of the configuration may be: each kind checks, says what it accepts, and is a JSON Schema. Pure.

Sizes and times are in ``measures``, lists and tables of names in ``composed``. Check and schema stand side by
side, so that an editor and the loader agree; a test holds them to it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Protocol

from captures.settings.faults import Fault, Path, wrong

MOST = 10**15
"""No number of the configuration is greater: bytes, seconds, exchanges. (What is infinite is none.)"""


class Kind(Protocol):
    """What all kinds can do."""

    @property
    def accepts(self) -> str:
        """What a value must be, after "must be"."""

    def faults(self, value: Any, at: Path) -> Iterator[Fault]:
        """What is wrong with ``value``, which stands at ``at``."""

    def schema(self) -> dict[str, Any]:
        """The same as JSON Schema."""

    def read(self, value: Any) -> Any:
        """``value``, which has no faults, as programs want it: bytes, seconds."""


class Plain:
    """A kind whose values have no parts: it fits or not, and is read as it is."""

    __slots__ = ()

    @property
    def accepts(self) -> str:
        """What a value must be."""
        raise NotImplementedError

    def fits(self, value: Any) -> bool:
        """Whether ``value`` is of this kind."""
        raise NotImplementedError

    def faults(self, value: Any, at: Path) -> Iterator[Fault]:
        """One, where it does not fit."""
        if not self.fits(value):
            yield wrong(at, value, self.accepts)

    def read(self, value: Any) -> Any:
        """As it is."""
        return value


@dataclass(frozen=True, slots=True)
class Text(Plain):
    """A text. ``pattern`` is matched as a whole, in Python and in JavaScript alike."""

    accepts: str = "text"
    pattern: str = ""
    least: int = 0  # characters

    def fits(self, value: Any) -> bool:
        """Whether it is such a text."""
        if not isinstance(value, str) or len(value) < self.least:
            return False
        return not self.pattern or re.fullmatch(self.pattern, value) is not None

    def schema(self) -> dict[str, Any]:
        """A string."""
        least = {"minLength": self.least} if self.least else {}
        return {"type": "string", **least, **({"pattern": whole(self.pattern)} if self.pattern else {})}


@dataclass(frozen=True, slots=True)
class Choice(Plain):
    """One of a few words. ``prefix``: or a text that begins with it."""

    words: tuple[str, ...]
    prefix: str = ""

    @property
    def accepts(self) -> str:
        """All of them."""
        words = "one of " + ", ".join(f'"{word}"' for word in self.words)
        return f"{words}, or {self.prefix}…" if self.prefix else words

    def fits(self, value: Any) -> bool:
        """Whether it is one of them."""
        return isinstance(value, str) and (value in self.words or bool(self.prefix and value.startswith(self.prefix)))

    def faults(self, value: Any, at: Path) -> Iterator[Fault]:
        """One, with the nearest word."""
        if not self.fits(value):
            yield wrong(at, value, self.accepts, self.words)

    def schema(self) -> dict[str, Any]:
        """An enumeration, or also a string that begins so."""
        words = {"enum": list(self.words)}
        return {"anyOf": [words, {"type": "string", "pattern": f"^{self.prefix}"}]} if self.prefix else words


@dataclass(frozen=True, slots=True)
class Flag(Plain):
    """Yes or no."""

    accepts: str = "true or false"

    def fits(self, value: Any) -> bool:
        """Whether it is one of both."""
        return isinstance(value, bool)

    def schema(self) -> dict[str, Any]:
        """A boolean."""
        return {"type": "boolean"}


@dataclass(frozen=True, slots=True)
class Number(Plain):
    """A number. ``above``: it must be more than ``least``."""

    least: float | None = None
    most: float = MOST
    whole: bool = False
    above: bool = False

    @property
    def accepts(self) -> str:
        """The kind of number, and its bounds."""
        name = "a whole number" if self.whole else "a number"
        low = "" if self.least is None else f"{'above' if self.above else 'at least'} {self.least:.15g}"
        high = "" if self.most == MOST else f"at most {self.most:.15g}"
        return ", ".join(part for part in (name, " and ".join(part for part in (low, high) if part)) if part)

    def fits(self, value: Any) -> bool:
        """Whether it is one, and within the bounds. (1.0 is a whole number, as in JSON Schema.)"""
        if isinstance(value, bool) or not isinstance(value, int | float) or not -MOST <= value <= self.most:
            return False
        if self.whole and value != int(value):
            return False
        return self.least is None or value > self.least or (value == self.least and not self.above)

    def schema(self) -> dict[str, Any]:
        """A number."""
        low = (
            {"minimum": -MOST}
            if self.least is None
            else {("exclusiveMinimum" if self.above else "minimum"): self.least}
        )
        return {"type": "integer" if self.whole else "number", **low, "maximum": self.most}

    def read(self, value: Any) -> int | float:
        """A whole one as an int."""
        return int(value) if self.whole else value


@dataclass(frozen=True, slots=True)
class Day(Plain):
    """A date: TOML's own, or a text of the same form."""

    accepts: str = "a date such as 2027-01-31"

    def fits(self, value: Any) -> bool:
        """Whether it is a day, and no moment of one."""
        if isinstance(value, str):
            try:
                return re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value) is not None and bool(
                    date.fromisoformat(value)
                )
            except ValueError:
                return False
        return isinstance(value, date) and not isinstance(value, datetime)

    def schema(self) -> dict[str, Any]:
        """A string, as TOML's dates are in JSON."""
        return {"type": "string", "format": "date"}

    def read(self, value: Any) -> date:
        """As a date."""
        return date.fromisoformat(value) if isinstance(value, str) else value


@dataclass(frozen=True, slots=True)
class Anything(Plain):
    """Whatever TOML can say."""

    accepts: str = "any value"

    def fits(self, value: Any) -> bool:
        """Always."""
        return True

    def schema(self) -> dict[str, Any]:
        """No demand."""
        return {}


def whole(pattern: str) -> str:
    """``pattern`` for all of a text. (``$`` alone lets a line break follow in Python.)"""
    return rf"^(?:{pattern})(?![\s\S])"
