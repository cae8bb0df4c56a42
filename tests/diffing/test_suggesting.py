"""Rules that are offered for a drift: the strictest that holds, tried before it is shown."""

from __future__ import annotations

from typing import Any

import pytest

from captures.formats.jsontext import Number
from diffing.model import ABSENT
from diffing.rulebook.rules import parse_rules
from diffing.rulebook.suggesting import draft_for
from tests.corpus import each

U1, U2 = "3f2b8c1e-5d4a-4c3b-9a2f-1e0d9c8b7a6f", "9c1d2e3f-4a5b-4c6d-8e7f-0a1b2c3d4e5f"
HEX1, HEX2 = "ab" * 31 + "01", "cd" * 31 + "02"


@each(
    ("pairs", "expect", "params"),
    [
        ([(U1, U2)], "uuid", {"format": "v4"}),
        ([(U1, "01890a5d-ac96-774b-bcce-b302099a8057")], "uuid", {}),
        ([("2026-11-20T09:00:00Z", "2020-01-01T00:00:00Z")], "timestamp", {"format": "recorded"}),
        ([("2026-11-20T09:00:00Z", "2020-01-01T00:00:00+00:00")], "timestamp", {}),
        ([("2026-11-20", "2020-01-01")], "date", {}),
        ([("ord_8fk2b1", "ord_9xk3c2")], "id", {"prefix": "ord_", "length": 10}),
        ([("ord_8fk2b1", "ord_9xk3c2d4")], "id", {"prefix": "ord_"}),
        ([(HEX1, HEX2)], "digest", {"format": "sha256 hex"}),
        ([("https://a.test/o/17", "https://a.test/o/18")], "url", {}),
        ([("pending", "paid"), ("pending", "lost")], "one-of", {"values": ["pending", "paid", "lost"]}),
        ([("some words here!", "other words there?")], "string", {}),
        ([(100, 104)], "integer", {"tolerance": "4%"}),
        ([(100, 104), (10, 11)], "integer", {"tolerance": "10%"}),
        ([(Number("18.43"), Number("18.4"))], "number", {"tolerance": "0.17%"}),
        ([(5, 900)], "integer", {"min": 0}),
        ([(5, -900)], "integer", {}),
        ([(5, Number("0.5"))], "number", {"min": 0}),
        ([(True, False)], "boolean", {}),
        ([({"a": 1}, {"a": 2})], "same-shape", {}),
        ([({"a": 1}, {"b": 2})], "type", {}),
        ([(1, "1")], "one-of", {"values": [1, "1"]}),
        ([(1, None)], "any-of", {"types": ["integer", "null"]}),
        ([(U1, None), (U2, U1)], "any-of", {"types": ["uuid", "null"]}),
        ([("2026-11-20T09:00:00Z", 1_790_000_000)], "one-of", {"values": ["2026-11-20T09:00:00Z", 1_790_000_000]}),
        ([(n, f"{n}") for n in range(3)], "any-of", {"types": ["integer", r"regex:-?(?:0|[1-9][0-9]{0,17})"]}),
        ([(Number("1.5"), f"{n} pieces") for n in range(6)], "any-of", {"types": ["number", "string"]}),
        ([(f"a{n}", n % 2 == 0) for n in range(6)], "any-of", {"types": ["opaque", "boolean"]}),
        ([("2026-11-20T09:00:00Z", None)], "any-of", {"types": ["timestamp", "null"]}),
        ([([1], {"a": 1})], "any-of", {"types": ["array", "object"]}),
        ([(1, ABSENT)], "optional", {}),
        ([(ABSENT, 1)], "optional", {}),
    ],
)
def test_the_strictest_that_holds(pairs: list[tuple[Any, Any]], expect: str, params: dict[str, Any]) -> None:
    draft = draft_for("response.body.value-changed", "GET /orders/{id}", "response.body $.a", pairs)
    assert draft is not None
    assert (draft.expect, dict(draft.params)) == (expect, params)
    rule = parse_rules([draft.entry()])[0]
    assert all(rule.matcher.optional if ABSENT in pair else rule.complaint(*pair) is None for pair in pairs)


@pytest.mark.parametrize(
    ("pair", "expect", "params"),
    [
        (("62", "63"), "integer", {"tolerance": "2%"}),
        (("-1", "700"), "integer", {}),
        (("0062", "0063"), "same-shape", {}),
        (("62", "x63"), "opaque", {}),
        (("1.5", "1.6"), "opaque", {"length": 3}),
    ],
)
@each("location", ["header x-left", "response.trailer grpc-n", "outbound a GET /x request.header b"])
def test_a_whole_number_in_a_header_is_one(
    location: str, pair: tuple[str, str], expect: str, params: dict[str, Any]
) -> None:
    draft = draft_for("response.header.changed", "GET /a", location, [pair])
    assert draft is not None
    assert (draft.expect, dict(draft.params)) == (expect, params)


def test_an_order_is_let_go_and_nothing_else() -> None:
    draft = draft_for("response.body.array-order", "*", "response.body $.a", [([1, 2], [2, 1])])
    assert draft is not None
    assert draft.expect == "unordered"


@pytest.mark.parametrize(
    ("location", "endpoint"),
    [
        ("exchange", "GET /a"),
        ("response", "GET /a"),
        ("outbound payments POST /charges", "GET /a"),
        ("response.body", "*"),  # whatever every endpoint says: no rule at all
    ],
)
def test_what_no_rule_can_say(location: str, endpoint: str) -> None:
    assert draft_for("response.body.kind-changed", endpoint, location, [(1, [2])]) is None


def test_no_rule_says_how_errors_may_look_and_leaves_the_other_answers_alone() -> None:
    pairs = [({"error": "no"}, {"detail": {"code": 3}})]
    assert draft_for("response.error-shape", "GET /a", "response.body", pairs) is None


def test_a_status_is_one_of_those_seen() -> None:
    draft = draft_for("response.status.code", "GET /a", "response.status", [(404, 422), (404, 410)])
    assert draft is not None
    assert dict(draft.params) == {"values": [404, 422, 410]}
