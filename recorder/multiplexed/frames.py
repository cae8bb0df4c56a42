"""HTTP/2 frames as bytes (RFC 9113, 4.1 and 6): their first nine bytes read, and whole frames written. Pure."""

from __future__ import annotations

import struct

DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(10)

END_STREAM = ACK = 0x1
END_HEADERS = 0x4
PADDED = 0x8
HAS_PRIORITY = 0x20

HEAD = 9  # bytes before a frame's payload
_HEAD = struct.Struct(">HBBBL")
_NUMBER = struct.Struct(">L")
LARGEST_WINDOW = 2**31 - 1


def read_head(data: bytes, at: int) -> tuple[int, int, int, int]:
    """Length of the payload, type, flags and stream of the frame at ``at``, of which :data:`HEAD` bytes are there."""
    high, low, kind, flags, stream = _HEAD.unpack_from(data, at)
    return high << 8 | low, kind, flags, stream & LARGEST_WINDOW


def frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    """A frame."""
    length = len(payload)
    return _HEAD.pack(length >> 8, length & 0xFF, kind, flags, stream) + payload


def data_frames(stream: int, data: bytes, most: int, ends: bool) -> list[bytes]:
    """``data`` in DATA frames of at most ``most`` bytes; one that is empty where only the end is to be said."""
    last = END_STREAM if ends else 0
    if len(data) <= most:
        return [frame(DATA, last, stream, data)] if data or ends else []
    cuts = range(0, len(data), most)
    return [frame(DATA, last if at == cuts[-1] else 0, stream, data[at : at + most]) for at in cuts]


def header_frames(stream: int, block: bytes, most: int, ends: bool) -> list[bytes]:
    """A header ``block`` in a HEADERS frame, and CONTINUATION frames where it is longer than ``most`` bytes."""
    last = END_STREAM if ends else 0
    if len(block) <= most:
        return [frame(HEADERS, END_HEADERS | last, stream, block)]
    cuts = range(0, len(block), most)
    return [
        frame(
            CONTINUATION if at else HEADERS,
            END_HEADERS * (at == cuts[-1]) | last * (not at),
            stream,
            block[at : at + most],
        )
        for at in cuts
    ]


def window_update(stream: int, increment: int) -> bytes:
    """Lets the peer send ``increment`` bytes more."""
    return frame(WINDOW_UPDATE, 0, stream, _NUMBER.pack(increment))


def increment_of(payload: bytes) -> int:
    """What a WINDOW_UPDATE with ``payload`` grants; 0 where it is none that is right."""
    return (_NUMBER.unpack(payload)[0] & LARGEST_WINDOW) if len(payload) == 4 else 0


def block_of(flags: int, stream: int, payload: bytes) -> bytes | None:
    """The header block of a HEADERS frame; None where it is not a whole one, or anything is peculiar about it."""
    if flags & (END_HEADERS | PADDED) != END_HEADERS:
        return None
    if not flags & HAS_PRIORITY:
        return payload
    if len(payload) < 5 or _NUMBER.unpack_from(payload)[0] & LARGEST_WINDOW == stream:
        return None
    return payload[5:]
