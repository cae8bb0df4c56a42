"""The places that ``[[chain]]`` names, found in messages: values in answers, spans in requests. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from captures.formats import jsonspans
from captures.formats.decoding import JsonBody, TextBody, content_decoded, decode, media_type
from captures.formats.multipart import split
from captures.model import Headers, Request, Response, header_values
from replayer.chain_rules import ChainRule, Place

Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Found:
    """Where a rule applies in a request: spans of the path, the query, each header by its number, the body."""

    path: tuple[Span, ...] = ()
    query: tuple[Span, ...] = ()
    headers: dict[int, tuple[Span, ...]] = field(default_factory=dict)
    body: tuple[Span, ...] = ()


def values_at(place: Place, answer: Response) -> dict[Any, str]:
    """What stands at a place of an answer: where exactly -> the value as text."""
    if place.kind == "json" and place.path is not None:
        body = decode(answer.body, answer.headers)
        if not isinstance(body, JsonBody):
            return {}
        found = place.path.find(body.value)
        return {at: _text(value) for at, value in found if not isinstance(value, dict | list) and value is not None}
    if place.kind == "text" and place.pattern is not None:
        body = decode(answer.body, answer.headers)
        text = body.text if isinstance(body, TextBody | JsonBody) else ""
        return {number: _group(match) for number, match in enumerate(place.pattern.finditer(text))}
    if place.kind == "cookie":
        for raw in header_values(answer.headers, "set-cookie"):
            name, _, value = raw.partition(b";")[0].decode("latin-1").partition("=")
            if name.strip() == place.name:
                return {0: value.strip().strip('"')}
        return {}
    texts = [raw.decode("latin-1") for raw in header_values(answer.headers, place.name)]
    if place.pattern is None:
        return dict(enumerate(texts))
    matches = [place.pattern.search(text) for text in texts]
    return {number: _group(match) for number, match in enumerate(matches) if match}


def field_of(place: Place, at: Any) -> str:
    """The member that a value found at ``at`` stands under; "" for what is in no JSON."""
    names = [step for step in at if isinstance(step, str)] if place.kind == "json" else []
    return names[-1] if names else ""


def spans_in(rule: ChainRule, request: Request) -> Found | None:
    """Where ``rule`` says a value is brought back in ``request``; None when it does not concern it."""
    place = rule.use
    match = place.concerns(request) if place is not None else None
    if place is None or match is None:
        return None
    path, _, query = request.target.partition(b"?")
    if place.kind == "path":
        if not place.name.isdigit():
            start, end = match.span(place.name)
            lead = len(request.method) + 1
            return Found(path=((start - lead, end - lead),))
        segments = [found.span() for found in re.finditer(r"[^/]+", path.decode("latin-1"))]
        at = int(place.name) - 1
        return Found(path=(segments[at],)) if at < len(segments) else None
    if place.kind == "query":
        return Found(query=tuple(_fields(query.decode("latin-1"), place.name, "&")))
    if place.kind in ("header", "cookie"):
        return Found(headers=_in_headers(place, request.headers))
    return Found(body=tuple(_in_body(place, request)))


def _in_headers(place: Place, headers: Headers) -> dict[int, tuple[Span, ...]]:
    found: dict[int, tuple[Span, ...]] = {}
    for number, (name, raw) in enumerate(headers):
        text = raw.decode("latin-1")
        if place.kind == "cookie" and name.lower() == b"cookie":
            found[number] = tuple(_fields(text, place.name, ";"))
        elif place.kind == "header" and name.lower() == place.name.encode("latin-1", "replace"):
            match = place.pattern.search(text) if place.pattern is not None else None
            if place.pattern is None:
                found[number] = ((0, len(text)),)
            elif match is not None:
                found[number] = (match.span(1 if match.re.groups else 0),)
    return found


def _in_body(place: Place, request: Request) -> Iterator[Span]:
    try:
        plain = content_decoded(request.body, request.headers)
    except ValueError:
        return
    text = plain.decode("latin-1")  # as the carrying of values does: a place in it is a place in the bytes
    if place.kind == "text" and place.pattern is not None:
        for match in place.pattern.finditer(text):
            yield match.span(1 if match.re.groups else 0)
    elif place.kind == "form" and media_type(request.headers) == "multipart/form-data":
        try:
            parts = split(plain, request.headers)
        except ValueError:
            return
        yield from ((part.start, part.end) for part in parts if part.name == place.name)
    elif place.kind == "form":
        yield from _fields(text, place.name, "&")
    elif place.kind == "json" and place.path is not None:
        try:
            for scalar in jsonspans.scalars(text):
                if place.path.covers(scalar.place):
                    yield scalar.start, scalar.end
        except ValueError:
            return


def _fields(text: str, name: str, separator: str) -> Iterator[Span]:
    start = 0
    for piece in text.split(separator):
        label, equals, value = piece.partition("=")
        if equals and label.strip() == name:
            at = start + len(label) + 1
            yield at, at + len(value)
        start += len(piece) + 1


def _group(match: re.Match[str]) -> str:
    return str(match[1]) if match.re.groups else match[0]


def _text(value: Any) -> str:
    return ("true" if value else "false") if isinstance(value, bool) else str(value)
