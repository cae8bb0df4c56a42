"""HTTP/1.x on the wire, without I/O: bytes in, messages out, and back (RFC 9112).

For both sides of the replayer: the client reads the build's responses (:mod:`replayer.wire.http1_response`), the stub
server the build's outbound requests. It is our own because the captured form is stricter than what a general parser
hands on: header lines in order with their case and duplicates, trailers apart from headers, the part of a body that
came before it broke off, HEAD answers, and requests that offer ``Upgrade: h2c`` and still carry a body (Java's
HttpClient).

Parsing is tolerant where tolerance loses nothing (a bare LF ends a line), and a :class:`ProtocolError` otherwise.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto

from captures.model import Headers

MAX_HEAD = 256 * 1024  # bytes; larger than any server's own limit
MAX_CHUNK_LINE = 8 * 1024
CONTROLS = frozenset({b"connection", b"content-length", b"expect", b"transfer-encoding", b"upgrade"})

# One plain header line. Whatever else a block holds (folded lines, blanks around a value) is read line by line.
_PLAIN_LINE = re.compile(rb"^([^\s:]+): ?([^\r\n]*)\r\n", re.MULTILINE)
_CHUNK_SIZE = re.compile(rb"[0-9A-Fa-f]{1,15}")
_STATUS_LINE = re.compile(rb"(HTTP/1\.[0-9]) ([0-9]{3})(?: (.*))?", re.DOTALL)


class ProtocolError(ValueError):
    """What came is not HTTP/1.x. The message holds no captured bytes."""


class Framing(Enum):
    """How the end of a body is told (RFC 9112 section 6.3)."""

    NONE = auto()
    LENGTH = auto()
    CHUNKED = auto()
    CLOSE = auto()


@dataclass(frozen=True, slots=True)
class RequestHead:
    """Request line and headers. ``target`` is raw: origin, absolute, authority or asterisk form."""

    method: str
    target: bytes
    version: str
    headers: Headers


def take_head(buffer: bytearray) -> list[bytes] | None:
    """Take a message head off ``buffer``: its lines, or None while it is incomplete.

    Raises :class:`ProtocolError` past :data:`MAX_HEAD`.
    """
    while buffer[:2] == b"\r\n" or buffer[:1] == b"\n":  # RFC 9112 2.2: ignore empty lines before a message
        del buffer[: 2 if buffer[:1] == b"\r" else 1]
    end = buffer.find(b"\r\n\r\n")
    size = 4
    bare = buffer.find(b"\n\n", 0, None if end < 0 else end)
    if bare >= 0 and (end < 0 or bare < end):
        end, size = bare, 2
    if end < 0:
        if len(buffer) > MAX_HEAD:
            raise ProtocolError(f"the message head is longer than {MAX_HEAD} bytes")
        return None
    if end > MAX_HEAD:
        raise ProtocolError(f"the message head is longer than {MAX_HEAD} bytes")
    head = bytes(buffer[:end])
    del buffer[: end + size]
    lines = head.split(b"\r\n")
    if b"\n" in head and any(b"\n" in line for line in lines):
        lines = [line.rstrip(b"\r") for line in head.split(b"\n")]
    return lines


def parse_headers(lines: list[bytes]) -> Headers:
    """Header lines as pairs; folded lines (obs-fold) are joined by one blank.

    Raises :class:`ProtocolError` for a line without a name and a colon.
    """
    headers: list[tuple[bytes, bytes]] = []
    for line in lines:
        if line[:1] in (b" ", b"\t") and headers:
            name, value = headers[-1]
            headers[-1] = (name, value + b" " + line.strip(b" \t"))
            continue
        name, colon, value = line.partition(b":")
        if not colon or not name:
            raise ProtocolError("a header line has no name or no colon")
        if name[-1:] in (b" ", b"\t") or name[:1] in (b" ", b"\t"):
            raise ProtocolError("a header line has a blank beside its name")  # RFC 9112 5.1: a way to hide framing
        headers.append((name, value.strip(b" \t")))
    return tuple(headers)


def parse_request_head(lines: list[bytes]) -> RequestHead:
    """Raises :class:`ProtocolError` unless the first line is ``METHOD target HTTP/1.x``."""
    parts = lines[0].split(b" ")
    if len(parts) < 3 or not parts[-1].startswith(b"HTTP/1.") or not parts[0]:
        raise ProtocolError("the request line is not that of HTTP/1.x")
    try:
        method = parts[0].decode("ascii")
    except UnicodeDecodeError as error:
        raise ProtocolError("the request method is not ASCII") from error
    return RequestHead(method, b" ".join(parts[1:-1]), parts[-1].decode("latin-1"), parse_headers(lines[1:]))


def plain_headers(block: bytes) -> Headers | None:
    """What :func:`parse_headers` makes of header lines with their line ends, faster; None unless all are plain."""
    pairs: list[tuple[bytes, bytes]] = _PLAIN_LINE.findall(block)
    if len(pairs) != block.count(b"\n") or b":  " in block or b" \r" in block or b"\t" in block:
        return None
    return tuple(pairs)


def parse_status_line(line: bytes) -> tuple[int, bytes, str]:
    """Status, reason and version. Raises :class:`ProtocolError` unless ``line`` is ``HTTP/1.x NNN reason``."""
    found = _STATUS_LINE.fullmatch(line)
    if found is None or found[2] < b"100":
        raise ProtocolError("the status line is not that of HTTP/1.x")
    version = "HTTP/1.1" if found[1] == b"HTTP/1.1" else found[1].decode("latin-1")
    return int(found[2]), found[3] or b"", version


def control_lines(headers: Headers) -> Mapping[bytes, list[bytes]]:
    """The values of the headers that say something about framing and connection, by name in lower case.

    One pass for all of them: this is asked of every message.
    """
    found: dict[bytes, list[bytes]] = {}
    for name, value in headers:
        lower = name.lower()
        if lower in CONTROLS:
            found.setdefault(lower, []).append(value)
    return found


def _length_of(lines: Mapping[bytes, list[bytes]]) -> int | None:
    stated = lines.get(b"content-length")
    if stated is None:
        return None
    if len(stated) == 1 and stated[0].isdigit():
        return int(stated[0])
    values = {part.strip() for value in stated for part in value.split(b",")}
    if len(values) > 1 or not (only := values.pop()).isdigit():
        raise ProtocolError("the Content-Length is contradictory or not a number")
    return int(only)


def _codings(lines: Mapping[bytes, list[bytes]]) -> list[bytes]:
    stated = lines.get(b"transfer-encoding")
    if stated is None:
        return []
    return [coding.strip().lower() for coding in b",".join(stated).split(b",") if coding.strip()]


def says_chunked(lines: Mapping[bytes, list[bytes]]) -> bool:
    """Whether the last transfer coding is chunked, of :func:`control_lines`."""
    codings = _codings(lines)
    return bool(codings) and codings[-1] == b"chunked"


def is_chunked(headers: Headers) -> bool:
    """Whether the last transfer coding is chunked."""
    return says_chunked(control_lines(headers))


def request_framing(head: RequestHead) -> tuple[Framing, int]:
    """How the request's body ends, and its length for :attr:`Framing.LENGTH`."""
    lines = control_lines(head.headers)
    if codings := _codings(lines):
        if codings[-1] != b"chunked":
            raise ProtocolError("a request's last transfer coding must be chunked")
        return Framing.CHUNKED, 0
    length = _length_of(lines)
    return (Framing.LENGTH, length) if length else (Framing.NONE, 0)


def response_framing(status: int, lines: Mapping[bytes, list[bytes]], method: str) -> tuple[Framing, int]:
    """How the body of the response to a ``method`` request ends, by its :func:`control_lines`."""
    if method == "HEAD" or status < 200 or status in (204, 304):
        return Framing.NONE, 0
    if codings := _codings(lines):
        return (Framing.CHUNKED if codings[-1] == b"chunked" else Framing.CLOSE), 0
    length = _length_of(lines)
    if length is None:
        return Framing.CLOSE, 0
    return (Framing.LENGTH, length) if length else (Framing.NONE, 0)


def keeps_alive(version: str, headers: Headers) -> bool:
    """Whether the connection may be used again after this message (RFC 9112 section 9.3)."""
    return stays_open(version, control_lines(headers))


def stays_open(version: str, lines: Mapping[bytes, list[bytes]]) -> bool:
    """The same, by its :func:`control_lines`."""
    stated = lines.get(b"connection")
    if stated is None or stated == [b"keep-alive"]:
        return version != "HTTP/1.0" or stated is not None
    tokens = {token.strip().lower() for value in stated for token in value.split(b",")}
    if b"close" in tokens:
        return False
    return version != "HTTP/1.0" or b"keep-alive" in tokens


class BodyReader:
    """Takes one body (and its trailers) off a buffer as it arrives."""

    __slots__ = ("_left", "_state", "body", "done", "framing", "trailers")

    def __init__(self, framing: Framing, length: int = 0) -> None:
        self.framing = framing
        self.body = bytearray()
        self.trailers: Headers = ()
        self.done = framing is Framing.NONE
        self._left = length
        self._state = "size"  # of a chunk: size, data, end, trailers

    def feed(self, buffer: bytearray) -> bool:
        """Consume what belongs to the body; True once it is complete."""
        if self.done:
            return True
        if self.framing is Framing.CHUNKED:
            while not self.done and self._chunk(buffer):
                pass
        elif self.framing is Framing.CLOSE:
            self.body += buffer
            buffer.clear()
        else:
            self._take(buffer)
            self.done = self._left == 0
        return self.done

    def _take(self, buffer: bytearray) -> None:
        if len(buffer) <= self._left:
            self.body += buffer
            self._left -= len(buffer)
            buffer.clear()
        else:
            self.body += buffer[: self._left]
            del buffer[: self._left]
            self._left = 0

    def _chunk(self, buffer: bytearray) -> bool:
        """One step through chunked coding; False when more bytes are needed."""
        if self._state == "data":
            self._take(buffer)
            if self._left:
                return False
            self._state = "end"
        if self._state == "trailers":
            if buffer[:2] == b"\r\n" or buffer[:1] == b"\n":
                del buffer[: 2 if buffer[:1] == b"\r" else 1]
                self.done = True
                return True
            if len(buffer) < 2 or (lines := take_head(buffer)) is None:
                return False
            self.trailers = parse_headers(lines)
            self.done = True
            return True
        end = buffer.find(b"\n")
        if end < 0:
            if len(buffer) > MAX_CHUNK_LINE:
                raise ProtocolError("a chunk's size line is too long")
            return False
        line = bytes(buffer[:end]).strip()
        del buffer[: end + 1]
        if self._state == "end":
            if line:
                raise ProtocolError("a chunk is longer than its size says")
            self._state = "size"
            return True
        digits = line.partition(b";")[0].strip()
        if _CHUNK_SIZE.fullmatch(digits) is None:
            raise ProtocolError("a chunk's size is not a hexadecimal number of at most 15 digits")
        self._left = int(digits, 16)
        self._state = "data" if self._left else "trailers"
        return True


class RequestParser:
    """Reads the requests of one server connection, one after the other (they may be pipelined)."""

    __slots__ = ("_reader", "buffer", "head")

    def __init__(self) -> None:
        self.head: RequestHead | None = None
        self.buffer = bytearray()  # public: after CONNECT the rest belongs to the tunnel
        self._reader: BodyReader | None = None

    def feed(self, data: bytes) -> None:
        """Add what arrived."""
        self.buffer += data

    def next_head(self) -> RequestHead | None:
        """The head of the request under way, once complete. Raises :class:`ProtocolError`."""
        if self.head is None and self.buffer:
            lines = take_head(self.buffer)
            if lines is not None:
                self.head = parse_request_head(lines)
                self._reader = BodyReader(*request_framing(self.head))
        return self.head

    def next_message(self) -> tuple[RequestHead, bytes, Headers] | None:
        """The next complete request: head, body, trailers."""
        head = self.next_head()
        if head is None or self._reader is None or not self._reader.feed(self.buffer):
            return None
        message = head, bytes(self._reader.body), self._reader.trailers
        self.head = self._reader = None
        return message
