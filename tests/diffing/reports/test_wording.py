from __future__ import annotations

import tomllib
from dataclasses import replace

import pytest

from diffing.classes import all_classes
from diffing.model import ABSENT, Group
from diffing.reports.wording import meaning, name_of, rule_snippet, shown_values, statement, title
from diffing.rulebook.rules import parse_rules
from tests.corpus import each
from tests.diffing.reports.story import NASTY, make_result

RESULT = make_result()


@each("group", RESULT.groups, ids=lambda group: group.fingerprint)
def test_a_rule_snippet_is_a_rule_that_is_read(group: Group) -> None:
    snippet = rule_snippet(group)
    if group.location in ("exchange", "response") or group.class_id in ("outbound.missing", "outbound.extra"):
        assert snippet == ""
    else:
        (rule,) = parse_rules(tomllib.loads(snippet)["rules"])
        assert rule.id == f"drift-{group.fingerprint}"
        assert rule.applies_to(group.endpoint)
        assert rule.location == group.location


def test_a_group_of_every_endpoint_makes_a_rule_for_every_endpoint() -> None:
    group = replace(RESULT.groups[2], endpoint="(every endpoint)")
    (rule,) = parse_rules(tomllib.loads(rule_snippet(group))["rules"])
    assert rule.applies_to("GET /anything")


def test_a_hostile_endpoint_stays_inside_its_string() -> None:
    endpoint = f'GET /"\n[[rules]]\n{NASTY}'
    group = replace(RESULT.groups[0], endpoint=endpoint.replace("\ud800", ""), location="$.a")
    assert len(tomllib.loads(rule_snippet(group))["rules"]) == 1
    assert rule_snippet(replace(group, endpoint=endpoint)) == ""  # TOML has no form for half a character


@pytest.mark.parametrize(
    ("recorded", "replayed", "expect"),
    [
        (1, 2, "integer"),
        ("a b", "b c", "one-of"),
        (1, "1", "one-of"),
        (1, ABSENT, "optional"),
        (ABSENT, 1, "optional"),
        (None, {}, "any-of"),
    ],
)
def test_the_rule_still_asserts_the_most_it_can(recorded: object, replayed: object, expect: str) -> None:
    group = replace(RESULT.groups[0], recorded=recorded, replayed=replayed, examples=())
    assert f'expect = "{expect}"' in rule_snippet(group)


def test_an_array_in_another_order_is_still_compared() -> None:
    group = replace(
        RESULT.groups[0],
        class_id="response.body.array-order",
        location="response.body $.a",
        recorded=[1, 2],
        replayed=[2, 1],
        examples=(),
    )
    assert 'expect = "unordered"' in rule_snippet(group)
    assert parse_rules(tomllib.loads(rule_snippet(group))["rules"])[0].matcher.unordered


@pytest.mark.parametrize(
    ("change", "recorded", "replayed", "shown"),
    [
        ("missing", 1, ABSENT, ("1 call", "0 calls")),
        ("extra", ABSENT, 2, ("0 calls", "2 calls")),
        ("extra", ABSENT, "POST /a", ("(absent)", '"POST /a"')),
        ("repeated", 1, 2, ("1 call", "2 calls")),
        ("request.query", 1, 2, ("1", "2")),
    ],
)
def test_calls_are_counted_in_calls(change: str, recorded: object, replayed: object, shown: tuple[str, str]) -> None:
    group = replace(RESULT.groups[0], class_id=f"outbound.{change}", recorded=recorded, replayed=replayed)
    assert shown_values(group) == shown


@pytest.mark.parametrize(("counts", "often"), [((1, 2), "is made more often"), ((3, 1), "is made less often")])
def test_a_number_of_calls_is_no_value(counts: tuple[int, int], often: str) -> None:
    calls = {"class_id": "outbound.repeated", "location": "outbound a GET /b"}
    assert statement(replace(RESULT.groups[0], **calls, recorded=counts[0], replayed=counts[1])).endswith(f" {often}")


def test_a_status_rule_names_both() -> None:
    group = replace(RESULT.groups[0], location="response.status", recorded=404, replayed=422, examples=())
    assert "values = [404, 422]" in rule_snippet(group)


@each(
    ("class_id", "words"),
    [
        ("response.body.field-removed", "Field removed"),
        ("response.body.changed", "Body changed"),
        ("response.status.class", "Status class"),
        ("response.failed", "Response failed"),
        ("outbound.extra", "Extra call"),
        ("outbound.fewer", "Fewer calls"),
        ("outbound.new-dependency", "New dependency"),
        ("outbound.request.target", "Call target"),
        ("exchange.extra", "Extra exchange"),
        ("odd", "Odd"),
    ],
)
def test_titles(class_id: str, words: str) -> None:
    assert title(class_id) == words


def test_every_class_has_words() -> None:
    assert all(title(drift.id) and meaning(drift.id) for drift in all_classes())
    assert meaning("of.a.later.version") == ""


def test_sentences() -> None:
    price, discount = RESULT.groups[0], RESULT.groups[1]
    assert statement(price) == "response.body $.items[*].price was a number and is a string"
    assert statement(discount) == "response.body $.discount is gone from the replayed build"
    assert name_of("/home/somebody/captures/x.sqlite") == "x.sqlite"
