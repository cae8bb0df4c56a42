"""HTTP/2 frames cut out of a byte stream, without I/O (RFC 9113 section 4.1).

h2 parses frames itself; they are cut before it sees them for three things it does not do: telling a server that does
not speak HTTP/2 at all, saying on which stream a broken frame was, and going on after GOAWAY, which h2 takes for the
end although the answers that are under way still follow (RFC 9113 6.8; nginx does so after ``keepalive_requests``).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from replayer.http1 import ProtocolError

MAX_FRAME = 16_384  # bytes of payload: SETTINGS_MAX_FRAME_SIZE, which we leave as it is
SETTINGS = 4
GOAWAY = 7


@dataclass(frozen=True, slots=True)
class Frame:
    """One whole frame. ``raw``: with its header of nine bytes."""

    kind: int
    stream: int
    raw: bytes


class FrameCutter:
    """Bytes in, frames out."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self.begun = False  # the first frame was SETTINGS: this is HTTP/2

    def feed(self, data: bytes) -> Iterator[Frame]:
        """The frames that are complete with ``data``.

        Raises :class:`ProtocolError` when the first is not SETTINGS (RFC 9113 3.4), or one is longer than announced.
        """
        buffer = self._buffer
        buffer += data
        while len(buffer) >= 9 or (not self.begun and buffer):
            if not self.begun and not _may_be_settings(buffer):
                raise ProtocolError("what came is not HTTP/2")
            if len(buffer) < 9:
                return
            self.begun = True
            length = int.from_bytes(buffer[:3])
            if length > MAX_FRAME:
                raise ProtocolError(f"a frame is longer than {MAX_FRAME} bytes")
            if len(buffer) < 9 + length:
                return
            raw = bytes(buffer[: 9 + length])
            del buffer[: 9 + length]
            yield Frame(raw[3], int.from_bytes(raw[5:9]) & 0x7FFF_FFFF, raw)


def _may_be_settings(start: bytearray) -> bool:
    """Whether a connection may begin so: a SETTINGS frame on stream 0, no acknowledgement, settings of six bytes."""
    expected = bytes(start[:3]) + b"\x04\x00\x00\x00\x00\x00"
    return expected.startswith(start[:9]) and (len(start) < 3 or int.from_bytes(start[:3]) % 6 == 0)


def goaway_of(frame: Frame) -> tuple[int, int]:
    """Last stream processed, and error code. Raises :class:`ProtocolError`."""
    if len(frame.raw) < 17 or frame.stream:
        raise ProtocolError("a GOAWAY frame is malformed")
    return int.from_bytes(frame.raw[9:13]) & 0x7FFF_FFFF, int.from_bytes(frame.raw[13:17])
