"""JSON text (RFC 8259) to values without loss, and what ``json.loads`` hides: repeated keys, numbers as written."""

from __future__ import annotations

import json
import re
from decimal import Decimal, InvalidOperation
from typing import Any, NoReturn

MAX_NESTING = 900
"""Levels of arrays and objects. Deeper text is refused: Python's own parsers and walkers recurse."""

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


def is_sequence(data: bytes) -> bool:
    """Whether ``data`` begins with a whole JSON value on a line of its own, and goes on after it.

    That is no JSON text, yet what streaming APIs declare as one (watches of Kubernetes, events of Docker): JSON Lines.
    """
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
    if len(text) < _SHORT:
        try:
            value = _loads(text, _STRICT)
        except _RepeatedKey:
            return _loads(text, _LENIENT), _repeated(text)
        _refuse_deep(text, value)
        return value, ()
    pairs = 0

    def count(item: dict[str, Any]) -> dict[str, Any]:
        nonlocal pairs
        pairs += len(item)
        return item

    value = _loads(text, _decoder(object_hook=count))
    _refuse_deep(text, value)
    # Every pair's key ends in `":`. When there are no more of those than pairs in the result, no key was repeated; when
    # there are (a quoted `":` inside a string), a second, slower parse tells.
    if any(f"{blank}:" in text for blank in " \t\r\n"):
        written = sum(1 for _ in _KEY_END.finditer(text))
    else:
        written = text.count('":')
    return value, _repeated(text) if written != pairs else ()


def _loads(text: str, decoder: json.JSONDecoder) -> Any:
    try:
        if text.startswith("\ufeff"):
            raise ValueError("it starts with two byte order marks")
        return decoder.decode(text)
    except json.JSONDecodeError as error:
        raise ValueError(f"{error.msg} at line {error.lineno} column {error.colno}") from error
    except RecursionError as error:
        raise ValueError(f"nested more than {MAX_NESTING} levels deep") from error
    except (InvalidOperation, OverflowError) as error:
        raise ValueError("a number's exponent is out of range") from error
    except ValueError as error:
        if "integer string conversion" in str(error):
            raise ValueError("an integer has too many digits") from error
        raise


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number")


def _decoder(**hooks: Any) -> json.JSONDecoder:
    return json.JSONDecoder(parse_float=Number, parse_constant=_refuse_constant, **hooks)


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


def _refuse_deep(text: str, value: Any) -> None:
    if text.count("{") + text.count("[") <= MAX_NESTING:
        return
    level = [value] if isinstance(value, dict | list) else []
    for _ in range(MAX_NESTING):
        level = [
            child
            for item in level
            for child in (item.values() if isinstance(item, dict) else item)
            if type(child) is dict or type(child) is list
        ]
    if level:
        raise ValueError(f"nested more than {MAX_NESTING} levels deep")


class _Object(dict[str, Any]):
    """An object that remembers which of its keys stood in it more than once."""

    __slots__ = ("repeated",)
    repeated: tuple[str, ...]


def _pairs(pairs: list[tuple[str, Any]]) -> _Object:
    item = _Object(pairs)
    item.repeated = ()
    if len(item) != len(pairs):
        seen: set[str] = set()
        twice = [key for key, _ in pairs if key in seen or seen.add(key)]  # type: ignore[func-returns-value]
        item.repeated = tuple(dict.fromkeys(twice))
    return item


def _repeated(text: str) -> tuple[str, ...]:
    from captures.jsonpaths import normalised

    found: list[str] = []
    stack: list[tuple[tuple[str | int, ...], Any]] = [((), _loads(text, _decoder(object_pairs_hook=_pairs)))]
    while stack:
        path, item = stack.pop()
        if isinstance(item, _Object):
            found.extend(normalised((*path, key)) for key in item.repeated)
            stack.extend(((*path, key), child) for key, child in reversed(item.items()))
        elif isinstance(item, list):
            stack.extend(((*path, index), item[index]) for index in range(len(item) - 1, -1, -1))
    return tuple(found)


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
