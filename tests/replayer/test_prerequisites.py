"""Which earlier exchanges a pinned one needs."""

from __future__ import annotations

from typing import Any

import pytest

from captures.flows.words import words_of
from captures.model import Direction, Exchange, Response, Timing
from replayer.chain_rules import chain_rules
from replayer.chains import Chains
from replayer.pin_send import bound_value
from replayer.prerequisites import History
from tests.corpus import each
from tests.replayer.tapes import ORDER, request, response


def history(*steps: tuple[str, str, Any, Any]) -> History:
    """Exchanges 1, 2, … out of (method, target, sent, answered)."""
    found = History()
    for number, (method, target, sent, answered) in enumerate(steps, start=1):
        reply = answered if not isinstance(answered, dict | list) else response(200, answered)
        found.add(
            Exchange(number, Direction.INBOUND, request(method, target, sent), Timing(float(number)), response=reply)
        )
    return found


def test_the_answer_that_first_showed_the_id_is_the_setup() -> None:
    seen = history(
        ("GET", "/health", None, {}),
        ("POST", "/orders", {"sku": "A"}, {"id": ORDER}),
        ("GET", f"/orders/{ORDER}", None, {"id": ORDER}),
    )
    assert seen.setup_for(3) == (2,)
    assert seen.setup_for(2) == ()
    assert seen.minted[ORDER, ""].place == "json $.id"


def test_changes_in_between_belong_to_it_and_reads_do_not() -> None:
    seen = history(
        ("POST", "/orders", {}, {"id": ORDER}),
        ("GET", f"/orders/{ORDER}", None, {"id": ORDER}),
        ("POST", f"/orders/{ORDER}/payment", {}, {"paid": True}),
        ("POST", "/orders", {}, {"id": ORDER.replace("3", "4")}),
        ("GET", f"/orders/{ORDER}", None, {"id": ORDER}),
        ("DELETE", f"/orders/{ORDER}", None, {}),
    )
    assert seen.setup_for(5) == (1, 3)


def test_chains_of_chains() -> None:
    token = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N"
    cart = "7c9e6679-7425-40de-944b-e07fc1f90ae7"
    seen = history(
        ("POST", "/login", {"user": "ann"}, {"access_token": token}),
        ("POST", "/carts", {"t": token}, {"id": cart}),
        ("POST", "/orders", {"cart_id": cart}, {"id": ORDER}),
        ("GET", f"/orders/{ORDER}", None, {}),
    )
    assert seen.setup_for(4) == (1, 2, 3)


def test_small_numbers_count_with_what_they_are_an_id_of() -> None:
    seen = history(
        ("POST", "/orders", {}, {"id": 17, "quantity": 3}),
        ("GET", "/orders/17", None, {"id": 17}),
        ("GET", "/users/17", None, {}),
        ("GET", "/orders/3", None, {}),
    )
    assert seen.setup_for(2) == (1,)
    assert seen.setup_for(3) == ()
    assert seen.setup_for(4) == ()


def test_what_a_list_showed_needs_no_setup_and_what_a_client_said_first_its_change() -> None:
    seen = history(
        ("PUT", f"/things/{ORDER}", {}, {"id": ORDER}),
        ("GET", f"/things/{ORDER}", None, {"id": ORDER}),
        ("GET", "/products", None, [{"id": "SKU-1001"}]),
        ("GET", "/products/SKU-1001", None, {}),
    )
    assert seen.setup_for(2) == (1,)
    assert seen.setup_for(4) == ()


@pytest.mark.parametrize(
    ("steps", "setup"),
    [
        (["DELETE /posts/1", "GET /posts/1 404"], (1,)),
        (["PATCH /users/1", "PATCH /users/2", "PATCH /users/1", "GET /users/1"], (1, 3)),
        (["PATCH /users/1", "GET /users/1/notes"], (1,)),
        (["DELETE /users/1/notes/3", "GET /users/1"], (1,)),
        (["DELETE /posts/1", "GET /posts"], (1,)),
        (["DELETE /posts/1 403", "GET /posts/1", "GET /posts"], ()),
        (["DELETE /posts", "POST /posts 201"], (1,)),
        (["PUT /settings", "GET /settings"], (1,)),
        (["POST /reset", "GET /reset"], (1,)),
        (["POST /login", "POST /login", "GET /login/help"], ()),
        (["POST /posts 201", "POST /posts 201"], ()),
        (["GET /posts/1", "DELETE /posts/1", "GET /users/1"], ()),
        (["PUT /v1/settings", "GET /v2/settings"], ()),
    ],
)
def test_changes_of_what_was_there_before_are_followed_by_its_path(steps: list[str], setup: tuple[int, ...]) -> None:
    found = History()
    for number, step in enumerate(steps, 1):
        method, target, status = (*step.split(), "200")[:3]
        sent = request(method, target, None if method == "GET" else {"a": 1})
        answered = response(int(status), {"ok": True})
        found.add(Exchange(number, Direction.INBOUND, sent, Timing(float(number)), answered))
    assert found.setup_for(len(steps)) == setup


def test_what_was_made_within_the_recording_and_is_gone_is_no_step_of_a_list() -> None:
    seen = history(
        ("POST", "/orders", {}, {"id": 17}),
        ("DELETE", "/orders/17", None, {}),
        ("GET", "/orders", None, []),
    )
    assert seen.setup_for(3) == ()


def test_settings_of_another_client_are_others() -> None:
    found = History()
    for number, (method, who) in enumerate([("PUT", "ann"), ("PUT", "bob"), ("GET", "ann")], start=1):
        sent = request(
            method, "/me", {"a": 1} if method == "PUT" else None, headers=((b"Authorization", who.encode()),)
        )
        found.add(Exchange(number, Direction.INBOUND, sent, Timing(float(number)), response(200, {})))
    assert found.setup_for(3) == (1,)


def test_cookies_and_locations_show_ids() -> None:
    cookie = (b"Set-Cookie", b"sid=9f8e7d6c5b4a39281706f5e4d3c2b1a0; Path=/")
    where = (b"Location", b"/orders/18")
    asked = request(target="/orders/18", headers=((b"Cookie", b"sid=9f8e7d6c5b4a39281706f5e4d3c2b1a0"),))
    found = History()
    for number, (sent, answered) in enumerate(
        [
            (request("POST", "/login", {}), response(204, headers=(cookie,))),
            (request("POST", "/orders", {}), response(201, headers=(where,))),
            (asked, response(200)),
        ],
        start=1,
    ):
        found.add(Exchange(number, Direction.INBOUND, sent, Timing(float(number)), answered))
    assert found.setup_for(3) == (1, 2)
    assert found.minted["9f8e7d6c5b4a39281706f5e4d3c2b1a0", ""].place == "cookie sid"
    assert found.minted["18", "order"].place == "header location /orders/([^/?#]+)"


def test_a_list_needs_the_things_in_it_and_a_failed_change_is_none() -> None:
    other = ORDER.replace("3", "4")
    seen = history(
        ("POST", "/orders", {}, {"id": ORDER}),
        ("POST", "/orders", {}, {"id": other}),
        ("POST", f"/orders/{ORDER}/refund", {}, response(409, {})),
        ("GET", "/orders", None, {"orders": [{"id": ORDER}]}),
        ("GET", "/export.csv", None, response(200, f"id\n{other}\n".encode(), headers=())),
    )
    assert seen.setup_for(4) == (1,)


def test_validators_come_from_the_answer_that_showed_them() -> None:
    tag = (b"ETag", b'"v1"')
    found = History()
    asked = request(target="/products", headers=((b"If-None-Match", b'"v0", "v1"'),))
    for number, (sent, answered) in enumerate(
        [(request(target="/products"), response(200, {}, headers=(tag,))), (asked, response(304, headers=(tag,)))],
        start=1,
    ):
        found.add(Exchange(number, Direction.INBOUND, sent, Timing(float(number)), answered))
    assert found.setup_for(2) == (1,)
    assert found.minted['"v1"', "validator"].place == "header etag"


CSRF = "f07965aa41b6c2d3e4f5061728394a5b"


@pytest.mark.parametrize(
    ("page", "place"),
    [
        (
            f'<form><input type="hidden" name="csrf_token" value="{CSRF}"></form>',
            'text <input type="hidden" name="csrf_token" value="([A-Za-z0-9_.~+/=-]+)',
        ),
        (f"token: {CSRF}\n", "text token: ([A-Za-z0-9_.~+/=-]+)"),
        (CSRF, ""),  # needed, though a pin has no words for the place
    ],
)
def test_a_token_in_a_page_is_minted_there(page: str, place: str) -> None:
    headers = ((b"Content-Type", b"text/html; charset=utf-8"),)
    form = ((b"Content-Type", b"application/x-www-form-urlencoded"),)
    answer = Response(200, headers, page.encode(), b"OK")
    sent = request("POST", "/login", f"csrf_token={CSRF}&user=ann".encode(), headers=form)
    found = History()
    found.add(Exchange(1, Direction.INBOUND, request(target="/login"), Timing(1.0), answer))
    found.add(Exchange(2, Direction.INBOUND, sent, Timing(2.0), response(303)))
    assert found.setup_for(2) == (1,)
    assert found.minted[CSRF, ""].place == place
    if place:
        assert bound_value(place, answer) == CSRF


@pytest.mark.parametrize("token", ["_2mfJufcZpDP1Le6HmlZ0O8H6", "-T0FExQbdvZTRY7WzI_EBLz9", "qT0F_xQbdvZTRY7WzI-"])
@each("value", ["Bearer {}", "a=1; sid={}; b=2", "{}", 'token="{}", x=1'])
def test_a_token_may_begin_and_end_with_anything(token: str, value: str) -> None:
    assert token in words_of(value.format(token))


@pytest.mark.parametrize(
    ("made", "asked"),
    [
        ({"id": "a7Xk9"}, "/links/a7Xk9"),
        ({"slug": "blue-shirt"}, "/links/blue-shirt"),
        ({"link_id": "a7Xk9"}, "/x?link_id=a7Xk9"),
    ],
)
def test_codes_and_slugs_count_where_their_place_says_what_they_are(made: Any, asked: str) -> None:
    seen = history(("POST", "/links", {"url": "x"}, made), ("GET", asked, None, {}), ("GET", "/a/a7Xk9", None, {}))
    assert seen.setup_for(2) == (1,)
    assert seen.setup_for(3) == ()


def test_a_page_needs_the_one_that_showed_its_cursor() -> None:
    seen = history(
        ("GET", "/items", None, {"items": [], "next_cursor": 1040}),
        ("GET", "/items?cursor=1040", None, {"items": []}),
        ("GET", "/items?limit=1040", None, {"items": []}),
    )
    assert seen.setup_for(2) == (1,)
    assert seen.setup_for(3) == ()


def test_a_named_chain_is_needed_as_well() -> None:
    rules = chain_rules([{"from": "POST /tables json $.number", "to": "GET /tables/{number}"}])
    found = History(chains=Chains(rules))
    made = Exchange(1, Direction.INBOUND, request("POST", "/tables", {}), Timing(1.0), response(201, {"number": 3}))
    found.add(made)
    for number, target in ((2, "/tables/3"), (3, "/tables/4")):
        found.add(Exchange(number, Direction.INBOUND, request(target=target), Timing(2.0), response(200, {})))
    assert found.setup_for(2) == (1,)
    assert found.setup_for(3) == ()
