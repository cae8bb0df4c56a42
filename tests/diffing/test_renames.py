"""Members under another name: what names prove, and what long ones may cost."""

from __future__ import annotations

import time

import pytest

from diffing import compare
from diffing.walk.renames import renames, similar


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        ("colour", "color", True), ("user_id", "customer_user_id", True), ("address1", "address2", False),
        ("total", "note", False), ("a" * 64, "a" * 63 + "b", True), ("sum", "sun", False),
        ("k" * 2_000, "k" * 1_999 + "y", False),
    ],
)  # fmt: skip
def test_names_are_alike_by_words_or_by_letters(one: str, other: str, alike: bool) -> None:
    assert similar(one, other) is similar(other, one) is alike


def test_the_likest_name_is_the_new_one() -> None:
    found = renames({"colour": "red"}, {"color": "red", "colours": "red"}, ["colour"], ["color", "colours"])
    assert [(one.recorded, one.replayed) for one in found] == [("colour", "colours")]


@pytest.mark.slow
@pytest.mark.parametrize("letters", ["k", "K", "aB", "a1_", "é"])
def test_names_of_a_hundred_thousand_characters_take_no_time(letters: str) -> None:
    name = letters * (100_000 // len(letters))
    before = time.process_time()
    verdict = compare({name: 1, "b": 2}, {f"{name}y": 1, "b": 2})
    assert time.process_time() - before < 8
    assert {found.class_id for found in verdict.findings} == {
        "response.body.field-removed",
        "response.body.field-added",
    }


def test_many_names_that_are_nearly_one_take_no_time() -> None:
    old = {"k" * 60 + f"{n:02}": f"old {n}" for n in range(50)}
    new = {"k" * 59 + f"{n:03}": f"new {n}" for n in range(50)}
    before = time.process_time()
    assert not compare(old, new).clean
    assert time.process_time() - before < 20
