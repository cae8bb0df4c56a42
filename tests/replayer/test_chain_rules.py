"""``[[chain]]``: what it may say, where it finds values, and that it wins over inference."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from captures.config import load
from captures.errors import ConfigError
from captures.model import Direction, Exchange, Headers, Request, Response, Timing
from replayer.bindings import Bindings
from replayer.chain_rules import chain_rules
from replayer.chaining import absorb
from replayer.chains import Chains
from replayer.rewriting import apply
from replayer.sources import Sources
from tests.corpus import each
from tests.replayer.tapes import NOW, ORDER, request, response

NEW = "b7d9a0c4-1f0e-4a61-8f3c-0e5d2c9b7a66"
FORM = ((b"Content-Type", b"application/x-www-form-urlencoded"),)
PARTS = ((b"Content-Type", b"multipart/form-data; boundary=xyz"),)


def ruled(*entries: dict[str, Any]) -> Bindings:
    return Bindings(chains=Chains(chain_rules(entries)))


def learnt(entry: dict[str, Any], recorded: Response, live: Response, asked: Request | None = None) -> Bindings:
    bindings = ruled(entry)
    absorb(bindings, asked or request("POST", "/orders", {}), recorded, live, "exchange 1", at=NOW, order=1)
    return bindings


def raw(target: str = "/x", body: bytes = b"", headers: Headers = ()) -> Request:
    return Request("POST", "http", "shop.test", 80, target.encode(), headers, body)


SOURCES = {
    "json $.no": lambda v: response(200, {"no": v, "x": 3}),
    "json $..no": lambda v: response(200, {"a": [{"no": v}]}),
    "header x-no": lambda v: response(200, headers=((b"X-No", str(v).encode()),)),
    "header location /o/([0-9]+)": lambda v: response(200, headers=((b"Location", f"/o/{v}?a=1".encode()),)),
    "cookie no": lambda v: response(200, headers=((b"Set-Cookie", f"no={v}; Path=/".encode()),)),
    "text no: ([0-9]+)": lambda v: Response(200, ((b"Content-Type", b"text/plain"),), f"your no: {v}, ok".encode()),
}
USES = {
    "/o/{no}/x": lambda v: raw(f"/o/{v}/x?no=1"),
    "/o/{no}/x path no": lambda v: raw(f"/o/{v}/x?no=1"),
    "/o/* path 2": lambda v: raw(f"/o/{v}/1"),
    "/x query no": lambda v: raw(f"/x?a=1&no={v}&b=1"),
    "/x header x-no": lambda v: raw(headers=((b"X-No", str(v).encode()), (b"X-Other", b"1"))),
    "/x header authorization Order ([0-9]+)": lambda v: raw(headers=((b"Authorization", f"Order {v}".encode()),)),
    "/x cookie no": lambda v: raw(headers=((b"Cookie", f"a=1; no={v}; b=1".encode()),)),
    "/x form no": lambda v: raw(body=f"a=1&no={v}&b=1".encode(), headers=FORM),
    "/x form no ": lambda v: raw(
        body=f'--xyz\r\nContent-Disposition: form-data; name="no"\r\n\r\n{v}\r\n--xyz--\r\n'.encode(), headers=PARTS
    ),
    "/x json $.a[*].no": lambda v: request("POST", "/x", {"a": [{"no": v, "n": 1}], "n": 1}),
    "/x json $.text": lambda v: request("POST", "/x", {"text": str(v), "n": 1}),
    "/x json $.list": lambda v: request("POST", "/x", {"list": [v, 99], "n": 1}),
    "/x text no: ([0-9]+)": lambda v: raw(body=f"no: {v}; n: 1".encode()),
}


@pytest.mark.parametrize("to", USES)
@each("source", SOURCES)
def test_what_a_rule_names_is_carried_even_where_inference_never_would(source: str, to: str) -> None:
    make, use = SOURCES[source], USES[to]
    bindings = learnt({"name": "n", "from": f"POST /orders {source}", "to": f"POST {to}"}, make(1), make(2))
    told, changes = apply(bindings, use(1), before=2)
    assert told == use(2)
    assert [change.why for change in changes] == ['chained from exchange 1 by [[chain]] "n"']


def test_flags_and_types_that_change() -> None:
    entry = {"from": "POST /orders json $.v", "to": "POST /x json $.v"}
    for recorded, live, expected in ((True, False, False), (17, "a-17", "a-17"), ("17", 18, "18")):
        bindings = learnt(entry, response(200, {"v": recorded}), response(200, {"v": live}))
        told, _ = apply(bindings, request("POST", "/x", {"v": recorded, "w": recorded}), before=2)
        assert json.loads(told.body) == {"v": expected, "w": recorded}


def test_a_rule_wins_over_inference() -> None:
    bindings = learnt(
        {"from": "POST /orders json $.public", "to": "GET /orders/{id}"},
        response(201, {"id": ORDER, "public": ORDER}),
        response(201, {"id": NEW, "public": "n-1"}),
    )
    assert apply(bindings, request(target=f"/orders/{ORDER}"), before=2)[0].target == b"/orders/n-1"
    assert apply(bindings, request(target=f"/other/{ORDER}"), before=2)[0].target == f"/other/{NEW}".encode()


def test_where_a_rule_knows_nothing_inference_speaks() -> None:
    bindings = learnt(
        {"from": "POST /orders json $.no", "to": "GET /orders/{id}"},
        response(201, {"id": ORDER, "no": 1}),
        response(201, {"id": NEW, "no": 2}),
    )
    assert apply(bindings, request(target=f"/orders/{ORDER}"), before=2)[0].target == f"/orders/{NEW}".encode()


def test_never_at_a_use_sends_what_was_recorded_there_only() -> None:
    bindings = learnt(
        {"to": "POST /search json $.filter", "never": True},
        response(201, {"id": ORDER}),
        response(201, {"id": NEW}),
    )
    told, _ = apply(bindings, request("POST", "/search", {"filter": {"id": ORDER}, "id": ORDER}), before=2)
    assert json.loads(told.body) == {"filter": {"id": ORDER}, "id": NEW}
    told, _ = apply(bindings, request("POST", "/orders", {"filter": ORDER}), before=2)
    assert json.loads(told.body) == {"filter": NEW}


def test_never_at_a_source_learns_nothing_there() -> None:
    bindings = learnt(
        {"from": "POST /orders json $.trace", "never": True},
        response(201, {"id": ORDER, "trace": "9f8e7d6c5b4a3928"}),
        response(201, {"id": NEW, "trace": "1f8e7d6c5b4a3928"}),
    )
    assert bindings.live("9f8e7d6c5b4a3928") is None
    assert bindings.live(ORDER) == NEW


def test_the_latest_source_before_the_use_counts() -> None:
    bindings = ruled({"name": "n", "from": "POST /orders json $.no", "to": "GET /o/{no}"})
    for order, live in ((1, 5), (3, 6)):
        absorb(
            bindings, request("POST", "/orders", {}), response(200, {"no": 1}), response(200, {"no": live}), "",
            at=NOW, order=order,
        )  # fmt: skip
    assert apply(bindings, request(target="/o/1"), before=2)[0].target == b"/o/5"
    told, changes = apply(bindings, request(target="/o/1"), before=9)
    assert told.target == b"/o/6"
    assert "others differ: exchange 1" in changes[0].why


def test_a_source_that_vanished_holds_its_uses_back() -> None:
    bindings = ruled({"name": "no", "from": "POST /orders json $.no", "to": "GET /o/{no}"})
    sources = Sources(bindings)
    made = Exchange(1, Direction.INBOUND, request("POST", "/orders", {}), Timing(NOW), response(201, {"no": 1}))
    sources.answered(made, response(500, {}))
    because = sources.vanished(Exchange(2, Direction.INBOUND, request(target="/o/1"), Timing(NOW)))
    assert because is not None
    assert because.reason == (
        "needs the value of [[chain]] no that exchange 1 (POST /orders) did not make: it answered 500 instead of 201"
    )
    assert sources.vanished(Exchange(3, Direction.INBOUND, request(target="/o/2"), Timing(NOW))) is None


def test_never_also_keeps_a_request_from_being_held_back() -> None:
    sources = Sources(ruled({"to": "GET /orders/{id}", "never": True}))
    made = Exchange(1, Direction.INBOUND, request("POST", "/orders", {}), Timing(NOW), response(201, {"id": ORDER}))
    sources.answered(made, response(500, {}))
    assert sources.vanished(Exchange(2, Direction.INBOUND, request(target=f"/orders/{ORDER}"), Timing(NOW))) is None


@each(
    ("entry", "said"),
    [
        ({"from": "POST /a json $.x"}, "needs from and to"),
        ({"to": "GET /a/{x}"}, "needs from and to"),
        ({"never": True}, "never wants from"),
        ({"from": "POST /a json $.x", "to": "GET /a/{x}", "never": True}, "never wants from"),
        ({"from": "POST /a json $.x", "to": "GET /a/{x}", "never": "yes"}, "never must be true or false"),
        ({"from": 1, "to": "GET /a/{x}"}, "from must be a string"),
        ({"from": "json $.x", "to": "GET /a/{x}"}, "does not begin with a method and a path"),
        ({"from": "POST /a", "to": "GET /a/{x}"}, "names no place: one of json, header, cookie, text"),
        ({"from": "POST /a query x", "to": "GET /a/{x}"}, "names no place"),
        ({"from": "POST /a json $.x", "to": "GET /a/{x}/{y}"}, "names no place"),
        ({"from": "POST /a json $.x", "to": "GET /a/{x}/{x}"}, "stands twice"),
        ({"from": "POST /a json $.x", "to": "GET /a/{x} path y"}, "there is no segment y; name one of x, or a number"),
        ({"from": "POST /a json $.x[", "to": "GET /a/{x}"}, "$.x["),
        ({"from": "POST /a text ([", "to": "GET /a/{x}"}, "no regular expression"),
        ({"from": "POST /a text (a+)+$", "to": "GET /a/{x}"}, "may keep it busy for ever"),
        ({"from": "POST /a header x-y (a|aa)+$", "to": "GET /a/{x}"}, "may keep it busy for ever"),
    ],
)
def test_what_is_wrong_is_said(entry: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        chain_rules([entry])
    assert said in str(caught.value)


def test_unknown_keys_are_refused_with_a_suggestion_by_every_command(tmp_path: Path) -> None:
    (tmp_path / "retape.toml").write_text('[[chain]]\nform = "POST /a json $.x"\n')
    with pytest.raises(ConfigError, match=r'unknown key "form"\. Did you mean "from"'):
        load(tmp_path)


def test_many_stars_take_no_time() -> None:
    (rule,) = chain_rules([{"to": "GET /a*a*a*a*a*a*a*a*a*b/{x} path x", "never": True}])
    assert rule.use is not None
    before = time.process_time()
    assert rule.use.concerns(request("GET", "/" + "a" * 20_000)) is None
    assert time.process_time() - before < 20
    found = rule.use.concerns(request("GET", "/aXaaaaaYaaaaaab/7"))
    assert found is not None
    assert found["x"] == "7"
