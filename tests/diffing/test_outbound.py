"""What the service asks of its dependencies: one axis at a time."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from captures.model import Cause, CauseHow, Direction, Exchange, Headers, Request, Response, Timing
from diffing.model import Judgement
from tests.diffing.pairs import JSON, NOW, THEN, exchange, judge


def call(
    target: str = "/charges",
    body: str = '{"amount": 100}',
    *,
    identity: int = 2,
    replayed: bool = False,
    method: str = "POST",
    headers: Headers = JSON,
    dependency: str = "payments",
    replay_of: int | None = None,
    notes: dict[str, Any] | None = None,
) -> Exchange:
    at = NOW if replayed else THEN
    return Exchange(
        id=identity,
        direction=Direction.OUTBOUND,
        request=Request(method, "https", dependency, 443, target.encode(), headers, body.encode()),
        response=Response(200, JSON, b"{}"),
        timing=Timing(at),
        dependency=dependency,
        cause=Cause(CauseHow.WINDOW, 1, ""),
        replay_of=replay_of,
        notes=notes or {},
    )


def compare(recorded: list[Exchange], replayed: list[Exchange], rules: list[dict[str, Any]] | None = None) -> Judgement:
    ours = tuple(replace(one, id=10 + at) for at, one in enumerate(recorded))
    theirs = tuple(replace(one, id=110 + at) for at, one in enumerate(replayed))
    return judge(exchange("{}"), exchange("{}", replayed=True), rules, (), (ours, theirs))


def classes(judgement: Judgement) -> list[str]:
    return [finding.class_id.removeprefix("outbound.") for finding in judgement.findings]


BASE = call()
AXES = [
    (call(), []),
    (call(body='{ "amount":100 }'), []),
    (call(body='{"amount": 101}'), ["request.body.value-changed"]),
    (call(body='{"amount": "100"}'), ["request.body.type-changed"]),
    (call(body="{}"), ["request.body.field-removed"]),
    (call(body='{"amount": 100, "tip": 1}'), ["request.body.field-added"]),
    (call(target="/charges?dry=1"), ["request.query"]),
    (call(headers=(*JSON, (b"User-Agent", b"x"))), []),
    (call(headers=(*JSON, (b"X-Tenant", b"x"))), ["request.header-added"]),
    (call(headers=(*JSON, (b"X-Request-ID", b"4f1c"))), ["request.header-added"]),
    (call(headers=((b"Content-Type", b"text/plain"),)), ["request.media-type"]),
    (call(target="/refunds"), ["missing", "extra"]),
    (call(method="PUT"), ["missing", "extra"]),
]


@pytest.mark.parametrize(("other", "expected"), AXES)
def test_one_call_on_one_axis(other: Exchange, expected: list[str]) -> None:
    assert classes(compare([BASE], [other])) == expected


def test_calls_that_are_gone_new_and_repeated() -> None:
    assert classes(compare([BASE], [])) == ["missing"]
    assert classes(compare([], [BASE])) == ["extra"]
    assert classes(compare([BASE, BASE], [BASE])) == ["fewer"]
    repeated = compare([BASE], [BASE] * 3)
    assert classes(repeated) == ["repeated"]
    assert (repeated.findings[0].recorded, repeated.findings[0].replayed) == (1, 3)
    assert repeated.findings[0].evidence == "1 call recorded, 3 calls replayed"


def test_many_new_calls_to_one_endpoint_are_one_finding() -> None:
    assert len(compare([], [call("/items"), call("/items"), call("/items")]).findings) == 1


def test_lost_credentials() -> None:
    with_key = call(headers=(*JSON, (b"Authorization", b"Bearer abc")))
    assert classes(compare([with_key], [BASE])) == ["request.authorization-lost"]
    assert classes(compare([with_key], [call(headers=(*JSON, (b"Authorization", b"Bearer def")))])) == []


def test_the_location_names_the_call_and_the_field() -> None:
    finding = compare([BASE], [call(body='{"amount": 101}')]).findings[0]
    assert finding.location == "outbound payments POST /charges request.body $.amount"
    assert (finding.path, finding.outbound_recorded, finding.outbound_replayed) == ("$.amount", 10, 110)


def test_the_stub_that_answered_decides_the_pair() -> None:
    ours = [call(body='{"amount": 1}'), call(body='{"amount": 2}')]
    theirs = [call(body='{"amount": 2}', replay_of=11), call(body='{"amount": 1}', replay_of=10)]
    assert classes(compare(ours, theirs)) == []


def test_a_miss_about_which_nothing_drifted_is_inconclusive() -> None:
    judgement = compare([BASE], [call(notes={"miss": {"why": "none"}})])
    assert judgement.inconclusive
    assert judgement.findings == ()


def test_a_rule_on_a_field_and_on_a_whole_call() -> None:
    rule = {"id": "r", "location": "outbound payments POST /charges request.body $.amount", "expect": "number"}
    assert classes(compare([BASE], [call(body='{"amount": 101}')], [rule])) == []
    assert classes(compare([BASE], [], [{"id": "r", "location": "outbound payments *", "expect": "any"}])) == []
