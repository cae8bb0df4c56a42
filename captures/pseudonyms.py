"""Pseudonyms: a stand-in for a secret that is keyed, stable and of the same shape.

Equal values give equal pseudonyms wherever they stand, so a token minted in a JSON body still matches the one used in
a later Authorization header. The shape stays, so the service under test still accepts the value: digits stay digits,
letters keep their case, punctuation stays; a UUID keeps version and variant, a hash stays hexadecimal, a card number
keeps a right check digit, a JWT keeps three decodable parts and its times, an e-mail address stays one, under
``.invalid`` (RFC 2606), so that no replay ever writes to a person.

Without the key nothing leads back (HMAC-SHA256, RFC 2104), except for what the shape itself gives away.
"""

from __future__ import annotations

import base64
import hmac
import re
import unicodedata
from collections.abc import Iterator
from hashlib import sha256

from captures import jsonspans

_DIGITS = "0123456789"
_LOWER = "abcdefghijklmnopqrstuvwxyz"
_UPPER = _LOWER.upper()
_PUNCTUATION = "!#*+-._~"

_UUID = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")
_HEX = re.compile(r"(?=[0-9]*[a-f])[0-9a-f]{16,}|(?=[0-9]*[A-F])[0-9A-F]{16,}")
_EMAIL = re.compile(r"([^@\s:/]+)@([^@\s:/]+)\.[A-Za-z]{2,}")
_JWT = re.compile(r"(eyJ[A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]*)")
_CARD = re.compile(r"[0-9](?:[ -]?[0-9]){12,18}")

_PUBLIC_CLAIMS = frozenset("iss aud azp typ alg scope scp token_type token_use amr acr ver".split())
"""Claims of a JWT that name systems, not people or sessions (RFC 7519, 4.1); services branch on them."""


def fingerprint(key: bytes) -> str:
    """Twelve hex digits that tell two keys apart and nothing else: kept in the capture."""
    return hmac.digest(key, b"retape redaction key fingerprint", "sha256").hex()[:12]


def pseudonym(key: bytes, value: str) -> str:
    """The stand-in for ``value``; "" for "". Depends on nothing but the two."""
    if not value:
        return value
    token = _JWT.fullmatch(value)
    if token:
        redacted = _jwt(key, value, token)
        if redacted is not None:
            return redacted
    address = _EMAIL.fullmatch(value)
    if address:
        return f"{_shaped(key, value, address[1])}@{_shaped(key, value, address[2].rpartition('.')[2])}.invalid"
    return _shaped(key, value, value)


def number_pseudonym(key: bytes, literal: str) -> str:
    """The stand-in for a JSON number as written: still a number of the same sign, length, point and exponent."""
    if literal.isdigit():
        return pseudonym(key, literal)  # the same secret may stand as a string elsewhere
    mantissa, mark, exponent = literal.partition("e") if "e" in literal else literal.partition("E")
    whole, point, fraction = mantissa.lstrip("-").partition(".")
    stream = _stream(key, literal)
    changed = "".join(_pick(stream, _DIGITS) for _ in whole)
    if len(whole) > 1 and changed.startswith("0"):  # JSON has no leading zeros
        changed = _pick(stream, _DIGITS[1:]) + changed[1:]
    tail = "".join(_pick(stream, _DIGITS) for _ in fraction)
    return f"{'-' if literal.startswith('-') else ''}{changed}{point}{tail}{mark}{exponent}"


def _shaped(key: bytes, secret: str, text: str) -> str:
    """``text`` (the secret or a part of it) with every letter and digit replaced by another of its class."""
    stream = _stream(key, secret)
    for _ in range(8):  # a short value may map to itself: draw again, a bounded number of times
        out = _drawn(stream, text)
        if out != text:
            break
    return out


def _drawn(stream: Iterator[int], text: str) -> str:
    if _UUID.fullmatch(text):
        out = _mapped(stream, text, hexadecimal=True)
        return out[:14] + text[14] + out[15:19] + text[19] + out[20:]
    if _HEX.fullmatch(text):
        return _mapped(stream, text, hexadecimal=True)
    out = _mapped(stream, text, hexadecimal=False)
    if text.isdigit() and text[0] != "0" and out[0] == "0" and len(text) > 1:
        out = _pick(stream, _DIGITS[1:]) + out[1:]  # JSON has no leading zeros, and numbers never had
    if _CARD.fullmatch(text) and _luhn(text) == 0:
        last = int(out[-1])
        return out[:-1] + str((last - _luhn(out)) % 10)
    if out == text and len(set(text)) > 1 and not any(map(str.isalnum, text)):
        return "".join(_pick(stream, _PUNCTUATION) if character.isprintable() else character for character in text)
    return out


def _mapped(stream: Iterator[int], text: str, *, hexadecimal: bool) -> str:
    out: list[str] = []
    for character in text:
        if character in _DIGITS:
            out.append(_pick(stream, _DIGITS))
        elif character in _LOWER:
            out.append(_pick(stream, _LOWER[:6] if hexadecimal else _LOWER))
        elif character in _UPPER:
            out.append(_pick(stream, _UPPER[:6] if hexadecimal else _UPPER))
        elif character > "\x7f" and character.isalnum():
            out.append(_pick(stream, _neighbours(character)))
        else:
            out.append(character)
    return "".join(out)


def _neighbours(character: str) -> str:
    """Characters of the same block of sixteen and category: the same script, case and length in UTF-8."""
    category = unicodedata.category(character)
    start = ord(character) & ~0xF
    return "".join(c for c in map(chr, range(start, start + 16)) if unicodedata.category(c) == category)


def _stream(key: bytes, secret: str) -> Iterator[int]:
    """Bytes without end, made of the key and the secret."""
    message = b"retape pseudonym 1\0" + secret.encode("utf-8", "surrogatepass")
    seed = hmac.digest(key, message, "sha256")
    yield from seed
    counter = 0
    while True:
        counter += 1
        yield from sha256(seed + counter.to_bytes(8, "big")).digest()


def _pick(stream: Iterator[int], alphabet: str) -> str:
    return alphabet[((next(stream) << 8) | next(stream)) % len(alphabet)]


def _luhn(digits: str) -> int:
    """The check sum of a card number, modulo 10 (ISO/IEC 7812-1): 0 when it is right."""
    total = 0
    for position, character in enumerate(c for c in reversed(digits) if c.isdigit()):
        digit = int(character)
        if position % 2:
            digit = digit * 2 - 9 if digit > 4 else digit * 2
        total += digit
    return total % 10


def _jwt(key: bytes, value: str, token: re.Match[str]) -> str | None:
    """Header kept, strings of the payload replaced, signature replaced; None when it is no JWT after all."""
    try:
        _unpadded(token[1]).decode("utf-8")
        payload = _unpadded(token[2]).decode("utf-8")
        replaced = jsonspans.replaced(payload, lambda scalar: _claim(key, scalar))
    except ValueError:
        return None
    packed = base64.urlsafe_b64encode(replaced.encode("utf-8")).rstrip(b"=").decode("ascii")
    return f"{token[1]}.{packed}.{_shaped(key, value, token[3])}"


def _claim(key: bytes, scalar: jsonspans.Scalar) -> str | None:
    if not scalar.is_string or not scalar.place or scalar.place[0] in _PUBLIC_CLAIMS:
        return None
    return jsonspans.quoted(pseudonym(key, scalar.string()), scalar.literal)


def _unpadded(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
