"""What a field's or header's *name* promises about its value: an identifier, a token, a reference, a moment, a measure.

A name is never enough to accept a difference: it is one of the two signals that ``diffing.scalars`` asks for.
"""

from __future__ import annotations

import re
from enum import Enum
from functools import lru_cache


class Hint(Enum):
    """What a name promises."""

    ID = "id"
    TOKEN = "token"  # noqa: S105 - a kind of name
    REFERENCE = "reference"  # order numbers and such, for people
    MOMENT = "moment"
    MEASURE = "measure"  # how long something took


_WORD = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+")

_ID = frozenset("id ids uuid guid ulid oid gid uid urn pk xid".split())
_TOKEN = frozenset(
    "token tokens secret nonce csrf xsrf jti session sid cursor signature sig otp hash digest checksum sha etag "
    "fingerprint trace span correlation ticket challenge verifier hmac salt md5 apikey jwt bearer "
    "continuation next prev previous".split()
)
_SHA = re.compile(r"sha\d*|md5")
_REFERENCE = frozenset("ref reference tracking receipt invoice confirmation serial barcode".split())
_NUMBERED = frozenset("number no num nr code".split())
_NUMBERED_BY = frozenset(
    "order invoice ticket reference confirmation tracking receipt transaction case booking serial shipment payment "
    "request reservation voucher parcel".split()
)
_MOMENT = frozenset(
    "at date time timestamp ts datetime expires expiry expiration exp iat nbf created updated modified deleted since "
    "until when now started ended finished issued generated seen reset changed inserted published pushed".split()
)
_MEASURE = frozenset("elapsed took latency uptime".split())
_UNITS = frozenset("ms us ns s sec secs seconds millis milliseconds micros".split())
_PAST = frozenset(
    "at created updated modified timestamp ts inserted seen login generated issued iat pushed changed started "
    "deleted now".split()
)
_CALENDAR = frozenset("birth birthday dob due release holiday event".split())


@lru_cache(maxsize=4096)
def words(name: str) -> tuple[str, ...]:
    """``createdAt``, ``created_at`` and ``Created-At`` are all ``("created", "at")``."""
    return tuple(word.lower() for word in _WORD.findall(name))


@lru_cache(maxsize=4096)
def hint_of(name: str) -> Hint | None:
    """What ``name`` promises, or None."""
    parts = words(name)
    if not parts:
        return None
    last = parts[-1]
    before = parts[-2] if len(parts) > 1 else ""
    if last.isdigit() and before:
        last, before = before, parts[-3] if len(parts) > 2 else ""
    if last in _UNITS and (before in _MEASURE or before in ("time", "duration", "response", "processing")):
        return Hint.MEASURE
    if last in _MEASURE or (last == "time" and before in ("response", "processing", "execution", "query", "run")):
        return Hint.MEASURE
    if last in _ID:
        return Hint.ID
    if last in _TOKEN or _SHA.fullmatch(last) or (last == "key" and before in ("api", "idempotency", "access")):
        return Hint.TOKEN
    if last in _REFERENCE or (last in _NUMBERED and (before in _NUMBERED_BY or (last == "number" and not before))):
        return Hint.REFERENCE
    if last in _MOMENT or (last in ("from", "to", "by", "on") and before in ("valid", "expires", "created", "updated")):
        return Hint.MOMENT
    return None


@lru_cache(maxsize=4096)
def happened(name: str) -> bool:
    """Whether ``name`` speaks of something that happened by itself (creation, update), not of a calendar entry."""
    parts = set(words(name))
    return bool(parts & _PAST) and not parts & _CALENDAR


def singular(noun: str) -> str:
    """``orders`` is ``order``: rough English, only used to tell the name spaces of integer ids apart."""
    if noun.endswith("ies") and len(noun) > 4:
        return noun[:-3] + "y"
    if noun.endswith(("ses", "xes", "ches", "shes")):
        return noun[:-2]
    return noun[:-1] if noun.endswith("s") and not noun.endswith("ss") else noun


_WRAPPERS = frozenset(
    "data items item results result records record rows row list entries nodes node edges content".split()
)


@lru_cache(maxsize=4096)
def entity(names: tuple[str, ...], endpoint: str) -> str:
    """Whose integer id a field is: ``order_id`` and ``$.order.id`` are both ``order``; ``$.id`` asks the endpoint."""
    parts = words(names[-1]) if names else ()
    if len(parts) > 1 and parts[-1] in _ID:
        return singular(parts[-2])
    for name in reversed(names[:-1]):
        if name.lower() not in _WRAPPERS:
            return singular((words(name) or (name.lower(),))[-1])
    path = endpoint.partition(" ")[2] or endpoint
    static = [part for part in path.split("/") if part and not part.startswith("{")]
    return singular(static[-1].lower()) if static else ""
