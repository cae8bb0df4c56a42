"""Which tier the command line and the configuration ask for, and what earlier runs say about where to begin."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from captures.errors import RetapeError, UsageError
from captures.state import state_dir
from diffing.history import file
from diffing.history.risk import past_drift
from replayer.pacing import Pacing
from replayer.plan import Clock, Order, Tier, TierName

LOOKED_AT = 20
"""Runs of the history that count."""


def tier_of(given: Mapping[str, Any], settings: Mapping[str, Any]) -> Tier:
    """The tier. A command that has no ``--tier`` replays everything. Raises :class:`UsageError`."""
    if "tier" not in given:
        return Tier()
    name, limit = TierName(settings["tier"]), given.get("limit")
    if name is TierName.FULL:
        if limit is not None:
            raise UsageError(
                "--limit cuts the smoke tier, which is ordered by risk; the full tier has no end to cut.",
                hint="Add --tier smoke, or choose with --only.",
            )
        return Tier()
    timed = Pacing.parse(settings["pacing"]).speed is not None or Clock(settings["clock"]) is Clock.RECORDED
    # Shards are replayed on machines with other histories, and have to cut the recording alike.
    past = {} if given.get("shard") else _past()
    return Tier(name, limit, by_risk=not timed, past=past, state=_state())


def order_of(given: Mapping[str, Any], settings: Mapping[str, Any], configured: Mapping[str, Any], tier: Tier) -> Order:
    """What may overtake what: in the smoke tier requests of other clients, unless somebody says otherwise."""
    asked = given.get("order") or configured.get("order")
    if tier.name is TierName.SMOKE and asked is None:
        return Order.SESSION if tier.by_risk else Order.RECORDED
    return Order(settings["order"])


def _past() -> dict[str, float]:
    try:
        return past_drift(file.last(state_dir(), LOOKED_AT))
    except RetapeError:
        return {}  # it is said when this run is noted


def _state() -> Path | None:
    try:
        return state_dir()
    except RetapeError:
        return None
