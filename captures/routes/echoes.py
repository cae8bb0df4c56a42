"""What a JSON answer calls by name: the proof that a segment of a path is an id and not a fixed word.

``GET /products/blue-shirt`` answered by ``{"slug": "blue-shirt", …}`` says so. ``GET /org/onboardingStatus`` answered
by ``{"onboardingStatus": "done"}`` does not: there the word is a name of a member, never a value.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from captures.formats.decoding import JsonBody, decode
from captures.model import Response

LARGEST = 256 * 1024
"""Bytes of a body that is read for names; larger ones prove nothing, nor do they disprove."""

MOST = 2_000
"""Values of one answer that are looked at."""

_DEEPEST = 5
_WORDS = (
    "id|uid|uuid|guid|slug|name|key|code|handle|login|sku|ref|symbol|identifier|username|tag|title|label|path|alias|"
    "locale|currency|iso|number"
)
_CAPITALS = "|".join(sorted({word.title() for word in _WORDS.split("|")} | {"ID", "UUID", "SKU"}))
_KEY = re.compile(rf"(?i:(?:.*[_-])?(?:{_WORDS})s?)|.*[a-z0-9](?:{_CAPITALS})s?")  # id, shop_id, shopId; not "paid"
_GAP = re.compile(r"[\W_]+")


@dataclass(frozen=True, slots=True)
class Answer:
    """What one answer says of the words in its request's path."""

    segments: tuple[str, ...]
    identifiers: frozenset[str]  # values of members called id, slug, name, code …; of several words also folded
    strings: frozenset[str]  # every string value, folded
    whole: bool  # the body was read to its end

    def names(self, word: str) -> bool:
        """Whether it calls something ``word``: exactly, or ``blue-shirt`` by "Blue Shirt" (not ``old`` by "Old")."""
        text = folded(word)
        return word in self.identifiers or ("-" in text and text in self.identifiers)

    def speaks_of(self, word: str) -> bool:
        """Whether the word stands anywhere in it as a value."""
        return folded(word) in self.strings


def folded(text: str) -> str:
    """``Blue Shirt``, ``blue_shirt`` and ``blue-shirt`` are one name."""
    return _GAP.sub("-", text.lower()).strip("-")


def answer_of(segments: tuple[str, ...], response: Response | None) -> Answer | None:
    """What ``response`` names; None when it is no success, no JSON, empty or too large."""
    if response is None or not 200 <= response.status < 300 or not 2 < len(response.body) <= LARGEST:
        return None
    body = decode(response.body, response.headers)
    if not isinstance(body, JsonBody) or not isinstance(body.value, dict | list) or not body.value:
        return None
    identifiers: set[str] = set()
    strings: set[str] = set()
    left = MOST
    pending: list[tuple[str, Any, int]] = [("", body.value, 0)]
    whole = True
    while pending:
        key, value, depth = pending.pop()
        if isinstance(value, dict | list):
            if depth == _DEEPEST or left <= 0:
                whole = False
                continue
            members = value.items() if isinstance(value, dict) else ((key, one) for one in value)
            for name, one in members:
                left -= 1
                if left <= 0:
                    whole = False
                    break
                pending.append((name, one, depth + 1))
        elif isinstance(value, str) and 0 < len(value) <= 200:
            text = folded(value)
            strings.add(text)
            if key and _KEY.fullmatch(key):
                identifiers.add(value)
                if "-" in text:
                    identifiers.add(text)
    return Answer(segments, frozenset(identifiers), frozenset(strings), whole)
