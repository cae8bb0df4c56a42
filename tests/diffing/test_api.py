"""Comparing two answers without a capture."""

from __future__ import annotations

import gzip
import subprocess
import sys
from datetime import date
from decimal import Decimal
from typing import Any

import httpx
import pytest
import requests

import diffing
from captures.errors import ConfigError
from diffing import Answer, compare
from diffing.model import Column


@pytest.mark.parametrize(
    ("one", "other", "classes"),
    [
        ({"a": 1}, {"a": 1}, []),
        ({"a": 1}, {"a": 2}, ["response.body.value-changed"]),
        ({"a": 1}, {"a": 1.0}, ["response.body.number-form"]),
        ({"a": 1}, {"a": True}, ["response.body.type-changed"]),
        ({"a": Decimal("1.10")}, {"a": Decimal("1.1")}, ["response.body.number-form"]),
        ({"a": 1}, {}, ["response.body.field-removed"]),
        ([1, 1, 2], [1, 2], ["response.body.array-multiplicity"]),
        (b"one\ntwo\n", b"one\n2\n", ["response.body.text-changed"]),
        (Answer(b"{}", 200), Answer(b"{}", 503), ["response.status.class"]),
        (
            Answer(b"a", headers={"Cache-Control": "no-cache"}),
            Answer(b"a", headers=[("cache-control", "max-age=9")]),
            ["response.header.changed"],
        ),
        (None, {"a": 1}, ["response.body.null-changed"]),
    ],
)
def test_both_sides_may_be_what_is_at_hand(one: Any, other: Any, classes: list[str]) -> None:
    verdict = compare(one, other)
    assert [found.class_id for found in verdict.findings] == classes
    assert verdict.clean is not bool(classes)
    assert verdict.column is (Column.DRIFTED if classes else Column.SAME)


def test_responses_of_requests_and_httpx_are_answers() -> None:
    packed = gzip.compress(b'{"a": 1}')
    theirs = httpx.Response(
        200, headers={"Content-Type": "application/json", "Content-Encoding": "gzip"}, content=packed
    )
    ours = requests.Response()
    ours.status_code, ours._content = 200, b'{"a": 2}'
    ours.headers.update({"Content-Type": "application/json", "Content-Length": "99", "Content-Encoding": "gzip"})
    verdict = compare(theirs, ours)
    assert [(found.class_id, found.recorded, found.replayed) for found in verdict.findings] == [
        ("response.body.value-changed", 1, 2)
    ]


def test_rules_are_those_of_the_rules_file() -> None:
    rule = {"id": "took", "location": "$.took", "expect": "number"}
    verdict = compare({"took": 1.5, "n": 1}, {"took": 99, "n": 1}, [rule])
    assert verdict.clean
    assert verdict.rules == {"took": 1}
    assert verdict.explain() == "accepted by took  $.took  1.5 -> 99  (number)"
    assert not compare({"took": 1.5}, {"took": "99"}, [rule]).clean


def test_a_rule_of_another_endpoint_does_not_apply() -> None:
    rule = {"location": "$.n", "expect": "number", "endpoint": "GET /orders/{id}"}
    assert compare({"n": 1}, {"n": 2}, [rule], endpoint="GET /orders/{id}").clean
    assert not compare({"n": 1}, {"n": 2}, [rule]).clean


def test_an_expired_rule_is_named() -> None:
    rule = {"id": "old", "location": "$.n", "expect": "number", "expires": date(2026, 1, 1)}
    verdict = compare({"n": 1}, {"n": 2}, [rule], today=date(2026, 1, 2))
    assert not verdict.clean
    assert '"old" expired' in verdict.explain()


def test_an_unsound_rule_is_refused() -> None:
    with pytest.raises(ConfigError, match="locaton"):
        compare(1, 1, [{"locaton": "$.n", "expect": "number"}])


def test_samples_are_evidence() -> None:
    alone = compare({"a": 1}, {})
    assert alone.findings[0].evidence == "1/1 recorded samples"
    among = compare({"a": 1}, {}, samples=[{}, {"a": 2}])
    assert among.findings[0].class_id == "response.body.optional-field-removed"
    assert among.findings[0].evidence == "2/3 recorded samples"


def test_what_is_volatile_is_named_and_what_it_must_keep_is_asserted() -> None:
    old = {"id": "6f1f0b52-3c1e-4a93-9d0e-5d2f1a7b8c90"}
    assert compare(old, {"id": "0b9e4c1d-7a52-4f0e-8c3b-2e6d5f4a1b00"}).rules == {"volatile.uuid": 1}
    assert not compare(old, {"id": "0b9e4c1d-7a52-1f0e-8c3b-2e6d5f4a1b00"}).clean, "another version of UUID"
    assert not compare(old, {"id": ""}).clean


@pytest.mark.parametrize("when", [{"at": 1_790_000_000.0}, {"headers": {"Date": "Mon, 21 Sep 2026 14:13:20 GMT"}}])
def test_moments_are_judged_by_when_their_answer_was_given(when: dict[str, Any]) -> None:
    body, typed = b'{"created_at": "%s"}', {"Content-Type": "application/json"}
    old = Answer(body % b"2026-09-21T14:13:10Z", **{**when, "headers": {**typed, **when.get("headers", {})}})
    fresh = Answer(body % b"2026-11-21T12:00:01Z", headers=typed, at=1_795_262_403.0)
    assert compare(old, fresh).rules.get("volatile.timestamp") == 1
    future = Answer(body % b"2027-11-21T12:00:01Z", headers=typed, at=1_795_262_403.0)
    assert [found.path for found in compare(old, future).findings if "body" in found.class_id] == ["$.created_at"]


def test_what_cannot_be_judged_is_not_clean() -> None:
    broken = Answer(b"\x1f\x8b\x08broken", headers={"Content-Encoding": "gzip"})
    verdict = compare(broken, Answer(b"\x1f\x8b\x08Broken", headers={"Content-Encoding": "gzip"}))
    assert not verdict.clean


def _endless(kind: type) -> Any:
    value: Any = kind()
    if isinstance(value, dict):
        value["a"] = [value]
    else:
        value.append(value)
    return value


@pytest.mark.parametrize(
    ("value", "error", "sentence"),
    [
        ({"a": object()}, TypeError, "$.a is a object"),
        ({"a": [1, float("nan")]}, TypeError, "$.a[1] is nan"),
        (Decimal("Infinity"), TypeError, "$ is Infinity"),
        ({1, 2}, TypeError, "$ is a set"),
        ((one for one in "ab"), TypeError, "$ is a generator"),
        (_endless(list), ValueError, "$[0] holds itself"),
        (_endless(dict), ValueError, "$.a[0] holds itself"),
        ({"a": 10**5000}, ValueError, "$.a is a number of more than 4,000 digits"),
    ],
)
def test_a_value_json_has_no_form_for_is_named_by_its_place(value: Any, error: type[Exception], sentence: str) -> None:
    with pytest.raises(error) as caught:
        compare(value, {})
    assert sentence in str(caught.value)


def test_a_value_may_stand_in_two_places_without_holding_itself() -> None:
    shared = [1]
    assert compare({"a": shared, "b": shared}, {"a": [1], "b": [1]}).clean


@pytest.mark.parametrize(
    ("body", "same"), [({"a": 1}, {"a": 1}), ("text", b"text"), (bytearray(b"x"), b"x"), ("\ud800", "\ud800")]
)
def test_the_body_of_an_answer_may_be_a_value_or_text(body: Any, same: Any) -> None:
    assert compare(Answer(body), Answer(same)).clean
    assert not compare(Answer(body), Answer(b"something else")).clean


@pytest.mark.parametrize(
    ("answer", "error", "sentence"),
    [
        (Answer("{}", headers={"X-A": "5 €"}), ValueError, "header 'X-A' has letters beyond Latin-1"),
        (Answer("{}", headers={"X-€": "5"}), ValueError, "header 'X-\\u20ac' has letters beyond Latin-1"),
        (Answer("{}", status=None), TypeError, "status is a NoneType, not a number from 0 to 999"),  # type: ignore[arg-type]
        (Answer("{}", status=True), TypeError, "status is a bool"),
        (Answer("{}", status=1000), ValueError, "status is 1000, not a number"),
        (Answer("{}", status=-1), ValueError, "status is -1, not a number"),
        (Answer("{}", status="OK"), ValueError, "status is 'OK', not a number"),  # type: ignore[arg-type]
        (Answer("{}", at=float("nan")), ValueError, "at holds a time that no clock shows"),
        (Answer("{}", at=1e30), ValueError, "at holds a time that no clock shows"),
        (Answer("{}", at=-1e30), ValueError, "at holds a time that no clock shows"),
        (Answer("{}", at="now"), TypeError, "at is a str, not Unix seconds"),  # type: ignore[arg-type]
    ],
)
def test_what_no_answer_has_is_said_in_a_sentence(answer: Answer, error: type[Exception], sentence: str) -> None:
    for sides in ((answer, Answer("{}")), (Answer("{}"), answer)):
        with pytest.raises(error) as caught:
            compare(*sides)
        assert sentence in str(caught.value)


@pytest.mark.parametrize(
    ("rule", "values", "clean"),
    [
        ({"expect": "integer"}, ("62", "63"), True), ({"expect": "integer"}, ("62", "6x"), False),
        ({"expect": "integer"}, ("62", "6.5"), False), ({"expect": "number", "max": 7}, ("62", "6.5"), True),
        ({"expect": "number", "max": 6}, ("62", "6.5"), False), ({"tolerance": "2%"}, ("62", "63"), True),
        ({"tolerance": "1%"}, ("62", "63"), False), ({"expect": "integer"}, ("62", "9" * 10_000), False),
    ],
)  # fmt: skip
def test_a_number_in_a_header_is_written_out(rule: dict[str, Any], values: tuple[str, str], clean: bool) -> None:
    old, new = (Answer("{}", headers={"X-Left": value}) for value in values)
    verdict = compare(old, new, [{"location": "header x-left", **rule}])
    assert verdict.clean is clean, verdict.explain()


@pytest.mark.parametrize("endpoint", ["", "GET", "GET [", " "])
def test_an_endpoint_has_a_path(endpoint: str) -> None:
    with pytest.raises(ValueError, match="not a method and a path"):
        compare({"a": 1}, {"a": 1}, endpoint=endpoint)
    with pytest.raises(ConfigError, match="names no path"):
        compare({"a": 1}, {"a": 1}, [{"location": "$.a", "expect": "number", "endpoint": endpoint}])


@pytest.mark.parametrize(
    ("rules", "sentence"),
    [("$.a", "not one str"), ({"location": "$.a"}, "not one dict"), (7, "not one int"), ([5], "rule 1 is a int")],
)
def test_rules_that_are_no_list_of_entries_are_a_type_error(rules: Any, sentence: str) -> None:
    with pytest.raises(TypeError, match=sentence):
        compare({"a": 1}, {"a": 1}, rules)
    assert compare({"a": 1}, {"a": 1}, None).clean


@pytest.mark.slow
def test_the_package_costs_nothing_until_it_is_asked() -> None:
    code = """
import sys
import diffing
assert "diffing.api" not in sys.modules
assert diffing.compare is sys.modules["diffing.api"].compare
"""
    subprocess.run([sys.executable, "-c", code], check=True)
    assert not hasattr(diffing, "nothing")
