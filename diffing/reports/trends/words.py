"""The sentences and cells that the terminal and the page share, so that both say the same of one history. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from captures.visible import visible
from captures.wording import counted
from diffing.history.entry import Entry
from diffing.history.trend import EndpointTrend, GroupTrend, Trend, latest
from diffing.reports.wording import WORDS

HEADS = ("When (UTC)", "Recording", "Build", "Tier", "Verdict", "Drift", "Flaky", "Replayed", "Endpoints", "Time")
NUMBERS = frozenset({5, 6, 7, 8, 9})  # columns of numbers

EMPTY = "No run is in the history yet."
EMPTY_HINT = "retape replay CAPTURE -- CMD"


@dataclass(frozen=True, slots=True)
class Measure:
    """One thing that is followed over the runs."""

    name: str
    series: tuple[float | None, ...]
    said: str  # in words
    least: float | None = 0.0  # where its scale begins; None: at its own least


def when(at: float) -> str:
    """``2026-11-30 18:54``, in UTC."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M")


def seconds(value: float | None) -> str:
    """``12 ms``, ``3.4 s``, ``2 min 5 s``."""
    if value is None:
        return "-"
    if value < 0.0995:
        return f"{value * 1000:.1f} ms" if value < 0.00995 else f"{value * 1000:.0f} ms"
    if value < 100:
        return f"{value:.2f} s" if value < 9.995 else f"{value:.1f} s"
    minutes, rest = divmod(round(value), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


def axis_seconds(value: float) -> str:
    """The same for an axis, whose values are round: ``15 s``, ``0``."""
    if value == 0:
        return "0"
    if value < 1:
        return f"{value * 1000:g} ms"
    return f"{value:g} s" if value < 120 else f"{value / 60:.3g} min"


def age(value: float) -> str:
    """``4 min``, ``3 h``, ``12 days``."""
    for size, name in ((86_400, "day"), (3_600, "h"), (60, "min")):
        if value >= size:
            count = int(value // size)
            return f"{count} {name}{'s' if name == 'day' and count != 1 else ''}"
    return "under a minute"


def percent(value: float | None) -> str:
    """``97 %``; never 100 for less than all."""
    if value is None:
        return "-"
    return f"{int(value * 100)} %" if value < 1 else "100 %"


def tier_of(entry: Entry) -> str:
    """``full``, ``smoke``, ``full, shard 2/4``."""
    return visible(f"{entry.tier}, {entry.part}" if entry.part else entry.tier)


def cells(trend: Trend, at: int) -> tuple[str, ...]:
    """The row of run number ``at``, under :data:`HEADS`."""
    entry = trend.entries[at]
    exchanges, endpoints = entry.recording
    return (
        when(entry.at),
        visible(entry.capture_name),
        visible(entry.build.name) or "-",
        tier_of(entry),
        WORDS.get(entry.verdict, visible(entry.verdict)),
        f"{trend.drift[at]:,}{'+' if entry.more_groups else ''}",
        f"{trend.flaky[at]:,}",
        f"{entry.ledger.get('replayed', 0):,}/{exchanges:,}",
        f"{entry.covered:,}/{endpoints:,}" if endpoints else "-",
        seconds(entry.seconds),
    )


def head(trend: Trend) -> str:
    """What is looked at."""
    shown, noted = len(trend.entries), trend.noted
    runs = f"The last {shown:,} of {noted:,} runs" if shown < noted else counted(noted, "run")
    first, last = when(trend.entries[0].at), when(trend.entries[-1].at)
    return f"{runs}, {first} to {last} UTC." if shown > 1 else f"{runs}, {first} UTC."


def measures(trend: Trend) -> tuple[Measure, ...]:
    """Drift, flakiness, coverage and time over the runs."""
    return (
        Measure("Drift", trend.drift, _counts(trend.drift, "open group")),
        Measure("Flaky", trend.flaky, _counts(trend.flaky, "group") if any(trend.flaky) else "none"),
        Measure("Coverage", trend.coverage, _coverage(trend)),
        Measure("Time", trend.seconds, _times(trend.seconds)),
    )


def _counts(series: Sequence[int], what: str) -> str:
    now = f"now {counted(series[-1], what)}"
    low, high = min(series), max(series)
    return f"{now}; {low:,} to {high:,}" if low != high else now


def _coverage(trend: Trend) -> str:
    now = latest(trend.coverage)
    known = [one for one in trend.coverage if one is not None]
    if now is None:
        return "not known"
    least = min(known)
    return f"now {percent(now)} of the endpoints" + (f"; at least {percent(least)}" if least != now else "")


def _times(series: Sequence[float | None]) -> str:
    known = [one for one in series if one is not None]
    if not known:
        return "not known"
    now = f"last {seconds(known[-1])}"
    low, high = seconds(min(known)), seconds(max(known))
    return f"{now}; {low} to {high}" if low != high else now


def endpoint_said(one: EndpointTrend) -> str:
    """``drifted in 3 of 5 runs, 2 groups that move by themselves``."""
    said = f"drifted in {one.drifted:,} of {counted(one.of, 'run')}"
    return said + (f", {counted(one.flaky, 'group')} flaky" if one.flaky else "")


def times_said(one: EndpointTrend) -> str:
    """``12 ms to 14 ms``: the first median and the last."""
    times = one.times
    if times is None:
        return "-"
    before, after = map(seconds, times)
    return f"{before} to {after}" if before != after else after


def group_said(one: GroupTrend) -> str:
    """How long it has stood, and in how many runs."""
    if one.runs == 1:
        return f"in 1 of {counted(one.of, 'run')}, {when(one.first)}"
    return (
        f"in {one.runs:,} of {counted(one.of, 'run')}; first {when(one.first)}, last {when(one.last)} ({age(one.age)})"
    )


def why_unsteady(one: GroupTrend) -> str:
    """What says that a group moves by itself."""
    said = []
    if one.comes_and_goes:
        said.append("comes and goes between runs of one build")
    if one.flaky:
        said.append(f"the baseline differed from itself in {counted(one.flaky, 'run')}")
    return " and ".join(said)


def advice(trend: Trend) -> tuple[tuple[str, str], ...]:
    """What to do next: (words, command)."""
    found = []
    if trend.unsteady:
        found.append(("Rules for what moves by itself", "retape learn CAPTURE --runs 5 -- CMD"))
    if trend.open:
        found.append(("Look at what is open", "retape replay CAPTURE --report html=report.html -- CMD"))
    return tuple(found)
