"""Strict equality, ours against deepdiff's in its strictest settings, on random documents.

Wherever the two disagree the reason is one of the classes below, each a defect or a choice of deepdiff's with an
example; any other disagreement fails.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import strategies as st

from captures.formats.jsontext import parse
from diffing.walk.exact import differences
from tests.diffing.test_laws import ROWS, VALUES, edited, law, text


def ours(left: Any, right: Any) -> bool:
    """Whether there is a difference for us, with nothing accepted."""
    return bool(differences(left, right)[0])


def theirs(left: Any, right: Any) -> bool:
    """Whether there is one for deepdiff, told to overlook as little as it can, in what ``json.loads`` makes of both."""
    from deepdiff import DeepDiff

    return bool(
        DeepDiff(
            json.loads(text(left)),
            json.loads(text(right)),
            threshold_to_diff_deeper=0,
            zip_ordered_iterables=True,
            ignore_private_variables=False,
            verbose_level=2,
        )
    )


def _as_floats(value: Any) -> Any:
    return parse(json.dumps(json.loads(text(value))))[0]


def _digits_only(left: Any, right: Any) -> bool:
    """Floats forget how a number was written: all that differs are digits such as those of 1.10 and 1.1."""
    return not ours(_as_floats(left), _as_floats(right))


EXPLAINED: tuple[tuple[str, Callable[[Any, Any], bool], tuple[str, str]], ...] = (
    ("json.loads makes floats, which do not keep their digits", _digits_only, ("[1.10]", "[1.1]")),
)
"""(why deepdiff sees no difference where there is one, whether a pair is of that kind, the smallest such pair)."""

OVERLOOKED: tuple[tuple[str, dict[str, Any], tuple[str, str]], ...] = (
    ("members that begin with two underscores are private to it", {}, ('{"__x": 1}', '{"__x": 2}')),
    ("True equals 1 in a list that is aligned", {"ignore_private_variables": False}, ("[1, 2]", "[true, 2]")),
    ("1.0 equals 1 in a list that is aligned", {"ignore_private_variables": False}, ("[1, 2]", "[1.0, 2]")),
    ("a repeated item is one item without its order", {"ignore_order": True}, ("[1, 1, 2]", "[1, 2]")),
)
"""(what deepdiff overlooks without the settings above, the settings that show it, the smallest such pair)."""


@law(st.one_of(st.tuples(VALUES, VALUES), edited(), edited(), edited(ROWS)))
def test_what_differs_for_us_differs_for_deepdiff_and_the_reverse(pair: tuple[Any, Any]) -> None:
    left, right = pair
    we, they = ours(left, right), theirs(left, right)
    if we != they:
        assert we, "deepdiff sees a difference that we do not"
        assert any(fits(left, right) for _, fits, _ in EXPLAINED), "deepdiff overlooks a difference of no known kind"


@pytest.mark.parametrize(("fits", "pair"), [(fits, pair) for _, fits, pair in EXPLAINED], ids=[e[0] for e in EXPLAINED])
def test_every_explanation_is_of_a_real_disagreement(fits: Callable[[Any, Any], bool], pair: tuple[str, str]) -> None:
    left, right = (parse(side)[0] for side in pair)
    assert ours(left, right)
    assert not theirs(left, right)
    assert fits(left, right)


@pytest.mark.parametrize(("settings", "pair"), [entry[1:] for entry in OVERLOOKED], ids=[e[0] for e in OVERLOOKED])
def test_what_deepdiff_overlooks_by_default_is_found_here(settings: dict[str, Any], pair: tuple[str, str]) -> None:
    from deepdiff import DeepDiff

    left, right = (parse(side)[0] for side in pair)
    assert ours(left, right)
    assert theirs(left, right)
    assert not DeepDiff(json.loads(pair[0]), json.loads(pair[1]), **settings), "mended there: take it off the list"
