"""Cases that share a test: none hides another, and each is named."""

from __future__ import annotations

import pytest

from tests.corpus import each, try_each


def passes() -> None:
    """Nothing is wrong."""


def is_wrong() -> None:
    assert sorted("ba") == ["b", "a"]


def breaks() -> None:
    int("x")


def test_every_case_is_tried_and_every_failure_named() -> None:
    cases = [("one", is_wrong), ("two", passes), ("three", breaks), ("four", is_wrong)]
    with pytest.raises(pytest.fail.Exception) as caught:
        try_each(cases)
    said = str(caught.value)
    assert said.startswith("3 of 4 cases failed.\n\none\n    test_corpus.py:")
    assert said.count("AssertionError: assert ['a', 'b'] == ['b', 'a']") == 2  # as pytest explains it
    assert "\nthree\n    test_corpus.py:" in said
    assert "ValueError: invalid literal" in said
    assert 'int("x")' in said, "where it broke is not shown"
    assert "\nfour\n" in said
    assert "two" not in said


def test_all_is_well() -> None:
    try_each([("one", passes), ("two", passes)])


def test_one_case_alone() -> None:
    try_each([("one", is_wrong), ("two", passes)], "tw")
    with pytest.raises(pytest.fail.Exception, match="1 of 1 cases failed"):
        try_each([("one", is_wrong), ("two", passes)], "one")
    with pytest.raises(pytest.skip.Exception, match="no case here has 'ten' in its name"):
        try_each([("one", is_wrong)], "ten")


@pytest.mark.parametrize("other", [1, 2])
@each("one, two", [(1, 1), (2, 2)])
def test_a_table_is_one_test(one: int, two: int, other: int) -> None:
    assert one == two
    assert other in (1, 2)


def test_every_row_of_a_table_is_tried() -> None:
    @each("text", ["1", "x", "2", "y"])
    def is_number(text: str) -> None:
        int(text)

    @each("text", ["x"], ids=[f"the {letter}" for letter in "x"])
    def fails(text: str) -> None:
        with pytest.raises(ValueError):
            text.upper()

    with pytest.raises(pytest.fail.Exception) as caught:
        is_number(wanted="")
    assert str(caught.value).startswith("2 of 4 cases failed.\n\n2: 'x'\n")
    assert "\n4: 'y'\n" in str(caught.value)
    is_number(wanted="3: '2'")
    with pytest.raises(pytest.fail.Exception, match=r"1 of 1 cases failed.\n\nthe x\n(.|\n)*DID NOT RAISE"):
        fails(wanted="")
