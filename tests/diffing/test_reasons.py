"""One cause of what was not judged is one sentence."""

from __future__ import annotations

import pytest

from diffing.outcome.reasons import Reasons


def needs(source: int, path: str = "/items", why: str = "it answered 500 instead of 201") -> str:
    return f"not replayed: needs the id that exchange {source} (POST {path}) did not make: {why}"


def test_sources_of_one_endpoint_are_one_reason() -> None:
    reasons = Reasons()
    for source in (5, 46, 46, 88):
        reasons.add(needs(source, f"/shops/{source}(a)/items"), source, "POST /shops/{id}/items")
    assert reasons.said() == [
        "4 exchanges: not replayed: needs the id that POST /shops/{id}/items (exchange 5 and 2 more) did not make: "
        "it answered 500 instead of 201"
    ]


@pytest.mark.parametrize(
    ("other", "endpoint"),
    [(needs(9, "/orders"), "POST /orders"), (needs(9, why="it answered 422 instead of 201"), "POST /items")],
)
def test_another_endpoint_or_another_outcome_is_another_reason(other: str, endpoint: str) -> None:
    reasons = Reasons()
    reasons.add(needs(5), 5, "POST /items")
    reasons.add(needs(5), 5, "POST /items")
    reasons.add(other, 9, endpoint)
    assert reasons.said() == [f"2 exchanges: {needs(5)}", f"1 exchange: {other}"], "one source is named as it was"


def test_what_follows_of_what_failed_is_told_by_its_root() -> None:
    reasons = Reasons()
    for source in (5, 6):
        reasons.add(f"needs what follows from exchange {source} (POST /a): it failed (reset)", source, "POST /a")
    assert reasons.said() == ["2 exchanges: needs what follows from POST /a (exchange 5 and 1 more): it failed (reset)"]


def test_reasons_without_a_source_are_counted_as_they_are() -> None:
    reasons = Reasons()
    for reason in ("its body is cut", "exchange 3 (GET /a) is odd", "exchange 4 (GET /a) is odd", "its body is cut"):
        reasons.add(reason)
    assert reasons.said() == [
        "2 exchanges: its body is cut",
        "1 exchange: exchange 3 (GET /a) is odd",
        "1 exchange: exchange 4 (GET /a) is odd",
    ]


def test_a_cause_stands_before_what_follows_from_it() -> None:
    reasons = Reasons()
    for _ in range(3):
        reasons.add(needs(5), 5, "POST /items")
    reasons.add("refused with 401")
    assert reasons.said() == ["1 exchange: refused with 401", f"3 exchanges: {needs(5)}"]
