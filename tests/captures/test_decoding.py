from __future__ import annotations

import gzip
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from captures.formats.codings import content_encoded
from captures.formats.decoding import (
    BinaryBody,
    Decoded,
    EmptyBody,
    FormBody,
    JsonBody,
    Literal,
    MultipartBody,
    Number,
    TextBody,
    Undecodable,
    decode,
)
from captures.model import Headers
from tests.corpus import each


def of(kind: str, body: bytes, *more: tuple[bytes, bytes]) -> Decoded:
    return decode(body, ((b"Content-Type", kind.encode("latin-1")), *more))


@pytest.mark.parametrize("kind", ["application/json", "text/json; charset=utf-8", "application/vnd.api+json"])
def test_json_by_type(kind: str) -> None:
    assert of(kind, b'{"a": 1.10}') == JsonBody({"a": Number("1.10")}, (), '{"a": 1.10}')


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-be", "utf-32", "utf-32-le"])
def test_json_in_every_unicode_encoding(encoding: str) -> None:
    decoded = of("application/json", '{"é": "密"}'.encode(encoding))
    assert isinstance(decoded, JsonBody)
    assert decoded.value == {"é": "密"}
    assert decoded.text == '{"é": "密"}'


def test_json_in_a_declared_old_charset() -> None:
    decoded = of("application/json; charset=iso-8859-1", '{"a": "é"}'.encode("latin-1"))
    assert isinstance(decoded, JsonBody)
    assert decoded.value == {"a": "é"}


def test_utf8_goes_before_what_is_declared() -> None:
    decoded = of("application/json; charset=iso-8859-1", '{"a": "é"}'.encode())
    assert isinstance(decoded, JsonBody)
    assert decoded.value == {"a": "é"}


def test_json_by_content_only_where_no_type_is_given() -> None:
    assert isinstance(decode(b' [1, {"a": 2}]', ()), JsonBody)
    assert isinstance(decode(b"[not json", ()), TextBody)
    assert isinstance(of("text/plain", b"[1]"), TextBody)
    assert isinstance(of("application/octet-stream", b"[1]"), BinaryBody)


@each(
    ("kind", "body", "reason"),
    [
        ("application/json", b"<html>", "declared application/json: Expecting value at line 1 column 1"),
        ("application/json", b"\xff\xfe\xff", "declared application/json: not valid utf-16 at byte 2"),
        ("application/json", b'{"a": "\xff"}', "declared application/json: not valid utf-8 at byte 7"),
        ("application/json; charset=foo", b'"\xff"', "declared application/json: unknown charset 'foo'"),
        ("text/plain; charset=utf-8", b"\xff", "declared text/plain: not valid utf-8 at byte 0"),
        ("text/plain; charset=zlib", b"x", "declared text/plain: unknown charset 'zlib'"),
        ('text/plain; charset="a\x00b"', b"x", "declared text/plain: unknown charset 'a\\x00b'"),
        ("multipart/form-data", b"x", "declared multipart/form-data: multipart without a boundary"),
    ],
)
def test_what_is_not_as_declared_is_undecodable(kind: str, body: bytes, reason: str) -> None:
    decoded = of(kind, body)
    assert decoded == Undecodable(reason, body)


def test_content_codings_come_off_first() -> None:
    encoded = (b"content-encoding", b"gzip")
    assert of("text/plain", gzip.compress(b"hi"), encoded) == TextBody("hi", "text/plain", "utf-8")
    assert of("image/png", gzip.compress(b"\x89"), encoded) == BinaryBody(b"\x89", "image/png")
    assert of("text/plain", gzip.compress(b""), encoded) == EmptyBody()
    assert of("text/plain", b"not gzip", encoded) == Undecodable(
        "content coding: damaged gzip data: Error -3 while decompressing data: incorrect header check", b"not gzip"
    )


def test_empty() -> None:
    assert of("application/json", b"", (b"content-encoding", b"gzip")) == EmptyBody()


@each(
    ("kind", "body", "text", "charset"),
    [
        ("text/plain", "é".encode(), "é", "utf-8"),
        ("text/plain", b"\xe9", "é", "iso-8859-1"),
        ("text/plain; charset=Latin-1", b"\xe9", "é", "latin-1"),
        ("text/html", b'<meta charset="windows-1252">\x80', '<meta charset="windows-1252">€', "windows-1252"),
        ("text/xml", b"<?xml version='1.0' encoding='ISO-8859-2'?>\xb1", None, "iso-8859-2"),
        ("text/plain; charset=iso-8859-1", "\ufeffé".encode(), "é", "utf-8"),
        ("text/plain", "é".encode("utf-16"), "é", "utf-16"),
        ("application/javascript", b"f()", "f()", "utf-8"),
        ("image/svg+xml", b"<svg/>", "<svg/>", "utf-8"),
    ],
)
def test_text_charsets(kind: str, body: bytes, text: str | None, charset: str) -> None:
    decoded = of(kind, body)
    assert isinstance(decoded, TextBody)
    assert decoded.charset == charset
    assert text is None or decoded.text == text


def test_without_a_type_bytes_are_told_from_text() -> None:
    assert decode(b"plain\n", ()) == TextBody("plain\n", "", "utf-8")
    assert decode(b"\x00\x01", ()) == BinaryBody(b"\x00\x01", "")
    assert decode(b"\xff\xfe\xfd", ()) == BinaryBody(b"\xff\xfe\xfd", "")


def test_form() -> None:
    body = b"a=1&a=2&b=%C3%A9+x&c&&d=%zz&e=%E9"
    assert of("application/x-www-form-urlencoded; charset=utf-8", body) == FormBody(
        (("a", "1"), ("a", "2"), ("b", "é x"), ("c", ""), ("d", "%zz"), ("e", "\\xe9"))
    )


def multipart(boundary: bytes) -> MultipartBody:
    body = (
        b'--B\r\nContent-Disposition: form-data; name="note"\r\n\r\nhello\r\n'
        b'--B\r\nContent-Disposition: form-data; name="f"; filename="x.json"\r\n'
        b'Content-Type: application/json\r\n\r\n{"a":1}\r\n--B--\r\n'
    ).replace(b"--B", b"--" + boundary)
    decoded = of("multipart/form-data; boundary=" + boundary.decode(), body)
    assert isinstance(decoded, MultipartBody)
    return decoded


def test_multipart_by_parts_whatever_the_boundary() -> None:
    first = multipart(b"B")
    assert first == multipart(b"------------------------d74496d66958873e")
    assert [(part.name, part.filename) for part in first.parts] == [("note", None), ("f", "x.json")]
    assert first.parts[0].content == TextBody("hello", "", "utf-8")
    assert first.parts[1].content == JsonBody({"a": 1}, (), '{"a":1}')


def test_multipart_in_multipart_ends_at_some_depth() -> None:
    body = b"end"
    for level in range(8):
        kind = b"multipart/mixed; boundary=B%d" % (level - 1) if level else b"text/plain"
        body = b"--B%d\r\nContent-Type: %s\r\n\r\n%s\r\n--B%d--" % (level, kind, body, level)
    decoded = of("multipart/mixed; boundary=B7", body)
    depth = 0
    while isinstance(decoded, MultipartBody):
        (part,) = decoded.parts
        decoded = part.content
        depth += 1
    assert depth == 5
    assert isinstance(decoded, Undecodable)
    assert "nested more than 5" in decoded.reason


NAMES = st.sampled_from([b"Content-Type", b"content-encoding", b"X"])
TYPES = st.sampled_from(
    b"application/json|text/html|text/plain; charset=utf-16|application/x-www-form-urlencoded|"
    b"multipart/form-data; boundary=B|multipart/mixed|image/png|application/json; charset=utf-7|"
    b"text/plain; charset=idna|text/plain; charset=undefined|gzip|br|zstd|deflate|identity".split(b"|")
)
HEADERS = st.lists(st.tuples(NAMES, TYPES | st.binary(max_size=30)), max_size=4).map(tuple)
BODIES = st.binary(max_size=200) | st.sampled_from(
    [
        b'{"a":[1,2.5],"a":null}',
        b"--B\r\n\r\nx\r\n--B--",
        b"a=1&b=%ff",
        gzip.compress(b"[1]"),
        b"[" * 2000,
        b"1e999999999",
    ]
)


@given(BODIES, HEADERS)
def test_any_bytes_with_any_headers_decode_or_are_undecodable(body: bytes, headers: Headers) -> None:
    decoded = decode(body, headers)
    assert isinstance(decoded, Decoded)
    assert decode(body, headers) == decoded
    if isinstance(decoded, Undecodable):
        assert decoded.reason


@settings(max_examples=40)
@given(
    st.recursive(
        st.none() | st.integers() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
    )
)
@pytest.mark.slow
def test_json_round_trip(value: object) -> None:
    decoded = of("application/json", json.dumps(value, ensure_ascii=True).encode())
    assert isinstance(decoded, JsonBody)
    assert decoded.value == value


def test_json_lines_declared_as_json_are_text() -> None:
    """Streaming APIs (watches of Kubernetes, events of Docker) call them application/json."""
    lines = b'{"type": "ADDED"}\n{"type": "DELETED"}\n'
    assert of("application/json", lines) == TextBody(lines.decode(), "application/json", "utf-8")
    assert isinstance(of("application/json", b'{"type": "ADDED"}\nno JSON\n'), Undecodable)


def test_literals_that_are_no_json_are_kept_and_told() -> None:
    decoded = of("application/json", b'{"ratio": NaN}')
    assert isinstance(decoded, JsonBody)
    assert decoded.value == {"ratio": Literal("NaN")}
    assert decoded.defects == ("NaN at $.ratio",)


@pytest.mark.parametrize("text", [b'{"a": 1,}', b"{'a': 1}", b"[1, 2", b"// no\n{}", b"NaN NaN", b"+1"])
def test_everything_else_malformed_is_undecodable_with_its_place(text: bytes) -> None:
    decoded = of("application/json", text)
    assert isinstance(decoded, Undecodable)
    assert "line " in decoded.reason


def test_nesting_is_what_the_reader_can_follow() -> None:
    deep = b"[" * 5_000 + b"]" * 5_000
    head = ((b"Content-Type", b"application/json"),)
    assert isinstance(decode(deep, head), Undecodable)
    assert isinstance(decode(deep, head, 10_000), JsonBody)
    assert decode(deep, head, 4_999) == Undecodable(
        "declared application/json: nested more than 4999 levels deep", deep
    )


def test_frames_of_grpc_are_bytes_whatever_is_in_them() -> None:
    assert of("application/grpc+json", b"\0\0\0\0\2{}") == BinaryBody(b"\0\0\0\0\2{}", "application/grpc+json")


@pytest.mark.parametrize("codings", ["gzip, br", "identity, gzip", "deflate, zstd, gzip"])
def test_stacked_codings_come_off_in_reverse(codings: str) -> None:
    head = ((b"Content-Type", b"text/plain"), (b"Content-Encoding", codings.encode()))
    assert decode(content_encoded(b"hi", head, b""), head) == TextBody("hi", "text/plain", "utf-8")


@pytest.mark.parametrize("kind", ["*/*", "application/x-acme", "application/json5", "application/csp-report"])
def test_what_is_plainly_json_is_json_where_its_type_says_nothing_else(kind: str) -> None:
    assert isinstance(of(kind, b' {"a": 1}'), JsonBody)
    assert not isinstance(of(kind, b"{a: 1} // not quite"), JsonBody)
    assert isinstance(of("image/x-acme", b"[1]"), BinaryBody)
