"""The data of the page's views that are decoded when they are looked at, and what their tabs count."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from captures.store import Capture
from diffing.model import Result
from diffing.reports import blind, chains, contract, hidden, latency


@dataclass(frozen=True, slots=True)
class View:
    """One tab: the name in its link, its data, and the number beside its word (None: nothing to count)."""

    name: str
    data: dict[str, Any]
    count: int | None = None
    chunks: tuple[tuple[str, dict[str, Any]], ...] = ()  # what is decoded only when it is opened, by element id


def views(result: Result, recorded: Capture | None, replayed: Capture | None) -> tuple[View, ...]:
    """Every view, each bounded by itself whatever the size of the run."""
    measured = latency.view(result)
    passed = hidden.view(result)
    carried = chains.view(recorded, replayed)
    unseen = blind.view(result, recorded, replayed)
    promised = contract.view(result)
    return (
        View("contract", promised.data, len(promised.data["scopes"]) or None, promised.chunks),
        View("chains", carried, len(carried["chains"]) + len(carried["broken"]) or None),
        View("rules", passed, len(passed["rules"]) or None),
        View("latency", measured, len(measured["rows"]) or None),
        View("blind", unseen, len(unseen["blind"]) or None),
    )
