"""Stored passwords: salted hashes in the forms that crypt(3), bcrypt, scrypt, Argon2 and Django write.

A salt is drawn for every hash, so two builds never store one password alike. What must stay is the method and its cost
(PHC string format; ``$2b$12$``): a build that hashes with less is weaker. Where the salt is the same and the hash is
another, it is another password.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_BCRYPT = re.compile(r"(\$2[abxy]?\$\d\d\$)([./A-Za-z0-9]{22})([./A-Za-z0-9]{31})")
_PHC = re.compile(
    r"(\$(?:[156]|y|7|argon2(?:id|i|d)|scrypt|pbkdf2(?:-sha\d{1,3})?)\$(?:(?:v|m|t|p|ln|r|i|rounds)=[^$]{1,40}\$|\d{1,9}\$){0,3})"
    r"([./A-Za-z0-9+]{4,64})\$([./A-Za-z0-9+=]{16,128})"
)
_DJANGO = re.compile(
    r"((?:pbkdf2_sha\d{1,3}|argon2|scrypt|md5)\$\d{1,9}\$)([A-Za-z0-9]{4,64})\$([A-Za-z0-9+/=]{16,128})"
)


@dataclass(frozen=True, slots=True)
class PasswordHash:
    """``method`` with its cost, as written: ``$2b$12$``."""

    method: str
    salt: str
    length: int  # of the hash


def password_hash(text: str) -> PasswordHash | None:
    """The parts of a stored password, or None."""
    if "$" not in text or len(text) > 400:
        return None
    for form in (_BCRYPT, _PHC, _DJANGO):
        match = form.fullmatch(text)
        if match is not None:
            return PasswordHash(match[1], match[2], len(match[3]))
    return None
