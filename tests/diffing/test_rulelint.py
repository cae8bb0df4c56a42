"""What is said about rules as such."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from captures.errors import ConfigError
from captures.jsonpaths import Place, compile_path
from diffing.rulebook.pathsets import includes, meet
from diffing.rulebook.ruleindex import RuleIndex
from diffing.rulebook.rulelint import lint, remarks
from diffing.rulebook.rules import Rule, parse_rules
from tests.corpus import each

TODAY = date(2026, 11, 21)


def told(
    *entries: dict[str, Any], used: dict[str, int] | None = None, endpoints: tuple[str, ...] = ()
) -> list[tuple[str, str]]:
    rules = parse_rules([{"id": f"r{at}", "expect": "uuid", **entry} for at, entry in enumerate(entries)])
    return [(remark.kind, remark.rule) for remark in remarks(rules, used, TODAY, endpoints)]


@each(
    ("first", "second", "kinds"),
    [
        ({"location": "$.a"}, {"location": "$.b"}, []),
        ({"location": "$.a"}, {"location": "$.a"}, ["duplicate"]),
        ({"location": "$.a"}, {"location": "$.a", "expect": "ulid"}, ["contradictory"]),
        ({"location": "$.a"}, {"location": "response.body $['a']", "expect": "integer"}, ["contradictory"]),
        ({"location": "$..a"}, {"location": "$.x.a", "expect": "integer"}, ["shadowed"]),
        ({"location": "$.x.a"}, {"location": "$..a"}, []),
        ({"location": "$.x.a"}, {"location": "$..a", "expect": "integer"}, []),
        ({"location": "$.i[*].a"}, {"location": "$.i[0].a"}, ["shadowed"]),
        ({"location": "$.i[0].a"}, {"location": "$.i[*].a"}, []),
        ({"location": "$.i[0:3]"}, {"location": "$.i[2]"}, ["shadowed"]),
        ({"location": "$.i[0:2]"}, {"location": "$.i[2]"}, []),
        ({"location": "$.i[?@.k].a"}, {"location": "$.i[*].a"}, []),
        ({"location": "$.i[*].a"}, {"location": "$.i[?@.k].a"}, ["shadowed"]),
        ({"location": "$.x[*].a"}, {"location": "$.x..a", "expect": "integer"}, []),
        ({"location": "$.x.*.a"}, {"location": "$.*.y.a", "expect": "integer"}, ["contradictory"]),
        ({"location": "$.x.*.a"}, {"location": "$.*.y.a"}, []),
        ({"location": "$.a", "endpoint": "GET *"}, {"location": "$.a", "endpoint": "GET /x"}, ["shadowed"]),
        ({"location": "$.a", "endpoint": "GET /x"}, {"location": "$.a", "endpoint": "GET *"}, []),
        ({"location": "$.a", "endpoint": "GET /x"}, {"location": "$.a", "endpoint": "GET /y"}, []),
        ({"location": "$.a", "endpoint": "GET /x"}, {"location": "$.a"}, []),
        ({"location": "header x-*"}, {"location": "header x-a"}, ["shadowed"]),
        ({"location": "header x-a"}, {"location": "$.a"}, []),
        ({"location": "$.a", "expires": date(2026, 1, 1)}, {"location": "$.a"}, ["expired"]),
        ({"location": "$.a", "expires": date(2026, 11, 21)}, {"location": "$.b"}, ["expiring"]),
        ({"location": "$.a", "expires": date(2026, 12, 5)}, {"location": "$.b"}, ["expiring"]),
        ({"location": "$.a", "expires": date(2026, 12, 6)}, {"location": "$.b"}, []),
    ],
)
def test_two_rules(first: dict[str, Any], second: dict[str, Any], kinds: list[str]) -> None:
    assert [kind for kind, _ in told(first, second)] == kinds


def test_globs_that_meet_are_known_by_the_endpoints() -> None:
    pair = ({"location": "$.a", "endpoint": "GET *"}, {"location": "$.a", "endpoint": "* /x", "expect": "integer"})
    assert told(*pair) == []
    assert told(*pair, endpoints=("GET /y",)) == []
    assert told(*pair, endpoints=("GET /x",)) == [("contradictory", "r1")]


def test_unused_is_said_of_what_could_have_been_used() -> None:
    entries = [
        {"location": "$.a"},
        {"location": "$.a"},
        {"location": "$.b"},
        {"location": "$.c", "expires": date(2026, 1, 1)},
    ]
    assert told(*entries, used={"r0": 3}) == [("duplicate", "r1"), ("expired", "r3"), ("unused", "r2")]


def test_sentences_name_rule_and_place() -> None:
    rules = parse_rules([{"id": "x", "location": "$.a", "endpoint": "GET /o", "expect": "uuid"}])
    assert lint(rules, {}, TODAY) == ('Rule "x" was not used: no unequal value stood at $.a of GET /o.',)


PATHS = [
    compile_path(text)
    for text in (
        "$",
        "$.a",
        "$.b",
        "$.a.b",
        "$..a",
        "$..b",
        "$.*",
        "$.a.*",
        "$.*.b",
        "$..a.b",
        "$.a..b",
        "$..*",
        "$[0]",
        "$[*]",
        "$.a[0]",
        "$.a[1]",
        "$.a[0:2]",
        "$.a[1:]",
        "$.a[::2]",
        "$..[0]",
        "$..a..b",
        "$.*.*",
    )
]
KEYS: tuple[str | int, ...] = ("a", "b", "other", 0, 1, 7)
PLACES: list[Place] = [place for length in range(4) for place in product(KEYS, repeat=length)]


def test_sets_of_places_against_every_place() -> None:
    """Over all places of up to three steps: `includes` never claims too much, `meet` never too little."""
    named = {path: {place for place in PLACES if path.matches(place)} for path in PATHS}
    exact = 0
    for one, other in product(PATHS, PATHS):
        if includes(one.steps, other.steps):
            assert named[other] <= named[one], (one.text, other.text)
            exact += 1
        elif not any("[" in path.text for path in (one, other)):
            assert not named[other] <= named[one], (one.text, other.text)
        assert meet(one.steps, other.steps) or not named[one] & named[other], (one.text, other.text)
    assert exact > len(PATHS)


PARTS = ("$.a", "$.b", "$", "$..a", "$.i[*].a", "$.*.a", "$.i[0]", "$.i[*]", "$.i[0:2]", "header x-a", "header x-*", "response.status")  # fmt: skip  # noqa: E501
ENDPOINTS = ("*", "GET /x", "GET /y", "GET *", "* /x", "GET /?", "[GP]* /x")
EXPECTS = ("uuid", "integer", "boolean", "any", "timestamp")


@given(
    st.lists(st.tuples(st.sampled_from(PARTS), st.sampled_from(ENDPOINTS), st.sampled_from(EXPECTS)), max_size=12),
    st.sampled_from([(), ("GET /x", "GET /y"), ("POST /x",)]),
)
def test_what_collides_is_what_asking_each_rule_of_every_other_tells(
    places: list[tuple[str, str, str]], endpoints: tuple[str, ...]
) -> None:
    rules = [
        rule
        for at, (location, endpoint, expect) in enumerate(places)
        for rule in _sound({"id": f"r{at}", "location": location, "endpoint": endpoint, "expect": expect})
    ]
    found = remarks(rules, None, TODAY, endpoints)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(RuleIndex, "covering", _every)
        patch.setattr(RuleIndex, "meeting", _every)
        patch.setattr(RuleIndex, "add", lambda index, number, _: _numbers(index).append(number))
        assert remarks(rules, None, TODAY, endpoints) == found


def _sound(entry: dict[str, Any]) -> tuple[Rule, ...]:
    try:
        return parse_rules([entry])
    except ConfigError:
        return ()  # too wide to be a rule at all


def _numbers(index: RuleIndex) -> list[int]:
    return index._parts.known.setdefault("every", [])  # type: ignore[arg-type, return-value]


def _every(index: RuleIndex, _: Rule) -> Iterator[int]:
    return iter(_numbers(index))


@pytest.mark.slow
def test_each_of_many_rules_is_held_against_few() -> None:
    index = RuleIndex()
    looked = []
    entries = (
        {"id": f"r{at}", "location": f"$.items[*].f{at}", "endpoint": f"GET /x{at % 7}/*", "expect": "uuid"}
        for at in range(400)
    )
    for number, rule in enumerate(parse_rules(entries)):
        looked.append(len([*index.covering(rule), *index.meeting(rule)]))
        index.add(number, rule)
    assert looked == [0] * 400
    assert [
        list(index.covering(rule))
        for rule in parse_rules([{"id": "x", "location": "$.items[*].f9", "endpoint": "GET /x2/*", "expect": "uuid"}])
    ] == [[9]]
