"""What a value looks like: an id, a token, a point in time, or plain data. Pure and total.

*Chaining* binds a recorded id to the one the new build made, so nothing here may take a word, a flag or a small number
for an id (Keploy chains ``1`` and ``"active"``). What two values have in common is in ``replayer.tokens``.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from enum import StrEnum
from functools import lru_cache
from itertools import pairwise

from captures.telling import fits as fits_told
from captures.telling import is_in_groups, is_told, is_unlike_words, told_by

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
PREFIXED = re.compile(r"([A-Za-z]{1,12}(?:[_-][A-Za-z]{1,12})*)[_-]([A-Za-z0-9]+(?:[_-][A-Za-z0-9]+)*)")
_OPAQUE = re.compile(r"[A-Za-z0-9._~+/=%|:!-]{10,}")
_RUN = re.compile(r"[A-Za-z0-9]+")
_DIGIT = re.compile(r"[0-9]")
DATETIME = re.compile(r"(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2}(?::\d{2}(?:[.,]\d{1,9})?)?)(Z|[+-]\d{2}:?\d{2})?")
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
    if text[0].isdigit() and DATETIME.fullmatch(text):
        return Kind.DATETIME if near is None or _is_near(text, near) else None
    return _known_form(text) if size <= _USUAL else _by_form(text)


def _by_form(text: str) -> Kind | None:
    size = len(text)
    if size == 29 and _HTTP_DATE.fullmatch(text):
        return Kind.HTTP_DATE
    digits = _DIGIT.search(text) is not None
    if size == 26 and digits and _ULID.fullmatch(text):
        return Kind.ULID
    if _HEX.fullmatch(text) and digits:
        return Kind.HEX
    if text.startswith("eyJ") and _JWT.fullmatch(text):
        return Kind.JWT
    prefixed = PREFIXED.fullmatch(text)
    if prefixed is not None and _is_serial(prefixed[2]):
        return Kind.PREFIXED
    if _OPAQUE.fullmatch(text) and not any(mark in text for mark in _PLACES) and _has_entropy(text):
        return Kind.OPAQUE
    return None


_known_form = lru_cache(maxsize=4096)(_by_form)  # most values in answers are words that come again and again
_USUAL = 64  # characters of those


def is_epoch(number: float, near: float) -> bool:
    """Whether ``number`` is a Unix time in s, ms, µs or ns within :data:`NEAR` of ``near``."""
    return any(abs(number / unit - near) <= NEAR for unit in (1, 1e3, 1e6, 1e9)) and number > 1e9


@lru_cache(maxsize=4096)  # names of fields are few, and asked about with every message
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


def is_counter(text: str) -> bool:
    """Whether ``text`` is one digit: the id of an early row, where its place and the request that made it say so."""
    return len(text) == 1 and text in "123456789"


def is_bare(text: str) -> bool:
    """Whether ``text`` may have been drawn from one class of characters: ``HQZUVEQM``, ``042917``, sixteen letters."""
    return _BARE.fullmatch(text) is not None


_BARE = re.compile(r"[A-Z]{6,64}|[a-z]{12,64}|0[0-9]{3,8}")


_CODE = re.compile(r"(?=[^0-9]*[0-9])(?=[^A-Za-z]*[A-Za-z])[A-Za-z0-9]{4,32}(?:[_-][A-Za-z0-9]{1,32}){0,4}")
_SLUG = re.compile(r"[a-z0-9]{2,}(?:-[a-z0-9]+)+")
_MADE_SLUG = re.compile(r"(?:[a-z0-9]+-)+(?=[a-z0-9]*[0-9])(?=[a-z0-9]*[a-z])[a-z0-9]{5,64}")
_POSITION = re.compile(r"[1-9][0-9]{1,18}|[A-Za-z0-9_=+/-]{4,512}")
_SLUGS = frozenset({"slug", "handle", "permalink", "shortname"})
_CURSORS = frozenset(
    "cursor next_cursor nextcursor end_cursor endcursor after since_id max_id page_token pagetoken next_page_token "
    "nextpagetoken continuation continuation_token starting_after".split()
)
CURSOR = "cursor"
"""The noun of a place in a list."""


def weak_noun(name: str, value: str, around: str) -> str:
    """What ``value`` is an id of when it stands under ``name`` in an object (or at an endpoint) that is ``around``.

    For values whose looks do not tell: ``17`` and ``a7Xk9`` under ``order_id``, ``blue-shirt`` under ``slug``, any
    token under ``next_cursor``. "" where name and looks do not agree: never a flag, a word, a single digit.
    """
    noun = noun_under(name, around)
    if noun == CURSOR:
        fits = _POSITION.fullmatch(value) is not None
    elif is_told(noun):
        fits = fits_told(noun, value)
    elif _is_slug_name(name):
        fits = len(value) >= 6 and _SLUG.fullmatch(value) is not None
    elif noun:
        fits = is_weak_id(value) or _is_code(value) or is_in_groups(value)
    else:
        noun = around  # {"cart": "aXbQzWpR"} in the answer of POST /carts
        fits = noun_of(name) == around and not value.isdigit() and is_unlike_words(value)
    return noun if fits else ""


def _is_code(value: str) -> bool:
    return _CODE.fullmatch(value) is not None or is_unlike_words(value)


def is_weak_name(text: str) -> bool:
    """Whether ``text`` may be an id where one is expected though it is no number: ``a7Xk9``, ``blue-shirt``."""
    return _is_code(text) or is_in_groups(text) or (len(text) >= 6 and _SLUG.fullmatch(text) is not None)


@lru_cache(maxsize=4096)
def noun_under(name: str, around: str) -> str:
    """What a value under ``name`` would be an id of, by the name alone; "" where it would be none."""
    if name.lower().replace("-", "_") in _CURSORS:
        return CURSOR
    if told := told_by(name):
        return told
    if _is_slug_name(name):
        return noun_of(name.lower().replace("-", "_").rpartition("_")[0]) or around
    return (noun_of(name) or around) if is_idish(name) else ""


def is_made_slug(name: str, value: str) -> bool:
    """Whether ``value`` is a slug by its name with something drawn at random in it: ``gamma-7749bf``."""
    return _is_slug_name(name) and _MADE_SLUG.fullmatch(value) is not None


def _is_slug_name(name: str) -> bool:
    return name.lower().replace("-", "_").rpartition("_")[2] in _SLUGS


@lru_cache(maxsize=4096)  # names of fields are few, and asked about with every message
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
