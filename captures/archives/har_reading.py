"""HAR 1.2 files as exchanges: what browsers, proxies and HTTP libraries export.

Format: http://www.softwareishard.com/blog/har-12-spec/ (it has no other standing). What its writers do differently was
found by reading their files: Chrome keeps HTTP/2's pseudo headers, puts several ``Set-Cookie`` into one value with line
breaks, and leaves out cookies and credentials unless told otherwise; Firefox leaves out images; mitmproxy and others
write a failed request as status 0.

A HAR holds bodies decoded. Their content coding is put on again, since the headers name it; the bytes are then equal
in what they say, not in how they were compressed.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from captures.archives.entries import Entry, Losses
from captures.columns import LATEST
from captures.errors import UsageError
from captures.formats.codings import content_codings, content_encoded
from captures.formats.mediatypes import media_type
from captures.model import (
    Direction,
    Exchange,
    Failure,
    FailureKind,
    Headers,
    Message,
    Request,
    Response,
    Timing,
    header,
)

VERSIONS = {"1.0": "HTTP/1.0", "1.1": "HTTP/1.1", "2": "HTTP/2.0", "2.0": "HTTP/2.0", "3": "HTTP/3", "3.0": "HTTP/3"}
CHROME = "cookies and credentials: Chrome leaves them out, unless told to export sensitive data"
_URL = re.compile(r"(https?|wss?)://([^/?#]*)([^#]*)(?:#.*)?", re.IGNORECASE | re.DOTALL)
_ERRORS = (  # what writers say of a failed request, in lower case
    (("refused", "not_resolved", "name_not", "unreachable", "tunnel"), FailureKind.CONNECT),
    (("ssl", "cert", "tls"), FailureKind.TLS),
    (("timed_out", "timeout", "timed out"), FailureKind.TIMEOUT),
    (("abort", "cancel", "client disconnected", "blocked"), FailureKind.ABORTED),
    (("incomplete", "mismatch", "truncat"), FailureKind.TRUNCATED),
    (("protocol", "invalid", "malformed"), FailureKind.PROTOCOL),
)
KINDS = {one.value: one for one in FailureKind}
DIRECTIONS = {one.value: one for one in Direction}


class HarArchive:
    """A HAR file. Read as a whole: JSON has no other way."""

    format = "har"

    def __init__(self, path: Path) -> None:
        """Raises :class:`UsageError` when it is no HAR."""
        try:
            text = path.read_bytes().decode("utf-8-sig")
            log = json.loads(text)["log"]
            entries = log["entries"]
        except OSError as error:
            raise UsageError(f"{path} cannot be read: {error.strerror}.") from error
        except RecursionError as error:
            raise UsageError(f"{path} is nested too deeply for a HAR file.") from error
        except (ValueError, KeyError, TypeError) as error:
            raise UsageError(
                f"{path} is not a HAR file: {_complaint(error)}.",
                hint="A HAR is JSON: an object with a log that has entries, as a browser's network panel exports it.",
            ) from error
        if not isinstance(entries, list):
            raise UsageError(f"{path} is not a HAR file: its log's entries are no list.")
        self._entries: list[Any] = entries
        creator = log.get("creator")
        self.creator = " ".join(_text(creator, key) for key in ("name", "version")).strip()

    def entries(self, losses: Losses) -> Iterator[Entry]:
        """As of :class:`captures.archives.entries.Archive`."""
        bare = 0  # entries without cookies and credentials
        for number, found in enumerate(self._entries):
            try:
                entry = _entry(found, losses)
            except _LeftOut as reason:
                losses.note(f"left out: {reason}")
                continue
            except (ValueError, TypeError, OverflowError, RecursionError):
                losses.note("left out: an entry that is not written as HAR 1.2 asks")
                continue
            exchange = entry.exchange
            if not exchange.connection:  # who shares a connection is not known: nobody does
                exchange = replace(exchange, connection=f"entry-{number}")
            bare += not any(name.lower() in (b"cookie", b"authorization") for name, _ in exchange.request.headers)
            yield Entry(exchange, entry.told, entry.messages)
        if self.creator.startswith("WebInspector") and bare == len(self._entries):
            losses.counts[CHROME] = bare


class _LeftOut(Exception):
    """An entry that is no exchange of a client with a server."""


def _complaint(error: Exception) -> str:
    if isinstance(error, UnicodeDecodeError):
        return "it is not UTF-8 text"
    if isinstance(error, json.JSONDecodeError):
        return f"its JSON ends in an error at line {error.lineno}"
    return "it has no log with entries"


def _entry(found: Any, losses: Losses) -> Entry:
    if not isinstance(found, Mapping) or not isinstance(found.get("request"), Mapping):
        raise ValueError("an entry without a request")
    asked: Mapping[str, Any] = found["request"]
    address = _URL.fullmatch(_text(asked, "url"))
    if address is None:
        raise _LeftOut("an address that is not http or https (data:, blob:)")
    if found.get("_fromCache") in ("memory", "disk"):
        raise _LeftOut("answered from the browser's cache")
    if _text(asked, "method") == "CONNECT":
        raise _LeftOut("the opening of a tunnel (CONNECT)")
    notes: dict[str, Any] = {}
    request, whole = _request(asked, address, notes, losses)
    response, failure = None, None
    answer = found.get("response") if isinstance(found.get("response"), Mapping) else {}
    assert isinstance(answer, Mapping)
    own = found.get("_retape") if isinstance(found.get("_retape"), Mapping) else {}
    assert isinstance(own, Mapping)
    status = answer.get("status")
    said = _text(answer, "_error") or _text(found, "_error")
    kind = KINDS.get(_text(own, "failure")) or _kind(said)
    if isinstance(status, int) and 100 <= status <= 999:
        response, complete = _response(answer, request.method, losses)
        whole = whole and complete
        if kind is FailureKind.TRUNCATED:
            failure = Failure(kind, "the server broke off inside its response")
    else:
        failure = Failure(kind, "the HAR file has no answer")
    messages = tuple(_messages(found.get("_webSocketMessages"), losses))
    if messages:
        notes["websocket"] = len(messages)
    if isinstance(own.get("redacted"), Mapping) and isinstance(own.get("redaction_key"), str):
        notes |= {"redacted": own["redacted"], "redaction_key": own["redaction_key"]}
    connection = found.get("connection")
    return Entry(
        Exchange(
            id=0,
            direction=Direction.INBOUND,
            request=request,
            response=response,
            failure=failure,
            timing=_timing(found),
            connection=connection[:200] if isinstance(connection, str) else "",
            body_truncated=not whole,
            notes=notes,
        ),
        DIRECTIONS.get(_text(own, "direction")),
        messages,
    )


def _messages(listed: Any, losses: Losses) -> Iterator[Message]:
    """What Chrome writes for a WebSocket: ``type`` is send or receive, ``opcode`` 1 text and 2 base64."""
    for number, one in enumerate(listed if isinstance(listed, list) else (), 1):
        text, at = _text(one, "data"), one.get("time") if isinstance(one, Mapping) else None
        if not isinstance(at, int | float) or not 0 <= at < LATEST:
            raise ValueError("a message without a time")
        binary = one.get("opcode") == 2
        body, whole = _unbase64(text) if binary else (text.encode("utf-8", "surrogatepass"), True)
        if not whole:
            losses.note("a WebSocket message that is no base64")
        yield Message(0, number, _text(one, "type") == "send", "binary" if binary else "text", float(at), body)


def _request(
    asked: Mapping[str, Any], address: re.Match[str], notes: dict[str, Any], losses: Losses
) -> tuple[Request, bool]:
    """The request, and whether its body is whole."""
    scheme, authority, target = address[1].lower().replace("ws", "http"), address[2].rpartition("@")[2], address[3]
    host, port = _host_and_port(authority, scheme)
    headers, pseudo = _headers(asked)
    if b":authority" in pseudo:
        notes["authority"] = pseudo[b":authority"].decode("latin-1")
    if b":path" in pseudo:
        target = pseudo[b":path"].decode("latin-1")
    body, whole = _posted(asked.get("postData"), headers)
    length = header(headers, "content-length")
    announced = int(length) if length is not None and length.isdigit() else None
    if announced is None and isinstance(asked.get("bodySize"), int) and asked["bodySize"] > 0:
        announced = asked["bodySize"]
    if announced is not None and announced != len(body):
        whole = False
    if not whole:
        losses.note("a request body that the file does not hold as it was sent")
    if target[:1] in ("", "?"):
        target = "/" + target
    return Request(
        method=_text(asked, "method") or "GET",
        scheme=scheme,
        host=host,
        port=port,
        target=quote(target, safe="%/:?#[]@!$&'()*+,;=-._~\"<>\\^`{|}").encode("latin-1"),
        headers=headers,
        body=body,
        http_version=_version(asked),
    ), whole


def _host_and_port(authority: str, scheme: str) -> tuple[str, int]:
    found = re.fullmatch(r"(\[[0-9A-Fa-f:.%]+\]|[^:\[\]]+)(?::([0-9]{1,5}))?", authority)
    if found is None or (found[2] and not 0 < int(found[2]) < 65_536):
        raise _LeftOut("an address without a host")
    return found[1].strip("[]").lower(), int(found[2] or {"http": 80, "https": 443}[scheme])


def _headers(message: Mapping[str, Any]) -> tuple[Headers, dict[bytes, bytes]]:
    """The header lines, and HTTP/2's pseudo headers, which some writers list among them."""
    lines: list[tuple[bytes, bytes]] = []
    pseudo: dict[bytes, bytes] = {}
    listed = message.get("headers")
    for one in listed if isinstance(listed, list) else ():
        name, value = (_wire(_text(one, key)) for key in ("name", "value"))
        if name.startswith(b":"):
            pseudo[name] = value
        elif name:
            lines += [(name, part) for part in value.replace(b"\r", b"").split(b"\n")]
    return tuple(lines), pseudo


def _wire(text: str) -> bytes:
    try:
        return text.encode("latin-1")
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass")


def _posted(data: Any, headers: Headers) -> tuple[bytes, bool]:
    if not isinstance(data, Mapping):
        return b"", True
    text, params = data.get("text"), data.get("params")
    if isinstance(text, str) and (text or not params):
        if data.get("encoding") == "base64":
            return _unbase64(text)
        return _encoded(text, header(headers, "content-type")), True
    if isinstance(params, list) and params:
        if media_type(headers) == "multipart/form-data" or any(_text(one, "fileName") for one in params):
            return b"", False  # the boundary's place and the parts' headers are not in the file
        return urlencode([(_text(one, "name"), _text(one, "value")) for one in params]).encode("ascii"), True
    return b"", True


def _response(answer: Mapping[str, Any], method: str, losses: Losses) -> tuple[Response, bool]:
    """The response, and whether its body is whole."""
    headers, _ = _headers(answer)
    status = int(answer["status"])
    content = answer.get("content") if isinstance(answer.get("content"), Mapping) else {}
    assert isinstance(content, Mapping)
    text, size = content.get("text"), content.get("size")
    whole = True
    body = b""
    if isinstance(text, str):
        if content.get("encoding") == "base64":
            body, whole = _unbase64(text)
        else:
            body = _encoded(text, header(headers, "content-type"))
    if not body and isinstance(size, int) and size > 0 and method != "HEAD":
        whole = False
    if whole and body and content.get("_encoded") is not True:  # written so by har_writing where it cannot be decoded
        headers, body = _recoded(headers, body, losses)
    if not whole:
        losses.note("a response body that the file does not hold")
    version = _version(answer)
    reason = _wire(_text(answer, "statusText")) if version.startswith("HTTP/1") else b""
    return Response(status, headers, body, reason, http_version=version), whole


def _recoded(headers: Headers, body: bytes, losses: Losses) -> tuple[Headers, bytes]:
    """``body`` with the codings that ``headers`` name, and headers that fit it."""
    codings = content_codings(headers)
    if not codings:
        return headers, body
    coded = body
    try:
        for coding in codings:
            coded = content_encoded(coded, ((b"Content-Encoding", coding.encode("latin-1")),), b"")
    except ValueError:
        losses.note("a content coding that cannot be put on again: the body stands decoded, without its header")
        return tuple(line for line in headers if line[0].lower() != b"content-encoding"), body
    losses.note("how exactly the response's body was compressed")
    length = str(len(coded)).encode("ascii")
    return tuple((name, length if name.lower() == b"content-length" else value) for name, value in headers), coded


def _encoded(text: str, content_type: bytes | None) -> bytes:
    found = re.search(rb"charset=\"?([\w.:-]+)", content_type or b"", re.IGNORECASE)
    try:
        return text.encode(found[1].decode("ascii") if found else "utf-8")
    except (LookupError, UnicodeEncodeError):
        return text.encode("utf-8", "surrogatepass")


def _unbase64(text: str) -> tuple[bytes, bool]:
    try:
        return base64.b64decode(text), True
    except (binascii.Error, ValueError):
        return b"", False


def _timing(found: Mapping[str, Any]) -> Timing:
    moment = datetime.fromisoformat(_text(found, "startedDateTime"))
    started = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    if not 0 <= started < LATEST - 1:
        raise ValueError("a time that no clock shows")
    listed = found.get("timings")
    phases: Mapping[str, Any] = listed if isinstance(listed, Mapping) else {}
    sent = started + sum(_milliseconds(phases, key) for key in ("blocked", "dns", "connect", "send"))  # ssl: in connect
    answered = sent + _milliseconds(phases, "wait")
    ended = max(started + _milliseconds(found, "time"), answered + _milliseconds(phases, "receive"))
    return Timing(started, sent, answered, min(ended, LATEST - 1))


def _milliseconds(mapping: Mapping[str, Any], key: str) -> float:
    value = mapping.get(key)
    return max(0.0, min(float(value), 1e12)) / 1000 if isinstance(value, int | float) and value == value else 0.0


def _version(message: Mapping[str, Any]) -> str:
    said = _text(message, "httpVersion").lower().removeprefix("http/").removeprefix("h")
    return VERSIONS.get(said, "HTTP/1.1")


def _kind(said: str) -> FailureKind:
    lowered = said.lower()
    for words, kind in _ERRORS:
        if any(word in lowered for word in words):
            return kind
    return FailureKind.RESET


def _text(mapping: Any, key: str) -> str:
    value = mapping.get(key) if isinstance(mapping, Mapping) else None
    return value if isinstance(value, str) else ""
