"""What of an exchange becomes a pin: matchers only where something is volatile, names where identity counts."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from captures.model import Direction, Exchange, Headers, Response, Timing
from captures.selection import parse
from replayer import pin_file
from replayer.pin_make import Made, Refused, folder_of, make_pins
from replayer.pin_write import Material, Origin, write_pin
from replayer.pins import Pin
from replayer.prerequisites import Minted
from tests.replayer.tapes import NOW, ORDER, Tape, order_tape, request, response, run_of

OTHER = ORDER.replace("3", "4")
STAMP = "2026-05-28T20:26:40Z"  # NOW


def exchange(method: str, target: str, sent: Any, answered: Any, status: int = 200, headers: Headers = ()) -> Exchange:
    return Exchange(
        1,
        Direction.INBOUND,
        request(method, target, sent),
        Timing(NOW, NOW, NOW, NOW),
        response(status, answered, headers=headers),
    )


def pinned(one: Exchange, twin: Exchange | None = None, **more: Any) -> Pin:
    pin = write_pin(Material(one, twin=twin, **more), [], Origin("shop.sqlite"), "a pin")
    assert pin_file.parse(pin_file.dump(pin), "p.yaml") == pin  # whatever is written can be read
    return pin


def test_volatile_leaves_become_matchers_and_the_rest_stays() -> None:
    answered = {
        "id": 17,
        "uuid": ORDER,
        "created_at": STAMP,
        "due": "2027-01-01",
        "number": "ORD-2026-000123",
        "token": "tok_9f8e7d6c5b4a39281706",
        "took_ms": 12,
        "total": 12,
        "name": "Ann",
        "quote": "«x»",
        "sku": "SKU-1001",
    }
    pin = pinned(exchange("POST", "/orders", {"sku": "SKU-1001"}, answered, 201))
    assert pin.expect.body.value == {
        "id": "«integer»",
        "uuid": "«uuid»",
        "created_at": "«timestamp iso8601»",
        "due": "2027-01-01",
        "number": r"«regex /ORD-\d+-\d+/»",
        "token": "«regex /tok_[0-9A-Za-z]{20}/»",
        "took_ms": "«number»",
        "total": 12,
        "name": "Ann",
        "quote": "««x»",
        "sku": "SKU-1001",
    }


def test_what_the_request_brought_is_expected_back() -> None:
    pin = pinned(exchange("GET", f"/orders/{ORDER}", None, {"id": ORDER, "other": OTHER}))
    assert pin.expect.body.value == {"id": ORDER, "other": "«uuid»"}


def test_one_value_in_several_places_gets_one_name() -> None:
    location = (b"Location", f"/orders/{ORDER}".encode())
    answered = {"id": ORDER, "self": f"/orders/{ORDER}/x", "at": STAMP, "updated": STAMP}
    pin = pinned(exchange("POST", "/orders", {}, answered, 201, (location,)))
    assert pin.expect.body.value == {
        "id": "«uuid as order_id»",
        "self": "/orders/«uuid as order_id»/x",
        "at": "«timestamp iso8601»",
        "updated": "«timestamp iso8601»",
    }
    assert ("location", "/orders/«uuid as order_id»") in pin.expect.headers


def test_small_numbers_are_named_by_what_they_are_an_id_of() -> None:
    location = (b"Location", b"/orders/17")
    pin = pinned(exchange("POST", "/orders", {}, {"id": 17, "count": 17}, 201, (location,)))
    assert pin.expect.body.value == {"id": "«integer as order_id»", "count": 17}
    assert ("location", "/orders/«digits as order_id»") in pin.expect.headers


def test_a_run_proves_what_is_volatile_and_what_is_not() -> None:
    stable = "9f8e7d6c5b4a39281706f5e4d3c2b1a0"
    recorded = exchange("GET", "/x", None, {"a": ORDER, "b": stable, "c": "old", "etag": "tok_000000000000000a1"})
    run = exchange("GET", "/x", None, {"a": OTHER, "b": stable, "c": "new", "etag": "tok_000000000000000b2"})
    pin = pinned(run, recorded)
    assert pin.expect.body.value == {
        "a": "«uuid»",
        "b": stable,
        "c": "new",
        "etag": "«regex /tok_[0-9A-Za-z]{17}/»",
    }


def test_credentials_come_from_the_environment_and_secrets_are_not_expected() -> None:
    one = exchange("GET", "/me", None, {"api_token": "pseudo-nym-1"})
    one = Exchange(
        1,
        Direction.INBOUND,
        request(headers=((b"Authorization", b"Bearer abc${x"), (b"X-API-Key", b"k}"), (b"traceparent", b"00-1-2-3"))),
        Timing(NOW),
        one.response,
    )
    pin = pinned(one, secrets=frozenset({"pseudo-nym-1"}))
    assert pin.request.headers == (
        ("Authorization", "${RETAPE_AUTHORIZATION:-Bearer abc$${x}"),
        ("X-API-Key", "${RETAPE_X_API_KEY}"),
    )
    assert pin.expect.body.value == {"api_token": "«token»"}


def test_the_host_is_kept_where_the_answer_repeats_it() -> None:
    plain = pinned(exchange("GET", "/", None, {}))
    echoed = pinned(exchange("GET", "/", None, {"url": "http://shop.test/x"}))
    assert [name for name, _ in plain.request.headers] == []
    assert [name for name, _ in echoed.request.headers] == ["Host"]


def test_cookies_keep_their_attributes() -> None:
    cookie = b"sid=9f8e7d6c5b4a39281706f5e4d3c2b1a0; Path=/; Expires=Thu, 28 May 2026 21:26:40 GMT; HttpOnly"
    pin = pinned(exchange("POST", "/login", {}, {}, 200, ((b"Set-Cookie", cookie),)))
    assert dict(pin.expect.headers)["set-cookie"] == (
        "sid=«regex /[0-9a-f]{32}/»; Path=/; Expires=«timestamp http»; HttpOnly"
    )


def test_sentences_and_pages_have_matchers_inside() -> None:
    html = f"<p>Order {ORDER}</p>\n<p>at {STAMP}</p>\n<p>thanks</p>\n".encode()
    page = exchange("GET", "/", None, None)
    page = Exchange(
        1,
        Direction.INBOUND,
        page.request,
        page.timing,
        response(200, html, headers=()),
    )
    assert page.response is not None
    text = Exchange(
        1,
        Direction.INBOUND,
        page.request,
        page.timing,
        type(page.response)(200, ((b"Content-Type", b"text/html"),), html),
    )
    assert pinned(text).expect.body.value == ("<p>Order «uuid»</p>\n<p>at «timestamp iso8601»</p>\n<p>thanks</p>\n")


def test_from_a_capture_with_stubs_and_setup(tmp_path: Path) -> None:
    made = list(make_pins(order_tape(tmp_path / "shop.sqlite"), None))
    assert all(isinstance(one, Made) for one in made)
    post, get = (one for one in made if isinstance(one, Made))
    assert (post.file, get.file) == ("POST-orders/201-1.yaml", "GET-orders-id/200-5.yaml")
    assert [stub.dependency for stub in post.pin.stubs] == ["inventory", "inventory", "payments"]
    charge = post.pin.stubs[2]
    assert charge.request.body.value == {
        "order_id": "«uuid as order_id»",
        "amount": 25,
        "at": "«timestamp unix»",
    }
    assert charge.response is not None
    assert charge.response.body.value["order_id"] == "«the order_id»"
    assert get.pin.request.target == "/orders/«the order_id»"
    assert get.pin.setup[0].bind == (("order_id", "json $.id"),)
    assert get.pin.setup[0].status == 201
    for one in (post, get):
        text = pin_file.dump(one.pin)
        assert pin_file.dump(pin_file.parse(text, "p.yaml")) == text


def test_what_cannot_be_pinned_is_said(tmp_path: Path) -> None:
    from captures.model import FailureKind

    with Tape(tmp_path / "c.sqlite") as tape:
        tape.inbound(request(target="/a"), None, failure=FailureKind.RESET)
        tape.inbound(request(target="/b"), response(200, {}), body_truncated=True)
    found = list(make_pins(tmp_path / "c.sqlite", parse("path:/*")))
    assert [one.reason for one in found if isinstance(one, Refused)] == [
        "it has no complete response to expect",
        "its body was kept only in part",
    ]


def test_folder_names() -> None:
    assert folder_of("GET /orders/{id}") == "GET-orders-id"
    assert folder_of("GET /") == "GET-root"
    assert folder_of("POST /a/../b c/%2e") == "POST-a-b-c-2e"
    assert folder_of("POST /graphql query GetOrder") == "POST-graphql-query-GetOrder"


@pytest.mark.slow
def test_from_a_run_the_response_of_the_build_is_pinned(tmp_path: Path) -> None:
    outcome, _, _ = run_of(order_tape(tmp_path / "shop.sqlite"))
    made = {one.file: one.pin for one in make_pins(outcome.run, parse("id:1,5")) if isinstance(one, Made)}
    assert sorted(made) == ["GET-orders-id/200-5.yaml", "POST-orders/201-1.yaml"]  # named by recorded ids
    post = made["POST-orders/201-1.yaml"]
    assert post.source["replay_of"] == 1
    assert post.expect.body.value["id"] == "«uuid as order_id»"
    assert post.expect.body.value["total"] == 25
    assert len(post.stubs) == 3
    assert made["GET-orders-id/200-5.yaml"].request.target == "/orders/«the order_id»"


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("next_cursor", "MDBkMWU2MDQ6NQ==", "«token»"),
        ("nextPageToken", "Zm9vYmFyMTIz", "«token»"),
        ("next_cursor", None, None),
        ("next", "later", "later"),
        ("colour", "MDBkMWU2MDQ6NQ==", "MDBkMWU2MDQ6NQ=="),
    ],
)
def test_a_cursor_is_opaque_as_it_is_to_a_replay(name: str, value: str | None, shown: str | None) -> None:
    assert pinned(exchange("GET", "/items", None, {name: value})).expect.body.value == {name: shown}


def test_lines_of_json_have_matchers_by_the_names_of_their_members() -> None:
    raw = f'{{"seq": 0, "at": {NOW + 0.25}, "note": "at 5 \\"x\\": 1", "id":"{ORDER}"}}\n'.encode()
    one = exchange("GET", "/stream", None, None)
    answer = Response(200, ((b"Content-Type", b"application/x-ndjson"),), raw, b"OK")
    pin = pinned(replace(one, response=answer))
    assert pin.expect.body.value == ('{"seq": 0, "at": «timestamp unix», "note": "at 5 \\"x\\": 1", "id":"«uuid»"}\n')


def test_a_task_left_behind_is_a_stub_of_the_exchange_whose_ids_it_speaks_of(tmp_path: Path) -> None:
    with Tape(tmp_path / "c.sqlite") as tape:
        tape.inbound(request("POST", "/orders", {}), response(201, {"id": ORDER}))
        bank = request("POST", "/audit", {"order": ORDER}, host="bank")
        tape.outbound(None, bank, response(202, {}), after=0.3)
        other = request("POST", "/audit", {"order": ORDER, "late": 1}, host="bank")
        tape.outbound(None, other, response(202, {}), after=3.0)
    (made,) = make_pins(tmp_path / "c.sqlite", None)
    assert isinstance(made, Made)
    assert [stub.request.body.value for stub in made.pin.stubs] == [{"order": "«uuid as order»"}]


def test_a_blob_is_written_as_it_is() -> None:
    """By chance some pieces of it look like ids; as matchers, their number would keep the comparison busy for ever."""
    blob = "data:;base64," + "/".join(f"{ORDER[:-2]}{number:02}" for number in range(40))
    assert pinned(exchange("GET", "/blob", None, {"data": blob})).expect.body.value == {"data": blob}


def test_a_small_bound_number_is_referred_to_only_as_an_id(tmp_path: Path) -> None:
    with Tape(tmp_path / "shop.sqlite") as tape:
        tape.inbound(request("POST", "/posts", {"title": "a"}), response(201, {"id": 1}))
        answer = response(200, {"id": 1, "next": "/posts/1/more"}, headers=((b"Expires", b"-1"), (b"X-Pages", b"1")))
        tape.inbound(request(target="/posts/1"), answer)
    (_, made) = make_pins(tmp_path / "shop.sqlite", None)
    assert isinstance(made, Made)
    assert made.pin.expect is not None
    assert made.pin.expect.headers == (("content-type", "application/json"), ("expires", "-1"), ("x-pages", "1"))
    assert made.pin.expect.body.value == {"id": "«the post_id»", "next": "/posts/«the post_id»/more"}


def test_a_log_in_brings_what_made_its_account(tmp_path: Path) -> None:
    ada = {"email": "ada@example.org", "password": "p"}
    with Tape(tmp_path / "shop.sqlite") as tape:
        tape.inbound(request("POST", "/register", ada), response(201, {"ok": True}))
        tape.inbound(request("POST", "/register", {**ada, "email": "bob@example.org"}), response(201, {"ok": True}))
        tape.inbound(request("POST", "/login", ada), response(200, {"ok": True}))
    made = list(make_pins(tmp_path / "shop.sqlite", None))[-1]
    assert isinstance(made, Made)
    assert [step.request.target for step in made.pin.setup] == ["/register"]


def test_the_number_of_an_account_is_a_count_of_those_before(tmp_path: Path) -> None:
    """The second to sign up is user 2: nothing but that says where the number comes from."""
    with Tape(tmp_path / "shop.sqlite") as tape:
        for who in ("ada@example.org", "bob@example.org", "eve@example.org"):
            tape.inbound(request("POST", "/register", {"email": who}), response(201, {"ok": True}))
        for who, number in (("bob@example.org", 2), ("eve@example.org", 7)):
            tape.inbound(request("POST", "/notes", {"email": who, "userId": number}), response(200, {"ok": True}))
    counted, other = list(make_pins(tmp_path / "shop.sqlite", parse("path:/notes")))
    assert isinstance(counted, Made)
    assert [step.request.body.value["email"] for step in counted.pin.setup] == ["ada@example.org", "bob@example.org"]
    assert isinstance(other, Made)
    assert [step.request.body.value["email"] for step in other.pin.setup] == ["eve@example.org"]


def test_a_token_made_within_the_same_second_is_another_one_all_the_same() -> None:
    token = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N"
    register = Material(exchange("POST", "/register", {"email": "ada@example.org"}, {"access": token}, 201))
    setup = [(register, [((token, ""), Minted(1, "json $.access", "access"))])]
    for sent, shown in (({"email": "ada@example.org"}, "«jwt»"), ({"t": token}, "«the access»")):
        pin = write_pin(Material(exchange("POST", "/login", sent, {"access": token})), setup, Origin("a.sqlite"), "a")
        assert pin.expect is not None
        assert pin.expect.body.value == {"access": shown}


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("2026-06-18", "«date iso8601»"),  # three weeks
        ("2026-08-28", "«date iso8601»"),  # three months
        ("2026-06-09", "2026-06-09"),
        ("2027-01-01", "2027-01-01"),
        ("2026-06-04T21:26:41Z", "«timestamp iso8601»"),  # a week and an hour, and the second it took
        ("2026-06-04T21:56:40Z", "2026-06-04T21:56:40Z"),
        ("2041-05-28T20:26:40Z", "2041-05-28T20:26:40Z"),
        (int(NOW) + 7 * 86400, "«timestamp unix»"),
    ],
)
def test_what_is_reckoned_from_now_is_another_one_tomorrow(value: Any, shown: Any) -> None:
    made = exchange("POST", "/loans", {"book": "a"}, {"id": ORDER, "due": value}, 201)
    assert pinned(made).expect.body.value["due"] == shown
    later = replace(exchange("GET", f"/loans/{ORDER}", None, {"id": ORDER, "due": value}), timing=Timing(NOW + 7))
    setup = [(Material(made), [((ORDER, ""), Minted(1, "json $.id", "id"))])]
    pin = write_pin(Material(later), setup, Origin("a.sqlite"), "a")
    assert pin.expect is not None
    assert pin.expect.body.value["due"] == shown


def test_a_date_of_what_was_there_before_stays() -> None:
    assert pinned(exchange("GET", "/books/1", None, {"out": "2026-06-18"})).expect.body.value == {"out": "2026-06-18"}
    asked = exchange("POST", "/loans", {"due": "2026-06-18"}, {"due": "2026-06-18"}, 201)
    assert pinned(asked).expect.body.value == {"due": "2026-06-18"}


def test_what_a_library_sent_is_kept_where_the_answer_tells_it_back() -> None:
    headers = ((b"User-Agent", b"python-requests/2.32"), (b"Accept", b"*/*"), (b"Connection", b"keep-alive"))
    one = exchange("GET", "/headers", None, {"agent": "python-requests/2.32", "connection": "keep-alive"})
    one = replace(one, request=replace(one.request, headers=headers))
    assert [name for name, _ in pinned(one).request.headers] == ["User-Agent", "Connection"]
