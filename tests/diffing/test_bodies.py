"""Bodies that are not two JSON texts: by lines, by parts, by fields, by bytes, and never silently equal."""

from __future__ import annotations

import gzip

import pytest

from captures.model import Headers
from diffing.model import Column
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
    (b"a=1&a=2", b"a=2", "application/x-www-form-urlencoded", ["body.type-changed"]),
    (PART % b"1", PART % b"2", "multipart/form-data; boundary=x", ["body.value-changed"]),
    (b'{"a":1}', b"oops", "application/json", ["body.undecodable"]),
    (b'{"a":1}', b"", "application/json", ["body.emptied"]),
    (b"", b'{"a":1}', "application/json", ["body.appeared"]),
    (b"{}\n{}\n", b'{}\n{"a": 1}\n', "application/json", ["body.field-added"]),
    (b"oops 1", b"oops 2", "application/json", ["body.text-changed"]),
    (b"\xff\xfe\xfd", b"\xff\xfe\xfc", "application/json", ["body.binary-changed"]),
]  # fmt: skip


@pytest.mark.parametrize(("one", "other", "kind", "expected"), TABLE)
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
