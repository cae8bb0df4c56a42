"""One path segment on its own: does it say that it is an id, and of which format; a number, UUID, date, ULID, slug.

Wrong both ways costs something: a word taken for an id merges endpoints that have nothing in common, an id taken for a
word makes an endpoint of each order. What a segment alone does not say, its siblings and the answers may
(:mod:`captures.routes.pathtree`).
"""

from __future__ import annotations

import itertools
import re

ID = "{id}"
"""Every inferred parameter. Never named by its values: the text of an endpoint is part of a drift's fingerprint."""

# In this order: the first that fits names the format.
_FORMATS = {
    "number": r"-?[0-9]+",
    "uuid": r"(?:urn:uuid:)?[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}",
    "date": r"[0-9]{4}-[0-9]{2}(?:-[0-9]{2})?(?:[T_ ][0-9:.%A]+(?:Z|[+-][0-9:]+)?)?",
    "dotted number": r"-?[0-9]+(?:\.[0-9]+)+",  # 1.2.3, IPv4
    "numbers": r"-?[0-9]+(?:\.[0-9]+)*(?:(?:,|%2C)-?[0-9]+(?:\.[0-9]+)*)+",  # 1,2,3 and 52.5,13.4
    "hash": r"[0-9a-fA-F]{32,128}",  # MD5 … SHA-512
    "e-mail": r"[^@/\s]+(?:@|%40)[^@/\s]+\.[A-Za-z]{2,}",
    "prefixed id": (
        r"[A-Za-z]{1,10}_(?![A-Za-z]+[0-9]{1,2}\Z)(?=[A-Za-z0-9]*[0-9])[A-Za-z0-9]{3,}"  # ord_8fk2, no top_item2
        r"|[A-Za-z]{1,10}-(?=[A-Za-z0-9-]*[0-9]{3})[A-Za-z0-9]*(?:-[0-9][A-Za-z0-9]*)*"  # ORD-2026-0001, SKU-1001
        r"|[A-Za-z]{1,10}(?:_[a-z]{1,8})?[_-](?=[A-Za-z0-9]*[0-9])(?=[A-Za-z0-9]*[A-Za-z])[A-Za-z0-9]{10,}"
    ),
    "numbered slug": (  # something-20240131091500-x7f2k, 8-red-shoes-1234567: people do not choose such numbers
        r"(?=[A-Za-z0-9._-]*[A-Za-z])(?:[A-Za-z0-9]+[._-])+[0-9]{8,}(?:[._-][A-Za-z0-9]+)*"
        r"|[A-Za-z][A-Za-z0-9]*(?:-[A-Za-z0-9]+)+-[0-9]{6,}"
    ),
    "hex": r"(?=[0-9a-f]*[0-9])(?=[0-9a-f]*[a-f])[0-9a-f]{7,31}|(?=[0-9A-F]*[0-9])(?=[0-9A-F]*[A-F])[0-9A-F]{7,31}",
    "ulid": r"[0-7][0-9A-HJKMNP-TV-Z]{25}",
}
_FORMAT = re.compile("|".join(f"(?P<f{number}>{pattern})" for number, pattern in enumerate(_FORMATS.values())))
_NAMES = tuple(_FORMATS)
_SURE = re.compile(rf"{_FORMATS['uuid']}|[0-9a-fA-F]{{32,128}}|{_FORMATS['ulid']}")
_MIXED = re.compile(r"[A-Za-z0-9_~.=-]+")
_AFFIXED = re.compile(r"(?P<stem>.+)(?P<affix>[.:][A-Za-z][A-Za-z0-9]{0,15})")  # 77.pdf; 77:cancel (Google's AIP-136)
_CALLED = re.compile(r"(?P<name>[A-Za-z_][A-Za-z0-9_.]*)\((?P<key>[^()]+)\)")  # Orders(42), Orders('ALFKI') of OData
_LONGEST = 1_000
"""Characters looked at; a longer segment is some token."""


def format_of(segment: str) -> str | None:
    """``number``, ``uuid``, ``hash``, … when the segment alone says that it is an id, else None."""
    if len(segment) > _LONGEST:
        return "long"
    match = _FORMAT.fullmatch(segment)
    if match is not None and match.lastgroup is not None:
        return _NAMES[int(match.lastgroup[1:])]
    return "random" if _looks_random(segment) else None


def looks_like_id(segment: str) -> bool:
    """Whether a path segment alone, without its siblings, says that it is an id."""
    return format_of(segment) is not None


def _looks_random(segment: str) -> bool:
    """Nanoids, base64url, short hashes: letters and digits mixed more often than words and versions do."""
    if len(segment) < 10 or not _MIXED.fullmatch(segment):
        return False
    digits = sum(character.isdigit() for character in segment)
    letters = sum(character.isalpha() for character in segment)
    turns = sum(a.isdigit() != b.isdigit() for a, b in itertools.pairwise(segment))
    if digits < 2 or letters < 2 or turns < 3:
        return False
    classes = [character.isdigit() + 2 * character.isupper() for character in segment if character.isalnum()]
    if len(segment) >= 16 and len(set(classes)) == 3:
        return 3 * sum(a != b for a, b in itertools.pairwise(classes)) >= len(segment)
    return max(map(len, re.split(r"[-_.~=]", segment))) >= 10


def parameter(segment: str, index: int) -> tuple[str, str, str] | None:
    """What an id-like segment stands for: ``({id}, 8412, number)``, ``({id}.pdf, 77, number)``; None for a word.

    The first segment of a path is an id only when nothing else could look like that (a tenant's UUID).
    """
    if index == 0 and not _SURE.fullmatch(segment) and not segment.endswith(")"):
        return None
    found = format_of(segment)
    if found:
        return ID, segment, found
    if segment.endswith(")") and (called := _CALLED.fullmatch(segment)):
        key = called["key"]
        found = format_of(key) or ("quoted" if key[0] in "'%\"" or "=" in key else None)
        return (f"{called['name']}({ID})", key, found) if found else None
    affixed = _AFFIXED.fullmatch(segment)
    if affixed and (found := format_of(affixed["stem"])):
        return ID + affixed["affix"], affixed["stem"], found
    return None


def singular(word: str) -> str:
    """A rough English singular of a collection's name: ``categories`` is ``category``."""
    lower = word.lower()
    if lower.endswith("ies") and len(lower) > 4:
        return word[:-3] + "y"
    if lower.endswith(("sses", "shes", "ches", "xes", "zes")):
        return word[:-2]
    if lower.endswith("s") and not lower.endswith(("ss", "us", "is")):
        return word[:-1]
    return word
