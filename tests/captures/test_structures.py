"""Every kind of body as one kind of value, and bodies that are compared read alike."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from captures.formats.binaryvalues import described
from captures.formats.bodykinds import name_of
from captures.formats.decoding import decode
from captures.formats.jsontext import Literal, Number
from captures.formats.structures import Structure, Unreadable, embedded_json, structured, structures
from tests.captures.test_images import GIF, PNG
from tests.corpus import each


def of(kind: str, body: bytes) -> Structure | Unreadable | None:
    return structured(decode(body, ((b"Content-Type", kind.encode()),)))


def both(kind: str, left: bytes, right: bytes) -> list[Any]:
    head = ((b"Content-Type", kind.encode()),)
    pair = structures((decode(left, head), decode(right, head)))
    assert all(isinstance(one, Structure) for one in pair)
    return [one.value for one in pair if isinstance(one, Structure)]


PART = b'--B\r\nContent-Disposition: form-data; name="%s"\r\nContent-Type: %s\r\nX-A: b\r\n\r\n%s\r\n'

TABLE = [
    ("application/json", b'{"a": 1.0}', "JSON", {"a": Number("1.0")}),
    ("application/json", b"NaN", "JSON", Literal("NaN")),
    ("application/json", b"null", "JSON", None),
    ("text/plain", b' {"a": 1}', "JSON", {"a": 1}),
    ("", b"[1]", "JSON", [1]),
    ("application/x-ndjson", b"{}\n[]\n", "JSON lines", [{}, []]),
    ("application/json-seq", b"\x1e{}\n", "JSON lines", [{}]),
    ("application/json", b"{}\n{}\n", "JSON lines", [{}, {}]),
    ("text/event-stream", b"data: {}\n\n", "events", [{"data": {}}]),
    ("application/x-www-form-urlencoded", b"a=1&b=2&a=3", "form", {"a": ["1", "3"], "b": "2"}),
    ("application/soap+xml", b"<a><b>1</b></a>", "XML", {"a": {"b": "1"}}),
    ("image/svg+xml", b"<svg/>", "XML", {"svg": ""}),
    ("text/html", b"<p>a", "HTML", {"p": "a"}),
    ("text/csv", b"a,b\n1,2\n", "table", [{"a": "1", "b": "2"}]),
    ("application/msgpack", b"\x81\xa1a\x01", "MessagePack", {"a": 1}),
    ("application/x-protobuf", b"\x08\x01", "protobuf", {"f1": 1}),
    ("application/grpc+proto", b"\0\0\0\0\2\x08\x01", "gRPC", [{"f1": 1}]),
    ("image/png", PNG, "image", {"type": "image/png", "width": 16, "height": 32}),
]


@each(("kind", "body", "name", "value"), TABLE)
def test_bodies_with_members(kind: str, body: bytes, name: str, value: Any) -> None:
    structure = of(kind, body)
    assert isinstance(structure, Structure)
    assert (structure.kind, repr(structure.value)) == (name, repr(value))
    assert repr(both(kind, body, body)) == repr([value, value])


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("text/plain", b"hello"),
        ("text/plain", b"{not JSON"),
        ("image/png", b"no png"),
        ("application/octet-stream", b"\x08\x01"),
        ("application/json", b"oops"),
        ("application/json", b""),
    ],
)
def test_bodies_without_members(kind: str, body: bytes) -> None:
    assert of(kind, body) is None


@each(
    ("kind", "body", "reason"),
    [
        ("text/xml", b"<a>", "no well-formed XML"),
        ("text/xml", b"<a>" + b"<b/>" * 1_000_001 + b"</a>", "more than 1,000,000 tags"),
        ("text/html", b"<" * 1_000_001, "more than 1,000,000 tags"),
        ("text/csv", b'"a', "no table"),
        ("application/x-ndjson", b"{}\n{", "Expecting"),
        ("application/msgpack", b"\xc1", "no MessagePack"),
        ("application/x-protobuf", b"\x0f", "no protobuf"),
        ("application/grpc", b"\x0f", "cut off"),
    ],
)
def test_bodies_that_are_not_what_they_say(kind: str, body: bytes, reason: str) -> None:
    structure = of(kind, body)
    assert isinstance(structure, Unreadable)
    assert reason in structure.reason


def multipart(*parts: tuple[bytes, bytes, bytes]) -> bytes:
    return b"".join(PART % part for part in parts) + b"--B--"


def test_parts_are_read_by_what_they_are() -> None:
    kind = "multipart/form-data; boundary=B"
    body = multipart((b"j", b"application/json", b'{"a": 1}'), (b"t", b"text/plain", b"x"), (b"b", b"a/b", b"\0"))
    structure = of(kind, body)
    assert isinstance(structure, Structure)
    assert structure.value == {
        "j": {"filename": None, "type": "application/json", "content": {"a": 1}, "@x-a": "b"},
        "t": {"filename": None, "type": "text/plain", "content": "x", "@x-a": "b"},
        "b": {"filename": None, "type": "a/b", "content": described(b"\0"), "@x-a": "b"},
    }
    assert structure.order == (("j", "t", "b"),)


def test_parts_that_say_more_than_their_value_are_shown_as_sent() -> None:
    kind = "multipart/form-data; boundary=B"
    left, right = both(
        kind,
        multipart((b"i", b"image/gif", GIF), (b"j", b"application/json", b'{"a":1,"a":1}')),
        multipart((b"i", b"image/gif", GIF + b"!"), (b"j", b"application/json", b'{"a":1}')),
    )
    assert left["i"]["content"] != right["i"]["content"]
    assert left["j"]["content"] == '{"a":1,"a":1}'


def test_forms_and_parts_are_arrays_on_both_sides_where_they_repeat_on_one() -> None:
    assert both("application/x-www-form-urlencoded", b"a=1", b"a=1&a=2") == [{"a": ["1"]}, {"a": ["1", "2"]}]
    one = (b"a", b"text/plain", b"x")
    left, right = both("multipart/mixed; boundary=B", multipart(one), multipart(one, one))
    assert [len(left["a"]), len(right["a"])] == [1, 2]


@each(
    ("left", "right", "values"),
    [
        ('{"a": 1}', ' [1.0]', ({"a": 1}, [Number("1.0")])),
        ("{}", "{}", ({}, {})),
        ("1", "2", None),
        ('"a"', '"b"', None),
        ('{"a": 1}', "{a}", None),
        ('{"a": 1}', "", None),
        ('{"a": 1, "a": 1}', '{"a": 1}', None),
        ("[" * 2_000, "[" * 2_000, None),
    ],
)  # fmt: skip
def test_json_in_strings(left: str, right: str, values: Any) -> None:
    assert repr(embedded_json(left, right)) == repr(values)


def test_names_for_people() -> None:
    head = ((b"Content-Type", b"text/xml"),)
    bodies = [decode(b"<a/>", head), decode(b"", ()), decode(b"x", ()), decode(b"\0", ()), decode(b"{}", ())]
    assert [name_of(body) for body in bodies] == ["XML", "nothing", "text", "bytes", "JSON"]


KINDS = st.sampled_from([row[0] for row in TABLE] + ["multipart/form-data; boundary=B", "text/yaml", "a/b"])
PIECES = st.sampled_from([row[1] for row in TABLE] + [PART % (b"a", b"text/html", b"<p>"), b"--B--", b"<", b"\n", b"{"])


@given(KINDS, st.lists(PIECES | st.binary(max_size=9), max_size=4), st.lists(PIECES, max_size=4))
def test_any_two_bodies_are_read_or_not(kind: str, left: list[bytes], right: list[bytes]) -> None:
    head = ((b"Content-Type", kind.encode()),)
    one, other = decode(b"".join(left), head), decode(b"".join(right), head)
    pair = structures((one, other))
    assert repr(structures((one, other))) == repr(pair)
    for body, together in zip((one, other), pair, strict=True):
        assert isinstance(together, type(structured(body)))  # together or alone: readable or not
