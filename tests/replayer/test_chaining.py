"""Learning from responses and carrying on in requests (``chaining`` and ``rewriting``)."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest

from captures.model import Headers, Request, Response, header
from replayer.bindings import Bindings
from replayer.chaining import absorb, learn
from replayer.rewriting import apply, in_live_terms, in_recorded_terms
from tests.corpus import each
from tests.replayer.tapes import NOW, request, response

OLD, NEW = "3f0e6a52-8f0b-4f5e-9a56-8c0d9b6d2a11", "b7d9a0c4-1f0e-4a61-8f3c-0e5d2c9b7a66"


def bound(
    recorded: Any, live: Any, *, asked: Request | None = None, headers: tuple[Headers, Headers] = ((), ())
) -> Bindings:
    bindings = Bindings()
    absorb(
        bindings,
        asked or request("POST", "/orders", {"sku": "A"}),
        recorded if isinstance(recorded, Response) else response(200, recorded, headers=headers[0]),
        live if isinstance(live, Response) else response(200, live, headers=headers[1]),
        "exchange 1",
        at=NOW,
    )
    return bindings


def sent(bindings: Bindings, asked: Request) -> Request:
    return apply(bindings, asked)[0]


@each(
    ("recorded", "live", "before", "after"),
    [
        ({"id": OLD}, {"id": NEW}, f"/orders/{OLD}", f"/orders/{NEW}"),
        ({"a": [{"b": {"id": OLD}}]}, {"a": [{"b": {"id": NEW}}]}, f"/x?order={OLD}&y=1", f"/x?order={NEW}&y=1"),
        ({"id": "ORD-2026-000123"}, {"id": "ORD-2026-000999"}, "/o/ORD-2026-000123", "/o/ORD-2026-000999"),
        ({"id": 17}, {"id": 23}, "/orders/17", "/orders/23"),
        ({"order_id": 17}, {"order_id": 23}, "/orders/17/lines?order_id=17", "/orders/23/lines?order_id=23"),
        ({"order": {"id": 17}}, {"order": {"id": 23}}, "/orders/17", "/orders/23"),
        ({"id": 17}, {"id": 23}, "/users/17?quantity=17&page=17", "/users/17?quantity=17&page=17"),
        ({"quantity": 17}, {"quantity": 23}, "/orders/17", "/orders/17"),
        ({"id": 1}, {"id": 2}, "/orders/1?page=1", "/orders/2?page=1"),
        ({"id": 1}, {"id": 2}, "/users/1?order=1", "/users/1?order=1"),
        ({"n": 1}, {"n": 2}, "/orders/1", "/orders/1"),
        ({"state": "active"}, {"state": "paused"}, "/orders/active", "/orders/active"),
        ({"ok": True, "n": None}, {"ok": False, "n": 12}, "/orders/true", "/orders/true"),
        ({"next": f"/o?after={OLD}"}, {"next": f"/o?after={NEW}"}, f"/o?after={OLD}", f"/o?after={NEW}"),
        ({"url": f"http://h/o/{OLD}/pay"}, {"url": f"http://h/o/{NEW}/pay"}, f"/o/{OLD}", f"/o/{NEW}"),
        ({"id": OLD}, {"id": None}, f"/orders/{OLD}", f"/orders/{OLD}"),
        ({"id": OLD}, {"id": 'x"y\r\nz'}, f"/orders/{OLD}", f"/orders/{OLD}"),
        (
            [{"sku": "B", "id": "it_b7c2m8"}, {"sku": "A", "id": "it_a4f9k1"}],
            [{"sku": "A", "id": "it_x9d3p5"}, {"sku": "B", "id": "it_z1h6q4"}],
            "/items/it_a4f9k1", "/items/it_x9d3p5",
        ),
    ],
)  # fmt: skip
def test_ids_go_from_a_response_into_the_next_request(recorded: Any, live: Any, before: str, after: str) -> None:
    assert sent(bound(recorded, live), request(target=before)).target.decode() == after


def test_every_place_of_a_request() -> None:
    bindings = bound({"id": OLD, "number": 4711, "nr_id": 42}, {"id": NEW, "number": 4712, "nr_id": 43})
    asked = request(
        "PUT",
        f"/orders/{OLD}",
        {"id": OLD, "nr_id": 42, "count": 42, "note": f"about {OLD}."},
        headers=((b"Authorization", b"Bearer " + OLD.encode()), (b"Cookie", b"a=b; o=" + OLD.encode())),
    )
    told, changes = apply(bindings, asked)
    assert json.loads(told.body) == {"id": NEW, "nr_id": 43, "count": 42, "note": f"about {NEW}."}
    assert header(told.headers, "authorization") == b"Bearer " + NEW.encode()
    assert header(told.headers, "cookie") == b"a=b; o=" + NEW.encode()
    assert {change.where for change in changes} == {"target", "header authorization", "header cookie", "body"}
    assert all(change.why.startswith("chained from exchange 1 $.") for change in changes)
    assert not any(OLD in change.why or NEW in change.why for change in changes)


def test_forms_and_compressed_bodies() -> None:
    bindings = bound({"id": OLD, "order_id": 42}, {"id": NEW, "order_id": 43})
    kind = (b"Content-Type", b"application/x-www-form-urlencoded")
    form = Request("POST", "http", "h", 80, b"/", (kind,), f"t={OLD}&order_id=42&n=42".encode())
    assert sent(bindings, form).body == f"t={NEW}&order_id=43&n=42".encode()
    zipped = Request("POST", "http", "h", 80, b"/", ((b"Content-Encoding", b"gzip"),), gzip.compress(OLD.encode()))
    assert gzip.decompress(sent(bindings, zipped).body) == NEW.encode()
    broken = Request("POST", "http", "h", 80, b"/", ((b"Content-Encoding", b"gzip"),), OLD.encode())
    assert sent(bindings, broken).body == OLD.encode()


@pytest.mark.parametrize(
    ("name", "recorded", "live", "asked", "expected"),
    [
        ("Location", f"/orders/{OLD}", f"/orders/{NEW}", f"/orders/{OLD}", f"/orders/{NEW}"),
        ("Location", "http://a:1/orders/17", "http://b:2/orders/23", "/orders/17", "/orders/23"),
        ("X-Upload-Id", "abcdef123456789a", "fedcba987654321f", "/u/abcdef123456789a", "/u/fedcba987654321f"),
        ("Link", f"</o?c={OLD}>; rel=next", f"</o?c={NEW}>; rel=next", f"/o?c={OLD}", f"/o?c={NEW}"),
    ],
)
def test_ids_in_response_headers(name: str, recorded: str, live: str, asked: str, expected: str) -> None:
    headers = (((name.encode(), recorded.encode()),), ((name.encode(), live.encode()),))
    assert sent(bound({}, {}, headers=headers), request(target=asked)).target.decode() == expected


def test_a_session_cookie_recorded_as_a_pseudonym_becomes_the_live_one() -> None:
    cookies = (
        ((b"Set-Cookie", b"sid=q8Zr2Lk9Xw4Tn6Vb; Path=/; HttpOnly"),),
        ((b"Set-Cookie", b"sid=m3Pf7Hj1Yc5Gd0Ks; Path=/; HttpOnly"),),
    )
    told = sent(bound({}, {}, headers=cookies), request(headers=((b"Cookie", b"sid=q8Zr2Lk9Xw4Tn6Vb; x=1"),)))
    assert header(told.headers, "cookie") == b"sid=m3Pf7Hj1Yc5Gd0Ks; x=1"


def test_a_token_in_a_form_of_a_page() -> None:
    page = '<form>\n<input name="csrf" value="{}">\n</form>'
    kinds = ((b"Content-Type", b"text/html"),)
    bindings = Bindings()
    old, new = "q8Zr2Lk9Xw4Tn6Vb", "m3Pf7Hj1Yc5Gd0Ks"
    recorded = Response(200, kinds, page.format(old).encode())
    absorb(bindings, request(), recorded, Response(200, kinds, page.format(new).encode()), "exchange 1", at=NOW)
    assert bindings.live(old) == new


def test_validators_come_back_in_conditional_requests() -> None:
    old = ((b"ETag", b'"v5"'), (b"Last-Modified", b"Thu, 28 May 2026 10:00:00 GMT"))
    new = ((b"ETag", b'"v9"'), (b"Last-Modified", b"Fri, 29 May 2026 11:00:00 GMT"))
    asked = request(
        headers=((b"If-None-Match", b'"v5", "v6"'), (b"If-Modified-Since", b"Thu, 28 May 2026 10:00:00 GMT"))
    )
    told = sent(bound({}, {}, headers=(old, new)), asked)
    assert header(told.headers, "if-none-match") == b'"v9", "v6"'
    assert header(told.headers, "if-modified-since") == b"Fri, 29 May 2026 11:00:00 GMT"


def test_what_the_client_made_up_is_not_bound() -> None:
    """A build that answers with another id than the one it was given has drifted; the client still sends its own."""
    bindings = bound({"id": OLD}, {"id": NEW}, asked=request("PUT", f"/orders/{OLD}", {}))
    assert sent(bindings, request(target=f"/orders/{OLD}")).target.decode() == f"/orders/{OLD}"


def test_another_order_of_a_list_is_no_renaming() -> None:
    bindings = bound({"id": "ord_a4f9k1"}, {"id": "ord_x9d3p5"})
    absorb(bindings, request(), response(200, {"id": "ord_b7c2m8"}), response(200, {"id": "ord_z1h6q4"}), "", at=NOW)
    listed = response(200, ["ord_a4f9k1", "ord_b7c2m8"]), response(200, ["ord_z1h6q4", "ord_x9d3p5"])
    absorb(bindings, request(target="/orders"), *listed, "exchange 3", at=NOW)
    assert bindings.live("ord_a4f9k1") == "ord_x9d3p5"
    assert bindings.live("ord_b7c2m8") == "ord_z1h6q4"


def test_a_cursor_that_is_a_time_goes_into_requests_only() -> None:
    bindings = bound({"until": "2026-05-28T10:00:00Z"}, {"until": "2026-06-01T09:00:00Z"})
    assert sent(bindings, request(target="/x?since=2026-05-28T10:00:00Z")).target == b"/x?since=2026-06-01T09:00:00Z"
    answer = response(200, {"at": "2026-05-28T10:00:00Z"})
    assert in_live_terms((bindings.forward,), answer) == answer


def test_back_into_recorded_terms_and_into_answers() -> None:
    bindings = bound({"id": OLD, "order_id": 42}, {"id": NEW, "order_id": 43})
    call = request("POST", f"/charges/{NEW}?order_id=43", {"order_id": 43, "ref": NEW, "n": 43})
    plain = in_recorded_terms(bindings, call)
    assert plain.target.decode() == f"/charges/{OLD}?order_id=42"
    assert json.loads(plain.body) == {"order_id": 42, "ref": OLD, "n": 43}
    answer = in_live_terms((bindings.forward,), response(200, {"ref": OLD}, headers=((b"X", OLD.encode()),)))
    assert json.loads(answer.body) == {"ref": NEW}
    assert header(answer.headers, "x") == NEW.encode()


def test_learning_says_where_it_learnt_it() -> None:
    found = learn(request(), response(200, {"a": {"id": OLD}}), response(200, {"a": {"id": NEW}}), "exchange 7", at=NOW)
    assert [(one.recorded, one.live, one.origin) for one in found] == [(OLD, NEW, "exchange 7 $.a.id")]


def test_equal_responses_teach_nothing() -> None:
    same = response(200, {"id": OLD, "n": [1, 2.5, None, {"x": "é"}]}, headers=((b"Set-Cookie", b"a=b"),))
    assert learn(request(), same, same, "", at=NOW) == []
