"""Heads. Those of plain requests are read strictly: what is not as the RFC has it is for mitmproxy and its mends. Those
of answers as mitmproxy reads them: they pass as they are. Pure.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache

from mitmproxy.http import Response
from mitmproxy.net.http import http1

from captures.model import Headers

END = b"\r\n\r\n"
LONGEST = 64 * 1024  # bytes of a head that is plain
LONGEST_ANSWER = 1024 * 1024  # bytes of an answer's
_LINE = re.compile(
    rb"(?!CONNECT )([A-Z]{3,20}) (?:http://([A-Za-z0-9.-]{1,255})(?::([1-9][0-9]{0,4}))?)?"
    rb"(/[\x21-\x7e\x80-\xff]*) HTTP/1\.1"
)
_NAME = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,200}")
_LENGTH = re.compile(rb"0|[1-9][0-9]{0,14}")
_UNPLAIN = frozenset({b"expect", b"http2-settings", b"upgrade"})
"""Headers that make more of an exchange than a request and its answer."""
_BLANK = re.compile(rb"\n\r?\n")  # ends a head, also of those who write no carriage returns


@dataclass(slots=True)
class Head:
    """A request's head, and how many bytes of body follow it (None: in chunks)."""

    method: bytes
    server: tuple[str, int] | None  # where the target is absolute: what it names (RFC 9112 3.2.2)
    target: bytes  # the path and the query
    headers: Headers
    raw: bytes  # with the empty line
    length: int | None
    closes: bool  # the client wants its connection closed after the answer


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
    chunked = closes = False
    for one in lines:
        name, colon, value = one.partition(b":")
        lower = _lowered(name)
        if not colon or not lower or lower in _UNPLAIN or b"\n" in value or b"\r" in value or b"\0" in value:
            return None
        bare = value.strip(b" \t")
        value = value.strip()
        if value != bare:
            return None  # servers differ on what is white
        if lower == b"content-length":
            if length >= 0 or not _LENGTH.fullmatch(value):
                return None
            length = int(value)
        elif lower == b"transfer-encoding":
            if chunked or value.lower() != b"chunked":
                return None
            chunked = True
        elif lower == b"connection":
            closes = closes or value.lower() == b"close"
            if value.lower() not in (b"keep-alive", b"close"):
                return None
        headers.append((name, value))
    if chunked and length >= 0:
        return None
    server = None if line[2] is None else (line[2].decode(), int(line[3] or 80))
    raw = data[: end + len(END)]
    return Head(line[1], server, line[4], tuple(headers), raw, None if chunked else max(length, 0), closes)


@dataclass(slots=True)
class Begun:
    """What has come of an answer whose head is not complete."""

    data: bytearray = field(default_factory=bytearray)
    _searched: int = 0  # no head ends before

    def head(self) -> bytes:
        """Take the head it begins with, the empty line included; nothing where that is not complete.

        Raises :class:`ValueError` for one that does not end.
        """
        found = _BLANK.search(self.data, self._searched)
        if found is None:
            if len(self.data) > LONGEST_ANSWER:
                raise ValueError("the head does not end")
            self._searched = max(0, len(self.data) - 2)
            return b""
        raw = bytes(self.data[: found.end()])
        del self.data[: found.end()]
        self._searched = 0
        return raw


def answer_of(raw: bytes) -> Response:
    """The answer with the head ``raw``. Raises :class:`ValueError` for what is none."""
    response: Response = http1.read_response_head([line.removesuffix(b"\r") for line in raw.split(b"\n")[:-2]])
    return response


@lru_cache(4096)
def _lowered(name: bytes) -> bytes:
    """``name`` in lower case; empty where it is no header's."""
    return name.lower() if _NAME.fullmatch(name) else b""
