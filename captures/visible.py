"""Captured text made harmless to print: terminal escapes, fake line breaks, invisible and reversing marks are shown."""

from __future__ import annotations

import re

_UNSAFE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ud800-\udfff\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]"
)

_COMMAND = re.compile(r"^(\s*):(?=:)", re.MULTILINE)


def visible(text: str, *, lines: bool = False) -> str:
    """``text`` with every character that would not show as itself written as an escape; ``lines`` keeps LF and TAB."""

    def escape(match: re.Match[str]) -> str:
        character = match[0]
        if lines and character in "\n\t":
            return character
        code = ord(character)
        if code > 0xFFFF:
            return f"\\U{code:08x}"
        return f"\\u{code:04x}" if code > 0xFF else f"\\x{code:02x}"

    return _UNSAFE.sub(escape, text)


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
