"""The time inside an id: when it was made, as its own format says.

Two ids that were each made while their run was going on have a second sign beside their shape: a random string of the
same form names a moment within a few hours out of decades about once in a hundred thousand times.
"""

from __future__ import annotations

CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_GREGORIAN = 12_219_292_800.0  # seconds from 1582-10-15, where UUIDs begin to count, to 1970 (RFC 9562, 5.1)
_TWITTER, _DISCORD, _SONY = 1_288_834_974.657, 1_420_070_400.0, 1_409_529_600.0


def made_at(kind: str, text: str) -> tuple[float, ...]:
    """When an id of ``kind`` was made, in Unix seconds: every reading there is, none where it holds no time."""
    if kind == "ulid":
        return (number(text[:10], CROCKFORD) / 1000,)
    if kind == "ksuid":
        return ((number(text, BASE62) >> 128) + 1_400_000_000.0,)
    if kind == "objectid":
        return (float(int(text[:8], 16)),)
    if kind == "snowflake":
        return snowflake_times(int(text))
    if kind == "uuid":
        return _uuid(text.lower().removeprefix("urn:uuid:").strip("{}").replace("-", ""))
    return ()


def snowflake_times(value: int) -> tuple[float, ...]:
    """The moments a snowflake may name: Twitter's and Discord's epochs (ms << 22), Sonyflake's (10 ms << 24)."""
    return (value >> 22) / 1000 + _TWITTER, (value >> 22) / 1000 + _DISCORD, (value >> 24) / 100 + _SONY


def number(text: str, alphabet: str) -> int:
    """``text`` as a number whose digits are ``alphabet``."""
    value = 0
    for character in text:
        value = value * len(alphabet) + alphabet.index(character)
    return value


def _uuid(digits: str) -> tuple[float, ...]:
    version = digits[12]
    if version == "1":
        return (int(digits[13:16] + digits[8:12] + digits[:8], 16) / 1e7 - _GREGORIAN,)
    if version == "6":
        return (int(digits[:12] + digits[13:16], 16) / 1e7 - _GREGORIAN,)
    return (int(digits[:12], 16) / 1000,) if version == "7" else ()
