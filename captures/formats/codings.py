"""Content codings (RFC 9110, 8.4.1): taking gzip, deflate, br, zstd and compress off a body and putting them on.

A body may be hostile: what comes out is capped, and every decoder here is fed so that it can overshoot the cap only
by a bounded amount.
"""

from __future__ import annotations

import zlib
from functools import lru_cache

from captures.model import Headers, header_values

MAX_DECODED = 256 * 1024 * 1024
"""Bytes a body may decode to. A longer one is refused as a decompression bomb."""

MAX_CODINGS = 8
"""Codings one on another. More are refused: each may cost up to :data:`MAX_DECODED`."""

# The decoders below without an output limit are fed this many bytes at a time. Both formats can say "16 MiB of the
# same" in about twenty bytes (brotli) or "128 KiB" in four (zstd, RLE block).
_BROTLI_STEP = 128
_ZSTD_STEP = 1024


@lru_cache(maxsize=64)  # the headers at hand are asked for again and again
def content_codings(headers: Headers) -> tuple[str, ...]:
    """The codings in the order they were applied, lower case, ``identity`` left out."""
    values = header_values(headers, "content-encoding")
    if not values:
        return ()
    names = (name.strip().lower() for value in values for name in value.decode("latin-1").split(","))
    return tuple(name for name in names if name not in ("", "identity"))


def content_decoded(body: bytes, headers: Headers, limit: int = MAX_DECODED) -> bytes:
    """``body`` with every content coding taken off.

    Raises ``ValueError`` (one sentence) for an unknown coding, damaged or cut-off data, or more than ``limit`` bytes.
    """
    codings = content_codings(headers)
    if len(codings) > MAX_CODINGS:
        raise ValueError(f"more than {MAX_CODINGS} content codings one on another")
    for coding in reversed(codings):
        body = _decode_one(coding, body, limit)
    return body


def content_encoded(body: bytes, headers: Headers, like: bytes) -> bytes:
    """``body`` with the codings of ``headers`` put on again; ``like`` is the body as it was received.

    Deterministic, and of the same flavour of ``deflate`` (zlib or raw) as ``like``. Raises ``ValueError`` as above.
    """
    codings = content_codings(headers)
    if not codings:
        return body
    received = [like]
    for coding in reversed(codings[1:]):
        received.append(_decode_one(coding, received[-1], MAX_DECODED))
    for coding, before in zip(codings, reversed(received), strict=True):
        body = _encode_one(coding, body, before)
    return body


def _decode_one(coding: str, body: bytes, limit: int) -> bytes:
    if coding in ("gzip", "x-gzip"):
        return _gunzip(body, limit)
    if coding == "deflate":
        if _is_raw_deflate(body):
            return _inflate(body, -zlib.MAX_WBITS, limit)
        return _inflate(body, zlib.MAX_WBITS, limit)
    if coding == "br":
        return _unbrotli(body, limit)
    if coding == "zstd":
        return _unzstd(body, limit)
    if coding in ("compress", "x-compress"):
        from captures.formats.lzw import decompressed

        out = decompressed(body, limit)
        if out is None:
            raise _too_big(limit)
        return out
    raise ValueError(f"unknown content coding {coding[:40]!r}")


def _encode_one(coding: str, body: bytes, like: bytes) -> bytes:
    if coding in ("gzip", "x-gzip"):
        packer = zlib.compressobj(6, zlib.DEFLATED, 16 + zlib.MAX_WBITS)
        return packer.compress(body) + packer.flush()
    if coding == "deflate":
        window = -zlib.MAX_WBITS if _is_raw_deflate(like) else zlib.MAX_WBITS
        packer = zlib.compressobj(6, zlib.DEFLATED, window)
        return packer.compress(body) + packer.flush()
    if coding == "br":
        import brotli

        return bytes(brotli.compress(body, quality=5))
    if coding in ("compress", "x-compress"):
        from captures.formats.lzw import compressed

        return compressed(body)
    if coding == "zstd":
        import zstandard

        return zstandard.ZstdCompressor(level=3).compress(body)
    raise ValueError(f"unknown content coding {coding[:40]!r}")


def _is_raw_deflate(body: bytes) -> bool:
    """The standard says zlib; some servers send raw deflate, and every client takes both (header: RFC 1950, 2.2)."""
    return len(body) < 2 or body[0] & 0x0F != 8 or int.from_bytes(body[:2], "big") % 31 != 0


def _too_big(limit: int) -> ValueError:
    return ValueError(f"decodes to more than {limit:,} bytes")


def _inflate(body: bytes, window: int, limit: int) -> bytes:
    unpacker = zlib.decompressobj(window)
    try:
        out = unpacker.decompress(body, limit + 1)
    except zlib.error as error:
        raise ValueError(f"damaged deflate data: {error}") from error
    if len(out) > limit:
        raise _too_big(limit)
    if not unpacker.eof:
        raise ValueError("deflate data are cut off")
    if unpacker.unused_data:
        raise ValueError("deflate data are followed by something else")
    return out


def _gunzip(body: bytes, limit: int) -> bytes:
    pieces: list[bytes] = []
    total = 0
    rest = body
    while rest:  # RFC 1952: a gzip file is a series of members
        unpacker = zlib.decompressobj(16 + zlib.MAX_WBITS)
        try:
            out = unpacker.decompress(rest, limit + 1 - total)
        except zlib.error as error:
            raise ValueError(f"damaged gzip data: {error}") from error
        total += len(out)
        if total > limit:
            raise _too_big(limit)
        if not unpacker.eof:
            raise ValueError("gzip data are cut off")
        pieces.append(out)
        rest = unpacker.unused_data
    return b"".join(pieces)


def _unbrotli(body: bytes, limit: int) -> bytes:
    import brotli

    unpacker = brotli.Decompressor()
    pieces: list[bytes] = []
    total = 0
    try:
        for start in range(0, len(body), _BROTLI_STEP):
            out = unpacker.process(body[start : start + _BROTLI_STEP])
            if out:
                total += len(out)
                pieces.append(out)
                if total > limit:
                    raise _too_big(limit)
    except brotli.error as error:
        raise ValueError("damaged brotli data") from error
    if body and not unpacker.is_finished():
        raise ValueError("brotli data are cut off")
    return b"".join(pieces)


def _unzstd(body: bytes, limit: int) -> bytes:
    import zstandard

    pieces: list[bytes] = []
    total = 0
    rest = body
    while rest:  # frames may follow each other (RFC 8878, 3.1)
        unpacker = zstandard.ZstdDecompressor().decompressobj()
        position = 0
        try:
            while position < len(rest) and not unpacker.eof:
                out = unpacker.decompress(rest[position : position + _ZSTD_STEP])
                position += _ZSTD_STEP
                total += len(out)
                pieces.append(out)
                if total > limit:
                    raise _too_big(limit)
        except zstandard.ZstdError as error:
            raise ValueError(f"damaged zstd data: {error}") from error
        if not unpacker.eof:
            raise ValueError("zstd data are cut off")
        rest = unpacker.unused_data + rest[position:]
    return b"".join(pieces)
