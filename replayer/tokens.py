"""What a value looks like: an id, a token, a point in time, or plain data. Pure and total.

Two uses, with different stakes. *Chaining* binds a recorded id to the one the new build made, so it must never take a
word, a flag or a small number for an id (Keploy chains ``1`` and ``"active"``). *Matching* lets two outbound calls
differ where both sides hold the same kind of volatile value; what it lets pass is still compared afterwards.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from enum import StrEnum
from itertools import pairwise

NEAR = 400 * 86_400.0  # seconds: a point in time this close to the traffic is of the traffic, a birth date is not


class Kind(StrEnum):
    """Recognised formats. Identities first, then times."""

    UUID = "uuid"
    ULID = "ulid"
    JWT = "jwt"
    HEX = "hex"
    PREFIXED = "prefixed"  # ord_5f3a9c, ORD-2026-000123
    DIGITS = "digits"  # ten or more: snowflake ids
    OPAQUE = "opaque"  # no structure but entropy: session tokens, base64
    DATETIME = "datetime"
    HTTP_DATE = "http-date"
    EPOCH = "epoch"


TIMES = frozenset({Kind.DATETIME, Kind.HTTP_DATE, Kind.EPOCH})

_UUID = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")
_ULID = re.compile(r"[0-7][0-9A-HJKMNP-TV-Z]{25}")
_JWT = re.compile(r"[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]*")
_HEX = re.compile(r"[0-9a-f]{8,}|[0-9A-F]{8,}")
_PREFIXED = re.compile(r"([A-Za-z]{1,12}(?:[_-][A-Za-z]{1,12})*)[_-]([A-Za-z0-9]+(?:[_-][A-Za-z0-9]+)*)")
_OPAQUE = re.compile(r"[A-Za-z0-9._~+/=%|:!-]{10,}")
_RUN = re.compile(r"[A-Za-z0-9]+")
_DATETIME = re.compile(r"(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2}(?::\d{2}(?:[.,]\d{1,9})?)?)(Z|[+-]\d{2}:?\d{2})?")
_HTTP_DATE = re.compile(r"[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT")
_PLACES = ("://", "@")


def kind_of(text: str, *, near: float | None = None) -> Kind | None:
    """The recognised kind of the whole of ``text``, or None for plain data.

    ``near`` (Unix seconds) is when the traffic happened; times further than :data:`NEAR` from it are plain data.
    Without it only written-out times are recognised, not epoch numbers.
    """
    size = len(text)
    if size < 6 or size > 8192 or not text.isascii():
        return None
    if text.isdigit():
        if near is not None and is_epoch(int(text), near):
            return Kind.EPOCH
        return Kind.DIGITS if size >= 10 else None
    if size == 36 and _UUID.fullmatch(text):
        return Kind.UUID
    if text[0].isdigit() and _DATETIME.fullmatch(text):
        return Kind.DATETIME if near is None or _is_near(text, near) else None
    if size == 29 and _HTTP_DATE.fullmatch(text):
        return Kind.HTTP_DATE
    digits = sum(character.isdigit() for character in text)
    if size == 26 and digits and _ULID.fullmatch(text):
        return Kind.ULID
    if _HEX.fullmatch(text) and digits:
        return Kind.HEX
    if text.startswith("eyJ") and _JWT.fullmatch(text):
        return Kind.JWT
    prefixed = _PREFIXED.fullmatch(text)
    if prefixed is not None and _is_serial(prefixed[2]):
        return Kind.PREFIXED
    if _OPAQUE.fullmatch(text) and not any(mark in text for mark in _PLACES) and _has_entropy(text):
        return Kind.OPAQUE
    return None


def same_kind(one: str, other: str, *, near_one: float | None = None, near_other: float | None = None) -> Kind | None:
    """The kind both share, formats agreeing in what formats fix (prefix, time precision), else None."""
    kind = kind_of(one, near=near_one)
    if kind is None or kind_of(other, near=near_other) is not kind or shape(one, kind) != shape(other, kind):
        return None
    return kind


def shape(text: str, kind: Kind) -> str:
    """What stays equal between two values of one kind and format: ``prefixed:ord``, ``datetime:T.6Z``."""
    if kind is Kind.PREFIXED:
        match = _PREFIXED.fullmatch(text)
        return f"{kind}:{match[1]}" if match else str(kind)
    if kind is Kind.DATETIME:
        match = _DATETIME.fullmatch(text)
        if match is None:
            return str(kind)
        fraction = len(match[2]) - 9 if len(match[2]) > 8 else 0
        zone = match[3] or ""
        return f"{kind}:{text[10]}{'.6' if fraction > 3 else f'.{fraction}'}{zone if zone in ('', 'Z') else '+'}"
    if kind in (Kind.EPOCH, Kind.DIGITS):
        return f"{kind}:{len(text)}"
    if kind is Kind.HEX:
        return f"{kind}:{len(text)}"
    return str(kind)


def is_epoch(number: float, near: float) -> bool:
    """Whether ``number`` is a Unix time in s, ms, µs or ns within :data:`NEAR` of ``near``."""
    return any(abs(number / unit - near) <= NEAR for unit in (1, 1e3, 1e6, 1e9)) and number > 1e9


def is_idish(name: str) -> bool:
    """Whether a field or query key called ``name`` holds an id by its name: ``id``, ``order_id``, ``orderNo``."""
    lower = name.lower().replace("-", "_")
    if lower in ("id", "pk", "key", "uid", "no", "number"):
        return True
    if lower.endswith(("_id", "_ids", "_pk", "_no", "_number", "_key", "_ref", "_uid")):
        return True
    return bool(re.search(r"[a-z](Id|ID|Ids|No|Number|Ref|Key)$", name))


def is_weak_id(text: str) -> bool:
    """Whether ``text`` is a number that may be an id where an id is expected: two to nine digits, no leading zero."""
    return text.isascii() and text.isdigit() and 2 <= len(text) < 10 and text[0] != "0"


def noun_of(name: str) -> str:
    """What an id called ``name`` is an id *of*: ``order_id``, ``orderId``, ``orders`` and ``order`` are all ``order``.

    ``""`` for a bare ``id``.
    """
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower().replace("-", "_")
    words = [word for word in spaced.split("_") if word]
    while words and words[-1] in ("id", "ids", "pk", "no", "number", "ref", "key", "uid"):
        words.pop()
    return singular("_".join(words))


def singular(word: str) -> str:
    """A rough English singular: good enough to compare two names of one thing."""
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith(("sses", "xes", "ches", "shes")):
        return word[:-2]
    if word.endswith("s") and not word.endswith(("ss", "us", "is")) and len(word) > 2:
        return word[:-1]
    return word


def _is_serial(tail: str) -> bool:
    digits = sum(character.isdigit() for character in tail)
    runs = _RUN.findall(tail)
    if all(run.isdigit() for run in runs):
        return digits >= 3
    if _HEX.fullmatch(tail) and digits:
        return True
    return digits >= 1 and any(len(run) >= 6 and _changes(run) >= 2 for run in runs)


def _changes(text: str) -> int:
    """How often ``text`` changes between lower case, upper case and digits."""
    return sum(one != other for one, other in pairwise(_classes(text)))


def _classes(text: str) -> list[str]:
    return ["d" if c.isdigit() else "u" if c.isupper() else "l" for c in text]


def _has_entropy(text: str) -> bool:
    """Mixed classes of characters within long runs, as no word, name, path, version or host has."""
    longest = max((len(run) for run in re.findall(r"[A-Za-z0-9_-]+", text)), default=0)
    if longest < 10:
        return False
    for run in re.findall(r"[A-Za-z0-9]{10,}", text):
        changes = _changes(run)
        if changes >= 4 and any(character.isdigit() for character in run):
            return True
        if len(run) >= 20 and changes * 3 >= len(run):
            return True
    joined = re.sub(r"[^A-Za-z0-9]", "", text)  # urlsafe base64 is cut into short runs by - and _
    return len(joined) >= 20 and {"d", "u", "l"} <= set(_classes(joined)) and _changes(joined) * 3 >= len(joined)


def _is_near(text: str, near: float) -> bool:
    try:
        moment = datetime.fromisoformat(text.replace(",", "."))
    except ValueError:
        return False
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    try:
        return abs(moment.timestamp() - near) <= NEAR
    except OverflowError:
        return False
