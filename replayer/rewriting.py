"""Carrying bound values into messages: recorded -> live in requests and stub answers, live -> recorded for matching.

Pure. Works on the bytes as they stand (no parsing and printing again), so everything but the replaced tokens stays as
recorded. Every replacement in a request is listed as a :class:`Change`, without its values.
"""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from captures.decoding import content_decoded, media_type
from captures.model import Headers, Request, Response, header
from replayer.alignment import unquote
from replayer.bindings import Bindings, Substitution
from replayer.tokens import is_idish, is_weak_id, kind_of, noun_of

FRAMING = frozenset(
    b"host content-length transfer-encoding connection keep-alive te trailer upgrade expect accept accept-encoding "
    b"accept-language content-type content-encoding user-agent".split()
)
CONDITIONAL = frozenset(b"if-match if-none-match if-modified-since if-unmodified-since if-range".split())
MAX_TEXT = 4 * 1024 * 1024  # bytes of a body looked through for tokens


@dataclass(frozen=True, slots=True)
class Change:
    """What was not sent as recorded. Holds no values."""

    where: str
    why: str

    def to_json(self) -> dict[str, str]:
        """As it stands in an exchange's notes."""
        return {"where": self.where, "why": self.why}


def apply(bindings: Bindings, request: Request) -> tuple[Request, list[Change]]:
    """``request`` with every bound recorded value replaced by its live one, and a list of where and why."""
    changes: list[Change] = []
    tables = (bindings.forward, bindings.times)
    target = _substitute(tables, request.target, "target", changes)
    if bindings.any_weak:
        target = _weak_target(bindings, target, changes, back=False)
    headers: list[tuple[bytes, bytes]] = []
    for name, value in request.headers:
        lower = name.lower()
        if lower in CONDITIONAL:
            headers.append((name, _validators(bindings, value, lower, changes)))
        elif lower in FRAMING:
            headers.append((name, value))
        else:
            headers.append((name, _substitute(tables, value, f"header {lower.decode('latin-1')}", changes)))
    body = _body(bindings, tables, request, changes)
    return replace(request, target=target, headers=tuple(headers), body=body), changes


def _body(bindings: Bindings, tables: tuple[Substitution, ...], request: Request, changes: list[Change]) -> bytes:
    if not request.body or len(request.body) > MAX_TEXT or not _is_texty(request.headers):
        return request.body
    coding = (header(request.headers, "content-encoding") or b"").strip().lower()
    if coding not in (b"", b"identity", b"gzip"):
        return request.body
    try:
        plain = content_decoded(request.body, request.headers)
    except ValueError:
        return request.body
    fresh = _substitute(tables, plain, "body", changes)
    if bindings.any_weak:
        fresh = _weak_body(bindings, request, fresh, changes, back=False)
    if fresh == plain:
        return request.body
    return gzip.compress(fresh, mtime=0) if coding == b"gzip" else fresh


def _is_texty(headers: Headers) -> bool:
    kind = media_type(headers)
    return not kind.startswith(("image/", "audio/", "video/", "font/")) and kind not in (
        "application/octet-stream",
        "application/zip",
        "application/pdf",
        "application/gzip",
    )


def _substitute(tables: Iterable[Substitution], raw: bytes, where: str, changes: list[Change]) -> bytes:
    text = raw.decode("latin-1")
    origins: list[str] = []
    for table in tables:
        text, used = table.apply(text)
        origins += used
    if not origins:
        return raw
    changes += [Change(where, f"chained from {origin}") for origin in dict.fromkeys(origins)]
    return text.encode("latin-1", "replace")


def _validators(bindings: Bindings, value: bytes, name: bytes, changes: list[Change]) -> bytes:
    pieces = [value] if b"since" in name else re.split(rb"(\s*,\s*)", value)
    fresh: list[bytes] = []
    for piece in pieces:
        known = bindings.validators.get(piece)
        if known is not None:
            changes.append(Change(f"header {name.decode('latin-1')}", f"chained from {known[1]}"))
        fresh.append(known[0] if known else piece)
    return b"".join(fresh)


_WEAK_MEMBER = re.compile(rb'"([^"\\]{1,64})"(\s*:\s*)("?)([1-9][0-9]{1,8})(?=["\s,}\]])')
_WEAK_FIELD = re.compile(rb"(^|[?&])([^=&]{1,64})=([1-9][0-9]{1,8})(?=&|$)")


def _weak_target(bindings: Bindings, target: bytes, changes: list[Change], *, back: bool) -> bytes:
    path, mark, query = target.partition(b"?")
    segments = path.split(b"/")
    for index in range(1, len(segments)):
        segment = segments[index].decode("latin-1")
        if is_weak_id(segment) or (back and segment.isdigit()):
            noun = noun_of(unquote(segments[index - 1]))
            other = _weak(bindings, segment, noun, "target", changes, back=back)
            segments[index] = other.encode()
    endpoint = endpoint_noun(path)
    query = _weak_fields(bindings, query, endpoint, "target", changes, back=back)
    return b"/".join(segments) + mark + query


def _weak_fields(
    bindings: Bindings, fields: bytes, endpoint: str, where: str, changes: list[Change], *, back: bool
) -> bytes:
    def one(match: re.Match[bytes]) -> bytes:
        name = unquote(match[2])
        if not is_idish(name):
            return match[0]
        value = _weak(bindings, match[3].decode(), noun_of(name) or endpoint, where, changes, back=back)
        return match[1] + match[2] + b"=" + value.encode()

    return _WEAK_FIELD.sub(one, fields)


def _weak_body(bindings: Bindings, request: Request, body: bytes, changes: list[Change], *, back: bool) -> bytes:
    if media_type(request.headers) == "application/x-www-form-urlencoded":
        return _weak_fields(bindings, body, endpoint_noun(request.target), "body", changes, back=back)

    def one(match: re.Match[bytes]) -> bytes:
        name = match[1].decode("latin-1")
        if not is_idish(name) or not noun_of(name):
            return match[0]
        value = _weak(bindings, match[4].decode(), noun_of(name), "body", changes, back=back)
        return b'"' + match[1] + b'"' + match[2] + match[3] + value.encode()

    return _WEAK_MEMBER.sub(one, body)


def endpoint_noun(target: bytes) -> str:
    """What a bare ``id`` under ``target`` is an id of: the last path segment that is a word."""
    for segment in reversed(target.partition(b"?")[0].split(b"/")):
        text = unquote(segment)
        if text and not text.isdigit() and kind_of(text) is None:
            return noun_of(text)
    return ""


def _weak(bindings: Bindings, value: str, noun: str, where: str, changes: list[Change], *, back: bool) -> str:
    if back:
        return bindings.weak_recorded(value, noun) or value
    binding = bindings.weak(value, noun)
    if binding is None:
        return value
    changes.append(Change(where, f"chained from {binding.origin} (id of {noun})"))
    return binding.live


def in_recorded_terms(bindings: Bindings, request: Request) -> Request:
    """A live outbound call with every live value replaced by the recorded one it stands for: what matching looks at."""
    unseen: list[Change] = []
    tables = (bindings.backward,)
    target = _substitute(tables, request.target, "", unseen)
    body = request.body
    if body and len(body) <= MAX_TEXT and header(request.headers, "content-encoding") is None:
        body = _substitute(tables, body, "", unseen)
    if bindings.any_weak:
        target = _weak_target(bindings, target, unseen, back=True)
        body = _weak_body(bindings, request, body, unseen, back=True)
    return replace(request, target=target, body=body)


def in_live_terms(tables: tuple[Substitution, ...], answer: Response) -> Response:
    """A recorded answer that speaks of the live ids: what was recorded as an echo stays an echo."""
    if not any(tables):
        return answer
    unseen: list[Change] = []
    headers = tuple(
        (name, value if name.lower() in FRAMING else _substitute(tables, value, "", unseen))
        for name, value in answer.headers
    )
    body = answer.body
    coding = (header(answer.headers, "content-encoding") or b"").strip().lower()
    if body and len(body) <= MAX_TEXT and coding in (b"", b"identity", b"gzip") and _is_texty(answer.headers):
        try:
            plain = content_decoded(body, answer.headers)
        except ValueError:
            plain = b""
        fresh = _substitute(tables, plain, "", unseen)
        if fresh != plain:
            body = gzip.compress(fresh, mtime=0) if coding == b"gzip" else fresh
    return replace(answer, headers=headers, body=body)
