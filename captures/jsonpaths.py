"""JSON paths: the part of RFC 9535 that rules and redaction use, compiled once and matched without searching.

A *place* is a tuple of member names and array indexes: ``("items", 2, "price")``. ``captures.jsonpath_syntax`` says
what is accepted; jsonpath-ng then reads the same path with the names cut out (it mistakes escapes and non-ASCII letters
in names) and has to agree about its steps.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from captures.jsonpath_syntax import Any_, Filter, Slice, Step, read, refusal

__all__ = ["Any_", "Filter", "JsonPath", "Place", "Slice", "Step", "compile_path", "generalised", "normalised"]

Place = tuple[str | int, ...]
"""Where a value stands in a document."""

SHOWN = 50
"""Steps that jsonpath-ng is shown at a time."""

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_CONTROL_ESCAPES = {"\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


@dataclass(frozen=True, slots=True)
class JsonPath:
    """A compiled path. ``text`` is as the user wrote it."""

    text: str
    steps: tuple[Step, ...]

    def matches(self, place: Place) -> bool:
        """Whether ``place`` is one of those the path names."""
        *_, last = _states(self.steps, place)
        return len(self.steps) in last

    def covers(self, place: Place) -> bool:
        """Whether ``place`` is one of those the path names, or lies under one."""
        return any(len(self.steps) in state for state in _states(self.steps, place))

    def leads_through(self, place: Place) -> bool:
        """Whether the path may name something under ``place``."""
        *_, last = _states(self.steps, place)
        return any(at < len(self.steps) for at in last)

    def find(self, value: Any) -> Iterator[tuple[Place, Any]]:
        """Every place of ``value`` that the path names, with what stands there, in document order, each once."""
        seen: set[Place] = set()
        for place, item in _find(self.steps, value):
            if place not in seen:
                seen.add(place)
                yield place, item

    def names(self) -> tuple[str, ...]:
        """The member names in it: a document with none of them cannot match."""
        return tuple(step for step in self.steps if isinstance(step, str))


@lru_cache(maxsize=4096)
def compile_path(text: str) -> JsonPath:
    """The path written as ``text``. Raises :class:`ConfigError` outside the accepted syntax, the place marked."""
    steps = read(text)
    if list(_as_the_library_reads(steps)) != [_skeleton(step) for step in steps]:
        raise refusal(text, 0, "its steps are ambiguous.")
    return JsonPath(text, steps)


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


def _skeleton(step: Step) -> str:
    """A step without its name or condition: what a name is made of is no question of grammar."""
    if isinstance(step, str):
        return ".k"
    if isinstance(step, int):
        return f"[{step}]"
    return ".." if step is Any_.DESCENDANTS else "[*]"


def _as_the_library_reads(steps: tuple[Step, ...]) -> Iterator[str]:
    """The same steps as jsonpath-ng sees them. It recurses: it is shown some at a time."""
    start = 0
    while start < len(steps):
        end = start + SHOWN
        while end < len(steps) and steps[end - 1] is Any_.DESCENDANTS:
            end += 1  # which looks for what follows
        yield from _library_steps(steps[start:end])
        start = end


def _library_steps(steps: tuple[Step, ...]) -> list[str]:
    from jsonpath_ng import parse

    text = "".join(_skeleton(step) for step in steps).replace("...", "..")
    found: list[str] = []
    stack: list[Any] = [parse(f"${text}")]
    while stack:
        node = stack.pop()
        kind = type(node).__name__
        if kind == "Child":
            stack += [node.right, node.left]
        elif kind == "Descendants":
            stack += [node.right, "..", node.left]
        elif kind == "Index":
            found.append(f"[{str(node).strip('[]')}]")
        elif kind in ("Wildcard", "Slice") or (kind == "Fields" and node.fields == ("*",)):  # by version of the library
            found.append("[*]")
        elif kind == "Fields":
            found.append("." + ",".join(node.fields))
        elif kind != "Root":
            found.append(str(node))
    return found


def _states(steps: tuple[Step, ...], place: Place) -> Iterator[set[int]]:
    """Which steps may come next at the root and after each key of ``place``; ``len(steps)``: the path ends there."""
    state = _opened(steps, {0})
    yield state
    for key in place:
        after: set[int] = set()
        for at in state:
            if at < len(steps):
                step = steps[at]
                if step is Any_.DESCENDANTS:
                    after.add(at)
                elif _is(step, key):
                    after.add(at + 1)
        state = _opened(steps, after)
        yield state


def _opened(steps: tuple[Step, ...], state: set[int]) -> set[int]:
    """``state`` with what follows a ``..`` that may stand for nothing."""
    for at in sorted(state):
        while at < len(steps) and steps[at] is Any_.DESCENDANTS:
            at += 1
            state.add(at)
    return state


def _is(step: Step, key: str | int) -> bool:
    """By the key alone. A filter may hold for any child: redaction then hides too much rather than too little."""
    if step is Any_.CHILD or isinstance(step, Filter):
        return True
    if isinstance(step, Slice):
        return isinstance(key, int) and step.holds(key)
    return type(step) is type(key) and step == key


def _find(steps: tuple[Step, ...], value: Any) -> Iterator[tuple[Place, Any]]:
    stack: list[tuple[int, Place, Any]] = [(0, (), value)]
    while stack:
        at, place, item = stack.pop()
        if at == len(steps):
            yield place, item
            continue
        step = steps[at]
        if step is Any_.DESCENDANTS:
            below = [(at, (*place, key), child) for key, child in _children(item)]
            stack.extend(reversed(below))
            stack.append((at + 1, place, item))
        elif isinstance(step, str | int):
            child = _child(item, step)
            if child is not _NOTHING:
                stack.append((at + 1, (*place, step), child))
        else:
            found = [
                (at + 1, (*place, key), child)
                for key, child in _children(item)
                if _is(step, key) and (not isinstance(step, Filter) or step.holds(child))
            ]
            stack.extend(reversed(found))


_NOTHING = object()


def _child(value: Any, step: str | int) -> Any:
    if isinstance(step, str):
        return value.get(step, _NOTHING) if isinstance(value, dict) else _NOTHING
    return value[step] if isinstance(value, list) and step < len(value) else _NOTHING


def _children(value: Any) -> Iterator[tuple[str | int, Any]]:
    if isinstance(value, dict):
        yield from value.items()
    elif isinstance(value, list):
        yield from enumerate(value)
