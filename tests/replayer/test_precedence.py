"""What waits for what: tables of pairs, and the whole relation against a slow one that is plainly right."""

from __future__ import annotations

import random
import uuid
from collections.abc import Iterable
from typing import Any

import pytest

from captures.model import Direction, Exchange, Headers, Response, Timing
from replayer import precedence
from replayer.chain_rules import chain_rules
from replayer.chains import Chains
from replayer.plan import Order
from replayer.precedence import Edge, Precedence, Reason
from tests.corpus import each
from tests.replayer.tapes import NOW, request, response

ONE = "3f0e6a52-8f0b-4f5e-9a56-8c0d9b6d2a11"
SID = "q8Zr2Lk9Xw4Tn6Vb"


def exchange(
    number: int,
    line: str,
    answer: Any = None,
    *,
    at: tuple[float, float, float] | None = None,
    body: Any = None,
    status: int = 200,
    headers: Headers = (),
    answered: Headers = (),
    connection: str = "",
) -> Exchange:
    """``at``: when it was sent, when its answer began, when that ended; by default one after the other."""
    method, target = line.split(" ")
    started, begun, ended = at or (number, number + 0.5, number + 0.9)
    return Exchange(
        number,
        Direction.INBOUND,
        request(method, target, body, headers=headers),
        Timing(NOW + started, NOW + started, NOW + begun, NOW + ended),
        response=None if status == 0 else response(status, answer, headers=answered),
        connection=connection,
    )


def edges(order: Order, *exchanges: Exchange) -> list[tuple[int, int, Reason]]:
    graph = Precedence(order)
    return [(edge.before, one.id, edge.reason) for one in exchanges for edge in graph.add(one)]


def waits(order: Order, *exchanges: Exchange) -> set[tuple[int, int]]:
    return {(before, after) for before, after, _ in edges(order, *exchanges)}


# -- recorded order -----------------------------------------------------------------------------------------------


def closure(pairs: Iterable[tuple[int, int]]) -> set[tuple[int, int]]:
    known = set(pairs)
    while True:
        more = {(a, d) for a, b in known for c, d in known if b == c} - known
        if not more:
            return known
        known |= more


@each("seed", range(60))
def test_recorded_order_is_the_interval_order_and_no_more(seed: int) -> None:
    chance = random.Random(seed)
    starts = sorted(chance.choice([chance.uniform(0, 10), float(chance.randrange(10))]) for _ in range(12))
    recorded = [
        exchange(number, "GET /", at=(start, start, start + chance.choice([0, chance.uniform(0, 4)])))
        for number, start in enumerate(starts, start=1)
    ]
    found = waits(Order.RECORDED, *recorded)
    times = {one.id: one.timing for one in recorded}
    wanted = {(a, b) for a in times for b in times if a < b and times[a].ended <= times[b].started}  # type: ignore[operator]
    assert closure(found) == wanted
    assert all((a, b) in wanted for a, b in found)


def test_edges_that_follow_from_others_are_left_out() -> None:
    assert edges(Order.RECORDED, *(exchange(number, "GET /") for number in range(1, 5))) == [
        (1, 2, Reason.ORDER), (2, 3, Reason.ORDER), (3, 4, Reason.ORDER),
    ]  # fmt: skip


def test_an_answer_that_never_ended_holds_nobody_up() -> None:
    lost = exchange(1, "GET /", status=0)
    lost = Exchange(1, lost.direction, lost.request, Timing(NOW))
    assert waits(Order.RECORDED, lost, exchange(2, "GET /")) == set()


def test_a_value_out_of_an_answer_that_was_still_coming() -> None:
    login = exchange(1, "POST /login", answered=((b"Set-Cookie", f"sid={SID}".encode()),), at=(1, 1.1, 9))
    first, second = (
        exchange(2, "GET /me", headers=((b"Cookie", f"sid={SID}".encode()),), at=at) for at in ((2, 3, 4), (1.05, 3, 4))
    )
    assert edges(Order.RECORDED, login, first) == [(1, 2, Reason.VALUE)]
    assert edges(Order.RECORDED, login, second) == [], "nothing had come when it was sent"
    assert edges(Order.RECORDED, login, exchange(2, "GET /you", at=(2, 3, 4))) == []


# -- value flow ---------------------------------------------------------------------------------------------------

MADE = exchange(1, "POST /orders", {"id": ONE})
CARRIERS = {
    "path": exchange(2, f"GET /invoices/{ONE}"),
    "query": exchange(2, f"GET /invoices?order_id={ONE}"),
    "body": exchange(2, "POST /payments", body={"order": ONE}),
    "header": exchange(2, "GET /x", headers=((b"X-Order", ONE.encode()),)),
}


@pytest.mark.parametrize("order", [Order.SESSION, Order.INDEPENDENT])
@each("name", CARRIERS)
def test_who_carries_an_id_waits_for_the_answer_that_made_it(order: Order, name: str) -> None:
    assert edges(order, MADE, CARRIERS[name])[0] == (1, 2, Reason.VALUE)


def test_an_answer_that_shows_what_was_made_comes_after_it() -> None:
    shown = exchange(2, "GET /dashboard", {"latest": [{"id": ONE}]}, at=(1.1, 1.7, 1.8))
    assert edges(Order.INDEPENDENT, MADE, shown) == [(1, 2, Reason.VALUE)]


def test_a_login_is_answered_before_its_session_is_used() -> None:
    login = exchange(1, "POST /login", answered=((b"Set-Cookie", f"sid={SID}".encode()),), connection="c1")
    used = exchange(2, "GET /me", headers=((b"Cookie", f"sid={SID}".encode()),), connection="c2")
    assert edges(Order.INDEPENDENT, login, used) == [(1, 2, Reason.VALUE)]


def test_no_value_flows_where_it_could_not_or_was_there_before() -> None:
    early = exchange(2, f"GET /invoices/{ONE}", at=(1.2, 1.3, 1.4))
    assert edges(Order.INDEPENDENT, MADE, early) == [(1, 2, Reason.RESOURCE)], "sent before the answer began"
    known = exchange(1, f"GET /customers/{ONE}")
    shown = exchange(2, "GET /catalogue", {"id": ONE})
    again = exchange(3, f"GET /baskets/{ONE}")
    assert waits(Order.INDEPENDENT, known, shown, again) == set(), "the first client had it from elsewhere"
    assert (
        waits(Order.INDEPENDENT, exchange(1, "POST /a", {"id": ONE}, status=500), exchange(2, f"GET /b/{ONE}")) == set()
    )


def test_only_the_first_that_showed_an_id_is_waited_for() -> None:
    listed = exchange(2, "GET /feed", {"ids": [ONE]})
    assert (2, 3) not in waits(Order.INDEPENDENT, MADE, listed, exchange(3, f"GET /invoices/{ONE}"))


# -- one resource -------------------------------------------------------------------------------------------------


def test_a_change_elsewhere_to_what_was_made_keeps_its_place() -> None:
    """The payment names the order in its body only; the order's own path says nothing of payments."""
    paid = exchange(2, "POST /payments", {"ok": True}, body={"order": ONE})
    read = exchange(3, f"GET /orders/{ONE}", {"id": ONE, "paid": True})
    again = exchange(4, "POST /refunds", {"ok": True}, body={"order": ONE})
    found = edges(Order.INDEPENDENT, MADE, paid, read, again)
    assert (2, 3, Reason.RESOURCE) in found
    assert (3, 4, Reason.RESOURCE) in found


def test_two_reads_wait_for_nothing() -> None:
    reads = [exchange(number, f"GET /orders/{ONE}") for number in (1, 2, 3)]
    assert waits(Order.INDEPENDENT, *reads) == set()


def test_writes_and_reads_of_one_path() -> None:
    assert waits(
        Order.INDEPENDENT, exchange(1, "PUT /notes/17"), exchange(2, "GET /notes/17"), exchange(3, "PUT /notes/18")
    ) == {(1, 2)}


# -- one client ---------------------------------------------------------------------------------------------------


def test_one_client_keeps_its_order_and_two_do_not() -> None:
    cookie = ((b"Cookie", f"sid={SID}".encode()),)
    mine = [
        exchange(1, "GET /a", connection="c1"),
        exchange(2, "GET /b", connection="c1", headers=cookie),
        exchange(3, "GET /c", connection="c2", headers=cookie),
        exchange(4, "GET /d", connection="c3"),
    ]
    assert edges(Order.SESSION, *mine) == [(1, 2, Reason.CLIENT), (2, 3, Reason.CLIENT)]
    assert edges(Order.INDEPENDENT, *mine) == []


def test_a_client_s_own_overlap_may_overlap_again() -> None:
    both = [exchange(number, "GET /a", connection="c1", at=(number, 5, 5)) for number in (1, 2)]
    assert waits(Order.SESSION, *both) == set()


def test_reasons_are_sentences_without_values() -> None:
    graph = Precedence(Order.SESSION)
    graph.add(exchange(1, "POST /orders", {"id": ONE}, connection="c1", headers=((b"Authorization", SID.encode()),)))
    (edge,) = graph.add(exchange(2, f"PUT /orders/{ONE}", connection="c1", headers=((b"Authorization", SID.encode()),)))
    assert edge == Edge(1, Reason.VALUE, "its answer showed an id that this request carries")
    assert not {ONE, SID} & set(edge.why.split())


@pytest.mark.parametrize("order", [Order.SESSION, Order.INDEPENDENT])
def test_a_named_chain_ties_what_nothing_else_does(order: Order) -> None:
    rules = chain_rules([{"from": "POST /tables json $.number", "to": "GET /tables/{number}"}])
    both = [exchange(1, "POST /tables", {"number": 7}), exchange(2, "GET /tables/7")]
    graph = Precedence(order, Chains(rules))
    found = [edge for one in both for edge in graph.add(one)]
    assert [(edge.before, edge.reason) for edge in found if "[[chain]]" in edge.why] == [(1, Reason.VALUE)]


# -- streaming ----------------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("order", list(Order))
def test_nothing_waits_for_what_is_finished_and_nothing_is_kept(order: Order) -> None:
    graph = Precedence(order)
    chance = random.Random(1)
    open_now: list[int] = []
    made: list[str] = []
    for number in range(1, 600):
        fresh = str(uuid.UUID(int=chance.getrandbits(128), version=4))
        line = chance.choice(["POST /orders", "GET /orders", f"PUT /orders/{chance.choice(made or ['x1'])}"])
        made.append(fresh)
        cookie = ((b"Cookie", f"sid={chance.choice(made)}".encode()),)
        one = exchange(number, line, {"id": fresh}, headers=cookie, connection=f"c{number % 7}")
        assert {edge.before for edge in graph.add(one)} <= set(open_now)
        open_now.append(number)
        if len(open_now) > 20:
            graph.finish(open_now.pop(chance.randrange(20)))
    for number in open_now:
        graph.finish(number)
    assert not any((graph._open, graph._by_client, graph._by_thing, graph._touched.at, graph._touched.below))


def test_ids_are_remembered_up_to_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(precedence, "REMEMBERED", 50)
    graph = Precedence(Order.INDEPENDENT)
    for number in range(1, 200):
        graph.add(exchange(number, "POST /orders", {"id": str(uuid.UUID(int=number << 60 | number, version=4))}))
        graph.finish(number)
        assert len(graph._first) <= 50


def test_an_answer_that_is_no_text_harms_nothing() -> None:
    odd = exchange(1, "GET /x")
    odd = Exchange(1, odd.direction, odd.request, odd.timing, response=Response(200, (), b"\xff\x00" * 50))
    assert waits(Order.INDEPENDENT, odd, exchange(2, "GET /y")) == set()
