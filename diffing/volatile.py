"""Recognising values that are made anew on every run by their *shape*, and the facets of it that must stay.

A shape alone never silences a difference (a version number looks like an address, a long word like a random id): it is
the first of the two signals ``diffing.scalars`` asks for, and what is asserted in place of equality. *Facets* are
what two values of one generator share whatever the value: UUID version and case, the separators, fraction digits and
kind of offset of a timestamp, the prefix and length of ``ord_8fk2…``, the claims of a JWT.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from dataclasses import dataclass
from enum import Enum

from diffing import moments


class Family(Enum):
    """What a shape is for: decides which names and which relations count as the second signal."""

    ID = "id"
    TOKEN = "token"  # noqa: S105 - a kind of value
    MOMENT = "moment"


@dataclass(frozen=True, slots=True)
class Shape:
    """What a string looks like. ``strong``: hardly anything but a generated value looks so."""

    kind: str  # "uuid", "datetime", …: the rule that accepts it is ``volatile.<kind>``
    family: Family
    facets: tuple[object, ...] = ()
    strong: bool = True
    identity: bool = True  # one recorded value stands for one new value throughout a run


_UUID = re.compile(
    r"(?P<urn>urn:uuid:)?(?:[0-9a-f]{8}-[0-9a-f]{4}-(?P<v>[0-9a-f])[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}"
    r"|[0-9A-F]{8}-[0-9A-F]{4}-(?P<V>[0-9A-F])[0-9A-F]{3}-[0-9A-F]{4}-[0-9A-F]{12})"
)
_ULID = re.compile(r"[0-7][0-9A-HJKMNP-TV-Z]{25}")
_KSUID = re.compile(r"[0-9A-Za-z]{27}")
_HEX = re.compile(r"[0-9a-f]{8,128}|[0-9A-F]{8,128}")
_JWT = re.compile(r"(eyJ[\w-]+)\.(eyJ[\w-]+)\.([\w-]*)")
_PREFIXED = re.compile(r"([a-z]{2,16}(?:_[a-z]{1,12})?)[_-]([0-9A-Za-z]{6,64})|([A-Z]{1,8})[_-]([0-9A-Z]{6,64})")
_REFERENCE = re.compile(r"#?[A-Z]{1,8}(?:[-/_.]?[0-9]+)+|#[0-9]+")
_CODE = re.compile(r"[A-Z0-9]{5,16}")
_TOKEN = re.compile(r"[A-Za-z0-9_+/=.~-]{8,4096}")
_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_DIGESTS = frozenset({32, 40, 56, 64, 96, 128})


def shape_of(text: str) -> Shape | None:
    """The shape of ``text`` as a whole, or None when it looks like nothing that is generated."""
    length = len(text)
    if length < 2 or length > 4096:
        return None
    if text.isdigit() and text.isascii():
        return _digits(text)
    if length < 5:
        return Shape("reference", Family.ID, ("#",), strong=False) if _REFERENCE.fullmatch(text) else None
    if length >= 8:
        moment = moments.read(text)
        if moment is not None:
            return Shape(moment.kind, Family.MOMENT, moment.facets, identity=False)
    if length in (36, 45) and (match := _UUID.fullmatch(text)):
        version = match["v"] or match["V"]
        return Shape("uuid", Family.ID, (version.lower(), match["V"] is not None, match["urn"] is not None))
    if " " in text:
        return None
    if length == 26 and _ULID.fullmatch(text) and _plausible(_number(text[:10], _CROCKFORD) / 1000):
        return Shape("ulid", Family.ID)
    if _HEX.fullmatch(text) and not text.isalpha():
        return _hexadecimal(text)
    if length == 27 and _KSUID.fullmatch(text) and _mixed(text) and _ksuid_time(text):
        return Shape("ksuid", Family.ID)
    if length > 30 and (match := _JWT.fullmatch(text)):
        return _jwt(match)
    if match := _REFERENCE.fullmatch(text):
        return Shape("reference", Family.ID, (_form(text),), strong=False)
    if (match := _PREFIXED.fullmatch(text)) and _generated(match[2] or match[4]):
        prefix, body = match[1] or match[3], match[2] or match[4]
        if body.isdigit():  # counted rather than random: catalogues number their goods so, too
            return Shape("reference", Family.ID, (prefix, text[len(prefix)]), strong=False)
        return Shape("prefixed-id", Family.ID, (prefix, text[len(prefix)], len(body), _alphabet(body)))
    if _CODE.fullmatch(text) and not text.isalpha():
        return Shape("code", Family.ID, (length,), strong=False)
    if _TOKEN.fullmatch(text) and _mixed(text):
        return Shape("token", Family.TOKEN, (), strong=length >= 20, identity=False)
    return None


def opaque(text: str) -> bool:
    """Whether ``text`` could be a token at all: one unbroken run of token characters that is no plain word."""
    return bool(_TOKEN.fullmatch(text)) and not (text.isalpha() and (text.islower() or text.istitle()))


def _digits(text: str) -> Shape | None:
    moment = moments.read_epoch_text(text)
    if moment is not None:
        return Shape(moment.kind, Family.MOMENT, moment.facets, strong=False, identity=False)
    padded = len(text) if text[0] == "0" else 0
    return Shape("digits", Family.ID, (padded,), strong=False) if len(text) <= 20 else None


def _hexadecimal(text: str) -> Shape:
    length, upper = len(text), text.isupper()
    if length == 24 and _plausible(int(text[:8], 16)):
        return Shape("objectid", Family.ID, (upper,))
    if length in _DIGESTS:
        return Shape("digest", Family.TOKEN, (length, upper), identity=False)
    return Shape("hex", Family.ID, (length, upper), strong=length >= 12)


def _form(reference: str) -> str:
    """``ORD-2026-000123`` as ``ORD-0000-0``: only the last number counts up, the ones before it keep their width."""
    last = max(match.start() for match in re.finditer(r"[0-9]+", reference))
    return re.sub(r"[0-9]", "0", reference[:last]) + re.sub(r"[0-9]+", "0", reference[last:])


def _jwt(match: re.Match[str]) -> Shape | None:
    try:
        head, claims = (
            json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))) for part in match.group(1, 2)
        )
    except (ValueError, binascii.Error, RecursionError):
        return Shape("token", Family.TOKEN, (), identity=False)
    if not isinstance(head, dict) or not isinstance(claims, dict):
        return None
    return Shape("jwt", Family.TOKEN, (str(head.get("alg")), str(head.get("typ")), *sorted(claims)), identity=False)


def _generated(body: str) -> bool:
    """Random or counted, not a word: ``8fk2b1`` and ``000123`` are, ``profile`` and ``2024`` alone are not."""
    digits = sum(character.isdigit() for character in body)
    return (digits > 0 and (digits < len(body) or len(body) >= 6)) or (len(body) >= 12 and _mixed_case(body))


def _alphabet(body: str) -> str:
    if len(body) >= 16 and _HEX.fullmatch(body):
        return "hex"
    if len(body) >= 12:
        return "mixed" if _mixed_case(body) else "upper" if body.isupper() else "lower"
    return ""


def _mixed_case(text: str) -> bool:
    return any(character.islower() for character in text) and any(character.isupper() for character in text)


def _mixed(text: str) -> bool:
    """Letters of both cases and digits, or digits all through letters: words with a number at the end are neither."""
    digits = sum(character.isdigit() for character in text)
    if not digits:
        return False
    if _mixed_case(text):
        return not re.fullmatch(r"(?:[A-Z]?[a-z]+[_.-]?)+[0-9]{1,4}", text)
    return (
        digits >= 3
        and len(re.findall(r"[0-9]+", text)) >= 2
        and len(text) >= 12
        and "-" not in text
        and "." not in text
    )


def _number(text: str, alphabet: str) -> int:
    value = 0
    for character in text:
        value = value * len(alphabet) + alphabet.index(character)
    return value


def _ksuid_time(text: str) -> bool:
    return _plausible((_number(text, _BASE62) >> 128) + 1_400_000_000)


def _plausible(seconds: float) -> bool:
    return moments.EARLIEST <= seconds <= moments.LATEST
