"""JSON text (RFC 8259) to values without loss, and what ``json.loads`` hides: repeated keys, number forms, NaN."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

MAX_NESTING = 900
"""Levels of arrays and objects for readers that may recurse. Deeper text is refused unless more is asked for."""

DEEPEST = 10_000
"""Levels that can be asked for: such text is read, and has to be walked, without recursion."""

TOLD = 1_000
"""Repeated keys and defects told per text; what follows only repeats the complaint."""

_KEY_END = re.compile(r'"[ \t\r\n]*:')


class Number(Decimal):
    """A JSON number written with a fraction or an exponent.

    Equal only to a number of the same digits and exponent: ``1.10`` is not ``1.1``, ``1.0`` is not the integer ``1``
    (plain ``Decimal`` and ``float`` say they are, and a comparison built on them loses such drift).
    """

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Decimal) and self.compare_total(other).is_zero()

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return Decimal.__hash__(self)


class Literal(Number):
    """``NaN``, ``Infinity`` or ``-Infinity``: no JSON (RFC 8259, 6), yet what Python, Go and Java services do send.

    Equal only to the same literal: not to itself quoted, not to any number.
    """

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        return type(other) is Literal and str(self) == str(other)

    def __hash__(self) -> int:  # that of a NaN would be another one for each object
        return hash(str(self))


@dataclass(frozen=True, slots=True)
class Reading:
    """A JSON text as it was read."""

    value: Any  # dict, list, str, int, Number, Literal, bool, None
    duplicates: tuple[str, ...] = ()  # JSON paths of keys that stand twice in one object; the last one is in ``value``
    defects: tuple[str, ...] = ()  # what no JSON reader need accept, with its JSON path: "NaN at $.ratio"


def is_sequence(data: bytes) -> bool:
    """Whether ``data`` begins with a whole JSON value on a line of its own, and goes on after it.

    That is no JSON text, yet what streaming APIs declare as one (watches of Kubernetes, events of Docker): JSON Lines.
    """
    if b"\n" not in data:
        return False
    data = data.lstrip()
    end = data.find(b"\n")
    first = data[: max(end, 0)].strip()
    if first[:1] not in (b"{", b"[") or first[-1:] not in (b"}", b"]") or not data[end:].strip():
        return False
    try:
        json.loads(first)
    except (ValueError, RecursionError):
        return False
    return True


def parse(text: str) -> tuple[Any, tuple[str, ...]]:
    """The value of JSON ``text`` and the JSON paths of keys that stand twice in one object (the last one counts).

    Integers are ``int``, other numbers :class:`Number`. Raises ``ValueError`` with one sentence for what is no JSON,
    for NaN and Infinity, for nesting beyond :data:`MAX_NESTING`, and for numbers beyond what Python can hold.
    """
    reading = read(text)
    if reading.defects:
        raise ValueError(f"{reading.defects[0].partition(' ')[0]} is no JSON number")
    return reading.value, reading.duplicates


def read(text: str, nesting: int = MAX_NESTING) -> Reading:
    """Like :func:`parse`, but NaN and Infinity are kept as :class:`Literal` and told as defects.

    ``nesting`` (at most :data:`DEEPEST`) is how deep the caller can follow. Raises ``ValueError`` as above.
    """
    try:
        value, repeated = _parsed(text)
    except RecursionError:
        if nesting <= MAX_NESTING:
            raise _too_deep(nesting) from None
        from captures.formats.jsondeep import read_deep

        value, duplicates = read_deep(text, min(nesting, DEEPEST))
    else:
        if text.count("{") + text.count("[") > nesting and deeper_than(value, nesting):
            raise _too_deep(nesting)
        duplicates = _repeated(text) if repeated else ()
    odd = ("NaN" in text or "Infinity" in text) and not text.startswith('"')
    return Reading(value, duplicates, _defects(value) if odd else ())


def deeper_than(value: Any, nesting: int) -> bool:
    """Whether arrays and objects stand in each other on more than ``nesting`` levels."""
    level = [value] if isinstance(value, dict | list) else []
    for _ in range(nesting):
        if not level:
            return False
        level = [
            child
            for item in level
            for child in (item.values() if isinstance(item, dict) else item)
            if type(child) is dict or type(child) is list
        ]
    return bool(level)


def _too_deep(nesting: int) -> ValueError:
    return ValueError(f"nested more than {nesting} levels deep")


def _parsed(text: str) -> tuple[Any, bool]:
    """The value, and whether some key is repeated. Raises ``RecursionError`` where the C parser ends."""
    if len(text) < _SHORT:
        try:
            return _loads(text, _STRICT), False
        except _RepeatedKey:
            return _loads(text, _LENIENT), True
    pairs = 0

    def count(item: dict[str, Any]) -> dict[str, Any]:
        nonlocal pairs
        pairs += len(item)
        return item

    value = _loads(text, _decoder(object_hook=count))
    # Every pair's key ends in `":`. When there are no more of those than pairs in the result, no key was repeated; when
    # there are (a quoted `":` inside a string), a second, slower parse tells.
    if any(f"{blank}:" in text for blank in " \t\r\n"):
        written = sum(1 for _ in _KEY_END.finditer(text))
    else:
        written = text.count('":')
    return value, written != pairs


_Link = tuple[Any, "str | int"] | None
"""A place as (the place above, last step): one object per level, where a tuple of all steps would cost its depth."""


def _path(link: _Link) -> str:
    from captures.jsonpaths import normalised

    steps: list[str | int] = []
    while link is not None:
        link, step = link
        steps.append(step)
    return normalised(tuple(reversed(steps)))


def _defects(value: Any) -> tuple[str, ...]:
    found: list[str] = []
    stack: list[tuple[_Link, Any]] = [(None, value)]
    while stack and len(found) < TOLD:
        link, item = stack.pop()
        if isinstance(item, dict):
            stack.extend(((link, key), item[key]) for key in reversed(item))
        elif isinstance(item, list):
            stack.extend(((link, index), item[index]) for index in range(len(item) - 1, -1, -1))
        elif type(item) is Literal:
            found.append(f"{item} at {_path(link)}")
    return tuple(found)


def _loads(text: str, decoder: json.JSONDecoder) -> Any:
    try:
        if text.startswith("\ufeff"):
            raise ValueError("it starts with two byte order marks")
        return decoder.decode(text)
    except json.JSONDecodeError as error:
        raise ValueError(f"{error.msg} at line {error.lineno} column {error.colno}") from error
    except (InvalidOperation, OverflowError) as error:
        raise ValueError("a number's exponent is out of range") from error
    except ValueError as error:
        if "integer string conversion" in str(error):
            raise ValueError("an integer has too many digits") from error
        raise


def _decoder(**hooks: Any) -> json.JSONDecoder:
    return json.JSONDecoder(parse_float=Number, parse_constant=Literal, **hooks)


class _RepeatedKey(Exception):
    """Ends the quick parse."""


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    item = dict(pairs)
    if len(item) != len(pairs):
        raise _RepeatedKey
    return item


_SHORT = 4096
"""Characters up to which a decoder made once beats counting: making one costs as much as parsing a small body."""
_STRICT = _decoder(object_pairs_hook=_unique)
_LENIENT = _decoder()


class _Object(dict[str, Any]):
    """An object that remembers which of its keys stood in it more than once, and with what before the last one."""

    __slots__ = ("earlier", "repeated")
    repeated: tuple[str, ...]
    earlier: dict[str, list[dict[str, Any]]]


def _pairs(pairs: list[tuple[str, Any]]) -> _Object:
    item = _Object(pairs)
    item.repeated, item.earlier = (), {}
    if len(item) != len(pairs):
        seen: set[str] = set()
        twice = [key for key, _ in pairs if key in seen or seen.add(key)]  # type: ignore[func-returns-value]
        item.repeated = tuple(dict.fromkeys(twice))
        item.earlier = {one: [{key: value} for key, value in pairs if key == one][:-1] for one in item.repeated}
    return item


def shadowed(text: str) -> dict[str, list[dict[str, Any]]]:
    """What stands under a repeated key before the last one, which alone is read: by JSON path, each with its key.

    ``text`` has been read before. Empty where it is nested too deep for the C parser.
    """
    try:
        return {path: [_plain(value) for value in values] for path, values in _told_twice(text)}
    except RecursionError:
        return {}


def _plain(value: Any) -> Any:
    """``value`` as any other reader gives it: those who compare take nothing but a dict for an object."""
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    return [_plain(inner) for inner in value] if isinstance(value, list) else value


def _repeated(text: str) -> tuple[str, ...]:
    return tuple(path for path, _ in _told_twice(text))


def _told_twice(text: str) -> list[tuple[str, list[dict[str, Any]]]]:
    found: list[tuple[str, list[dict[str, Any]]]] = []
    stack: list[tuple[_Link, Any]] = [(None, _loads(text, _decoder(object_pairs_hook=_pairs)))]
    while stack and len(found) < TOLD:
        link, item = stack.pop()
        if isinstance(item, _Object):
            found.extend((_path((link, key)), item.earlier[key]) for key in item.repeated)
            stack.extend(((link, key), item[key]) for key in reversed(item))
        elif isinstance(item, list):
            stack.extend(((link, index), item[index]) for index in range(len(item) - 1, -1, -1))
    return found


_LEXEME = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|[{}\[\],:]|[^\s"{}\[\],:]+', re.DOTALL)


def indented(text: str, step: str = "  ") -> str:
    """JSON ``text`` laid out for people. Every literal stays as written; iterative, so nesting costs no stack."""
    out: list[str] = []
    depth = 0
    before = ""
    for match in _LEXEME.finditer(text):
        lexeme = match[0]
        opened = before in ("{", "[")
        if lexeme in ("}", "]"):
            if not opened:  # an empty array or object stays on its line
                depth -= 1
                out.append("\n" + step * depth)
        elif opened or before == ",":
            depth += opened
            out.append("\n" + step * depth)
        out.append(": " if lexeme == ":" else lexeme)
        before = lexeme
    return "".join(out)
