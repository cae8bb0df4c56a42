"""Captured text made fit to be seen. What was recorded is hostile: it may hold terminal escapes, fake line breaks,
overrides that reorder a line (CVE-2021-42574), letters nobody sees, NULs that end a file early, and half surrogates no
encoder takes. All that people see passes through :func:`visible`; escaping for a format (XML, HTML) comes on top.
"""

from __future__ import annotations

import re

# C0, DEL, C1; line and paragraph separators; bidirectional marks, embeddings, overrides and isolates; half surrogates;
# the non-characters XML 1.0 refuses; notes between the lines (U+FFF9); and what has neither width nor ink (Unicode's
# Default_Ignorable_Code_Point, tags among it).
_NEVER = (
    "\x00-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\u3164"
    "\ud800-\udfff\ufeff\uffa0\ufff0-\ufffb\ufffe\uffff\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    "\U000e0000-\U000e00ff\U000e01f0-\U000e0fff"
)
# Scripts and emoji need these: a selector stays after a character that is seen and not ASCII, a joiner between two.
_SELECTORS = "\u180b-\u180d\u180f\ufe00-\ufe0f\U000e0100-\U000e01ef"
_JOINERS = "\u200c\u200d"
_SEEN = f"[^\x00-\x7f{_NEVER}{_SELECTORS}{_JOINERS}]"
_UNSAFE = re.compile(
    f"[{_NEVER}]|(?<!{_SEEN})[{_SELECTORS}]|(?<!{_SEEN})(?<!{_SEEN}[{_SELECTORS}])[{_JOINERS}]|[{_JOINERS}](?!{_SEEN})"
)
_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}

_COMMAND = re.compile(r"^(\s*):(?=:)", re.MULTILINE)


def visible(text: str, *, lines: bool = False, ascii_only: bool = False) -> str:
    """``text`` with everything that would act, or not be seen, written as an escape (``\\x1b``, ``\\u202e``).

    ``lines`` keeps line feeds and tabs; ``ascii_only`` escapes whatever is not ASCII, for terminals that have no more.
    """
    if text.isascii() and text.isprintable():  # most of what was recorded
        return text

    def escape(match: re.Match[str]) -> str:
        character = match[0]
        if lines and character in "\n\t":
            return character
        if character in _SHORT:
            return _SHORT[character]
        code = ord(character)
        if code > 0xFFFF:
            return f"\\U{code:08x}"
        return f"\\u{code:04x}" if code > 0xFF else f"\\x{code:02x}"

    shown = _UNSAFE.sub(escape, text)
    return shown.encode("ascii", "backslashreplace").decode("ascii") if ascii_only else shown


def inert(text: str) -> str:
    """``text`` for a log that a CI runner reads: GitHub's obeys ``##[`` anywhere in a line, and ``::`` at its start."""
    return _COMMAND.sub(r"\1\\x3a", text.replace("##[", "#\\x23["))


def in_toml(text: str) -> str:
    """TOML text whose strings hold such characters, with escapes in their place: it says the same and is harmless.

    Line ends and tabs are the file's own, and stay. TOML has no form for half a character.
    """
    return _UNSAFE.sub(lambda match: match[0] if match[0] in "\n\t" else f"\\U{ord(match[0]):08x}", text)


def in_json(text: str) -> str:
    """The same for JSON text (RFC 8259, 7)."""

    def escape(match: re.Match[str]) -> str:
        if match[0] in "\n\t":
            return match[0]
        units = match[0].encode("utf-16-be", "surrogatepass")
        return "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2))

    return _UNSAFE.sub(escape, text)
