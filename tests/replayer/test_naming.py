"""The names of people that tie a log-in to the sign-up before it."""

from __future__ import annotations

import base64
from dataclasses import replace
from typing import Any

import pytest

from captures.model import Exchange, Headers
from replayer.naming import names_of
from replayer.plan import Order
from replayer.precedence import Reason
from tests.corpus import each
from tests.replayer.test_precedence import edges, exchange

FORM: Headers = ((b"Content-Type", b"application/x-www-form-urlencoded"),)
ANN = "ann@shop.test"


def basic(user: bytes) -> Headers:
    return ((b"Authorization", b"Basic " + base64.b64encode(user + b":secret")),)


def form(number: int, line: str, text: str) -> Exchange:
    made = exchange(number, line, {})
    return replace(made, request=replace(made.request, headers=FORM, body=text.encode()))


@each(
    ("asked", "names"),
    [
        (exchange(1, "POST /signup", {}, body={"email": ANN, "password": "x"}), {ANN}),
        (exchange(1, "POST /signup", {}, body={"who": {"contact": "Ann@Shop.test"}}), {ANN}),
        (exchange(1, "POST /signup", {"username": "ann7"}, body={}), {"ann7"}),
        (exchange(1, "GET /users", {"username": "ann7"}), set()),
        (form(1, "POST /login", "login=ann&password=x&page=home"), {"ann"}),
        (exchange(1, "GET /users/ann%40shop.test?user_name=bob&user=17&login=x"), {ANN, "bob"}),
        (exchange(1, "GET /me", headers=basic(b"ann")), {"ann"}),
        (exchange(1, "GET /me", headers=((b"Authorization", b"Basic !!"),)), set()),
        (exchange(1, "POST /notes", {}, body={"text": "mail ann@shop.test", "name": "Ann", "users": ["bob"]}), set()),
    ],
)
def test_what_people_are_called(asked: Exchange, names: set[str]) -> None:
    assert names_of(asked) == names


SIGNUP: dict[str, Any] = {"email": ANN, "password": "x"}


@pytest.mark.parametrize("order", [Order.SESSION, Order.INDEPENDENT])
def test_sign_up_comes_before_log_in_and_a_refused_log_in_before_sign_up(order: Order) -> None:
    found = edges(
        order,
        exchange(1, "POST /login", {}, body=SIGNUP, status=401, connection="a"),
        exchange(2, "POST /signup", {"email": ANN}, body=SIGNUP, status=201, connection="b"),
        form(3, "POST /login", "email=ann%40shop.test&password=x"),
        exchange(4, "POST /login", {}, body={"email": "bob@shop.test"}, connection="d"),
    )
    assert (1, 2, Reason.NAME) in found
    assert (2, 3, Reason.NAME) in found
    assert not any(4 in edge[:2] and edge[2] is Reason.NAME for edge in found)


def test_orders_of_one_customer_do_not_wait_for_each_other() -> None:
    orders = [exchange(n, "POST /orders", {"n": n}, body={"email": ANN}, status=201) for n in range(1, 4)]
    assert not [edge for edge in edges(Order.INDEPENDENT, *orders) if edge[2] is Reason.NAME]


def test_what_overlapped_may_overlap_again() -> None:
    found = edges(
        Order.INDEPENDENT,
        exchange(1, "POST /signup", {}, body=SIGNUP, at=(1, 5, 6)),
        exchange(2, "POST /login", {}, body=SIGNUP, at=(2, 3, 4)),
    )
    assert found == []
