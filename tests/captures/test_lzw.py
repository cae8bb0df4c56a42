from __future__ import annotations

import gzip
import shutil
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from captures.formats.codings import content_decoded, content_encoded
from captures.formats.lzw import compressed, decompressed
from tests.corpus import each

GROWING = b"abcdbcdacdab" * 400


def packed(data: bytes, widest: int = 16, clear_every: int = 0) -> bytes:
    """A whole compressor, codes growing as the UNIX program's do."""
    out, value, bits, count = bytearray(b"\x1f\x9d" + bytes([widest | 0x80])), 0, 0, 0
    table = {bytes([at]): at for at in range(256)}
    width, theirs, word = 9, 256, b""  # theirs: entries in the reader's table

    def emit(code: int) -> None:
        nonlocal value, bits, count
        value |= code << bits
        bits += width
        count += 1
        while bits >= 8:
            out.append(value & 0xFF)
            value >>= 8
            bits -= 8

    def fill() -> None:
        nonlocal count
        while count % 8:
            emit(0)
        count = 0

    for at, byte in enumerate(data, 1):
        longer = word + bytes([byte])
        if longer in table:
            word = longer
            continue
        emit(table[word])
        theirs = min(theirs + 1, 1 << widest)
        if len(table) + 1 < 1 << widest:
            table[longer] = len(table) + 1
        if theirs >= 1 << width and width < widest:
            fill()
            width += 1
        word = bytes([byte])
        if clear_every and at % clear_every == 0:
            emit(table[word])
            emit(256)
            fill()
            table = {bytes([at]): at for at in range(256)}
            width, theirs, word = 9, 256, b""
    if word:
        emit(table[word])
    if bits:
        out.append(value & 0xFF)
    return bytes(out)


@pytest.mark.parametrize("widest", [9, 10, 12, 16])
@pytest.mark.parametrize("clear_every", [0, 700])
@each("data", [b"", b"a", b"hello hello hello", b"a" * 50_000, GROWING], ids=len)
def test_what_a_growing_compressor_writes_is_read(data: bytes, widest: int, clear_every: int) -> None:
    assert decompressed(packed(data, widest, clear_every), 10**6) == data


@given(st.binary(max_size=2_000))
def test_round_trip(data: bytes) -> None:
    assert decompressed(compressed(data), 10**6) == data
    assert decompressed(packed(data), 10**6) == data


@pytest.mark.skipif(shutil.which("gzip") is None, reason="needs the gzip program")
@pytest.mark.parametrize("body", [compressed(GROWING), packed(GROWING), packed(GROWING, 12, 700)])
def test_another_reader_agrees(body: bytes) -> None:
    assert subprocess.run(["gzip", "-dc"], input=body, capture_output=True, check=True).stdout == GROWING


@pytest.mark.parametrize(
    "body",
    [b"", b"\x1f\x9d", gzip.compress(b"a", mtime=0), b"\x1f\x9d\x91a", b"\x1f\x9d\x88aa", b"\x1f\x9d\x90\xff\xff\xff"],
)
def test_damaged_data_are_refused(body: bytes) -> None:
    with pytest.raises(ValueError, match="damaged compress data"):
        decompressed(body, 100)


@pytest.mark.parametrize("name", [b"compress", b"x-compress"])
def test_as_a_content_coding(name: bytes) -> None:
    """It says nothing of its length: a cut-off body cannot be told, only the end of what is there."""
    head = ((b"Content-Encoding", name),)
    assert content_decoded(packed(GROWING), head) == GROWING
    assert content_decoded(content_encoded(GROWING, head, b""), head) == GROWING


def test_a_bomb_is_refused() -> None:
    with pytest.raises(ValueError, match="more than 1,000 bytes"):
        content_decoded(packed(b"a" * 100_000), ((b"Content-Encoding", b"compress"),), 1_000)


def test_too_many_codings_are_refused() -> None:
    with pytest.raises(ValueError, match="more than 8"):
        content_decoded(b"x", ((b"Content-Encoding", b"gzip, " * 9),))
