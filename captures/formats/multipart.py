"""Multipart bodies (RFC 2046, 5.1; form data: RFC 7578) cut into their parts, with where each part's content stands."""

from __future__ import annotations

import re
from dataclasses import dataclass

from captures.formats.mediatypes import content_type_parameters, parameters
from captures.model import Headers, header

MAX_PARTS = 10_000


@dataclass(frozen=True, slots=True)
class RawPart:
    """One part. ``start`` and ``end`` delimit its content in the whole body."""

    headers: Headers
    body: bytes
    start: int
    end: int

    @property
    def name(self) -> str:
        """The ``name`` of its Content-Disposition; "" when it has none."""
        return self._disposition().get("name", "")

    @property
    def filename(self) -> str | None:
        """The ``filename`` of its Content-Disposition."""
        return self._disposition().get("filename")

    def _disposition(self) -> dict[str, str]:
        value = header(self.headers, "content-disposition")
        return parameters(value.decode("utf-8", "backslashreplace")) if value else {}


def split(body: bytes, headers: Headers) -> tuple[RawPart, ...]:
    """The parts of ``body`` in order; preamble and epilogue are left out.

    Lines may end in a bare LF. Raises ``ValueError`` when the boundary is missing, never occurs or is never closed.
    """
    boundary = content_type_parameters(headers).get("boundary", "")
    if not boundary:
        raise ValueError("multipart without a boundary")
    mark = re.compile(rb"(?:^|\r?\n)--" + re.escape(boundary.encode("latin-1")) + rb"(--)?[ \t]*(?=\r?\n|$)")
    parts: list[RawPart] = []
    opened: int | None = None
    for match in mark.finditer(body):
        if opened is not None:
            parts.append(_part(body, opened, max(opened, match.start())))
            if len(parts) > MAX_PARTS:
                raise ValueError(f"multipart of more than {MAX_PARTS} parts")
        if match[1]:
            return tuple(parts)
        # The line end after the delimiter belongs to the delimiter, but it may also be the one before the next.
        opened = match.end()
    raise ValueError("multipart boundary never occurs" if opened is None else "multipart is cut off")


def _part(body: bytes, start: int, end: int) -> RawPart:
    lines: list[tuple[bytes, bytes]] = []
    position = _line_end(body, start, end)
    while position < end:
        stop = body.find(b"\n", position, end)
        if stop < 0:  # no blank line: a part that is all header
            stop, following = end, end
        else:
            following = stop + 1
        line = body[position:stop].rstrip(b"\r")
        position = following
        if not line:
            break
        if line[:1] in b" \t" and lines:
            lines[-1] = (lines[-1][0], lines[-1][1] + b" " + line.strip())
        else:
            name, _, value = line.partition(b":")
            lines.append((name.strip(), value.strip()))
    position = min(position, end)
    return RawPart(tuple(lines), body[position:end], position, end)


def _line_end(body: bytes, start: int, end: int) -> int:
    for mark in (b"\r\n", b"\n"):
        if body.startswith(mark, start):
            return min(start + len(mark), end)
    return start
