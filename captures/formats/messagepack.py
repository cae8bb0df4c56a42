"""MessagePack as JSON-like values without loss: what JSON has no form for becomes an object whose names start in #."""

from __future__ import annotations

from typing import Any

from captures.formats.binaryvalues import bytes_value
from captures.formats.jsontext import Literal, Number


def read_messagepack(data: bytes) -> Any:
    """The value; ``{"#stream": […]}`` where several follow each other.

    Fractions are :class:`Number` (so 1.0 is not 1), NaN is :class:`Literal`, bytes ``{"#bytes": "00ff"}``, an extension
    ``{"#ext": 5, "#bytes": …}``, a timestamp ``{"#timestamp": "2026-…Z"}``. A map whose keys are not all different
    texts is ``{"#pairs": [[key, value], …]}``. Raises ``ValueError`` for what is no MessagePack, or is nested too deep.
    """
    import msgpack

    size = len(data)
    unpacker = msgpack.Unpacker(
        raw=False,
        strict_map_key=False,
        unicode_errors="surrogateescape",
        object_pairs_hook=_map,
        ext_hook=_ext,
        timestamp=0,
        max_buffer_size=max(size, 1),
        max_array_len=size,  # a header may promise 2^32 items in five bytes
        max_map_len=size,
    )
    unpacker.feed(data)
    values: list[Any] = []
    try:
        while unpacker.tell() < size:
            values.append(_plain(unpacker.unpack()))
    except msgpack.OutOfData as error:
        raise ValueError("MessagePack is cut off") from error
    except (msgpack.StackError, RecursionError) as error:
        raise ValueError("MessagePack is nested too deep") from error
    except (msgpack.UnpackException, ValueError, TypeError) as error:
        raise ValueError(f"no MessagePack: {str(error)[:80]}") from error
    return values[0] if len(values) == 1 else {"#stream": values}


def _map(pairs: list[tuple[Any, Any]]) -> dict[str, Any]:
    if all(type(key) is str for key, _ in pairs) and len({key for key, _ in pairs}) == len(pairs):
        return dict(pairs)
    return {"#pairs": [[key, value] for key, value in pairs]}


def _ext(code: int, data: bytes) -> dict[str, Any]:
    return {"#ext": code, **bytes_value(data)}


def _plain(value: Any) -> Any:
    """``value`` with floats, bytes and timestamps replaced. In place, with a stack of its own."""
    top = [value]
    stack: list[Any] = [top]
    while stack:
        item = stack.pop()
        for key, child in list(item.items() if type(item) is dict else enumerate(item)):
            if type(child) in (dict, list):
                stack.append(child)
            elif child is not None and type(child) not in (str, int, bool):
                item[key] = _scalar(child)
    return top[0]


def _scalar(value: Any) -> Any:
    import msgpack

    if isinstance(value, float):
        return number_of(value)
    if isinstance(value, bytes):
        return bytes_value(value)
    if isinstance(value, msgpack.Timestamp):
        return {"#timestamp": _moment(value.seconds, value.nanoseconds)}
    return repr(value)


def number_of(value: float) -> Number:
    """A double as a number; NaN and infinities as :class:`Literal`."""
    if value != value:
        return Literal("NaN")
    if value in (float("inf"), float("-inf")):
        return Literal("Infinity" if value > 0 else "-Infinity")
    return Number(repr(value))


def _moment(seconds: int, nanoseconds: int) -> str:
    from datetime import UTC, datetime, timedelta

    try:
        moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
    except OverflowError:
        return f"{seconds}.{nanoseconds:09d}"
    fraction = f".{nanoseconds:09d}".rstrip("0") if nanoseconds else ""
    return f"{moment:%Y-%m-%dT%H:%M:%S}{fraction}Z"
