"""What requests say of the values in their answers is worked out when somebody asks, and only then."""

from __future__ import annotations

from dataclasses import replace

import pytest

from captures.model import Exchange, Request
from diffing.exchange import Context, compare_exchange
from diffing.messages import asking
from diffing.messages.asking import Echoed, OwnHosts, Replaced
from diffing.model import Column
from tests.diffing.pairs import JSON, exchange


def request(target: bytes, body: bytes = b"", host: str = "a.test", *headers: tuple[bytes, bytes]) -> Request:
    return Request("POST", "http", host, 80, target, (*headers, *JSON), body)


def test_inputs_of_both_requests_are_echoed() -> None:
    old = request(b"/orders/17?mail=dana%40a.test&x=ab", b'{"note": "a long one", "amount": 4200, "ok": true}')
    new = request(b"/orders/17?mail=dana%40a.test&x=ab", b'{"amount": 4200, "note": "another one"}')
    echoed = Echoed(old, new)
    assert [text for text in ("17", "dana@a.test", "4200", "orders", "a long one", "ab", "True") if text in echoed] == [
        "17",
        "dana@a.test",
        "4200",
        "orders",
    ]
    assert "a long one" in Echoed(old, old)


def test_authorities_are_where_it_went_and_what_was_asked_for() -> None:
    old = request(b"/", b"", "10.0.0.1", (b"Host", b"shop.test"))
    new = request(b"/", b"", "127.0.0.1", (b"Host", b"localhost:8080"))
    assert list(OwnHosts(old, new)) == [("10.0.0.1:80", "127.0.0.1:80"), ("shop.test", "localhost:8080")]
    assert list(OwnHosts(old, old)) == [("10.0.0.1:80", "10.0.0.1:80"), ("shop.test", "shop.test")]


def column(one: Exchange, other: Exchange) -> Column:
    return compare_exchange(one, other, Context()).column


def test_nothing_is_read_of_requests_whose_answers_are_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("a request was read")

    for name in ("_echoed", "_own_hosts"):
        monkeypatch.setattr(asking, name, refuse)
    answer, sent = '{"id": "ord_8fk2b1"}', b'{"a": 1}'
    assert column(exchange(answer, sent=sent), exchange(answer, replayed=True, sent=sent)) is Column.SAME
    with pytest.raises(AssertionError):
        column(exchange(answer, sent=sent), exchange('{"id": "ord_9gl3c2"}', replayed=True, sent=sent))


def test_the_same_answer_is_not_the_same_when_it_was_cut_off() -> None:
    one, other = exchange('{"id": 17}'), exchange('{"id": 17}', replayed=True)
    assert column(one, other) is Column.SAME
    assert column(replace(one, body_truncated=True), other) is Column.FAILED
    assert column(one, replace(other, body_truncated=True)) is Column.FAILED


def test_what_the_replay_put_in_the_place_of_another_is_known_from_the_requests() -> None:
    old = request(b"/orders/o7k2?item=17&page=1", b'{"item_ids": ["i9x4", 1001], "sku": "A", "n": 1000}')
    new = request(b"/orders/p3m8?item=18&page=2", b'{"item_ids": ["j5w6", 1001], "sku": "B", "n": 1500}')
    pairs = Replaced(old, new)
    told = [("o7k2", "p3m8"), ("i9x4", "j5w6"), ("1001", "1001"), ("1000", "1500"), ("A", "B"), ("p3m8", "o7k2")]
    assert [pair for pair in told if pair in pairs] == [("o7k2", "p3m8"), ("i9x4", "j5w6")]


def test_an_answer_may_echo_under_another_name_what_the_request_was_given() -> None:
    sent, given = b'{"item_ids": ["i9x4"]}', b'{"item_ids": ["j5w6"]}'
    recorded = exchange('{"things": ["i9x4"]}', sent=sent)
    assert column(recorded, exchange('{"things": ["j5w6"]}', replayed=True, sent=given)) is Column.SAME_BY_RULE
    assert column(recorded, exchange('{"things": ["j5w7"]}', replayed=True, sent=given)) is Column.DRIFTED
    assert column(recorded, exchange('{"things": ["j5w6"]}', replayed=True, sent=sent)) is Column.DRIFTED
