"""mitmproxy's requests and responses as ours, and the few things the recorder changes in them on the way."""

from __future__ import annotations

import os
import re

from mitmproxy import http

from captures.model import Headers, Request, Response, host_field
from captures.traces import INJECTED, is_traced, traceparent
from recorder.connections import Doors
from recorder.listeners import Listener, Role, Target
from recorder.tee import Tee


def request_of(request: http.Request, target: Target | None, headers: Headers, tee: Tee) -> Request:
    """``request`` as it was sent to ``target`` (None: where it says), with ``headers`` as they were received."""
    if target is not None:
        scheme, host, port = target.scheme, target.host, target.port
    else:
        scheme, host, port = request.scheme, request.host.lower(), request.port
    body = request.data.content
    return Request(
        method=request.method,
        scheme=scheme,
        host=host,
        port=port,
        target=request.data.path,
        headers=headers,
        body=tee.body() if body is None else body,
        trailers=fields(request.data.trailers),
        http_version=request.http_version,
    )


def response_of(response: http.Response | None, tee: Tee) -> Response | None:
    """``response`` as it came; None where none did."""
    if response is None:
        return None
    return Response(
        status=response.status_code,
        headers=fields(response.data.headers),
        body=response.data.content or tee.body(),
        reason=response.data.reason,
        trailers=fields(response.data.trailers),
        http_version=response.http_version,
    )


def fields(headers: http.Headers | None) -> Headers:
    """Header lines as they stand."""
    lines: Headers = headers.fields if headers else ()
    return lines


def announced_length(headers: Headers) -> int:
    """The length a message announces; 0 when it announces none (or nonsense: that is for the service to refuse)."""
    for name, value in headers:
        if name.lower() == b"content-length":
            return int(value) if value.isdigit() else 0
    return 0


def protocol_of(response: http.Response) -> str:
    """What a 101 goes on in, for a note: notes are not searched for secrets, so nothing but a protocol's name."""
    name: str = response.headers.get("upgrade", "")
    return name if re.fullmatch(r"[A-Za-z][\w./+-]{0,39}", name) else "another protocol"


def is_open_ended(request: http.Request) -> bool:
    """Whether the request does not say how long its body is: it may be one side of a conversation."""
    coded = False
    for name, _ in request.data.headers.fields:
        lower = name.lower()
        if lower == b"content-length":
            return False
        coded = coded or lower == b"transfer-encoding"
    multiplexed: bool = request.is_http2 or request.is_http3
    return coded or multiplexed


def first(headers: Headers, wanted: bytes) -> bytes:
    """The first value of a header (in lower case); empty where there is none."""
    for name, value in headers:
        if name.lower() == wanted:
            return value
    return b""


def media_type(headers: Headers) -> bytes:
    """The Content-Type in lower case, with its parameters."""
    return first(headers, b"content-type").lower()


def lead_to_dependency(request: http.Request, listener: Listener, doors: Doors) -> Listener:
    """A client that proxies even its calls to a dependency's own listener is led to that dependency at once."""
    called = doors.at((request.host.lower(), request.port))
    if called is None or called.role is not Role.DEPENDENCY or called.target is None:
        return listener
    request.data.host, request.data.port = called.target.host, called.target.port
    request.scheme = called.target.scheme
    return called


def address(request: http.Request, target: Target) -> Headers:
    """Give ``request`` the Host that ``target`` knows (the service only knows our listener's); its headers then."""
    host = host_field(target.scheme, target.host, target.port)
    if request.is_http2 or request.is_http3:
        request.authority = host
    else:
        request.data.headers.fields = tuple(
            (name, host.encode("idna") if name.lower() == b"host" else value)
            for name, value in request.data.headers.fields
        )
    return fields(request.data.headers)


def add_trace(request: http.Request, received: Headers) -> Headers:
    """Give ``request`` a ``traceparent`` if it was ``received`` without any trace; what was added."""
    if is_traced(received) or any(name.lower() == INJECTED for name, _ in received):
        return ()
    added = ((INJECTED, traceparent(os.urandom)),)
    request.data.headers.fields = (*request.data.headers.fields, *added)
    return added


def drop_words_to_proxy(headers: http.Headers) -> None:
    """Take out what a client says to its proxy, and no server shall read (RFC 9110 7.6.1 and 11.7.2)."""
    for name in ("proxy-connection", "proxy-authorization"):
        headers.pop(name, None)


def drop_h2c_upgrade(headers: http.Headers) -> None:
    """Keep the server from switching a recorded connection to HTTP/2 (RFC 9113 3.1: the upgrade is obsolete).

    Java's HttpClient offers it on every cleartext connection; ignoring the offer is always allowed.
    """
    if headers.get("upgrade", "").lower() != "h2c":
        return
    for name in ("upgrade", "http2-settings"):
        headers.pop(name, None)
    kept = [
        word.strip()
        for word in headers.get("connection", "").split(",")
        if word.strip().lower() not in ("", "upgrade", "http2-settings")
    ]
    if kept:
        headers["connection"] = ", ".join(kept)
    else:
        headers.pop("connection", None)
