"""What a value of the configuration may be: each kind checks, says what it accepts, and is a JSON Schema. Pure.

Check and schema stand side by side, so that an editor and the loader agree; a test holds them to it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Protocol

from captures.quantities import seconds_of, size_of
from captures.settings.faults import Fault, Path, wrong

MOST = 10**15
"""No number of the configuration is greater: bytes, seconds, exchanges. (What is infinite is none.)"""

SIZE = r"\s*[0-9]+(\.[0-9]+)?\s*([kKmMgGtT][iI]?)?[bB]\s*"
TIME = r"\s*([0-9]+(\.[0-9]+)?\s*(ms|[smhdw])\s*)+"


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
class Size(Plain):
    """Bytes: a whole number of them, or a text such as 64MiB."""

    least: int = 0

    @property
    def accepts(self) -> str:
        """Both ways, and the least."""
        return f'a size such as "64MiB" or a number of bytes{f", at least {self.least}" if self.least else ""}'

    def fits(self, value: Any) -> bool:
        """Whether it is one. That a text is at least the least is checked here and not in the schema."""
        size = _bytes(value)
        return size is not None and self.least <= size <= MOST

    def schema(self) -> dict[str, Any]:
        """A number or a string."""
        number = {"type": "integer", "minimum": self.least, "maximum": MOST}
        return {"anyOf": [number, {"type": "string", "pattern": whole(SIZE)}]}

    def read(self, value: Any) -> int:
        """In bytes."""
        return _bytes(value) or 0


@dataclass(frozen=True, slots=True)
class Duration(Plain):
    """A time: seconds as a number, or a text such as 1m30s."""

    least: float = 0.0
    above: bool = False  # it must be more than ``least``

    @property
    def accepts(self) -> str:
        """Both ways, and the least."""
        low = f", {'above' if self.above else 'at least'} {self.least:g}" if self.least or self.above else ""
        return f'a time such as "30s" or a number of seconds{low}'

    def fits(self, value: Any) -> bool:
        """Whether it is one. That a text is at least the least is checked here and not in the schema."""
        seconds = _seconds(value)
        return (
            seconds is not None and seconds <= MOST and (seconds > self.least if self.above else seconds >= self.least)
        )

    def schema(self) -> dict[str, Any]:
        """A number or a string."""
        low = {("exclusiveMinimum" if self.above else "minimum"): self.least}
        return {"anyOf": [{"type": "number", **low, "maximum": MOST}, {"type": "string", "pattern": whole(TIME)}]}

    def read(self, value: Any) -> float:
        """In seconds."""
        return _seconds(value) or 0.0


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


@dataclass(frozen=True, slots=True)
class Many:
    """A list of one kind. ``alone``: one of the kind without brackets will do, too."""

    item: Kind = field(default_factory=Text)
    least: int = 0
    most: int | None = None
    alone: bool = False

    @property
    def accepts(self) -> str:
        """A list, of what."""
        count = f" of {self.least}" if self.least == self.most else (" with something in it" if self.least else "")
        of = f"a list of strings{count}" if self.item == Text() else f"a list{count}, each {self.item.accepts}"
        return f"{self.item.accepts}, or {of}" if self.alone else of

    def faults(self, value: Any, at: Path) -> Iterator[Fault]:
        """Those of the list, or of its items."""
        if not isinstance(value, list):
            if not self.alone or next(self.item.faults(value, at), None) is not None:
                yield wrong(at, value, self.accepts)
            return
        if len(value) < self.least or (self.most is not None and len(value) > self.most):
            yield wrong(at, value, self.accepts)
        for number, one in enumerate(value):
            yield from self.item.faults(one, (*at, number))

    def schema(self) -> dict[str, Any]:
        """An array, or also the item."""
        most = {} if self.most is None else {"maxItems": self.most}
        array = {
            "type": "array",
            "items": self.item.schema(),
            **({"minItems": self.least} if self.least else {}),
            **most,
        }
        return {"anyOf": [self.item.schema(), array]} if self.alone else array

    def read(self, value: Any) -> list[Any]:
        """As a list."""
        return [self.item.read(one) for one in (value if isinstance(value, list) else [value])]


@dataclass(frozen=True, slots=True)
class Names:
    """A table whose keys are the user's own."""

    value: Kind

    @property
    def accepts(self) -> str:
        """A table, of what."""
        return f"a table of names, each {self.value.accepts}"

    def faults(self, value: Any, at: Path) -> Iterator[Fault]:
        """Those of its values."""
        if not isinstance(value, Mapping):
            yield wrong(at, value, self.accepts)
            return
        for name, one in value.items():
            yield from self.value.faults(one, (*at, name))

    def schema(self) -> dict[str, Any]:
        """An object."""
        return {"type": "object", "additionalProperties": self.value.schema()}

    def read(self, value: Any) -> dict[str, Any]:
        """Each value read."""
        return {name: self.value.read(one) for name, one in value.items()}


@dataclass(frozen=True, slots=True)
class Either:
    """One of several kinds."""

    kinds: tuple[Kind, ...]
    says: str = ""

    @property
    def accepts(self) -> str:
        """All of them."""
        return self.says or " or ".join(kind.accepts for kind in self.kinds)

    def faults(self, value: Any, at: Path) -> Iterator[Fault]:
        """Those of a kind that has the parts that ``value`` has; else one for all."""
        found = [list(kind.faults(value, at)) for kind in self.kinds]
        if all(found):
            inner = [faults for faults in found if faults[0].at != at]
            yield from inner[0] if inner else [wrong(at, value, self.accepts)]

    def schema(self) -> dict[str, Any]:
        """Any of them."""
        return {"anyOf": [kind.schema() for kind in self.kinds]}

    def read(self, value: Any) -> Any:
        """By the first kind that it is of."""
        return next(kind for kind in self.kinds if next(kind.faults(value, ()), None) is None).read(value)


def whole(pattern: str) -> str:
    """``pattern`` for all of a text. (``$`` alone lets a line break follow in Python.)"""
    return rf"^(?:{pattern})(?![\s\S])"


def _bytes(value: Any) -> int | None:
    if isinstance(value, str):
        return size_of(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= MOST or value != int(value):
        return None
    return int(value)


def _seconds(value: Any) -> float | None:
    if isinstance(value, str):
        return seconds_of(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= MOST:
        return None
    return float(value)
