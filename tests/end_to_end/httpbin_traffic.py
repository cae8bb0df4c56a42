"""A session over httpbin's endpoints by two clients: ``requests``, and a bare socket for what no library would send."""

from __future__ import annotations

import socket
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests

from tests.end_to_end.processes import Bench, Running

BLOB = bytes(range(256)) * 800  # 200 KB of every byte value


@dataclass(frozen=True, slots=True)
class Call:
    """One request, and the status it must get."""

    method: str
    target: str
    status: int = 200
    options: Mapping[str, Any] = field(default_factory=dict)


def _call(method: str, target: str, status: int = 200, **options: Any) -> Call:
    return Call(method, target, status, options)


def _pieces() -> Iterator[bytes]:
    yield b'{"sent": '
    yield b'"in pieces"}'


def calls() -> list[Call]:
    """The session, in order (cookies and validators depend on it)."""
    return [
        # What a client sent, told back.
        _call("GET", "/get?x=1&x=2&empty=&plus=a+b&pct=%C3%A9%2F"),
        _call("HEAD", "/get"),
        _call("OPTIONS", "/get"),
        _call("POST", "/post", json={"amount": 1.10, "of": [1, "two", None, True], "naïve": "☃"}),
        _call("POST", "/post", data={"name": "Ada", "city": "London & Bath"}),
        _call("POST", "/post", files={"file": ("blob.bin", BLOB[:3000], "application/octet-stream")}, data={"k": "v"}),
        _call("POST", "/post", data=_pieces(), headers={"Content-Type": "application/json"}),
        _call("PUT", "/put", data=BLOB, headers={"Content-Type": "application/octet-stream"}),
        _call("PATCH", "/patch", json=[{"op": "add", "path": "/a", "value": 1}]),
        _call("DELETE", "/delete?id=7"),
        _call("GET", "/anything/deep/path;v=1?q=%20", headers={"X-Trace": "a", "Accept": "text/*;q=0.5, */*"}),
        _call("POST", "/anything", data="not json at all", headers={"Content-Type": "application/json"}),
        _call("GET", "/headers", headers={"Accept-Language": "en, de;q=0.7"}),
        _call("GET", "/user-agent"),
        _call("GET", "/ip"),
        # Content codings.
        _call("GET", "/gzip"),
        _call("GET", "/deflate"),
        _call("GET", "/brotli", headers={"Accept-Encoding": "br"}),
        # Redirects, followed by the client.
        _call("GET", "/redirect/2"),
        _call("GET", "/relative-redirect/2"),
        _call("GET", "/absolute-redirect/2"),
        _call("GET", "/redirect-to?url=%2Fget%3Fafter%3Dredirect&status_code=307"),
        # Cookies: set by the service, sent back, deleted.
        _call("GET", "/cookies/set?flavour=oat&shape=round"),
        _call("GET", "/cookies"),
        _call("GET", "/cookies/set/session/9f8e7d6c5b4a39281706"),
        _call("GET", "/cookies"),
        _call("GET", "/cookies/delete?flavour="),
        # Streams: chunked, lines, bytes, ranges, slowly.
        _call("GET", "/stream/5"),
        _call("GET", "/stream-bytes/10000?seed=7&chunk_size=999"),
        _call("GET", "/bytes/2048?seed=3"),
        _call("GET", "/range/1024?chunk_size=100", 206, headers={"Range": "bytes=10-499"}),
        _call("GET", "/drip?numbytes=6&duration=0.2&delay=0.1"),
        _call("GET", "/delay/0.2"),
        # Statuses.
        *[_call("GET", f"/status/{code}", code) for code in (201, 204, 304, 400, 402, 404, 406, 418, 429, 500, 503)],
        _call("GET", "/no-such-page", 404),
        # Caching: the validators differ from run to run.
        _call("GET", "/cache"),
        _call("GET", "/cache", 304, headers={"If-None-Match": '"whatever"'}),
        _call("GET", "/cache/60"),
        _call("GET", "/etag/fixed", headers={"If-None-Match": '"other"'}),
        _call("GET", "/etag/fixed", 304, headers={"If-None-Match": '"fixed"'}),
        # Formats.
        _call("GET", "/uuid"),
        _call("GET", "/uuid"),
        _call("GET", "/html"),
        _call("GET", "/xml"),
        _call("GET", "/json"),
        _call("GET", "/robots.txt"),
        _call("GET", "/deny"),
        _call("GET", "/encoding/utf8"),
        _call("GET", "/forms/post"),
        _call("GET", "/links/5/2"),
        _call("GET", "/base64/SGVsbG8gd29ybGQ="),
        *[_call("GET", f"/image/{kind}") for kind in ("png", "jpeg", "webp", "svg")],
        _call("GET", "/response-headers?X-Many=1&X-Many=2&X-One=%C3%BC"),
        # Credentials refused.
        _call("GET", "/basic-auth/user/passwd", 401),
        _call("GET", "/hidden-basic-auth/user/passwd", 404),
        _call("GET", "/bearer", 401),
    ]  # fmt: skip


def start(bench: Bench, tools: Path, port: int) -> Running:
    """An httpbin of its own on ``port``."""
    return bench.start(
        tools / "gunicorn", "--bind", f"127.0.0.1:{port}", "--threads", "8", "--no-control-socket", "httpbin:app"
    ).wait_port(port)


def drive(base: str) -> int:
    """Send the whole session to ``base``; how many exchanges that made (redirects count). Fails on a wrong status."""
    made = 0
    with requests.Session() as session:
        session.trust_env = False
        for call in calls():
            answer = session.request(call.method, base + call.target, timeout=60, **call.options)
            assert answer.status_code == call.status, f"{call.method} {call.target}: {answer.status_code}"
            made += 1 + len(answer.history)
    return made


ODD = (
    b"POST /anything/a%2Fb/%7Euser//x?b=2&a=1&a=%31&=&flag HTTP/1.1\r\n"
    b"hOsT: <authority>\r\n"
    b"X-Second: 1\r\n"
    b"x-first: b\r\n"
    b"X-FIRST: a\r\n"
    b"Accept: */*\r\n"
    b"Content-Type: text/plain; charset=ISO-8859-1\r\n"
    b"content-LENGTH: 4\r\n"
    b"Connection: close\r\n"
    b"\r\n"
    b"\xe9t\xe9\n"
)
"""A request as no library writes it: mixed case, duplicates, an escaped slash, an empty parameter, latin-1."""


def drive_odd(port: int) -> bytes:
    """Send :data:`ODD` over a bare socket; the raw answer."""
    with socket.create_connection(("127.0.0.1", port), 60) as raw:
        raw.sendall(ODD.replace(b"<authority>", f"127.0.0.1:{port}".encode()))
        answer = b""
        while piece := raw.recv(65536):
            answer += piece
    return answer
