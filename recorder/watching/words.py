"""The counters of a recording in words: for a terminal's line, a log, and the service manager. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from captures.visible import visible
from captures.wording import sized

LEFT_OUT = ("left_out", "left_out_calls", "sampled_out", "sampled_out_calls")
"""Counters of what passed and was not recorded, because it was asked for so."""

CAUSES = {"closed": "came too late", "unredacted": "secrets not replaced", "unwritten": "cannot be written"}


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the line."""

    text: str
    weight: int  # where there is no room for all, those of the least weight go first
    alarming: bool = False


def parts(
    counters: Mapping[str, Any], elapsed: float | None = None, rate: float | None = None, size: int | None = None
) -> Sequence[Part]:
    """What is shown of ``counters`` (of the proxy process), in order.

    ``elapsed`` in seconds, ``rate`` in exchanges per second, ``size`` of the file in bytes.
    """
    found = [Part(duration(elapsed), 6)] if elapsed is not None else []
    found.append(Part(f"{counters.get('written', 0):,} written", 9))
    if counters.get("dropped"):
        found.append(Part(f"{counters['dropped']:,} DROPPED{why_lost(counters)}", 8, alarming=True))
    left = sum(counters.get(name, 0) for name in LEFT_OUT)
    if left:
        found.append(Part(f"{left:,} left out", 4))
    if counters.get("trouble"):
        found.append(Part(f"not writing: {counters['trouble']}", 7))
    if counters.get("seen", 0) > counters.get("written", 0):
        found.append(Part(f"{counters['seen']:,} seen", 4))
    if rate is not None:
        found.append(Part(f"{rate:,.0f}/s" if rate >= 10 or not rate else f"{rate:.1f}/s", 5))
    found.append(Part(f"{counters.get('open', 0):,} open", 2))
    if counters.get("queued"):
        found.append(Part(f"{counters['queued']:,} queued", 3))
    if counters.get("lag", 0) >= 1:
        found.append(Part(f"lag {counters['lag']:.0f} s", 3))
    if size is not None:
        found.append(Part(sized(size), 1))
    return found


def status(counters: Mapping[str, Any]) -> str:
    """The same as one line."""
    return visible(", ".join(one.text for one in parts(counters)))


def fitted(shown: Sequence[Part], width: int) -> str:
    """``shown`` on one line of at most ``width`` characters: the parts of the most weight, the last one cut."""
    left = list(shown)
    while len(left) > 1 and len(_line(left)) > width:
        left.remove(min(left, key=lambda one: one.weight))
    text = _line(left)
    return text if len(text) <= width else text[: max(0, width - 1)] + "…"[: max(0, width)]


def why_lost(counters: Mapping[str, Any]) -> str:
    """`` (queue full 3, disk full 1)``; with one reason without its number, with none nothing."""
    reasons = {name: number for name, number in (counters.get("dropped_by") or {}).items() if number}
    ordered = sorted(reasons.items(), key=lambda one: -one[1])
    words = [CAUSES.get(name, name.replace("_", " ")) + (f" {number:,}" if len(ordered) > 1 else "")
             for name, number in ordered]  # fmt: skip
    return f" ({', '.join(words)})" if words else ""


def duration(seconds: float) -> str:
    """``7 s``, ``12:05`` (minutes), ``3:12:05`` (hours), ``2 d 3:12:05``."""
    whole = int(seconds)
    days, rest = divmod(whole, 86_400)
    hours, rest = divmod(rest, 3600)
    minutes, rest = divmod(rest, 60)
    if whole < 60:
        return f"{whole} s"
    clock = f"{hours}:{minutes:02}:{rest:02}" if hours or days else f"{minutes}:{rest:02}"
    return f"{days} d {clock}" if days else clock


def _line(shown: Sequence[Part]) -> str:
    return visible(" · ".join(one.text for one in shown))
