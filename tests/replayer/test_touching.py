"""Which two requests are about one resource."""

from __future__ import annotations

from dataclasses import replace

from captures.model import Direction, Exchange, Timing
from replayer.touching import Touch, Touched, path_of, touch_of
from tests.corpus import each
from tests.replayer.tapes import request, response


def exchange(line: str, status: int = 200, body: object = None) -> Exchange:
    method, target = line.split(" ")
    return Exchange(1, Direction.INBOUND, request(method, target, body), Timing(0, 0, 0, 1), response=response(status))


def conflict(first: str, second: str, status: int = 200) -> bool:
    touched = Touched()
    touched.add(1, touch_of(exchange(first, status)))
    found = list(touched.conflicts(touch_of(exchange(second, status))))
    touched.remove(1, touch_of(exchange(first, status)))
    assert not touched.at
    assert not touched.below
    return bool(found)


@each(
    ("first", "second"),
    [
        ("PUT /orders/17", "GET /orders/17"),
        ("PUT /orders/17", "GET /orders"),
        ("PUT /orders/17", "GET /orders?page=2"),
        ("PUT /orders/17", "GET /orders/17/items"),
        ("PUT /orders/17", "DELETE /orders/17"),
        ("POST /orders/17/pay", "GET /orders/17"),
        ("POST /orders/17/pay", "GET /orders/17/invoice"),
        ("POST /orders", "GET /orders"),
        ("POST /orders", "POST /orders"),
        ("DELETE /orders", "GET /orders/17"),
        ("POST /v1/orders", "GET /v1"),
        ("PUT /orders/%31%37", "GET /orders/17"),
        ("POST /counter", "GET /counter"),
    ],
)
def test_what_keeps_its_order(first: str, second: str) -> None:
    assert conflict(first, second)
    assert conflict(second, first), "a read comes before a later write of it, too"


@each(
    ("first", "second"),
    [
        ("GET /orders/17", "GET /orders/17"),
        ("PUT /orders/17", "GET /orders/18"),
        ("PUT /orders/17", "PUT /orders/18"),
        ("PUT /orders/17", "GET /orders/171"),
        ("POST /orders", "GET /orders/17"),
        ("POST /orders", "PUT /orders/17"),
        ("POST /tenants/71/orders", "GET /tenants/71/invoices"),
        ("PUT /orders/17", "GET /customers/17"),
        ("HEAD /orders", "OPTIONS /orders"),
    ],
)
def test_what_may_change_places(first: str, second: str) -> None:
    assert not conflict(first, second)
    assert not conflict(second, first)


def test_a_refused_write_and_a_graphql_query_only_read() -> None:
    assert not conflict("PUT /orders/17", "GET /orders/17", status=409)
    asked = exchange("POST /graphql", body={"query": "query GetOrder { order { id } }"})
    assert touch_of(asked) == Touch(("graphql",), write=False)
    changed = exchange("POST /graphql", body={"query": "mutation Pay { pay { id } }"})
    assert touch_of(changed).write


def test_a_path_is_read_off_every_form_of_target() -> None:
    assert path_of(b"/a//b%20c/?x=/y") == ("a", "b c")
    assert path_of(b"http://shop.test:80/a/b") == ("a", "b")
    assert path_of(b"*") == ("*",)


def test_a_failure_may_have_changed_something() -> None:
    lost = replace(exchange("PUT /orders/17"), response=None)
    assert touch_of(lost).write
