"""The trend as one HTML page: frame, style sheet and walls are those of the report, and there is no script at all.

Plots are SVG that is written here; whatever they show also stands in the table of runs. The output is a function of the
history: no clock, no randomness.
"""

from __future__ import annotations

from typing import Any

from captures.visible import visible
from captures.wording import counted
from diffing.history.trend import RANKED, EndpointTrend, GroupTrend, Trend
from diffing.model import Level
from diffing.reports import shell
from diffing.reports.trends import words
from diffing.reports.trends.plots import HEIGHT, WIDTH, Plot, columns, lines
from diffing.reports.wording import WORDS

LISTED = 5 * RANKED  # rows of a table


def render(trend: Trend) -> str:
    """The whole page as text."""
    style = shell.asset("report.css") + shell.asset("trend.css")
    last = trend.entries[-1] if trend.entries else None
    return shell.rendered(
        "trend.html.j2",
        title=f"Trend: {counted(len(trend.entries), 'run')} · Retape",
        policy=shell.policy(style),
        style=style,
        head=words.head(trend) if last is not None else "",
        last=_last(trend) if last is not None else None,
        empty=(words.EMPTY, words.EMPTY_HINT),
        plots=plots(trend) if last is not None else (),
        size=(WIDTH, HEIGHT),
        heads=words.HEADS,
        numbers=words.NUMBERS,
        runs=[(words.cells(trend, at), entry.verdict) for at, entry in enumerate(trend.entries)][::-1],
        endpoints=[_endpoint(one) for one in trend.endpoints[:LISTED]],
        quiet=trend.quiet,
        open=[_group(one) for one in trend.open[:LISTED]],
        unsteady=[_group(one) | {"why": words.why_unsteady(one)} for one in trend.unsteady[:LISTED]],
        more={
            "endpoints": max(0, len(trend.endpoints) - LISTED),
            "open": max(0, len(trend.open) - LISTED),
            "unsteady": max(0, len(trend.unsteady) - LISTED),
        },
        advice=words.advice(trend),
    )


def plots(trend: Trend) -> tuple[Plot, ...]:
    """Drift, flakiness, coverage and time."""
    dates = [words.when(entry.at)[5:] for entry in trend.entries]
    said = {one.name: one.said for one in words.measures(trend)}
    levels = [
        (
            level.value,
            level.value,
            [sum(group.level == level.value for group in one.open_groups) for one in trend.entries],
        )
        for level in (Level.ERROR, Level.WARNING, Level.INFO)
    ]
    exchanges = [
        min(1.0, one.ledger.get("replayed", 0) / one.recording[0]) if one.recording[0] else None
        for one in trend.entries
    ]
    parts = [one.tier != "full" or bool(one.part) for one in trend.entries]
    seconds = ("all", "of the recording" if any(parts) else "", trend.seconds)
    return (
        columns("Drift", "open drift groups", said["Drift"], dates, levels),
        columns("Flaky", "groups that move by themselves", said["Flaky"], dates, [("flaky", "flaky", trend.flaky)]),
        lines(
            "Coverage", "share of the recording that was replayed", said["Coverage"], dates,
            [("all", "of the endpoints", trend.coverage), ("second", "of the exchanges", exchanges)],
            words.percent, greatest=1.0, hollow=parts,
        ),
        lines("Time", "time a replay took", said["Time"], dates, [seconds], words.axis_seconds, hollow=parts),
    )  # fmt: skip


def _last(trend: Trend) -> dict[str, Any]:
    entry = trend.entries[-1]
    return {
        "verdict": entry.verdict,
        "word": WORDS.get(entry.verdict, visible(entry.verdict)),
        "facts": " · ".join(
            [
                words.when(entry.at) + " UTC", visible(entry.capture_name), *([visible(entry.build.name)] if
                entry.build.name else []), words.tier_of(entry), f"exit code {entry.exit_code}",
            ]
        ),
    }  # fmt: skip


def _endpoint(one: EndpointTrend) -> dict[str, Any]:
    return {
        "endpoint": visible(one.endpoint),
        "drifted": f"{one.drifted:,} of {counted(one.of, 'run')}",
        "share": round(100 * one.drifted / one.of) if one.of else 0,
        "flaky": one.flaky,
        "times": words.times_said(one),
    }


def _group(one: GroupTrend) -> dict[str, Any]:
    group = one.group
    return {
        "id": group.fingerprint,
        "level": group.level,
        "endpoint": visible(group.endpoint),
        "location": visible(group.location),
        "class": visible(group.class_id),
        "decision": group.decision,
        "first": words.when(one.first),
        "last": words.when(one.last),
        "age": words.age(one.age) if one.runs > 1 else "-",
        "runs": f"{one.runs:,} of {one.of:,}",
    }
