"""Rules as people write them: what is read, and what is refused with which sentence."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from captures.errors import ConfigError
from diffing.classes import all_classes, class_of
from diffing.matchers import compile_matcher
from diffing.rules import current, parse_rules

GOOD: dict[str, Any] = {"id": "r", "location": "$.a", "expect": "any"}


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"expcet": "any"}, 'unknown key "expcet". Did you mean "expect"'),
        ({"expect": "uid"}, "is no matcher"),
        ({"expect": "regex:("}, "no regular expression"),
        ({"expect": "one-of"}, "needs values"),
        ({"location": "$.a[?(@.b)]"}, "no JSON path"),
        ({"location": "nowhere"}, "names no place"),
        ({"location": ""}, "location is missing"),
        ({"expect": ""}, "expect is missing"),
        ({"expect": "uuid", "tolerance": 1}, "tolerance only goes with"),
        ({"expect": "number", "tolerance": "much"}, "neither a number nor a percentage"),
        ({"expect": "unordered", "location": "header vary"}, "goes with an array of a body"),
        ({"expect": "unordered", "location": "response.body"}, "goes with an array of a body"),
        ({"expires": "soon"}, "is no date"),
        ({"id": "builtin.x"}, "are taken"),
        ({"endpoint": 3}, "endpoint must be a string"),
    ],
)
def test_refused(change: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_rules([{**GOOD, **change}])
    assert sentence in caught.value.message


def test_an_id_may_stand_once() -> None:
    with pytest.raises(ConfigError, match="twice"):
        parse_rules([GOOD, GOOD])


@pytest.mark.parametrize(
    ("location", "part", "has_path"),
    [
        ("$.a", "response.body", True),
        ("response.body $.a", "response.body", True),
        ("header ETag", "response.header etag", False),
        ("response.header x-a", "response.header x-a", False),
        ("cookie Sid", "response.cookie Sid", False),
        ("response.status", "response.status", False),
        ("outbound payments POST /charges", "outbound payments POST /charges", False),
        ("outbound p POST /c request.body $.a", "outbound p POST /c request.body", True),
    ],
)
def test_locations(location: str, part: str, has_path: bool) -> None:
    rule = parse_rules([{**GOOD, "location": location}])[0]
    assert (rule.part, rule.path is not None) == (part, has_path)


@pytest.mark.parametrize(
    ("glob", "endpoint", "applies"),
    [
        ("*", "GET /a", True),
        ("GET /orders/{id}", "GET /orders/{id}", True),
        ("GET /orders/*", "GET /orders/{id}", True),
        ("POST *", "GET /orders", False),
    ],
)
def test_endpoints(glob: str, endpoint: str, applies: bool) -> None:
    assert parse_rules([{**GOOD, "endpoint": glob}])[0].applies_to(endpoint) == applies


def test_a_rule_applies_through_its_last_day() -> None:
    rules = parse_rules([{**GOOD, "expires": date(2026, 11, 20)}])
    assert current(rules, date(2026, 11, 20))[0].rules
    book, expired = current(rules, date(2026, 11, 21))
    assert book.rules == ()
    assert '"r" expired on 2026-11-20' in expired[0]


def test_classes_are_a_closed_list_of_ids() -> None:
    classes = all_classes()
    assert len({drift.id for drift in classes}) == len(classes)
    assert all(drift.meaning.endswith(".") for drift in classes)
    assert class_of("response.body.field-removed").level.value == "error"
    with pytest.raises(KeyError):
        class_of("response.body.unheard-of")


@pytest.mark.parametrize("text", ["application", "application/json", "2026-13-45T99", "x" * 19])
def test_a_timestamp_rule_meets_text_of_any_length(text: str) -> None:
    assert compile_matcher("timestamp", (), None, "here").complaint("1764000000", text) is not None
