"""JSON text nested deeper than Python's own parser goes: read with a stack of its own, as lossless as in ``jsontext``.

Ten times as slow as the C parser, so it is asked only where that one gives up.
"""

from __future__ import annotations

import json
import re
from decimal import InvalidOperation
from typing import Any

from captures.formats.jsontext import TOLD, Literal, Number
from captures.jsonpaths import Place, normalised

_TOKEN = re.compile(
    r"""[ \t\r\n]*(?:
        (?P<open>[{\[])
      | (?P<close>[}\]])
      | (?P<comma>,)
      | (?P<string>"[^"\\]*(?:\\.[^"\\]*)*")
      | (?P<integer>-?(?:0|[1-9][0-9]*)(?![0-9.eE]))
      | (?P<number>-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)
      | (?P<word>true|false|null)
      | (?P<literal>NaN|-?Infinity)
    )""",
    re.VERBOSE | re.DOTALL,
)
_COLON = re.compile(r"[ \t\r\n]*:")
_BLANK = re.compile(r"[ \t\r\n]*")
_WORDS = {"true": True, "false": False, "null": None}


def read_deep(text: str, nesting: int) -> tuple[Any, tuple[str, ...]]:
    """The value, and the JSON paths of repeated keys. Raises ``ValueError`` as :func:`formats.jsontext.read`."""
    top: list[Any] = []
    open_: list[Any] = [top]  # the containers around what is read next
    steps: list[str | int] = [0]  # where in each of them it goes
    repeated: dict[Place, None] = {}
    expects = "value"  # value, first (value or close), next (comma or close)
    position = 0
    while open_[-1] is not top or not top:
        match = _TOKEN.match(text, position)
        if match is None:
            raise _error(text, position)
        kind = match.lastgroup
        if kind == "close":
            if expects == "value" or (type(open_[-1]) is dict) is not (match["close"] == "}"):
                raise _error(text, position)
            open_.pop()
            steps.pop()
            expects = "next"
            position = match.end()
            continue
        if kind == "comma":
            if expects != "next":
                raise _error(text, position)
            expects = "value"
            position = match.end()
            continue
        if expects == "next":
            raise _error(text, position)
        parent = open_[-1]
        if type(parent) is dict:
            colon = _COLON.match(text, match.end())
            if kind != "string" or colon is None:
                raise _error(text, position)
            key = _string(match["string"], text, position)
            steps[-1] = key
            if key in parent and len(repeated) < TOLD:
                repeated[(*steps[1:],)] = None
            position = colon.end()
            match = _TOKEN.match(text, position)
            if match is None or match.lastgroup in ("close", "comma"):
                raise _error(text, position)
        else:
            steps[-1] = len(parent)
        value = _value(match, text)
        if type(parent) is dict:
            parent[steps[-1]] = value
        else:
            parent.append(value)
        expects = "next"
        if match.lastgroup == "open":
            if len(open_) > nesting:
                raise ValueError(f"nested more than {nesting} levels deep")
            open_.append(value)
            steps.append(0)
            expects = "first"
        position = match.end()
    blank = _BLANK.match(text, position)
    if blank is None or blank.end() != len(text):
        raise _error(text, position, "Extra data")
    return top[0], tuple(normalised(place) for place in repeated)


def _value(match: re.Match[str], text: str) -> Any:
    group = match.lastgroup or ""
    literal = match[group]
    match group:
        case "open":
            return {} if literal == "{" else []
        case "string":
            return _string(literal, text, match.start(group))
        case "word":
            return _WORDS[literal]
        case "literal":
            return Literal(literal)
    try:
        return int(literal) if group == "integer" else Number(literal)
    except InvalidOperation as error:
        raise ValueError("a number's exponent is out of range") from error
    except ValueError as error:
        raise ValueError("an integer has too many digits") from error


def _string(literal: str, text: str, position: int) -> str:
    try:
        return str(json.loads(literal))
    except json.JSONDecodeError as error:
        raise _error(text, position, error.msg) from error


def _error(text: str, position: int, what: str = "Expecting value") -> ValueError:
    line = text.count("\n", 0, position) + 1
    return ValueError(f"{what} at line {line} column {position - text.rfind(chr(10), 0, position)}")
