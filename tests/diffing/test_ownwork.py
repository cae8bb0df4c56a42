"""What the replay put into a request and the answer shows is the replay's own doing, and nothing else is."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from captures.model import Headers
from diffing.model import Judgement
from tests.diffing.pairs import JSON, exchange, judge

ID = "11112222-3333-4444-8555-666677778888"
FRESH = "d734677e-9b04-4654-a133-d3c5a0fb8cb4"
TRACE = "00-9c901958a16abe5397ccd01e466c4263-3de26b9e06c1f00d-01"
OTHER = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
TEXT: Headers = ((b"Content-Type", b"text/plain"),)
CHANGES = [{"where": f"header {name}", "why": "a new id"} for name in ("x-request-id", "traceparent")]


def judged(
    then: Any, now: Any, *, changes: Any = CHANGES, headers: Headers = (), rules: list[dict[str, Any]] | None = None
) -> Judgement:
    """The replay renewed the request id and added a ``traceparent``; both builds answer with what they were sent."""
    kind = TEXT if isinstance(then, str) else JSON
    one, other = (side if isinstance(side, str) else json.dumps(side) for side in (then, now))
    recorded = exchange(one, headers=kind, sent_headers=((b"X-Request-Id", ID.encode()),))
    sent = ((b"X-Request-Id", FRESH.encode()), (b"traceparent", TRACE.encode()))
    answer = exchange(other, headers=(*kind, *headers), sent_headers=sent, replayed=True)
    return judge(recorded, replace(answer, notes={"changes": changes} if changes else {}), rules)


SHOWN = [
    ({"headers": {"X-Request-Id": ID}}, {"headers": {"X-Request-Id": FRESH, "Traceparent": TRACE}}),
    ({"headers": {"x-request-id": [ID]}}, {"headers": {"x-request-id": [FRESH], "traceparent": [TRACE]}}),
    ({"headers": [["X-Request-Id", ID]]}, {"headers": [["X-Request-Id", FRESH], ["traceparent", TRACE]]}),
    ({"trace": None, "say": f"request {ID} it is"}, {"trace": TRACE, "say": f"request {FRESH} it is"}),
    ({"ok": True}, {"ok": True, "trace_id": TRACE.split("-")[1]}),
    (f"a: 1\nX-Request-Id: {ID}\nb: 2", f"a: 1\nX-Request-Id: {FRESH}\ntraceparent: {TRACE}\nb: 2"),
]


@pytest.mark.parametrize(("then", "now"), SHOWN)
def test_headers_that_the_replay_sent_otherwise_are_shown_otherwise(then: Any, now: Any) -> None:
    judgement = judged(then, now)
    assert judgement.findings == ()
    assert judgement.rules["builtin.echo"]


@pytest.mark.parametrize(("then", "now"), SHOWN)
def test_without_the_note_of_the_replay_they_are_drift(then: Any, now: Any) -> None:
    assert judged(then, now, changes=None).findings


@pytest.mark.parametrize(
    ("then", "now", "path"),
    [
        ({"a": 1}, {"a": 1, "traceparent": OTHER}, "$.traceparent"),  # an id of its own making
        ({"a": 1}, {"a": 1, "trace": {"id": TRACE, "level": "debug"}}, "$.trace"),
        ({"a": None}, {"a": 7}, "$.a"),
        ({"say": f"request {ID}"}, {"say": f"requests {FRESH}"}, "$.say"),
        ({"a": ID}, {"a": FRESH, "b": 1}, "$.b"),
        (f"a: 1\nid: {ID}", f"a: 2\nid: {FRESH}", "line 1"),
        (f"a: 1\nid: {ID}\nb: 2", f"a: 1\nid: {FRESH}", "line 3"),
    ],
)
def test_what_else_differs_is_drift(then: Any, now: Any, path: str) -> None:
    assert path in [finding.path for finding in judged(then, now).findings]


def test_a_response_header_may_repeat_it() -> None:
    assert judged({}, {}, headers=((b"traceparent", TRACE.encode()),)).findings == ()
    findings = judged({}, {}, headers=((b"traceparent", OTHER.encode()),)).findings
    assert [finding.class_id for finding in findings] == ["response.header.added"]


def test_a_rule_has_the_last_word() -> None:
    rule = {"id": "r", "endpoint": "*", "location": "response.body $.id", "expect": "equal", "reason": "x"}
    assert [found.path for found in judged({"id": ID}, {"id": FRESH}, rules=[rule]).findings] == ["$.id"]


def numbered(
    then: Any, now: Any, sent: tuple[Any, Any] = ({"item_ids": [1000, 1001]}, {"item_ids": [1500, 1501]})
) -> Any:
    """What an answer is judged as whose request named other numbers than the recorded one."""
    one, other = (json.dumps(side).encode() for side in sent)
    recorded = exchange(json.dumps(then), method="POST", sent=one)
    return judge(recorded, exchange(json.dumps(now), method="POST", sent=other, replayed=True))


@pytest.mark.parametrize(
    ("then", "now"),
    [
        ({"items": [1000, 1001]}, {"items": [1500, 1501]}),
        ({"order": {"items": [1001]}}, {"order": {"items": [1501]}}),
        ({"item": 1000}, {"item": 1500}),
    ],
)
def test_numbers_that_the_replay_sent_as_ids_come_back(then: Any, now: Any) -> None:
    judgement = numbered(then, now)
    assert judgement.findings == ()
    assert judgement.rules["volatile.integer-id"] == len(then.get("items", [0]))


@pytest.mark.parametrize(
    ("then", "now"),
    [
        ({"items": [1000, 1001]}, {"items": [1501, 1500]}),  # each other's
        ({"items": [1000]}, {"items": [1502]}),
        ({"items": 1000}, {"items": 1500}),  # a count
        ({"price": 1000}, {"price": 1500}),
        ({"prices": [1000]}, {"prices": [1500]}),
    ],
)
def test_other_numbers_and_numbers_of_other_things_are_drift(then: Any, now: Any) -> None:
    assert numbered(then, now).findings


def test_small_numbers_count_as_often_as_they_name() -> None:
    assert numbered({"item": 1}, {"item": 2}, ({"item_ids": [1]}, {"item_ids": [2]})).findings
