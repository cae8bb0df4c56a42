"""Captured messages as bytes for the wire: as recorded, with the framing made true where something changed a body."""

from __future__ import annotations

from dataclasses import dataclass

from captures.model import Headers, Request, Response, header, header_values, host_field
from replayer.http1 import control_lines, says_chunked, stays_open


def encode_headers(headers: Headers) -> bytes:
    """Header lines as they go on the wire, without the empty line after them."""
    return b"".join([b"%b: %b\r\n" % pair for pair in headers])


def encode_chunked(body: bytes, trailers: Headers) -> bytes:
    """``body`` as one chunk (where the recorded chunks broke is not part of a message: RFC 9112 section 7.1)."""
    chunk = b"%x\r\n%b\r\n" % (len(body), body) if body else b""
    return chunk + b"0\r\n" + encode_headers(trailers) + b"\r\n"


@dataclass(slots=True)  # not frozen: one is made for each request, for a moment, and freezing costs twice the time
class EncodedRequest:
    """A request as bytes for the wire."""

    head: bytes
    body: bytes
    changes: list[dict[str, str]]  # what is not as recorded: {"where", "why"}
    alive: bool  # the connection may be used again, as far as the request is concerned
    asks: bool  # Expect: 100-continue: the body is to wait


def encode_request(request: Request) -> EncodedRequest:
    """``request`` as bytes for the wire, and what had to be changed to keep the framing true.

    Headers keep order, case and duplicates. A request recorded over HTTP/2 is sent as HTTP/1.1.
    """
    changes: list[dict[str, str]] = []
    headers, version = request.headers, request.http_version
    if not version.startswith("HTTP/1."):
        changes.append({"where": "request line", "why": f"recorded over {version}, replayed over HTTP/1.1"})
        version = "HTTP/1.1"
        headers = _of_http1(request, changes)
    lines = control_lines(headers)
    if b"upgrade" in lines and lines[b"upgrade"][0].strip().lower() == b"h2c":
        headers = _without_h2c(headers)
        lines = control_lines(headers)
        changes.append({"where": "header upgrade", "why": "an offer to switch to HTTP/2, which the recorder declined"})
    body = request.body
    if body or lines or request.trailers:
        headers, body = _framed(headers, request, says_chunked(lines), changes)
    method, target = request.method.encode("latin-1"), request.target
    head = b"%b %b %b\r\n%b\r\n" % (method, target, version.encode("latin-1"), encode_headers(headers))
    ends = len(headers) + 2
    if head.count(b"\n") != ends or head.count(b"\r") != ends:  # a capture made by hand, perhaps
        changes.append({"where": "request head", "why": "line breaks inside a line would make it another request"})
        headers = tuple((_on_one_line(name), _on_one_line(value)) for name, value in headers)
        target = target.replace(b"\r", b"%0D").replace(b"\n", b"%0A")
        head = b"%b %b %b\r\n%b\r\n" % (method, target, version.encode("latin-1"), encode_headers(headers))
    asks = b"expect" in lines and lines[b"expect"][0].strip().lower() == b"100-continue"
    return EncodedRequest(head, body, changes, stays_open(version, lines), asks)


def _framed(headers: Headers, request: Request, chunked: bool, changes: list[dict[str, str]]) -> tuple[Headers, bytes]:
    """Headers and body with a framing that is true."""
    if request.trailers and not chunked:
        headers = (*headers, (b"Transfer-Encoding", b"chunked"))
        changes.append({"where": "header transfer-encoding", "why": "trailers follow chunked bodies only"})
        chunked = True
    if not chunked:
        headers, change = true_length(headers, len(request.body))
        if change:
            changes.append(change)
        return headers, request.body
    if header(headers, "content-length") is not None:
        headers = tuple(pair for pair in headers if pair[0].lower() != b"content-length")
        changes.append({"where": "header content-length", "why": "a chunked body has none (RFC 9112 6.2)"})
    return headers, encode_chunked(request.body, request.trailers)


def _on_one_line(text: bytes) -> bytes:
    return text.replace(b"\r", b" ").replace(b"\n", b" ")


def _of_http1(request: Request, changes: list[dict[str, str]]) -> Headers:
    """The headers of an HTTP/2 request for HTTP/1.1: with a Host, and one Cookie line (RFC 9113 section 8.2.3)."""
    cookies = header_values(request.headers, "cookie")
    headers = request.headers
    if len(cookies) > 1:
        first = next(index for index, (name, _) in enumerate(headers) if name.lower() == b"cookie")
        rest = tuple(pair for pair in headers[first + 1 :] if pair[0].lower() != b"cookie")
        headers = (*headers[:first], (headers[first][0], b"; ".join(cookies)), *rest)
    if header(headers, "host") is None:
        headers = ((b"Host", authority_of(request)), *headers)
        changes.append({"where": "header host", "why": "HTTP/2 has none; taken from where the request went"})
    return headers


def authority_of(request: Request) -> bytes:
    """Where ``request`` goes, as Host and :authority say it: without the port that its scheme stands for."""
    return host_field(request.scheme, request.host, request.port).encode("latin-1")


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


def true_length(headers: Headers, length: int) -> tuple[Headers, dict[str, str] | None]:
    """``headers`` with the Content-Length that a body of ``length`` bytes has, and the change where there is one."""
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
    lines = control_lines(headers)
    close = not stays_open(response.http_version if response.http_version.startswith("HTTP/1.") else version, lines)
    if version == "HTTP/1.0":
        close = True
    if bodiless:
        payload = b""
    elif says_chunked(lines) and version != "HTTP/1.0":
        payload = encode_chunked(response.body, response.trailers)
    else:
        headers = tuple(pair for pair in headers if pair[0].lower() != b"transfer-encoding")
        payload = response.body
        if header(headers, "content-length") is not None:
            headers, _ = true_length(headers, len(payload))
        elif response.http_version.startswith("HTTP/1.") and payload:
            close = True  # it was ended by closing: adding a Content-Length would show the build another head
        else:
            headers = (*headers, (b"Content-Length", b"%d" % len(payload)))
    line = b"HTTP/1.1 %d %b\r\n" % (response.status, response.reason)
    return line + encode_headers(headers) + b"\r\n" + payload, close
