"""Captured text made fit to be seen. What was recorded is hostile: it may hold terminal escapes, bidirectional
overrides that reorder a line (CVE-2021-42574), NULs that end a file early, and half surrogates no encoder takes.

Every report passes captured text through :func:`visible`; escaping for the format itself (XML, HTML) comes on top.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

# C0, DEL, C1; zero width space, LRM, RLM; line and paragraph separators; bidi embeddings, overrides and isolates; word
# joiner; Arabic letter mark; byte order mark; half surrogates; the non-characters XML 1.0 refuses. ZWJ and ZWNJ stay:
# scripts and emoji need them.
_UNSEEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff\ufffe\uffff]"
)
_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}


def visible(text: str, *, lines: bool = False, ascii_only: bool = False) -> str:
    """``text`` with everything that would act instead of being seen written as an escape (``\\x1b``, ``\\u202e``).

    ``lines`` keeps line feeds and tabs; ``ascii_only`` escapes whatever is not ASCII, for terminals that have no more.
    """
    if text.isascii() and text.isprintable():  # most of what was recorded
        return text

    def escape(match: re.Match[str]) -> str:
        character = match.group()
        if lines and character in "\n\t":
            return character
        if character in _SHORT:
            return _SHORT[character]
        code = ord(character)
        return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"

    shown = _UNSEEN.sub(escape, text)
    if ascii_only:
        shown = shown.encode("ascii", "backslashreplace").decode("ascii")
    return shown


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
