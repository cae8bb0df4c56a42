"""How a recording goes, in numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from captures.model import Exchange


@dataclass(frozen=True, slots=True)
class Counters:
    """A snapshot of one writer's integrity counters, over all files it wrote.

    The reasons of ``dropped_by`` are those of ``captures.faults``, for machines to count by.
    """

    seen: int
    written: int  # and still there
    dropped: int
    truncated: int
    last_error: str = ""  # a sentence about the latest loss
    dropped_by: Mapping[str, int] = field(default_factory=dict)  # reason -> exchanges; the sum is ``dropped``
    redacted: int = 0  # places
    queued: int = 0  # exchanges handed over and neither committed nor dropped yet
    queued_bytes: int = 0
    lag: float = 0.0  # seconds that the oldest of these has been waiting
    trouble: str = ""  # why nothing can be written right now: what is seen waits in memory
    files: tuple[tuple[str, int], ...] = ()  # path and session of the newest files of this writer that are still there
    untold: tuple[int, int] = (0, 0)  # older ones, and bytes in them
    removed: tuple[int, int] = (0, 0)  # files that were kept no longer, and exchanges in them
    unrotated: str = ""  # why the recording cannot go on in another file, though it is time to


def places_replaced(exchange: Exchange) -> int:
    """How many values redaction replaced in ``exchange``."""
    counted = exchange.notes.get("redacted")
    return sum(counted.values()) if isinstance(counted, Mapping) else 0
