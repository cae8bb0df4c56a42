"""Texts of reports cut to a length without hiding what differs, and other small words."""

from __future__ import annotations

from collections.abc import Sequence


def clip(text: str, limit: int) -> str:
    """``text`` cut to ``limit`` characters, saying how long it was."""
    if len(text) <= limit:
        return text
    return f"{text[:limit]}… ({len(text):,} characters)"


def shared(left: str, right: str) -> int:
    """How many characters both begin with. Halves are compared whole: a character at a time, a large value took longer
    than all the rest of its report.
    """
    low, high = 0, min(len(left), len(right))
    while low < high:
        middle = (low + high + 1) // 2
        if left[low:middle] == right[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def clip_pair(left: str, right: str, limit: int) -> tuple[str, str]:
    """Both texts cut to ``limit`` characters around their first difference, so that the cut never hides it."""
    if len(left) <= limit and len(right) <= limit:
        return left, right
    start = max(0, shared(left, right) - limit // 4)

    def window(text: str) -> str:
        cut = text[start : start + limit]
        before = "…" if start else ""
        after = f"… ({len(text):,} characters)" if start + limit < len(text) else ""
        return f"{before}{cut}{after}"

    return window(left), window(right)


def listed(words: Sequence[str]) -> str:
    """``a, b and c``."""
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} and {words[-1]}"


def size_text(size: int) -> str:
    """A size in bytes for people: ``812 B``, ``63.4 KiB``."""
    if size < 1024:
        return f"{size} B"
    if size < 1024 * 1024:
        return f"{size / 1024:.1f} KiB"
    return f"{size / 1024 / 1024:.1f} MiB"
