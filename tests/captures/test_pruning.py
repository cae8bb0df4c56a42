from __future__ import annotations

import pytest

from captures.errors import UsageError
from captures.model import Failure, FailureKind
from captures.pruning import Criteria, moment_of, pruned
from captures.selection import parse
from tests.captures.making import exchange


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("1970-01-02", 86_400),
        ("1970-01-01 01:00", 3600),
        ("1970-01-01T01:00+01:00", 0),
        ("2h", 92_800),
        ("1.5d", -29_600),
    ],
)
def test_moments(text: str, at: float) -> None:
    assert moment_of(text, 100_000) == at


@pytest.mark.parametrize("text", ["", "yesterday", "12", "2026-13-01", "3y"])
def test_what_is_no_moment(text: str) -> None:
    with pytest.raises(UsageError, match="is no time"):
        moment_of(text, 0)


@pytest.mark.parametrize(
    ("criteria", "goes"),
    [
        (Criteria(parse("")), True),
        (Criteria(parse("status:200"), before=101), True),
        (Criteria(parse("status:404")), False),
        (Criteria(parse(""), before=100), False),
        (Criteria(parse(""), failed=True), False),
    ],
)
def test_every_criterion_must_say_so(criteria: Criteria, goes: bool) -> None:
    assert criteria.say(exchange(1), "") is goes


def test_failures() -> None:
    assert Criteria(parse(""), failed=True).say(exchange(1, failure=Failure(FailureKind.RESET)), "")


@pytest.mark.parametrize(
    ("asked", "needs", "keep", "gone", "needed"),
    [
        ([1, 2], {}, 0, {1, 2}, {}),
        ([1, 2, 3], {}, 1, {1, 2}, {}),
        ([1, 2], {}, 5, set(), {}),
        ([1, 2], {4: [1, 3]}, 0, {2}, {1: 4}),
        ([1, 2], {2: [1]}, 0, {1, 2}, {}),  # who needs it goes as well
        ([1, 2], {4: [2, 1], 3: [1]}, 0, set(), {1: 3, 2: 4}),
        ([], {4: [1]}, 0, set(), {}),
    ],
)
def test_what_goes(
    asked: list[int], needs: dict[int, list[int]], keep: int, gone: set[int], needed: dict[int, int]
) -> None:
    result = pruned(asked, [1, 2, 3, 4], lambda one: needs.get(one, ()), keep)
    assert (set(result.gone), result.needed) == (gone, needed)
