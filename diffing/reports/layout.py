"""Phrases laid out in lines of a terminal: by the cells a font gives them, broken between phrases, else between words.

Pure. A width of None is a pipe: everything of one statement stays on its line, for whoever searches it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rich.cells import cell_len, set_cell_size


@dataclass(frozen=True, slots=True)
class Phrase:
    """Text that stays together where it can. ``gap`` comes before it unless it begins a line."""

    text: str
    style: str = ""
    gap: str = "  "


Line = list[tuple[str, str]]  # text and style


def laid_out(phrases: Iterable[Phrase], width: int | None, indent: int = 0, more: str = "…") -> list[Line]:
    """Lines of at most ``width`` cells; those after the first begin with ``indent`` blanks. ``more`` marks a cut."""
    lines: list[Line] = [[]]
    used = 0
    for phrase in phrases:
        if not phrase.text:
            continue
        gap = phrase.gap if lines[-1] else ""
        if width is None or used + cell_len(gap + phrase.text) <= width:
            lines[-1].append((gap, ""))
            lines[-1].append((phrase.text, phrase.style))
            used += cell_len(gap + phrase.text)
            continue
        if lines[-1]:
            lines.append([(" " * indent, "")])
            used = indent
        room = max(8, width - indent)
        broken = _words(phrase.text, room, room if len(lines) > 1 else width, more)
        for number, text in enumerate(broken):
            if number:
                lines.append([(" " * indent, "")])
                used = indent
            lines[-1].append((text, phrase.style))
            used += cell_len(text)
    return [[(text, style) for text, style in line if text] for line in lines]


def _words(text: str, room: int, first: int, more: str) -> list[str]:
    """``text`` in pieces of at most ``room`` cells (the first: ``first``), a longer word cut."""
    pieces: list[str] = []
    limit = first
    for word in text.split(" "):
        together = f"{pieces[-1]} {word}" if pieces else word
        if pieces and cell_len(together) <= limit:
            pieces[-1] = together
            continue
        limit = room if pieces else first
        pieces.append(_cut(word, limit, more))
    return pieces


def _cut(word: str, room: int, more: str) -> str:
    return word if cell_len(word) <= room else set_cell_size(word, max(1, room - cell_len(more))).rstrip() + more


def joined(texts: Sequence[str], style: str = "", between: str = " · ") -> list[Phrase]:
    """Phrases with a dot between them."""
    return [Phrase(text, style, between if number else "  ") for number, text in enumerate(texts)]
