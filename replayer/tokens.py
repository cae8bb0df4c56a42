"""What two values have in common by their looks: two outbound calls may differ where both hold one kind of value. Pure.

*Matching* asks; what it lets pass is still compared afterwards. How one value looks is in ``captures.tokens``.
"""

from __future__ import annotations

from captures.tokens import DATETIME, PREFIXED, TIMES, Kind, is_epoch, is_idish, is_weak_id, kind_of, noun_of, singular

__all__ = [
    "TIMES", "Kind", "is_epoch", "is_idish", "is_weak_id", "kind_of", "noun_of", "same_kind", "shape", "singular",
]  # fmt: skip


def same_kind(one: str, other: str, *, near_one: float | None = None, near_other: float | None = None) -> Kind | None:
    """The kind both share, formats agreeing in what formats fix (prefix, time precision), else None."""
    kind = kind_of(one, near=near_one)
    if kind is None or kind_of(other, near=near_other) is not kind or shape(one, kind) != shape(other, kind):
        return None
    return kind


def shape(text: str, kind: Kind) -> str:
    """What stays equal between two values of one kind and format: ``prefixed:ord``, ``datetime:T.6Z``."""
    if kind is Kind.PREFIXED:
        match = PREFIXED.fullmatch(text)
        return f"{kind}:{match[1]}" if match else str(kind)
    if kind is Kind.DATETIME:
        match = DATETIME.fullmatch(text)
        if match is None:
            return str(kind)
        fraction = len(match[2]) - 9 if len(match[2]) > 8 else 0
        zone = match[3] or ""
        return f"{kind}:{text[10]}{'.6' if fraction > 3 else f'.{fraction}'}{zone if zone in ('', 'Z') else '+'}"
    if kind in (Kind.EPOCH, Kind.DIGITS):
        return f"{kind}:{len(text)}"
    if kind is Kind.HEX:
        return f"{kind}:{len(text)}"
    return str(kind)
