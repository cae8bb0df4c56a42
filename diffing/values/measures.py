"""How long something took: numbers that vary by themselves, but within reason and in one unit."""

from __future__ import annotations

from typing import Any

from diffing.contract.profile import Node
from diffing.values.names import words

WITHIN = 1_000
"""The factor between two times that one service needs for the same: beyond it the unit is another."""

FEWEST = 3
"""Samples of one value from which on it is a constant."""

_LASTING = frozenset("duration run".split())
"""Words of names that are as often a property of a thing (a film, a call) as a time that work took."""


def complaint(recorded: Any, replayed: Any, name: str, node: Node | None) -> str:
    """Why two unequal numbers under ``name`` are no two times that work took; "" when they may be."""
    if type(recorded) is int and type(replayed) is not int:
        return "a whole number became a fraction, as in another unit"
    said = unsteady(name, node)
    if said or "uptime" in words(name):  # which begins again with every start
        return said
    return factor(float(recorded), float(replayed), fine=type(recorded) is not int)


def unsteady(name: str, node: Node | None) -> str:
    """Why the place is not known to vary; "" when its name or its samples say that it does."""
    moves = node.moves if node is not None else None
    if moves is not None and moves.moved:
        return ""
    if node is not None and node.stayed > node.moved:
        return f"it stayed in {node.stayed}/{node.stayed + node.moved} answers of this run"
    counts = node.values.counts if node is not None else {}
    if node is not None and len(counts) == 1 and node.seen - node.nulls >= FEWEST and 0 not in counts:
        return f"one value in all {node.seen - node.nulls} recorded samples"
    if not _LASTING.isdisjoint(words(name)) and not (node is not None and node.varies()):
        return "nothing says that it varies by itself"
    return ""


def factor(recorded: float, replayed: float, *, fine: bool) -> str:
    """Why two lengths of time differ too much for one unit; "" when they do not."""
    least = 1e-6 if fine else 1.0
    less, more = sorted((max(recorded, least), max(replayed, least)))
    if recorded and replayed and more / less >= 0.95 * WITHIN:
        return f"{more / less:.3g} times as long: another unit, or another thing"
    if (not recorded or not replayed) and more / less > WITHIN:
        return "one of both is zero, the other far from it"
    return ""
