"""What a field's or header's *name* promises about its value: an identifier, a token, a reference, a moment, a measure.

A name is never enough to accept a difference: it is one of the two signals that ``diffing.values.scalars`` asks for.
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


_WORD = re.compile(r"(?:ID|UUID|GUID|URL|URI)s(?![a-z])|[eE]Tag(?![a-z])|[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+")

_ID = frozenset("id ids uuid guid ulid oid gid uid urn pk xid".split())
_TOKEN = frozenset(
    "token tokens secret nonce csrf xsrf jti session sid cursor signature sig otp hash digest checksum sha etag "
    "fingerprint trace span correlation ticket challenge verifier hmac salt md5 apikey jwt bearer "
    "continuation next prev previous csrfmiddlewaretoken viewstate eventvalidation".split()
)
_DIGEST = frozenset("hash digest checksum sha".split())
_HANDLES = frozenset({("receipt", "handle"), ("session", "index")})
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
_WORKING = frozenset("response processing execution query".split())
_UNITS = frozenset("ms us ns s sec secs seconds millis milliseconds micros".split())
_PAST = frozenset(
    "created updated modified timestamp ts inserted seen login generated issued iat pushed changed started "
    "deleted now started finished completed ended received sent processed uploaded signed joined registered "
    "cancelled canceled confirmed accepted approved rejected placed ordered paid refunded shipped delivered fetched "
    "synced indexed scanned refreshed added removed closed opened merged archived activated verified authenticated "
    "expires expired expiry expiration logged accessed used revoked read viewed recorded captured".split()
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
    if last in ("str", "string") and before in _ID:  # id_str: the same number for readers that lose digits
        return Hint.ID
    if last in _UNITS and before == "duration":
        return Hint.MEASURE
    if last in _UNITS and (before in _MEASURE or before in _WORKING):
        return Hint.MEASURE
    if last in _UNITS and before == "time" and len(parts) > 2 and parts[-3] in _WORKING:
        return Hint.MEASURE
    if last in _MEASURE or (last == "time" and before in (*_WORKING, "run")):
        return Hint.MEASURE
    if last in _ID or (last == "to" and before == "relates"):  # WS-Addressing: whose answer it is
        return Hint.ID
    if (before, last) in _HANDLES:
        return Hint.TOKEN
    if last in _TOKEN or _SHA.fullmatch(last) or (last == "key" and before in ("api", "idempotency", "access")):
        return Hint.TOKEN
    if last in _REFERENCE or (last in _NUMBERED and (before in _NUMBERED_BY or (last == "number" and not before))):
        return Hint.REFERENCE
    if last in _MOMENT or (last in ("from", "to", "by", "on") and before in ("valid", "expires", "created", "updated")):
        return Hint.MOMENT
    return None


@lru_cache(maxsize=4096)
def is_digest(name: str) -> bool:
    """Whether ``name`` promises the digest of some content: ``sha256``, ``file_md5``, ``checksum``."""
    parts = words(name)
    if len(parts) > 1 and parts[-1].isdigit():  # sha256, md5
        return parts[-2] in ("sha", "md")
    return bool(parts) and parts[-1] in _DIGEST


@lru_cache(maxsize=4096)
def happened(name: str) -> bool:
    """Whether ``name`` speaks of something that happened by itself (creation, update), not of a calendar entry."""
    parts = set(words(name))
    if parts == {"at"} or parts == {"time"}:
        return True
    return bool(parts & _PAST) and not parts & _CALENDAR


def singular(noun: str) -> str:
    """``orders`` is ``order``: rough English, only used to tell the name spaces of integer ids apart."""
    if noun.endswith("ies") and len(noun) > 4:
        return noun[:-3] + "y"
    if noun.endswith(("ses", "xes", "ches", "shes")):
        return noun[:-2]
    return noun[:-1] if noun.endswith("s") and not noun.endswith("ss") else noun


WRAPPERS = frozenset(
    "data items item results result records record rows row list entries nodes node edges content".split()
)


def is_plural(noun: str) -> bool:
    """Whether ``noun`` names several: ``orders`` does, ``status`` and ``address`` do not."""
    return singular(noun) != noun and not noun.endswith(("us", "is"))


@lru_cache(maxsize=4096)
def entity(names: tuple[str, ...], endpoint: str) -> str:
    """Whose integer id a field is: ``order_id`` and ``$.order.id`` are both ``order``; ``$.id`` asks the endpoint."""
    parts = words(names[-1]) if names else ()
    if len(parts) > 1 and parts[-1] in _ID:
        return singular(parts[-2])
    for name in reversed(names[:-1]):
        if name.lower() not in WRAPPERS:
            return singular((words(name) or (name.lower(),))[-1])
    path = endpoint.partition(" ")[2] or endpoint
    static = [part for part in path.split("/") if part and not part.startswith("{") and not part.isdigit()]
    return singular(static[-1].lower()) if static else ""
