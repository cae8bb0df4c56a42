"""One HTTP/1.x response off the wire, without I/O (RFC 9112): interim answers passed over, trailers apart."""

from __future__ import annotations

from collections.abc import Mapping

from captures.model import Headers, Response
from replayer.http1 import (
    MAX_HEAD,
    BodyReader,
    Framing,
    ProtocolError,
    control_lines,
    parse_headers,
    parse_status_line,
    plain_headers,
    response_framing,
    stays_open,
    take_head,
)

MAX_INTERIM = 64
"""Interim (1xx) answers to one request; who sends more will not come to an end."""


class ResponseParser:
    """Reads one response to a ``method`` request, passing over interim (1xx) ones."""

    __slots__ = (
        "_buffer", "_framing", "_headers", "_length", "_lines", "_method", "_reader", "_reason", "_version", "_whole",
        "interim", "status",
    )  # fmt: skip

    def __init__(self, method: str) -> None:
        self.status = 0  # until the head is complete
        self.interim: list[int] = []  # statuses
        self._method = method
        self._buffer = bytearray()
        self._reader: BodyReader | None = None
        self._whole: bytes | None = None  # the body, where it came in one piece with its head

    def feed(self, data: bytes) -> bool:
        """True once the response is complete. Raises :class:`ProtocolError`."""
        buffer = self._buffer
        if not buffer and self._reader is None and (rest := self._whole_head(data)) is not None:
            if self.status and len(rest) == self._length and self._framing in (Framing.LENGTH, Framing.NONE):
                self._whole = rest
                return True
            data = rest
        buffer += data
        while not self.status:
            start = bytes(buffer[:5])
            if not b"HTTP/".startswith(start) and start[:1] not in (b"\r", b"\n"):
                raise ProtocolError("the answer does not begin with HTTP/")
            lines = take_head(buffer)
            if lines is None:
                return False
            self._heard(lines[0], parse_headers(lines[1:]))
        if self._reader is None:
            self._reader = BodyReader(self._framing, self._length)
        return self._reader.feed(buffer)

    def _whole_head(self, data: bytes) -> bytes | None:
        """The usual case, for speed: one piece begins with a whole, plain head. What follows it, or None otherwise."""
        end = data.find(b"\r\n\r\n")
        if end < 0 or end > MAX_HEAD or data[:5] != b"HTTP/" or data.find(b"\n\n", 0, end) >= 0:
            return None
        line_end = data.find(b"\r\n")
        line, headers = data[:line_end], plain_headers(data[line_end + 2 : end + 2])
        if headers is None or b"\n" in line:
            return None
        self._heard(line, headers)
        return data[end + 4 :]

    def _heard(self, line: bytes, headers: Headers) -> None:
        status, reason, version = parse_status_line(line)
        if status < 200 and status != 101:
            self.interim.append(status)
            if len(self.interim) > MAX_INTERIM:
                raise ProtocolError(f"more than {MAX_INTERIM} interim answers to one request")
            return
        self._lines: Mapping[bytes, list[bytes]] = control_lines(headers)
        self._framing, self._length = response_framing(status, self._lines, self._method)
        self.status, self._reason, self._version, self._headers = status, reason, version, headers

    @property
    def begun(self) -> bool:
        """Whether any byte of a (final, interim or unfinished) response came."""
        return bool(self.status or self._buffer or self.interim)

    @property
    def body(self) -> bytes | bytearray:
        """The body so far."""
        return self._reader.body if self._reader is not None else self._whole or b""

    @property
    def received(self) -> int:
        """Bytes of the body so far."""
        return len(self._reader.body) if self._reader is not None else len(self._whole or b"")

    def eof(self) -> bool:
        """The peer closed: whether that completes the response."""
        if self._reader is not None and self._framing is Framing.CLOSE:
            self._reader.done = True
        return self._whole is not None or (self._reader is not None and self._reader.done)

    @property
    def reusable(self) -> bool:
        """Whether the connection may serve another request. Only asked once complete.

        Not after more bytes than the response has, nor after one with two framings (RFC 9112 6.3: perhaps an attempt
        at response splitting).
        """
        if self._framing is Framing.CLOSE or self._buffer or self.status == 101:
            return False
        if self._framing is Framing.CHUNKED and (self._version == "HTTP/1.0" or b"content-length" in self._lines):
            return False
        return stays_open(self._version, self._lines)

    def response(self) -> Response | None:
        """What came so far; None before the head is complete."""
        if not self.status:
            return None
        reader = self._reader
        if reader is None:
            return Response(self.status, self._headers, self._whole or b"", self._reason, (), self._version)
        return Response(self.status, self._headers, bytes(reader.body), self._reason, reader.trailers, self._version)
