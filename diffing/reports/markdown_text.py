"""Captured text inside Markdown, where it can do nothing: no markup, no link, no mention, no way out of its place.

Rules of CommonMark and of GitHub's and GitLab's additions: a code span takes everything as it stands except a backtick
(ends it) and, inside a table, a pipe; what holds one of these is written as ``<code>`` with entities instead. Mentions,
issue references and bare links are not looked for inside code.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence

from captures.visible import visible
from diffing.reports.text import clip

_WORD = re.compile(r"[A-Za-z0-9 ,/=;+-]")
_TROUBLE = re.compile(r"[`|]|##\[|^\s|\s$|^$")


def code(text: str, limit: int = 160) -> str:
    """``text`` as inline code, cut to ``limit`` characters; good inside a table, too."""
    text = clip(visible(text), limit)
    return entities(text) if _TROUBLE.search(text) else f"`{text}`"


def entities(text: str) -> str:
    """``text`` as inline code in which every mark is an entity."""
    return f"<code>{_encoded(text) or '&#32;'}</code>"


def fenced(lines: Sequence[str], language: str = "console") -> str:
    """Commands as a block that can be copied, one a line."""
    shown = [visible(line) for line in lines]
    longest = max((len(run) for line in shown for run in re.findall("`+", line)), default=0)
    fence = "`" * max(3, longest + 1)
    return "\n".join([f"{fence}{language}", *shown, fence])


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table of cells that are Markdown already."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def details(summary: str, body: str) -> str:
    """A part that opens on a click. ``summary`` and ``body`` are Markdown already."""
    return f"<details><summary>{summary}</summary>\n\n{body}\n\n</details>"


def size(text: str) -> int:
    """Bytes as UTF-8: at least as many as characters, so that one limit holds for both."""
    return len(text.encode("utf-8", "surrogatepass"))


def within(limit: int, head: str, sections: Iterable[str], total: int, left_out: Callable[[int], str]) -> str:
    """``head``, as many whole ``sections`` as fit into ``limit`` bytes, and what ``left_out`` says of the rest.

    ``head`` is small against the limit. ``total``: how many sections there would be; they are made one by one, and no
    more of them than fit. Ends in a line feed.
    """
    room = limit - size(head) - size(left_out(total)) - 64
    taken: list[str] = []
    for section in sections:
        room -= size(section) + 2
        if room < 0:
            break
        taken.append(section)
    rest = total - len(taken)
    return "\n\n".join([head, *taken, *([left_out(rest)] if rest else [])]) + "\n"


def _encoded(text: str) -> str:
    """Letters, digits and a few marks that mean nothing stay readable."""
    return "".join(c if _WORD.match(c) or ord(c) > 0x7F else f"&#{ord(c)};" for c in text)
