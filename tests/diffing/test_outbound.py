"""What the service asks of its dependencies: one axis at a time."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

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
from diffing.model import Column, Judgement
from tests.corpus import each
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


@each(("other", "expected"), AXES)
def test_one_call_on_one_axis(other: Exchange, expected: list[str]) -> None:
    assert classes(compare([BASE], [other])) == expected


def test_calls_that_are_gone_new_and_repeated() -> None:
    assert classes(compare([BASE], [])) == ["missing"]
    assert classes(compare([], [BASE])) == ["extra"]
    assert classes(compare([BASE, BASE], [BASE])) == ["fewer"]
    repeated = compare([BASE], [BASE] * 3)
    assert classes(repeated) == ["repeated"]
    assert (repeated.findings[0].recorded, repeated.findings[0].replayed) == (1, 3)
    assert repeated.findings[0].evidence == "1 call recorded, 3 calls replayed; 2 of them the same request again"


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
    assert classes(compare([BASE], [], [{"id": "r", "location": "outbound payments *", "expect": "optional"}])) == []


@each(
    ("expect", "before", "after", "found"),
    [
        ({"expect": "optional"}, 1, 0, []),
        ({"expect": "optional"}, 0, 1, []),
        ({"expect": "optional"}, 1, 2, ["repeated"]),
        ({"expect": "optional"}, 0, 2, ["extra"]),
        ({"expect": "integer", "min": 1, "max": 3}, 1, 3, []),
        ({"expect": "integer", "min": 1, "max": 3}, 1, 4, ["repeated"]),
        ({"expect": "integer", "min": 1, "max": 3}, 1, 0, ["missing"]),
        ({"expect": "any"}, 3, 0, ["missing"]),
        ({"expect": "any"}, 3, 1, []),
        ({"expect": "equal"}, 1, 2, ["repeated"]),
    ],
)
def test_a_rule_on_a_whole_call_judges_how_often_it_is_made(
    expect: dict[str, Any], before: int, after: int, found: list[str]
) -> None:
    rule = {"id": "r", "location": "outbound payments POST /charges", **expect}
    judgement = compare([BASE] * before, [BASE] * after, [rule])
    assert classes(judgement) == found
    assert judgement.rules.get("r", 0) == (not found)
    if found:
        assert "(r)" in judgement.findings[0].evidence


def failing(kind: FailureKind, recorded: list[Exchange], replayed: list[Exchange]) -> Judgement:
    """The calls of an exchange whose replay got no answer."""
    ours = tuple(replace(one, id=10 + at) for at, one in enumerate(recorded))
    theirs = tuple(replace(one, id=110 + at) for at, one in enumerate(replayed))
    answer = replace(exchange("{}", replayed=True), response=None, failure=Failure(kind))
    return judge(exchange("{}"), answer, None, (), (ours, theirs))


def test_an_exchange_that_failed_does_not_hide_what_its_calls_drifted() -> None:
    two = [call(), call("/audit")]
    judgement = failing(FailureKind.RESET, two, [call(body='{"amount": 101}'), call("/refunds")])
    assert judgement.column is Column.FAILED
    assert sorted(classes(judgement)) == ["extra", "missing", "request.body.value-changed", "response.failed"]


def test_an_exchange_that_failed_with_the_calls_as_recorded_says_no_more_than_that() -> None:
    assert classes(failing(FailureKind.TIMEOUT, [call()], [call()])) == ["response.failed"]


def test_a_target_that_was_not_reached_is_asked_only_for_the_calls_it_made() -> None:
    judgement = failing(FailureKind.CONNECT, [call(), call("/audit")], [call(body='{"amount": 101}')])
    assert judgement.column is Column.FAILED
    assert judgement.inconclusive
    assert classes(judgement) == ["request.body.value-changed"]


TRACE = b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
SAME_TRACE = b"00-4bf92f3577b34da6a3ce929d0e0e4736-b7ad6b7169203331-01"
OTHER_TRACE = b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.mark.parametrize(
    ("sent", "resent", "called", "expected"),
    [
        ((), (b"traceparent", TRACE), (b"traceparent", SAME_TRACE), []),
        ((), (b"X-Env", b"test"), (b"x-env", b"test"), []),
        ((), (b"traceparent", TRACE), (b"traceparent", OTHER_TRACE), ["request.header-added"]),
        ((), (b"X-Env", b"test"), (b"x-env", b"other"), ["request.header-added"]),
        ((), (), (b"traceparent", TRACE), ["request.header-added"]),
        ((b"X-Env", b"test"), (b"X-Env", b"test"), (b"x-env", b"test"), ["request.header-added"]),
    ],
)
def test_a_header_that_only_the_replay_sends_may_be_passed_on(
    sent: tuple[bytes, ...], resent: tuple[bytes, ...], called: tuple[bytes, bytes], expected: list[str]
) -> None:
    asked = [(*JSON, one) if one else JSON for one in (sent, resent)]
    judgement = judge(
        exchange("{}", sent_headers=asked[0]),  # type: ignore[arg-type]
        exchange("{}", sent_headers=asked[1], replayed=True),  # type: ignore[arg-type]
        None,
        (),
        ((call(identity=10),), (call(identity=110, replayed=True, headers=(*JSON, called)),)),
    )
    assert classes(judgement) == expected
    assert bool(judgement.rules.get("builtin.echo")) is not bool(expected)
