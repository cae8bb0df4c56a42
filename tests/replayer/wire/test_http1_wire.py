"""HTTP/1.x targets that misbehave: each gives a result of its own, and what came is kept."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from captures.model import FailureKind, Response
from captures.trust import Authority
from replayer import loops
from replayer.client import Client, Outcome, Target
from replayer.wire.http1_response import MAX_INTERIM
from tests.corpus import each
from tests.replayer.wire.servers import OK, Handler, answers, ask, drips, once, resets, serving, silent, slams

HEAD = b"HTTP/1.1 200 OK\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
NINE = HEAD + b"Content-Length: 9\r\n\r\n"
LONG = b"X-Long: " + b"x" * 300_000 + b"\r\n"

HOSTILE: dict[str, tuple[Handler, FailureKind, bytes | None]] = {
    "closes at once": (slams, FailureKind.RESET, None),
    "closes after the request": (answers(b""), FailureKind.RESET, None),
    "resets": (resets(), FailureKind.RESET, None),
    "ends in the status line": (answers(b"HTTP/1.1 20"), FailureKind.RESET, None),
    "ends in the head": (answers(b"HTTP/1.1 200 OK\r\nCont"), FailureKind.RESET, None),
    "ends after an interim answer": (answers(b"HTTP/1.1 103 Early\r\n\r\n"), FailureKind.RESET, None),
    "ends in the body": (answers(NINE + b"half"), FailureKind.TRUNCATED, b"half"),
    "ends between chunks": (answers(CHUNKED + b"4\r\nhalf\r\n"), FailureKind.TRUNCATED, b"half"),
    "ends in a chunk": (answers(CHUNKED + b"9\r\nhalf"), FailureKind.TRUNCATED, b"half"),
    "ends in the trailers": (answers(CHUNKED + b"4\r\nhalf\r\n0\r\nX-Sum"), FailureKind.TRUNCATED, b"half"),
    "resets in the body": (resets(NINE + b"half"), FailureKind.TRUNCATED, b"half"),
    "resets a body without a length": (resets(HEAD + b"\r\nhalf"), FailureKind.TRUNCATED, b"half"),
    "says nothing": (silent, FailureKind.TIMEOUT, None),
    "says half a head": (answers(b"HTTP/1.1 200", close=False), FailureKind.TIMEOUT, None),
    "never ends its head": (drips(HEAD, b"X: 1\r\n"), FailureKind.TIMEOUT, None),
    "stops in the body": (answers(NINE + b"half", close=False), FailureKind.TRUNCATED, b"half"),
    "is not HTTP": (answers(b"+PONG\r\n"), FailureKind.PROTOCOL, None),
    "speaks HTTP/0.9": (answers(b"<html>hello</html>"), FailureKind.PROTOCOL, None),
    "speaks HTTP/2": (answers(b"\0\0\0\x04\0\0\0\0\0"), FailureKind.PROTOCOL, None),
    "has a status of two digits": (answers(b"HTTP/1.1 20 OK\r\n\r\n"), FailureKind.PROTOCOL, None),
    "has a status below 100": (answers(b"HTTP/1.1 099 No\r\n\r\n"), FailureKind.PROTOCOL, None),
    "has a header without a colon": (answers(HEAD + b"broken\r\n\r\n"), FailureKind.PROTOCOL, None),
    "hides its length": (answers(HEAD + b"Content-Length : 2\r\n\r\nok"), FailureKind.PROTOCOL, None),
    "has two lengths": (answers(HEAD + b"Content-Length: 1\r\n" + OK[17:]), FailureKind.PROTOCOL, None),
    "has a length below zero": (answers(HEAD + b"Content-Length: -1\r\n\r\nok"), FailureKind.PROTOCOL, None),
    "has a length in words": (answers(HEAD + b"Content-Length: two\r\n\r\nok"), FailureKind.PROTOCOL, None),
    "has a chunk size like Python's": (answers(CHUNKED + b"1_0\r\n"), FailureKind.PROTOCOL, b""),
    "has a chunk size with a sign": (answers(CHUNKED + b"-1\r\n"), FailureKind.PROTOCOL, b""),
    "has a chunk size without an end": (answers(CHUNKED + b"1" * 9_000), FailureKind.PROTOCOL, b""),
    "has a chunk longer than it says": (answers(CHUNKED + b"1\r\nab\r\n"), FailureKind.PROTOCOL, b"a"),
    "has an endless head": (answers(HEAD + LONG), FailureKind.PROTOCOL, None),
    "has a head too long": (answers(HEAD + LONG + b"\r\n"), FailureKind.PROTOCOL, None),
    "has endless trailers": (answers(CHUNKED + b"0\r\n" + LONG), FailureKind.PROTOCOL, b""),
    "never stops saying wait": (answers(b"HTTP/1.1 102 Wait\r\n\r\n" * (MAX_INTERIM + 1)), FailureKind.PROTOCOL, None),
    "switches protocols": (answers(b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\n\r\n\1\2"), FailureKind.PROTOCOL, b""),
}  # fmt: skip


@pytest.mark.parametrize("run", [asyncio.run, loops.run], ids=["asyncio", "fastest loop"])
@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.slow
def test_what_a_hostile_target_does_is_a_result(name: str, run: Callable[[Any], Any]) -> None:
    handler, kind, body = HOSTILE[name]
    waits = kind is FailureKind.TIMEOUT or name == "stops in the body"
    seconds = (2 if name == "stops in the body" else 0.5) if waits else 60
    outcome = once(handler, ask(), timeout=seconds, run=run)
    assert outcome.failure is not None
    assert (outcome.failure.kind, outcome.response.body if outcome.response else None) == (kind, body)
    assert outcome.failure.detail
    assert outcome.timing.ended is not None
    assert outcome.timing.ended >= outcome.timing.started


@pytest.mark.slow
def test_a_body_without_an_end_is_cut_when_its_time_is_up() -> None:
    outcome = once(drips(HEAD + b"\r\n", b"more"), ask(), timeout=2)
    assert outcome.failure is not None
    assert outcome.failure.kind is FailureKind.TRUNCATED
    assert "2 s" in outcome.failure.detail
    assert outcome.response is not None
    assert outcome.response.body.startswith(b"moremore")


@pytest.mark.slow
def test_each_exchange_of_a_connection_has_its_whole_time() -> None:
    """Two answers that take 1.2 s each, in two seconds for each; then one that does not come."""

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for _ in range(2):
            await reader.readuntil(b"\r\n\r\n")
            await asyncio.sleep(1.2)
            writer.write(OK)
        await reader.read()

    async def run() -> list[Outcome]:
        async with serving(handler, timeout=2.0) as client:
            return [await client.send(ask("POST"), connection="a") for _ in range(3)]

    *answered, late = asyncio.run(run())
    assert [outcome.failure for outcome in answered] == [None, None]
    assert late.failure is not None
    assert late.failure.kind is FailureKind.TIMEOUT
    assert late.timing.ended is not None
    assert late.timing.ended - late.timing.started > 1.9


def test_a_body_without_an_end_does_not_take_all_memory() -> None:
    outcome = once(drips(HEAD + b"\r\n", b"x" * 100_000), ask(), max_body=1_000_000)
    assert outcome.failure is not None
    assert outcome.failure.kind is FailureKind.TRUNCATED
    assert outcome.response is not None
    assert 1_000_000 < len(outcome.response.body) < 2_000_000


# -- TLS ----------------------------------------------------------------------------------------------------------


def tls_failure(handler: Handler, **more: Any) -> Outcome:
    """What an https request comes to where no TLS is spoken."""

    async def run() -> Outcome:
        async with serving(handler) as plain:
            target = Target("https", "127.0.0.1", plain.target.port)
            return await Client(target, **more).send(ask())

    return asyncio.run(run())


async def speaks_http(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(10)
    writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    writer.close()


@pytest.mark.parametrize("handler", [speaks_http, slams, silent], ids=["HTTP", "an end", "nothing"])
@pytest.mark.slow
def test_what_answers_a_handshake_and_is_no_handshake(handler: Handler) -> None:
    outcome = tls_failure(handler, timeout=0.5 if handler is silent else 60)
    assert outcome.failure is not None
    assert outcome.failure.kind is FailureKind.TLS


@pytest.mark.slow
def test_a_certificate_nobody_vouches_for(tmp_path: Path) -> None:
    ours, theirs = (Authority.load_or_create(tmp_path / name) for name in ("a", "b"))
    context = theirs.leaf_context("127.0.0.1")
    outcome = once(answers(OK), ask(), context, ca=ours.certificate_path)
    assert outcome.failure is not None
    assert outcome.failure.kind is FailureKind.TLS
    assert once(answers(OK), ask(), context, ca=theirs.certificate_path).failure is None


@pytest.mark.slow
def test_a_body_that_breaks_off_under_tls(tmp_path: Path) -> None:
    context = Authority.load_or_create(tmp_path).leaf_context("127.0.0.1")
    outcome = once(answers(NINE + b"half"), ask(), context)
    assert outcome.failure is not None
    assert outcome.failure.kind is FailureKind.TRUNCATED
    assert outcome.response is not None
    assert outcome.response.body == b"half"


# -- what is odd and still an answer ------------------------------------------------------------------------------

IN_CHUNKS = b"2\r\nok\r\n0\r\n\r\n"
OLD = b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n"
ODD: dict[str, tuple[bytes, str, bytes, int]] = {
    "more bytes than its length": (HEAD + b"Content-Length: 2\r\n\r\nok and more", "GET", b"ok", 2),
    "a whole second answer": (OK + OK, "GET", b"ok", 2),
    "both framings": (HEAD + b"Content-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\n" + IN_CHUNKS, "GET", b"ok", 2),
    "one length twice": (HEAD + b"Content-Length: 2, 2\r\ncontent-length: 2\r\n\r\nok", "GET", b"ok", 1),
    "folded lines": (HEAD + b"A: b\r\n  c\r\nContent-Length: 2\r\n\r\nok", "GET", b"ok", 1),
    "bare line feeds": (b"HTTP/1.1 200 OK\nContent-Length: 2\n\nok", "GET", b"ok", 1),
    "mixed line ends": (b"HTTP/1.1 200 OK\nA: b\r\nContent-Length: 2\r\n\r\nok", "GET", b"ok", 1),
    "a coding that is not the last": (HEAD + b"Transfer-Encoding: chunked, x\r\n\r\nok", "GET", b"ok", 2),
    "chunked from HTTP/1.0": (OLD + b"Transfer-Encoding: chunked\r\n\r\n" + IN_CHUNKS, "GET", b"ok", 2),
    "keep-alive from HTTP/1.0": (OLD + b"Content-Length: 2\r\n\r\nok", "GET", b"ok", 1),
    "no word about it from HTTP/1.0": (b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", "GET", b"ok", 2),
    "a farewell": (HEAD + b"Connection: close\r\nContent-Length: 2\r\n\r\nok", "GET", b"ok", 2),
    "an end of the connection": (HEAD + b"\r\nok", "GET", b"ok", 2),
    "an answer to HEAD": (HEAD + b"Content-Length: 99\r\n\r\n", "HEAD", b"", 1),
    "a chunked answer to HEAD": (HEAD + b"Transfer-Encoding: chunked\r\n\r\n", "HEAD", b"", 1),
    "204 with a length": (b"HTTP/1.1 204 No\r\nContent-Length: 5\r\n\r\n", "GET", b"", 1),
    "304 with a length": (b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", "GET", b"", 1),
}  # fmt: skip


@each("name", ODD)
def test_an_odd_answer_is_read_and_does_not_spoil_the_next(name: str) -> None:
    data, method, body, connections = ODD[name]
    ends = name in ("an end of the connection", "a coding that is not the last")
    made = 0

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal made
        made += 1
        while await reader.readuntil(b"\r\n\r\n"):
            writer.write(data)
            if ends:
                writer.close()

    async def run() -> list[Response | None]:
        async with serving(handler) as client:
            outcomes = [await client.send(ask(method), connection="a") for _ in range(2)]
            assert [outcome.failure for outcome in outcomes] == [None, None]
            return [outcome.response for outcome in outcomes]

    one, other = asyncio.run(run())
    assert one is not None
    assert one.body == body
    assert one == other
    assert made == connections


def test_interim_answers_are_told() -> None:
    data = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + OK
    outcome = once(answers(data), ask())
    assert outcome.failure is None
    assert outcome.interim == (100, 103)
    assert outcome.response is not None
    assert outcome.response.status == 200


def test_a_target_that_closes_its_side_first_has_still_answered() -> None:
    """Half-open: it says that it will send no more, and goes on reading."""

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(HEAD + b"\r\nall of it")
        writer.write_eof()
        await reader.read()

    outcome = once(handler, ask())
    assert outcome.failure is None
    assert outcome.response is not None
    assert outcome.response.body == b"all of it"


@pytest.mark.slow
def test_a_target_that_closes_its_side_without_an_answer_does_not_let_us_wait() -> None:
    """Although we still have megabytes to send, and it takes none."""

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write_eof()
        await asyncio.Event().wait()

    outcome = once(handler, ask("PUT", body=b"x" * 50_000_000), timeout=60)
    assert outcome.failure is not None
    assert outcome.failure.kind is FailureKind.RESET
    assert outcome.timing.ended is not None
    assert outcome.timing.ended - outcome.timing.started < 20


@pytest.mark.slow
def test_an_answer_before_the_request_is_sent_is_the_answer() -> None:
    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno")
        await asyncio.Event().wait()

    outcome = once(handler, ask("POST", body=b"x" * 50_000_000), connection="a")
    assert outcome.failure is None
    assert outcome.response is not None
    assert outcome.response.status == 413
    assert {"where": "body", "why": "the target answered before all of it was sent"} in outcome.changes


# -- Expect: 100-continue -----------------------------------------------------------------------------------------

EXPECTING = ((b"Host", b"h"), (b"Expect", b"100-continue"), (b"Content-Length", b"5"))


def expecting(first: bytes) -> tuple[Outcome, list[bytes]]:
    """What comes of a request that asks first, where ``first`` is said to its head; and what was read of it."""
    read: list[bytes] = []

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        read.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(first)
        read.append(await reader.readexactly(5) if first[9:12] in (b"100", b"") else await reader.read())
        writer.write(OK)

    outcome = once(handler, ask("POST", headers=EXPECTING, body=b"hello"), connection="a", timeout=60)
    return outcome, read


def test_the_body_follows_when_the_target_wants_it() -> None:
    outcome, read = expecting(b"HTTP/1.1 100 Continue\r\n\r\n")
    assert outcome.failure is None
    assert outcome.interim == (100,)
    assert outcome.changes == ()
    assert read[1] == b"hello"


def test_the_body_is_kept_back_when_the_target_refuses_it() -> None:
    outcome, read = expecting(b"HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n")
    assert outcome.failure is None
    assert outcome.response is not None
    assert outcome.response.status == 401
    assert [change["where"] for change in outcome.changes] == ["body"]
    assert read[1] == b""


@pytest.mark.slow
def test_the_body_follows_when_the_target_says_nothing() -> None:
    outcome, read = expecting(b"")
    assert outcome.failure is None
    assert [change["where"] for change in outcome.changes] == ["body"]
    assert read[1] == b"hello"
