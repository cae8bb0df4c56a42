"""Exchanges as a HAR 1.2 file, for browsers' panels and whatever else reads it.

Format: http://www.softwareishard.com/blog/har-12-spec/. Bodies stand in it decoded, as it wants them; what it has no
place for is counted in :class:`captures.archives.entries.Losses`, and what :mod:`captures.archives.har_reading` needs
to read the file back stands under ``_retape`` (names that begin with an underscore are free).
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

from captures.archives.entries import Losses
from captures.formats.codings import content_codings, content_decoded
from captures.formats.decoding import TextBody, decode
from captures.formats.mediatypes import content_type_parameters, is_json, is_text, media_type
from captures.model import Exchange, Headers, Message, Response, header, header_values, url_of


def pieces(
    exchanges: Iterable[Exchange],
    messages: Callable[[int], Iterable[Message]],
    version: str,
    losses: Losses,
    keys: Mapping[int, str | None] | None = None,
) -> Iterator[str]:
    """The file's text, an exchange at a time. ``messages`` gives those of an exchange; ``version`` is Retape's;
    ``keys`` has the fingerprint of each session's redaction key."""
    keys = keys or {}
    head = {"version": "1.2", "creator": {"name": "retape", "version": version}, "pages": []}
    text = json.dumps(head, ensure_ascii=False)
    yield '{"log": ' + text[:-1] + ', "entries": ['
    first = True
    for exchange in exchanges:
        one = entry(exchange, messages(exchange.id), losses)
        if (places := exchange.notes.get("redacted")) and (key := keys.get(exchange.session)):
            one["_retape"] |= {"redacted": places, "redaction_key": key}  # so that nothing is replaced twice
        yield ("\n" if first else ",\n") + json.dumps(one, ensure_ascii=True)
        first = False
    yield "\n]}}\n"


def entry(exchange: Exchange, messages: Iterable[Message], losses: Losses) -> dict[str, Any]:
    """One exchange as an entry."""
    request, response, timing = exchange.request, exchange.response, exchange.timing
    if request.trailers or (response is not None and response.trailers):
        losses.note("trailers")
    if exchange.body_truncated:
        losses.note("a body that the capture holds only in part")
    ended = max(timing.ended or timing.started, timing.started)
    sent = min(max(timing.request_done or timing.started, timing.started), ended)
    answered = min(max(timing.response_started or ended, sent), ended)
    told = {
        "id": exchange.id,
        "direction": exchange.direction.value,
        "dependency": exchange.dependency,
        "caused_by": exchange.cause.exchange if exchange.cause else None,
        "cause": exchange.cause.how.value if exchange.cause else None,
        "replay_of": exchange.replay_of,
        "failure": exchange.failure.kind.value if exchange.failure else None,
    }
    written: dict[str, Any] = {
        "startedDateTime": datetime.fromtimestamp(timing.started, UTC).isoformat(timespec="microseconds"),
        "time": _milliseconds(ended - timing.started),
        "request": _request(exchange),
        "response": _response(response, losses) if response is not None else _no_response(exchange),
        "cache": {},
        "timings": {
            "blocked": -1, "dns": -1, "connect": -1, "ssl": -1,
            "send": _milliseconds(sent - timing.started),
            "wait": _milliseconds(answered - sent),
            "receive": _milliseconds(ended - answered),
        },
        "_retape": {name: value for name, value in told.items() if value is not None},
    }  # fmt: skip
    if exchange.connection:
        written["connection"] = exchange.connection
    if exchange.failure is not None and response is not None:
        written["_error"] = _said(exchange)
    listed = list(messages)
    said = [_message(one) for one in listed if one.kind in ("text", "binary")]
    if said:
        written["_webSocketMessages"] = said
    elif listed:
        losses.note("when each message of a stream came")
    return written


def _message(message: Message) -> dict[str, Any]:
    binary = message.kind == "binary"
    data = base64.b64encode(message.body).decode("ascii") if binary else message.body.decode("utf-8", "replace")
    kind = "send" if message.from_client else "receive"
    return {"type": kind, "time": message.at, "opcode": 2 if binary else 1, "data": data}


def _request(exchange: Exchange) -> dict[str, Any]:
    request = exchange.request
    target = request.target.decode("latin-1")
    cookies = [
        pair for value in header_values(request.headers, "cookie") for pair in value.decode("latin-1").split(";")
    ]
    asked: dict[str, Any] = {
        "method": request.method,
        "url": url_of(request),
        "httpVersion": request.http_version,
        "cookies": [_cookie(pair) for pair in cookies if pair.strip()],
        "headers": _headers(request.headers),
        "queryString": [
            {"name": name, "value": value}
            for name, value in parse_qsl(target.partition("?")[2], keep_blank_values=True, max_num_fields=None)
        ],
        "headersSize": -1,
        "bodySize": len(request.body),
    }
    if request.body:
        mime = (header(request.headers, "content-type") or b"").decode("latin-1")
        text = None if content_codings(request.headers) else _plain(request.body, request.headers)
        posted: dict[str, Any] = {"mimeType": mime, "text": text}
        if text is None:
            posted = {"mimeType": mime, "text": base64.b64encode(request.body).decode("ascii"), "encoding": "base64"}
        asked["postData"] = posted
    return asked


def _response(response: Response, losses: Losses) -> dict[str, Any]:
    content: dict[str, Any] = {"mimeType": (header(response.headers, "content-type") or b"").decode("latin-1")}
    body = response.body
    if content_codings(response.headers) and body:
        try:
            body = content_decoded(body, response.headers)
            content["compression"] = len(body) - len(response.body)
            losses.note("how exactly the response's body was compressed")
        except ValueError:
            content["_encoded"] = True  # it cannot be decoded: it stands as it was on the wire
    content["size"] = len(body)
    if body:
        text = None if "_encoded" in content else _plain(body, response.headers)
        if text is None:
            content |= {"text": base64.b64encode(body).decode("ascii"), "encoding": "base64"}
        else:
            content["text"] = text
    return {
        "status": response.status,
        "statusText": response.reason.decode("latin-1"),
        "httpVersion": response.http_version,
        "cookies": [_cookie(value.decode("latin-1")) for value in header_values(response.headers, "set-cookie")],
        "headers": _headers(response.headers),
        "content": content,
        "redirectURL": (header(response.headers, "location") or b"").decode("latin-1"),
        "headersSize": -1,
        "bodySize": len(response.body),
    }


def _no_response(exchange: Exchange) -> dict[str, Any]:
    return {
        "status": 0, "statusText": "", "httpVersion": "", "cookies": [], "headers": [],
        "content": {"size": 0, "mimeType": "x-unknown"}, "redirectURL": "", "headersSize": -1, "bodySize": -1,
        "_error": _said(exchange),
    }  # fmt: skip


def _said(exchange: Exchange) -> str:
    failure = exchange.failure
    return f"{failure.kind.value}: {failure.detail}" if failure is not None else "no answer"


def _plain(body: bytes, headers: Headers) -> str | None:
    """The body, its codings taken off, as text that gives the same bytes again when read back; None for any other."""
    kind = media_type(headers)
    if kind and not (is_text(kind) or is_json(kind) or kind == "application/x-www-form-urlencoded"):
        found = decode(body, tuple(line for line in headers if line[0].lower() != b"content-encoding"))
        if not isinstance(found, TextBody):
            return None
    try:
        charset = content_type_parameters(headers).get("charset", "utf-8")
        text = body.decode(charset)
        return text if text.encode(charset) == body else None
    except (ValueError, LookupError):
        return None


def _headers(headers: Headers) -> list[Mapping[str, str]]:
    return [{"name": name.decode("latin-1"), "value": value.decode("latin-1")} for name, value in headers]


def _cookie(pair: str) -> Mapping[str, str]:
    name, _, value = pair.partition(";")[0].strip().partition("=")
    return {"name": name, "value": value}


def _milliseconds(seconds: float) -> float:
    return round(seconds * 1000, 3)
