"""Header lists of plain messages: what is peculiar about one is for mitmproxy and h2. Pure.

Nothing is judged that they let pass: what is not plain goes to them as it came.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass

from mitmproxy.net.http import url

from captures.model import Headers

Lines = Sequence[tuple[bytes, bytes]]
"""As hpack decodes them."""

_PSEUDO = {b":method", b":scheme", b":authority", b":path"}


@dataclass(slots=True)
class Asked:
    """A request's head."""

    method: bytes
    scheme: bytes
    authority: bytes  # empty where it has none
    path: bytes
    fields: Headers
    lines: Lines  # the same, as they were decoded
    length: int | None  # of its body, where it says so
    is_expecting: bool  # an answer before its body


@dataclass(slots=True)
class Answered:
    """A response's head."""

    status: int
    fields: Headers
    length: int | None


def request_head(lines: Lines) -> Asked | None:
    """The head in a decoded header block; None where it is not plain."""
    pseudo: dict[bytes, bytes] = {}
    count = 0
    for name, value in lines:
        if name[:1] != b":":
            break
        pseudo[name] = value
        count += 1
    method, path, authority = pseudo.get(b":method"), pseudo.get(b":path"), pseudo.get(b":authority", b"")
    if len(pseudo) != count or not pseudo.keys() <= _PSEUDO or not method or not path or method == b"CONNECT":
        return None
    scheme = pseudo.get(b":scheme")
    if scheme not in (b"https", b"http") or not is_authority(authority):
        return None
    lines = lines[count:]
    rest = _plain_fields(lines)
    if rest is None:
        return None
    fields, length, expects = rest
    return Asked(method, scheme, authority, path, fields, lines, length, expects)


def response_head(lines: Lines) -> Answered | None:
    """The head in a decoded header block; None where it is not plain, as an informational one is not."""
    if not lines or lines[0][0] != b":status":
        return None
    status = lines[0][1]
    if len(status) != 3 or not status.isdigit() or status[:1] == b"1":
        return None
    rest = _plain_fields(lines[1:])
    return None if rest is None else Answered(int(status), rest[0], rest[1])


def trailer_fields(lines: Lines) -> Headers | None:
    """The trailers in a decoded header block; None where they are not plain."""
    rest = _plain_fields(lines)
    return None if rest is None else rest[0]


def _plain_fields(lines: Lines) -> tuple[Headers, int | None, bool] | None:
    """The lines, the length they announce, and whether they expect an answer before it."""
    length: int | None = None
    expects = False
    found = []
    for name, value in lines:
        if not name.islower() or name[:1] == b":":
            return None
        if name == b"content-length":
            if length is not None or not value.isdigit() or len(value) > 15:
                return None
            length = int(value)
        elif name == b"expect":
            expects = True
        found.append((name, value))
    return tuple(found), length, expects


@functools.lru_cache(maxsize=1024)
def is_authority(value: bytes) -> bool:
    """Whether mitmproxy takes ``value`` for a host and a port (or nothing)."""
    if not value:
        return True
    try:
        url.parse_authority(value, check=True)
    except ValueError:
        return False
    return True
