"""What ``retape rules check --mutate`` says: detection power per endpoint, and where today's rules see nothing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Blind:
    """Changes at one place that nobody would see, and what accepts them."""

    endpoint: str
    location: str  # "response.body $.items[*].price"
    operators: tuple[str, ...]
    rules: tuple[str, ...]
    count: int
    example: str  # the exact place, "exchange 12 $.items[0].price"


@dataclass(frozen=True, slots=True)
class Power:
    """How many of the changed answers of one endpoint would be seen."""

    endpoint: str
    found: int
    tried: int
    operators: dict[str, tuple[int, int]]  # operator -> (found, tried)
    exchanges: int
    sampled: bool  # more changes were possible than were tried


@dataclass(frozen=True, slots=True)
class Report:
    """What a whole capture came to. ``skipped``: reason -> exchanges that were not changed."""

    powers: tuple[Power, ...]
    blind: tuple[Blind, ...]
    skipped: dict[str, int]
    seed: int

    @property
    def found(self) -> int:
        """Mutants seen."""
        return sum(power.found for power in self.powers)

    @property
    def tried(self) -> int:
        """Mutants compared."""
        return sum(power.tried for power in self.powers)

    @property
    def percent(self) -> float:
        """Detection power, 100 when nothing was tried."""
        return 100.0 * self.found / self.tried if self.tried else 100.0


def as_rows(report: Report) -> dict[str, Any]:
    """The report as JSON data."""
    return {
        "seed": report.seed,
        "found": report.found,
        "tried": report.tried,
        "percent": round(report.percent, 1),
        "endpoints": [
            {
                "endpoint": power.endpoint,
                "found": power.found,
                "tried": power.tried,
                "exchanges": power.exchanges,
                "sampled": power.sampled,
                "operators": {
                    name: {"found": found, "tried": tried} for name, (found, tried) in power.operators.items()
                },
            }
            for power in report.powers
        ],
        "blind": [
            {
                "endpoint": blind.endpoint,
                "location": blind.location,
                "operators": list(blind.operators),
                "rules": list(blind.rules),
                "count": blind.count,
                "example": blind.example,
            }
            for blind in report.blind
        ],
        "skipped": report.skipped,
    }


def lines(report: Report, most: int = 40) -> Iterable[str]:
    """The report for people."""
    left_out = [f"{count:,} because {reason}" for reason, count in sorted(report.skipped.items())]
    if not report.tried:
        why = f"left out are {', '.join(left_out)}" if left_out else "the capture has no answers"
        yield f"Nothing could be changed, so nothing was measured: {why}."
        return
    yield f"Detection power: {report.found:,} of {report.tried:,} changed answers are seen ({report.percent:.1f} %)."
    for power in report.powers:
        part = ", a sample" if power.sampled else ""
        yield f"  {power.found:>5,} of {power.tried:<5,} {power.endpoint}  ({power.exchanges:,} exchanges{part})"
        weak = [f"{name} {found}/{tried}" for name, (found, tried) in power.operators.items() if found < tried]
        if weak:
            yield f"        not all of: {', '.join(weak)}"
    if left_out:
        yield f"Not changed: {', '.join(left_out)}."
    if report.blind:
        yield ""
        yield "Blind: a change there would not be seen."
        for blind in report.blind[:most]:
            yield f"  {blind.endpoint}  {blind.location}"
            yield f"        {', '.join(blind.operators)} ({blind.count:,}) accepted by {', '.join(blind.rules)}"
        if len(report.blind) > most:
            yield f"  … and {len(report.blind) - most:,} more places: --format json has them all."
    for reason, count in report.skipped.items():
        yield f"Not changed: {count:,} exchange{'' if count == 1 else 's'}, because {reason}."
