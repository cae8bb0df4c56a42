"""What other ways of comparing report of a pair of recordings: plain deepdiff, and Diffy's rule.

**deepdiff**, in its strict settings and without any ignore, over status, headers and body as one document.

**Diffy's rule** counts per endpoint and location in how many requests old and new build differ (*raw*) and in how many
two instances of the old build differ (*noise*), and reports a location when raw > noise, by more than 20 % of their sum
and more than 0.03 % of the requests. Its second old instance is here another recording that people call the same
build: a noise partner of the pair's own recordings where there is one, else the scenario's nearest noise pair.
"""

from __future__ import annotations

import signal
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from benchmarks.labels import MISSING, Json, differing
from benchmarks.recordings import Interaction, Pair, Scenario
from benchmarks.scoring import Reported, generalised
from captures.jsonpaths import normalised

RELATIVE = 20.0  # per cent, Diffy's default
ABSOLUTE = 0.03  # per cent of an endpoint's requests, Diffy's default


class CutError(BaseException):
    """A peer took longer than it may. Not an ``Exception``: the peer must not swallow it."""


@contextmanager
def limited(seconds: float) -> Iterator[None]:
    """Raises :class:`CutError` inside when the body takes longer. Main thread only.

    A timer that was running goes on afterwards (pytest-timeout has one).
    """

    def cut(*_: object) -> None:
        raise CutError

    before = signal.signal(signal.SIGALRM, cut)
    timer = signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        signal.setitimer(signal.ITIMER_REAL, *timer)


def deepdiff(pair: Pair) -> list[list[Reported]]:
    """What deepdiff reports of each interaction."""
    return [_deepdiff(interaction) for interaction in pair.interactions]


def _deepdiff(interaction: Interaction) -> list[Reported]:
    from deepdiff import DeepDiff

    tree = DeepDiff(
        interaction.before,
        interaction.after,
        view="tree",
        threshold_to_diff_deeper=0,
        zip_ordered_iterables=True,
        verbose_level=2,
    )
    found = []
    for kind, levels in tree.items():
        for level in levels:
            part, *rest = level.path(output_format="list")
            place = {"status": "response.status", "headers": f"response.header {rest[0] if rest else ''}"}.get(
                part, normalised(tuple(rest))
            )
            found.append(Reported(place, kind, True, _shown(level.t1), _shown(level.t2)))
    return found


def _shown(value: Any) -> Json:
    return MISSING if type(value).__name__ == "NotPresent" else value


@dataclass(frozen=True, slots=True)
class NoiseRun:
    """Two recordings of one build. ``own``: one of them belongs to the pair that is judged."""

    interactions: Sequence[Interaction]
    own: bool


def noise_run(scenario: Scenario, pair: Pair) -> NoiseRun | None:
    """The recordings that show what varies by itself; never the pair that is judged."""
    others = [label[1:] for label in scenario.labels if label[0] and label[1:] != (pair.before, pair.after)]
    if not others:
        return None

    def distance(sides: tuple[int, int]) -> tuple[bool, bool, int]:
        return pair.before not in sides, pair.after not in sides, abs(sides[0] - pair.before)

    best = min(others, key=distance)
    return NoiseRun(scenario.pair(True, *best).interactions, bool({pair.before, pair.after} & set(best)))


def diffy(pair: Pair, noise: NoiseRun | None) -> list[list[Reported]]:
    """What Diffy's rule reports of each interaction, given what differs in ``noise``."""
    raw = [_differences(interaction) for interaction in pair.interactions]
    raw_counts, totals = _counted(pair.interactions, raw)
    other = noise.interactions if noise else ()
    noise_counts, _ = _counted(other, [_differences(interaction) for interaction in other])
    found = []
    for interaction, differences in zip(pair.interactions, raw, strict=True):
        reported = []
        for key, places in differences.items():
            name = (interaction.endpoint, *key)
            if drifted(raw_counts[name], noise_counts[name], totals[interaction.endpoint]):
                reported += places
        found.append(reported)
    return found


def drifted(raw: int, noise: int, total: int) -> bool:
    """Diffy's rule for one location; all three comparisons are strict."""
    if raw <= noise:
        return False
    return (raw - noise) / (raw + noise) * 100 > RELATIVE and (raw - noise) / total * 100 > ABSOLUTE


def _differences(interaction: Interaction) -> dict[tuple[str, str], list[Reported]]:
    """By generalised place and kind of difference: Diffy's location ends in the kind."""
    found: dict[tuple[str, str], list[Reported]] = {}
    for place, (one, other) in differing(interaction.before, interaction.after).items():
        kind = _kind(one, other)
        found.setdefault((generalised(place), kind), []).append(Reported(place, kind, True, one, other))
    return found


def _kind(one: Json, other: Json) -> str:
    if one is MISSING or other is MISSING:
        return "extra" if one is MISSING else "missing"
    if type(one) is not type(other):
        return "type"
    return "size" if isinstance(one, list) else "value"


def _counted(
    interactions: Sequence[Interaction], differences: Sequence[dict[tuple[str, str], list[Reported]]]
) -> tuple[Counter[tuple[str, str, str]], Counter[str]]:
    counts: Counter[tuple[str, str, str]] = Counter()
    totals: Counter[str] = Counter()
    for interaction, found in zip(interactions, differences, strict=True):
        totals[interaction.endpoint] += 1
        counts.update((interaction.endpoint, *key) for key in found)
    return counts, totals
