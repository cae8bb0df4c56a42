"""Which endpoints drifted lately: what the next run looks at first. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from diffing.history.entry import Entry
from diffing.model import Level

FADING = 0.5
"""What a run counts against the one after it."""


def past_drift(entries: Sequence[Entry]) -> dict[str, float]:
    """For each endpoint that drifted in ``entries`` (oldest first) from 0 to 1: at least a half if it did last time.

    Counted are open groups from *warning* up, in the runs that sent something to the endpoint.
    """
    weights: dict[str, float] = {}
    drifted: dict[str, float] = {}
    totals: dict[str, float] = {}
    for entry in reversed(entries):
        hit = {group.endpoint for group in entry.open_groups if group.level != Level.INFO.value}
        for one in entry.endpoints:
            if not one.replayed:
                continue
            weight = weights.get(one.endpoint, 1.0)
            weights[one.endpoint] = weight * FADING
            totals[one.endpoint] = totals.get(one.endpoint, 0.0) + weight
            if one.endpoint in hit:
                drifted[one.endpoint] = drifted.get(one.endpoint, 0.0) + weight
    return {name: weight / totals[name] for name, weight in drifted.items()}
