"""Sizes and times of the configuration: bytes and seconds as numbers, or texts such as 64MiB and 1m30s. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from captures.quantities import seconds_of, size_of
from captures.settings.kinds import MOST, Plain, whole

SIZE = r"\s*[0-9]+(\.[0-9]+)?\s*([kKmMgGtT][iI]?)?[bB]\s*"
TIME = r"\s*([0-9]+(\.[0-9]+)?\s*(ms|[smhdw])\s*)+"


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
