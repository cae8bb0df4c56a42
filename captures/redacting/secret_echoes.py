"""The secrets of one exchange, looked for wherever else in it they stand again: echoed, forwarded, in an error text."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import quote

from captures.redacting.bounds import Bounds

MINIMUM = 8
"""Characters. Shorter secrets are found under their names only: anywhere else they would hit by chance."""

MINIMUM_OF_PASSWORDS = 6
"""Of those that stood under a name like "password", and only where they stand alone."""

_CACHED = 512  # characters

MANY = 256
"""Spellings above which a text is gone through once, from left to right, instead of once for each of them."""

_STEPS = 0xFFFF  # between two looks at the clock

_COMMON_WORDS = frozenset("secret string public system server client master object number".split())
_WEAK = re.compile(r"[A-Za-z]{8,15}|[0-9]{8,15}")
"""A word or a number: replaced only where it stands alone, and never where it is a JSON member's name."""


_COMMON = re.compile(r"[A-Za-z]{1,15}|[0-9]{1,15}|[0-9]{4}-[0-9]{2}-[0-9]{2}.*|[a-z]+/[a-z]+|[a-z.-]+")
"""A cookie's value that may well stand elsewhere by chance: words, numbers, dates, media types, host names."""

_Replacement = tuple[bytes, bytes, bool]
"""What stands there, what takes its place, and whether it must stand alone, being a word or a number."""


class Echoes:
    """Secrets and their pseudonyms, and the cookies by name."""

    __slots__ = ("_index", "_named", "_pairs", "_replacements")

    def __init__(self) -> None:
        self._pairs: dict[str, str] = {}
        self._named: dict[tuple[str, str], str] = {}
        self._replacements: list[_Replacement] | None = None
        self._index: dict[bytes, list[_Replacement]] | None = None  # of the same, by their first bytes

    def __bool__(self) -> bool:
        return bool(self._pairs)

    def __len__(self) -> int:
        return len(self._pairs) + len(self._named)

    def copy(self) -> Echoes:
        """The same secrets, to go on from."""
        other = Echoes()
        other._pairs, other._named = dict(self._pairs), dict(self._named)
        return other

    @property
    def empty(self) -> bool:
        """Whether nothing is looked for: no secret, and no cookie by its name."""
        return not self._pairs and not self._named

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
            self._replacements = self._index = None

    def of_name(self, name: str, value: str) -> str | None:
        """The pseudonym of ``value`` when it is the value of cookie ``name`` in this exchange."""
        return self._named.get((name, value)) if self._named else None

    @property
    def names(self) -> frozenset[str]:
        """The names of the cookies."""
        return frozenset(name for name, _ in self._named)

    def in_text(self, data: bytes, bounds: Bounds | None = None) -> bytes:
        """``data`` (a header value, a decoded body) with every secret replaced, also JSON- and percent-encoded ones.

        Raises :class:`Unsearchable` where that takes longer than ``bounds`` say.
        """
        prepared = self._prepared()
        if len(prepared) > MANY:
            return self._in_one_pass(data, bounds or Bounds())
        for before, after, alone in prepared:
            if before in data:
                data = _alone(before).sub(after.replace(b"\\", rb"\\"), data) if alone else data.replace(before, after)
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

    def _in_one_pass(self, data: bytes, bounds: Bounds) -> bytes:
        """The same with very many secrets (a list of keys): time grows with the text and not with their number."""
        if self._index is None:
            self._index = {}
            for one in self._prepared():  # the longest first
                self._index.setdefault(one[0][:MINIMUM_OF_PASSWORDS], []).append(one)
        find = self._index.get
        parts: list[bytes] = []
        done = at = 0
        end = len(data) - MINIMUM_OF_PASSWORDS
        while at <= end:
            if not at & _STEPS:
                bounds.check()
            for before, after, alone in find(data[at : at + MINIMUM_OF_PASSWORDS], ()):
                if data.startswith(before, at) and (not alone or _alone(before).match(data, at)):
                    parts += (data[done:at], after)
                    done = at = at + len(before)
                    break
            else:
                at += 1
        return b"".join([*parts, data[done:]]) if parts else data

    def _prepared(self) -> list[_Replacement]:
        if self._replacements is None:
            self._replacements = []
            for secret in sorted(self._pairs, key=len, reverse=True):  # a longer one may hold a shorter one
                make = _replacements if len(secret) <= _CACHED else _replacements.__wrapped__
                self._replacements += make(secret, self._pairs[secret])
        return self._replacements


@lru_cache(maxsize=2048)  # the credentials at hand are sent again and again
def _replacements(secret: str, pseudonym: str) -> tuple[_Replacement, ...]:
    made: list[_Replacement] = []
    for before, after in dict(zip(_spellings(secret), _spellings(pseudonym), strict=True)).items():
        made.append((before, after, len(secret) < MINIMUM or _WEAK.fullmatch(secret) is not None))
    return tuple(made)


@lru_cache(maxsize=2048)
def _alone(word: bytes) -> re.Pattern[bytes]:
    return re.compile(rb"(?<![A-Za-z0-9])" + re.escape(word) + rb'(?![A-Za-z0-9])(?!"[ \t\r\n]*:)')


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
