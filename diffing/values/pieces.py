"""Cutting a text into pieces that could be values and what stands between them, and what the text calls each piece."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from diffing.values.names import Hint, hint_of, singular, words

_PIECE = re.compile(
    r"\d{4}-\d\d-\d\d[Tt _]\d\d:\d\d(?::\d\d(?:[.,]\d{1,9})?)?(?:\s?(?:Z|UTC|[+-]\d\d:?\d\d)(?![A-Za-z0-9]))?"
    r"|(?<![\d./])\d\d?/\d\d?/\d{4},? \d\d?:\d\d(?::\d\d)?[ \u00a0\u202f]?(?:[AP]M|[ap]m)\b"
    r"|(?<![\d./])\d\d?\.\d\d?\.\d{4},? \d\d?:\d\d(?::\d\d)?(?![\d:])"
    r"|(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*,? \d\d?[ -][A-Z][a-z]{2}[ -]\d{2,4} \d\d:\d\d:\d\d (?:GMT|UTC|[+-]\d{4})"
    r"|(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d (?:[+-]\d{4} )?\d{4}"
    r"|(?<!\w)\d\d? [A-Z][a-z]{2} \d{4}(?: at |, )\d\d:\d\d(?![\w:])"
    r"|(?<![\w.])1\d{9}\.\d{1,9}(?![\w.])"
    r"|\d\d?/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}"
    r"|https?://[^\s\"'<>?]*\?[^\s\"'<>]*(?:[Ss]ignature|[?&]sig)=[^\s\"'<>]*"
    r"|(?<![\w./\\:])(?:/tmp/|/var/tmp/|/private/tmp/|/var/folders/)[^\s\"'<>,;:()]+"
    r"|(?<![\d.\w])(?:\d{1,3}\.){3}\d{1,3}(?![\d.]|[A-Za-z])"
    r"|eyJ[\w-]+\.eyJ[\w-]+\.[\w-]*"
    r"|(?:(?<=[\"'])[_-]{1,2}|(?<=/)[_-]{1,2}(?=[A-Za-z0-9_-]{16}))?[A-Za-z0-9][A-Za-z0-9_-]*(?:={1,2}(?![\w\"'=/.%+-]))?"
)
_NAMES_NEXT = re.compile(r"""["']?\s*[:=]\s*["']?$""")
_ALGORITHM = re.compile(r"(?:sha|md)[0-9]{1,3}(?:-[0-9]{3})?")  # "api@sha256:…" says how, not that it is made anew
_CURSORS = frozenset("after before continue cursor marker position skiptoken start starting ending".split())
_QUERY_TOKENS = frozenset("key k h v sig".split())
_AUTHORIZING = frozenset("response_type redirect_uri code_challenge client_id".split())
"""Parameters beside which ``state`` is a token made for one use (RFC 6749, 4.1.1)."""


LONGEST = 512
"""Characters of a text whose pieces are remembered."""

Cut = tuple[tuple[str, ...], tuple[str, ...]]


def cut(text: str) -> Cut:
    """The pieces of ``text``, and the gaps around them: one more than pieces."""
    return _remembered(text) if len(text) <= LONGEST else _cut(text)


@lru_cache(maxsize=4096)  # a link is met again and again: made, read, listed; learnt from and judged
def _remembered(text: str) -> Cut:
    return _cut(text)


def _cut(text: str) -> Cut:
    pieces: list[str] = []
    gaps: list[str] = []
    end = 0
    for match in _PIECE.finditer(text):
        gaps.append(text[end : match.start()])
        pieces.append(match[0])
        end = match.end()
    gaps.append(text[end:])
    return tuple(pieces), tuple(gaps)


def name_of(pieces: Sequence[str], gaps: Sequence[str], at: int) -> str:
    """What the text before piece ``at`` calls it; "" when nothing does."""
    if not at:
        return ""
    gap, before = gaps[at], pieces[at - 1]
    if gap.endswith("/"):
        return f"{singular(before)}_id" if gap == "/" else ""
    if gap == "(" and gaps[at + 1].startswith(")"):  # OData: /Orders(8184)
        return f"{singular(before.lower())}_id"
    if _NAMES_NEXT.search(gap):
        if before in ("value", "content", "data"):  # <input name="csrf_token" value="…">
            for word in reversed(pieces[max(0, at - 5) : at - 1]):
                if hint_of(word) is not None:
                    return word
        return "" if _ALGORITHM.fullmatch(before) else before
    if gap == " " and hint_of(before) in (Hint.ID, Hint.TOKEN, Hint.REFERENCE):
        return before
    return ""


def query_name(pieces: Sequence[str], gaps: Sequence[str], at: int) -> str | None:
    """The name of the query parameter that piece ``at`` is in, as far as it promises something; None outside a query.

    A parameter's own name decides, whatever the member is called that the URL stands under.
    """
    begin = next((place for place in range(at, -1, -1) if "?" in gaps[place]), None)
    if begin is None or any(blank in gap for gap in gaps[begin + 1 : at + 1] for blank in " \n\"'<>"):
        return None
    for place in range(at, begin - 1, -1):
        if "=" in gaps[place] and place and ("?" in gaps[place - 1] or "&" in gaps[place - 1]):
            name = pieces[place - 1]
            parts = words(name)
            if hint_of(name) is not None:
                return name
            if parts and parts[-1] in _CURSORS:
                return "cursor"
            if name == "state" and not _AUTHORIZING.isdisjoint(pieces):
                return "state_token"
            return "key_token" if name in _QUERY_TOKENS else ""
    return ""
