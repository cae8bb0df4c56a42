"""Times as command-line options take them: ``30``, ``30s``, ``1m30s``, as in the configuration."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import click

from captures.quantities import seconds_of

_NUMBER = re.compile(r"[0-9]+(?:\.[0-9]+)?")


if TYPE_CHECKING:
    Parameter = click.ParamType[float]
else:
    Parameter = click.ParamType  # not generic before click 8.2


class Time(Parameter):
    """Seconds, at least ``least``; with ``above``, more than that."""

    name = "time"

    def __init__(self, least: float = 0.0, *, above: bool = False) -> None:
        self._least, self._above = least, above

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """The seconds that ``value`` names; click says what is wrong, and of which option."""
        if isinstance(value, int | float):
            return float(value)
        text = str(value).strip()
        seconds = float(text) if _NUMBER.fullmatch(text) else seconds_of(text)
        if seconds is None:
            self.fail(f"{value!r} is not a time; for example 30s, 1m30s, or a number of seconds.", param, ctx)
        if seconds < self._least or (self._above and seconds == self._least):
            self.fail(
                f"{value!r} must be {'above' if self._above else 'at least'} {self._least:g} seconds.", param, ctx
            )
        return seconds
