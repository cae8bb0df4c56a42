from __future__ import annotations

import pytest

from captures.formats.multipart import split


def headers(boundary: bytes) -> tuple[tuple[bytes, bytes], ...]:
    return ((b"Content-Type", b"multipart/form-data; boundary=" + boundary),)


def body(boundary: bytes, *parts: tuple[bytes, bytes], end: bytes = b"\r\n") -> bytes:
    whole = b"".join(b"--" + boundary + end + head + end + end + content + end for head, content in parts)
    return whole + b"--" + boundary + b"--" + end


@pytest.mark.parametrize("end", [b"\r\n", b"\n"])
def test_parts(end: bytes) -> None:
    contents = (b"hello", b"", b"\r\nlines\r\n\r\n", b"--X-almost", b"\x00\xff")
    heads = [b'Content-Disposition: form-data; name="f%d"; filename="a \\" b"' % i for i in range(5)]
    data = b"preamble" + end + body(b"X", *zip(heads, contents, strict=True), end=end) + b"epilogue"
    parts = split(data, headers(b"X"))
    assert tuple(part.body for part in parts) == contents
    assert [part.name for part in parts] == ["f0", "f1", "f2", "f3", "f4"]
    assert parts[0].filename == 'a " b'
    assert all(data[part.start : part.end] == part.body for part in parts)


def test_a_part_without_headers_and_one_without_anything() -> None:
    parts = split(b"--X\r\n\r\nhello\r\n--X\r\n\r\n--X--", headers(b'"X"'))
    assert [(part.headers, part.body, part.name, part.filename) for part in parts] == [
        ((), b"hello", "", None),
        ((), b"", "", None),
    ]


def test_folded_header_lines() -> None:
    (part,) = split(b'--X\r\nContent-Disposition: form-data;\r\n  name="x"\r\n\r\n1\r\n--X--', headers(b"X"))
    assert part.name == "x"


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "never occurs"),
        (b"--Y\r\n\r\n--Y--", "never occurs"),
        (b"--X\r\n\r\nhello", "cut off"),
        (b"--X\r\n\r\nhello\r\n--X\r\n", "cut off"),
    ],
)
def test_refused(data: bytes, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        split(data, headers(b"X"))


def test_no_boundary() -> None:
    with pytest.raises(ValueError, match="without a boundary"):
        split(b"x", ((b"Content-Type", b"multipart/mixed"),))


def test_too_many_parts() -> None:
    with pytest.raises(ValueError, match="more than"):
        split(b"--X\n\n1\n" * 10_002, headers(b"X"))
