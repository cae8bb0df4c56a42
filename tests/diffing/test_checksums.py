"""What is learnt says the same in every process: profiles of two machines are merged by the check sums in them."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from diffing.walk.checksums import Contents, checksum
from diffing.walk.flatten import flatten

LEARNT = """
from diffing.contract.profile import Profile
profile = Profile()
body = {"rows": [{"id": "ord_8fk2b1", "tags": ["a", "b"]}, {"id": "ord_9fk2b1", "tags": []}], "at": [3, 5, 9], "n": 1}
for number in range(2):
    profile.add("GET /things 200", "body", body, (1, "GET", b"/things", b"", 0), number)
root = profile.tree("GET /things 200", "body")
rows, at = root.children["rows"], root.children["at"]
tags = rows.items.children["tags"]
print(root.children["n"].moves, rows.orders, tags.orders, sorted(at.sorts.seen.items()), at.sorts.bits)
"""
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 2) | st.sampled_from(["", "a", "1", ",", "#", "None"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "b", ":"]), inner, max_size=3),
    max_leaves=8,
)


def of(value: Any) -> str:
    return Contents(lambda scalar, name: repr(scalar)).of(value)


@pytest.mark.slow
def test_two_processes_learn_the_same_from_the_same() -> None:
    said = [
        subprocess.run(
            [sys.executable, "-c", LEARNT],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    ]
    assert said[0] == said[1]
    assert "Moves(last={" in said[0]
    assert said[0].count("{") >= 4  # something was noted of every kind


@given(JSON, JSON)
def test_contents_are_equal_just_where_values_are(one: Any, other: Any) -> None:
    assert (of(one) == of(other)) is (flatten(one) == flatten(other))


def test_contents_are_read_once_and_at_any_depth() -> None:
    deep: Any = []
    for _ in range(20_000):
        deep = [deep]
    reading = Contents(lambda scalar, name: repr(scalar))
    reading.of(deep)
    looked = reading.looked
    assert reading.of(deep[0]) != reading.of(deep)
    assert reading.looked == looked


def test_the_order_of_keys_is_no_part_of_contents_and_names_reach_the_leaves() -> None:
    assert of({"a": 1, "b": [2]}) == of({"b": [2], "a": 1})
    named = Contents(lambda scalar, name: f"{name}={scalar}")
    assert named.of({"ids": [1, [2]]}) == named.of({"ids": [1, [2]]})
    said: list[str] = []

    def leaf(scalar: Any, name: str) -> str:
        said.append(f"{name}={scalar}")
        return "x"

    Contents(leaf).of({"ids": [1, [2]], "n": 3})
    assert sorted(said) == ["ids=1", "ids=2", "n=3"]


@pytest.mark.parametrize(("one", "other"), [(("a", "b"), ("ab",)), ((1,), ("1",)), (([1],), ((1,),)), ((True,), (1,))])
def test_other_parts_have_other_check_sums(one: tuple[object, ...], other: tuple[object, ...]) -> None:
    assert checksum(*one) != checksum(*other)
    assert 0 <= checksum(*one) < 2**64
