from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable
from contextlib import suppress

import brotli
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from captures.formats.codings import content_codings, content_decoded, content_encoded
from captures.model import Headers


def raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(6, zlib.DEFLATED, -15)
    return packer.compress(data) + packer.flush()


PACKERS: list[tuple[str, Callable[[bytes], bytes]]] = [
    ("gzip", gzip.compress),
    ("x-gzip", gzip.compress),
    ("deflate", zlib.compress),
    ("deflate", raw_deflate),
    ("br", brotli.compress),
    ("zstd", zstandard.ZstdCompressor().compress),
]
DATA = b'{"hello": "world"}' * 500


def coded(*names: str) -> Headers:
    return ((b"Content-Encoding", ", ".join(names).encode()),)


@pytest.mark.parametrize(("name", "pack"), PACKERS)
def test_each_coding_comes_off(name: str, pack: Callable[[bytes], bytes]) -> None:
    assert content_decoded(pack(DATA), coded(name)) == DATA


@pytest.mark.parametrize(("name", "pack"), PACKERS)
def test_what_is_cut_off_or_followed_by_something_is_refused(name: str, pack: Callable[[bytes], bytes]) -> None:
    packed = pack(DATA)
    for damaged in (packed[:-1], packed[: len(packed) // 2], packed + b"!"):
        with pytest.raises(ValueError, match=r"\w"):
            content_decoded(damaged, coded(name))


@pytest.mark.parametrize(("name", "pack"), PACKERS)
def test_a_bomb_is_refused(name: str, pack: Callable[[bytes], bytes]) -> None:
    with pytest.raises(ValueError, match="more than 100,000 bytes"):
        content_decoded(pack(bytes(1_000_000)), coded(name), limit=100_000)


@pytest.mark.parametrize(("name", "pack"), PACKERS)
def test_exactly_the_limit_passes(name: str, pack: Callable[[bytes], bytes]) -> None:
    assert len(content_decoded(pack(bytes(100_000)), coded(name), limit=100_000)) == 100_000


@pytest.mark.parametrize(("name", "pack"), PACKERS)
def test_encoding_again_keeps_the_flavour(name: str, pack: Callable[[bytes], bytes]) -> None:
    like = pack(DATA)
    again = content_encoded(b"other " * 100, coded(name), like)
    assert content_decoded(again, coded(name)) == b"other " * 100
    if name == "deflate":
        assert (again[:1] == b"\x78") == (like[:1] == b"\x78")


def test_stacked_codings_in_one_header_or_several() -> None:
    body = brotli.compress(gzip.compress(DATA))
    for headers in (coded("gzip", "br"), (*coded("GZIP"), (b"content-encoding", b"identity, br"))):
        assert content_codings(headers) == ("gzip", "br")
        assert content_decoded(body, headers) == DATA
        assert content_decoded(content_encoded(b"x", headers, body), headers) == b"x"


def test_gzip_members_and_zstd_frames_may_follow_each_other() -> None:
    assert content_decoded(gzip.compress(b"a") + gzip.compress(b"b"), coded("gzip")) == b"ab"
    pack = zstandard.ZstdCompressor().compress
    assert content_decoded(pack(b"a") + pack(b"b" * 9000), coded("zstd")) == b"a" + b"b" * 9000


def test_no_coding_is_the_same_object() -> None:
    assert content_decoded(DATA, ()) is DATA
    assert content_encoded(DATA, coded("identity"), b"") is DATA


def test_unknown_coding() -> None:
    with pytest.raises(ValueError, match="unknown content coding 'snappy'"):
        content_decoded(b"x", coded("snappy"))


@given(st.binary(max_size=300), st.sampled_from(["gzip", "deflate", "br", "zstd", "gzip, br"]))
def test_any_bytes_decode_or_are_refused_with_a_sentence(body: bytes, name: str) -> None:
    with suppress(ValueError):  # anything else fails the test
        content_decoded(body, coded(name), limit=10_000)
