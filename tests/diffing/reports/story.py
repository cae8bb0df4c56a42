"""A run that drifted in every way a report has to show, with hostile content, as a result and its two captures."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from captures.formats.decoding import Number
from captures.model import (
    Cause,
    CauseHow,
    Direction,
    Exchange,
    Failure,
    FailureKind,
    Headers,
    Request,
    Response,
    Timing,
)
from captures.writer import CaptureWriter
from diffing.baseline.measured import measured
from diffing.contract.profile import Profile
from diffing.model import (
    ABSENT,
    Acceptance,
    Arrangement,
    Column,
    Decision,
    Finding,
    Group,
    Judgement,
    Kind,
    Ledger,
    Level,
    Result,
    Stubs,
)
from tests.diffing.baseline.test_latency import times

START = 1_790_000_000.0
HOSTILE = "</script><script>document.title='PWNED'</script><img src=x onerror=\"document.title='PWNED'\">"
NASTY = f"{HOSTILE}\x1b[31mred\x1b[0m\x00\u2028\u202eevil\ud800[bold]markup[/bold] & <b>"


def _json(value: Any) -> bytes:
    return json.dumps(value).encode()


def _order(number: int, *, price: Any, replayed: bool) -> dict[str, Any]:
    order: dict[str, Any] = {
        "id": f"{'9b' if replayed else '7f'}1e{number:04d}-33aa-4c1e-9d55-0a1b2c3d4e5f",
        "number": f"O-{number + (5000 if replayed else 1000)}",
        "created_at": "2026-11-21T09:12:44Z" if replayed else "2026-10-19T08:00:01Z",
        "status": "paid",
        "customer": {"name": "Ada Lovelace", "email": "ada@example.test", "tier": "gold"},
        "items": [
            {"sku": "A-1", "title": "Fountain pen", "qty": 1, "price": price},
            {"sku": "B-7", "title": "Ink, blue-black", "qty": 2, "price": price},
            {"sku": "C-3", "title": "Paper, 120 g", "qty": 1, "price": price},
        ],
        "shipping": {"carrier": "post", "days": 3, "address": {"street": "1 Main St", "city": "Oslo", "zip": "0150"}},
        "notes": [f"line {n}" for n in range(12)],
        "total": "55.20",
    }
    if replayed:
        order["items"].reverse()
        order["links"] = {"self": f"/orders/{number}"}
    else:
        order["discount"] = {"code": "SPRING", "percent": 10}
    return order


class _Tape:
    """Writes one capture; ids are given, so that the two sides can be told apart in a test."""

    def __init__(self, path: Path, mode: str, start: float, meta: dict[str, Any]) -> None:
        self.writer = CaptureWriter(path, mode=mode, meta=meta, now=lambda: start)
        self.clock = start

    def inbound(self, identity: int, method: str, target: str, status: int, **more: Any) -> None:
        self._put(identity, Direction.INBOUND, method, target, status, host="shop.test", port=8000, **more)

    def outbound(self, identity: int, by: int, name: str, method: str, target: str, status: int, **more: Any) -> None:
        cause = Cause(CauseHow.TRACE_HEADER, by, "traceparent 4bf9…36 seen on both")
        host = f"{name}.test"
        more |= {"dependency": name, "cause": cause}
        self._put(identity, Direction.OUTBOUND, method, target, status, host=host, port=443, **more)

    def _put(
        self,
        identity: int,
        direction: Direction,
        method: str,
        target: str,
        status: int,
        *,
        host: str,
        port: int,
        headers: Headers = (),
        body: bytes = b"",
        sent: bytes = b"",
        failure: Failure | None = None,
        **more: Any,
    ) -> None:
        self.clock += 0.05
        request = Request(
            method,
            "https" if port == 443 else "http",
            host,
            port,
            target.encode("utf-8"),
            ((b"Host", host.encode()), (b"Accept", b"application/json"), (b"X-Request-Id", b"req-%d" % identity))
            + (((b"Content-Type", b"application/json"),) if sent else ()),
            sent,
        )
        response = Response(status, headers or _JSON, body, b"OK") if status else None
        timing = Timing(self.clock, self.clock + 0.001, self.clock + 0.01, self.clock + 0.0123)
        self.writer.put(Exchange(identity, direction, request, timing, response, failure, connection="c1", **more))


_JSON: Headers = (
    (b"Content-Type", b"application/json"),
    (b"Date", b"Mon, 19 Oct 2026 08:00:01 GMT"),
    (b"Strict-Transport-Security", b"max-age=31536000"),
    (b"Set-Cookie", b"sid=one; HttpOnly"),
    (b"Set-Cookie", b"theme=dark"),
)
_JSON_LATER: Headers = (
    (b"Content-Type", b"application/json; charset=utf-8"),
    (b"Date", b"Sat, 21 Nov 2026 09:12:44 GMT"),
    (b"Set-Cookie", b"sid=two; HttpOnly"),
    (b"Set-Cookie", b"theme=dark"),
    (b"X-Served-By", b"shop-b"),
)


def write_captures(folder: Path) -> tuple[Path, Path]:
    """The recording of build A and the run of build B."""
    recorded, replayed = folder / "shop.sqlite", folder / "run.sqlite"
    tape = _Tape(recorded, "record", START, {"label": "shop A", "git": "4f2c1e9"})
    run = _Tape(replayed, "replay", START + 2_900_000, {"label": "shop B", "git": "88d01aa", "source": "shop.sqlite"})
    for n in range(1, 7):
        tape.inbound(n, "GET", f"/orders/{n}?expand=items", 200, body=_json(_order(n, price=18.4, replayed=False)))
        run.inbound(
            100 + n,
            "GET",
            f"/orders/{n + 4000}?expand=items",
            200,
            body=_json(_order(n, price="18.40", replayed=True)),
            headers=_JSON_LATER,
            replay_of=n,
            notes={"changes": [{"where": "target /orders/{id}", "why": f"the id that POST /orders gave for {n}"}]},
        )
        tape.outbound(10 + n, n, "inventory", "GET", f"/stock/{n}", 200, body=b'{"left": 4}')
        run.outbound(110 + n, 100 + n, "inventory", "GET", f"/stock/{n}", 200, body=b'{"left": 4}', replay_of=10 + n)
        for extra in (1, 2):
            run.outbound(
                120 + 2 * n + extra,
                100 + n,
                "inventory",
                "GET",
                f"/stock/{n}/items/{extra}",
                502,
                notes={
                    "miss": {
                        "error": "retape: no recorded call matches",
                        "call": f"GET https://inventory.test/stock/{n}/items/{extra}",
                        "for": "exchange 1",
                        "nearest": {"exchange": 10 + n, "request": f"GET /stock/{n}", "served": True},
                        "differences": [{"path": "request.path", "recorded": "/stock/1", "replayed": NASTY}],
                        "hint": "The path differs: a renamed route, or another resource than was recorded.",
                    }
                },
            )
    tape.inbound(20, "POST", "/orders", 201, body=b'{"id": 20}', sent=b'{"sku": "A-1"}')
    run.inbound(140, "POST", "/orders", 201, body=b'{"id": 20}', sent=b'{"sku": "A-1"}', replay_of=20)
    tape.outbound(21, 20, "payments", "POST", "/charges", 201, sent=b'{"amount": 5520, "currency": "NOK"}')
    run.outbound(
        141, 140, "payments", "POST", "/charges", 201, sent=b'{"amount": 552, "currency": "NOK"}', replay_of=21,
        notes={"matched": "volatile"},
    )  # fmt: skip
    tape.outbound(22, 20, "audit", "POST", "/events", 204)
    tape.inbound(23, "GET", f"/search?q={HOSTILE}", 200, body=_json({"said": NASTY, "long": "x" * 90_000}))
    run.inbound(
        143,
        "GET",
        f"/search?q={HOSTILE}",
        200,
        body=_json({"said": NASTY + "!", "long": "x" * 90_000 + "y"}),
        replay_of=23,
    )
    plain: Headers = ((b"Content-Type", b"text/html; charset=utf-8"), (b"Content-Encoding", b"gzip"))
    tape.inbound(24, "GET", "/page", 200, headers=plain, body=gzip.compress(f"<html>\n{HOSTILE}\n</html>".encode()))
    run.inbound(
        144, "GET", "/page", 200, headers=plain, body=gzip.compress(b"<html>\nhello\n<p>new\n</html>"), replay_of=24
    )
    tape.inbound(25, "GET", "/logo.png", 200, headers=((b"Content-Type", b"image/png"),), body=bytes(range(256)) * 4)
    run.inbound(
        145, "GET", "/logo.png", 200, headers=((b"Content-Type", b"image/png"),), body=bytes(range(255)), replay_of=25
    )
    tape.inbound(26, "GET", "/slow", 200, body=b"{}")
    run.inbound(146, "GET", "/slow", 0, failure=Failure(FailureKind.TIMEOUT, "no answer in 10 s"), replay_of=26)
    tape.inbound(27, "DELETE", "/orders/1", 204)
    run.writer.skip(27, "the run was stopped before it")
    tape.inbound(28, "GET", "/health", 200, body=b'{"up": true}')
    run.inbound(148, "GET", "/health", 200, body=b'{"up": true}', replay_of=28)
    run.inbound(149, "GET", "/metrics", 200, body=b'{"n": 1}')
    tape.writer.close()
    run.writer.close()
    return recorded, replayed


def _finding(
    class_id: str, endpoint: str, location: str, path: str, old: Any, new: Any, exchange: int, **more: Any
) -> Finding:
    return Finding(class_id, endpoint, location, path, old, new, exchange, **more)


def _group(fingerprint: str, kind: Kind, level: Level, findings: tuple[Finding, ...], **more: Any) -> Group:
    first = findings[0]
    return Group(
        fingerprint,
        first.class_id,
        kind,
        level,
        first.endpoint,
        first.location,
        first.recorded,
        first.replayed,
        first.evidence,
        len(findings),
        tuple(dict.fromkeys(finding.exchange for finding in findings)),
        findings[:5],
        curl=f"curl -sS -X {first.endpoint.split()[0]} 'http://127.0.0.1:8000/orders/{first.exchange}?expand=items' "
        "-H 'accept: application/json'",
        command=f"retape replay shop.sqlite --only id:{first.exchange} -- python -m shop.b --port '{{port}}'",
        **more,
    )


ORDERS, MADE, SEARCH = "GET /orders/{id}", "POST /orders", "GET /search"


def profile() -> Profile:
    """What the recording says of some places."""
    found = Profile()
    for number in range(1, 7):
        found.add(f"{ORDERS} 200", "body", {"items": [{"price": 18.4}], "discount": {"code": NASTY}}, request=number)
        found.add_headers(f"{ORDERS} 200", {"strict-transport-security"})
        found.add(f"{ORDERS} 404", "body", {"error": "gone"}, request=number)
        found.add("outbound payments POST /charges", "body", {"amount": 5520}, request=number)
    return found


def let_pass() -> dict[tuple[str, str, str], tuple[tuple[int, Acceptance], ...]]:
    """What rules accepted, by place."""
    ids, own = "response.body $.id", "response.header x-served-by"
    return {
        ("volatile.identifier", ORDERS, ids): tuple(
            (n, Acceptance(("volatile.identifier",), ids, "$.id", f"7f1e{n:04d}-33aa", NASTY, "uuid v4; named id"))
            for n in range(1, 4)
        ),
        ("any-server", ORDERS, own): ((1, Acceptance(("any-server",), own, own, ABSENT, "shop-b", "any")),),
    }


def make_result() -> Result:
    """The verdict over those captures."""
    prices = tuple(
        _finding("response.body.type-changed", ORDERS, "response.body $.items[*].price", f"$.items[{i}].price",
                 Number("18.40"), "18.40", n, evidence="18/18 recorded samples are numbers")
        for n in range(1, 7) for i in range(3)
    )  # fmt: skip
    removed = tuple(
        _finding("response.body.field-removed", ORDERS, "response.body $.discount", "$.discount",
                 {"code": "SPRING", "percent": 10}, ABSENT, n, evidence="6/6 recorded samples have it")
        for n in range(1, 7)
    )  # fmt: skip
    added = tuple(
        _finding("response.body.field-added", ORDERS, "response.body $.links", "$.links", ABSENT,
                 {"self": "/orders/1"}, n)
        for n in range(1, 7)
    )  # fmt: skip
    order = tuple(
        _finding("response.body.array-order", ORDERS, "response.body $.items", "$.items", ["A-1", "B-7", "C-3"],
                 ["C-3", "B-7", "A-1"], n, evidence="6/6 recorded samples keep the order of sku")
        for n in range(1, 7)
    )  # fmt: skip
    hsts = tuple(
        _finding("response.header.security-lost", ORDERS, "response.header strict-transport-security", "",
                 "max-age=31536000", ABSENT, n, evidence="6/6 recorded samples have it")
        for n in range(1, 7)
    )  # fmt: skip
    extra = tuple(
        _finding("outbound.extra", ORDERS, "outbound inventory GET /stock/{id}/items/{id}", "", ABSENT,
                 f"GET /stock/{n}/items/{i}", n, evidence="0 such calls in 6 recorded exchanges",
                 outbound_replayed=120 + 2 * n + i)
        for n in range(1, 7) for i in (1, 2)
    )  # fmt: skip
    amount = _finding(
        "outbound.request.body.value-changed", MADE, "outbound payments POST /charges request.body $.amount",
        "$.amount",
        5520, 552, 20, evidence="the amount equals the order's total in 1/1 recorded samples",
        outbound_recorded=21, outbound_replayed=141,
    )  # fmt: skip
    audit = _finding("outbound.missing", MADE, "outbound audit POST /events", "", "POST /events", ABSENT, 20,
                     evidence="1 of 1 recorded exchanges made it", outbound_recorded=22)  # fmt: skip
    said = _finding("response.body.value-changed", SEARCH, "response.body $.said", "$.said", NASTY, NASTY + "!", 23)
    long = _finding(
        "response.body.value-changed", SEARCH, "response.body $.long", "$.long", "x" * 90_000, "x" * 90_000 + "y", 23
    )
    text = _finding("response.body.text-changed", "GET /page", "response.body", "$", f"{HOSTILE}", "hello", 24)
    binary = _finding(
        "response.body.binary-changed", "GET /logo.png", "response.body", "", "1024 bytes", "255 bytes", 25
    )
    failed = _finding("response.failed", "GET /slow", "response", "", 200, "timeout", 26)
    metrics = _finding("exchange.extra", "GET /metrics", "exchange", "", ABSENT, "GET /metrics", 149)
    every = (*prices, *removed, *added, *order, *hsts, *extra, amount, audit, said, long, text, binary, failed)
    by_exchange: dict[int, tuple[Finding, ...]] = {}
    for finding in every:
        by_exchange[finding.exchange] = (*by_exchange.get(finding.exchange, ()), finding)
    ruled = {"volatile.identifier": 2, "volatile.timestamp": 1, "builtin.date-header": 1}
    passed = let_pass()
    accepted = tuple(found[0][1] for found in passed.values())
    order_kept = (Arrangement("response.body", ("items",), ("items",), ((0, 2), (1, 1), (2, 0))),)
    judgements = [
        *(
            Judgement(n, 100 + n, ORDERS, Column.DRIFTED, by_exchange[n], ruled, accepted=accepted, arranged=order_kept)
            for n in range(1, 7)
        ),
        Judgement(20, 140, MADE, Column.DRIFTED, by_exchange[20]),
        Judgement(23, 143, SEARCH, Column.DRIFTED, by_exchange[23]),
        Judgement(24, 144, "GET /page", Column.DRIFTED, by_exchange[24]),
        Judgement(25, 145, "GET /logo.png", Column.DRIFTED, by_exchange[25], inconclusive=("the body was cut off",)),
        Judgement(26, 146, "GET /slow", Column.FAILED, by_exchange[26], reason="timeout: no answer in 10 s"),
        Judgement(27, None, "DELETE /orders/{id}", Column.NOT_REPLAYED, reason="the run was stopped before it"),
        Judgement(28, 148, "GET /health", Column.SAME_BY_RULE, rules={"builtin.date-header": 1}),
    ]
    groups = (
        _group("a3f8c21b9d04", Kind.CONTRACT, Level.ERROR, prices),
        _group("71be02c9aa10", Kind.CONTRACT, Level.ERROR, removed),
        _group("0d3c5be1f2a7", Kind.SECURITY, Level.ERROR, hsts),
        _group("b71c9e0344fd", Kind.OUTBOUND, Level.ERROR, (amount,)),
        _group("e91d7c50b3aa", Kind.OUTBOUND, Level.ERROR, extra),
        _group("5ac0194de8b2", Kind.OUTBOUND, Level.ERROR, (audit,)),
        _group("c40be7728d19", Kind.CONTRACT, Level.ERROR, (failed,)),
        _group("0c44de991b7f", Kind.BEHAVIOUR, Level.WARNING, order),
        _group("d2b7f0e8c615", Kind.BEHAVIOUR, Level.WARNING, (said,)),
        _group("d2b7f0e8c616", Kind.BEHAVIOUR, Level.WARNING, (long,)),
        _group("f00dfeed0001", Kind.BEHAVIOUR, Level.WARNING, (text,), decision=Decision.ACCEPTED),
        _group("f00dfeed0002", Kind.BEHAVIOUR, Level.WARNING, (binary,)),
        _group("9e8d7c6b5a40", Kind.BEHAVIOUR, Level.WARNING, (metrics,)),
        _group("1122aabb33cc", Kind.CONTRACT, Level.INFO, added),
    )
    return Result(
        "drift",
        1,
        Ledger(recorded=13, replayed=12, same=0, same_by_rule=1, drifted=10, failed=1, not_replayed=1),
        (
            "the body of exchange 25 was cut off while recording",
            "exchange 27 was not replayed: the run was stopped before it",
        ),
        groups,
        (("volatile.identifier", 12), ("any-server", 12), ("builtin.date-header", 7), ("volatile.timestamp", 6)),
        Stubs(served=7, missed=12, unused=1),
        tuple(judgements),
        ("Redaction was on with key 5d2a…; pseudonyms are equal on both sides.", f"A note with {NASTY}"),
        "shop.sqlite",
        "runs/run.sqlite",
        {
            "recorded": {"label": "shop A"},
            "replayed": {"command": ["python", "-m", "shop.b"], "source": "/home/somebody/shop.sqlite"},
            "recorded_started": START,
            "fail_on": "warning",
        },
        rule_places=dict.fromkeys(passed, 12),
        rule_examples=passed,
        latency=measured({ORDERS: (times(1, 0.02), times(2, 0.01), times(3, 0.01)), "GET /page": ([0.1], [0.1], ())}),
        profile=profile(),
    )


def clean(result: Result) -> Result:
    """The same run, had nothing drifted."""
    return replace(
        result, verdict="clean", exit_code=0, groups=(), reasons=(), stubs=Stubs(7, 0, 0), judgements=(), notes=(),
        ledger=Ledger(recorded=300, replayed=300, same=259, same_by_rule=41),
    )  # fmt: skip


def inconclusive(result: Result) -> Result:
    """The same run, had nothing been judged."""
    return replace(
        clean(result), verdict="inconclusive", exit_code=3, reasons=("the target went away after 12 exchanges",),
        ledger=Ledger(recorded=300, replayed=12, same=12, not_replayed=288),
    )  # fmt: skip
