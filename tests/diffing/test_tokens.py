"""Random tokens: one that became two, two of one exchange that became one, and what a pace alone explains."""

from __future__ import annotations

import pytest

from diffing.values.tokens import Merged
from tests.diffing.probes.messages import judge_probe

A, B, C, D = (letter * 4 + "81d884c7d659a2feaa0c55ad015" + letter for letter in "abcd")


def said(*exchanges: tuple[object, object]) -> list[str]:
    pairs = [
        {"request": f"GET /me?{n}", "recorded": one, "replayed": other} for n, (one, other) in enumerate(exchanges)
    ]
    lines = judge_probe({"exchanges": pairs}).explained.splitlines()
    return [line.split("finding")[1].strip() for line in lines if line.strip().startswith("finding")]


def test_one_that_became_two_is_told_where_it_parts() -> None:
    one, other = {"token": A, "link": f"https://x.test/i/{A}"}, {"token": C, "link": f"https://x.test/i/{D}"}
    assert said((one, other)) == [
        "response.identity $.link (the recording has one token in both places, the run has two)"
    ]


@pytest.mark.parametrize("names", [("access_token", "refresh_token"), ("csrf_token", "session_token")])
def test_two_of_one_answer_that_became_one_are_told_once(names: tuple[str, str]) -> None:
    found = said((dict(zip(names, (A, B), strict=True)), dict(zip(names, (C, C), strict=True))))
    assert len(found) == 1
    assert f"$.{names[1]} (the recording has two tokens here" in found[0]


def test_two_of_two_answers_may_be_one_that_was_kept() -> None:
    assert not said(({"session_token": A}, {"session_token": C}), ({"session_token": B}, {"session_token": C}))


def test_tokens_made_anew_one_by_one_are_no_drift() -> None:
    assert not said(({"access_token": A, "refresh_token": B}, {"access_token": C, "refresh_token": D}))


def test_only_the_exchange_at_hand_is_remembered() -> None:
    merged = Merged()
    merged.note(1, A, C)
    merged.note(2, B, C)
    assert not merged.pairs
    merged.note(2, A, C)
    assert merged.pairs == {(2, A, C)}
