"""What other stub servers get wrong, one test each. Named after the defect; the peer is in the docstring.

Measured or read in their sources, or told in their issue trackers.
"""

from __future__ import annotations

import asyncio
import gzip
import socket
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from captures.model import Direction, Exchange, FailureKind, Request, Timing, header
from captures.redacting.redaction import RedactionPolicy, Redactor
from replayer.plan import Exhausted, OnMiss
from replayer.stubs import StubServer
from tests.replayer.desks import At, desk_of
from tests.replayer.tapes import NOW, Tape, request, response

GET = request(target="/x")


def calls(*recorded: tuple[Request, Any]) -> Callable[[Tape], None]:
    """Records each request with its body as the answer."""

    def record(tape: Tape) -> None:
        for asked, answer in recorded:
            tape.outbound(None, asked, response(200, answer))

    return record


def asked(at: At, call: Request) -> Any:
    """(status, body, matched) of a call."""
    answer = at.ask(call)
    assert answer.response is not None
    return answer.response.status, answer.response.body, at.notes.get("matched")


STRICT = {"on_miss": OnMiss.STRICT}


def test_two_origins_with_the_same_path_are_two(tmp_path: Path) -> None:
    """WireMock's recordings carry no host (#1288): one origin answers for the other. Hoverfly compares no scheme."""
    one, other = request(target="/status", host="a.test"), request(target="/status", host="b.test")
    record = calls((one, "a"), (other, "b"), (replace(one, port=8080), "a8080"), (replace(one, scheme="https"), "tls"))
    with desk_of(tmp_path / "c.sqlite", record, **STRICT) as at:
        assert asked(at, replace(one, scheme="https")) == (200, b'"tls"', "exact")
        assert asked(at, other) == (200, b'"b"', "exact")
        assert asked(at, replace(one, port=8080)) == (200, b'"a8080"', "exact")
        assert asked(at, replace(other, port=8080))[0] == 502
        assert asked(at, one) == (200, b'"a"', "exact")


@pytest.mark.parametrize(
    ("exhausted", "then"), [(Exhausted.LAST, (200, b"2", "exhausted")), (Exhausted.MISS, (502, None, None))]
)
def test_a_sequence_does_not_wrap_around_nor_stick_to_its_first_answer(
    tmp_path: Path, exhausted: Exhausted, then: tuple[int, bytes | None, str | None]
) -> None:
    """mountebank wraps to the first answer; VCR.py with repeats always gives the first (#842)."""
    with desk_of(tmp_path / "c.sqlite", calls((GET, 1), (GET, 2)), exhausted=exhausted) as at:
        assert [asked(at, GET)[1] for _ in range(2)] == [b"1", b"2"]
        for _ in range(3):
            status, body, matched = asked(at, GET)
            assert (status, matched) == (then[0], then[2])
            assert then[1] is None or body == then[1]


def test_an_unmatched_call_is_an_error_never_200(tmp_path: Path) -> None:
    """mountebank answers 200 with an empty body (#129)."""
    with desk_of(tmp_path / "c.sqlite", calls((GET, 1))) as at:
        assert asked(at, request(target="/y"))[0] == 502
        assert asked(at, request("POST", "/x"))[0] == 502


def test_nothing_is_forwarded_when_the_tape_is_used_up(tmp_path: Path) -> None:
    """mitmproxy forwards every call once its last flow is consumed, whatever the policy says (#8363, #5024)."""
    with socket.create_server(("127.0.0.1", 0)) as real:
        port = real.getsockname()[1]
        here = Request("GET", "http", "127.0.0.1", port, b"/x", ((b"Host", b"127.0.0.1:%d" % port),))
        with desk_of(tmp_path / "c.sqlite", calls((here, 1)), exhausted=Exhausted.MISS, **STRICT) as at:

            async def through_the_proxy() -> list[int]:
                server = StubServer(at.desk, None)
                proxy = await server.listen()
                async with httpx.AsyncClient(proxy=proxy, trust_env=False, timeout=60) as client:
                    told = [
                        (await client.get(f"http://127.0.0.1:{port}{path}")).status_code for path in ("/x", "/x", "/")
                    ]
                    with pytest.raises(httpx.TransportError):  # no authority: a tunnel leads nowhere
                        await client.get(f"https://127.0.0.1:{port}/x")
                await server.close()
                return told

            assert asyncio.run(through_the_proxy()) == [200, 502, 502]
        real.setblocking(False)
        with pytest.raises(BlockingIOError):
            real.accept()


@pytest.mark.parametrize(
    ("recorded", "call"),
    [
        (request(target="/x?a=1&b=2"), request(target="/x?b=2&a=1")),
        (request(target="/x?q=a%20b"), request(target="/x?q=a+b")),
        (request("POST", "/x", {"a": 1, "b": [1]}), request("POST", "/x", b'{"b":[1],\n "a":1}')),
    ],
    ids=["query order", "query escapes", "JSON key order"],
)
def test_what_says_the_same_is_the_same(tmp_path: Path, recorded: Request, call: Request) -> None:
    """mitmproxy hashes the query in order and the raw body."""
    with desk_of(tmp_path / "c.sqlite", calls((recorded, 1)), **STRICT) as at:
        assert asked(at, call) == (200, b"1", "canonical")


def test_gzip_of_another_writer_is_the_same_body(tmp_path: Path) -> None:
    """mitmproxy compares undecoded bytes: another compression level is another call."""
    plain = request("POST", "/x", {"a": "b" * 200})
    packed = replace(plain, body=gzip.compress(plain.body, 9), headers=(*plain.headers, (b"Content-Encoding", b"gzip")))
    other = replace(packed, body=gzip.compress(plain.body, 1, mtime=7))
    with desk_of(tmp_path / "c.sqlite", calls((packed, 1), (packed, 2)), **STRICT) as at:
        assert asked(at, other) == (200, b"1", "canonical")
        assert asked(at, plain) == (200, b"2", "canonical")


def test_path_parameters_count(tmp_path: Path) -> None:
    """mitmproxy throws ``;v=1`` away, so both versions have one key."""
    record = calls((request(target="/x;v=1"), 1), (request(target="/x;v=2"), 2))
    with desk_of(tmp_path / "c.sqlite", record, **STRICT) as at:
        assert asked(at, request(target="/x;v=2")) == (200, b"2", "exact")
        assert asked(at, request(target="/x;v=1")) == (200, b"1", "exact")
        assert asked(at, request(target="/x"))[0] == 502


def hidden(call: Request) -> Request:
    """``call`` as a capture holds it."""
    redactor = Redactor(b"k" * 32, RedactionPolicy())
    return redactor.exchange(Exchange(1, Direction.OUTBOUND, call, Timing(NOW))).request


@pytest.mark.parametrize(
    ("name", "values"),
    [
        (b"Accept", (b"application/json", b"text/csv")),
        (b"Accept-Language", (b"de", b"fr")),
        (b"Authorization", (b"Bearer alice-51fe2c0a9d", b"Bearer bob-77aa01c3e4")),
        (b"X-Tenant", (b"north", b"south")),
    ],
)
def test_a_header_that_told_recorded_calls_apart_tells_them_apart(
    tmp_path: Path, name: bytes, values: tuple[bytes, bytes]
) -> None:
    """mitmproxy and VCR.py ignore headers unless named; Polly counts all of them, so trace ids break every match."""
    one, other = (request(target="/x", headers=((name, value), (b"X-Request-Id", value[::-1]))) for value in values)
    with desk_of(tmp_path / "c.sqlite", calls((hidden(one), 1), (hidden(other), 2), (hidden(one), 3))) as at:
        second, first = (
            request(target="/x", headers=((name, value), (b"X-Request-Id", b"new every time")))
            for value in (values[1], values[0])
        )
        assert [asked(at, call)[1:] for call in (second, first, first, second)] == [
            (b"2", "exact"), (b"1", "exact"), (b"3", "exact"), (b"2", "exhausted"),
        ]  # fmt: skip


def test_headers_nobody_was_told_apart_by_do_not_matter(tmp_path: Path) -> None:
    """Polly matches on all headers."""
    one = request(target="/x", headers=((b"Accept", b"*/*"), (b"X-Request-Id", b"a1")))
    with desk_of(tmp_path / "c.sqlite", calls((one, 1), (one, 2)), **STRICT) as at:
        other = request(target="/x", headers=((b"Accept", b"text/html"), (b"X-New", b"1")))
        assert [asked(at, other)[1] for _ in range(2)] == [b"1", b"2"]


@pytest.mark.parametrize(
    ("one", "other"), [(2**53, 2**53 + 1), (0.1 + 0.2, 0.3), (1, 1.0), (10**25, 10**25 + 1), (1, True), ("1", 1)]
)
def test_numbers_are_exact(tmp_path: Path, one: Any, other: Any) -> None:
    """Keploy reads JSON into float64: 9007199254740993 equals 9007199254740992."""
    calls_of_both = calls((request("POST", "/x", {"n": one}), 1), (request("POST", "/x", {"n": other}), 2))
    with desk_of(tmp_path / "c.sqlite", calls_of_both, **STRICT) as at:
        assert asked(at, request("POST", "/x", {"n": other})) == (200, b"2", "exact")
        spaced = request("POST", "/x", {"n": one})
        assert asked(at, replace(spaced, body=spaced.body + b" ")) == (200, b"1", "canonical")


def test_a_date_of_today_is_no_other_call(tmp_path: Path) -> None:
    """WireMock's recorded dates make a stub valid for a day (#754); Polly counts every header, the Date too."""
    old = request("POST", "/x", {"at": "2026-05-28T20:26:40Z"}, headers=((b"Date", b"Thu, 28 May 2026 20:26:40 GMT"),))
    new = request("POST", "/x", {"at": "2026-06-01T08:00:00Z"}, headers=((b"Date", b"Mon, 01 Jun 2026 08:00:00 GMT"),))
    with desk_of(tmp_path / "c.sqlite", calls((old, 1), (old, 2)), now=lambda: NOW + 300_000, **STRICT) as at:
        assert asked(at, new) == (200, b"1", "volatile")
        same = replace(old, headers=new.headers)
        assert asked(at, same) == (200, b"2", "exact")


@pytest.mark.parametrize(
    "kind", [FailureKind.CONNECT, FailureKind.RESET, FailureKind.TIMEOUT, FailureKind.TLS, FailureKind.PROTOCOL]
)
def test_a_recorded_error_is_an_error_again(tmp_path: Path, kind: FailureKind) -> None:
    """mitmproxy skips flows without a response; VCR.py and Polly do not record them."""

    def record(tape: Tape) -> None:
        tape.outbound(None, GET, None, failure=kind)
        tape.outbound(None, GET, response(200, "up again"))

    with desk_of(tmp_path / "c.sqlite", record) as at:
        answer = at.ask(GET)
        assert answer.response is None
        assert answer.failure is not None
        assert answer.failure.kind is kind
        assert at.written.exchanges[-1].failure == answer.failure
        assert asked(at, GET) == (200, b'"up again"', "exact")


def test_a_truncated_answer_is_truncated_again(tmp_path: Path) -> None:
    """mitmproxy and WireMock would serve the part as the whole."""

    def record(tape: Tape) -> None:
        tape.outbound(None, GET, response(200, b"half"), failure=FailureKind.TRUNCATED, body_truncated=True)

    with desk_of(tmp_path / "c.sqlite", record) as at:
        answer = at.ask(GET)
        assert answer.response is not None
        assert answer.response.body == b"half"
        assert answer.failure is not None
        assert at.desk.partial == {1}


def test_parallel_identical_calls_get_each_answer_once(tmp_path: Path) -> None:
    """WireMock's scenarios race: 1, 1, 2, 1, 2 (#456)."""
    number = 40
    with desk_of(tmp_path / "c.sqlite", calls(*((GET, n) for n in range(number))), one_pool=True) as at:

        async def all_at_once() -> list[bytes]:
            server = StubServer(at.desk, None)
            proxy = await server.listen()
            limits = httpx.Limits(max_connections=number)
            async with httpx.AsyncClient(proxy=proxy, trust_env=False, timeout=60, limits=limits) as client:
                answers = await asyncio.gather(*(client.get("http://shop.test/x") for _ in range(number)))
            await server.close()
            return [answer.content for answer in answers]

        assert sorted(int(body) for body in asyncio.run(all_at_once())) == list(range(number))


def test_query_values_count(tmp_path: Path) -> None:
    """Keploy matched query parameters by name alone: ``?id=B`` got the answer to ``?id=A`` (#4498)."""
    record = calls((request(target="/s?id=A"), "A"), (request(target="/s?id=B"), "B"))
    with desk_of(tmp_path / "c.sqlite", record, **STRICT) as at:
        assert asked(at, request(target="/s?id=B")) == (200, b'"B"', "exact")
        assert asked(at, request(target="/s?id=C"))[0] == 502


def test_blank_query_values_and_repetitions_count(tmp_path: Path) -> None:
    """VCR.py drops blank values; several peers keep one of a repeated name."""
    record = calls((request(target="/s?a=1"), 1), (request(target="/s?a=1&b="), 2), (request(target="/s?a=1&a=2"), 3))
    with desk_of(tmp_path / "c.sqlite", record, **STRICT) as at:
        assert asked(at, request(target="/s?b=&a=1")) == (200, b"2", "canonical")
        assert asked(at, request(target="/s?a=2&a=1"))[0] == 502
        assert asked(at, request(target="/s?a=1&a=2")) == (200, b"3", "exact")
        assert asked(at, request(target="/s?a=1")) == (200, b"1", "exact")


def test_the_case_of_a_path_counts(tmp_path: Path) -> None:
    """mountebank compares paths without case by default."""
    record = calls((request(target="/hello"), 1), (request(target="/HELLO"), 2))
    with desk_of(tmp_path / "c.sqlite", record, **STRICT) as at:
        assert asked(at, request(target="/HELLO")) == (200, b"2", "exact")
        assert asked(at, request(target="/Hello"))[0] == 502


def multipart(boundary: str, content: str) -> Request:
    head = 'Content-Disposition: form-data; name="f"; filename="a.txt"'
    body = f"--{boundary}\r\n{head}\r\n\r\n{content}\r\n--{boundary}--\r\n"
    kind = f"multipart/form-data; boundary={boundary}".encode()
    return Request("POST", "http", "up.test", 80, b"/", ((b"Host", b"up.test"), (b"Content-Type", kind)), body.encode())


def test_the_boundary_of_a_multipart_body_is_no_part_of_it_and_its_files_are(tmp_path: Path) -> None:
    """mock-server breaks on the boundary (#965); WireMock's recorder accepts any file."""
    with desk_of(tmp_path / "c.sqlite", calls((multipart("aaa", "one file"), 1)), **STRICT) as at:
        assert asked(at, multipart("zzz", "another file"))[0] == 502
        assert asked(at, multipart("zzz", "one file")) == (200, b"1", "canonical")


@pytest.mark.parametrize("kind", [b"application/vnd.shop.v2+json", b"application/problem+json; charset=utf-8"])
def test_json_under_another_name_is_json(tmp_path: Path, kind: bytes) -> None:
    """VCR.py reads JSON only where the type says ``application/json``."""

    def typed(body: bytes) -> Request:
        return Request("POST", "http", "h.test", 80, b"/", ((b"Content-Type", kind),), body)

    with desk_of(tmp_path / "c.sqlite", calls((typed(b'{"a":1,"b":2}'), 1)), **STRICT) as at:
        assert asked(at, typed(b'{ "b":2, "a":1}')) == (200, b"1", "canonical")


@pytest.mark.parametrize(
    "body", [{"id": 1, "items": [1, 2], "new": 0}, {"id": 1, "items": [2, 1]}, {"id": 1, "items": [1]}, {"id": 1}]
)
def test_request_drift_is_served_and_said_never_hidden(tmp_path: Path, body: Any) -> None:
    """WireMock's recorded stubs ignore array order and extra fields: such drift is 200 and nobody hears of it."""
    record = calls((request("POST", "/o", {"id": 1, "items": [1, 2]}), 1))
    with desk_of(tmp_path / "c.sqlite", record) as at:
        assert asked(at, request("POST", "/o", body)) == (200, b"1", "changed")
        assert 0 < at.notes["score"] < 1
        assert at.notes["differences"]


def test_a_miss_is_explained_by_its_body_though_the_path_moved(tmp_path: Path) -> None:
    """WireMock stops at the path: a stub one letter away with another body is "nearest", the renamed one is not."""
    payment = {"amount": 100, "currency": "EUR", "reference": "inv-1"}
    record = calls(
        (request("POST", "/api/v2/paymants", {"name": "x", "age": 1}, host="pay.test"), 1),
        (request("POST", "/api/v2/charges", payment, host="pay.test"), 2),
    )
    with desk_of(tmp_path / "c.sqlite", record) as at:
        assert asked(at, request("POST", "/api/v2/payments", payment, host="pay.test"))[0] == 502
        miss = at.notes["miss"]
    assert miss["nearest"]["exchange"] == 2
    assert miss["edits"] == ["replace path segment 3 'payments' by 'charges'"]
    assert "outbound pay POST /api/v2/charges request.target" in miss["rules"]


def test_a_miss_is_sought_at_its_own_server_first(tmp_path: Path) -> None:
    """Keploy's closest mock was on another host, and its advice buried the real misses (PR #4536)."""
    record = calls((request(target="/a/b", host="x.test"), 1), (request(target="/a/c", host="y.test"), 2))
    with desk_of(tmp_path / "c.sqlite", record) as at:
        asked(at, request(target="/a/b/d", host="y.test"))
        assert at.notes["miss"]["nearest"]["exchange"] == 2


def test_a_consumed_answer_says_who_had_it(tmp_path: Path) -> None:
    """VCR.py said "0 matchers failed" and still found nothing: the recording was used up (#516, #533)."""

    def record(tape: Tape) -> None:
        for number in (1, 2):
            tape.outbound(tape.inbound(request("POST", f"/orders/{number}"), response()), GET, response(200, number))

    with desk_of(tmp_path / "c.sqlite", record, exhausted=Exhausted.MISS) as at:
        run = at.begin(1)
        assert asked(at, GET) == (200, b"1", "exact")
        assert asked(at, GET)[0] == 502
        miss = at.notes["miss"]
    assert miss["nearest"]["served"] is True
    assert miss["edits"] == []
    assert miss["answered"] == f"already answered 1 of 1 time, to recorded exchange 1 (run exchange {run})"
    assert "--exhausted last" in miss["hint"]


def test_stubs_that_are_served_alone_name_the_capture_and_no_run(tmp_path: Path) -> None:
    with desk_of(tmp_path / "c.sqlite", calls((GET, 1)), exhausted=Exhausted.MISS, one_pool=True) as at:
        assert asked(at, GET) == (200, b"1", "exact")
        assert asked(at, GET)[0] == 502
        assert at.notes["miss"]["answered"] == "already answered 1 of 1 time"
        asked(at, request("PATCH", GET.target.decode(), {"a": 1}, host=GET.host))
        assert f"retape capture show {tmp_path / 'c.sqlite'} 1" in at.notes["miss"]["hint"]


def test_waiting_for_one_answer_blocks_no_other(tmp_path: Path) -> None:
    """mitmproxy, WireMock and VCR.py replay no recorded latency at all (WireMock #1437)."""

    def record(tape: Tape) -> None:
        tape.outbound(None, request(target="/slow"), response(200, 1), timing=Timing(NOW, NOW, NOW + 60, NOW + 60))
        tape.outbound(None, request(target="/fast"), response(200, 2))

    with desk_of(tmp_path / "c.sqlite", record, latency=1.0) as at:

        async def both() -> bytes:
            server = StubServer(at.desk, None)
            proxy = await server.listen()
            async with httpx.AsyncClient(proxy=proxy, trust_env=False, timeout=60) as client:
                slow = asyncio.create_task(client.get("http://shop.test/slow"))
                while not at.written.exchanges:
                    await asyncio.sleep(0)
                fast = await client.get("http://shop.test/fast")
                slow.cancel()
            await server.close()
            return fast.content

        assert asyncio.run(both()) == b"2"


def test_a_head_that_was_not_recorded_is_the_head_of_the_get(tmp_path: Path) -> None:
    head, record = replace(GET, method="HEAD"), calls((GET, 12))
    with desk_of(tmp_path / "c.sqlite", record) as at:
        at.begin(1)
        answer = at.ask(head)
        assert answer.response is not None
        assert (answer.response.status, answer.response.body, answer.pieces) == (200, b"", ())
        assert header(answer.response.headers, "content-length") == b"2"
        assert at.notes["matched"] == "changed"
        assert [one["path"] for one in at.notes["differences"]] == ["request.method"]
        assert asked(at, GET) == (200, b"12", "exact")  # it is still there
    with desk_of(tmp_path / "d.sqlite", record, **STRICT) as at:
        at.begin(1)
        assert asked(at, head)[0] == 502
