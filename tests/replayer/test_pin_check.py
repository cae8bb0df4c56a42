"""Judging what came for a pin. Each case changes one thing of an answer that holds."""

from __future__ import annotations

import json
from typing import Any

import pytest

from captures.model import Direction, Exchange, Failure, FailureKind, Headers, Request, Response, Timing
from diffing.model import Column, Judgement
from diffing.rulebook.rules import RuleBook, parse_rules
from replayer import pin_file
from replayer.pin_check import Came, judge
from replayer.pin_desk import FIRST_CALL, PinDesk, Served
from replayer.pin_unify import paired
from replayer.stubs import Answer
from tests.corpus import each
from tests.replayer.tapes import NOW, ORDER, request

OTHER = ORDER.replace("3", "4")
PIN = pin_file.parse(
    """\
pin: 1
request: {line: POST /orders}
expect:
  status: 201
  headers:
    content-type: application/json
    location: /orders/«uuid as order»
    x-frame-options: DENY
    set-cookie: sid=«token»; Path=/; HttpOnly
  json:
    id: «uuid as order»
    number: «integer»
    total: 18.40
    fixed: 7c9e6679-7425-40de-944b-e07fc1f90ae7
    at: «timestamp iso8601»
    note: ««quoted»
    items:
    - {sku: A, line: «uuid»}
    - {sku: B, line: «uuid»}
stubs:
- dependency: payments
  request:
    line: POST https://payments.test/charges/«uuid as order»?x=1
    json: {order: «uuid as order», amount: 25}
  response:
    status: 200
    json: {order: «the order»}
""",
    "p.yaml",
)
BODY: dict[str, Any] = {
    "id": ORDER,
    "number": 17,
    "total": "@18.40@",
    "fixed": "7c9e6679-7425-40de-944b-e07fc1f90ae7",
    "at": "2026-11-21T07:50:12Z",
    "note": "«quoted»",
    "items": [{"sku": "A", "line": ORDER}, {"sku": "B", "line": OTHER}],
}
HEADERS: Headers = (
    (b"Content-Type", b"application/json"),
    (b"X-Request-Id", b"17"),
    (b"Location", f"/orders/{ORDER}".encode()),
    (b"X-Frame-Options", b"DENY"),
    (b"Set-Cookie", b"sid=abc123; Path=/; HttpOnly"),
)


def charge(order: str = ORDER, amount: int = 25) -> Request:
    return request(
        "POST", f"/charges/{order}?x=1", {"order": order, "amount": amount}, host="payments.test", scheme="https"
    )


def judged(
    body: dict[str, Any],
    headers: Headers = HEADERS,
    status: int = 201,
    calls: tuple[Request, ...] = (charge(),),
    rules: RuleBook | None = None,
    failure: Failure | None = None,
) -> Judgement:
    names: dict[str, Any] = {}
    desk = PinDesk()
    desk.load(PIN.stubs, names)
    for call in calls:
        desk.answer(call)
    raw = json.dumps(body).replace('"@', "").replace('@"', "").encode()
    response = Response(status, headers, raw)
    came = Came(request("POST", "/orders", {}), Timing(NOW, NOW, NOW, NOW), response, failure, tuple(desk.calls))
    return judge(PIN, came, names, "POST /orders", rules or RuleBook())


def told(found: Judgement) -> list[str]:
    return [f"{one.class_id} {one.location}" for one in found.findings]


def without(name: str) -> Headers:
    return tuple(pair for pair in HEADERS if pair[0].lower() != name.encode())


def test_what_holds_is_the_same() -> None:
    found = judged(BODY)
    assert told(found) == []
    assert found.column in (Column.SAME, Column.SAME_BY_RULE)


def test_other_volatile_values_hold_as_well_and_stay_one() -> None:
    found = judged(
        {**BODY, "id": OTHER, "number": 18},
        (*without("location"), (b"Location", f"/orders/{OTHER}".encode())),
        calls=(charge(OTHER),),
    )
    assert told(found) == []


@each(
    ("change", "expected"),
    [
        ({"id": "x"}, ["response.body.rule-broken response.body $.id"]),
        ({"id": OTHER}, ["response.body.rule-broken response.body $.id"]),  # another order than Location and the call
        ({"number": "17"}, ["response.body.rule-broken response.body $.number"]),
        ({"number": None}, ["response.body.rule-broken response.body $.number"]),
        ({"total": "@18.4@"}, ["response.body.number-form response.body $.total"]),
        ({"total": "18.40"}, ["response.body.type-changed response.body $.total"]),
        ({"fixed": OTHER}, ["response.body.value-changed response.body $.fixed"]),  # a replay would let it vary
        ({"at": "2026-11-21T07:50:12"}, ["response.body.rule-broken response.body $.at"]),
        ({"note": "«other»"}, ["response.body.value-changed response.body $.note"]),
        ({"new": 1}, ["response.body.field-added response.body $.new"]),
        (
            {"items": [{"sku": "A", "line": "x"}, {"sku": "B", "line": OTHER}]},
            ["response.body.rule-broken response.body $.items[*].line"],
        ),
    ],
)
def test_one_change_is_one_finding(change: dict[str, Any], expected: list[str]) -> None:
    assert told(judged({**BODY, **change})) == expected


def test_a_removed_field_a_lost_header_and_another_status() -> None:
    gone = {key: value for key, value in BODY.items() if key != "number"}
    assert told(judged(gone)) == ["response.body.field-removed response.body $.number"]
    assert told(judged(BODY, without("x-frame-options"))) == [
        "response.header.security-lost response.header x-frame-options"
    ]
    assert [one.split()[0] for one in told(judged({"error": "x"}, HEADERS, 500))] == ["response.status.class"]


def test_headers_that_the_pin_does_not_name_are_not_compared() -> None:
    assert told(judged(BODY, (*HEADERS, (b"X-New", b"1"), (b"Date", b"whatever")))) == []


def test_a_matcher_in_a_header_that_does_not_hold() -> None:
    headers = (*without("location"), (b"Location", b"/elsewhere"))
    assert told(judged(BODY, headers)) == ["response.header.changed response.header location"]


@pytest.mark.parametrize(
    ("calls", "expected"),
    [
        ((), ["outbound.missing outbound payments POST /charges/{id}"]),
        ((charge(), charge()), ["outbound.repeated outbound payments POST /charges/{id}"]),
        (
            (charge(amount=26),),
            ["outbound.request.body.value-changed outbound payments POST /charges/{id} request.body $.amount"],
        ),
        ((charge(), request(host="fraud.test")), ["outbound.extra outbound fraud.test:80 GET /"]),
    ],
)
def test_calls_are_outputs(calls: tuple[Request, ...], expected: list[str]) -> None:
    found = told(judged(BODY, calls=calls))
    assert len(found) == len(expected)
    assert all(one.startswith(start) for one, start in zip(found, expected, strict=True)), found


def test_a_failed_exchange_is_a_finding() -> None:
    broken = Failure(FailureKind.TRUNCATED)
    assert told(judged(BODY, failure=broken)) == ["response.failed response"]


def test_the_users_rules_apply() -> None:
    rules = RuleBook(
        parse_rules([{"id": "r", "endpoint": "POST /orders", "location": "$.total", "expect": "number", "reason": "x"}])
    )
    assert told(judged({**BODY, "total": 3}, rules=rules)) == []


def test_stubs_answer_in_the_names_of_the_call() -> None:
    names: dict[str, Any] = {}
    desk = PinDesk()
    desk.load(PIN.stubs, names)
    answer = desk.answer(charge(OTHER))
    assert answer.response is not None
    assert json.loads(answer.response.body) == {"order": OTHER}
    assert names == {"order": OTHER}
    missed = desk.answer(request(target="/else", host="payments.test", scheme="https"))
    assert missed.response is not None
    assert missed.response.status == 502
    assert b"no recorded call matches" in missed.response.body
    assert [call.stub for call in desk.calls] == [0, None]


def test_a_pinned_failure_fails() -> None:
    pin = pin_file.parse(
        "pin: 1\nrequest: {line: GET /}\nexpect: {status: 200}\nstubs:\n"
        "- {dependency: a, request: {line: GET http://a.test/}, failure: reset}\n"
        "- {dependency: b, request: {line: CONNECT https://b.test/}, failure: connect}\n",
        "p.yaml",
    )
    desk = PinDesk()
    desk.load(pin.stubs, {})
    assert desk.answer(request(host="a.test")) == Answer(None, Failure(FailureKind.RESET, "as pinned"))
    assert desk.refuse("b.test", 443)
    assert not desk.refuse("c.test", 443)
    assert [call.stub for call in desk.calls] == [0, 1]


def test_array_elements_find_their_partners() -> None:
    template = [{"sku": "A", "id": "«uuid»"}, {"sku": "B", "id": "«uuid»"}]
    a, b, c = ({"sku": sku, "id": "x"} for sku in "ABC")
    assert paired(template, [b, a]) == [a, b]
    assert paired(template, [a, b]) == [a, b]
    assert paired(template, [c, a, b]) == [a, b]


def test_calls_nobody_could_see_are_not_judged() -> None:
    came = Came(request(), Timing(NOW), Response(200), None, (), calls_seen=False)
    pin = pin_file.parse(
        "pin: 1\nrequest: {line: GET /}\nexpect: {status: 200}\nstubs:\n"
        "- {request: {line: GET http://a.test/}, failure: reset}\n",
        "p.yaml",
    )
    assert told(judge(pin, came, {}, "GET /", RuleBook())) == []
    seen = Served(Exchange(FIRST_CALL, Direction.OUTBOUND, request(), Timing(NOW)), None, "")
    assert seen.stub is None


def test_texts_are_unified_line_by_line_and_binaries_by_digest() -> None:
    pin = pin_file.parse(
        "pin: 1\nrequest: {line: GET /}\nexpect:\n  status: 200\n"
        "  text: |\n    head\n    order «uuid» made\n    tail\n",
        "p.yaml",
    )

    def tell(text: str) -> list[str]:
        came = Came(request(), Timing(NOW), Response(200, (), text.encode()), None)
        return told(judge(pin, came, {}, "GET /", RuleBook()))

    assert tell(f"head\norder {ORDER} made\ntail\n") == []
    assert tell(f"head\nnew\norder {ORDER} made\ntail\n") == ["response.body.text-changed response.body"]
    assert tell("head\norder 17 made\ntail\n") == ["response.body.rule-broken response.body"]
    digest = pin_file.parse(
        f"pin: 1\nrequest: {{line: GET /}}\nexpect: {{status: 200, sha256: {'0' * 64}}}\n", "p.yaml"
    )
    came = Came(request(), Timing(NOW), Response(200, (), b"\x00"), None)
    assert told(judge(digest, came, {}, "GET /", RuleBook())) == ["response.body.binary-changed response.body"]
