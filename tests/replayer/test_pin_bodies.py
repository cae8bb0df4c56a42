"""Bodies: the most readable form that loses nothing."""

from __future__ import annotations

import gzip
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from captures.formats.decoding import content_decoded
from captures.model import Headers
from replayer import pin_bodies
from replayer.pin_send import resolve_body
from replayer.pins import Body
from tests.corpus import each

JSON: Headers = ((b"Content-Type", b"application/json"),)
TEXT: Headers = ((b"Content-Type", b"text/plain"),)


@each(
    ("data", "headers", "form", "layout"),
    [
        (b"", JSON, "empty", ""),
        (b'{"a":1.10}', JSON, "json", ""),
        (b'{"a": 1, "b": [1, 2]}', JSON, "json", "spaced"),
        ('{"a":"é"}'.encode(), JSON, "json", ""),
        (b'{"a":"\\u00e9"}', JSON, "json", "ascii"),
        (json.dumps({"a": [1, {"b": 2}], "c": []}, indent=2).encode(), JSON, "json", "indent 2"),
        (b'{"a" :1}', JSON, "text", ""),
        (b'{"a":1,"a":2}', JSON, "text", ""),
        (b'{"a":"\\ud800"}', JSON, "text", ""),
        (b"{broken", JSON, "text", ""),
        (b"a\r\nb\r\n", TEXT, "text", "crlf"),
        (b"a\r\nb\n", TEXT, "text", ""),
        (b"caf\xe9", TEXT, "text", "latin-1"),
        (b"a=1&b=%20", ((b"Content-Type", b"application/x-www-form-urlencoded"),), "text", ""),
        (b"\x00\x01\x02", (), "base64", ""),
        ("«not a matcher»".encode(), TEXT, "text", ""),
        ('{"a":"«x"}'.encode(), JSON, "json", ""),
    ],
)
def test_forms(data: bytes, headers: Headers, form: str, layout: str) -> None:
    body = pin_bodies.written(data, headers, exact=True)
    assert (body.form, body.layout) == (form, layout)
    assert pin_bodies.wire(resolve_body(body, {}), headers) == data


@pytest.mark.slow
@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=60), st.sampled_from([JSON, TEXT, (), ((b"Content-Type", b"text/html; charset=utf-16"),)]))
def test_any_request_body_is_sent_byte_for_byte(data: bytes, headers: Headers) -> None:
    body = pin_bodies.written(data, headers, exact=True)
    assert pin_bodies.wire(resolve_body(body, {}), headers) == data


def test_content_codings_come_off_for_reading_and_on_for_sending() -> None:
    headers = (*JSON, (b"Content-Encoding", b"gzip"))
    body = pin_bodies.written(gzip.compress(b'{"a":1}'), headers, exact=True)
    assert body == Body("json", {"a": 1})
    assert content_decoded(pin_bodies.wire(body, headers), headers) == b'{"a":1}'
    assert pin_bodies.written(b"not gzip", headers, exact=True) == Body("base64", b"not gzip", "encoded")
    assert pin_bodies.wire(Body("base64", b"not gzip", "encoded"), headers) == b"not gzip"


def test_a_large_binary_is_expected_by_its_digest() -> None:
    data = bytes(range(256)) * 40
    assert pin_bodies.written(data, (), exact=False).form == "sha256"
    assert pin_bodies.written(data, (), exact=True).form == "base64"
    text = pin_bodies.base64_lines(data)
    assert max(map(len, text.splitlines())) == 76
    assert pin_bodies.from_base64(text) == data
