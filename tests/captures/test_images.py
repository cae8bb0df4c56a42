from __future__ import annotations

import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from captures.formats.images import image_type, read_image

PNG = b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sIIBBBBB", 13, b"IHDR", 16, 32, 8, 2, 0, 0, 0) + b"rest"
GIF = b"GIF89a" + struct.pack("<HH", 3, 4) + b"\x00\x00\x00"


@pytest.mark.parametrize(
    ("data", "declared", "value"),
    [
        (PNG, "image/png", {"type": "image/png", "width": 16, "height": 32}),
        (GIF, "image/gif", {"type": "image/gif", "width": 3, "height": 4}),
        (GIF, "image/png", {"type": "image/gif", "width": 3, "height": 4, "declared-as": "image/png"}),
        (b"\xff\xd8\xff\xe0", "image/jpg", {"type": "image/jpeg", "width": None, "height": None}),
        (b"hello", "image/png", None),
    ],
)
def test_images(data: bytes, declared: str, value: Any) -> None:
    assert read_image(data, declared) == value


@given(
    st.sampled_from([PNG, GIF, b"\xff\xd8\xff", b"II*\x00", b"RIFF1234WEBPVP8 ", b"\0\0\0\0ftypavif", b"BM"]),
    st.binary(),
)
def test_damaged_images_are_read(start: bytes, rest: bytes) -> None:
    for data in (start + rest, start[: len(rest)], start[:12] + rest):
        value = read_image(data, "")
        assert (value is None) is (image_type(data) is None)
