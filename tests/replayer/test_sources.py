"""A chain whose source vanished: the dependents say so instead of asking for what is not there."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from captures.model import Direction, Exchange, Failure, FailureKind, Headers, Request, Response, Timing
from replayer.bindings import Bindings
from replayer.chaining import absorb
from replayer.sources import Sources, Withheld
from tests.corpus import each
from tests.replayer.tapes import NOW, ORDER, request, response

NEW = "b7d9a0c4-1f0e-4a61-8f3c-0e5d2c9b7a66"
PAYMENT = "7c9e6679-7425-40de-944b-e07fc1f90ae7"
COOKIE: Headers = ((b"Set-Cookie", b"sid=9f8e7d6c5b4a39281706f5e4d3c2b1a0; Path=/"),)
WITH_COOKIE: Headers = ((b"Cookie", b"sid=9f8e7d6c5b4a39281706f5e4d3c2b1a0"),)
TOKEN = "kT9x2LmQ7vBz4nRw8YpDkT9x"
BEARER: Headers = ((b"Authorization", f"Bearer {TOKEN}".encode()),)


@dataclass
class Replay:
    """A replay in which nothing is sent: what would come is said by the test."""

    bindings: Bindings = field(default_factory=Bindings)
    count: int = 0

    def __post_init__(self) -> None:
        self.sources = Sources(self.bindings)

    def step(
        self, asked: Request, recorded: Response, live: Response | None = None, failure: Failure | None = None
    ) -> Withheld | None:
        """The next exchange; ``live`` is what came, where it was sent."""
        self.count += 1
        exchange = Exchange(self.count, Direction.INBOUND, asked, Timing(NOW), recorded)
        because = self.sources.vanished(exchange)
        if because is not None:
            self.sources.withheld(exchange, because)
            return because
        if live is not None:
            absorb(self.bindings, asked, recorded, live, f"exchange {self.count}", at=NOW, order=self.count)
        self.sources.answered(exchange, live, failure)
        return None

    def asks(self, *asked: Request) -> str | None:
        """Why the one or last of ``asked`` is not sent."""
        reasons = [self.step(one, response(200, {}), response(200, {})) for one in asked]
        return reasons[-1].reason if reasons[-1] else None


PLACE: Headers = ((b"Location", f"/orders/{NEW}".encode()),)
MADE = response(201, {"id": ORDER, "payment": {"id": PAYMENT}}, headers=((b"Location", f"/orders/{ORDER}".encode()),))
POST = request("POST", "/orders", {"sku": "A"})


@pytest.mark.parametrize(
    ("live", "failure", "said"),
    [
        (response(500, {"error": "x"}), None, "did not make: it answered 500 instead of 201"),
        (response(422, {}), None, "did not make: it answered 422 instead of 201"),
        (None, Failure(FailureKind.TIMEOUT), "did not make: it failed (timeout)"),
        (response(201, {"ok": True}), None, "no longer shows"),
    ],
)
@each(
    "asked",
    [
        request(target=f"/orders/{ORDER}"),
        request("DELETE", f"/orders/{ORDER}"),
        request(target=f"/invoices?order={ORDER}"),
        request("POST", "/shipments", {"order": {"id": ORDER}}),
    ],
)
def test_what_needs_the_id_says_why_it_is_not_sent(
    asked: Request, live: Response | None, failure: Failure | None, said: str
) -> None:
    replay = Replay()
    replay.step(POST, MADE, live, failure)
    assert replay.asks(asked) == f"needs the id that exchange 1 (POST /orders) {said}"


def test_what_the_dependents_made_is_gone_as_well_with_one_root() -> None:
    replay = Replay()
    replay.step(POST, MADE, response(500, {}))
    refund = "5d3e6a52-8f0b-4f5e-9a56-8c0d9b6d2a99"
    paid = replay.step(request("POST", f"/orders/{ORDER}/refunds", {}), response(201, {"id": refund}))
    then = replay.step(request(target=f"/refunds/{refund}"), response(200, {}))
    assert paid is not None
    assert then is not None
    assert (paid.root, then.root) == (1, 1)
    assert then.reason == "needs what follows from exchange 1 (POST /orders): it answered 500 instead of 201"


@each(
    ("recorded", "live", "asked"),
    [
        (MADE, response(201, {"id": NEW}), request(target=f"/orders/{ORDER}")),
        (MADE, response(201, {"id": ORDER}), request(target=f"/orders/{ORDER}")),
        (response(201, {"id": ORDER}), response(201, {"x": {"uid": NEW}}), request(target=f"/orders/{ORDER}")),
        (MADE, response(502, {"id": NEW}), request(target=f"/orders/{ORDER}")),  # shown all the same
        (MADE, response(201, {}, headers=PLACE), request(target=f"/orders/{ORDER}")),
        (MADE, response(500, {}), request(target="/orders")),
        (MADE, response(500, {}), request(target="/orders", headers=((b"X-Request-Id", ORDER.encode()),))),
        (response(201, [{"id": ORDER}]), response(500, {}), request(target=f"/orders/{ORDER}")),  # out of a list
        (response(201, {"user_id": ORDER}), response(500, {}), request(target=f"/users/{ORDER}")),  # of another thing
        (response(201, {"user_id": 42}), response(500, {}), request(target="/users/42")),
        (response(201, {"id": 7}), response(500, {}), request(target="/users/7")),
        (response(201, {"count": 7}), response(500, {}), request(target="/orders/7")),
        (response(201, {"id": 7}), response(201, {"id": 9}), request(target="/orders/7")),
        (response(201, {"state": "active"}), response(500, {}), request(target="/orders/active")),
        (response(409, {"id": ORDER}), response(500, {}), request(target=f"/orders/{ORDER}")),  # made nothing then
    ],
)  # fmt: skip
def test_everything_else_is_sent(recorded: Response, live: Response, asked: Request) -> None:
    replay = Replay()
    replay.step(POST, recorded, live)
    assert replay.asks(asked) is None


def test_a_number_counts_where_its_place_says_what_it_is() -> None:
    replay = Replay()
    replay.step(POST, response(201, {"id": 17, "quantity": 42}), response(500, {}))
    assert replay.asks(request(target="/users/17")) is None
    assert replay.asks(request(target="/orders/42")) is None
    assert replay.asks(request(target="/orders/17")) is not None
    replay.step(POST, response(201, {"id": 7}), response(500, {}))  # the id of an early row
    assert replay.asks(request(target="/orders/7")) is not None


def test_what_was_there_before_is_still_there() -> None:
    replay = Replay()
    listed = response(200, [{"id": ORDER}])
    replay.step(request(target="/orders"), listed, listed)
    replay.step(request("POST", "/favourites", {}), response(201, {"order": {"id": ORDER}}), response(500, {}))
    assert replay.asks(request(target=f"/orders/{ORDER}")) is None


def test_what_another_exchange_makes_after_all_is_there() -> None:
    replay = Replay()
    replay.step(POST, MADE, response(500, {}))
    replay.step(POST, MADE, response(201, {"id": NEW}))
    assert replay.asks(request(target=f"/orders/{ORDER}")) is None


def test_a_read_that_fails_makes_nothing_vanish() -> None:
    replay = Replay()
    replay.step(request(target="/orders/latest"), response(200, {"id": ORDER}), response(500, {}))
    assert replay.asks(request(target=f"/orders/{ORDER}")) is None


def test_sessions_that_a_failed_login_did_not_begin() -> None:
    replay = Replay()
    replay.step(request("POST", "/login", {"user": "ann"}), response(204, headers=COOKIE), response(500, {}))
    said = replay.asks(request(target="/me", headers=WITH_COOKIE))
    assert said == "needs the cookie sid that exchange 1 (POST /login) did not make: it answered 500 instead of 204"


def test_a_log_in_that_asks_again_has_failed() -> None:
    replay = Replay()
    again = Response(200, (), b"<input name=p type=password>")
    replay.step(request("POST", "/login", b"p=x"), response(302, headers=COOKIE), again)
    said = replay.asks(request(target="/me", headers=WITH_COOKIE))
    assert said == "needs the cookie sid that exchange 1 (POST /login) did not make: it asked for the password again"


def test_a_cookie_that_is_no_longer_set_may_not_be_needed() -> None:
    replay = Replay()
    replay.step(request(target="/"), response(200, {}, headers=COOKIE), response(200, {}))
    assert replay.asks(request(target="/me", headers=WITH_COOKIE)) is None


def test_tokens_that_say_who_asks() -> None:
    replay = Replay()
    replay.step(request("POST", "/login", {"user": "ann"}), response(200, {"token": TOKEN}), response(200, {"ok": 1}))
    assert replay.asks(request(target="/me", headers=BEARER)) == (
        "needs the token that exchange 1 (POST /login) no longer shows"
    )


def test_memory_is_bounded() -> None:
    sources = Sources(Bindings(), limit=3)
    values: list[Any] = [f"{number:08x}-8f0b-4f5e-9a56-8c0d9b6d2a11" for number in range(5)]
    for number, value in enumerate(values, start=1):
        made = Exchange(number, Direction.INBOUND, POST, Timing(NOW), response(201, {"id": value}))
        sources.answered(made, response(500, {}))
    asks = [Exchange(9, Direction.INBOUND, request(target=f"/orders/{value}"), Timing(NOW)) for value in values]
    assert [sources.vanished(one) is not None for one in asks] == [False, False, True, True, True]


def test_a_reason_is_one_harmless_line_of_bearable_length() -> None:
    replay = Replay()
    path = "/\x1b[2J" + "a" * 500
    replay.step(request("POST", path, {}), response(201, {"ref\n": ORDER, "id": ORDER}), response(500, {}))
    said = replay.asks(request(target=f"/x?id={ORDER}"))
    assert said is not None
    assert len(said) < 300
    assert said.isprintable()


def test_a_read_that_showed_what_was_not_sent_says_so_instead_of_lacking_it() -> None:
    """A list without what nobody asked for is no drift of the build."""
    replay = Replay()
    refused = response(401, {"error": "no"})
    replay.step(request("POST", "/login", {"user": "ann"}), response(200, {"token": TOKEN}), refused)
    order = request("POST", "/orders", {"sku": "A"}, headers=BEARER)
    assert replay.step(order, response(201, {"id": ORDER})) is not None
    other = response(200, [{"id": NEW, "total": 1}])
    assert replay.step(request(target="/orders"), other, other) is None
    because = replay.step(request(target="/orders"), response(200, [{"id": NEW}, {"id": ORDER}]))
    assert because is not None
    why = "its answer showed what follows from exchange 1 (POST /login): it answered 401 instead of 200"
    assert (because.root, because.reason) == (1, why)
    assert replay.step(request("POST", "/search", {}), response(200, [{"id": ORDER}]), response(200, [])) is None
