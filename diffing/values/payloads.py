"""What opaque values say once they are opened: the claims of a JWT, the members of a cursor, the type in a global id.

A token that is only asked for its form hides a role that became ``admin`` and a lifetime that became a year. What can
be opened without a key is compared member by member, like any other JSON.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from urllib.parse import unquote

LONGEST = 8_192  # characters
NESTED = 200  # objects and arrays: more are no cursor and no token
_HEADER = ("alg", "typ", "cty", "crit", "enc")
_TIMES = ("iat", "nbf", "auth_time", "exp")
_LARGEST = 65_536  # bytes of an unpacked payload
_SIGNED = re.compile(
    # Two dashes only ever part: were they letters, too, a run of them could be cut anywhere.
    r"(\.?)((?:[A-Za-z0-9_+/]|-(?!-)){6,}+={0,2})((?:(?:\.|--|:)(?:[A-Za-z0-9_=]|-(?!-)){4,}+){0,2})"
)
TOLERANCE = 2  # seconds between two readings of the issuer's clock


@dataclass(frozen=True, slots=True)
class Jwt:
    """The readable parts of a JSON Web Token (RFC 7519)."""

    header: dict[str, Any]
    claims: dict[str, Any]


def jwt(text: str) -> Jwt | None:
    """The token's header and claims; None when it is none."""
    parts = text.split(".")
    if len(parts) != 3 or len(text) > LONGEST:
        return None
    try:
        header, claims = (_json(_decoded(part)) for part in parts[:2])
    except (ValueError, binascii.Error, RecursionError):
        return None
    return Jwt(header, claims) if isinstance(header, dict) and isinstance(claims, dict) else None


def jwt_complaint(recorded: Jwt, replayed: Jwt) -> str:
    """Why the two are not made the same way: algorithm, type, names of claims, lifetime; "" when they are."""
    for name in _HEADER:
        if recorded.header.get(name) != replayed.header.get(name):
            return f"the token's {name} is another one"
    if recorded.claims.keys() != replayed.claims.keys():
        changed = sorted(recorded.claims.keys() ^ replayed.claims.keys())
        return f"the token has other claims: {', '.join(changed[:5])}"
    old, new = _lifetime(recorded.claims), _lifetime(replayed.claims)
    if old is not None and new is not None and abs(old - new) > TOLERANCE:
        return f"the token lived for {old:,.0f} s, now for {new:,.0f} s"
    return ""


def signed(value: str) -> tuple[Any, tuple[int, ...]] | None:
    """What a value that carries its signature says: (JSON, lengths of what follows it); None: it is opaque.

    ``eyJyb2xlIjoidXNlciJ9.ZzXqAQ.b3f9…``, as itsdangerous and cookie-session write it: a payload, a time, a signature.
    """
    text = unquote(value).strip('"').removeprefix("j:")
    if text[:1] in ("{", "["):
        said = _plain(text.encode())
        return None if said is None else (said, ())
    match = _SIGNED.fullmatch(text.removeprefix("s:"))
    if match is None:
        return None
    try:
        data = _decoded(match[2].rstrip("="))
        if match[1]:
            data = zlib.decompressobj().decompress(data, _LARGEST)
    except (ValueError, zlib.error):
        return None
    said = _plain(data)
    if said is None:
        return None
    return said, tuple(len(part) for part in re.split(r"\.|--|:", match[3])[1:])


def opened(text: str) -> Any:
    """The JSON or plain text that base64 hides; None when it is no base64 of either."""
    if not 4 <= len(text) <= LONGEST or len(text.rstrip("=")) % 4 == 1:
        return None
    try:
        data = _decoded(text.rstrip("="))
        inner = data.decode("utf-8")
    except (ValueError, binascii.Error):
        return None
    if not inner.isprintable() or len(inner) < 3:
        return None
    if inner[0] in "{[":
        try:
            return _json(data)
        except (ValueError, RecursionError):
            return inner
    return inner


def unequal_members(one: Any, other: Any, names: tuple[str, ...] = ()) -> Iterator[tuple[Any, Any, tuple[str, ...]]]:
    """Every unequal scalar pair of two small JSON values, with the names above it; ``(None, None, …)`` where the
    shapes differ.
    """
    if isinstance(one, dict) and isinstance(other, dict):
        if one.keys() != other.keys():
            yield None, None, names
            return
        for name in one:
            yield from unequal_members(one[name], other[name], (*names, name))
    elif isinstance(one, list) and isinstance(other, list):
        if len(one) != len(other):
            yield None, None, names
            return
        for item, twin in zip(one, other, strict=True):
            yield from unequal_members(item, twin, names)
    elif isinstance(one, dict | list) or isinstance(other, dict | list):
        yield None, None, names
    elif type(one) is not type(other) or one != other:
        yield one, other, names


def _plain(data: bytes) -> Any:
    """The object or array that ``data`` writes out; None: it is none."""
    if data[:1] not in (b"{", b"["):
        return None
    try:
        return _json(data)
    except (ValueError, RecursionError):
        return None


def _json(text: bytes) -> Any:
    """The JSON value, if it is small enough to be walked by recursion. Raises ``ValueError``."""
    if text.count(b"{") + text.count(b"[") > NESTED:
        raise ValueError("too many objects")
    return json.loads(text, parse_float=Decimal)


def _decoded(part: str) -> bytes:
    padded = part + "=" * (-len(part) % 4)
    return base64.b64decode(padded.replace("-", "+").replace("_", "/"), validate=True)


def _lifetime(claims: dict[str, Any]) -> float | None:
    begin = next((claims[name] for name in _TIMES[:3] if isinstance(claims.get(name), int | Decimal)), None)
    end = claims.get("exp")
    return float(end) - float(begin) if begin is not None and isinstance(end, int | Decimal) else None
