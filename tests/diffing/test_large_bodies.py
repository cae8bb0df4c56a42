"""Ten megabytes, and 5,000 levels: judged in a time that grows with the size, or said to be too large; never a hang."""

from __future__ import annotations

import json
import time
from collections.abc import Callable

import pytest

from captures.model import Headers
from diffing.model import Column, Judgement
from tests.diffing.pairs import exchange, judge

pytestmark = pytest.mark.slow
MEGABYTES = 10_000_000
MARKUP = 4_000_000  # half a minute for ten, of the quarter of an hour that all tests may take
GENEROUS = 180.0  # seconds, on a slow and busy machine: what is quadratic takes hours


def timed(kind: str, one: bytes, other: bytes) -> Judgement:
    head: Headers = ((b"Content-Type", kind.encode()),)
    started = time.process_time()
    judgement = judge(exchange(one, headers=head), exchange(other, headers=head, replayed=True))
    assert time.process_time() - started < GENEROUS
    return judgement


def rows(make: Callable[[int], str], size: int = MEGABYTES) -> list[str]:
    count = size // len(make(1_000_000))
    return [make(1_000_000 + at) for at in range(count)]


def json_rows() -> list[str]:
    return rows(lambda at: json.dumps({"key": f"k{at}", "name": f"name {at}", "tags": ["a", "b"], "n": at / 8}))


def text() -> list[str]:
    return rows(lambda at: f"{at} the quick brown fox jumps over the lazy dog, and over again")


def cells() -> list[str]:
    return rows(lambda at: f"{at},customer {at},{at % 97}.50,open")


def items() -> list[str]:
    return rows(lambda at: f'<item no="{at}"><name>thing {at}</name><price>{at % 89}</price></item>', MARKUP)


# What makes the body, not the body: this module is imported by everyone who runs any test.
LARGE: list[tuple[str, str, Callable[[], str], str, str]] = [
    ("application/json", "array", lambda: f"[{','.join(json_rows())}]", '"name 1000777"', '"other"'),
    ("application/x-ndjson", "rows", lambda: "\n".join(json_rows()), '"name 1000777"', '"other"'),
    ("text/plain", "lines", lambda: "\n".join(text()), "1000777 the quick", "1000777 the slow"),
    ("text/plain", "one line", lambda: "".join(text()), "1000777 the quick", "1000777 the slow"),
    ("text/csv", "table", lambda: "id,name,price,state\n" + "\n".join(cells()), "customer 1000777,", "customer x,"),
    ("text/xml", "items", lambda: f"<items>{''.join(items())}</items>", "<name>thing 1000777<", "<name>x<"),
    ("text/html", "list", lambda: f"<ul>{''.join(items())}</ul>", "<name>thing 1000777<", "<name>x<"),
    (
        "text/event-stream",
        "events",
        lambda: "".join(f"data: {row}\n\n" for row in json_rows()[:40_000]),
        '"name 1000777"',
        '"other"',
    ),
]


@pytest.mark.parametrize(
    ("kind", "make", "old", "new"),
    [(kind, make, old, new) for kind, _, make, old, new in LARGE],
    ids=[f"{kind} {name}" for kind, name, *_ in LARGE],
)
def test_one_change_in_ten_megabytes(kind: str, make: Callable[[], str], old: str, new: str) -> None:
    body = make()
    assert body.count(old) == 1
    judgement = timed(kind, body.encode(), body.replace(old, new).encode())
    assert judgement.findings or judgement.inconclusive


@pytest.mark.parametrize("levels", [950, 5_000, 9_000])
def test_deep_json_is_compared(levels: int) -> None:
    def nest(inner: str) -> bytes:
        half = levels // 2
        return ("[" * half + '{"a":' * half + inner + "}" * half + "]" * half).encode()

    judgement = timed("application/json", nest("1"), nest("2"))
    assert [finding.class_id for finding in judgement.findings] == ["response.body.value-changed"]
    assert timed("application/json", nest("1"), nest(" 1 ")).column is Column.SAME_BY_RULE
    assert timed("application/json", nest("1"), nest("1")).column is Column.SAME


def test_deep_and_wide_is_too_large_rather_than_a_hang() -> None:
    body = b"[" * 5_000 + b",".join(b"%d" % at for at in range(1_000_000)) + b"]" * 5_000
    judgement = timed("application/json", body, body.replace(b",777,", b",0,"))
    assert "too large" in judgement.inconclusive[0]


def test_beyond_the_limit_it_is_said() -> None:
    deep = b"[" * 10_001 + b"%d" + b"]" * 10_001
    judgement = timed("application/json", deep % 1, deep % 2)
    assert judgement.findings or judgement.inconclusive
    assert timed("application/json", b"[1]", deep % 2).findings[0].class_id == "response.body.undecodable"


@pytest.mark.parametrize(
    ("kind", "start", "inner", "end"),
    [
        ("text/xml", b"<a>", b"1", b"</a>"),
        ("text/html", b"<div>", b"1", b"</div>"),
        ("application/x-ndjson", b"[", b"1", b"]"),
        ("text/event-stream", b"data: ", b"1", b""),
        ("application/msgpack", b"\x91", b"\x01", b""),
        ("application/x-protobuf", b"\x0b", b"\x10\x01", b"\x0c"),
    ],
)
def test_deep_bodies_of_every_kind(kind: str, start: bytes, inner: bytes, end: bytes) -> None:
    one = start * 5_000 + inner + end * 5_000
    judgement = timed(kind, one, one.replace(inner, inner[:-1] + b"2"))
    assert judgement.findings or judgement.inconclusive


@pytest.mark.parametrize(
    ("kind", "piece"),
    [
        ("text/plain", "a\nb\n"),
        ("text/plain", "\n"),
        ("text/html", "<"),
        ("text/html", "<b>"),
        ("text/csv", ","),
        ("text/csv", '"'),
    ],
)
def test_ten_megabytes_of_the_same(kind: str, piece: str) -> None:
    body = piece * (MEGABYTES // len(piece))
    judgement = timed(kind, body.encode(), (body[: MEGABYTES // 2] + "x" + body).encode())
    assert judgement.findings or judgement.inconclusive
