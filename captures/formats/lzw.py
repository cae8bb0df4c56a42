"""The content coding ``compress`` (RFC 9110, 8.4.1.1): adaptive Lempel-Ziv-Welch as the UNIX program writes it.

Codes grow from 9 bits to at most the width in the header; they stand in groups of eight, and a group that is begun is
filled up where the width changes or the table is cleared.
"""

from __future__ import annotations

_MAGIC = b"\x1f\x9d"
_CLEAR = 256
_RUN = 247  # with the clear code 31 whole groups


def decompressed(body: bytes, limit: int) -> bytes | None:
    """What ``body`` unpacks to; None when that is more than ``limit`` bytes. Raises ``ValueError`` for damaged data."""
    if len(body) < 3 or body[:2] != _MAGIC:
        raise ValueError("damaged compress data: no header")
    widest, clears = body[2] & 0x1F, bool(body[2] & 0x80)
    if not 9 <= widest <= 16:
        raise ValueError("damaged compress data: an impossible width")
    first = 257 if clears else 256
    table = [bytes([value]) for value in range(256)] + [b""] * (first - 256)
    out: list[bytes] = []
    total = 0
    width, before = 9, b""
    position = start = 24  # in bits; ``start`` is where codes of this width begin
    end = len(body) * 8
    while position + width <= end:
        at = position // 8
        code = int.from_bytes(body[at : at + 4], "little") >> position % 8 & (1 << width) - 1
        position += width
        if clears and code == _CLEAR:
            position = start = _filled(position, start, width)
            del table[first:]
            width, before = 9, b""
            continue
        if code < len(table):
            entry = table[code]
        elif code == len(table) and before:
            entry = before + before[:1]
        else:
            raise ValueError("damaged compress data: a code that was never made")
        total += len(entry)
        if total > limit:
            return None
        out.append(entry)
        if before and len(table) < 1 << widest:
            table.append(before + entry[:1])
        before = entry
        if len(table) >= 1 << width and width < widest:
            position = start = _filled(position, start, width)
            width += 1
    return b"".join(out)


def compressed(data: bytes) -> bytes:
    """``data`` packed as single bytes: any reader takes it, and what is put on again need not be small."""
    bits, value = 0, 0
    out = bytearray(_MAGIC + bytes([0x80 | 16]))
    for start in range(0, len(data), _RUN):
        for code in (*data[start : start + _RUN], _CLEAR):  # cleared before codes would grow to 10 bits
            value |= code << bits
            bits += 9
            while bits >= 8:
                out.append(value & 0xFF)
                value >>= 8
                bits -= 8
    if bits:
        out.append(value & 0xFF)
    return bytes(out)


def _filled(position: int, start: int, width: int) -> int:
    """The end of the group of eight codes that ``position`` stands in."""
    group = 8 * width
    return start + -(-(position - start) // group) * group
