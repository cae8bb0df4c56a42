"""Digests of a body in headers and trailers: they say nothing of their own, so they are asked for the body.

Digest (RFC 3230), Content-Digest and Repr-Digest (RFC 9530), Content-MD5, ``x-amz-checksum-*`` and the like. Where the
body is equal an unequal digest is drift; where the recorded digest is that of the recorded body, the replayed one must
be that of the replayed body. Signatures of a body need a key that nobody has here: they only must not change with
an equal body, unless something that was signed along with it did.
"""

from __future__ import annotations

import base64
import hashlib
import re

from diffing.place import Accepted, Drift, Outcome
from diffing.values.generated import is_nothing
from diffing.values.variations import about_as_long

_NAMED = re.compile(
    r"(?:content-|repr-|want-)?digest|content-md5|etag-md5"
    r"|(?:x-)?(?:[a-z]+-)*(?:checksum|sha-?(?:1|224|256|384|512)|md5|crc32c?|hash)(?:-(?:[a-z0-9]+))*"
)
_SIGNED = re.compile(r"(?:.*-)?(?:hub-)?signature(?:-[a-z0-9]+)*|(?:.*-)?hmac(?:-.*)?")
_SEPARATED = re.compile(r"([,;\s]+|(?:^|(?<=[,;\s]))[A-Za-z0-9_-]{1,20}=(?!=*$))")
_SHORTEST = 8
_ALGORITHMS = {16: "md5", 20: "sha1", 28: "sha224", 32: "sha256", 48: "sha384", 64: "sha512"}
_MEMBER = re.compile(r"(?:([A-Za-z0-9_-]+)[=:])?:?([A-Za-z0-9+/_-]{16,}={0,2}|[0-9a-fA-F]{32,128}):?")
_MOMENTS = re.compile(r"(?:^|[,;\s])(?:t|ts|timestamp|created|keyid|nonce)=", re.IGNORECASE)


def is_digest(name: str) -> bool:
    """Whether header ``name`` holds a digest of the body, or a signature of it."""
    return _NAMED.fullmatch(name) is not None or _SIGNED.fullmatch(name) is not None


def judge_digest(
    name: str, values: tuple[str, str], bodies: tuple[bytes, bytes], *, signed_anew: bool = False
) -> Outcome | None:
    """Judge two unequal values of header ``name``; None: it is none, or its form is judged like any other value's.

    ``signed_anew``: another header that is signed along with the body (a date, an id) differs.
    """
    if not is_digest(name):
        return None
    old, new = values
    if bodies[0] == bodies[1]:
        if _SIGNED.fullmatch(name) is not None and (signed_anew or _MOMENTS.search(old)):
            return _signed(old, new)
        return Drift("value-changed", "the body that it is a digest of is byte for byte the same")
    if _SIGNED.fullmatch(name) is not None:
        return _signed(old, new)
    if matches(old, bodies[0]):
        if not matches(new, bodies[1]):
            return Drift("value-changed", "it is no longer the digest of its own body")
        return Accepted(("volatile.digest",), "each is the digest of its own body")
    return None


def _signed(old: str, new: str) -> Outcome | None:
    """Two signatures of other content: the same parts, each of its length. None: they are none, word by word."""
    one, other = _SEPARATED.split(old), _SEPARATED.split(new)
    if len(one) != len(other) or one[1::2] != other[1::2]:
        return Drift("format-changed", "the signature has other parts")
    for left, right in zip(one[::2], other[::2], strict=True):
        if left == right:
            continue
        if len(left) < _SHORTEST or is_nothing(right) or not about_as_long(left, right):
            return None if len(left) < _SHORTEST else Drift("format-changed", "the signature is formed differently")
    return Accepted(("volatile.token",), "a signature of what differs; the same parts and lengths")


def matches(value: str, body: bytes) -> bool:
    """Whether every digest in ``value`` that can be computed is one of ``body``, and there is one."""
    found = 0
    for part in value.split(","):
        member = _MEMBER.fullmatch(part.strip().strip('"'))
        digest = _bytes(member[2]) if member is not None else None
        algorithm = _ALGORITHMS.get(len(digest)) if digest is not None else None
        if digest is None or algorithm is None:
            continue
        if hashlib.new(algorithm, body, usedforsecurity=False).digest() != digest:
            return False
        found += 1
    return found > 0


def _bytes(text: str) -> bytes | None:
    if len(text) in (32, 40, 56, 64, 96, 128) and re.fullmatch(r"[0-9a-fA-F]+", text):
        return bytes.fromhex(text)
    try:
        return base64.b64decode(text.replace("-", "+").replace("_", "/"), validate=True)
    except ValueError:
        return None
