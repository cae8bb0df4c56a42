"""Signed URLs: AWS SigV4, Google Cloud Storage, Azure SAS, CloudFront, and the many home-made ones.

The signature is free, for it covers the time of signing. What stays asserted is what a client relies on and what a
signature protects: the place it points at, the set of its parameters, the permissions in them, how long it is good
for. A link that was good for five minutes and now is for a year is drift.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import unquote_plus

from diffing.values import moments
from diffing.values.moments import Clock, Moment

_URL = re.compile(r"(?:https?:)?//[^\s\"'<>]+|/[^\s\"'<>]*")
_SIGNATURE = frozenset(
    "x-amz-signature x-goog-signature signature sig hmac hdnts hdnea __token__ sign token_signature".split()
)
_MAYBE = frozenset("token hash auth s".split())
"""Signatures only beside an expiry."""
_EXPIRY = frozenset("expires exp expiry expire e se ttl valid_until x-expires x-amz-expires x-goog-expires".split())
_START = frozenset("x-amz-date x-goog-date st date iat ts timestamp".split())
_FREE = frozenset("x-amz-security-token policy".split())
_FIXED = frozenset("key-pair-id googleaccessid awsaccesskeyid sv sp sr spr sip ss srt".split())
_SPAN = frozenset("x-amz-expires x-goog-expires ttl".split())
_TOKEN = re.compile(r"[A-Za-z0-9_+/=.~*^-]{8,}")
TOLERANCE = 5.0  # seconds of a window that two readings of a clock may differ by

Parameters = list[tuple[str, str]]


def parse(text: str) -> tuple[str, Parameters] | None:
    """(what comes before the query, decoded parameters) of a signed URL; None for every other text."""
    if "=" not in text or "?" not in text or not _URL.fullmatch(text):
        return None
    base, _, query = text.partition("?")
    found: Parameters = []
    for piece in query.partition("#")[0].split("&"):
        name, _, value = piece.partition("=")
        found.append((unquote_plus(name), unquote_plus(value)))
    names = {name.lower() for name, _ in found}
    if names & _SIGNATURE or (names & _MAYBE and names & _EXPIRY):
        return base, found
    return None


def complaint(
    recorded: tuple[str, Parameters],
    replayed: tuple[str, Parameters],
    then: Clock,
    now: Clock,
    same: Callable[[str, str, str], bool],
) -> str | None:
    """None when both are signed alike, else one sentence without a value.

    ``same``: whether two unequal texts of a name are one up to what varies by itself.
    """
    if recorded[0] != replayed[0] and not same(recorded[0], replayed[0], ""):
        return "the signed URL points elsewhere"
    old, new = dict(recorded[1]), dict(replayed[1])
    if [name for name, _ in recorded[1]] != [name for name, _ in replayed[1]]:
        if sorted(old) == sorted(new) and len(old) == len(recorded[1]) == len(replayed[1]):
            return "the signed URL has its parameters in another order"
        changed = sorted(old.keys() ^ new.keys())
        return f"the signed URL has other parameters: {', '.join(changed[:5]) or 'repeated ones'}"
    for name, value in old.items():
        other, lower = new[name], name.lower()
        if value == other:
            continue
        if lower in _SIGNATURE or lower in _MAYBE or lower in _FREE:
            if not (_TOKEN.fullmatch(value) and _TOKEN.fullmatch(other)):
                return f"{name} of the signed URL is formed differently"
            continue
        if lower in _SPAN and not _moment(value):
            return f"{name} of the signed URL is {other} seconds, was {value}" if other.isdigit() else f"{name} changed"
        if lower in _EXPIRY or lower in _START:
            before, after = _moment(value), _moment(other)
            if before is None or after is None or before.facets != after.facets:
                return f"{name} of the signed URL is formed differently"
            continue
        if lower.endswith("-credential"):  # whose key / date / region / service / kind of request
            value, other = (re.sub(r"/\d{8}/", "/date/", text) for text in (value, other))
            temporary = value[:4] == other[:4] == "ASIA" and value.partition("/")[2] == other.partition("/")[2]
            if value == other or temporary:
                continue
            return f"{name} of the signed URL is another one"
        if lower in _FIXED or not same(value, other, name):
            return f"{name} of the signed URL is another one"
    return _windows(old, new, then, now)


def _windows(old: dict[str, str], new: dict[str, str], then: Clock, now: Clock) -> str | None:
    def of(side: dict[str, str], names: frozenset[str]) -> Moment | None:
        return next((found for name, text in side.items() if name.lower() in names and (found := _moment(text))), None)

    ends, starts = (of(old, _EXPIRY), of(new, _EXPIRY)), (of(old, _START), of(new, _START))
    if ends[0] is not None and ends[1] is not None and ends[0] != ends[1]:
        if starts[0] is not None and starts[1] is not None:
            window = ends[0].seconds - starts[0].seconds, ends[1].seconds - starts[1].seconds
            if abs(window[0] - window[1]) > TOLERANCE:
                return f"the signed URL was good for {window[0]:,.0f} s, now for {window[1]:,.0f} s"
        elif (relation := moments.same_relation(ends[0], ends[1], then, now, happened=False)) is not None:
            return f"the signed URL's expiry moved: {relation}"
    if starts[0] is not None and starts[1] is not None and starts[0] != starts[1]:
        relation = moments.same_relation(starts[0], starts[1], then, now, happened=True)
        if relation is not None:
            return f"the time of signing moved: {relation}"
    return None


def _moment(text: str) -> Moment | None:
    return moments.read(text) or moments.read_epoch_text(text)
