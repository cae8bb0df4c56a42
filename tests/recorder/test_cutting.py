"""Messages are cut where they end, however the bytes come."""

from __future__ import annotations

import gzip
import re
import struct
import zlib
from collections.abc import Iterator, Sequence
from itertools import pairwise, product

import brotli
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from recorder.cutting import BLOWN, Cutter, Events, GrpcMessages, Unpacked


def fed(cutter: Cutter, pieces: Sequence[bytes]) -> tuple[list[tuple[bytes, int]], tuple[bytes, int] | None]:
    found = [one for piece in pieces for one in cutter.feed(piece)]
    return found, cutter.rest()


def cut(data: bytes, places: Sequence[int]) -> list[bytes]:
    ends = sorted({place % (len(data) + 1) for place in places} | {len(data)})
    return [data[start:end] for start, end in zip([0, *ends[:-1]], ends, strict=True)]


PLACES = st.lists(st.integers(0, 10_000), max_size=30)


@given(st.lists(st.sampled_from([b"data: x", b":", b"\n", b"\r", b"\r\n", b"\n\n", b"\r\n\r\n"]), max_size=30), PLACES)
def test_events_are_the_stream_and_do_not_depend_on_how_it_comes(parts: list[bytes], places: list[int]) -> None:
    stream = b"".join(parts)
    at_once = fed(Events(1000), [stream])
    events, rest = fed(Events(1000), cut(stream, places))
    assert b"".join(body for body, _ in events) + (rest[0] if rest else b"") == stream
    if not stream.endswith(b"\r"):  # one at the end may be half of a line's end
        assert (events, rest) == at_once


@pytest.mark.parametrize(
    ("stream", "events"),
    [
        pytest.param(b"data: 1\n\ndata: 2\n\n", [b"data: 1\n\n", b"data: 2\n\n"], id="lf"),
        pytest.param(b"data: 1\r\n\r\ndata: 2\r\n\r\n", [b"data: 1\r\n\r\n", b"data: 2\r\n\r\n"], id="crlf"),
        pytest.param(b"data: 1\r\rdata: 2\r\rd", [b"data: 1\r\r", b"data: 2\r\r"], id="cr"),
        pytest.param(b"data: 1\n\r\ndata: 2\r\n\nx", [b"data: 1\n\r\n", b"data: 2\r\n\n"], id="mixed"),
        pytest.param(b"data: 1\r\ndata: 2\r\n\r\n", [b"data: 1\r\ndata: 2\r\n\r\n"], id="two-lines"),
        pytest.param(b": alive\n\n", [b": alive\n\n"], id="comment"),
        pytest.param(b"data: 1\n", [], id="cut-off"),
    ],
)
def test_events_end_at_a_blank_line(stream: bytes, events: list[bytes]) -> None:
    for size in range(1, len(stream) + 1):
        pieces = [stream[start : start + size] for start in range(0, len(stream), size)]
        assert [body for body, _ in fed(Events(100), pieces)[0]] == events


@given(st.lists(st.binary(max_size=300), max_size=8), PLACES)
def test_grpc_messages_are_cut_by_their_lengths(bodies: list[bytes], places: list[int]) -> None:
    frames = [struct.pack(">BI", 0, len(body)) + body for body in bodies]
    found, rest = fed(GrpcMessages(1000), cut(b"".join(frames), places))
    assert found == [(frame, len(frame)) for frame in frames]
    assert rest is None


def test_what_is_over_the_limit_is_counted_and_not_kept() -> None:
    frame = struct.pack(">BI", 0, 500) + b"x" * 500
    assert fed(GrpcMessages(20), [frame[i : i + 7] for i in range(0, 505, 7)]) == ([(frame[:20], 505)], None)
    event = b"data: " + b"x" * 500 + b"\n\n"
    assert fed(Events(20), [event[:300], event[300:] + b"data: 2\n\n"]) == (
        [(event[:20], 508), (b"data: 2\n\n", 9)],
        None,
    )


def test_a_message_that_broke_off_is_the_rest() -> None:
    assert fed(GrpcMessages(20), [b"\0\0\0\0\x05ab"]) == ([], (b"\0\0\0\0\x05ab", 7))
    assert fed(Events(20), [b"data: 1\n\ndata"]) == ([(b"data: 1\n\n", 9)], (b"data", 4))


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "zstd"])
def test_events_in_a_content_coding_are_cut_as_they_come(coding: str) -> None:
    stream = b"data: 1\n\ndata: 2\n\n"
    packed = {
        "gzip": gzip.compress,
        "deflate": zlib.compress,
        "br": brotli.compress,
        "zstd": zstandard.ZstdCompressor().compress,
    }[coding](stream)
    found, rest = fed(Unpacked(coding, Events(100)), [packed[:5], packed[5:]])
    assert [body for body, _ in found] == [b"data: 1\n\n", b"data: 2\n\n"]
    assert rest is None


class Weighed:
    """In place of what cuts: how much it was given."""

    def __init__(self) -> None:
        self.sizes: list[int] = []

    def feed(self, data: bytes) -> Iterator[tuple[bytes, int]]:
        self.sizes.append(len(data))
        yield from ()

    def rest(self) -> None:
        return None


@pytest.mark.parametrize("coding", ["br", "zstd"])
def test_a_few_bytes_that_unpack_to_hundreds_of_megabytes_are_given_up_early(coding: str) -> None:
    zeros = bytes(200_000_000)
    bomb = brotli.compress(zeros, quality=1) if coding == "br" else zstandard.ZstdCompressor().compress(zeros)
    inner = Weighed()
    with pytest.raises(ValueError, match="far more than came"):
        fed(Unpacked(coding, inner), [bomb])
    assert sum(inner.sizes) <= BLOWN


def test_where_an_event_ends_is_where_two_lines_end() -> None:
    plain = re.compile(rb"(?:\r\n|\n|\r(?!\n|\Z)){2}")
    for length in range(8):
        for one in map(bytes, product(b"\r\nx", repeat=length)):
            ends = [match.end() for match in plain.finditer(one)]
            events, _ = fed(Events(100), [one])
            assert [size for _, size in events] == [end - begin for begin, end in pairwise([0, *ends])]


def test_a_coding_that_cannot_be_taken_off_piece_by_piece_is_refused() -> None:
    with pytest.raises(ValueError, match="compress"):
        Unpacked("compress", Events(100))
