"""Changing recorded answers one leaf at a time, as a faulty build might: what the comparison should see.

Pure and deterministic: the same value, pool and random source give the same mutants in the same order. A mutant that
is equal to what was recorded is none.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

from captures.formats.jsontext import Number
from captures.jsonpaths import Place, generalised, normalised
from diffing.walk.flatten import same
from diffing.walk.jsontypes import broad_type

OPERATORS = {
    "drop": "a member, an item or a header is gone",
    "null": "a value is null",
    "retype": "a value has another JSON type",
    "revalue": "a value is another one of its kind",
    "swap": "an id or text is that of another recorded object",
    "flip": "true is false",
    "round": "a number has fewer digits",
    "truncate": "a text is cut in half",
    "time-zone": "a moment has moved by two hours under the same zone",
    "reorder": "the items of an array stand the other way round",
    "duplicate": "an item of an array stands there twice",
    "empty": "an array or object has nothing in it",
    "status": "another status code of the same class",
}
DEEPEST = 200
"""Levels of nesting that are changed."""

_ISO = re.compile(r"(\d{4}-\d\d-\d\d[T ])(\d\d)(:\d\d.*)")
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
Pool = Mapping[str, Sequence[Any]]
"""Generalised location -> values recorded there, in order, each once."""

_Change = Callable[[Any, random.Random, Sequence[Any]], Any]
_GONE = object()
_NONE = object()


@dataclass(frozen=True, slots=True)
class Mutant:
    """One changed value. ``changed`` makes the whole document anew."""

    operator: str
    place: Place
    document: Any  # the changed one

    @property
    def location(self) -> str:
        """Generalised: ``$.items[*].price``."""
        return generalised(self.place)

    @property
    def path(self) -> str:
        """Exact: ``$.items[2].price``."""
        return normalised(self.place)


def candidates(document: Any) -> Iterator[tuple[Place, str]]:
    """Every (place, operator) that may change ``document``, in document order."""
    stack: list[tuple[Place, Any, bool]] = [((), document, False)]
    while stack:
        place, value, inside = stack.pop()
        if inside:
            yield place, "drop"
        for operator, (kinds, _) in _CHANGES.items():
            if broad_type(value) in kinds and not (operator in ("null", "retype") and not inside):
                yield place, operator
        if len(place) >= DEEPEST:
            continue
        if type(value) is dict:
            stack.extend(reversed([((*place, name), child, True) for name, child in value.items()]))
        elif type(value) is list:
            stack.extend(reversed([((*place, at), child, True) for at, child in enumerate(value)]))


def mutant(document: Any, place: Place, operator: str, source: random.Random, pool: Pool) -> Mutant | None:
    """``document`` changed at ``place``; None when the operator changes nothing there."""
    parents = [document]
    for step in place:
        parents.append(parents[-1][step])
    old = parents.pop()
    new = _GONE if operator == "drop" else _CHANGES[operator][1](old, source, pool.get(generalised(place), ()))
    if new is _NONE or (new is not _GONE and same(old, new)):
        return None
    for parent, step in zip(reversed(parents), reversed(place), strict=True):
        copy = parent.copy()
        if new is _GONE:
            del copy[step]
        else:
            copy[step] = new
        new = copy
    return Mutant(operator, place, new)


def chosen(document: Any, budget: int, source: random.Random, seen: set[tuple[str, str]]) -> list[tuple[Place, str]]:
    """At most ``budget`` candidates: first those whose (location, operator) is not in ``seen``, then any."""
    fresh: dict[tuple[str, str], list[tuple[Place, str]]] = {}
    rest: list[tuple[Place, str]] = []
    for place, operator in candidates(document):
        key = (generalised(place), operator)
        (rest if key in seen else fresh.setdefault(key, [])).append((place, operator))
    first: list[tuple[Place, str]] = []
    for places in fresh.values():
        first.append(places.pop(source.randrange(len(places))))
        rest.extend(places)
    source.shuffle(first)
    source.shuffle(rest)
    return [*first, *rest][:budget]


def pooled(document: Any, pool: dict[str, list[Any]], room: int = 8) -> None:
    """Note up to ``room`` different scalars per location of ``document``."""
    stack: list[tuple[Place, Any]] = [((), document)]
    while stack:
        place, value = stack.pop()
        if len(place) >= DEEPEST:
            continue
        if type(value) is dict:
            stack.extend(reversed([((*place, name), child) for name, child in value.items()]))
        elif type(value) is list:
            stack.extend(reversed([((*place, at), child) for at, child in enumerate(value)]))
        else:
            known = pool.setdefault(generalised(place), [])
            if len(known) < room and not any(same(value, one) for one in known):
                known.append(value)


def dumped(value: Any) -> str:
    """``value`` as JSON text, with every number as it was written."""
    if type(value) is dict:
        return "{" + ",".join(f"{json.dumps(name)}:{dumped(child)}" for name, child in value.items()) + "}"
    if type(value) is list:
        return "[" + ",".join(map(dumped, value)) + "]"
    return str(value) if isinstance(value, Decimal) else json.dumps(value)


def altered(text: str, source: random.Random) -> str:
    """Another text of the same form: every digit another digit, every lower-case hexadecimal letter another one, …

    So a UUID stays one and a word stays a word: the hardest change to see.
    """
    alphabet = "abcdef" if re.fullmatch(r"[0-9a-f-]{8,}", text) else _LETTERS
    out = []
    for at, character in enumerate(text):
        if text[at : at + 1] == "4" and re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-", text[:at]):
            out.append(character)  # the version of a UUID
        elif character.isascii() and character.isdigit():
            out.append(source.choice("123456789"))
        elif character.isascii() and character.isalpha():
            letter = source.choice(alphabet)
            out.append(letter.upper() if character.isupper() else letter)
        else:
            out.append(character)
    return "".join(out)


def _retyped(value: Any, _: random.Random, __: Sequence[Any]) -> Any:
    if isinstance(value, str):
        return [value]
    if value is None:
        return ""
    if isinstance(value, dict | list):
        return dumped(value)
    return str(value).lower() if isinstance(value, bool) else str(value)


def _revalued(value: Any, source: random.Random, _: Sequence[Any]) -> Any:
    if isinstance(value, str):
        if moved := _moved(value, timedelta(days=-37, minutes=-11)):
            return moved
        return altered(value, source) if re.search(r"[A-Za-z0-9]", value) else f"{value}x"
    number = Decimal(str(value))
    if not number.is_finite():
        return _NONE
    if isinstance(value, int):
        return value + source.randrange(1, 10)
    return Number(number + Decimal(1).scaleb(int(number.as_tuple().exponent)) * source.randrange(1, 10))


def _swapped(value: Any, source: random.Random, others: Sequence[Any]) -> Any:
    different = [other for other in others if broad_type(other) == broad_type(value) and not same(other, value)]
    return source.choice(different) if different else _NONE


def _flipped(value: Any, _: random.Random, __: Sequence[Any]) -> Any:
    return not value


def _rounded(value: Any, _: random.Random, __: Sequence[Any]) -> Any:
    number = Decimal(str(value))
    if not number.is_finite():
        return _NONE
    if isinstance(value, int):
        return round(value, 1 - len(str(abs(value)))) if abs(value) > 10 else _NONE
    exponent = int(number.as_tuple().exponent)
    return Number(round(number, -exponent - 1)) if exponent < 0 else _NONE


def _truncated(value: Any, _: random.Random, __: Sequence[Any]) -> Any:
    return value[: len(value) // 2] if len(value) > 1 else _NONE


def _zoned(value: Any, _: random.Random, __: Sequence[Any]) -> Any:
    return _moved(value, timedelta(hours=2)) or _NONE


def _reordered(value: Any, _: random.Random, __: Sequence[Any]) -> Any:
    return value[::-1]


def _duplicated(value: Any, source: random.Random, __: Sequence[Any]) -> Any:
    if not value:
        return _NONE
    at = source.randrange(len(value))
    return [*value[: at + 1], *value[at:]]


def _emptied(value: Any, _: random.Random, __: Sequence[Any]) -> Any:
    return type(value)()


def _moved(text: str, by: timedelta) -> str | None:
    """An ISO 8601 moment moved with its form kept; None for any other text."""
    from datetime import datetime

    match = _ISO.fullmatch(text)
    if match is None:
        return None
    try:
        when = datetime.fromisoformat(text[:16]) + by
    except (ValueError, OverflowError):
        return None
    return when.isoformat(sep=text[10], timespec="minutes") + text[16:]


_SCALARS = ("string", "number", "boolean")
_CHANGES: dict[str, tuple[tuple[str, ...], _Change]] = {
    "null": ((*_SCALARS, "object", "array"), lambda _, __, ___: None),
    "retype": ((*_SCALARS, "null"), _retyped),
    "revalue": (("string", "number"), _revalued),
    "swap": (("string", "number"), _swapped),
    "flip": (("boolean",), _flipped),
    "round": (("number",), _rounded),
    "truncate": (("string",), _truncated),
    "time-zone": (("string",), _zoned),
    "reorder": (("array",), _reordered),
    "duplicate": (("array",), _duplicated),
    "empty": (("array", "object"), _emptied),
}
