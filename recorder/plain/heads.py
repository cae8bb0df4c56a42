"""Heads of plain requests: read strictly. What is not as the RFC has it is for mitmproxy and its mends. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from captures.model import Headers

END = b"\r\n\r\n"
LONGEST = 64 * 1024  # bytes of a head that is plain
_LINE = re.compile(
    rb"([A-Z]{3,20}) (?:http://([A-Za-z0-9.-]{1,255})(?::([0-9]{1,5}))?)?(/[\x21-\x7e\x80-\xff]*) HTTP/1\.1"
)
_NAME = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,200}")
_LENGTH = re.compile(rb"[0-9]{1,15}")
_UNPLAIN = frozenset({b"expect", b"http2-settings", b"transfer-encoding", b"upgrade"})
"""Headers that make more of an exchange than a request and its answer."""


@dataclass(slots=True)
class Head:
    """A request's head, and how many bytes of body follow it."""

    method: bytes
    server: tuple[str, int] | None  # where the target is absolute: what it names (RFC 9112 3.2.2)
    target: bytes  # the path and the query
    headers: Headers
    raw: bytes  # with the empty line
    length: int


def plain_head(data: bytes) -> Head | None:
    """The head that ``data`` begins with; None where that is not plain, or not complete."""
    end = data.find(END)
    if end < 0 or end > LONGEST:
        return None
    first, *lines = data[:end].split(b"\r\n")
    line = _LINE.fullmatch(first)
    if line is None:
        return None
    headers: list[tuple[bytes, bytes]] = []
    length = -1
    for one in lines:
        name, colon, value = one.partition(b":")
        lower = _lowered(name)
        if not colon or not lower or lower in _UNPLAIN or b"\n" in value or b"\r" in value or b"\0" in value:
            return None
        value = value.strip()
        if lower == b"content-length":
            if length >= 0 or not _LENGTH.fullmatch(value):
                return None
            length = int(value)
        elif lower == b"connection" and value.lower() != b"keep-alive":
            return None
        headers.append((name, value))
    server = None if line[2] is None else (line[2].decode(), int(line[3] or 80))
    return Head(line[1], server, line[4], tuple(headers), data[: end + len(END)], max(length, 0))


@lru_cache(4096)
def _lowered(name: bytes) -> bytes:
    """``name`` in lower case; empty where it is no header's."""
    return name.lower() if _NAME.fullmatch(name) else b""
