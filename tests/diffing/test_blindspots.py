"""Recorded answers changed one leaf at a time: the mutants themselves, and what is told about the rules."""

from __future__ import annotations

import json
import random
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from captures.formats.jsontext import parse
from captures.jsonpaths import generalised
from captures.store import Capture
from diffing.exchange import Context, learn_pair, learn_recorded
from diffing.rulebook.blindness import Report, as_rows, lines
from diffing.rulebook.blindspots import measure
from diffing.rulebook.leaveout import answered, without
from diffing.rulebook.mutation import OPERATORS, altered, candidates, chosen, dumped, mutant, pooled
from diffing.rulebook.rules import RuleBook, parse_rules
from tests.corpus import each
from tests.diffing.shop import play

TEXT = (
    '{"id":"a1","n":12.50,"big":12345678901234567890,"on":true,"at":"2026-11-20T09:00:00Z","no":null,'
    '"i":[{"x":1},{"x":2}]}'
)


@each(
    ("operator", "place", "changed"),
    [
        ("drop", ("no",), TEXT.replace('"no":null,', "")),
        ("drop", ("i", 0), TEXT.replace('{"x":1},', "")),
        ("null", ("id",), TEXT.replace('"a1"', "null")),
        ("null", ("i",), TEXT.replace('[{"x":1},{"x":2}]', "null")),
        ("retype", ("n",), TEXT.replace("12.50", '"12.50"')),
        ("retype", ("on",), TEXT.replace("true", '"true"')),
        ("retype", ("id",), TEXT.replace('"a1"', '["a1"]')),
        ("retype", ("no",), TEXT.replace("null", '""')),
        ("swap", ("id",), TEXT.replace("a1", "b2")),
        ("flip", ("on",), TEXT.replace("true", "false")),
        ("round", ("n",), TEXT.replace("12.50", "12.5")),
        ("round", ("big",), TEXT.replace("12345678901234567890", "10000000000000000000")),
        ("truncate", ("id",), TEXT.replace("a1", "a")),
        ("time-zone", ("at",), TEXT.replace("T09", "T11")),
        ("reorder", ("i",), TEXT.replace('[{"x":1},{"x":2}]', '[{"x":2},{"x":1}]')),
        ("duplicate", ("i",), None),
        ("revalue", ("n",), None),
        ("revalue", ("id",), None),
        ("empty", ("i",), TEXT.replace('[{"x":1},{"x":2}]', "[]")),
        ("empty", ("i", 1), TEXT.replace('{"x":2}', "{}")),
    ],
)
def test_operators(operator: str, place: tuple[Any, ...], changed: str | None) -> None:
    document, _ = parse(TEXT)
    one = mutant(document, place, operator, random.Random(1), {"$.id": ["a1", "b2", 7]})
    assert one is not None
    assert dumped(one.document) == changed if changed else dumped(one.document) != TEXT
    assert dumped(document) == TEXT


@each(
    ("text", "operator"),
    [
        ('{"a":5}', "round"),
        ('{"a":"x"}', "truncate"),
        ('{"a":"no"}', "time-zone"),
        ('{"a":[1]}', "reorder"),
        ('{"a":[]}', "empty"),
        ('{"a":[1,1]}', "reorder"),
        ('{"a":"x"}', "swap"),
        ('{"a":[]}', "duplicate"),
    ],
)
def test_what_changes_nothing_is_no_mutant(text: str, operator: str) -> None:
    assert mutant(parse(text)[0], ("a",), operator, random.Random(1), {"$.a": ["x"]}) is None


def test_every_place_and_operator_is_a_candidate() -> None:
    found = set(candidates(parse(TEXT)[0]))
    assert {operator for _, operator in found} == set(OPERATORS) - {"status"}
    assert (("i", 1, "x"), "drop") in found
    assert ((), "drop") not in found
    assert ((), "null") not in found


def test_what_was_never_tried_comes_first() -> None:
    document = parse('{"i":[{"x":1},{"x":2},{"x":3}],"y":true}')[0]
    seen: set[tuple[str, str]] = set()
    first = chosen(document, 1_000, random.Random(3), seen)
    assert len(first) == len(set(first)) == len(list(candidates(document)))
    seen = {("$.i[*].x", operator) for operator in OPERATORS}
    fresh = {(generalised(place), operator) for place, operator in candidates(document)} - seen
    tried = [(generalised(place), operator) for place, operator in chosen(document, 1_000, random.Random(3), seen)]
    assert set(tried[: len(fresh)]) == fresh
    assert chosen(document, 5, random.Random(3), seen) == chosen(document, 5, random.Random(3), seen)


def test_altered_text_keeps_its_form() -> None:
    text = altered("3f2b8c1e-5d4a-4c3b-9a2f-1e0d9c8b7a6f", random.Random(1))
    assert text[14] == "4"
    assert text != "3f2b8c1e-5d4a-4c3b-9a2f-1e0d9c8b7a6f"
    assert [len(part) for part in text.split("-")] == [8, 4, 4, 4, 12]


def test_the_pool_is_small_and_has_no_value_twice() -> None:
    pool: dict[str, list[Any]] = {}
    for number in range(30):
        pooled({"a": [number % 20, "x"]}, pool)
    assert len(pool["$.a[*]"]) == 8


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return play(1, tmp_path_factory.mktemp("shop") / "a.sqlite").path


def measured(shop: Path, *rules: dict[str, Any], sample: int = 40, seed: int = 0) -> Report:
    with Capture.open(shop) as capture:
        return measure(capture, RuleBook(parse_rules(rules)), sample=sample, seed=seed)


@pytest.fixture(scope="module")
def report(shop: Path) -> Report:
    """What is measured without rules of one's own: measuring takes its time."""
    return measured(shop)


@pytest.mark.slow
def test_same_seed_same_report(shop: Path) -> None:
    one, other = measured(shop), measured(shop)
    assert as_rows(one) == as_rows(other)
    assert as_rows(measured(shop, seed=1))["blind"] != as_rows(one)["blind"]
    assert all(power.tried <= 40 for power in one.powers)
    assert one.tried == sum(power.tried for power in one.powers)
    assert len(one.powers) == 5


def test_every_blind_spot_has_a_rule_that_made_it(report: Report) -> None:
    assert report.blind
    assert all(blind.rules for blind in report.blind)
    assert sum(blind.count for blind in report.blind) == report.tried - report.found
    # what nothing makes vary is seen, whatever happens to it
    places = {(blind.endpoint, blind.location) for blind in report.blind}
    assert ("GET /products/{id}", "response.body $.price") not in places
    assert not any(location in ("response.status", "response.header x-frame-options") for _, location in places)


@pytest.mark.slow
def test_a_wide_rule_shows(shop: Path, report: Report) -> None:
    rule = {"id": "all-of-it", "endpoint": "GET /products/{id}", "location": "$.price", "expect": "any"}
    after = measured(shop, rule)
    blind = [blind for blind in after.blind if "all-of-it" in blind.rules]
    assert [(one.endpoint, one.location) for one in blind] == [("GET /products/{id}", "response.body $.price")]
    assert "null" in blind[0].operators
    assert "drop" not in blind[0].operators
    assert after.percent < report.percent
    # and a rule that asserts closes what a built-in one leaves open
    closed = measured(shop, {"id": "e", "endpoint": "POST /login", "location": "$.refresh", "expect": "equal"})
    assert not any(blind.location == "response.body $.refresh" for blind in closed.blind)


def test_the_text_says_what_was_sampled(report: Report) -> None:
    text = "\n".join(lines(report))
    assert text.startswith("Detection power: ")
    assert "a sample" in text
    assert "accepted by volatile.token" in text
    assert json.loads(json.dumps(as_rows(report)))["percent"] < 100


def test_an_empty_capture_is_said_to_be_one(tmp_path: Path) -> None:
    from captures.writer import CaptureWriter

    with CaptureWriter(tmp_path / "e.sqlite", mode="record", meta={}):
        pass
    report = measured(tmp_path / "e.sqlite")
    assert report.percent == 100.0
    assert "Nothing could be changed" in "\n".join(lines(report))


@pytest.mark.slow
def test_what_is_left_out_comes_back(shop: Path) -> None:
    context = Context()
    with Capture.open(shop) as capture:
        exchanges = [one for one in capture.exchanges() if one.direction == "inbound"]
    for one in exchanges:
        learn_recorded(one, context)
        learn_pair(one, answered(one, one.response), context)
    before = (deepcopy(context.identity.forward), deepcopy(context.identity.backward), deepcopy(context.profile.trees))
    order = next(one for one in exchanges if one.request.method == "POST" and one.request.target == b"/orders")
    assert order.response is not None
    identity = parse(order.response.body.decode())[0]["id"]
    times = context.identity.times(identity, identity)
    other = replace(order.response, body=order.response.body.replace(identity.encode(), b"ord_zz11zz11zz"))
    with without(context.identity, order, context) as changed:
        assert 0 < context.identity.times(identity, identity) < times
        with changed(order, answered(order, other)):
            assert context.identity.times(identity, "ord_zz11zz11zz") > 0
        assert context.identity.times(identity, "ord_zz11zz11zz") == 0
    assert before == (context.identity.forward, context.identity.backward, context.profile.trees)
