from __future__ import annotations

import json
import random
from collections.abc import Iterable, Mapping

from captures.distilling import Distillate, Distilling, Trait, shape_of, start_up_trait, traits_of
from captures.model import Direction, Exchange, Failure, FailureKind
from tests.captures.making import JSON, exchange
from tests.corpus import each


def of(*rows: tuple[int, str], needs: Mapping[int, Iterable[int]] | None = None, most: int | None = None) -> Distillate:
    """Exchanges by id with the letters of their traits."""
    distilling = Distilling()
    for identity, letters in rows:
        distilling.add(exchange(identity), "GET /x", [Trait("answer", "GET /x", letter) for letter in letters])
    return distilling.distil(lambda one: (needs or {}).get(one, ()), most)


def ids(result: Distillate) -> list[int]:
    return [kept.exchange for kept in result.kept]


def test_one_of_each_and_the_earliest() -> None:
    result = of((1, "a"), (2, "a"), (3, "b"), (4, "a"), (5, "b"))
    assert ids(result) == [1, 3]
    assert [(dropped.like, dropped.count, dropped.examples) for dropped in result.dropped] == [
        (1, 2, (2, 4)),
        (3, 1, (5,)),
    ]
    assert [[trait.text for trait in kept.traits] for kept in result.kept] == [["a"], ["b"]]


def test_one_that_shows_much_makes_others_unnecessary() -> None:
    result = of((1, "a"), (2, "b"), (3, "ab"), (4, "c"), (5, "abc"))
    assert ids(result) == [5]
    assert {(dropped.like, dropped.count) for dropped in result.dropped} == {(5, 1)}


def test_what_a_kept_one_needs_is_kept_and_says_for_whom() -> None:
    result = of((1, "a"), (2, "a"), (3, "b"), (4, "a"), needs={3: (2,)})
    assert ids(result) == [2, 3]
    assert [kept.needed_by for kept in result.kept] == [(3,), ()]


def test_the_one_with_fewer_needs_is_taken() -> None:
    assert ids(of((1, "z"), (2, "z"), (3, "y"), (4, "a"), (5, "a"), needs={4: (1, 2, 3)})) == [1, 3, 5]


def test_no_more_than_asked_for_and_what_is_missing_then() -> None:
    result = of((1, "a"), (2, "bc"), (3, "d"), (4, "a"), needs={3: (1,)}, most=2)
    assert ids(result) == [1, 2]
    assert [trait.text for trait in result.uncovered] == ["d"]
    assert [(dropped.like, dropped.examples) for dropped in result.dropped] == [(1, (4,)), (None, (3,))]


@each("seed", range(25))
def test_every_trait_is_kept_nothing_is_superfluous_and_every_exchange_is_told_of(seed: int) -> None:
    dice = random.Random(seed)
    rows = [
        (identity, "".join(sorted(set(dice.choices("abcdefgh", k=dice.randint(1, 3))))))
        for identity in range(1, dice.randint(2, 60))
    ]
    needs = {one: tuple(dice.sample(range(1, one), min(one - 1, dice.randint(0, 2)))) for one, _ in rows}
    closed: dict[int, set[int]] = {}
    for one, _ in rows:
        closed[one] = {other for need in needs[one] for other in (need, *closed[need])}
    result = of(*rows, needs=closed)
    assert result == of(*rows, needs=closed)
    kept = set(ids(result))
    shown = {letter for one, letters in rows if one in kept for letter in letters}
    assert shown == {letter for _, letters in rows for letter in letters}
    assert all(closed[one] <= kept for one in kept)
    assert len(kept) + sum(dropped.count for dropped in result.dropped) == len(rows)
    assert not result.uncovered
    for one in result.kept:
        assert one.traits or one.needed_by


def call(identity: int, status: int = 200, **more: object) -> Exchange:
    return exchange(identity, direction=Direction.OUTBOUND, dependency="pay", status=status, **more)  # type: ignore[arg-type]


def traits(one: Exchange, *calls: Exchange) -> set[Trait]:
    return set(traits_of(one, "GET /x", [(made, "POST /charges") for made in calls]))


@each(
    "other",
    [
        (exchange(1, status=201), call(2)),
        (exchange(1, response_headers=JSON, response_body=b"[]"), call(2)),
        (exchange(1), call(2, status=500)),
        (exchange(1), call(2), call(3)),
        (exchange(1),),
        (exchange(1), call(2, headers=JSON, body=b"[1]")),
        (exchange(1), call(2, response=None, failure=Failure(FailureKind.TIMEOUT, ""))),
        (exchange(1, response=None, failure=Failure(FailureKind.RESET, "")), call(2)),
    ],
)
def test_what_is_another_behaviour(other: tuple[Exchange, ...]) -> None:
    assert traits(*other) != traits(exchange(1), call(2))


def test_what_is_the_same_behaviour() -> None:
    one = exchange(1, target=b"/x/1", response_headers=JSON, response_body=b'{"id": 1, "tags": ["a", "b"]}')
    two = exchange(9, target=b"/x/2", response_headers=JSON, response_body=b'{"tags": ["c"], "id": 2}', status=200)
    assert traits(one, call(2)) == traits(two, call(3))
    assert start_up_trait(call(2), "GET /flags") == start_up_trait(call(3), "GET /flags")


@each(
    ("one", "other", "same"),
    [
        ({"a": 1}, {"a": 2.5}, True),
        ({"a": 1}, {"a": "1"}, False),
        ({"a": 1}, {"a": None}, False),
        ({"a": True}, {"a": 1}, False),
        ({"a": []}, {"a": [1]}, False),
        ({"a": [1]}, {"a": [1, 2]}, True),
        ({"a": 1}, {"a": 1, "b": 1}, False),
        ({"17": {"n": 1}}, {"18": {"n": 2}}, True),
        ({"601e78b5-845d-43ab-9111-e871c42e6b4c": 1}, {"1b4e28ba-2fa1-41d2-883f-0016d3cca427": 1}, True),
        ({"a": {"b": 1}}, {"a": {"c": 1}}, False),
    ],
)
def test_shapes(one: object, other: object, same: bool) -> None:
    assert (shape_of(JSON, json.dumps(one).encode()) == shape_of(JSON, json.dumps(other).encode())) is same


def test_shapes_of_what_has_no_members() -> None:
    assert shape_of(JSON, b"") == "empty"
    assert shape_of(((b"Content-Type", b"image/svg"),), b"x") == "image/svg"
    deep = b"[" * 200 + b"]" * 200
    assert shape_of(JSON, deep) == shape_of(JSON, deep)
