"""A series of numbers in one line of text, a character each: block elements, or digits without UTF-8. Pure."""

from __future__ import annotations

from collections.abc import Sequence

BLOCKS = "▁▂▃▄▅▆▇█"
DIGITS = "0123456789"
NOTHING, NOTHING_ASCII = "·", "."


def sparkline(series: Sequence[float | None], *, ascii_only: bool = False, least: float | None = 0.0) -> str:
    """``series`` from ``least`` (None: from its own least) to its greatest; what is not known is a dot.

    The lowest mark stands for ``least`` alone: whatever is above it shows as more.
    """
    marks = DIGITS if ascii_only else BLOCKS
    known = [value for value in series if value is not None]
    bottom = min(known, default=0.0) if least is None else least
    span = max(known, default=bottom) - bottom
    return "".join(_mark(value, marks, bottom, span, NOTHING_ASCII if ascii_only else NOTHING) for value in series)


def _mark(value: float | None, marks: str, bottom: float, span: float, nothing: str) -> str:
    if value is None:
        return nothing
    if value <= bottom or span <= 0:
        return marks[0]
    return marks[min(len(marks) - 1, 1 + int((value - bottom) / span * (len(marks) - 1.001)))]
