"""Shapes of exchanges: whether one is of a kind that was not seen yet, so that a sample keeps it. Bounded.

A shape is the method, the path with its ids left out, the status, the media type and, for JSON, which fields there are
and of which types. It only has to be coarse enough to come to an end: what a path holds beyond :data:`FAN` different
words at one place, or an answer beyond :data:`VARIANTS` different sets of fields, is one shape.
"""

from __future__ import annotations

import re
from typing import Any

import orjson

from captures.model import Exchange, header
from captures.tokens import kind_of

FAN = 20  # different words at one place of a path, beyond which they are parameters
VARIANTS = 12  # sets of fields that one endpoint may answer with, per status
MOST = 20_000  # shapes
BARE = 64  # answers of one endpoint and status that are remembered without their values
PARSED = 128 * 1024  # bytes of JSON that are looked into
DEPTH, ITEMS, FIELDS = 6, 3, 400  # of one document

_FIELD = re.compile(rb'"[^"\\]*"\s*:\s*(?:["{\[tfn]|(?=[-0-9]))')  # a name, and how its value begins
_NUMBER = re.compile(r"[0-9]+")


class Shapes:
    """The shapes seen so far."""

    def __init__(self) -> None:
        self._seen: dict[tuple[str, ...], set[int]] = {}
        self._bare: dict[tuple[str, ...], dict[int, int]] = {}  # answers without their values -> their fields
        self._fan: dict[tuple[str, ...], set[str]] = {}

    def is_new(self, exchange: Exchange, answer: bytes) -> bool:
        """Whether there was none like ``exchange``; ``answer`` is its response's body without content coding."""
        response = exchange.response
        status = str(response.status) if response is not None else "none"
        kind = (header(response.headers, "content-type") or b"") if response is not None else b""
        media = kind.split(b";", 1)[0].strip().lower().decode("latin-1")
        place = (exchange.request.method, *self._path(exchange.request.target), status, media)
        fields = self._fields(place, answer) if media.endswith("json") else 0
        variants = self._seen.get(place)
        if variants is None:
            if len(self._seen) >= MOST:
                return False
            self._seen[place] = {fields}
            return True
        if fields in variants or len(variants) >= VARIANTS:
            return False
        variants.add(fields)
        return True

    def _fields(self, place: tuple[str, ...], answer: bytes) -> int:
        """The hash of the fields of ``answer``; parsed only where its names are not those of one before."""
        if len(answer) > PARSED:
            return 0
        bare = hash(tuple(_FIELD.findall(answer)))
        known = self._bare.setdefault(place, {}) if len(self._bare) < MOST else {}
        fields = known.get(bare)
        if fields is None:
            fields = _fields(answer)
            if len(known) < BARE:
                known[bare] = fields
        return fields

    def _path(self, target: bytes) -> tuple[str, ...]:
        path: tuple[str, ...] = ()
        for segment in target.split(b"?", 1)[0].decode("latin-1").split("/")[1:]:
            word = segment
            if _NUMBER.search(segment) or kind_of(segment) is not None:
                word = "{}"
            else:
                words = self._fan.setdefault(path, set()) if len(self._fan) < MOST else set()
                if segment not in words and len(words) >= FAN:
                    word = "{}"
                words.add(word)
            path = (*path, word)
        return path


def _fields(body: bytes) -> int:
    """A hash of the fields of JSON and their types; 0 where there are none to tell."""
    if not body:
        return 0
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        return 1
    found: set[tuple[str, ...]] = set()
    _walk(value, (), found)
    return hash(frozenset(found))


def _walk(value: Any, at: tuple[str, ...], found: set[tuple[str, ...]]) -> None:
    if len(found) >= FIELDS:
        return
    found.add((*at, type(value).__name__ if not isinstance(value, int | float) or value is True else "number"))
    if len(at) >= DEPTH:
        return
    if isinstance(value, dict):
        for name, inner in value.items():
            _walk(inner, (*at, "{}" if _NUMBER.search(name) or kind_of(name) is not None else name), found)
    elif isinstance(value, list):
        for inner in value[:ITEMS]:
            _walk(inner, (*at, "[]"), found)
