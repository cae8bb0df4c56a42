"""What the names of an object's members say, worked out once for all objects that have the same names.

Whether a member may be a moment, a total or the field that tells kinds apart hangs on its name alone. A recording
shows the same few tuples of names again and again, so nothing is asked of each member of each object.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from diffing.contract.variants import NAMES
from diffing.values.names import Hint, hint_of, is_digest, words
from diffing.values.volatile import shape_of

WIDE = 64  # members: a wider object is a table of data
_TOTAL = frozenset({("total",), ("count",), ("total", "count"), ("size",), ("total", "items"), ("total", "results")})

_PLAIN = re.compile(r"[A-Za-z_]*")  # most names: told at C speed
_BORN = frozenset({("created",), ("inserted",), ("registered",), ("joined",)})
_TOUCHED = frozenset("updated modified changed touched accessed viewed read login seen active".split())
_TAILS = frozenset({(), ("at",), ("on",), ("time",), ("date",), ("ts",)})


@dataclass(frozen=True, slots=True)
class Layout:
    """The members that somebody asks about, of objects with these names in this order."""

    names: tuple[str, ...]
    discriminators: tuple[str, ...]  # as in :data:`diffing.contract.variants.NAMES`
    moments: tuple[str, ...]
    totals: tuple[str, ...]
    updated: tuple[str, str] | None  # those named as the moments of creation and of the last change
    digests: tuple[str, ...]  # digests of content, by their names
    born: tuple[str, ...]  # the moment of creation, which never moves
    touched: tuple[str, ...]  # moments of the last change, the last login, the last look
    generated: tuple[str, ...]  # no names of fields, but ids and the like
    related: bool  # :mod:`diffing.values.relations` may have something to say
    telling: bool  # anybody may

    @classmethod
    def of(cls, names: tuple[str, ...]) -> Layout:
        """Worked out anew."""
        discriminators = tuple(name for name in NAMES if name in names)
        narrow = names if len(names) <= WIDE else ()
        moments = tuple(name for name in narrow if hint_of(name) is Hint.MOMENT)
        totals = tuple(name for name in narrow if words(name) in _TOTAL)
        updated = _updated(names)
        related = bool(totals) or len(moments) > 1
        generated = tuple(name for name in names if generated_name(name))
        telling = bool(discriminators or updated or related)
        digests = tuple(name for name in narrow if is_digest(name))
        born = tuple(name for name in narrow if words(name)[:1] in _BORN)
        touched = tuple(name for name in narrow if born and not _TOUCHED.isdisjoint(words(name)))
        return cls(names, discriminators, moments, totals, updated, digests, born, touched, generated, related, telling)


def generated_name(name: str) -> bool:
    """Whether an object's key is data rather than a name: an id, a date, a number."""
    return _known_name(name) if len(name) <= WIDE else _generated(name)


@lru_cache(maxsize=4096)
def _known_name(name: str) -> bool:
    return _generated(name)


def _generated(name: str) -> bool:
    if _PLAIN.fullmatch(name) or not any(character.isdigit() for character in name):
        return False
    shape = shape_of(name)
    return shape is not None or name.isdigit()


def layout_of(item: Iterable[str]) -> Layout:
    """The layout of one object. Those of wide objects are not remembered: their names are data."""
    names = tuple(item)
    return _known(names) if len(names) <= WIDE else Layout.of(names)


def _updated(names: tuple[str, ...]) -> tuple[str, str] | None:
    for created in names:
        first, *tail = words(created) or ("",)
        if first != "created" or tuple(tail) not in _TAILS:
            continue
        for updated in names:
            parts = words(updated)
            if parts and parts[0] in ("updated", "modified") and list(parts[1:]) == tail:
                return created, updated
    return None


@lru_cache(maxsize=1024)
def _known(names: tuple[str, ...]) -> Layout:
    return Layout.of(names)
