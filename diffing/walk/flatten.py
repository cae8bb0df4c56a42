"""JSON values as flat, hashable tuples: exact equality for dictionaries and sets, with no recursion at any depth.

Python's own ``==`` and ``hash`` call 1, 1.0 and True equal; the literal texts used here do not.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Flat = tuple[str, ...]


def literal(value: Any) -> str:
    """A scalar as text that no other scalar has: ``1``, ``True``, ``'1'``, ``Number('1.0')``."""
    return repr(value)


def flatten(value: Any, leaf: Callable[[Any, str], str] | None = None, name: str = "") -> Flat:
    """``value`` in document order with object keys sorted. ``leaf(scalar, name)`` may stand in for a scalar's text.

    ``name`` is that of ``value`` itself.

    Injective: two values have equal results only when they are equal (objects regardless of the order of keys).
    """
    out: list[str] = []
    stack: list[tuple[Any, str]] = [(value, name)]
    while stack:
        item, name = stack.pop()
        if type(item) is dict:
            out.append(f"{{{len(item)}")
            for key in sorted(item, reverse=True):
                stack.append((item[key], key))
                stack.append((_Key(key), key))
        elif type(item) is list:
            out.append(f"[{len(item)}")
            stack.extend((child, name) for child in reversed(item))
        elif type(item) is _Key:
            out.append(f":{item.text}")
        else:
            out.append(leaf(item, name) if leaf else repr(item))
    return tuple(out)


class _Key:
    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text


def same(left: Any, right: Any) -> bool:
    """Exact equality of two JSON values: types and number literals count, the order of keys does not."""
    if left is right:
        return True
    try:
        return bool(left == right) and types_agree(left, right)
    except RecursionError:
        return flatten(left) == flatten(right)


def same_at_once(left: Any, right: Any) -> bool:
    """Like :func:`same` at C speed; False also for what is nested too deep for that."""
    if left is right:
        return True
    try:
        return bool(left == right) and types_agree(left, right)
    except RecursionError:
        return False


def types_agree(left: Any, right: Any) -> bool:
    """Whether two values that are ``==`` are equal: all that ``==`` overlooks is that ``True`` is not ``1``."""
    kind = type(left)
    if kind is not dict and kind is not list:
        return kind is type(right)
    stack = [(left, right)]
    while stack:
        one, other = stack.pop()
        if type(one) is dict:
            for name, value in one.items():
                kind = type(value)
                if kind is dict or kind is list:
                    stack.append((value, other[name]))
                elif kind is not type(other[name]):
                    return False
        else:
            for value, there in zip(one, other, strict=True):
                kind = type(value)
                if kind is dict or kind is list:
                    stack.append((value, there))
                elif kind is not type(there):
                    return False
    return True
