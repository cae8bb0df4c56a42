"""Pseudonyms: a stand-in for a secret that is keyed, stable and of the same shape.

Equal values give equal pseudonyms wherever they stand, so a token minted in a JSON body still matches the one used in
a later Authorization header. The shape stays, so the service under test still accepts the value: digits stay digits,
letters keep their case, punctuation stays, and only a short word becomes longer; a UUID keeps version and variant, a
hash stays hexadecimal, a card number keeps a right check digit and its network, an IBAN its country and check digits, a
JWT keeps three decodable parts and its times, a token of a known issuer its public beginning. An e-mail address, a
phone number and a bank account become those of nobody (``personal_data``), so that no replay ever writes to a person.

Without the key nothing leads back (HMAC-SHA256, RFC 2104), except for what the shape itself gives away. With it a
pseudonym is known again, but for numbers of less than 18 digits that have not the form of nobody's data.
"""

from __future__ import annotations

import base64
import hmac
import re

from captures.formats import jsonspans
from captures.redacting import known_tokens, personal_data
from captures.redacting.personal_data import address_pseudonym, card_pseudonym, iban_pseudonym, phone_pseudonym
from captures.redacting.shapes import DIGITS, is_sealed, pick, roomy, sealed, stream

_JWT = re.compile(r"(eyJ[A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]*)")
_STORED = re.compile(
    r"(\$2[abxy]?\$\d\d\$|\$(?:[156]|y|7|argon2(?:id|i|d)|scrypt|pbkdf2(?:-sha\d{1,3})?)\$"
    r"(?:(?:v|m|t|p|ln|r|i|rounds)=[^$]{1,40}\$|\d{1,9}\$){0,3}|(?:pbkdf2_sha\d{1,3}|argon2|scrypt|md5)\$\d{1,9}\$)"
    r"([./A-Za-z0-9+$=]{20,200})"
)
"""A stored password: the method and its cost say nothing of it; the salt and the hash do."""

_PUBLIC_CLAIMS = frozenset("iss aud azp typ alg scope scp token_type token_use amr acr ver".split())
"""Claims of a JWT that name systems, not people or sessions (RFC 7519, 4.1); services branch on them."""


def fingerprint(key: bytes) -> str:
    """Twelve hex digits that tell two keys apart and nothing else: kept in the capture.

    Another way of making pseudonyms is like another key: what was recorded with the one does not equal the other.
    """
    return hmac.digest(key, b"retape redaction key fingerprint 3", "sha256").hex()[:12]


def pseudonym(key: bytes, value: str) -> str:
    """The stand-in for ``value``; "" for "". Depends on nothing but the two."""
    if not value:
        return value
    if value.startswith("eyJ") and (token := _JWT.fullmatch(value)):
        redacted = _jwt(key, value, token)
        if redacted is not None:
            return redacted
    if "$" in value and (stored := _STORED.fullmatch(value)):
        return stored[1] + sealed(key, value, stored[2], stored[1])
    if "@" in value and (address := address_pseudonym(key, value)):
        return address
    if value[-1].isdigit():
        if value[0] == "+" and personal_data.PHONE.fullmatch(value) and (phone := phone_pseudonym(key, value)):
            return phone
        if value[0].isdigit() and (number := card_pseudonym(key, value)):
            return number
    if value[:2].isupper() and (account := iban_pseudonym(key, value)):
        return account
    if value.startswith("-----") and (armoured := known_tokens.private_key_pseudonym(key, value)):
        return armoured
    return known_tokens.token_pseudonym(key, value) or sealed(key, value, roomy(value))


def is_pseudonym(key: bytes, value: str) -> bool:
    """Whether ``value`` is known to be a stand-in: made with this key, or data of nobody in the form that ours have.

    False for short numbers, which bear no seal.
    """
    if value.startswith("eyJ") and (token := _JWT.fullmatch(value)):
        return is_sealed(key, token[3], f"{token[1]}.{token[2]}")
    if "$" in value and (stored := _STORED.fullmatch(value)):
        return is_sealed(key, stored[2], stored[1])
    if "@" in value and personal_data.is_address_pseudonym(key, value):
        return True
    if value[-1:].isdigit() and (
        personal_data.is_card_pseudonym(value) or (value[0] == "+" and personal_data.is_phone_pseudonym(value))
    ):
        return True
    if value[:2].isupper() and iban_pseudonym(key, value) is not None:
        return personal_data.is_iban_pseudonym(value)
    if value.startswith("-----"):
        return known_tokens.is_private_key_pseudonym(key, value)
    return known_tokens.is_token_pseudonym(key, value) or is_sealed(key, value)


def number_pseudonym(key: bytes, literal: str) -> str:
    """The stand-in for a JSON number as written: still a number of the same sign, length, point and exponent."""
    if literal.isdigit():
        return pseudonym(key, literal)  # the same secret may stand as a string elsewhere
    mantissa, mark, exponent = literal.partition("e") if "e" in literal else literal.partition("E")
    whole, point, fraction = mantissa.lstrip("-").partition(".")
    source = stream(key, literal)
    changed = "".join(pick(source, DIGITS) for _ in whole)
    if len(whole) > 1 and changed.startswith("0"):  # JSON has no leading zeros
        changed = pick(source, DIGITS[1:]) + changed[1:]
    tail = "".join(pick(source, DIGITS) for _ in fraction)
    return f"{'-' if literal.startswith('-') else ''}{changed}{point}{tail}{mark}{exponent}"


def _jwt(key: bytes, value: str, token: re.Match[str]) -> str | None:
    """Header kept, strings of the payload replaced, signature replaced; None when it is no JWT after all."""
    try:
        _unpadded(token[1]).decode("utf-8")
        payload = _unpadded(token[2]).decode("utf-8")
        replaced = jsonspans.replaced(payload, lambda scalar: _claim(key, scalar))
    except ValueError:
        return None
    packed = base64.urlsafe_b64encode(replaced.encode("utf-8")).rstrip(b"=").decode("ascii")
    return f"{token[1]}.{packed}.{sealed(key, value, roomy(token[3]), f'{token[1]}.{packed}')}"


def _claim(key: bytes, scalar: jsonspans.Scalar) -> str | None:
    if not scalar.is_string or not scalar.place or scalar.place[0] in _PUBLIC_CLAIMS:
        return None
    claim = scalar.string()
    if is_pseudonym(key, claim):
        return None  # of a token that nobody signed, and so bears no seal
    return jsonspans.quoted(pseudonym(key, claim), scalar.literal)


def _unpadded(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
