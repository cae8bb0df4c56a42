"""Captured messages as bytes for the wire: as recorded, with the framing made true where something changed a body."""

from __future__ import annotations

from captures.model import Headers, Request, Response, header, header_values
from replayer.http1 import is_chunked, keeps_alive


def encode_headers(headers: Headers) -> bytes:
    """Header lines as they go on the wire, without the empty line after them."""
    return b"".join([b"%b: %b\r\n" % pair for pair in headers])


def encode_chunked(body: bytes, trailers: Headers) -> bytes:
    """``body`` as one chunk (where the recorded chunks broke is not part of a message: RFC 9112 section 7.1)."""
    chunk = b"%x\r\n%b\r\n" % (len(body), body) if body else b""
    return chunk + b"0\r\n" + encode_headers(trailers) + b"\r\n"


def encode_request(request: Request) -> tuple[bytes, list[dict[str, str]]]:
    """``request`` as bytes for the wire, and what had to be changed to keep the framing true.

    Headers keep order, case and duplicates. A request recorded over HTTP/2 is sent as HTTP/1.1.
    """
    changes: list[dict[str, str]] = []
    headers = request.headers
    version = request.http_version
    if not version.startswith("HTTP/1."):
        changes.append({"where": "request line", "why": f"recorded over {version}, replayed over HTTP/1.1"})
        version = "HTTP/1.1"
        headers = _of_http1(request, changes)
    elif (header(headers, "upgrade") or b"").strip().lower() == b"h2c":
        headers = _without_h2c(headers)
        changes.append({"where": "header upgrade", "why": "an offer to switch to HTTP/2, which the recorder declined"})
    if is_chunked(headers):
        body = encode_chunked(request.body, request.trailers)
    else:
        body = request.body
        headers, change = _true_length(headers, len(body))
        if change:
            changes.append(change)
    line = b"%b %b %b\r\n" % (request.method.encode("latin-1"), request.target, version.encode("latin-1"))
    return line + encode_headers(headers) + b"\r\n" + body, changes


def _of_http1(request: Request, changes: list[dict[str, str]]) -> Headers:
    """The headers of an HTTP/2 request for HTTP/1.1: with a Host, and one Cookie line (RFC 9113 section 8.2.3)."""
    cookies = header_values(request.headers, "cookie")
    headers = request.headers
    if len(cookies) > 1:
        first = next(index for index, (name, _) in enumerate(headers) if name.lower() == b"cookie")
        rest = tuple(pair for pair in headers[first + 1 :] if pair[0].lower() != b"cookie")
        headers = (*headers[:first], (headers[first][0], b"; ".join(cookies)), *rest)
    if header(headers, "host") is None:
        default = {"http": 80, "https": 443}.get(request.scheme) == request.port
        host = f"[{request.host}]" if ":" in request.host else request.host
        authority = host if default else f"{host}:{request.port}"
        headers = ((b"Host", authority.encode("latin-1")), *headers)
        changes.append({"where": "header host", "why": "HTTP/2 has none; taken from where the request went"})
    return headers


def _without_h2c(headers: Headers) -> Headers:
    """The headers without the offer to switch to cleartext HTTP/2: a build that took it up would answer in frames."""
    kept: list[tuple[bytes, bytes]] = []
    for name, value in headers:
        lower = name.lower()
        if lower in (b"upgrade", b"http2-settings"):
            continue
        if lower == b"connection":
            words = [word.strip() for word in value.split(b",")]
            value = b", ".join(word for word in words if word.lower() not in (b"upgrade", b"http2-settings"))
            if not value:
                continue
        kept.append((name, value))
    return tuple(kept)


def _true_length(headers: Headers, length: int) -> tuple[Headers, dict[str, str] | None]:
    stated = header(headers, "content-length")
    if stated is None:
        if not length:
            return headers, None
        why = "the recorded request has a body and no framing"
        return (*headers, (b"Content-Length", b"%d" % length)), {"where": "header content-length", "why": why}
    if stated.strip() == b"%d" % length:
        return headers, None
    fixed = tuple((name, b"%d" % length if name.lower() == b"content-length" else value) for name, value in headers)
    why = f"the body has {length} bytes now (redaction or a chained value changed it)"
    return fixed, {"where": "header content-length", "why": why}


def encode_response(response: Response, method: str, *, version: str = "HTTP/1.1") -> tuple[bytes, bool]:
    """A recorded ``response`` as bytes for the client of a ``method`` request, and whether to close afterwards.

    Status, reason and headers as recorded; the framing kind is kept and its numbers are made true.
    """
    headers = response.headers
    bodiless = method == "HEAD" or response.status < 200 or response.status in (204, 304)
    close = not keeps_alive(response.http_version if response.http_version.startswith("HTTP/1.") else version, headers)
    if version == "HTTP/1.0":
        close = True
    if bodiless:
        payload = b""
    elif is_chunked(headers) and version != "HTTP/1.0":
        payload = encode_chunked(response.body, response.trailers)
    else:
        headers = tuple(pair for pair in headers if pair[0].lower() != b"transfer-encoding")
        payload = response.body
        if header(headers, "content-length") is not None:
            headers, _ = _true_length(headers, len(payload))
        elif response.http_version.startswith("HTTP/1.") and payload:
            close = True  # it was ended by closing: adding a Content-Length would show the build another head
        else:
            headers = (*headers, (b"Content-Length", b"%d" % len(payload)))
    line = b"HTTP/1.1 %d %b\r\n" % (response.status, response.reason)
    return line + encode_headers(headers) + b"\r\n" + payload, close
