"""JSON paths: the part of RFC 9535 that rules and redaction use, compiled once and matched without searching.

A *path* is a tuple of member names and array indexes: ``("items", 2, "price")``. The accepted syntax is ``$``,
``.name``, ``['name']``, ``[n]``, ``[*]``, ``.*`` and ``..``; everything else is refused when the configuration is read,
because a path that silently matches nothing is worse than an error. jsonpath-ng is the grammar; names are cut out
before it sees them, since it mistakes escapes and non-ASCII letters in names.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from typing import Any

from captures.errors import ConfigError

Place = tuple[str | int, ...]
"""Where a value stands in a document."""

_TOKEN = re.compile(
    r"""(?P<descend>\.\.)
      | \.?(?P<star>\*)
      | (?P<quoted>\[\s*(?:'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")\s*\])
      | (?P<bracket>\[\s*(?:\*|0|[1-9][0-9]*)\s*\])
      | \.?(?P<name>[A-Za-z_\u0080-\U0010ffff][A-Za-z0-9_\-\u0080-\U0010ffff]*)""",
    re.VERBOSE,
)
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_ESCAPED = re.compile(r"\\(u[0-9a-fA-F]{4}(?:\\u[0-9a-fA-F]{4})?|.)", re.DOTALL)
_CONTROLS = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_CONTROL_ESCAPES = {value: f"\\{key}" for key, value in _CONTROLS.items()}
_SYNTAX = "Use $, .name, ['name'], [n], [*] and .. only: $.items[*].price"


class Any_(Enum):  # noqa: N801 - typing.Any is taken
    """Steps that stand for many."""

    CHILD = "*"
    DESCENDANTS = ".."  # this place and every place under it


Step = str | int | Any_


@dataclass(frozen=True, slots=True)
class JsonPath:
    """A compiled path. ``text`` is as the user wrote it."""

    text: str
    steps: tuple[Step, ...]

    def matches(self, place: Place) -> bool:
        """Whether ``place`` is one of those the path names."""
        return _matches(self.steps, place)

    def covers(self, place: Place) -> bool:
        """Whether ``place`` is one of those the path names, or lies under one."""
        return any(_matches(self.steps, place[:length]) for length in range(len(place), -1, -1))

    def find(self, value: Any) -> Iterator[tuple[Place, Any]]:
        """Every place of ``value`` that the path names, with what stands there, in document order, each once."""
        seen: set[Place] = set()
        for place, item in _find(self.steps, (), value):
            if place not in seen:
                seen.add(place)
                yield place, item

    def names(self) -> tuple[str, ...]:
        """The member names in it: a document with none of them cannot match."""
        return tuple(step for step in self.steps if isinstance(step, str))


@lru_cache(maxsize=4096)
def compile_path(text: str) -> JsonPath:
    """The path written as ``text``. Raises :class:`ConfigError` outside the accepted syntax."""
    names: list[str] = []
    skeleton = "$"
    position = 1
    if not text.startswith("$"):
        raise ConfigError(f"{text!r} is no JSON path: it does not start with $.", hint=_SYNTAX)
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None or not _follows(match, text, position):
            raise ConfigError(f"{text!r} is no JSON path Retape knows (at column {position + 1}).", hint=_SYNTAX)
        after_descend = skeleton.endswith("..")
        if match["descend"]:
            skeleton += ".."
        elif match["bracket"] or match["star"]:
            skeleton += "".join((match["bracket"] or "[*]").split())
        else:
            name = match["name"] or _unescaped(match["quoted"].strip("[] \t\r\n")[1:-1], text)
            skeleton += f"{'' if after_descend else '.'}k{len(names)}"
            names.append(name)
        position = match.end()
    if skeleton.endswith(".."):
        raise ConfigError(f"{text!r} ends in `..`: name what to look for.", hint=_SYNTAX)
    return JsonPath(text, _steps(skeleton, names, text))


def normalised(place: Place) -> str:
    """``place`` as text that :func:`compile_path` reads back: ``$.items[2].price``, ``$['a b']`` (RFC 9535, 2.7)."""
    return "$" + "".join(f"[{step}]" if isinstance(step, int) else _member(step) for step in place)


def generalised(place: Place) -> str:
    """Like :func:`normalised` with ``[*]`` for every array index."""
    return "$" + "".join("[*]" if isinstance(step, int) else _member(step) for step in place)


def _member(name: str) -> str:
    if _PLAIN.fullmatch(name):
        return f".{name}"
    return "['" + "".join(_escaped(character) for character in name) + "']"


def _escaped(character: str) -> str:
    if character in "'\\":
        return f"\\{character}"
    if character < " " or "\ud800" <= character <= "\udfff":
        return _CONTROL_ESCAPES.get(character) or f"\\u{ord(character):04x}"
    return character


def _unescaped(raw: str, path: str) -> str:
    def one(match: re.Match[str]) -> str:
        escape = match[1]
        if escape[0] == "u" and len(escape) > 1:
            units = b"".join(int(unit, 16).to_bytes(2, "big") for unit in escape.replace("\\u", "u").split("u")[1:])
            return units.decode("utf-16-be", "surrogatepass")
        if escape in _CONTROLS:
            return _CONTROLS[escape]
        if escape in "'\"\\/":
            return escape
        raise ConfigError(
            f"{path!r} has an unknown escape \\{escape}.", hint="Known are \\' \\\" \\\\ \\/ \\n \\t \\uXXXX."
        )

    return _ESCAPED.sub(one, raw)


def _follows(match: re.Match[str], text: str, position: int) -> bool:
    """A bare name or star needs a dot before it; after ``..`` that dot is already spent."""
    after_descend = text.endswith("..", 0, position)
    if match["descend"]:
        return not after_descend
    if match["name"] or match["star"]:
        return text[position] != "." if after_descend else text[position] == "."
    return True


def _steps(skeleton: str, names: list[str], text: str) -> tuple[Step, ...]:
    """Read jsonpath-ng's tree of the skeleton (names cut out as k0, k1, …) into flat steps."""
    from jsonpath_ng import parse

    def walk(node: Any) -> Iterator[Step]:
        kind = type(node).__name__
        if kind in ("Child", "Descendants"):
            yield from walk(node.left)
            if kind == "Descendants":
                yield Any_.DESCENDANTS
            yield from walk(node.right)
        elif kind == "Index":
            yield int(str(node).strip("[]"))
        elif kind in ("Wildcard", "Slice") or (kind == "Fields" and node.fields == ("*",)):  # by version of jsonpath-ng
            yield Any_.CHILD
        elif kind == "Fields" and len(node.fields) == 1:
            yield names[int(node.fields[0][1:])]
        elif kind != "Root":
            raise ConfigError(f"{text!r} is no JSON path Retape knows.", hint=_SYNTAX)

    return tuple(walk(parse(skeleton)))


def _matches(steps: tuple[Step, ...], place: Place) -> bool:
    if not steps:
        return not place
    step, rest = steps[0], steps[1:]
    if step is Any_.DESCENDANTS:
        return any(_matches(rest, place[start:]) for start in range(len(place) + 1))
    return bool(place) and _is(step, place[0]) and _matches(rest, place[1:])


def _is(step: Step, key: str | int) -> bool:
    return step is Any_.CHILD or (type(step) is type(key) and step == key)


def _find(steps: tuple[Step, ...], place: Place, value: Any) -> Iterator[tuple[Place, Any]]:
    if not steps:
        yield place, value
        return
    step, rest = steps[0], steps[1:]
    if step is Any_.DESCENDANTS:
        stack = [(place, value)]
        while stack:
            where, item = stack.pop()
            yield from _find(rest, where, item)
            stack.extend(reversed([((*where, key), child) for key, child in _children(item)]))
        return
    for key, child in _children(value):
        if _is(step, key):
            yield from _find(rest, (*place, key), child)


def _children(value: Any) -> Iterator[tuple[str | int, Any]]:
    if isinstance(value, dict):
        yield from value.items()
    elif isinstance(value, list):
        yield from enumerate(value)
