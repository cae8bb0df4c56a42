"""A verdict on three captures: the recording, the new build's run, and one or two runs of the recorded build beside it.

The groups are those of recording and new build. Each is told whose drift it is (:mod:`diffing.baseline.origins`): only
a regression, or what nothing tells, fails the run. A stale place was judged against the baseline, so it is shown and
does not fail; a flaky one could not be judged, which makes the run inconclusive.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import zip_longest
from pathlib import Path

from captures.errors import UsageError
from captures.model import Exchange
from diffing.baseline.latency import Samples, compare
from diffing.baseline.measured import measured
from diffing.baseline.origins import Sightings, origin_of, together, unsteady
from diffing.classes import class_of
from diffing.comparison import DiffOptions
from diffing.engine import compare_captures
from diffing.learning.repetition import Repetition, opened
from diffing.model import Column, Group, Judgement, Origin, Result
from diffing.outcome.fingerprints import EVERYWHERE, fingerprint
from diffing.outcome.verdict import decide
from diffing.review.standing import decided, latencies, sentences

MEASURED = 10_000  # latencies kept per endpoint and side
NEW, BASELINE, CONTROL = 1, 2, 3  # positions of the runs in a repetition; 0 is the recording

Key = tuple[str, str]
"""(endpoint, generalised location)."""


@dataclass(slots=True)
class Beside:
    """What the runs beside each other show; gathered while the answers stream by."""

    places: dict[Key, Sightings] = field(default_factory=dict)
    compared: Counter[str] = field(default_factory=Counter)  # by endpoint: baseline with itself
    seconds: dict[str, tuple[list[float], ...]] = field(default_factory=dict)  # by endpoint: new, baseline, control

    def add(self, repetition: Repetition) -> None:
        """One request's answers, with the comparisons made of them."""
        places = {(one.one, one.other): _places(one.judgement) for one in repetition.judged}
        endpoint = repetition.endpoint
        drifted = places.get((0, NEW))
        beside = places.get((NEW, BASELINE))
        if beside is not None and "response" in beside:  # one of the two gave none: there is nothing to compare with
            beside = None
        otherwise = beside is not None and "response.status" in beside  # another answer altogether
        for place in drifted or ():
            seen = self.places.setdefault((endpoint, place), Sightings())
            if beside is None:
                seen.alone += 1
            elif place in beside or (otherwise and place.startswith("response.")):
                seen.new += 1
            else:
                seen.alike += 1
        itself = places.get((BASELINE, CONTROL))
        if itself is not None:
            self.compared[endpoint] += 1
            for place in itself:
                self.places.setdefault((endpoint, place), Sightings()).moved += 1
        self._measure(repetition, unequal=bool(beside))

    def _measure(self, repetition: Repetition, *, unequal: bool) -> None:
        """Latencies are compared of like answers only: a 404 is faster than the page it stands for."""
        answers = [answer.exchange if answer is not None else None for answer in repetition.answers[NEW:]]
        times = [_seconds(exchange) for exchange in answers]
        statuses = {one.response.status for one in answers if one is not None and one.response is not None}
        if unequal or len(statuses) != 1 or any(time is None for time in times[:2]):
            return
        kept = self.seconds.setdefault(repetition.endpoint, ([], [], []))
        for side, time in zip_longest(kept, times):
            if time is not None and len(side) < MEASURED:
                side.append(time)

    def sightings(self, group: Group) -> Sightings:
        """What was seen at the places of ``group``."""
        keys: dict[Key, None] = {(group.endpoint, group.location): None}
        if group.endpoint == EVERYWHERE:
            keys = {(finding.endpoint, finding.location): None for finding in group.examples}
        found = together(self.places.get(key, Sightings()) for key in keys)
        found.compared = sum(self.compared[endpoint] for endpoint in {endpoint for endpoint, _ in keys})
        return found


def compare_beside(
    recorded: Path, replayed: Path, baselines: Sequence[Path], options: DiffOptions | None = None
) -> Result:
    """Compare ``replayed`` with ``recorded``, and say with ``baselines`` (one or two runs) whose drift it is.

    Raises :class:`UsageError` for more than two baselines or one given twice, and what
    :func:`diffing.engine.compare_captures` raises.
    """
    if not 1 <= len(baselines) <= 2:
        raise UsageError("One or two runs of the recorded build can stand beside a run.", hint="Give --baseline twice.")
    runs = [replayed, *baselines]
    for number, run in enumerate(runs):
        if any(run.exists() and other.exists() and run.samefile(other) for other in runs[:number]):
            raise UsageError(f"{run} is given twice: a run does not bear itself out.")
    options = options or DiffOptions()
    result = compare_captures(recorded, replayed, options)
    beside = Beside()
    with opened(recorded, runs, options) as several:
        for repetition in several.repetitions():
            beside.add(repetition)
        unjudged = [
            f"the baseline's {'first ' if len(baselines) == 2 and number == 0 else ''}run: {reason}"
            for number, one in enumerate(several.comparisons[1:])
            for reason in one.meta.get("inconclusive") or ()
        ]
    return judged(result, beside, options, unjudged, control=len(baselines) == 2)


def judged(
    result: Result, beside: Beside, options: DiffOptions, unjudged: Iterable[str] = (), *, control: bool
) -> Result:
    """``result`` with each group's origin, the latency groups, and the verdict that follows."""
    found = []
    for group in result.groups:
        origin, evidence = origin_of(beside.sightings(group))
        found.append(replace(group, origin=origin, origin_evidence=evidence))
    found += _slower(beside)
    groups, approvals = decided(
        found,
        options.approvals,
        options.day,
        result.recording_id,
        partial=result.partial,
        unseen=latencies(beside.seconds),
    )
    told = sorted(groups, key=lambda group: (_RANK[group.origin], -group.level.rank))  # stable: the order within stays
    counts = Counter(group.origin for group in told if group.level.rank >= options.fail_on.rank)
    reasons = [*result.reasons, *unjudged, *unsteady(groups, options.fail_on)]
    said = set(sentences(result.approvals))
    notes = [*(note for note in result.notes if note not in said), *sentences(approvals)]
    if counts[Origin.STALE]:
        notes.append(
            f"{_places_of(counts[Origin.STALE])} where the baseline differs from the recording just as the new build: "
            "the capture is stale there. They do not fail this run; record again."
        )
    if not control:
        notes.append("The baseline ran once, so that what moves by itself could not be told from a regression.")
    reasons = list(dict.fromkeys(reasons))
    verdict, exit_code = decide(result.ledger, told, reasons, options.fail_on, idle=result.exit_code == 0)
    return replace(
        result,
        groups=tuple(told),
        reasons=tuple(reasons),
        notes=tuple(notes),
        verdict=verdict,
        exit_code=exit_code,
        latency=measured(beside.seconds),
        approvals=approvals,
    )


_RANK: Mapping[Origin | None, int] = {Origin.REGRESSION: 0, None: 1, Origin.FLAKY: 2, Origin.STALE: 3}


def _places(judgement: Judgement) -> frozenset[str] | None:
    """Where two answers differ; None where they could not be compared."""
    if judgement.column is Column.NOT_REPLAYED or (judgement.column is Column.FAILED and not judgement.findings):
        return None
    return frozenset(finding.location for finding in judgement.findings)


def _seconds(exchange: Exchange | None) -> float | None:
    if exchange is None or exchange.failure is not None or exchange.timing.ended is None:
        return None
    return exchange.timing.ended - exchange.timing.started


def _slower(beside: Beside) -> list[Group]:
    groups = []
    for endpoint, (new, baseline, control) in sorted(beside.seconds.items()):
        found = compare(Samples(new, baseline, control), len(beside.seconds))
        if found is None:
            continue
        drift = class_of("performance.slower" if found.slower else "performance.faster")
        name = fingerprint(drift.id, endpoint, "performance", "")
        groups.append(
            Group(
                fingerprint=name,
                class_id=drift.id,
                kind=drift.kind,
                level=drift.level,
                endpoint=endpoint,
                location="performance",
                recorded=f"{found.baseline * 1000:.1f} ms",
                replayed=f"{found.new * 1000:.1f} ms",
                evidence=found.evidence,
                count=found.samples,
                exchanges=(),
                spread=found.samples,
                origin=Origin.REGRESSION if found.slower else None,
                origin_evidence="measured beside the baseline, in turn",
            )
        )
    return groups


def _places_of(count: int) -> str:
    return f"{count} drift group{'' if count == 1 else 's'}"
