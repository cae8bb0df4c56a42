"""The same text written in another form: another case, Unicode form, escaping, or other blanks.

It is drift, for somebody may compare bytes, but it is not another value: people look for its cause elsewhere.
"""

from __future__ import annotations

import html
import re
import unicodedata
from urllib.parse import unquote

LONGEST = 20_000  # characters
_ESCAPED = re.compile("[&%]")


def same_text(recorded: str, replayed: str) -> str:
    """What alone differs between two unequal texts of one reading, as part of a sentence; "" for two readings."""
    if len(recorded) > LONGEST or len(replayed) > LONGEST:
        return ""
    one, other = recorded.lower(), replayed.lower()
    if len(recorded) == len(replayed) and one == other:
        return "letter case"
    if recorded.isascii() and replayed.isascii() and not (_ESCAPED.search(recorded) or _ESCAPED.search(replayed)):
        words, others = one.split(), other.split()
        if words != others and (len(words) == len(others) == 1 or "".join(words) != "".join(others)):
            return ""  # nothing is escaped: only blanks and case could differ
    steps: list[str] = []
    one, other = recorded, replayed
    for what, read in (
        ("Unicode form", lambda text: unicodedata.normalize("NFC", text)),
        ("HTML escaping", html.unescape),
        ("percent-encoding", unquote),
        ("blanks", lambda text: re.sub(r"\s+", " ", text).strip()),
        ("letter case", str.casefold),
    ):
        before = one, other
        one, other = read(one), read(other)
        if (one == before[0]) != (other == before[1]) or (before != (one, other) and one == other):
            steps.append(what)
        if one == other:
            return " and ".join(steps) or what if one.strip() else ""
    return ""
