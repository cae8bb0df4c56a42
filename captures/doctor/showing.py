"""The doctor's findings as lines for people and as JSON."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence

import click

from captures.doctor.findings import Finding, Outcome

COLOURS = {Outcome.OK: "green", Outcome.WARNING: "yellow", Outcome.PROBLEM: "red"}
SCHEMA = 1


def as_text(findings: Sequence[Finding], seconds: float, *, colour: bool) -> str:
    """A line for each finding, and one for each command."""
    width = max((len(one.check) for one in findings), default=0)
    lines = []
    for one in findings:
        word = f"{one.outcome.value:<8}"
        shown = click.style(word, fg=COLOURS[one.outcome], bold=one.outcome is Outcome.PROBLEM) if colour else word
        lines.append(f"{shown} {one.check:<{width}}  {one.says}.")
        if one.command:
            lines.append(f"{'':8} {'':{width}}  $ {one.command}")
    counted = Counter(one.outcome for one in findings)
    verdict = ", ".join(
        _many(counted[outcome], outcome.value) for outcome in (Outcome.PROBLEM, Outcome.WARNING) if counted[outcome]
    )
    lines.append(f"\n{verdict or 'All is well'}; {len(findings)} checks in {seconds:.1f} s.")
    return "\n".join(lines)


def as_json(findings: Sequence[Finding]) -> str:
    """One object; ``ok`` is false when there is a problem."""
    checks = [
        {"check": one.check, "outcome": one.outcome.value, "says": one.says, "command": one.command or None}
        for one in findings
    ]
    return json.dumps({"schema": SCHEMA, "ok": not has_problem(findings), "checks": checks}, indent=2)


def has_problem(findings: Sequence[Finding]) -> bool:
    """Whether something has to be mended before recording and replaying work."""
    return any(one.outcome is Outcome.PROBLEM for one in findings)


def _many(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"
