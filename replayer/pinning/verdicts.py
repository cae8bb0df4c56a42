"""What became of a pin, for people: its findings as lines, and whether they fail it. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from captures.visible import visible
from diffing.classes import class_of
from diffing.model import Finding, Level
from diffing.reports.values import shown_pair
from replayer.pin_run import PinOutcome


@dataclass(frozen=True, slots=True)
class Told:
    """A pin's outcome. ``lines``: findings of a failing pin, remarks on a passing one."""

    failed: bool
    lines: tuple[str, ...]
    findings: tuple[str, ...] = ()  # "class location", for reports of programs


def told(outcome: PinOutcome, fail_on: Level = Level.WARNING) -> Told:
    """``outcome`` in words. What could not be judged fails, too."""
    judged = outcome.judgement
    if judged is None:
        return Told(True, tuple(outcome.problem.splitlines()))
    failing = [one for one in judged.findings if class_of(one.class_id).level.rank >= fail_on.rank]
    ordered = sorted(judged.findings, key=lambda one: -class_of(one.class_id).level.rank)
    lines = [text for one in ordered for text in _described(one)]
    lines += [f"could not be judged: {reason}" for reason in judged.inconclusive]
    if outcome.fresh and not failing:
        lines.append("held on a fresh build; on the shared one it sees what other pins left behind (isolate)")
    found = tuple(f"{one.class_id} {one.location}" for one in judged.findings)
    return Told(bool(failing or judged.inconclusive), tuple(lines), found)


def _described(finding: Finding) -> Iterator[str]:
    """A finding as lines: level and class, place, both sides, why."""
    path = f" (at {finding.path})" if finding.path.startswith("$") and finding.path not in finding.location else ""
    yield f"{class_of(finding.class_id).level.value}: {finding.class_id} at {visible(finding.location)}{visible(path)}"
    pinned, came = shown_pair(finding.recorded, finding.replayed, 400)
    yield from f"    pinned   {pinned}".splitlines()
    yield from f"    replayed {came}".splitlines()
    if finding.evidence:
        yield f"    ({visible(finding.evidence)})"
