"""Texts cut into what may be one value each: words, percent-encoded pieces, base64 that holds text. Pure."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

PIECE = re.compile(
    r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(?::\d{2}(?:[.,]\d{1,9})?)?(?: ?(?:Z|[+-]\d{2}:?\d{2}))?"
    r"|(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT"
    r"|[A-Za-z0-9][A-Za-z0-9_~+-]*(?:\.[A-Za-z0-9_~+-]+)*"
)
"""What may be one value inside a longer text."""

_BETWEEN = re.compile(r"[\s;,\"]+")

BASE64_TEXT = re.compile(
    r"(?<![A-Za-z0-9+/_-])"
    r"(?:[A-Za-f][A-HQ-Xg-nw-z0-3][ABEFIJMNQRUVYZcdghklopstwx014589][A-Za-z0-9+/_-]){2,}"
    r"(?:[A-Za-f][A-HQ-Xg-nw-z0-3][ABEFIJMNQRUVYZcdghklopstwx014589]?)?"
    r"(?:={1,2}|(?:%3[Dd]){1,2})?(?![A-Za-z0-9+/_=-])"
)
"""Base64 (RFC 4648, 4 and 5) of ASCII text, known by the top bit of each byte, which is zero: few words look like it,
so that few have to be decoded to be refused. Padding may be percent-encoded.
"""


def words_of(text: str) -> Iterator[str]:
    """Everything in ``text`` that may be one value."""
    seen = {text}
    yield text
    for chunk in _BETWEEN.split(text):  # a random token may begin with "-" or "_", which no word does
        for piece in (chunk, chunk.partition("=")[2]):
            if piece and piece not in seen:
                seen.add(piece)
                yield piece
    for match in PIECE.finditer(text):
        if match.group() not in seen:
            yield match.group()


def unquote(raw: bytes) -> str:
    """``%XX`` decoded; bytes that are not UTF-8 show as ``\\xNN``."""
    return unquote_to_bytes(raw).decode("utf-8", "backslashreplace")


@dataclass(frozen=True, slots=True)
class Base64:
    """A text that was written in base64, and how: so that another text can be written the same way."""

    text: str
    url_safe: bool
    padded: bool

    def written(self, text: str) -> str:
        """``text`` in base64 as this one was."""
        raw = text.encode("utf-8")
        out = (base64.urlsafe_b64encode(raw) if self.url_safe else base64.b64encode(raw)).decode("ascii")
        return out if self.padded else out.rstrip("=")


def base64_text(word: str) -> Base64 | None:
    """What ``word`` says in base64 when that is printable ASCII of at least six characters; else None.

    None as well for what would not come out the same when written again: nothing is lost by reading it.
    """
    body = word.rstrip("=")
    url_safe = "-" in body or "_" in body
    padded = len(word) % 4 == 0
    if len(body) % 4 == 1 or (not padded and word != body):
        return None
    try:
        raw = base64.b64decode(body + "=" * (-len(body) % 4), altchars=b"-_" if url_safe else None, validate=True)
        text = raw.decode("ascii")
    except (binascii.Error, UnicodeDecodeError):
        return None
    found = Base64(text, url_safe, padded)
    return found if len(text) >= 6 and text.isprintable() and found.written(text) == word else None
