from __future__ import annotations

import base64
import gzip
import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from captures.formats.jsontext import Number
from captures.formats.protobuf import read_grpc, read_protobuf
from tests.corpus import each


def varint(value: int) -> bytes:
    out = b""
    while value > 127:
        out += bytes([value & 127 | 128])
        value >>= 7
    return out + bytes([value])


def field(number: int, value: int | bytes | float) -> bytes:
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    if isinstance(value, float):
        return varint(number << 3 | 1) + struct.pack("<d", value)
    return varint(number << 3 | 2) + varint(len(value)) + value


NESTED = field(1, field(2, 150) + field(3, b"\x00\x01"))


@each(
    ("message", "value"),
    [
        (b"", {}),
        (field(1, 150), {"f1": 150}),
        (field(1, 2**64 - 1), {"f1": 2**64 - 1}),
        (field(2, b"testing"), {"f2": "testing"}),
        (field(2, "grüße\n".encode()), {"f2": "grüße\n"}),
        (field(2, b"\xff\xfe"), {"f2": {"#bytes": "fffe"}}),
        (field(3, field(1, 150)), {"f3": {"f1": 150}}),
        (NESTED, {"f1": {"f2": 150, "f3": {"#bytes": "0001"}}}),
        (field(1, 1) + field(1, 2), {"f1": [1, 2]}),
        (field(1, 1.5), {"f1": {"#double": Number("1.5")}}),
        (b"\x09" + b"\xff" * 8, {"f1": {"#fixed64": 2**64 - 1}}),
        (b"\x0d\x01\x00\x00\x00", {"f1": {"#fixed32": 1}}),
        (b"\x0b\x10\x07\x0c", {"f1": {"#group": {"f2": 7}}}),
        (field(2, 1) + field(1, 1), {"f1": 1, "f2": 1}),
    ],
)
def test_messages(message: bytes, value: Any) -> None:
    assert repr(read_protobuf([message])) == repr([value])


@pytest.mark.parametrize(
    ("left", "right", "expected"),
    [
        (field(1, 1), field(1, 1) + field(1, 2), [{"f1": [1]}, {"f1": [1, 2]}]),
        (field(1, b"\x08\x01"), field(1, b""), [{"f1": {"f1": 1}}, {"f1": {}}]),
        (field(1, b"\xff"), field(1, b"abc"), [{"f1": {"#bytes": "ff"}}, {"f1": {"#bytes": "616263"}}]),
        (field(1, 1.5), b"\x09" + b"\xff" * 8, [{"f1": {"#fixed64": 0x3FF8 << 48}}, {"f1": {"#fixed64": 2**64 - 1}}]),
        (field(1, 1), field(1, b"a"), [{"f1": 1}, {"f1": "a"}]),
    ],
)
def test_a_field_is_of_one_kind_on_both_sides(left: bytes, right: bytes, expected: Any) -> None:
    assert repr(read_protobuf([left, right])) == repr(expected)


REFUSED = (
    b"\x08",
    b"\x08\xff",
    b"\x08" + b"\xff" * 10 + b"\x01",
    b"\x0a\x05ab",
    b"\x00\x01",
    b"\x0f",
    b"\x0c",
    b"\x0b\x10\x07",
    b"\x09\x01",
    b"\x0b" * 200,
)


@each("message", REFUSED)
def test_what_is_refused(message: bytes) -> None:
    with pytest.raises(ValueError, match="no protobuf"):
        read_protobuf([message])


@given(st.binary(max_size=40), st.binary(max_size=40))
def test_unequal_messages_are_unequal_values_or_the_same_fields(one: bytes, other: bytes) -> None:
    try:
        left, right = read_protobuf([one, other])
    except ValueError:
        return
    if left == right:  # another order of fields, longer varints: the same to any reader
        assert repr(left) == repr(right)
        assert sorted(left) == sorted(right)


def frame(message: bytes, flag: int = 0) -> bytes:
    return bytes([flag]) + len(message).to_bytes(4, "big") + message


def test_frames_of_grpc() -> None:
    body = frame(field(1, 1)) + frame(gzip.compress(field(1, 1) + field(1, 2)), 1)
    assert read_grpc([body], "application/grpc") == [[{"f1": [1]}, {"f1": [1, 2]}]]
    assert read_grpc([frame(b'{"a": 1}')], "application/grpc+json") == [[{"a": 1}]]


def test_frames_of_grpc_web_with_trailers() -> None:
    body = frame(field(1, 7)) + frame(b"grpc-status: 0\r\nGrpc-Message:ok\r\n", 0x80)
    expected = [[{"f1": 7}, {"@grpc-status": "0", "@grpc-message": "ok"}]]
    assert read_grpc([body], "application/grpc-web+proto") == expected
    assert read_grpc([base64.b64encode(body)], "application/grpc-web-text") == expected


@pytest.mark.parametrize("body", [b"\x00\x00", b"\x00\x00\x00\x00\x09abc", frame(b"no gzip", 1), frame(b"\x08")])
def test_broken_frames_are_refused(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"gRPC|protobuf"):
        read_grpc([body], "application/grpc")
