"""Bodies that are not two JSON texts: by lines, by parts, by fields, by bytes, and never silently equal."""

from __future__ import annotations

import gzip

from hypothesis import given
from hypothesis import strategies as st

from captures.model import Headers
from diffing.model import Column
from tests.captures.test_images import GIF, PNG
from tests.corpus import each
from tests.diffing.pairs import exchange, judge


def typed(kind: str, *more: tuple[bytes, bytes]) -> Headers:
    return ((b"Content-Type", kind.encode()), *more)


def classes(one: bytes, other: bytes, kind: str, new_kind: str = "") -> list[str]:
    judgement = judge(
        exchange(one, headers=typed(kind)), exchange(other, headers=typed(new_kind or kind), replayed=True)
    )
    return [finding.class_id.removeprefix("response.") for finding in judgement.findings]


PART = b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n%s\r\n--x--\r\n'

TABLE = [
    (b"a\nb\n", b"a\nc\n", "text/plain", ["body.text-changed"]),
    (b"a\nb\n", b"a\nb\nc\n", "text/plain", ["body.text-changed"]),
    (b"a\nb\n", b"a\r\nb\r\n", "text/plain", ["body.text-changed"]),
    (b"at 2026-11-20T09:00:00Z ok", b"at 2026-11-21T12:00:00Z ok", "text/plain", []),
    (b'<input name="csrf_token" value="aB3dE5gH7jK9mN1pQ3">', b'<input name="csrf_token" value="zB3dE5gH7jK9mN1pQ4">', "text/html", []),  # noqa: E501
    (b"\x00\x01", b"\x00\x02", "image/png", ["body.binary-changed"]),
    (b"a=1&b=2", b"b=2&a=1", "application/x-www-form-urlencoded", []),
    (b"a=1&b=2", b"a=1&b=3", "application/x-www-form-urlencoded", ["body.value-changed"]),
    (b"a=1&a=2", b"a=2", "application/x-www-form-urlencoded", ["body.array-item-removed"]),
    (PART % b"1", PART % b"2", "multipart/form-data; boundary=x", ["body.value-changed"]),
    (b'{"a":1}', b"oops", "application/json", ["body.undecodable"]),
    (b'{"a":1}', b"", "application/json", ["body.emptied"]),
    (b"", b'{"a":1}', "application/json", ["body.appeared"]),
    (b"{}\n{}\n", b'{}\n{"a": 1}\n', "application/json", ["body.field-added"]),
    (b"oops 1", b"oops 2", "application/json", ["body.text-changed"]),
    (b"\xff\xfe\xfd", b"\xff\xfe\xfc", "application/json", ["body.binary-changed"]),
]  # fmt: skip


@each(("one", "other", "kind", "expected"), TABLE)
def test_kinds_of_bodies(one: bytes, other: bytes, kind: str, expected: list[str]) -> None:
    assert classes(one, other, kind) == expected
    assert classes(one, one, kind) == []


def test_another_media_type_speaks_for_the_body_that_comes_with_it() -> None:
    assert classes(b'{"a":1}', b"<p>a</p>", "application/json", "text/html") == ["media-type"]


def test_a_multipart_boundary_is_made_anew() -> None:
    assert (
        classes(
            PART % b"1",
            (PART % b"1").replace(b"--x", b"--y"),
            "multipart/form-data; boundary=x",
            "multipart/form-data; boundary=y",
        )
        == []
    )


def test_a_content_coding_alone_is_no_drift_of_the_body() -> None:
    one = exchange(b'{"a": 1}')
    other = exchange(
        gzip.compress(b'{"a": 1}'), headers=typed("application/json", (b"Content-Encoding", b"gzip")), replayed=True
    )
    findings = judge(one, other).findings
    assert [finding.class_id for finding in findings] == ["response.header.added"] or [
        finding.class_id for finding in findings
    ] == ["response.content-encoding"]


def test_a_recorded_body_that_lies_is_inconclusive_beside_the_finding() -> None:
    judgement = judge(exchange(b"oops"), exchange(b'{"a": 1}', replayed=True))
    assert judgement.inconclusive
    assert judgement.column is Column.DRIFTED


FORM = "application/x-www-form-urlencoded"
MIXED = "multipart/mixed; boundary=x"
XML = "application/xml"
RAW_PART = b'--x\r\nContent-Disposition: form-data; name="%s"\r\nContent-Type: %s\r\n\r\n%s\r\n'
ORDER = b"<order><items><item><price>1</price></item>%s</items></order>"
PRICED = ORDER.replace(b"<item>", b"<item><sku>A-1</sku>") % b"<item><sku>B-2</sku><price>%s</price></item>"
FRAME = b"\0\0\0\0\2"
SMALL = PNG.replace(bytes([16]), bytes([17]), 1)


def part(name: bytes, kind: bytes, content: bytes = b"") -> bytes:
    return RAW_PART % (name, kind, content)


def parts(*those: bytes) -> bytes:
    return b"".join(those) + b"--x--"


JSON = b"application/json"
M, N = part(b"m", b"text/plain"), part(b"n", b"text/plain")


def events(*data: bytes) -> bytes:
    return b"".join(b"data: " + one + b"\n\n" for one in data)


PATHS = [
    (XML, b"<o><n>1</n></o>", b"<o><n>2</n></o>", "value-changed", "$.o.n"),
    (XML, b'<o a="1"/>', b'<o a="2"/>', "value-changed", "$.o['@a']"),
    (XML, b"<o><n/></o>", b"<o><m/></o>", "field-removed", "$.o.n"),
    (XML, b'<o a="1" b=""/>', b'<o b=""/>', "field-removed", "$.o['@a']"),
    (XML, b"<o><n>1</n></o>", b'<o><n u="x">1</n></o>', "field-added", "$.o.n['@u']"),
    (XML, ORDER % b"", ORDER % b"<item><price>2</price></item>", "array-item-added", "$.order.items.item[1]"),
    (XML, PRICED % b"2", PRICED % b"3", "value-changed", "$.order.items.item[1].price"),
    (XML, b"<o><a/><b/></o>", b"<o><b/><a/></o>", "array-order", "response.body"),
    (XML, b'<o xmlns="v1"/>', b'<o xmlns="v2"/>', "value-changed", "$.o['@xmlns']"),
    (XML, b"<o/>", b"<o>", "undecodable", "response.body"),
    (XML, b"<o>", b"<o><", "text-changed", "line 1"),
    ("text/html", b"<p>a<p>b", b"<p>a<p>c", "value-changed", "$.p[1]"),
    ("text/html", b"<body><a href=/x>y</a>", b"<body><a href=/z>y</a>", "value-changed", "$.body.a['@href']"),
    ("text/html", b"<i>a</i><b>b</b>", b"<b>b</b><i>a</i>", "array-order", "response.body"),
    ("text/html", b"<!-- build 1 -->", b"<!-- other -->", "value-changed", "$['#comment']"),
    ("text/csv", b"id,qty\n1,2\n2,5\n", b"id,qty\n1,2\n2,6\n", "value-changed", "$[1].qty"),
    ("text/csv", b"id,qty\n1,2\n2,5\n", b"id,qty\n1,2\n", "array-item-removed", "$[1]"),
    ("text/csv", b"id,qty\n1,2\n", b"id,number\n1,2\n", "field-removed", "$[0].qty"),
    ("text/event-stream", events(b"{}", b'{"s": 1}'), events(b"{}", b'{"s": 2}'), "value-changed", "$[1].data.s"),
    ("text/event-stream", events(b"a"), events(b"a")[:-1], "field-added", "$[0]['#incomplete']"),
    ("text/event-stream", events(b"a", b"b"), events(b"a"), "array-item-removed", "$[1]"),
    ("application/x-ndjson", b'{"a":1}\n', b'{"a":1.0}\n', "number-form", "$[0].a"),
    ("application/x-ndjson", b'{"a":1}\n', b'{"a":0,"a":1}\n', "duplicate-keys", "response.body"),
    (FORM, b"a=1&b=x%20y", b"a=1&b=x%20z", "value-changed", "$.b"),
    (MIXED, parts(part(b"m", JSON, b"[1]")), parts(part(b"m", JSON, b"[2]")), "value-changed", "$.m.content[0]"),
    (MIXED, parts(part(b"f", b"a/b", b"\0")), parts(part(b"f", b"a/b", b"\1")), "value-changed", "$.f.content"),
    (MIXED, parts(part(b"m", b"text/plain")), parts(part(b"m", b"text/html")), "value-changed", "$.m.type"),
    (MIXED, parts(M, N), parts(N, M), "part-changed", "response.body"),
    ("application/msgpack", b"\x81\xa1a\x01", b"\x81\xa1a\x02", "value-changed", "$.a"),
    ("application/msgpack", b"\x81\xa1a\xc4\x01\x00", b"\x81\xa1a\xa1\x00", "type-changed", "$.a"),
    ("application/msgpack", b"\x81\xa1a\x01", b"\xc1", "undecodable", "response.body"),
    ("application/x-protobuf", b"\x0a\x02\x10\x01", b"\x0a\x02\x10\x02", "value-changed", "$.f1.f2"),
    ("application/grpc", FRAME + b"\x08\x01", FRAME + b"\x08\x02", "value-changed", "$[0].f1"),
    ("image/png", PNG, SMALL, "value-changed", "$.width"),
    ("image/png", PNG, PNG + b"!", "binary-changed", "response.body"),
    ("image/png", PNG, b"\x00" + PNG[1:], "binary-changed", "response.body"),
    ("image/png", PNG, GIF, "value-changed", "$.type"),
    ("text/plain", b'{"a": 1}', b'{"a": 2}', "value-changed", "$.a"),
    ("text/plain", b'{"a": 1}', b"{a: 2}", "text-changed", "line 1"),
    ("application/json", b'{"a": 1}', b'{"a": NaN}', "invalid-literal", "$.a"),
    ("application/json", b"[1, 1]", b"[1, Infinity]", "invalid-literal", "$[1]"),
    ("application/json", b'{"a":1}', b'\xef\xbb\xbf{"a":1}', "charset-changed", "response.body"),
    ("text/plain", "é".encode(), b"\xe9", "charset-changed", "response.body"),
    ("application/json", b'{"a": NaN}', b'{"a": "NaN"}', "type-changed", "$.a"),
    ("application/json", b'{"a": Infinity}', b'{"a": -Infinity}', "invalid-literal", "$.a"),
]  # fmt: skip


@each(("kind", "one", "other", "change", "path"), PATHS)
def test_one_change_is_a_finding_at_a_path_a_person_can_read(
    kind: str, one: bytes, other: bytes, change: str, path: str
) -> None:
    recorded, replayed = exchange(one, headers=typed(kind)), exchange(other, headers=typed(kind), replayed=True)
    findings = judge(recorded, replayed).findings
    found = [(finding.class_id.removeprefix("response.body."), finding.path) for finding in findings]
    assert (change, path) in found
    renamed = change == "field-removed" and b"@" not in path.encode()
    assert len(found) == (4 if path == "$.type" else 1 + renamed)  # another type has another size, too
    mirrored = judge(exchange(other, headers=typed(kind)), exchange(one, headers=typed(kind), replayed=True))
    assert mirrored.findings
    for body in (one, other):
        same = judge(exchange(body, headers=typed(kind)), exchange(body, headers=typed(kind), replayed=True))
        assert same.column is Column.SAME


LAYOUT = [
    ("application/json", b'{"a":1,"b":[1.50]}', b'{"b": [ 1.50 ], "a": 1}', "builtin.layout"),
    ("application/json", b'{"a":"\\u00e9"}', '{"a":"é"}'.encode(), "builtin.layout"),
    ("application/x-ndjson", b'{"a":1}\n', b'{"a": 1}\r\n', "builtin.layout"),
    (FORM, b"a=x+y", b"a=x%20y", "builtin.content-coding"),
    (FORM, b"a=1&b=2", b"b=2&a=1", "builtin.layout"),
    (XML, b'<o a="1" b="2"><n/></o>', b"<o b='2' a='1'>\n <n></n>\n</o>", "builtin.layout"),
    (XML, b'<p:o xmlns:p="u"/>', b'<q:o xmlns:q="u"/>', "builtin.layout"),
    ("text/html", b"<p>a  b", b"<P>a b</P>", "builtin.layout"),
    ("text/csv", b'a,b\n1,"2"\n', b"a,b\r\n1,2\r\n", "builtin.layout"),
    ("text/event-stream", b"data: 1\n\n", b": hi\n\ndata:1\n\n", "builtin.layout"),
    ("application/msgpack", b"\x01", b"\xcc\x01", "builtin.layout"),
    ("application/x-protobuf", b"\x08\x01\x10\x02", b"\x10\x02\x08\x81\x00", "builtin.layout"),
    (MIXED, parts(part(b"m", b"")), b"preamble\r\n" + parts(part(b"m", b"")), "builtin.content-coding"),
]  # fmt: skip


@each(("kind", "one", "other", "rule"), LAYOUT)
def test_the_same_written_otherwise_falls_under_a_named_rule(kind: str, one: bytes, other: bytes, rule: str) -> None:
    for left, right in ((one, other), (other, one)):
        judgement = judge(exchange(left, headers=typed(kind)), exchange(right, headers=typed(kind), replayed=True))
        assert not judgement.findings
        assert judgement.column is Column.SAME_BY_RULE
        assert rule in judgement.rules


def test_another_compression_of_the_same_falls_under_a_named_rule() -> None:
    head = typed("application/json", (b"Content-Encoding", b"gzip"))
    one = exchange(gzip.compress(b'{"a": 1}', mtime=1), headers=head)
    other = exchange(gzip.compress(b'{"a": 1}', mtime=2), headers=head, replayed=True)
    assert judge(one, other).rules == {"builtin.content-coding": 1}


def test_a_token_in_a_form_field_is_judged_by_the_name_of_the_field() -> None:
    page = b'<form><input name="%s" value="%s"><input name="q" value="x"></form>'
    old, new = b"aB3dE5gH7jK9mN1pQ3", b"zB3dE5gH7jK9mN1pQ4"
    assert classes(page % (b"csrf_token", old), page % (b"csrf_token", new), "text/html") == []
    assert classes(page % (b"color", old), page % (b"color", new), "text/html") == ["body.value-changed"]


def test_another_content_is_no_identifier_made_anew() -> None:
    """A digest in one piece would look like one, and its place varies from sample to sample."""
    body = [parts(part(b"file", b"a/b", bytes([0, at]))) for at in range(6)]
    kind = typed("multipart/form-data; boundary=x")
    samples = tuple(exchange(one, headers=kind) for one in body[2:])
    judgement = judge(exchange(body[0], headers=kind), exchange(body[1], headers=kind, replayed=True), None, samples)
    assert [finding.path for finding in judgement.findings] == ["$.file.content"]


KINDS = st.sampled_from(
    ["application/json", "text/plain", "text/html", XML, FORM, MIXED, "text/csv", "text/event-stream", "image/png", "",
     "application/msgpack", "application/x-protobuf", "application/x-ndjson", "text/css"]
)  # fmt: skip
PIECES = st.sampled_from(
    [b"a", b"b", b"1", b" ", b"\n", b",", b"=", b"&", b"<a>", b"</a>", b"<b x=1>", b"{", b"}", b'"a":', b"data:",
     b"\x81\xa1a", b"\x08\x01", part(b"m", b"", b"x"), b"--x--", PNG, b"\xe9", "é".encode(), b"<!-- -->", b"%41"]
)  # fmt: skip


@given(KINDS, st.lists(PIECES, max_size=6), st.lists(PIECES, max_size=6))
def test_unequal_bytes_end_as_a_finding_or_under_a_named_rule(kind: str, left: list[bytes], right: list[bytes]) -> None:
    one, other = b"".join(left), b"".join(right)
    head = typed(kind) if kind else ()
    judgement = judge(exchange(one, headers=head), exchange(other, headers=head, replayed=True))
    if one == other:
        assert judgement.column is Column.SAME
    else:
        assert judgement.findings or judgement.rules or judgement.inconclusive
