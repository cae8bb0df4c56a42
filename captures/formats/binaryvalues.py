"""Bytes inside values, as values: small ones in hexadecimal, large ones by size and digest."""

from __future__ import annotations

import hashlib

SHOWN = 64
"""Bytes up to which a run of bytes is shown whole."""


def bytes_value(data: bytes) -> dict[str, str]:
    """``{"#bytes": "00ff"}``, or the description of many: equal only for equal bytes."""
    return {"#bytes": data.hex() if len(data) <= SHOWN else described(data)}


def described(data: bytes) -> str:
    """Size and SHA-256 in groups of four digits.

    In one piece the digest would look like an identifier, and another content like an identifier made anew.
    """
    digest = hashlib.sha256(data).hexdigest()
    groups = " ".join(digest[at : at + 4] for at in range(0, 64, 4))
    return f"{len(data):,} bytes (SHA-256) {groups}"
