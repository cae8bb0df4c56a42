"""Drift of an answer that is only seen where a call behind it drifts."""

from __future__ import annotations

from dataclasses import replace

import pytest

from diffing.classes import class_of
from diffing.model import Group
from diffing.outcome.attribution import attributed


def group(class_id: str, name: str, *exchanges: int) -> Group:
    drift = class_of(class_id)
    return Group(name, class_id, drift.kind, drift.level, "GET /a", f"at {name}", 1, 2, "e", 1, exchanges)


def because(*groups: Group) -> dict[str, str | None]:
    return {one.fingerprint: one.because for one in attributed(groups)}


def test_what_is_never_seen_without_the_call_follows_from_it() -> None:
    told = attributed(
        (group("response.status.class", "answer", 1, 2), group("outbound.missing", "call", 1, 2, 3)),
    )
    assert [one.fingerprint for one in told] == ["call", "answer"], "a cause stands before what follows"
    assert told[1].because == "call"
    assert told[1].evidence == "e; only where at call drifts, too (2 of 2 exchanges)"
    assert (told[0].because, told[0].evidence) == (None, "e")


@pytest.mark.parametrize(
    "cause", ["outbound.extra", "outbound.request.body.value-changed", "outbound.request.target", "outbound.fewer"]
)
def test_any_drift_of_a_call_may_be_the_cause(cause: str) -> None:
    assert because(group(cause, "call", 1), group("response.body.value-changed", "answer", 1))["answer"] == "call"


def test_one_exchange_without_the_call_is_enough_to_say_nothing() -> None:
    assert because(group("outbound.missing", "call", 1, 2), group("response.status.class", "answer", 1, 2, 3)) == {
        "call": None,
        "answer": None,
    }


def test_the_narrowest_cause_explains_best_and_of_equals_the_worst() -> None:
    answer = group("response.body.value-changed", "answer", 1, 2)
    wide, narrow = group("outbound.missing", "wide", 1, 2, 3, 4), group("outbound.repeated", "narrow", 1, 2)
    assert because(wide, narrow, answer)["answer"] == "narrow"
    worse = group("outbound.missing", "worse", 1, 2)
    assert because(narrow, worse, answer)["answer"] == "worse"


def test_what_is_merely_additional_at_a_call_explains_nothing() -> None:
    added = group("outbound.request.header-added", "call", 1)
    assert because(added, group("response.body.value-changed", "answer", 1))["answer"] is None


def test_calls_do_not_follow_from_calls() -> None:
    assert because(group("outbound.missing", "one", 1), group("outbound.extra", "other", 1)) == {
        "one": None,
        "other": None,
    }


def test_a_source_says_how_many_exchanges_were_not_sent_for_its_sake() -> None:
    told = attributed(
        (group("response.body.field-removed", "field", 1, 2), group("response.status.class", "status", 1)),
        withheld={1: 3, 2: 1, 9: 5},
    )
    assert [one.evidence for one in told] == [
        "e; 1 later exchange needs what is no longer made there (not replayed)",
        "e; 3 later exchanges need what is no longer made there (not replayed)",
    ]


def test_other_values_everywhere_are_no_cause_of_whatever_else_differs() -> None:
    nonce = group("outbound.request.body.value-changed", "nonce", 1, 2, 3)
    lucky = group("response.body.value-changed", "lucky", 1, 2)
    lost = group("response.status.class", "lost", 1, 2)
    told = attributed((replace(nonce, recorded=881168, replayed=473), lucky, lost), judged={"GET /a": 3})
    assert {one.fingerprint: one.because for one in told} == {"nonce": None, "lucky": None, "lost": "nonce"}


def test_a_value_that_the_call_was_sent_follows_from_it_and_so_does_what_stays_elsewhere() -> None:
    price = replace(group("outbound.request.body.value-changed", "price", 1, 2), recorded=12.5, replayed=13.5)
    text = replace(group("response.body.value-changed", "text", 1, 2), recorded="for 12.5 EUR", replayed="for 13.5 EUR")
    assert [one.because for one in attributed((price, text), judged={"GET /a": 2})] == [None, "price"]
    lucky = group("response.body.value-changed", "lucky", 1, 2)
    assert [one.because for one in attributed((price, lucky), judged={"GET /a": 9})] == [None, "price"]
