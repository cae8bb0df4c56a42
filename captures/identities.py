"""Values that name one thing: the ids and tokens of high entropy in the bytes of a message. Pure, bounded, total.

What is found here is taken for evidence that two messages are about the same thing, so a word, a date, a counter or a
short serial number (``SKU-1001``, which many requests share) is none. Values are only ever compared, never shown.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import lru_cache
from urllib.parse import unquote_to_bytes

from captures.model import Headers
from captures.tokens import TIMES, Kind, kind_of

SCANNED = 16 * 1024
"""Bytes of one body that are looked through."""

MOST = 256
"""Values taken from one message."""

_WORD = re.compile(rb"[A-Za-z0-9][A-Za-z0-9_~-]{9,255}")
_COMMON = frozenset(
    b"host user-agent accept accept-encoding accept-language accept-charset connection keep-alive content-type "
    b"content-length content-encoding transfer-encoding te date expect upgrade via server cache-control pragma "
    b"proxy-connection sec-ch-ua sec-ch-ua-platform sec-fetch-mode sec-fetch-site sec-fetch-dest x-forwarded-for "
    b"x-forwarded-host x-forwarded-port x-forwarded-proto x-real-ip forwarded origin etag vary allow".split()
)
_NAMING = frozenset({Kind.UUID, Kind.ULID, Kind.JWT, Kind.OPAQUE})
_LONG_HEX = 12  # hexadecimal digits: 48 bits
_LONG_DIGITS = 15
_RANDOM_RUN = re.compile(r"[A-Za-z0-9]{8,}")
_EPOCHS = tuple((1_400_000_000 * unit, 2_400_000_000 * unit) for unit in (1, 10**3, 10**6, 10**9))  # 2014 to 2046


def identities(target: bytes, headers: Headers, body: bytes) -> frozenset[bytes]:
    """The naming values of a message: of its target, of headers that are not about the connection, of its body."""
    coded = any(name.lower() == b"content-encoding" and value.lower() != b"identity" for name, value in headers)
    return naming([*head_parts(target, headers), b"" if coded else body[:SCANNED]])


def head_parts(target: bytes, headers: Headers) -> list[bytes]:
    """What of a message's head may hold ids: the target and the headers that are not about the connection."""
    texts = [target, *(value for name, value in headers if name.lower() not in _COMMON)]
    return [unquote_to_bytes(text) if b"%" in text else text for text in texts]


def idlike(parts: Iterable[bytes]) -> frozenset[bytes]:
    """All that looks like an id in ``parts``, serial numbers as well (``ORD-2026-000123``); no times, no words."""
    return _found(parts, _is_idlike)


def naming(parts: Iterable[bytes]) -> frozenset[bytes]:
    """The naming values in ``parts``."""
    return _found(parts, _is_naming)


def _found(parts: Iterable[bytes], accepts: Callable[[bytes], bool]) -> frozenset[bytes]:
    found: set[bytes] = set()
    for part in parts:
        for match in _WORD.finditer(part):
            word = match[0]
            if word not in found and accepts(word):
                found.add(word)
                if len(found) >= MOST:
                    return frozenset(found)
    return frozenset(found)


@lru_cache(maxsize=8192)
def _is_idlike(word: bytes) -> bool:
    text = word.decode("ascii")
    kind = kind_of(text)
    if kind is None or kind in TIMES:
        return False
    return kind is not Kind.DIGITS or not any(low <= int(text) <= high for low, high in _EPOCHS)


@lru_cache(maxsize=8192)
def _is_naming(word: bytes) -> bool:
    return form_of(word) is not None


def form_of(word: bytes) -> str | None:
    """What kind of id ``word`` is, for people ("uuid"); None where it may be anything."""
    text = word.decode("ascii")
    kind = kind_of(text)
    if kind is None:
        return None
    if kind in _NAMING:
        return kind.value
    if kind is Kind.DIGITS:
        long = len(text) >= _LONG_DIGITS and not any(low <= int(text) <= high for low, high in _EPOCHS)
        return kind.value if long else None
    if kind is Kind.HEX:
        return kind.value if len(text) >= _LONG_HEX else None
    if kind is Kind.PREFIXED:
        return kind.value if any(_is_mixed(run) for run in _RANDOM_RUN.findall(text)) else None
    return None


def _is_mixed(run: str) -> bool:
    return any(one.isdigit() for one in run) and any(one.isalpha() for one in run)
