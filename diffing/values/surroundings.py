"""What the words around a piece of text say of it: how long something took, which process wrote a line, a built file.

Each asks for two signs: ``22`` is a duration by its unit *and* by a verb of work (``took``, ``rendered … in``), for
``expires in 30 s`` is a promise; a process id by its name *and* by the moment of its run in the same line; a hash in
the name of a file by its form *and* by the extension of what only build tools write.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

_UNITS = frozenset("ms us ns s sec secs second seconds millisecond milliseconds microseconds nanoseconds".split())
_WORK = frozenset(
    "rendered generated completed processed executed finished done built compiled served handled ran queried loaded "
    "computed responded answered parsed indexed".split()
)
_GLUED = re.compile(r"([0-9]+)(ms|us|ns|s)")
_HASH = re.compile(r"[0-9a-f]{8,40}|[0-9A-F]{8,40}|[A-Za-z0-9_]{8,22}")
_BUILT = frozenset("js mjs cjs css map wasm woff woff2 chunk min module".split())
_PROCESS = frozenset("pid tid thread".split())
LONGER = 100  # times: work that takes that much longer is worth a look, and so is another unit


def said(pieces: Sequence[str], gaps: Sequence[str], at: int, other: str) -> tuple[str, str] | None:
    """(rule, why) where the words around piece ``at`` accept ``other`` in its place; None where they say nothing."""
    one = pieces[at]
    if _took(pieces, gaps, at, other):
        return "volatile.duration", "the text says how long it took"
    if (stem := _built(pieces, gaps, at, one)) is not None and stem == _built(pieces, gaps, at, other):
        return "volatile.build", "the hash in the name of a built file"
    return None


def process(pieces: Sequence[str], gaps: Sequence[str], at: int, other: str) -> bool:
    """Whether ``pid=164`` became another process. The line must also tell a moment of its run: ask for that."""
    one = pieces[at]
    called = at > 0 and pieces[at - 1].lower() in _PROCESS and gaps[at] in ("=", ":", ": ", " ")
    return called and one.isdigit() and other.isdigit() and max(len(one), len(other)) <= 7 and "0" not in (one, other)


def _took(pieces: Sequence[str], gaps: Sequence[str], at: int, other: str) -> bool:
    one = pieces[at]
    first = at - 1 if at and gaps[at] == "." and pieces[at - 1].isdigit() else at
    last = at + 1 if gaps[at + 1] == "." and at + 1 < len(pieces) and pieces[at + 1][:1].isdigit() else at
    ours, theirs = _GLUED.fullmatch(one), _GLUED.fullmatch(other)
    if ours and theirs:
        if ours[2] != theirs[2]:
            return False
        one, other = ours[1], theirs[1]
    elif _GLUED.fullmatch(pieces[last]) is None and (
        gaps[last + 1] != " " or last + 1 >= len(pieces) or pieces[last + 1].lower() not in _UNITS
    ):
        return False
    if not (one.isdigit() and other.isdigit()):
        return False
    if first == at and max(int(one), int(other)) > LONGER * max(min(int(one), int(other)), 1):
        return False
    before = pieces[first - 1].lower() if first else ""
    if before in ("took", "elapsed"):
        return True
    return before in ("in", "after") and any(word.lower() in _WORK for word in pieces[max(0, first - 12) : first - 1])


def _built(pieces: Sequence[str], gaps: Sequence[str], at: int, text: str) -> tuple[str, int, bool] | None:
    """(what stands before the hash, its length, whether it is hexadecimal) of the name of a built file."""
    if gaps[at + 1] != "." or at + 1 >= len(pieces) or pieces[at + 1] not in _BUILT:
        return None
    stem, mark, found = text.rpartition("-")
    if not mark and (not at or gaps[at] != "."):
        return None
    if _HASH.fullmatch(found) is None or not any(letter.isdigit() for letter in found) or found.isdigit():
        return None
    hexadecimal = re.fullmatch(r"[0-9a-f]+|[0-9A-F]+", found) is not None
    if not hexadecimal and (found.lower() == found or found.upper() == found):
        return None
    return stem, len(found), hexadecimal
