"""From what a pin says to what goes over the wire: references and environment filled in, values bound. Pure but for
``environ``, which is passed in.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from captures.formats.decoding import JsonBody, TextBody, decode
from captures.jsonpaths import compile_path
from captures.model import Headers, Request, Response, header
from replayer import pin_bodies, pin_notation
from replayer.alignment import MISSING
from replayer.client import Target
from replayer.pin_notation import Slot
from replayer.pins import Body, Lines, PinRequest, PinResponse

_VARIABLE = re.compile(r"\$(\$\{)|\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}")


def to_send(request: PinRequest, target: Target, names: Mapping[str, Any], environ: Mapping[str, str]) -> Request:
    """``request`` for ``target``. Raises ``ValueError`` (one sentence) when something in it cannot be filled in."""
    headers = headers_to_send(request.headers, names, environ)
    body = pin_bodies.wire(resolve_body(request.body, names), headers)
    if header(headers, "host") is None:
        headers = ((b"Host", str(target).partition("//")[2].encode("latin-1")), *headers)
    if body or request.method in ("POST", "PUT", "PATCH"):
        headers = (*headers, (b"Content-Length", b"%d" % len(body)))
    path = resolve(request.target, names).encode("latin-1", "replace")
    if not path.startswith(b"/") and path != b"*":
        raise ValueError(f"its target {request.target!r} became one that does not start with /")
    return Request(request.method, target.scheme, target.host, target.port, path, headers, body)


def to_answer(response: PinResponse, names: Mapping[str, Any]) -> Response:
    """A stub's answer."""
    headers = headers_to_send(response.headers, names, {})
    body = pin_bodies.wire(resolve_body(response.body, names), headers)
    return Response(response.status, (*headers, (b"Content-Length", b"%d" % len(body))), body)


def headers_to_send(lines: Lines, names: Mapping[str, Any], environ: Mapping[str, str]) -> Headers:
    """Header lines filled in; one whose variable is neither set nor has a default is left out."""
    headers: list[tuple[bytes, bytes]] = []
    for name, text in lines:
        value = in_environment(text, environ)
        if value is not None:
            headers.append((name.encode("latin-1"), resolve(value, names).encode("latin-1", "replace")))
    return tuple(headers)


def in_environment(text: str, environ: Mapping[str, str]) -> str | None:
    """``text`` with ``${NAME:-default}`` filled in; None when a variable without a default is not set."""
    missing = False

    def one(match: re.Match[str]) -> str:
        nonlocal missing
        if match[1]:
            return match[1]
        value = environ.get(match[2])
        if value is not None:
            return pin_notation.escape(value)
        missing |= match[3] is None
        return match[3] or ""

    filled = _VARIABLE.sub(one, text)
    return None if missing else filled


def resolve(text: str, names: Mapping[str, Any]) -> str:
    """A string that is sent, with its references filled in. Raises ``ValueError`` for a name nothing is bound to."""
    if pin_notation.OPEN not in text:
        return text
    parts = pin_notation.parse(text)
    return "".join(part if isinstance(part, str) else pin_notation.text_of(_bound(part, names)) for part in parts)


def resolve_json(value: Any, names: Mapping[str, Any]) -> Any:
    """A JSON value that is sent; a whole reference keeps its value's type. Raises as :func:`resolve`."""
    if isinstance(value, dict):
        return {key: resolve_json(child, names) for key, child in value.items()}
    if isinstance(value, list):
        return [resolve_json(child, names) for child in value]
    if not isinstance(value, str) or pin_notation.OPEN not in value:
        return value
    slot = pin_notation.whole(value)
    return _bound(slot, names) if slot is not None else resolve(value, names)


def resolve_body(body: Body, names: Mapping[str, Any]) -> Body:
    """A body that is sent."""
    if body.form == "json":
        return Body("json", resolve_json(body.value, names), body.layout)
    return Body("text", resolve(body.value, names), body.layout) if body.form == "text" else body


def _bound(slot: Slot, names: Mapping[str, Any]) -> Any:
    if slot.name not in names:
        raise ValueError(f"nothing is bound to {slot.name!r} yet")
    return names[slot.name]


def addressed(method: str, url: str, headers: Headers, body: bytes, version: str = "HTTP/1.1") -> Request:
    """A request to the absolute ``url``."""
    parts = urlsplit(url)
    try:
        port = parts.port
    except ValueError:
        port = None
    rest = url.partition("://")[2]
    cut = min((at for at in (rest.find("/"), rest.find("?")) if at >= 0), default=len(rest))
    target = rest[cut:] if rest[cut : cut + 1] == "/" else f"/{rest[cut:]}"
    default = 443 if parts.scheme == "https" else 80
    return Request(
        method, parts.scheme, (parts.hostname or "").lower(), port or default, target.encode("latin-1", "replace"),
        headers, body, (), version,
    )  # fmt: skip


def cookie_of(headers: Headers, name: str) -> str | None:
    """The value of the cookie that a response sets."""
    for key, raw in headers:
        if key.lower() == b"set-cookie":
            pair = raw.partition(b";")[0].decode("latin-1")
            if pair.partition("=")[0].strip() == name:
                return pair.partition("=")[2].strip().strip('"')
    return None


def bound_value(place: str, response: Response) -> Any:
    """The value at ``place`` of a ``bind:`` (``json $.id``, ``header location /orders/(.+)``, ``cookie sid``,
    ``text name="csrf_token" value="(.+?)"``).

    MISSING when the answer has none.
    """
    kind, _, rest = place.partition(" ")
    if kind == "json":
        decoded = decode(response.body, response.headers)
        if isinstance(decoded, JsonBody):
            for _, value in compile_path(rest).find(decoded.value):
                return value
        return MISSING
    if kind == "cookie":
        found = cookie_of(response.headers, rest)
        return MISSING if found is None else found
    if kind == "text":
        decoded = decode(response.body, response.headers)
        match = re.search(rest, decoded.text) if isinstance(decoded, TextBody) else None
        return MISSING if match is None else match[1] if match.groups() else match[0]
    name, _, pattern = rest.partition(" ")
    raw = header(response.headers, name)
    if raw is None:
        return MISSING
    text = raw.decode("latin-1")
    if not pattern:
        return text
    match = re.search(pattern, text)
    return MISSING if match is None else match[1] if match.groups() else match[0]
