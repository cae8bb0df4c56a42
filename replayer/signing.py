"""JSON Web Tokens signed again: recorded claims, with this replay's values and valid now. Pure but for the clock.

Only with a key that was given, and only HMAC (RFC 7515; RFC 7518, 3.2): a token that somebody else signed cannot be
made here, and is sent as it was recorded.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import re
from collections.abc import Callable
from dataclasses import dataclass

from captures.formats import jsonspans
from captures.formats.jsonspans import Scalar

JWT = re.compile(r"(?<![A-Za-z0-9_.-])eyJ[A-Za-z0-9_-]+\.eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*(?![A-Za-z0-9_.-])")
TIMES = frozenset({"exp", "iat", "nbf", "auth_time", "updated_at"})
"""Claims in seconds since 1970 (RFC 7519, 4.1; OpenID Connect Core, 2 and 5.1)."""

_HASHES = {"HS256": hashlib.sha256, "HS384": hashlib.sha384, "HS512": hashlib.sha512}


def claims_of(token: str) -> str | None:
    """The claims of ``token`` as the JSON text they are; None when it is no token after all."""
    try:
        return _decoded(token.split(".")[1])
    except ValueError:
        return None


@dataclass(frozen=True, slots=True)
class Signer:
    """Signs tokens again with ``key``. ``now``: Unix seconds."""

    key: bytes
    now: Callable[[], float]

    def signed(self, token: str, claims: str, sent: float) -> str | None:
        """``token`` with ``claims`` and its times as far from now as they were from ``sent``; None if it cannot be."""
        head, _, _ = token.split(".")
        try:
            said = json.loads(_decoded(head))
            algorithm = said.get("alg") if isinstance(said, dict) else None
            digest = _HASHES.get(str(algorithm))
            if digest is None:
                return None
            shift = int(self.now() - sent)
            claims = jsonspans.replaced(claims, lambda scalar: _moved(scalar, shift))
        except ValueError:
            return None
        text = f"{head}.{_encoded(claims.encode('utf-8', 'surrogatepass'))}"
        return f"{text}.{_encoded(hmac.digest(self.key, text.encode('ascii'), digest))}"


def _moved(scalar: Scalar, shift: int) -> str | None:
    if len(scalar.place) != 1 or scalar.place[0] not in TIMES or not scalar.literal.isdigit():
        return None
    return str(max(int(scalar.literal) + shift, 0))


def _decoded(part: str) -> str:
    """Raises ``ValueError``."""
    try:
        return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError) as error:
        raise ValueError("no base64 of text") from error


def _encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode("ascii").rstrip("=")
