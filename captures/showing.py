"""One exchange in full, for people and as JSON: ``retape capture show``."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
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
    content_decoded,
    decode,
)
from captures.formats.jsontext import indented
from captures.listing import duration, line, moment, outcome, summary
from captures.model import Direction, Exchange, Headers, url_of
from captures.routes.endpoints import Endpoints
from captures.store import Capture
from captures.visible import visible

DUMPED = 256
"""Bytes of a binary body that are shown."""


def endpoint_of(capture: Capture, exchange: Exchange, explicit: Sequence[str] = ()) -> str:
    """The endpoint of an exchange, as the whole capture (and the templates of ``retape.toml``) tell it."""
    return Endpoints.of(capture, explicit).endpoint_of(exchange)


def lines(exchange: Exchange, calls: Sequence[Exchange], endpoint: str, messages: Sequence[str] = ()) -> Iterator[str]:
    """The exchange for people; every captured character that could act on a terminal is escaped.

    ``messages``: what :func:`captures.conversations.lines` says of it.
    """
    yield from _heading(exchange, endpoint)
    request, response = exchange.request, exchange.response
    yield ""
    yield f"> {visible(request.method)} {visible(request.target.decode('latin-1'))} {visible(request.http_version)}"
    yield from _message("> ", request.headers, request.body, request.trailers)
    yield ""
    if response is not None:
        reason = visible(response.reason.decode("latin-1"))
        yield f"< {visible(response.http_version)} {response.status}{' ' if reason else ''}{reason}"
        yield from _message("< ", response.headers, response.body, response.trailers)
    if messages:
        yield ""
        yield from messages
    if exchange.failure is not None:
        yield f"! failed: {exchange.failure.kind.value} {visible(exchange.failure.detail)}".rstrip()
    if exchange.direction is Direction.INBOUND:
        yield ""
        yield f"outbound calls: {len(calls) or 'none linked to it'}"
        for call in calls:
            yield line(call)
            if call.cause is not None and call.cause.evidence:
                yield f"{'':9}evidence: {visible(call.cause.evidence)}"


def _heading(exchange: Exchange, endpoint: str) -> Iterator[str]:
    yield f"exchange {exchange.id}, {exchange.direction.value}, session {exchange.session}: {outcome(exchange)}"
    yield f"  endpoint    {visible(endpoint)}"
    yield f"  url         {visible(url_of(exchange.request))}"
    yield f"  started     {moment(exchange.timing.started)}, took {duration(exchange)}"
    if exchange.connection:
        yield f"  connection  {visible(exchange.connection)}"
    if exchange.dependency:
        yield f"  dependency  {visible(exchange.dependency)}"
    if exchange.cause is not None:
        by = f"exchange {exchange.cause.exchange}" if exchange.cause.exchange is not None else "not known"
        yield f"  caused by   {by} ({exchange.cause.how.value}: {visible(exchange.cause.evidence)})"
    if exchange.replay_of is not None:
        yield f"  replay of   {exchange.replay_of} in the source capture"
    if exchange.body_truncated:
        yield "  incomplete  a body is stored only in part or not at all"
    for key, value in exchange.notes.items():
        yield f"  {visible(key):<11} {visible(json.dumps(value, ensure_ascii=False))}"


def _message(mark: str, headers: Headers, body: bytes, trailers: Headers) -> Iterator[str]:
    for name, value in headers:
        yield f"{mark}{visible(name.decode('latin-1'))}: {visible(_header_text(value))}"
    for text in body_lines(decode(body, headers)):
        yield f"{mark}  {text}".rstrip()
    for name, value in trailers:
        yield f"{mark}trailer {visible(name.decode('latin-1'))}: {visible(_header_text(value))}"


def _header_text(value: bytes) -> str:
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return value.decode("latin-1")


def body_lines(body: Decoded) -> Iterator[str]:
    """A decoded body for people, escaped, after an empty line; nothing for no body."""
    if isinstance(body, EmptyBody):
        return
    yield ""
    if isinstance(body, JsonBody):
        yield from visible(indented(body.text), lines=True).split("\n")
        for path in body.duplicates:
            yield f"(the member {visible(path)} stands there more than once)"
    elif isinstance(body, TextBody):
        yield from visible(body.text.replace("\r\n", "\n"), lines=True).rstrip("\n").split("\n")
    elif isinstance(body, FormBody):
        for name, value in body.fields:
            yield f"{visible(name)} = {visible(value)}"
    elif isinstance(body, MultipartBody):
        for part in body.parts:
            named = f" {part.filename!r}" if part.filename is not None else ""
            yield f"--- part {part.name!r}{visible(named)}"
            for text in body_lines(part.content):
                yield f"  {text}"
    elif isinstance(body, Undecodable):
        yield f"({visible(body.reason)})"
        yield from _dump(body.data)
    else:
        yield f"({visible(body.media_type or 'no type')}, {len(body.data):,} bytes)"
        yield from _dump(body.data)


def _dump(data: bytes) -> Iterator[str]:
    for start in range(0, min(len(data), DUMPED), 16):
        row = data[start : start + 16]
        text = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in row)
        yield f"{start:08x}  {row.hex(' '):<47}  {text}"
    if len(data) > DUMPED:
        yield f"... {len(data) - DUMPED:,} more bytes; SHA-256 of all {hashlib.sha256(data).hexdigest()}"


def as_json(
    exchange: Exchange, calls: Sequence[Exchange], endpoint: str, messages: Sequence[Mapping[str, Any]], count: int
) -> str:
    """The exchange as a JSON document; a body that is no text is in ``base64``, content codings off.

    ``messages``: the first of its ``count`` messages, as of :func:`captures.conversations.as_json`.
    """
    request, response, cause = exchange.request, exchange.response, exchange.cause
    document = {
        **summary(exchange, endpoint),
        "request": {
            "version": request.http_version,
            "headers": _pairs(request.headers),
            "body": _body(request.body, request.headers),
            "trailers": _pairs(request.trailers),
        },
        "response": {
            "version": response.http_version,
            "status": response.status,
            "reason": response.reason.decode("latin-1"),
            "headers": _pairs(response.headers),
            "body": _body(response.body, response.headers),
            "trailers": _pairs(response.trailers),
        }
        if response is not None
        else None,
        "failure_detail": exchange.failure.detail if exchange.failure else None,
        "cause_evidence": cause.evidence if cause else None,
        "connection": exchange.connection,
        "notes": dict(exchange.notes),
        "message_count": count,
        "messages": list(messages),
        "outbound": [
            {**summary(call, ""), "cause_evidence": call.cause.evidence if call.cause else None} for call in calls
        ],
    }
    for call in document["outbound"]:
        del call["endpoint"]
    return json.dumps(document, ensure_ascii=True, indent=2)


def _pairs(headers: Headers) -> list[list[str]]:
    return [[name.decode("latin-1"), value.decode("latin-1")] for name, value in headers]


def _body(body: bytes, headers: Headers) -> dict[str, Any] | None:
    decoded = decode(body, headers)
    if isinstance(decoded, EmptyBody):
        return None
    if isinstance(decoded, JsonBody | TextBody):
        return {"kind": "json" if isinstance(decoded, JsonBody) else "text", "text": decoded.text}
    if isinstance(decoded, BinaryBody | Undecodable):
        told: dict[str, Any] = {"kind": "binary" if isinstance(decoded, BinaryBody) else "undecodable"}
        if isinstance(decoded, Undecodable):
            told["reason"] = decoded.reason
        return {**told, "base64": base64.b64encode(decoded.data).decode("ascii")}
    kind = "form" if isinstance(decoded, FormBody) else "multipart"
    return {"kind": kind, "base64": base64.b64encode(content_decoded(body, headers)).decode("ascii")}
