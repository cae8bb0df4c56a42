from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from captures.errors import ConfigError
from captures.jsonpaths import Place, compile_path, generalised, normalised
from tests.corpus import each

PLACES = st.lists(st.text(max_size=6) | st.integers(0, 12), max_size=5).map(tuple)
DOCUMENT: Any = {
    "items": [{"price": 1, "tags": ["a"]}, {"price": 2, "nested": {"price": 3}}],
    "a b": {"it's": 4, "0": 5},
    "é": None,
}


@each(
    ("path", "found"),
    [
        ("$", [DOCUMENT]),
        ("$.items[0].price", [1]),
        ("$.items[*].price", [1, 2]),
        ("$['items'][*]['price']", [1, 2]),
        ('$["items"][ 1 ].price', [2]),
        ("$..price", [1, 2, 3]),
        ("$..['price']", [1, 2, 3]),
        ("$.items..price", [1, 2, 3]),
        ("$..[0]", [{"price": 1, "tags": ["a"]}, "a"]),
        ("$['a b'].*", [4, 5]),
        ("$['a b']['it\\'s']", [4]),
        ("$['a b']['\\u0069t\\u0027s']", [4]),
        ("$['a b']['0']", [5]),
        ("$['a b'][0]", []),
        ("$.é", [None]),
        ("$.items.price", []),
        ("$.items[7]", []),
        ("$.missing", []),
        ("$.items[0].tags[0].x", []),
        ("$..*..tags", [["a"]]),
    ],
)
def test_find(path: str, found: list[Any]) -> None:
    compiled = compile_path(path)
    assert [value for _, value in compiled.find(DOCUMENT)] == found
    for place, value in compiled.find(DOCUMENT):
        assert compiled.matches(place)
        at: Any = DOCUMENT
        for step in place:
            at = at[step]
        assert at is value


@each(
    ("path", "place", "expected"),
    [
        ("$.a", ("a",), True),
        ("$.a", ("a", "b"), False),
        ("$.a", (), False),
        ("$.a[*]", ("a", 3), True),
        ("$.a[*]", ("a", "key"), True),
        ("$.a[3]", ("a", "3"), False),
        ("$..b", ("b",), True),
        ("$..b", ("a", 1, "b"), True),
        ("$..b", ("a", "b", "c"), False),
        ("$..b..c", ("b", "x", "b", "c"), True),
    ],
)
def test_matches(path: str, place: Place, expected: bool) -> None:
    assert compile_path(path).matches(place) is expected


def test_covers_what_lies_under() -> None:
    path = compile_path("$..card")
    assert path.covers(("order", "card", "number"))
    assert path.covers(("card",))
    assert not path.covers(("order", "cards"))


@each(
    "text",
    ["", "a", "items[0]", "$.", "$..", "$[-1]", "$.a b", "$ab", "$.1",
     "$['a','b']", "$[0,1]", "$...a", "$.a.", "$[01]", "$[*", "$['a", "$.a..", "$..*.", "$.a|$.b", "$.a where b",
     "$.`this`", "$.a.`len`", " $.a", "$.a ", "$.a\n", "@.a", "$['\\x']", "$[]", "$.['a']"],
)  # fmt: skip
def test_refused_when_compiled(text: str) -> None:
    with pytest.raises(ConfigError) as told:
        compile_path(text)
    assert told.value.hint


@given(PLACES)
def test_a_normalised_path_compiles_to_its_place(place: Place) -> None:
    text = normalised(place)
    assert compile_path(text).steps == place
    assert compile_path(text).matches(place)
    assert compile_path(generalised(place)).matches(place)


@pytest.mark.parametrize(
    ("place", "text", "general"),
    [
        (("items", 2, "price"), "$.items[2].price", "$.items[*].price"),
        (("a b",), "$['a b']", "$['a b']"),
        (("it's\n",), "$['it\\'s\\n']", "$['it\\'s\\n']"),
        ((), "$", "$"),
        (("0",), "$['0']", "$['0']"),
    ],
)
def test_written_forms(place: Place, text: str, general: str) -> None:
    assert normalised(place) == text
    assert generalised(place) == general


@pytest.mark.slow
def test_thousands_of_steps() -> None:
    place = ("a", 0) * 2_500
    document: Any = 1
    for _ in range(2_500):
        document = {"a": [document]}
    path = compile_path(normalised(place))
    assert path.steps == place
    assert path.matches(place)
    assert path.covers((*place, "x"))
    assert not path.matches((*place, "x"))
    assert [value for _, value in path.find(document)] == [1]
    assert path.leads_through(place[:-1])
    assert not path.leads_through(place)
    assert not path.leads_through(("b",))
