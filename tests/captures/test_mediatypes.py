from __future__ import annotations

import pytest

from captures.formats.mediatypes import is_json, is_text, media_type, parameters


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b"application/json", "application/json"),
        (b" Application/JSON ; charset=utf-8", "application/json"),
        (b"", ""),
        (b"text/plain;", "text/plain"),
    ],
)
def test_media_type(value: bytes, expected: str) -> None:
    assert media_type(((b"content-TYPE", value), (b"Content-Type", b"x/y"))) == expected


def test_no_content_type() -> None:
    assert media_type(()) == ""


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("text/plain; charset=utf-8", {"charset": "utf-8"}),
        ('multipart/form-data; boundary="a; b=\\"c"', {"boundary": 'a; b="c'}),
        ("x/y;a=1;A=2; b = 3 ", {"a": "1", "b": "3"}),
        ('form-data; name="x"; filename=""', {"name": "x", "filename": ""}),
        ('form-data; name="never closed', {"name": "never closed"}),
        ("x/y", {}),
    ],
)
def test_parameters(value: str, expected: dict[str, str]) -> None:
    assert parameters(value) == expected


@pytest.mark.parametrize(
    "kind", ["application/json", "text/json", "application/problem+json", "application/x-amz-json-1.1"]
)
def test_json_types(kind: str) -> None:
    assert is_json(kind)


@pytest.mark.parametrize("kind", ["text/html", "application/xml", "image/svg+xml", "application/x-ndjson"])
def test_text_types(kind: str) -> None:
    assert is_text(kind)
    assert not is_json(kind)


@pytest.mark.parametrize("kind", ["image/png", "application/octet-stream", ""])
def test_other_types(kind: str) -> None:
    assert not is_text(kind)
    assert not is_json(kind)
