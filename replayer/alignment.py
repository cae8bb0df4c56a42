"""Which value of one message stands where another value stands in another: pairs of leaves, pure.

Used three ways: to learn which new id took a recorded one's place, to list what differs between a call and its
nearest recorded one, and to tell whether two calls differ only in volatile values. It pairs; ``diffing`` judges.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

from captures.flows.words import unquote as unquote
from captures.formats.decoding import (
    BinaryBody,
    Decoded,
    EmptyBody,
    FormBody,
    JsonBody,
    MultipartBody,
    TextBody,
    Undecodable,
    form_fields,
)
from captures.jsonpaths import Place, normalised

MAX_LINES = 4_000  # of a text: beyond it lines are only paired by number
MAX_DEPTH = 900


class Missing:
    """The side of a pair where nothing stands."""

    def __repr__(self) -> str:
        return "(nothing)"


MISSING = Missing()


@dataclass(frozen=True, slots=True)
class Pair:
    """Two values at one place. ``path`` is for people (``$.items[2].id``); ``name`` is the innermost member name."""

    path: str
    name: str
    parent: str  # the member name around it, "" at the top
    recorded: Any
    replayed: Any

    @property
    def equal(self) -> bool:
        """Equal in value *and* type: 1, 1.0, "1" and true are four values."""
        return type(self.recorded) is type(self.replayed) and str(self.recorded) == str(self.replayed)


def body_pairs(recorded: Decoded, replayed: Decoded, *, changed: bool = False) -> Iterator[Pair]:
    """Leaves of two bodies, paired. Bodies of different kinds are one pair. ``changed``: of JSON, only what differs."""
    match recorded, replayed:
        case JsonBody(), JsonBody():
            yield from json_pairs((), recorded.value, replayed.value, changed=changed)
        case FormBody(), FormBody():
            yield from field_pairs(recorded.fields, replayed.fields)
        case TextBody(), TextBody():
            yield from text_pairs(recorded.text, replayed.text)
        case MultipartBody(), MultipartBody():
            yield from _part_pairs(recorded, replayed)
        case _:
            yield Pair("", "", "", summary(recorded), summary(replayed))


def _part_pairs(recorded: MultipartBody, replayed: MultipartBody) -> Iterator[Pair]:
    for one, other in zip_longest(recorded.parts, replayed.parts):
        name = (one or other).name
        where = f"part {name}"
        if one is None or other is None:
            yield Pair(where, name, "", MISSING if one is None else "a part", MISSING if other is None else "a part")
            continue
        if (one.name, one.filename) != (other.name, other.filename):
            yield Pair(where, name, "", f"{one.name} {one.filename}", f"{other.name} {other.filename}")
        for pair in body_pairs(one.content, other.content):
            yield Pair(f"{where} {pair.path}".strip(), pair.name or name, name, pair.recorded, pair.replayed)


def summary(body: Decoded) -> Any:
    """A body as one value: its data where that is comparable, else what it is."""
    match body:
        case EmptyBody():
            return MISSING
        case JsonBody() | TextBody():
            return body.text
        case FormBody():
            return "&".join(f"{name}={value}" for name, value in body.fields)
        case BinaryBody() | Undecodable():
            return body.data
        case MultipartBody():
            return f"{len(body.parts)} parts"


def json_pairs(place: Place, recorded: Any, replayed: Any, *, changed: bool = False) -> Iterator[Pair]:
    """Leaves of two JSON values. Arrays of objects of one length are paired by a key both share, else by position.

    ``changed``: leaves that are equal are left out.
    """
    if len(place) > MAX_DEPTH:
        yield _pair(place, "…", "…")
    elif isinstance(recorded, dict) and isinstance(replayed, dict):
        for key, value in recorded.items():
            yield from json_pairs((*place, key), value, replayed.get(key, MISSING), changed=changed)
        for key, value in replayed.items():
            if key not in recorded:
                yield from json_pairs((*place, key), MISSING, value)
    elif isinstance(recorded, list) and isinstance(replayed, list):
        for index, one, other in _elements(recorded, replayed):
            yield from json_pairs((*place, index), one, other, changed=changed)
    elif not changed or type(recorded) is not type(replayed) or recorded != replayed:
        yield _pair(place, recorded, replayed)


def _pair(place: Place, recorded: Any, replayed: Any) -> Pair:
    names = [step for step in place if isinstance(step, str)]
    return Pair(normalised(place), names[-1] if names else "", names[-2] if len(names) > 1 else "", recorded, replayed)


def _elements(recorded: list[Any], replayed: list[Any]) -> Iterator[tuple[int, Any, Any]]:
    key = _shared_key(recorded, replayed)
    if key is not None:
        left = {str(element[key]): element for element in replayed}
        for index, element in enumerate(recorded):
            yield index, element, left.pop(str(element[key]), MISSING)
        for index, element in enumerate(left.values(), start=len(recorded)):
            yield index, MISSING, element
        return
    for index in range(max(len(recorded), len(replayed))):
        one = recorded[index] if index < len(recorded) else MISSING
        other = replayed[index] if index < len(replayed) else MISSING
        yield index, one, other


def _shared_key(recorded: list[Any], replayed: list[Any]) -> str | None:
    """A member that is a unique scalar on each side and has mostly the same values on both."""
    if not recorded or not replayed or not all(isinstance(element, dict) for element in (*recorded, *replayed)):
        return None
    for name in recorded[0]:
        values = [[element.get(name) for element in side] for side in (recorded, replayed)]
        if not all(isinstance(v, str | int) and not isinstance(v, bool) for side in values for v in side):
            continue
        one, other = ({str(v) for v in side} for side in values)
        unique = len(one) == len(recorded) and len(other) == len(replayed)
        if unique and 2 * len(one & other) >= max(len(one), len(other)):
            return str(name)
    return None


def field_pairs(recorded: tuple[tuple[str, str], ...], replayed: tuple[tuple[str, str], ...]) -> Iterator[Pair]:
    """Form fields or query parameters: by name, repeated names by position among themselves."""
    sides: list[dict[str, list[str]]] = [{}, {}]
    for side, fields in zip(sides, (recorded, replayed), strict=True):
        for name, value in fields:
            side.setdefault(name, []).append(value)
    for name in dict.fromkeys([*sides[0], *sides[1]]):
        one, other = sides[0].get(name, []), sides[1].get(name, [])
        for index in range(max(len(one), len(other))):
            yield Pair(
                name,
                name,
                "",
                one[index] if index < len(one) else MISSING,
                other[index] if index < len(other) else MISSING,
            )


_PIECES = re.compile(
    r"(?<![^\s\"'=/:>(,;\[{?&])[_-]{1,3}[A-Za-z0-9][A-Za-z0-9_~%+-]*"  # a random token may begin so
    r"|[A-Za-z0-9][A-Za-z0-9_~%+-]*"
)


def text_pairs(recorded: str, replayed: str) -> Iterator[Pair]:
    """Words of two texts, line by line; only lines that say the same around their words are taken apart."""
    if recorded == replayed:
        return
    one, other = recorded.splitlines(), replayed.splitlines()
    if len(one) == len(other) or max(len(one), len(other)) > MAX_LINES:
        lines = list(zip(range(len(one)), one, other, strict=False))
        complete = len(one) == len(other)
    else:
        lines = []
        complete = False
        for tag, i1, i2, j1, j2 in difflib.SequenceMatcher(None, one, other, autojunk=False).get_opcodes():
            if tag == "replace" and i2 - i1 == j2 - j1:
                lines += list(zip(range(i1, i2), one[i1:i2], other[j1:j2], strict=True))
    for number, left, right in lines:
        if left == right:
            continue
        if _PIECES.sub("\0", left) == _PIECES.sub("\0", right):
            for a, b in zip(_PIECES.findall(left), _PIECES.findall(right), strict=True):
                if a != b:
                    yield Pair(f"line {number + 1}", "", "", a, b)
        else:
            yield Pair(f"line {number + 1}", "", "", left, right)
    if not complete:
        yield Pair("", "", "", f"{len(one)} lines", f"{len(other)} lines")


def target_pairs(recorded: bytes, replayed: bytes) -> Iterator[Pair]:
    """Path segments (by position) and query parameters (by name) of two request targets."""
    path_one, _, query_one = recorded.partition(b"?")
    path_other, _, query_other = replayed.partition(b"?")
    one, other = path_one.split(b"/"), path_other.split(b"/")
    if len(one) != len(other):
        yield Pair("path", "", "", path_one.decode("latin-1"), path_other.decode("latin-1"))
    else:
        before = ""
        for left, right in zip(one, other, strict=True):
            segment = unquote(left)
            yield Pair("path", before, "", segment, unquote(right))
            before = segment
    for pair in field_pairs(form_fields(query_one), form_fields(query_other)):
        yield Pair(f"query {pair.path}", pair.name, "", pair.recorded, pair.replayed)
