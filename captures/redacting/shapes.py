"""Text drawn anew in the shape of another, out of a key, and the seal by which it is known again. Pure.

Digits stay digits, letters keep their case and script, punctuation stays. Where a text is long enough its last
characters are no free draw but a check of what stands before them, made with the key (HMAC-SHA256, RFC 2104): so a
pseudonym of ours is told from a secret without a list of those given out, and is never replaced a second time. What has
letters and is too short for that grows (:func:`roomy`); a short number does not, since its length is its form.
"""

from __future__ import annotations

import hmac
import re
import unicodedata
from collections.abc import Iterator
from hashlib import sha256

DIGITS = "0123456789"
LOWER = "abcdefghijklmnopqrstuvwxyz"
UPPER = LOWER.upper()
_PUNCTUATION = "!#*+-._~"

_UUID = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")
_HEX = re.compile(r"(?=[0-9-]*[a-f])[0-9a-f][0-9a-f-]{14,}[0-9a-f]|(?=[0-9-]*[A-F])[0-9A-F][0-9A-F-]{14,}[0-9A-F]")

_SHORT_HEX = re.compile(r"(?=[a-f]*[0-9])(?=[0-9]*[a-f])[0-9a-f]{6,16}|(?=[A-F]*[0-9])(?=[0-9]*[A-F])[0-9A-F]{6,16}")

_END = re.compile(r"[^\w]*\Z")

_SEAL_BITS = 28.0
"""Of the check: one secret in 2^28 is taken for a pseudonym of ours by chance, and stays."""
_DRAWN_BITS = 30.0
"""What must be left for the draw, so that two secrets do not become one: what is shorter bears no seal."""
_DIGIT, _LETTER, _HEX_LETTER = 3.32, 4.70, 2.58  # bits


def stream(key: bytes, secret: str) -> Iterator[int]:
    """Bytes without end, made of the key and the secret."""
    message = b"retape pseudonym 2\0" + secret.encode("utf-8", "surrogatepass")
    seed = hmac.digest(key, message, "sha256")
    yield from seed
    counter = 0
    while True:
        counter += 1
        yield from sha256(seed + counter.to_bytes(8, "big")).digest()


def pick(source: Iterator[int], alphabet: str) -> str:
    """One character of ``alphabet``."""
    return alphabet[((next(source) << 8) | next(source)) % len(alphabet)]


def shaped(key: bytes, secret: str, text: str) -> str:
    """``text`` (the secret or a part of it) with every letter and digit replaced by another of its class."""
    source = stream(key, secret)
    for _ in range(8):  # a short value may map to itself: draw again, a bounded number of times
        out = _drawn(source, text)
        if out != text:
            break
    return out


def sealed(key: bytes, secret: str, text: str, context: str = "") -> str:
    """Like :func:`shaped`, and with a seal where there is room; ``context`` is what stands before it in the whole."""
    out = shaped(key, secret, text)
    start = _seal_start(out)
    return out if start is None else out[:start] + _seal(key, context, out, start)


def roomy(text: str) -> str:
    """``text``, longer by as many letters as a seal needs; as it is where it has room, or has no letter at all."""
    if not any(map(str.isalpha, text)) or _seal_start(text) is not None:
        return text
    fill = "a0" if _SHORT_HEX.fullmatch(text) else "a"
    if any(map(str.isupper, text)) and not any(map(str.islower, text)):
        fill = fill.upper()
    word = _END.sub("", text)
    end = text[len(word) :]
    word += fill * int((_SEAL_BITS + _DRAWN_BITS - _bits(text)) / _LETTER / len(fill))
    while _seal_start(word + end) is None:
        word += fill
    return word + end


def is_sealed(key: bytes, text: str, context: str = "") -> bool:
    """Whether ``text`` came out of :func:`sealed` with this key."""
    start = _seal_start(text)
    return start is not None and text[start:] == _seal(key, context, text, start)


def _seal(key: bytes, context: str, text: str, start: int) -> str:
    return mapped(stream(key, f"seal\0{context}\0{text[:start]}"), text[start:], hexadecimal=is_hexadecimal(text))


def _seal_start(text: str) -> int | None:
    """Where the seal begins; None where there is no room for one. Depends on the classes of characters alone."""
    letter = _HEX_LETTER if is_hexadecimal(text) else _LETTER
    bits = 0.0
    for position in range(len(text) - 1, -1, -1):
        character = text[position]
        if not character.isascii():
            continue
        bits += _DIGIT if character.isdigit() else letter if character.isalpha() else 0.0
        if bits >= _SEAL_BITS:
            return position if _has_bits(text, position, letter) else None
    return None


def _bits(text: str) -> float:
    return sum(_DIGIT if one.isdigit() else _LETTER if one.isalpha() else 0.0 for one in text if one.isascii())


def _has_bits(text: str, end: int, letter: float) -> bool:
    bits = 0.0
    for character in text[:end]:
        if character.isascii():
            bits += _DIGIT if character.isdigit() else letter if character.isalpha() else 0.0
            if bits >= _DRAWN_BITS:
                return True
    return False


def is_hexadecimal(text: str) -> bool:
    """Whether ``text`` is a UUID or a longer number in hexadecimal digits of one case."""
    return (_UUID.fullmatch(text) or _HEX.fullmatch(text)) is not None


def _drawn(source: Iterator[int], text: str) -> str:
    if _UUID.fullmatch(text):
        out = mapped(source, text, hexadecimal=True)
        return out[:14] + text[14] + out[15:19] + text[19] + out[20:]
    if _HEX.fullmatch(text):
        return mapped(source, text, hexadecimal=True)
    out = mapped(source, text, hexadecimal=False)
    if text.isdigit() and text[0] != "0" and out[0] == "0" and len(text) > 1:
        out = pick(source, DIGITS[1:]) + out[1:]  # JSON has no leading zeros, and numbers never had
    if out == text and len(set(text)) > 1 and not any(map(str.isalnum, text)):
        return "".join(pick(source, _PUNCTUATION) if character.isprintable() else character for character in text)
    return out


def mapped(source: Iterator[int], text: str, *, hexadecimal: bool = False) -> str:
    """Every letter and digit of ``text`` replaced by a drawn one of its class."""
    out: list[str] = []
    for character in text:
        if character in DIGITS:
            out.append(pick(source, DIGITS))
        elif character in LOWER:
            out.append(pick(source, LOWER[:6] if hexadecimal else LOWER))
        elif character in UPPER:
            out.append(pick(source, UPPER[:6] if hexadecimal else UPPER))
        elif character > "\x7f" and character.isalnum():
            out.append(pick(source, _neighbours(character)))
        else:
            out.append(character)
    return "".join(out)


def _neighbours(character: str) -> str:
    """Characters of the same block of sixteen and category: the same script, case and length in UTF-8."""
    category = unicodedata.category(character)
    start = ord(character) & ~0xF
    return "".join(c for c in map(chr, range(start, start + 16)) if unicodedata.category(c) == category)
