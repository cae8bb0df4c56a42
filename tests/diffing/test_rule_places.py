"""A user's rule has the last word at every place that a location can name, not only in bodies."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from captures.model import Exchange, Headers
from diffing.exchange import Context, compare_exchange, learn_pair, learn_recorded
from diffing.model import Judgement
from diffing.rulebook.rules import RuleBook, parse_rules
from tests.corpus import each
from tests.diffing.pairs import JSON, exchange, judge
from tests.diffing.test_outbound import call, compare

OLD_ID, NEW_ID = b"3f2b8c1e-5d4a-4c3b-9a2f-1e0d9c8b7a6f", b"9c1d2e3f-4a5b-4c6d-8e7f-0a1b2c3d4e5f"


def answered(rule: dict[str, Any], old: dict[str, Any], new: dict[str, Any]) -> Judgement:
    """Both sides answer alike but for ``old`` and ``new``: fields of the response."""

    def side(changes: dict[str, Any], *, replayed: bool) -> Exchange:
        one = exchange("{}", replayed=replayed)
        assert one.response is not None
        return replace(one, response=replace(one.response, **changes))

    return judge(side(old, replayed=False), side(new, replayed=True), [{"id": "r", **rule}])


def told(judgement: Judgement) -> tuple[list[str], set[str]]:
    """(last words of the classes that the rule's complaint made, rules that accepted)."""
    broken = [one.class_id.split(".", 1)[1] for one in judgement.findings if "(r)" in one.evidence]
    assert len(broken) == len(judgement.findings)
    return broken, set(judgement.rules)


def named(*headers: tuple[str, bytes]) -> Headers:
    return (*JSON, *((name.encode(), value) for name, value in headers))


@pytest.mark.parametrize(
    ("location", "expect", "old", "new", "finding"),
    [
        ("header x-v", "any", named(("X-V", b"1")), named(("X-V", b"2")), ""),
        ("header x-v", "integer", named(("X-V", b"1")), named(("X-V", b"2")), ""),
        ("header x-v", "integer", named(("X-V", b"1")), named(("X-V", b"2x")), "header.changed"),
        ("header x-request-id", "equal", named(("X-Request-Id", OLD_ID)), named(("X-Request-Id", NEW_ID)),
         "header.changed"),
        ("header x-v", "optional", named(("X-V", b"1")), JSON, ""),
        ("cookie sid", "opaque", named(("Set-Cookie", b"sid=a1")), named(("Set-Cookie", b"sid=b2")), ""),
        ("cookie sid", "equal", named(("Set-Cookie", b"sid=" + OLD_ID)), named(("Set-Cookie", b"sid=" + NEW_ID)),
         "cookie.value-changed"),
    ],
)  # fmt: skip
def test_headers_and_cookies(location: str, expect: str, old: Headers, new: Headers, finding: str) -> None:
    found, accepted = told(answered({"location": location, "expect": expect}, {"headers": old}, {"headers": new}))
    assert found == ([finding] if finding else [])
    assert ("r" in accepted) is not bool(finding)


@pytest.mark.parametrize(
    ("expect", "old", "new", "finding"),
    [
        ("any", ((b"grpc-status", b"0"),), ((b"grpc-status", b"5"),), ""),
        ("regex:[0-4]", ((b"grpc-status", b"0"),), ((b"grpc-status", b"5"),), "trailer.changed"),
        ("optional", ((b"grpc-status", b"0"),), (), ""),
        ("any", ((b"grpc-status", b"0"),), (), "trailer.removed"),
    ],
)
def test_trailers(expect: str, old: Headers, new: Headers, finding: str) -> None:
    rule = {"location": "trailer Grpc-Status", "expect": expect}
    found, accepted = told(answered(rule, {"trailers": old}, {"trailers": new}))
    assert found == ([finding] if finding else [])
    assert ("r" in accepted) is not bool(finding)


@pytest.mark.parametrize(("expect", "finding"), [("any", ""), ("equal", "reason")])
def test_the_reason_phrase(expect: str, finding: str) -> None:
    rule = {"location": "response.reason", "expect": expect}
    found, _ = told(answered(rule, {"reason": b"OK"}, {"reason": b"Fine"}))
    assert found == ([finding] if finding else [])


@each(
    ("location", "expect", "old", "new", "finding"),
    [
        ("request.query at", "opaque", call("/c?at=1"), call("/c?at=2"), ""),
        ("request.query at", "equal", call("/c?at=" + OLD_ID.decode()), call("/c?at=" + NEW_ID.decode()),
         "request.query"),
        ("request.query at", "optional", call("/c?at=1"), call("/c"), ""),
        ("request.query at", "any", call("/c?at=1"), call("/c"), "request.query"),
        ("request.header x-v", "any", call(headers=named(("X-V", b"1"))), call(headers=named(("X-V", b"2"))), ""),
        ("request.header user-agent", "equal", call(headers=named(("User-Agent", b"a/1"))),
         call(headers=named(("User-Agent", b"b/1"))), "request.header-changed"),
        ("request.body $.amount", "number", call(), call(body='{"amount": 101}'), ""),
        ("request.body $.amount", "string", call(), call(body='{"amount": 101}'), "request.body.rule-broken"),
    ],
)  # fmt: skip
def test_outbound_calls(location: str, expect: str, old: Exchange, new: Exchange, finding: str) -> None:
    rule = {"id": "r", "location": f"outbound payments * {location}", "expect": expect}
    found, accepted = told(compare([old], [replace(new, replay_of=10)], [rule]))
    assert found == ([finding] if finding else [])
    assert ("r" in accepted) is not bool(finding)


@pytest.mark.parametrize(
    ("expect", "finding"), [("url", ""), ("equal", "request.target"), ("regex:/c/1.*", "request.target")]
)
def test_the_target_of_a_call(expect: str, finding: str) -> None:
    rules = parse_rules([{"id": "r", "location": "outbound payments * request.target", "expect": expect}])
    context = Context(rules=RuleBook(rules), call_of=lambda _: "payments POST /c/{id}")
    here, there = exchange("{}"), exchange("{}", replayed=True)
    ours, theirs = call("/c/17"), replace(call("/c/28"), id=110, replay_of=2)
    for one in (here, ours):
        learn_recorded(one, context)
    learn_pair(here, there, context, (ours,), (theirs,))
    found, accepted = told(compare_exchange(here, there, context, (ours,), (theirs,)))
    assert found == ([finding] if finding else [])
    assert ("r" in accepted) is not bool(finding)
