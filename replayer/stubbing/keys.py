"""What of a call counts at each rank of agreement, as keys that are equal where calls agree. Pure.

Keys are computed from the raw capture when it is replayed, so a better rule works on old captures (mountebank and
Polly fix them when recording).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Hashable, Iterable
from typing import Any

from captures.formats.decoding import (
    BinaryBody,
    Decoded,
    EmptyBody,
    FormBody,
    JsonBody,
    MultipartBody,
    TextBody,
    Undecodable,
    decode,
    form_fields,
    media_type,
)
from captures.model import Request
from replayer.alignment import unquote
from replayer.tokens import is_epoch, kind_of, shape

EPOCHS_END = 10**20  # nanoseconds of any year we meet are below it


def place(request: Request, near: float) -> Hashable:
    """What always counts: scheme, host, port, method, path (volatile segments by their kind)."""
    return *server(request), _segments(request.target.partition(b"?")[0], lambda value: blurred(value, near))


def exact_key(request: Request) -> Hashable:
    """Equal for calls of the same bytes."""
    return request.scheme, request.host, request.port, request.method, request.target, request.body


def canonical_key(request: Request) -> Hashable:
    """Equal for calls that say the same."""
    path, _, query = request.target.partition(b"?")
    return (
        *server(request),
        _segments(path, _same),
        _sorted_fields(form_fields(query)),
        _canonical(decode(request.body, request.headers), _same),
    )


def volatile_key(request: Request, near: float) -> Hashable:
    """Equal for calls that differ only in volatile values of one kind and format. ``near``: when the call was made."""

    def blur(value: Any) -> Any:
        return blurred(value, near)

    path, _, query = request.target.partition(b"?")
    return (
        *server(request),
        _segments(path, blur),
        tuple((name, str(blur(value))) for name, value in _sorted_fields(form_fields(query))),
        _canonical(decode(request.body, request.headers), blur),
    )


def server(request: Request) -> tuple[str, str, int, str]:
    """What no rule makes up for: scheme, host, port, method."""
    return request.scheme, request.host, request.port, request.method


def _segments(path: bytes, leaf: Callable[[Any], Any]) -> tuple[str, ...]:
    """Decoded one by one: an encoded slash is not a slash."""
    return tuple(str(leaf(unquote(segment))) for segment in path.split(b"/"))


def _sorted_fields(fields: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """Names in any order; the order of one name's own repetitions counts."""
    return tuple(sorted(fields, key=lambda one: one[0]))


def _same(value: Any) -> Any:
    return value


def blurred(value: Any, near: float) -> Any:
    if isinstance(value, str):
        kind = kind_of(value, near=near)
        return f"<{shape(value, kind)}>" if kind else value
    if isinstance(value, bool) or value is None:
        return value
    if is_epoch(float(value), near) if abs(value) < EPOCHS_END else False:
        return f"<epoch:{len(str(value).partition('.')[0])}>"
    return value


def _canonical(body: Decoded, leaf: Callable[[Any], Any]) -> Hashable:
    match body:
        case EmptyBody():
            return ""
        case JsonBody():
            return "json", json.dumps(_leaves(body.value, leaf), sort_keys=True, default=lambda number: f"#{number}")
        case FormBody():
            return "form", tuple((name, str(leaf(value))) for name, value in _sorted_fields(body.fields))
        case TextBody():
            return "text", body.text if leaf is _same else _blurred_text(body.text, leaf)
        case MultipartBody():
            return "parts", tuple(
                (part.name, part.filename, media_type(part.headers), _canonical(part.content, leaf))
                for part in body.parts
            )
        case BinaryBody() | Undecodable():
            return "bytes", body.data


def _leaves(value: Any, leaf: Callable[[Any], Any]) -> Any:
    if isinstance(value, dict):
        return {key: _leaves(member, leaf) for key, member in value.items()}
    if isinstance(value, list):
        return [_leaves(element, leaf) for element in value]
    return leaf(value)


def _blurred_text(text: str, leaf: Callable[[Any], Any]) -> str:
    return " ".join(
        str(leaf(word)) for word in text.replace("<", " < ").replace(">", " > ").replace('"', ' " ').split()
    )
