"""Sizes and times as people write them in options and configuration: ``1GB``, ``64MiB``, ``6h``, ``1h30m``. Pure."""

from __future__ import annotations

import re

SIZES = {
    "b": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9, "tb": 10**12, "kib": 2**10, "mib": 2**20, "gib": 2**30, "tib": 2**40,
}  # fmt: skip
SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3_600.0, "d": 86_400.0, "w": 604_800.0}
_SIZE = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*([kmgt]i?b|b)", re.IGNORECASE)
_TIME = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*(ms|[smhdw])\s*")


def size_of(text: str) -> int | None:
    """The bytes that ``text`` names, with a unit; None where it is no size."""
    match = _SIZE.fullmatch(text.strip())
    return round(float(match[1]) * SIZES[match[2].lower()]) if match else None


def seconds_of(text: str) -> float | None:
    """The seconds that ``text`` names, with units, one or several (``1h30m``); None where it is no time."""
    left, seconds = text.strip(), 0.0
    if not left:
        return None
    while left:
        match = _TIME.match(left)
        if match is None:
            return None
        seconds += float(match[1]) * SECONDS[match[2]]
        left = left[match.end() :]
    return seconds
