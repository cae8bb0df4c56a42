"""Plots over the runs, as coordinates of an SVG picture 340 wide and 150 high. Pure; the page only writes them down.

A run is a slot on the horizontal axis, oldest first. What is not known of a run leaves its slot empty, and a line is
broken there: nothing is drawn that nobody measured.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import floor, log10

WIDTH, HEIGHT = 340.0, 150.0
LEFT, RIGHT, TOP, BOTTOM = 42.0, 6.0, 20.0, 28.0
DATES = 4  # labels on the horizontal axis, at most


@dataclass(frozen=True, slots=True)
class Tick:
    """A label of an axis, and where."""

    at: float
    label: str
    anchor: str = "middle"


@dataclass(frozen=True, slots=True)
class Bar:
    """A part of a column; ``tone`` is the class that gives its colour."""

    x: float
    y: float
    width: float
    height: float
    tone: str
    title: str


@dataclass(frozen=True, slots=True)
class Dot:
    """A point of a line; hollow ones are of a part of the recording."""

    x: float
    y: float
    title: str
    hollow: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """Points joined where they follow each other."""

    tone: str
    path: str
    dots: tuple[Dot, ...]


@dataclass(frozen=True, slots=True)
class Plot:
    """One picture."""

    name: str
    axis: str  # what the vertical axis counts
    said: str  # in words
    across: tuple[Tick, ...]
    up: tuple[Tick, ...]
    bars: tuple[Bar, ...] = ()
    lines: tuple[Line, ...] = ()
    legend: tuple[tuple[str, str], ...] = ()  # (tone, words)


def columns(
    name: str, axis: str, said: str, dates: Sequence[str], layers: Sequence[tuple[str, str, Sequence[int]]]
) -> Plot:
    """A column for each run, stacked from ``layers``: (tone, words, counts), the worst at the bottom."""
    count = len(dates)
    totals = [sum(counts[at] for _, _, counts in layers) for at in range(count)]
    ticks = scale(max(totals, default=0), whole=True)
    slot = _slot(count)
    bars = []
    for at in range(count):
        base = 0
        for tone, words, counts in layers:
            if counts[at]:
                low, high = _up(base, ticks[-1]), _up(base + counts[at], ticks[-1])
                wide = min(slot * 0.7, 26.0)
                bars.append(
                    Bar(
                        _round(_across(at, count) - wide / 2),
                        _round(high),
                        _round(wide),
                        _round(max(low - high, 0.5)),
                        tone,
                        f"{dates[at]}: {counts[at]:,} {words}",
                    )
                )
                base += counts[at]
    used = tuple((tone, words) for tone, words, counts in layers if any(counts))
    return Plot(name, axis, said, _dates(dates), _heights(ticks, lambda value: f"{value:,.0f}"), tuple(bars), (), used)


def lines(
    name: str,
    axis: str,
    said: str,
    dates: Sequence[str],
    series: Sequence[tuple[str, str, Sequence[float | None]]],
    show: Callable[[float], str],
    *,
    greatest: float | None = None,
    hollow: Sequence[bool] = (),
) -> Plot:
    """A line for each of ``series``: (tone, words, values by run). ``show`` writes a value; ``hollow``: by run."""
    known = [value for _, _, values in series for value in values if value is not None]
    ticks = scale(greatest if greatest is not None else max(known, default=0.0))
    made = []
    for tone, words, values in series:
        dots = [
            None
            if value is None
            else Dot(
                _round(_across(at, len(dates))),
                _round(_up(value, ticks[-1])),
                f"{dates[at]}: {show(value)} {words}".strip(),
                bool(hollow) and hollow[at],
            )
            for at, value in enumerate(values)
        ]
        made.append(Line(tone, _path(dots), tuple(dot for dot in dots if dot is not None)))
    legend = tuple((tone, words) for tone, words, values in series if words and any(v is not None for v in values))
    return Plot(name, axis, said, _dates(dates), _heights(ticks, show), (), tuple(made), legend)


def scale(greatest: float, *, whole: bool = False) -> tuple[float, ...]:
    """Round values from 0 to at least ``greatest``, three to six of them: 0, 20, 40, 60."""
    if greatest <= 0:
        return (0.0, 1.0)
    step = 10.0 ** floor(log10(greatest))
    for factor in (0.2, 0.25, 0.5, 1.0, 2.0):
        fitting = step * factor
        if whole and fitting < 1:
            continue
        if whole and fitting != floor(fitting):
            continue
        if greatest / fitting <= 5.0001:
            step = fitting
            break
    steps = -floor(-greatest / step * (1 - 1e-9))
    return tuple(round(step * at, 10) for at in range(max(1, steps) + 1))


def _path(dots: Sequence[Dot | None]) -> str:
    parts = []
    before: Dot | None = None
    for dot in dots:
        if dot is not None:
            parts.append(f"{'L' if before is not None else 'M'}{dot.x:g} {dot.y:g}")
        before = dot
    return "".join(parts)


def _slot(count: int) -> float:
    return (WIDTH - LEFT - RIGHT) / max(count, 1)


def _across(at: int, count: int) -> float:
    return LEFT + _slot(count) * (at + 0.5)


def _up(value: float, greatest: float) -> float:
    return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * value / greatest


def _heights(ticks: Sequence[float], show: Callable[[float], str]) -> tuple[Tick, ...]:
    return tuple(Tick(_round(_up(value, ticks[-1])), show(value), "end") for value in ticks)


def _dates(dates: Sequence[str]) -> tuple[Tick, ...]:
    """The first and the last, and some between where there is room."""
    count = len(dates)
    if count == 1:
        return (Tick(_round(_across(0, 1)), dates[0]),)
    shown = sorted({round(part * (count - 1) / (min(count, DATES) - 1)) for part in range(min(count, DATES))})
    return tuple(
        Tick(
            _round(_across(at, count)),
            dates[at],
            "start" if at == 0 else "end" if at == count - 1 else "middle",
        )
        for at in shown
    )


def _round(value: float) -> float:
    return round(value, 2)
