"""The contract that a recording shows, as rows: presence, types, and what holds of the values."""

from __future__ import annotations

from typing import Any

import pytest

from diffing.contract import table as module
from diffing.contract.profile import Profile
from diffing.contract.table import Row, Scope, table
from tests.corpus import each


def learnt(*documents: Any, scope: str = "GET /a 200") -> Profile:
    profile = Profile()
    for number, document in enumerate(documents, 1):
        profile.add(scope, "body", document, request=number)
        profile.add_headers(scope, {"content-type"} | ({"etag"} if number % 2 else set()))
    return profile


def row(scope: Scope, path: str) -> Row:
    (found,) = [one for one in scope.rows if one.location == path]
    return found


@each(
    ("values", "types", "facts"),
    [
        (["EUR"] * 6, (("string", 6),), ('always "EUR"',)),
        (["paid"] * 6 + ["open"] * 5, (("string", 11),), ('one of "paid", "open"',)),
        ([*range(3, 23)], (("number", 20),), ("3 to 22", "no value came twice", "whole numbers")),
        ([1.5, 2, 3, 4, 9], (("number", 5),), ("1.5 to 9", "no value came twice")),
        ([True] * 6, (("boolean", 6),), ("always true",)),
        ([None, "x"], (("null", 1), ("string", 1)), ("null in 1",)),
        ([[1], [1, 2, 3]], (("array", 2),), ("1 to 3 items",)),
        (["abc", "abcd", "abcde", "ab c", "a b c d"], (("string", 5),), ("3 to 7 characters", "no value came twice")),
        (["2026-10-19T08:00:01Z", "2026-10-19T08:00:02Z"], (("string", 2),), ("datetime",)),
        ([{"x": 1}], (("object", 1),), ()),
    ],
)
def test_what_holds_of_a_place(values: list[Any], types: tuple[tuple[str, int], ...], facts: tuple[str, ...]) -> None:
    (scope,) = table(learnt(*({"status": value} for value in values)))
    found = row(scope, "response.body $.status")
    assert (found.present, found.samples) == (len(values), len(values))
    assert (found.types, found.facts) == (types, facts)


def test_presence_is_counted_against_the_objects_around_and_headers_against_the_answers() -> None:
    (scope,) = table(learnt({"items": [{"a": 1}, {"a": 2, "b": 3}]}, {"items": [{"a": 1}]}))
    assert (scope.endpoint, scope.status, scope.samples) == ("GET /a", "200", 2)
    assert [(one.present, one.samples) for one in scope.rows if one.location.endswith(("[*].a", "[*].b"))] == [
        (3, 3),
        (1, 3),
    ]
    assert row(scope, "response.header etag").present == 1


def test_calls_are_scopes_of_their_own_and_come_last() -> None:
    profile = learnt({"amount": 1}, scope="outbound pay POST /charges")
    profile.merge(learnt({"id": 1}))
    first, last = table(profile)
    assert (first.endpoint, last.endpoint, last.status) == ("GET /a", "outbound pay POST /charges", "")
    assert row(last, "outbound pay POST /charges request.body $.amount").present == 1


def test_a_recording_of_many_shapes_is_cut_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ROWS", 10)
    (scope,) = table(learnt({f"field_{chr(97 + n)}{chr(97 + m)}": 1 for n in range(5) for m in range(5)}))
    assert (len(scope.rows), scope.left) == (10, 18)


def test_hostile_depth_is_no_recursion() -> None:
    document: Any = 1
    for _ in range(3_000):
        document = [document]
    (scope,) = table(learnt(document))
    assert len(scope.rows) < 30
