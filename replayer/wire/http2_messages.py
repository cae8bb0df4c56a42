"""Captured requests as HTTP/2 header lists, and header lists as captured responses (RFC 9113 section 8). Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from captures.model import Headers, Request, header, header_values
from replayer.encoding import authority_of, true_length
from replayer.http1 import ProtocolError
from replayer.wire.reply import Change

VERSION = "HTTP/2.0"
"""How captures write it."""

CONNECTION_HEADERS = frozenset(
    {b"connection", b"keep-alive", b"proxy-connection", b"transfer-encoding", b"upgrade", b"http2-settings"}
)
"""RFC 9113 8.2.2: a message that holds one is malformed."""


def request_headers(request: Request) -> tuple[list[tuple[bytes, bytes]], list[Change]]:
    """The header list of ``request``, pseudo-headers first, and what had to be changed.

    The order, the duplicates and the values are those recorded; of ``Host`` becomes ``:authority``.
    """
    changes: list[Change] = []
    recorded_so = not request.http_version.startswith("HTTP/1.")
    if not recorded_so:
        changes.append({"where": "request line", "why": f"recorded over {request.http_version}, replayed over HTTP/2"})
    path, authority = _place(request, changes)
    hosts = header_values(request.headers, "host")
    if hosts:
        authority = hosts[0]
        if not recorded_so:
            changes.append({"where": "header host", "why": "HTTP/2 says :authority in its place"})
    elif not recorded_so:
        changes.append({"where": ":authority", "why": "there is no Host; taken from where the request goes"})
    headers, change = request.headers, None
    if header(headers, "content-length") is not None:
        headers, change = true_length(headers, len(request.body))
    if change is not None:
        changes.append(change)
    pairs = [
        (b":method", request.method.encode("latin-1")),
        (b":scheme", request.scheme.encode("latin-1")),
        (b":authority", authority),
        (b":path", path),
    ]
    return pairs + list(_regular(headers, changes)), changes


def trailer_list(trailers: Headers) -> list[tuple[bytes, bytes]]:
    """Trailers for the wire: names in lower case."""
    return [(name.lower(), value) for name, value in trailers]


def _place(request: Request, changes: list[Change]) -> tuple[bytes, bytes]:
    """``:path``, and the ``:authority`` for a request without Host."""
    authority = authority_of(request)
    target = request.target
    if target[:7].lower() == b"http://" or target[:8].lower() == b"https://":
        changes.append({"where": "request target", "why": "HTTP/2 says scheme and authority apart from the path"})
        after = target.partition(b"://")[2]
        place, slash, path = after.partition(b"/")
        return slash + path or b"/", place.rpartition(b"@")[2] or authority
    return target or b"/", authority


def _regular(headers: Headers, changes: list[Change]) -> Iterable[tuple[bytes, bytes]]:
    named = {word.strip().lower() for value in header_values(headers, "connection") for word in value.split(b",")} - {
        b"close",
        b"te",
    }
    lowered = False
    for name, value in headers:
        lower = name.lower()
        if lower == b"host":
            continue
        if lower in CONNECTION_HEADERS or lower in named or (lower == b"te" and value.strip().lower() != b"trailers"):
            where = f"header {lower.decode('latin-1')}"
            changes.append({"where": where, "why": "it is about an HTTP/1.1 connection; HTTP/2 forbids it"})
            continue
        lowered = lowered or lower != name
        yield lower, value
    if lowered:
        changes.append({"where": "header names", "why": "HTTP/2 has them in lower case"})


@dataclass(frozen=True, slots=True)
class Head:
    """Status and headers of a response."""

    status: int
    headers: Headers


def response_head(pairs: Iterable[tuple[bytes, bytes]]) -> Head:
    """Raises :class:`ProtocolError` for a list that is malformed (RFC 9113 8.1.1, 8.2, 8.3.2)."""
    status = None
    headers: list[tuple[bytes, bytes]] = []
    for name, value in pairs:
        if name == b":status" and status is None and not headers:
            if len(value) != 3 or not value.isdigit() or value < b"100":
                raise ProtocolError("the :status is not a number of three digits")
            status = int(value)
            continue
        headers.append((bytes(name), bytes(value)))
    _check(headers)
    if status is None:
        raise ProtocolError("the answer has no :status")
    return Head(status, tuple(headers))


def response_trailers(pairs: Iterable[tuple[bytes, bytes]]) -> Headers:
    """Raises :class:`ProtocolError` for a list that is malformed."""
    trailers = [(bytes(name), bytes(value)) for name, value in pairs]
    _check(trailers)
    return tuple(trailers)


def _check(headers: list[tuple[bytes, bytes]]) -> None:
    for name, value in headers:
        if name[:1] == b":":
            raise ProtocolError("a pseudo-header is unknown, repeated or out of place")
        if not name or name != name.lower() or b" " in name:
            raise ProtocolError("a header name is empty, has upper case or a blank")
        if name in CONNECTION_HEADERS:
            raise ProtocolError("the answer has a header that is about an HTTP/1.1 connection")
        if b"\n" in value or b"\r" in value or b"\0" in value:
            raise ProtocolError("a header value has a line break")
