"""JSON text of the values in findings, lossless: numbers keep the digits they were recorded with.

``json.dumps`` cannot write a ``Decimal`` and recurses; recorded documents nest to 10,000 levels, so this walks a stack.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from decimal import Decimal
from json.encoder import encode_basestring, encode_basestring_ascii
from typing import Any

from captures.visible import visible
from diffing.model import ABSENT
from diffing.reports.text import clip, clip_pair

_SCALARS = frozenset((str, int, bool, type(None)))  # what most of a document is: equal exactly when == says so


def dump(value: Any, *, indent: int | None = None, ascii_only: bool = True) -> str:
    """JSON text of ``value``; ``ABSENT`` becomes null. Mappings keep their order.

    Raises :class:`TypeError` for what JSON has no form for.
    """
    if type(value) in _SCALARS:
        return _scalar(value, ascii_only)
    separator = ": " if indent is not None else ":" if ascii_only else ": "
    comma = "," if ascii_only or indent is not None else ", "
    out: list[str] = []
    # (is it finished text, the thing, its depth); popped from the end
    stack: list[tuple[bool, Any, int]] = [(False, value, 0)]

    def line(depth: int) -> str:
        return "" if indent is None else "\n" + " " * (indent * depth)

    while stack:
        done, item, depth = stack.pop()
        if done:
            out.append(item)
        elif type(item) in _SCALARS:
            out.append(_scalar(item, ascii_only))
        elif isinstance(item, Mapping):
            if not item:
                out.append("{}")
                continue
            stack.append((True, line(depth) + "}", depth))
            for position, (key, child) in reversed(list(enumerate(item.items()))):
                stack.append((False, child, depth + 1))
                lead = ("" if position == 0 else comma) + line(depth + 1)
                stack.append((True, f"{lead}{_string(str(key), ascii_only)}{separator}", depth))
            out.append("{")
        elif isinstance(item, list | tuple):
            if not item:
                out.append("[]")
                continue
            stack.append((True, line(depth) + "]", depth))
            for position, child in reversed(list(enumerate(item))):
                stack.append((False, child, depth + 1))
                stack.append((True, ("" if position == 0 else comma) + line(depth + 1), depth))
            out.append("[")
        else:
            out.append(_scalar(item, ascii_only))
    return "".join(out)


def _string(text: str, ascii_only: bool) -> str:
    return encode_basestring_ascii(text) if ascii_only else encode_basestring(text)


def _scalar(item: Any, ascii_only: bool) -> str:
    if type(item) is str:
        return _string(item, ascii_only)
    if item is ABSENT or item is None:
        return "null"
    if isinstance(item, bool):
        return "true" if item else "false"
    if isinstance(item, str):
        return _string(str(item), ascii_only)
    if isinstance(item, int):
        return int.__repr__(item)
    if isinstance(item, Decimal) and item.is_finite():
        text = str(item)  # of "1e0" it is "1": the exponent is what tells it from the integer
        return f"{text}e0" if text.lstrip("-").isdigit() else text
    if isinstance(item, float) and math.isfinite(item):
        return float.__repr__(item)
    raise TypeError(f"a {type(item).__name__} has no JSON form")


NOTHING = "(absent)"
"""What stands for a value that is not there: the JSON text of no value."""


def shown(value: Any, limit: int = 160) -> str:
    """``value`` on one line for people, cut to ``limit`` characters; :data:`NOTHING` where there is nothing."""
    if value is ABSENT:
        return NOTHING
    return clip(visible(dump(value, ascii_only=False)), limit)


def shown_pair(recorded: Any, replayed: Any, limit: int = 160) -> tuple[str, str]:
    """Both sides on one line each, cut around their first difference."""
    if recorded is ABSENT or replayed is ABSENT:
        return shown(recorded, limit), shown(replayed, limit)
    left, right = clip_pair(dump(recorded, ascii_only=False), dump(replayed, ascii_only=False), limit)
    return visible(left), visible(right)


def same(left: Any, right: Any) -> bool:
    """Whether two JSON values are identical: 1 is not 1.0, true is not 1; the order of members does not count."""
    stack = [(left, right)]
    while stack:
        one, other = stack.pop()
        if type(one) in _SCALARS and type(one) is type(other):
            if one != other:
                return False
            continue
        if isinstance(one, Mapping) and isinstance(other, Mapping):
            if one.keys() != other.keys():
                return False
            stack.extend((one[key], other[key]) for key in one)
        elif isinstance(one, list | tuple) and isinstance(other, list | tuple):
            if len(one) != len(other):
                return False
            stack.extend(zip(one, other, strict=True))
        elif _is_tree(one) or _is_tree(other) or _told_apart(one, other):
            return False
    return True


def _is_tree(value: Any) -> bool:
    return type(value) not in _SCALARS and isinstance(value, Mapping | list | tuple)


def _told_apart(one: Any, other: Any) -> bool:
    return (one is ABSENT) != (other is ABSENT) or _scalar(one, True) != _scalar(other, True)
