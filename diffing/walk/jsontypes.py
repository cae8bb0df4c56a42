"""The types of JSON as words."""

from __future__ import annotations

from typing import Any

from captures.formats.jsontext import Literal


def json_type(value: Any) -> str:
    """``null``, ``boolean``, ``integer``, ``number`` (with a fraction), ``string``, ``array`` or ``object``.

    NaN and the infinities, which are no JSON numbers, are types of their own.
    """
    if value is None:
        return "null"
    kind = type(value)
    if kind is str:
        return "string"
    if kind is bool:
        return "boolean"
    if kind is int:
        return "integer"
    if kind is dict:
        return "object"
    if kind is list:
        return "array"
    return str(value) if kind is Literal else "number"


def broad_type(value: Any) -> str:
    """Like :func:`json_type` with one type for all numbers, as JSON has it."""
    kind = json_type(value)
    return "number" if kind == "integer" else kind
