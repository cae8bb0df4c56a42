"""Whether an exchange is of a kind that was not seen yet: one axis at a time, and it comes to an end."""

from __future__ import annotations

import json
from typing import Any

import pytest

from captures.model import Direction, Exchange, Request, Response, Timing
from recorder.shapes import FAN, VARIANTS, Shapes


def is_new(shapes: Shapes, asks: str, answer: Any = None, status: int = 200, media: str = "application/json") -> bool:
    method, _, target = asks.partition(" ")
    body = json.dumps(answer).encode()
    response = Response(status, ((b"Content-Type", media.encode()),), body)
    exchange = Exchange(1, Direction.INBOUND, Request(method, "http", "a", 80, target.encode()), Timing(0.0), response)
    return shapes.is_new(exchange, body)


@pytest.fixture
def shapes() -> Shapes:
    shapes = Shapes()
    assert is_new(shapes, "GET /orders/8412?page=1", {"id": 1, "items": [{"sku": "a"}]})
    return shapes


@pytest.mark.parametrize(
    "again",
    [
        ("GET /orders/77", {"id": 2, "items": [{"sku": "b"}]}),
        ("GET /orders/4537c2b3-8b25-45ff-b73e-c149a44ebe3a", {"id": 2.5, "items": [{"sku": "b"}, {"sku": "c"}]}),
        ("GET /orders/1?page=9", {"items": [{"sku": "b"}], "id": 3}),
    ],
)
def test_another_of_the_same(shapes: Shapes, again: tuple[str, Any]) -> None:
    assert not is_new(shapes, *again)


@pytest.mark.parametrize(
    "other",
    [
        {"asks": "POST /orders/8412"},
        {"asks": "GET /carts/8412"},
        {"asks": "GET /orders"},
        {"status": 404},
        {"media": "application/problem+json"},
        {"answer": {"id": 1, "items": []}},
        {"answer": {"id": "1", "items": [{"sku": "a"}]}},
        {"answer": {"id": None, "items": [{"sku": "a"}]}},
        {"answer": {"id": 1, "items": [{"sku": "a", "price": 1}]}},
    ],
)
def test_one_axis_at_a_time(shapes: Shapes, other: dict[str, Any]) -> None:
    given = {"asks": "GET /orders/8412", "answer": {"id": 1, "items": [{"sku": "a"}]}, **other}
    assert is_new(shapes, **given)
    assert not is_new(shapes, **given)


def test_it_comes_to_an_end() -> None:
    shapes = Shapes()
    words = ["".join(chr(97 + int(digit)) for digit in str(number)) for number in range(1000)]
    assert sum(is_new(shapes, f"GET /products/{word}", {}) for word in words) == FAN + 1
    assert sum(is_new(shapes, "GET /any", {word: 1}) for word in words) == VARIANTS
    assert not is_new(shapes, "GET /any", {"4537c2b3-8b25-45ff-b73e-c149a44ebe3a": 1})
