"""Each call differs from the recorded one on exactly one axis."""

from __future__ import annotations

import gzip
from dataclasses import replace
from typing import Any

import pytest

from captures.model import Direction, Exchange, Request, Timing
from replayer.matching import Call, Match, Matched, Pool, Stub, Where, match
from tests.corpus import each
from tests.replayer.tapes import NOW, request, response

BODY = {"order": "ord_5f3a9c1", "amount": 25, "items": [{"sku": "A"}, {"sku": "B"}]}
BASE = request("POST", "/charges?x=1&y=2", BODY, host="pay.test", scheme="https")


def stub(asked: Request, identity: int = 1, answer: Any = None) -> Stub:
    return Stub(Exchange(identity, Direction.OUTBOUND, asked, Timing(NOW), response=response(200, answer)))


def nobody(request: Request) -> None:
    return None


def meet(
    call: Request, *pools: Pool, plain: Request | None = None, strict: bool = True, borrow: Any = nobody
) -> Match | None:
    where = Where([[pool] for pool in pools])
    return match(Call(call, lambda: plain or call, NOW + 86_400), where, borrow, strict=strict)


def how(call: Request, *stubs: Stub, **more: Any) -> Matched | None:
    found = meet(call, Pool(list(stubs)), **more)
    return found.how if found else None


@each(
    ("call", "expected"),
    [
        (BASE, Matched.EXACT),
        (replace(BASE, headers=((b"User-Agent", b"other"), *BASE.headers)), Matched.EXACT),
        (request("POST", "/charges?y=2&x=1", BODY, host="pay.test", scheme="https"), Matched.CANONICAL),
        (request("POST", "/char%67es?x=%31&y=2", BODY, host="pay.test", scheme="https"), Matched.CANONICAL),
        (replace(BASE, body=b'{"items":[{"sku":"A"},{"sku":"B"}],"amount":25, "order":"ord_5f3a9c1"}'), Matched.CANONICAL),  # noqa: E501
        (
            replace(BASE, headers=(*BASE.headers, (b"Content-Encoding", b"gzip")), body=gzip.compress(BASE.body)),
            Matched.CANONICAL,
        ),
        (replace(BASE, body=BASE.body.replace(b"ord_5f3a9c1", b"ord_x8k2m9p")), Matched.VOLATILE),
        (replace(BASE, body=BASE.body.replace(b"ord_5f3a9c1", b"pay_x8k2m9p")), None),
        (replace(BASE, body=BASE.body.replace(b"25", b"26")), None),
        (replace(BASE, body=BASE.body.replace(b"25", b'"25"')), None),
        (replace(BASE, body=BASE.body.replace(b"25", b"25.0")), None),
        (replace(BASE, body=BASE.body.replace(b'"A"', b'"B"').replace(b'"B"}]', b'"A"}]')), None),
        (request("POST", "/charges?x=1&y=3", BODY, host="pay.test", scheme="https"), None),
        (request("POST", "/charges?x=1&y=2&z", BODY, host="pay.test", scheme="https"), None),
        (request("POST", "/charges/?x=1&y=2", BODY, host="pay.test", scheme="https"), None),
        (request("POST", "/Charges?x=1&y=2", BODY, host="pay.test", scheme="https"), None),
        (replace(BASE, method="PUT"), None),
        (replace(BASE, host="other.test"), None),
        (replace(BASE, port=8443), None),
        (replace(BASE, scheme="http"), None),
    ],
)  # fmt: skip
def test_ranks(call: Request, expected: Matched | None) -> None:
    assert how(call, stub(BASE)) is expected


def multipart(boundary: str, text: str) -> Request:
    head = 'Content-Disposition: form-data; name="f"; filename="a.txt"'
    body = f"--{boundary}\r\n{head}\r\n\r\n{text}\r\n--{boundary}--\r\n"
    kind = f"multipart/form-data; boundary={boundary}".encode()
    return Request("POST", "http", "h", 80, b"/", ((b"Content-Type", kind),), body.encode())


def test_the_boundary_of_a_multipart_body_does_not_count_and_its_parts_do() -> None:
    assert how(multipart("bbb", "file"), stub(multipart("aaa", "file"))) is Matched.CANONICAL
    assert how(multipart("bbb", "other file"), stub(multipart("aaa", "file"))) is None


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ({"at": NOW}, {"at": NOW + 90_000.5}, True),
        ({"at": int(NOW)}, {"at": int(NOW) + 90_000}, True),
        ({"at": int(NOW * 1000)}, {"at": int(NOW * 1000) + 90_000_123}, True),
        ({"at": int(NOW)}, {"at": int(NOW * 1000)}, False),
        ({"price": 12.5}, {"price": 13.5}, False),
        ({"born": "1985-04-12"}, {"born": "1985-04-13"}, False),
        ({"n": 10**400}, {"n": 10**400 + 1}, False),
    ],
)
def test_times_of_the_traffic_are_volatile_other_numbers_are_not(one: Any, other: Any, same: bool) -> None:
    assert (how(request("POST", "/", other), stub(request("POST", "/", one))) is Matched.VOLATILE) is same


def test_an_id_in_the_path() -> None:
    assert how(request(target="/p/pay_x8k2m9p"), stub(request(target="/p/pay_5f3a9c1"))) is Matched.VOLATILE
    assert how(request(target="/p/18"), stub(request(target="/p/17")), strict=False) is None


def test_the_nth_identical_call_gets_the_nth_answer_then_the_last_again() -> None:
    pool = Pool([stub(BASE, 1), stub(BASE, 2), stub(BASE, 3)])
    found = [meet(BASE, pool) for _ in range(5)]
    assert [(one.stub.exchange.id, one.how.value) for one in found if one] == [
        (1, "exact"), (2, "exact"), (3, "exact"), (3, "exhausted"), (3, "exhausted"),
    ]  # fmt: skip


def test_the_pool_of_the_inbound_exchange_comes_first() -> None:
    first, rest = Pool([stub(BASE, 1)]), Pool([stub(BASE, 2)])
    assert [one.stub.exchange.id for _ in range(3) if (one := meet(BASE, first, rest))] == [1, 2, 1]


def test_a_call_with_bound_ids_matches_in_recorded_terms() -> None:
    live = replace(BASE, body=BASE.body.replace(b"ord_5f3a9c1", b"17"))
    assert how(live, stub(BASE)) is None
    assert how(live, stub(BASE), plain=BASE) is Matched.VOLATILE


def test_an_extra_call_does_not_take_the_answer_of_another_id() -> None:
    """Asked twice for one item: the second time is a repetition, not a look-up of the other item under a new id."""
    one, other = request(target="/stock/sku_a4f9k1"), request(target="/stock/sku_z1h6q4")
    pool = Pool([stub(one, 1), stub(other, 2)])
    assert [(m.stub.exchange.id, m.how) for call in (one, one, other) if (m := meet(call, pool))] == [
        (1, Matched.EXACT), (1, Matched.EXHAUSTED), (2, Matched.EXACT),
    ]  # fmt: skip


def test_a_call_recorded_elsewhere_is_borrowed_rather_than_guessed() -> None:
    wanted = request(target="/stock/sku_c3r8w2")
    lender = stub(wanted, 9)
    pool = Pool([stub(request(target="/stock/sku_a4f9k1"), 1)])
    found = meet(wanted, pool, borrow=lambda asked: lender if asked.target == wanted.target else None)
    assert found == Match(lender, Matched.BORROWED)
    assert not lender.used


def test_a_changed_call_gets_the_nearest_answer_of_its_own_exchange_unless_strict() -> None:
    near, far = stub(BASE, 1), stub(replace(BASE, body=b'{"amount":9,"order":"ord_5f3a9c1","items":[]}'), 2)
    changed = replace(BASE, body=BASE.body.replace(b"25", b"26"))
    assert meet(changed, Pool([far, near])) is None
    assert meet(changed, Pool([]), Pool([near]), strict=False) == Match(near, Matched.CHANGED, score=0.94)
    near.lent = False
    found = meet(changed, Pool([far, near]), strict=False)
    assert found == Match(near, Matched.CHANGED, score=0.94)


def test_a_second_call_about_one_order_does_not_take_the_answer_of_the_next() -> None:
    def audit(order: str, moment: str) -> Request:
        return request("POST", "/audit", {"order": order, "at": f"2026-05-28T10:{moment}Z"})

    one, two = "3f0e6a52-8f0b-4f5e-9a56-8c0d9b6d2a11", "4f0e6a52-8f0b-4f5e-9a56-8c0d9b6d2a12"
    first, second = stub(audit(one, "00:00"), 1), stub(audit(two, "05:00"), 2)
    pool = Pool([first, second])
    live = request("POST", "/audit", {"order": "00000000-8f0b-4f5e-9a56-8c0d9b6d2a13", "at": "2026-05-28T11:00:00Z"})

    def ask(order: str, moment: str) -> Match | None:
        return match(Call(live, lambda: audit(order, moment), NOW), Where([[pool]]), nobody, strict=True)

    assert ask(one, "20:00") == Match(first, Matched.VOLATILE)
    assert ask(one, "20:01") == Match(first, Matched.EXHAUSTED)
    assert ask(two, "20:02") == Match(second, Matched.VOLATILE)


def test_a_stub_lent_to_a_changed_call_is_still_there_for_the_right_one() -> None:
    pool = Pool([stub(BASE, 1)])
    changed = replace(BASE, body=BASE.body.replace(b"25", b"26"))
    assert [one.how if one else None for one in (meet(c, pool, strict=False) for c in (changed, changed, BASE))] == [
        Matched.CHANGED, None, Matched.EXACT,
    ]  # fmt: skip


@pytest.mark.slow
def test_a_large_pool_is_not_searched_through() -> None:
    """Twenty thousand equal calls, answered in order, in far less than the 200 million steps a scan would take."""
    stubs = [stub(BASE, number) for number in range(20_000)]
    pool = Pool(stubs)
    assert all(one is not None and one.stub is expected for expected in stubs for one in [meet(BASE, pool)])
