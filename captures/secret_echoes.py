"""The secrets of one exchange, looked for wherever else in it they stand again: echoed, forwarded, in an error text."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

MINIMUM = 8
"""Characters. Shorter secrets are found under their names only: anywhere else they would hit by chance."""

MINIMUM_OF_PASSWORDS = 6
"""Of those that stood under a name like "password", and only where they stand alone."""

_COMMON_WORDS = frozenset("secret string public system server client master object number".split())
_WEAK = re.compile(r"[A-Za-z]{8,15}|[0-9]{8,15}")
"""A word or a number: replaced only where it stands alone, and never where it is a JSON member's name."""


_COMMON = re.compile(r"[A-Za-z]{1,15}|[0-9]{1,15}|[0-9]{4}-[0-9]{2}-[0-9]{2}.*|[a-z]+/[a-z]+|[a-z.-]+")
"""A cookie's value that may well stand elsewhere by chance: words, numbers, dates, media types, host names."""


class Echoes:
    """Secrets and their pseudonyms, and the cookies by name."""

    __slots__ = ("_named", "_pairs", "_replacements")

    def __init__(self) -> None:
        self._pairs: dict[str, str] = {}
        self._named: dict[tuple[str, str], str] = {}
        self._replacements: list[tuple[bytes, bytes, re.Pattern[bytes] | None]] | None = None

    def __bool__(self) -> bool:
        return bool(self._pairs)

    def add(self, secret: str, pseudonym: str, name: str = "", *, password: bool = False) -> None:
        """Remember a replaced secret; ``name``: of the cookie it was the value of; ``password``: its name said so."""
        if name:
            self._named[name, secret] = pseudonym
            if _COMMON.fullmatch(secret):
                return  # cookies hold preferences and dates as well as secrets: those are replaced by name only
        least = MINIMUM
        if password and not secret.isdigit() and secret.lower() not in _COMMON_WORDS:
            least = MINIMUM_OF_PASSWORDS
        if len(secret) >= least and secret != pseudonym and secret not in self._pairs:
            self._pairs[secret] = pseudonym
            self._replacements = None

    def of_name(self, name: str, value: str) -> str | None:
        """The pseudonym of ``value`` when it is the value of cookie ``name`` in this exchange."""
        return self._named.get((name, value)) if self._named else None

    @property
    def names(self) -> frozenset[str]:
        """The names of the cookies."""
        return frozenset(name for name, _ in self._named)

    def in_text(self, data: bytes) -> bytes:
        """``data`` (a header value, a decoded body) with every secret replaced, also JSON- and percent-encoded ones."""
        for before, after, alone in self._prepared():
            if before in data:
                data = data.replace(before, after) if alone is None else alone.sub(after.replace(b"\\", rb"\\"), data)
        return data

    def in_value(self, value: Any) -> Any:
        """JSON-able ``value`` with every secret replaced in its strings."""
        if isinstance(value, str):
            return self.in_text(value.encode("utf-8", "surrogatepass")).decode("utf-8", "surrogatepass")
        if isinstance(value, Mapping):
            return {self.in_value(key): self.in_value(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self.in_value(item) for item in value]
        return value

    def _prepared(self) -> list[tuple[bytes, bytes, re.Pattern[bytes] | None]]:
        if self._replacements is None:
            self._replacements = []
            for secret in sorted(self._pairs, key=len, reverse=True):  # a longer one may hold a shorter one
                pseudonym = self._pairs[secret]
                for before, after in dict(zip(_spellings(secret), _spellings(pseudonym), strict=True)).items():
                    alone = None
                    if len(secret) < MINIMUM or _WEAK.fullmatch(secret):
                        alone = re.compile(
                            rb"(?<![A-Za-z0-9])" + re.escape(before) + rb'(?![A-Za-z0-9])(?!"[ \t\r\n]*:)'
                        )
                    self._replacements.append((before, after, alone))
        return self._replacements


def _spellings(text: str) -> tuple[bytes, ...]:
    """How a string may be written: plain, in JSON (with and without escapes beyond ASCII), percent-encoded."""
    raw = text.encode("utf-8", "surrogatepass")
    if text.isalnum() and text.isascii():
        return (raw,) * 5
    escaped = json.dumps(text)[1:-1].encode("ascii")
    percent = quote(raw, safe="").encode("ascii")
    return (
        raw,
        escaped,
        escaped.replace(b"/", b"\\/"),
        percent,
        quote(raw, safe="/:@").encode("ascii"),
    )
