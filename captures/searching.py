"""Where in an exchange a text or a regular expression stands: ``retape capture grep``. Pure.

Looked through are the target (as it was and percent-decoded), header and trailer lines, decoded bodies, and what is
said of a failure. In JSON a place is a JSON path, and strings are searched with their escapes undone as well; in other
text it is a line, in a form a field.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

from captures.errors import UsageError
from captures.formats.decoding import Decoded, EmptyBody, FormBody, JsonBody, MultipartBody, TextBody, decode
from captures.formats.jsonspans import Scalar, scalars
from captures.jsonpaths import normalised
from captures.model import Exchange, Headers, Message

PARTS = ("target", "headers", "body")
"""What may be looked through. A failure's detail belongs to the target: it says why nothing came from there."""

AROUND = 60
"""Characters shown before and after a match."""


@dataclass(frozen=True, slots=True)
class Hit:
    """One place of an exchange where the pattern stands, and the line around it."""

    place: str  # "request.target", "response.header Set-Cookie", "response.body $.items[0].id", "request.body line 3"
    before: str
    match: str
    after: str


def compiled(pattern: str, *, regex: bool, ignore_case: bool) -> re.Pattern[str]:
    """The pattern to search with; ``^`` and ``$`` are ends of lines. Raises :class:`UsageError` where it is none."""
    if not pattern:
        raise UsageError("An empty text is everywhere.", hint="Say what to look for: retape capture grep CAPTURE TEXT")
    flags = re.MULTILINE | (re.IGNORECASE if ignore_case else 0)
    try:
        return re.compile(pattern if regex else re.escape(pattern), flags)
    except re.error as error:
        raise UsageError(
            f"{pattern!r} is no regular expression: {error}.", hint="Without --regex it is taken as plain text."
        ) from error


def hits(
    exchange: Exchange,
    pattern: re.Pattern[str],
    parts: frozenset[str] = frozenset(PARTS),
    messages: Iterable[Message] = (),
) -> Iterator[Hit]:
    """Every place of ``exchange`` where ``pattern`` stands: each once, in the order of the wire.

    ``messages``: those of the exchange, which are part of its bodies.
    """
    request, response = exchange.request, exchange.response
    if "target" in parts:
        yield from _target(request.target, pattern)
    if "headers" in parts:
        yield from _lines("request.header", request.headers, pattern)
    if "body" in parts:
        yield from _body("request.body", decode(request.body, request.headers), pattern)
    if "headers" in parts:
        yield from _lines("request.trailer", request.trailers, pattern)
    if response is not None:
        if "headers" in parts:
            yield from _lines("response.header", response.headers, pattern)
        if "body" in parts:
            yield from _body("response.body", decode(response.body, response.headers), pattern)
        if "headers" in parts:
            yield from _lines("response.trailer", response.trailers, pattern)
    if "body" in parts:
        for message in messages:
            yield from _body(f"message {message.seq}", decode(message.body, ()), pattern)
    if "target" in parts and exchange.failure is not None:
        yield from _first("failure", exchange.failure.detail, pattern)


def spoken(target: bytes) -> str:
    """A target as people write it: percent-encoding undone."""
    return unquote_to_bytes(target).decode("utf-8", "replace")


def header_line(name: bytes, value: bytes) -> str:
    """A header line as text; UTF-8 where it is that."""
    try:
        return f"{name.decode('latin-1')}: {value.decode('utf-8')}"
    except UnicodeDecodeError:
        return f"{name.decode('latin-1')}: {value.decode('latin-1')}"


def _target(target: bytes, pattern: re.Pattern[str]) -> Iterator[Hit]:
    for text in (target.decode("latin-1"), spoken(target)):
        for hit in _first("request.target", text, pattern):
            yield hit
            return


def _lines(place: str, headers: Headers, pattern: re.Pattern[str]) -> Iterator[Hit]:
    for name, value in headers:
        yield from _first(f"{place} {name.decode('latin-1')}", header_line(name, value), pattern)


def _body(place: str, body: Decoded, pattern: re.Pattern[str]) -> Iterator[Hit]:
    if isinstance(body, EmptyBody):
        return
    if isinstance(body, JsonBody):
        yield from _json(place, body.text, pattern)
    elif isinstance(body, TextBody):
        yield from _text(place, body.text, pattern)
    elif isinstance(body, FormBody):
        for name, value in body.fields:
            yield from _first(f"{place} {name}", f"{name}={value}", pattern)
    elif isinstance(body, MultipartBody):
        for part in body.parts:
            yield from _lines(f"{place} part {part.name} header", part.headers, pattern)
            yield from _body(f"{place} part {part.name}", part.content, pattern)
    else:
        seen = -1
        text = body.data.decode("latin-1")
        for match in pattern.finditer(text):
            if match[0] and match.start() // AROUND != seen:
                seen = match.start() // AROUND
                yield _hit(f"{place} byte {match.start()}", text, match)


def _text(place: str, text: str, pattern: re.Pattern[str]) -> Iterator[Hit]:
    line, counted, before = 1, 0, 0
    for match in pattern.finditer(text):
        if not match[0]:
            continue
        line += text.count("\n", counted, match.start())
        counted = match.start()
        if line != before:
            before = line
            yield _hit(f"{place} line {line}", text, match)


def _json(place: str, text: str, pattern: re.Pattern[str]) -> Iterator[Hit]:
    found = [match for match in pattern.finditer(text) if match[0]]
    if not found and "\\" not in text:
        return
    values = list(scalars(text))
    starts = [value.start for value in values]
    told: set[int] = set()
    for match in found:
        at = bisect_right(starts, match.start()) - 1
        # Behind the end of a value begins what belongs to the next: its key.
        if at < 0 or (match.start() >= values[at].end and at + 1 < len(values)):
            at += 1
        if at not in told and at < len(values):
            told.add(at)
            yield _hit(f"{place} {normalised(values[at].place)}", text, match)
        elif not values and -1 not in told:  # an empty object: all there is are its brackets
            told.add(-1)
            yield _hit(f"{place} $", text, match)
    for at, value in enumerate(values):
        if at not in told and value.is_string and "\\" in value.literal:
            yield from _first(f"{place} {normalised(value.place)}", _unescaped(value), pattern)


def _unescaped(value: Scalar) -> str:
    try:
        return value.string()
    except ValueError:
        return value.literal


def _first(place: str, text: str, pattern: re.Pattern[str]) -> Iterator[Hit]:
    for match in pattern.finditer(text):
        if match[0]:
            yield _hit(place, text, match)
            return


def _hit(place: str, text: str, match: re.Match[str]) -> Hit:
    """The match with what is on its line around it."""
    before = text[max(0, match.start() - AROUND) : match.start()].rpartition("\n")[2]
    after = text[match.end() : match.end() + AROUND].partition("\n")[0]
    return Hit(place, before, match[0], after)
