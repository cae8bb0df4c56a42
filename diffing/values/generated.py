"""Whether a value in a header or cookie looks made by a generator, or says something a person chose."""

from __future__ import annotations

import re
from itertools import pairwise
from urllib.parse import unquote

from diffing.values.volatile import shape_of

_SEPARATORS = re.compile(r"[^A-Za-z0-9]+")
_WORD = re.compile(r"[A-Za-z]?[a-z]{2,}|[A-Z]{3,}")
_CAMEL = re.compile(r"[a-z]+(?:[A-Z][a-z]+)*[0-9]{0,2}|(?:[A-Z][a-z]+)+[0-9]{0,2}")
_SHORTEST = 8
_TURNS = 0.15  # changes of kind (small, capital, digit) per character: random hexadecimal has 0.47, words have 0.05

NOTHING = frozenset(
    "null none nil undefined nan true false unknown n/a na - [object object] <nil> anonymous changeme todo".split(" ")
) | {"[object object]", ""}
"""What a programme writes where it has no value (lower case)."""


def is_nothing(value: str) -> bool:
    """Whether ``value`` stands for none: empty, ``null``, ``undefined``, ``[object Object]``."""
    return value.strip().strip('"').lower() in NOTHING


def looks_generated(value: str) -> bool:
    """Whether ``value`` is random by its look; ``customer-0001-acme`` and ``theme-dark_lang-en`` are not."""
    text = unquote(value).strip('"').removeprefix("s:").rstrip("=")
    shape = shape_of(text)
    if shape is not None and shape.strong and shape.kind not in ("token", "prefixed-id"):
        return True
    body = _SEPARATORS.sub("", text)
    if len(body) < _SHORTEST:
        return False
    if _CAMEL.fullmatch(body) and len(body) < 24:
        return False
    words = [piece for piece in _SEPARATORS.split(text) if len(piece) >= 3 and _WORD.fullmatch(piece)]
    if sum(map(len, words)) * 2 > len(body) or (len(words) > 1 and len(body) < 40):
        return False
    turns = sum(_kind(one) != _kind(other) for one, other in pairwise(body))
    return turns >= _TURNS * len(body)


def same_alphabet(recorded: str, replayed: str) -> bool:
    """Whether ``replayed`` has no kind of character that ``recorded`` lacks, but for what chance explains."""
    old, new = unquote(recorded), unquote(replayed)
    if old.isdigit() != new.isdigit():
        return False
    if len(old) >= 16 and (old == old.lower()) != (new == new.lower()):
        return False
    return not (len(old) >= 16 and (old == old.upper()) != (new == new.upper()))


def prefix_of(token: str) -> str:
    """``sk_live_`` of ``sk_live_4eC39Hq…``: what a person reads in a token; "" when there is nothing."""
    match = re.match(r"(?:[A-Za-z]{1,10}[0-9]?[_-]){1,3}(?=[^_-]{6,})", token)
    return match[0] if match is not None else ""


def _kind(letter: str) -> int:
    return 0 if letter.isdigit() else 1 if letter.islower() else 2
