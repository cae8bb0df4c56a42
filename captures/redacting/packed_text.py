"""Texts that stand in other texts in base64 (RFC 4648, in either alphabet), also compressed by gzip before. Pure."""

from __future__ import annotations

import base64
import re
import zlib
from collections.abc import Iterator

from captures.redacting.secret_headers import JWT

SHORTEST = 20
"""Characters of base64 that are looked into: fourteen bytes, of which ``{"pwd":"abcd"}`` has as many."""

_RUN = re.compile(
    r"(?<![A-Za-z0-9+/_=-])(?:(?:[A-Za-z0-9+/]{40,120}\r?\n){1,100000}[A-Za-z0-9+/]{1,120}|[A-Za-z0-9+/]{20,}|"
    r"[A-Za-z0-9_-]{20,})={0,2}(?![A-Za-z0-9+/_=-])"
)
_PRINTABLE = re.compile(rb"[\t\n\r -~\x80-\xff]+")
_FIRST = 32  # characters that tell whether it is a text at all
_GZIP = "H4sI"
_MOST = 16 * 1024 * 1024  # bytes that come out of gzip


def packings(text: str) -> Iterator[tuple[int, int, str]]:
    """Where base64 of a text stands in ``text``, and that text. Parts of JSON Web Tokens are none."""
    tokens = JWT.finditer(text) if "eyJ" in text and "." in text else iter(())
    token = next(tokens, None)
    for match in _RUN.finditer(text):
        packed = match[0]
        while token is not None and token.end() <= match.start():
            token = next(tokens, None)
        if token is not None and token.start() <= match.start():
            continue
        try:
            if packed.startswith(_GZIP):
                plain = _gunzipped(_unpacked(packed)).decode("utf-8")
            elif _PRINTABLE.fullmatch(_unpacked(packed[:_FIRST])):
                plain = _unpacked(packed).decode("utf-8")
            else:
                continue
        except (ValueError, zlib.error):
            continue
        yield match.start(), match.end(), plain


def packed(text: str, like: str) -> str:
    """``text`` as ``like`` has it: compressed or not, in its alphabet, lines and padding."""
    data = text.encode("utf-8", "surrogatepass")
    if like.startswith(_GZIP):
        packer = zlib.compressobj(6, zlib.DEFLATED, 16 + zlib.MAX_WBITS)
        data = packer.compress(data) + packer.flush()
    new = base64.b64encode(data, _alphabet(like)).decode("ascii")
    if not like.endswith("=") and len(like.replace("\r", "").replace("\n", "")) % 4:
        new = new.rstrip("=")
    if "\n" in like:
        width = like.index("\r\n") if "\r\n" in like else like.index("\n")
        new = ("\r\n" if "\r\n" in like else "\n").join(new[at : at + width] for at in range(0, len(new), width))
    return new


def _unpacked(packed: str) -> bytes:
    whole = packed.replace("\r", "").replace("\n", "")
    return base64.b64decode(whole + "=" * (-len(whole) % 4), _alphabet(whole), validate=True)


def _gunzipped(data: bytes) -> bytes:
    unpacker = zlib.decompressobj(16 + zlib.MAX_WBITS)
    plain = unpacker.decompress(data, _MOST)
    if not unpacker.eof:
        raise ValueError("cut off, or too large")
    return plain


def _alphabet(packed: str) -> bytes:
    return b"-_" if "-" in packed or "_" in packed else b"+/"
