"""For which dependency a request is: by the listener it came to, its absolute target or its authority. Pure."""

from __future__ import annotations

from captures.model import Headers, host_field
from replayer.connect import parse_authority
from replayer.stubbing.answers import Server


def destination(listener: Server | None, target: bytes, authority: bytes | None) -> tuple[Server, bytes]:
    """The server a request is for, and its target in origin form.

    ``listener``: the dependency that the connection stands for, if it does; ``authority``: the Host header. Raises
    ``ValueError``.
    """
    if listener is not None:
        if target[:7].lower() == b"http://":  # absolute form is allowed towards any server: RFC 9112 3.2.2
            return listener, absolute(target)[1]
        return listener, target
    if b"://" in target[:9]:
        return absolute(target)
    if authority is None:
        raise ValueError("the request names no server")
    name, port = parse_authority(authority, 80)
    return Server("http", name, port), target


def absolute(target: bytes) -> tuple[Server, bytes]:
    """A target in absolute form as server and origin form. Raises ``ValueError``."""
    scheme, _, rest = target.partition(b"://")
    cut = min((index for index in (rest.find(b"/"), rest.find(b"?")) if index >= 0), default=len(rest))
    authority, path = rest[:cut].rpartition(b"@")[2], rest[cut:]
    name = scheme.decode("latin-1").lower()
    if name not in ("http", "https"):
        raise ValueError("the scheme is not http or https")
    host, port = parse_authority(authority, 443 if name == "https" else 80)
    return Server(name, host, port), path if path.startswith(b"/") else b"/" + path


def addressed(headers: Headers, server: Server) -> Headers:
    """``headers`` with the Host the dependency itself would get, as the recorder writes it down."""
    host = host_field(server.scheme, server.host, server.port)
    return tuple((name, host.encode("latin-1") if name.lower() == b"host" else value) for name, value in headers)
