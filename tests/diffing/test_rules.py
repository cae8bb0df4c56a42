"""Rules as people write them: what is read, and what is refused with which sentence."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from captures.errors import ConfigError
from diffing.classes import all_classes, class_of
from diffing.rulebook.matchers import WORDS, compile_matcher
from diffing.rulebook.rules import current, parse_rules
from tests.corpus import each

GOOD: dict[str, Any] = {"id": "r", "location": "$.a", "expect": "any"}


@each(
    ("change", "sentence"),
    [
        ({"expcet": "any"}, 'unknown key "expcet". Did you mean "expect"'),
        ({"expect": "uid"}, "is no matcher"),
        ({"expect": "regex:("}, "no regular expression"),
        ({"expect": "one-of"}, "needs values"),
        ({"expect": "any-of"}, "needs types"),
        ({"expect": "any-of", "types": []}, "needs types"),
        ({"expect": "any-of", "types": ["null", "any"]}, "says nothing of the value alone"),
        ({"expect": "any-of", "types": ["null", "uid"]}, 'Did you mean "uuid"'),
        ({"types": ["null"], "expect": "string"}, "types only goes with"),
        ({"expect": "any-of", "types": ["integer", "string"], "location": "response.status"}, "accepts every status"),
        ({"expect": "any-of", "types": ["null"], "location": "$"}, "accepts the whole body of every endpoint"),
        ({"location": "$.a[?(@.b || @.c)]"}, "no JSON path"),
        ({"location": "nowhere"}, "names no place"),
        ({"location": ""}, "location is missing"),
        ({"expect": ""}, "expect is missing"),
        ({"expect": "uuid", "tolerance": 1}, "tolerance only goes with"),
        ({"expect": "number", "tolerance": "much"}, "neither a number nor a percentage"),
        ({"expect": "unordered", "location": "header vary"}, "goes with an array of a body"),
        ({"expect": "unordered", "location": "response.body"}, "goes with an array of a body"),
        ({"expires": "soon"}, "is no date"),
        ({"id": "builtin.x"}, "are taken"),
        ({"expect": "uid"}, 'Did you mean "uuid"'),
        ({"location": "heeder etag"}, 'Did you mean "header etag"'),
        ({"location": "header etag $.a"}, "where there is no body"),
        ({"created": "soon"}, "created = 'soon' is no date"),
        ({"author": 3}, "author must be a string"),
        ({"evidence": ["x"]}, "evidence must be a string"),
        ({"prefix": "a", "expect": "integer"}, "prefix only goes with"),
        ({"prefix": "", "expect": "string"}, "something in it"),
        ({"values": ["a"], "expect": "string"}, "values only goes with"),
        ({"length": "x", "expect": "string"}, "neither a count nor a range"),
        ({"length": [4, 2], "expect": "string"}, "neither a count nor a range"),
        ({"length": True, "expect": "string"}, "neither a count nor a range"),
        ({"min": "0", "expect": "number"}, "is no number"),
        ({"min": 2, "max": 1, "expect": "number"}, "nothing can satisfy it"),
        ({"tolerance": -1, "expect": "number"}, "neither a number nor a percentage"),
        ({"format": "rfc3339 millis", "expect": "timestamp"}, 'unknown word "millis"'),
        ({"format": "v9", "expect": "uuid"}, 'unknown word "v9"'),
        ({"format": " ", "expect": "uuid"}, "format is empty"),
        ({"format": "hex", "expect": "string"}, "format only goes with"),
        ({"within": 5, "expect": "timestamp"}, "nothing says from where"),
        ({"within": -5, "after": "$.b", "expect": "timestamp"}, "no number of seconds"),
        ({"after": "$.b c", "expect": "timestamp"}, "after: $.b c is no JSON path"),
        ({"after": 3, "expect": "timestamp"}, "must be a JSON path"),
        ({"after": "$.b", "expect": "timestamp", "location": "header date"}, "places of one JSON body"),
        ({"location": "$"}, "accepts the whole body of every endpoint"),
        ({"location": "response.body"}, "accepts the whole body of every endpoint"),
        ({"location": "response.body", "endpoint": "GET *"}, "accepts the whole body of every endpoint"),
        ({"location": "$..*"}, "accepts everything that $..* names of every endpoint"),
        ({"location": "$..*", "endpoint": "GET /orders"}, "accepts everything that $..* names of GET /orders"),
        ({"location": "$.*", "endpoint": "GET /orders", "expect": "type"}, "accepts everything"),
        ({"location": "$", "expect": "same-shape"}, "accepts the whole body of every endpoint"),
        ({"location": "header *"}, "hides every header"),
        ({"location": "cookie *", "expect": "optional"}, "hides every cookie"),
        ({"location": "response.status"}, "accepts every status"),
        ({"location": "response.status", "expect": "integer"}, "accepts every status"),
        ({"location": "outbound *"}, "what every dependency is asked"),
        ({"location": "outbound * request.body $..*"}, "what every dependency is asked"),
        ({"location": "$..*", "expect": "regex:(?s).*"}, "accepts everything that $..* names of every endpoint"),
        ({"location": "$..*", "expect": "string"}, "accepts everything that $..* names of every endpoint"),
        ({"location": "outbound payments POST /charges request.body $..*"}, "whatever outbound payments POST /charges"),
        ({"location": "$..*", "expect": "regex:.*"}, "accepts everything that $..* names of every endpoint"),
        ({"location": "$..*", "expect": "regex:.+"}, "accepts everything that $..* names of every endpoint"),
        ({"location": "$..*", "expect": "id"}, "accepts everything that $..* names of every endpoint"),
        ({"location": "$..*", "tolerance": "1000000%", "expect": "number"}, "accepts everything that $..* names"),
        ({"location": "$..*", "min": -1e300, "expect": "number"}, "accepts everything that $..* names"),
        ({"location": "$..*", "length": [0, 100000], "expect": "string"}, "accepts everything that $..* names"),
        ({"location": "$..[?@ != 'zz']"}, "accepts everything that $..[?@ != 'zz'] names of every endpoint"),
        ({"location": "$[?@.a]", "endpoint": "GET /orders"}, "accepts everything that $[?@.a] names of GET /orders"),
        ({"location": "$[0:]", "endpoint": "GET /orders"}, "accepts everything that $[0:] names of GET /orders"),
        ({"location": "$", "endpoint": "[A-Z]* /{id}"}, "accepts the whole body of every endpoint"),
        ({"location": "$", "endpoint": "G?T /*"}, "accepts the whole body of every endpoint"),
        ({"location": "response.status", "expect": "integer", "tolerance": "1000%"}, "accepts every status"),
        ({"endpoint": 3}, "endpoint must be a string"),
    ],
)
def test_refused(change: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_rules([{**GOOD, **change}])
    assert sentence in caught.value.message


@each(
    "change",
    [
        {"location": "$", "endpoint": "GET /orders/{id}"},  # a document that is one value
        {"location": "response.body", "endpoint": "GET /report.pdf"},
        {"location": "$", "endpoint": "GET /orders/{id}", "expect": "same-shape"},
        {"location": "$..*", "expect": "regex:v[0-9]+"},
        {"location": "$..*", "expect": "number", "min": 0},
        {"location": "$..*", "expect": "number", "tolerance": "1%"},
        {"location": "$..*", "expect": "string", "length": 8},
        {"location": "$..*", "expect": "string", "prefix": "v"},
        {"location": "$[?@.kind == 'card']", "endpoint": "GET /orders"},
        {"location": "$[2:]", "endpoint": "GET /orders"},
        {"location": "$.*", "endpoint": "GET /metrics", "expect": "number"},
        {"location": "outbound payments POST /charges request.body $..at"},
        {"location": "$..at", "expect": "timestamp"},
        {"location": "header x-*"},
        {"location": "response.status", "expect": "integer", "min": 200, "max": 299},
        {"location": "outbound * request.body $.at"},
        {"location": "outbound payments POST /charges"},
    ],
)
def test_not_too_broad(change: dict[str, Any]) -> None:
    assert parse_rules([{**GOOD, **change}])


def test_a_refused_path_is_marked_under_the_rule_that_has_it() -> None:
    with pytest.raises(ConfigError) as caught:
        parse_rules([{**GOOD, "location": "$.x-id"}], "retape.rules.toml")
    assert caught.value.message == (
        'retape.rules.toml [[rules]] "r": $.x-id is no JSON path Retape knows, at column 4: '
        "a name with a dash is quoted: ['x-id'].\n    $.x-id\n       ^"
    )


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ({"expect": "timestamp", "format": "rfc3339 Z", "after": "$.b", "within": 5},
         'timestamp, the format "rfc3339 Z", after $.b by 5 at most'),
        ({"min": 0, "max": 5}, "number, 0 or more, 5 or less"),
        ({"prefix": "a", "length": [1, 2]}, 'string, a string that begins with "a", a length from 1 to 2'),
        ({"values": [1, 2]}, "one of 2 values"),
        ({"types": ["null", "uuid"]}, "any of null, uuid"),
    ],
)  # fmt: skip
def test_what_a_rule_asserts_in_words(entry: dict[str, Any], said: str) -> None:
    assert parse_rules([{"id": "r", "location": "$.a", **entry}])[0].matcher.said() == said


def test_every_word_of_the_list_is_a_matcher() -> None:
    for word in WORDS:
        params = {"one-of": {"values": [1]}, "any-of": {"types": ["null"]}}.get(word, {})
        compile_matcher(word.replace("PATTERN", "x"), params, "here")


@pytest.mark.parametrize(
    ("types", "good", "bad"),
    [
        (["null", "integer"], [None, 3], ["3", 3.5, True, []]),
        (["array", "regex:[0-9]+"], [[], "12"], [{}, "a", None, 12]),
        (["object", "uuid", "boolean"], [{}, False], ["x", 0, None]),
    ],
)
def test_a_union_of_types(types: list[str], good: list[Any], bad: list[Any]) -> None:
    rule = parse_rules([{"id": "r", "location": "$.a", "types": types}])[0]
    assert [value for value in good if rule.complaint("old", value) is not None] == []
    assert [value for value in bad if rule.complaint("old", value) is None] == []


def test_a_number_among_them_is_one_written_out_in_a_header() -> None:
    rule = parse_rules([{"id": "r", "location": "header x-left", "types": ["integer", "uuid"]}])[0]
    assert rule.complaint("7", "12") is None
    assert rule.complaint("7", "twelve") == "the rule expects any of integer, uuid"


def test_an_id_may_stand_once() -> None:
    with pytest.raises(ConfigError, match="twice"):
        parse_rules([GOOD, GOOD])


@each(
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
    rule = parse_rules([{**GOOD, "location": location, "expect": "regex:.*"}])[0]
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
    assert compile_matcher("timestamp", {}, "here").complaint("1764000000", text) is not None
