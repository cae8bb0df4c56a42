from __future__ import annotations

import gzip
import json
import random
from pathlib import Path

import pytest
from click.testing import CliRunner

from captures.cli import capture as group
from captures.errors import UsageError
from captures.model import Failure, FailureKind, Headers, Message
from captures.searching import PARTS, compiled, hits
from captures.sieve import candidates
from captures.store import Capture
from captures.writer import CaptureWriter
from tests.captures.making import JSON, capture, exchange

TEXT: Headers = ((b"Content-Type", b"text/plain; charset=utf-8"),)
FORM: Headers = ((b"Content-Type", b"application/x-www-form-urlencoded"),)
PACKED: Headers = (*JSON, (b"Content-Encoding", b"gzip"))
PARTED: Headers = ((b"Content-Type", b"multipart/form-data; boundary=XX"),)


def answered(headers: Headers, body: bytes) -> dict[str, object]:
    return {"response_headers": headers, "response_body": body}


@pytest.mark.parametrize(
    ("made", "pattern", "options", "expected"),
    [
        ({"target": b"/a/b%20c"}, "b c", "", ["request.target"]),
        ({"target": b"/a/b%20c"}, "%20", "", ["request.target"]),
        ({"target": b"/a/b%20c"}, "b.c$", "", []),
        ({"target": b"/a/b%20c"}, "b.c$", "E", ["request.target"]),
        ({"headers": ((b"X-A", b"one"), (b"x-a", b"ONE"))}, "one", "i", ["request.header X-A", "request.header x-a"]),
        ({"headers": ((b"X-A", b"one"), (b"x-a", b"ONE"))}, "^x-a: o", "Ei",
         ["request.header X-A", "request.header x-a"]),
        ({"headers": ((b"X-A", "é".encode()),)}, "é", "", ["request.header X-A"]),
        ({"headers": ((b"X-A", b"\xe9"),)}, "é", "", ["request.header X-A"]),
        (answered(JSON, b'{"a": [{"id": "o1"}, {"id": "o2", "of": "o1"}]}'), "o1", "",
         ["response.body $.a[0].id", "response.body $.a[1].of"]),
        (answered(JSON, b'{"a": [{"id": "o1"}, {"id": "o2"}]}'), "id", "",
         ["response.body $.a[0].id", "response.body $.a[1].id"]),
        (answered(JSON, b'{"a": "tab\\tand \\u00e9\\/x"}'), "é/x", "", ["response.body $.a"]),
        (answered(JSON, b'{"a": 1.50}'), "1.50", "", ["response.body $.a"]),
        (answered(JSON, b"{}"), "{}", "", ["response.body $"]),
        (answered(JSON, b'"root"'), "oo", "", ["response.body $"]),
        (answered(JSON, b'{"broken": "root'), "roo", "", ["response.body byte 12"]),
        (answered(PACKED, gzip.compress(b'{"deep": {"down": "here"}}')), "here", "", ["response.body $.deep.down"]),
        (answered(TEXT, "eins\r\nzwei\r\nfünf zwei zwei\r\n".encode()), "zwei", "",
         ["response.body line 2", "response.body line 3"]),
        (answered(TEXT, b"one\r\ntwo\r\n"), "^two", "E", ["response.body line 2"]),
        ({"headers": FORM, "body": b"a=x+y&b=%C3%A9"}, "x y", "", ["request.body a"]),
        ({"headers": FORM, "body": b"a=x+y&b=%C3%A9"}, "^b=é$", "E", ["request.body b"]),
        ({"headers": PARTED,
          "body": b'--XX\r\nContent-Disposition: form-data; name="up"\r\n\r\nfind me\r\n--XX--\r\n'},
         "^find me$", "E", ["request.body part up line 1"]),
        ({"response": None, "failure": Failure(FailureKind.CONNECT, "refused by 10.0.0.1")}, "refused", "",
         ["failure"]),
        (answered(((b"Content-Type", b"image/png"),), b"\x89PNG\r\n\x1a\nIHDR"), "IHDR", "", ["response.body byte 8"]),
        ({"target": b"/x"}, "y*", "E", []),
    ],
)  # fmt: skip
def test_places(tmp_path: Path, made: dict[str, object], pattern: str, options: str, expected: list[str]) -> None:
    wanted = compiled(pattern, regex="E" in options, ignore_case="i" in options)
    one = exchange(1, **made)  # type: ignore[arg-type]
    assert [hit.place for hit in hits(one, wanted)] == expected
    for part in PARTS:  # each part is looked through on its own, too
        found = [hit.place for hit in hits(one, wanted, frozenset([part]))]
        assert found == [place for place in expected if place in found]
    with Capture.open(capture(tmp_path / "x.sqlite", one)) as opened:
        sieved = list(candidates(opened, wanted, frozenset(PARTS)))
    assert sieved == [1] or not expected


def test_the_line_around(tmp_path: Path) -> None:
    one = exchange(1, response_headers=TEXT, response_body=b"before\n" + b"x" * 100 + b"HERE" + b"y" * 100 + b"\nafter")
    (hit,) = hits(one, compiled("HERE", regex=False, ignore_case=False))
    assert (hit.before, hit.match, hit.after) == ("x" * 60, "HERE", "y" * 60)


def test_messages_are_looked_through(tmp_path: Path) -> None:
    path = tmp_path / "x.sqlite"
    frames = (
        Message(1, 1, True, "text", 100.0, b'{"say": "hello"}'),
        Message(1, 2, False, "text", 100.1, b"hello\nyou"),
    )
    with CaptureWriter(path, mode="record") as writer:
        writer.put(exchange(1), frames)
        writer.put(exchange(2))
    wanted = compiled("(say|you)", regex=True, ignore_case=False)
    with Capture.open(path) as opened:
        assert list(candidates(opened, wanted, frozenset(PARTS))) == [1]
        found = hits(exchange(1), wanted, frozenset(PARTS), opened.messages(1))
        assert [hit.place for hit in found] == ["message 1 $.say", "message 2 line 2"]
    done = CliRunner().invoke(group, ["grep", str(path), "hello", "--count"], standalone_mode=False)
    assert done.stdout == "1 exchange, 2 places\n"


@pytest.mark.parametrize(("pattern", "told"), [("", "everywhere"), ("(", "no regular expression")])
def test_what_is_no_pattern(pattern: str, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        compiled(pattern, regex=True, ignore_case=False)


@pytest.mark.slow
@pytest.mark.parametrize(
    "pattern", ["ab", "b", "^a", "a$", "a.b", "é", "x-", ": a", "%", "a b", "ba?b", "[0-9]{2}", "\\Aa"]
)
def test_nothing_that_holds_it_is_sieved_out(tmp_path: Path, pattern: str) -> None:
    dice = random.Random(pattern)
    letters = ["a", "b", "é", "=", "&", "+", " ", "\r\n", '"', "\\", "%61", "1", "2"]

    def text() -> str:
        return "".join(dice.choice(letters) for _ in range(dice.randint(0, 6)))

    def body() -> tuple[Headers, bytes]:
        kind = dice.randrange(6)
        if kind == 0:
            return JSON, json.dumps({text(): text()}, ensure_ascii=dice.random() < 0.5).encode()
        if kind == 1:
            return TEXT, text().encode()
        if kind == 2:
            return PACKED, gzip.compress(json.dumps([text()]).encode())
        if kind == 3:
            return FORM, text().encode()
        if kind == 4:
            part = text().encode()
            return PARTED, b'--XX\r\nContent-Disposition: form-data; name="a"\r\n\r\n' + part + b"\r\n--XX--\r\n"
        return ((b"Content-Type", b"text/plain; charset=utf-16"),), text().encode("utf-16-le")

    made = []
    for identity in range(1, 150):
        asked, answer = body(), body()
        lines: Headers = (
            (b"X-One", text().encode("utf-8").replace(b"\r\n", b"")),
            (b"X-Two", b"%d" % dice.randrange(99)),
        )
        target = "/" + text().replace("\r\n", "").replace("é", "%C3%A9")
        made.append(
            exchange(
                identity,
                target=target.encode(), headers=(*asked[0], *lines), body=asked[1],
                response_headers=(*answer[0], *lines), response_body=answer[1],
            )
        )  # fmt: skip
    wanted = compiled(pattern, regex=True, ignore_case=False)
    with Capture.open(capture(tmp_path / "x.sqlite", *made)) as opened:
        for parts in (frozenset(PARTS), *(frozenset([part]) for part in PARTS)):
            sieved = list(candidates(opened, wanted, parts))
            holding = [one.id for one in made if any(hits(one, wanted, parts))]
            assert set(holding) <= set(sieved)
            assert sieved == sorted(sieved)
            assert [one.id for one in opened.each(sieved)] == sieved
