"""Every carrier of a value x every kind of source: what the new build minted goes where the recorded value went."""

from __future__ import annotations

import base64
import json
from urllib.parse import quote

import pytest

from captures.model import Headers, Request, Response, header
from replayer.bindings import Binding, Bindings
from replayer.chaining import absorb
from replayer.rewriting import apply
from tests.corpus import each
from tests.replayer.tapes import NOW, request, response

OLD, NEW = "3f0e6a52-8f0b-4f5e-9a56-8c0d9b6d2a11", "b7d9a0c4-1f0e-4a61-8f3c-0e5d2c9b7a66"
TOKEN, FRESH = "fa8Jz+3kQ/2mXv9TbW5cRg==", "m3Pf7+Hj1/Yc5Gd0KsQw8Z=="  # what base64 makes of random bytes
HTML = ((b"Content-Type", b"text/html; charset=utf-8"),)
FORM = (b"Content-Type", b"application/x-www-form-urlencoded")
PARTS = (b"Content-Type", b"multipart/form-data; boundary=xyz")


def page(body: str) -> Response:
    return Response(200, HTML, body.encode())


def b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def b64url(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def sent(target: str = "/x", body: bytes = b"", headers: Headers = ()) -> Request:
    return Request("POST", "http", "shop.test", 80, target.encode(), headers, body)


STRONG = {
    "json body": lambda v: response(200, {"order": {"id": v}}),
    "json list": lambda v: response(200, {"items": [{"sku": "A", "id": v}]}),
    "json in a string": lambda v: response(200, {"payload": json.dumps({"id": v})}),
    "location": lambda v: response(201, headers=((b"Location", f"https://a.test/orders/{v}".encode()),)),
    "query of a location": lambda v: response(302, headers=((b"Location", f"/cb?code={v}&x=1".encode()),)),
    "cookie": lambda v: response(200, headers=((b"Set-Cookie", f"sid={v}; Path=/; HttpOnly".encode()),)),
    "any header": lambda v: response(200, headers=((b"X-Upload-Id", v.encode()),)),
    "link": lambda v: response(200, headers=((b"Link", f'</orders?cursor={v}>; rel="next"'.encode()),)),
    "form of a page": lambda v: page(f'<form><input type="hidden" name="csrf_token" value="{v}"></form>'),
    "meta of a page": lambda v: page(f'<head><meta content="{v}" name="csrf-token"></head>'),
    "text": lambda v: Response(200, ((b"Content-Type", b"text/plain"),), f"token: {v}\n".encode()),
    "cursor": lambda v: response(200, {"items": [], "next_cursor": v}),
    "link in a body": lambda v: response(200, {"next": f"http://shop.test/orders?after={v}&limit=10"}),
    "renamed field": lambda v: response(200, {"id" if v == OLD else "orderId": v}),
}
"""Sources of a value that tells by its looks what it is."""

CARRIERS = {
    "path": lambda v: sent(f"/orders/{v}/pay"),
    "query": lambda v: sent(f"/x?a=1&order={v}"),
    "fragment of a segment": lambda v: sent(f"/orders/{v}.json"),
    "header": lambda v: sent(headers=((b"X-Order", v.encode()),)),
    "bearer": lambda v: sent(headers=((b"Authorization", f"Bearer {v}".encode()),)),
    "referer": lambda v: sent(headers=((b"Referer", f"https://shop.test/orders/{v}?tab=1".encode()),)),
    "cookie": lambda v: sent(headers=((b"Cookie", f"a=1; sid={v}; b=2".encode()),)),
    "form": lambda v: sent(body=f"a=1&order={v}&b=2".encode(), headers=(FORM,)),
    "multipart": lambda v: sent(
        body=f'--xyz\r\nContent-Disposition: form-data; name="order"\r\n\r\n{v}\r\n--xyz--\r\n'.encode(),
        headers=(PARTS,),
    ),
    "json leaf": lambda v: request("POST", "/x", {"a": [{"order": v}], "n": 1.50}),
    "json in a string": lambda v: request("POST", "/x", {"p": json.dumps({"q": json.dumps({"id": v})})}),
    "after an escaped line end": lambda v: request("POST", "/x", {"note": f"about\n{v}\tnow"}),
    "sentence": lambda v: request("POST", "/x", {"note": f"Please cancel {v}."}),
    "graphql": lambda v: request("POST", "/graphql", {"query": f'{{ order(id: "{v}") {{ total }} }}'}),
    "percent-encoded": lambda v: sent(f"/x?next=%2Forders%2F{v}%2Fpay"),
    "percent-encoded twice": lambda v: sent(f"/x?next=%252Forders%252F{v}%252Fpay"),
    "base64": lambda v: request("POST", "/x", {"id": b64(f"Order:{v}")}),
    "base64 url-safe": lambda v: sent(f"/x?after={b64url(json.dumps({'id': v, 'n': 1}))}&b=2"),
    "base64 with encoded padding": lambda v: sent(f"/x?after={quote(b64(f'cursor:{v}?'))}&b=2"),
    "basic": lambda v: sent(headers=((b"Authorization", f"Basic {b64(f'user:{v}')}".encode()),)),
}


def chained(source: Response, live: Response, asked: Request) -> Request:
    bindings = Bindings()
    absorb(bindings, request("POST", "/orders", {"sku": "A"}), source, live, "exchange 1", at=NOW, order=1)
    return apply(bindings, asked, before=2)[0]


@pytest.mark.parametrize("carrier", CARRIERS)
@each("source", STRONG)
def test_what_was_minted_is_carried_on(source: str, carrier: str) -> None:
    make, use = STRONG[source], CARRIERS[carrier]
    assert chained(make(OLD), make(NEW), use(OLD)) == use(NEW)


@pytest.mark.slow
@pytest.mark.parametrize("carrier", CARRIERS)
def test_nothing_is_touched_where_nothing_is_known(carrier: str) -> None:
    asked = CARRIERS[carrier](OLD)
    others = Bindings()
    for number in range(1000):
        others.bind(Binding(f"ord_{number:06x}", f"new_{number:06x}", "", order=number))
        others.bind(Binding(str(10**6 + number), str(2 * 10**6 + number), "", "order", order=number))
    for bindings in (Bindings(), others):
        told, changes = apply(bindings, asked)
        assert told == asked
        assert told.body is asked.body
        assert changes == []


@pytest.mark.parametrize(
    "written",
    [
        lambda v: sent(f"/x?t={quote(v, safe='')}"),
        lambda v: sent(f"/x?t={quote(quote(v, safe=''), safe='')}"),
        lambda v: sent(f"/x?t={quote(v, safe='/')}"),
        lambda v: sent(f"/x?t={quote(v, safe='').replace('%2B', '%2b').replace('%2F', '%2f').replace('%3D', '%3d')}"),
        lambda v: sent(body=f"t={quote(v, safe='')}".encode(), headers=(FORM,)),
        lambda v: sent(body=json.dumps({"t": v}).replace("/", "\\/").encode()),
        lambda v: sent(headers=((b"X-CSRF-Token", v.encode()),)),
    ],
)
def test_tokens_that_need_encoding(written: object) -> None:
    make = STRONG["form of a page"]
    assert chained(make(TOKEN), make(FRESH), written(TOKEN)) == written(FRESH)  # type: ignore[operator]


WEAK = {
    "json body": lambda v: response(201, {"id": v, "quantity": 17}),
    "named member": lambda v: response(201, {"order_id": v}),
    "object": lambda v: response(201, {"order": {"id": v}}),
    "location": lambda v: response(201, headers=((b"Location", f"/orders/{v}".encode()),)),
}
"""Sources of a number that only its name tells."""

PLACES = {
    "path": lambda v: sent(f"/orders/{v}/lines/17"),
    "query": lambda v: sent(f"/x?order_id={v}&n=17"),
    "list in a query": lambda v: sent(f"/x?order_ids=99,{v}&n=17"),
    "header": lambda v: sent(headers=((b"X-Order-Id", str(v).encode()), (b"X-Count", b"17"))),
    "cookie": lambda v: sent(headers=((b"Cookie", f"order_id={v}; n=17".encode()),)),
    "form": lambda v: sent(body=f"order_id={v}&n=17".encode(), headers=(FORM,)),
    "multipart": lambda v: sent(
        body=b'--xyz\r\nContent-Disposition: form-data; name="order_id"\r\n\r\n%d\r\n'
        b'--xyz\r\nContent-Disposition: form-data; name="n"\r\n\r\n17\r\n--xyz--\r\n' % v,
        headers=(PARTS,),
    ),
    "json leaf": lambda v: request("POST", "/x", {"order_id": v, "n": 17}),
    "json list": lambda v: request("POST", "/x", {"order_ids": [99, v], "n": [17]}),
    "json string": lambda v: request("POST", "/x", {"order_id": str(v), "n": "17"}),
    "json in a string": lambda v: request("POST", "/x", {"p": json.dumps({"order_id": v, "n": 17})}),
    "link in a body": lambda v: request("POST", "/x", {"href": f"https://shop.test/orders/{v}", "n": "/pages/17"}),
    "percent-encoded": lambda v: sent(f"/x?next=%2Forders%2F{v}&n=17"),
    "percent-encoded twice": lambda v: sent(f"/x?next=%252Forders%252F{v}"),
    "global id": lambda v: request("POST", "/x", {"id": b64(f"Order:{v}"), "other": b64("Product:17")}),
    "url of a global id": lambda v: sent(f"/x?id={b64url(f'gid://shop/Order/{v}')}"),
}


@pytest.mark.parametrize("place", PLACES)
@each("source", WEAK)
def test_numbers_are_carried_where_the_place_says_what_they_are(source: str, place: str) -> None:
    make, use = WEAK[source], PLACES[place]
    assert chained(make(17), make(23), use(17)) == use(23)


@each(
    ("recorded", "live", "before", "after"),
    [
        ({"slug": "blue-shirt"}, {"slug": "blue-shirt-2"}, "/products/blue-shirt", "/products/blue-shirt-2"),
        ({"slug": "blue-shirt"}, {"slug": "blue-shirt-2"}, "/colours/blue-shirt", "/colours/blue-shirt"),
        ({"slug": "shirt"}, {"slug": "shirt-2"}, "/products/shirt", "/products/shirt"),
        ({"id": "a7Xk9"}, {"id": "b3Qw2"}, "/products/a7Xk9", "/products/b3Qw2"),
        ({"id": "a7Xk9"}, {"id": "b3Qw2"}, "/pages/a7Xk9?q=a7Xk9", "/pages/a7Xk9?q=a7Xk9"),
        ({"next_cursor": 1040}, {"next_cursor": 1062}, "/products?cursor=1040&n=1040", "/products?cursor=1062&n=1040"),
        ({"next_cursor": "b2Zmc2"}, {"next_cursor": "c2Zmc9"}, "/p?after=b2Zmc2", "/p?after=c2Zmc9"),
        ({"id": "basic"}, {"id": "plus"}, "/products/basic", "/products/basic"),
        ({"id": 7}, {"id": 8}, "/products/7?n=7", "/products/8?n=7"),
        ({"id": 17}, {"id": 1}, "/products/17", "/products/1"),
    ],
)  # fmt: skip
def test_slugs_codes_and_cursors(recorded: object, live: object, before: str, after: str) -> None:
    bindings = Bindings()
    asked = request("POST", "/products", {"name": "A blue one"})
    absorb(bindings, asked, response(201, recorded), response(201, live), "exchange 1", at=NOW, order=1)
    assert apply(bindings, request(target=before), before=2)[0].target.decode() == after


@pytest.mark.parametrize(("old", "new"), [("blue-shirt", "blue-shirt-2"), ("a7Xk9", "b3Qw2"), ("17", "23")])
def test_a_location_may_show_slugs_and_codes(old: str, new: str) -> None:
    first, second = (response(201, headers=((b"Location", f"/products/{text}".encode()),)) for text in (old, new))
    assert chained(first, second, sent(f"/products/{old}?q={old}")).target.decode() == f"/products/{new}?q={old}"


@pytest.mark.parametrize(
    ("brought", "expected"),
    [
        (b'"v5"', b'"v9"'),
        (b'W/"v5"', b'W/"v9"'),
        (b'"v5", "v6"', b'"v9", "v6"'),
        (b"*", b"*"),
    ],
)
@each("name", [b"If-Match", b"If-None-Match"])
def test_tags_come_back_in_conditional_requests(name: bytes, brought: bytes, expected: bytes) -> None:
    tag = ((b"ETag", b'"v5"'),), ((b"ETag", b'"v9"'),)
    told = chained(
        response(200, headers=tag[0]), response(200, headers=tag[1]), sent("/orders/1", headers=((name, brought),))
    )
    assert header(told.headers, name.decode().lower()) == expected


def test_equal_tags_of_two_resources_are_told_apart_by_their_paths() -> None:
    bindings = Bindings()
    for number, (path, live) in enumerate([("/a", b'"a9"'), ("/b", b'"b9"')], start=1):
        old, new = (response(200, headers=((b"ETag", tag),)) for tag in (b'"1"', live))
        absorb(bindings, request(target=path), old, new, f"exchange {number}", at=NOW, order=number)
    for path, live in (("/a", b'"a9"'), ("/b?x=1", b'"b9"'), ("/c", b'"b9"')):
        told, _ = apply(bindings, sent(path, headers=((b"If-Match", b'"1"'),)), before=3)
        assert header(told.headers, "if-match") == live


def test_weak_tags_of_an_intermediary_are_sent_as_clients_send_them() -> None:
    told = chained(
        response(200, headers=((b"ETag", b'W/"v5"'),)),
        response(200, headers=((b"ETag", b'W/"v9"'),)),
        sent("/orders/1", headers=((b"If-Match", b'"v5"'),)),
    )
    assert header(told.headers, "if-match") == b'"v9"'
