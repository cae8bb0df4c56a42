from __future__ import annotations

import gzip
import json
from time import process_time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from captures.model import Headers, Request
from captures.routes.operations import HEAD, operation_of
from tests.corpus import each

DOCUMENT = "query GetOrder($id: ID!) { order(id: $id) { id } }"
HASH = "3f2a9c1b4d5e6f708192a3b4c5d6e7f8"
ENVELOPE = (
    '<?xml version="1.0"?><!-- <soap:Body><No/> --><soap:Envelope xmlns:soap="http://{}envelope{}">'
    '<soap:Header><h:Token xmlns:h="urn:h"/></soap:Header><soap:Body><m:GetOrder xmlns:m="urn:m"/></soap:Body>'
    "</soap:Envelope>"
)


def asked(
    body: Any = b"",
    kind: str = "application/json",
    *,
    method: str = "POST",
    target: str = "/x",
    headers: Headers = (),
) -> str | None:
    data = body if isinstance(body, bytes) else body.encode() if isinstance(body, str) else json.dumps(body).encode()
    return operation_of(
        Request(method, "http", "shop", 80, target.encode(), ((b"Content-Type", kind.encode()), *headers), data)
    )


def persisted(**more: Any) -> dict[str, Any]:
    return {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": HASH}}, **more}


@each(
    ("body", "operation"),
    [
        ({"query": DOCUMENT}, "query GetOrder"),
        ({"query": DOCUMENT, "operationName": "GetOrder", "variables": {"id": "[hidden]"}}, "query GetOrder"),
        ({"operationName": None, "query": DOCUMENT}, "query GetOrder"),
        ({"query": "query A {a} mutation B {b}", "operationName": "B"}, "mutation B"),
        ({"query": "query A {a} mutation B {b}"}, "query A"),
        ({"query": "fragment F on O {id} subscription S { order {...F} }"}, "subscription S"),
        ({"query": "{ order(id: 1) { id } }"}, "{order}"),
        ({"query": "query { order { id } }"}, "{order}"),
        ({"query": "{ user { x } a: order { id } order }"}, "{order, user}"),
        ({"query": "mutation { createOrder(in: {a: [1, {b: 2}]}) { id } }"}, "mutation {createOrder}"),
        ({"query": "{ a b c d e f }"}, "{a, b, c, d, e, …}"),
        ({"query": "# first\n, query @cached(ttl: 3) { a @include(if: true) }"}, "{a}"),
        ({"query": "{ ...F } fragment F on Query { a }"}, "{...F}"),
        (persisted(operationName="GetOrder", variables={}), "operation GetOrder"),
        (persisted(), "persisted 3f2a9c1b4d5e"),
        (persisted(query=DOCUMENT), "query GetOrder"),
        ({"operationName": "GetOrder", "variables": {}}, "operation GetOrder"),
        ({"documentId": "sha256:" + HASH, "variables": {}}, "persisted 3f2a9c1b4d5e"),
        ([{"query": DOCUMENT}, {"query": "{ user }"}, {"query": DOCUMENT}], "[query GetOrder, {user}]"),
        ({"jsonrpc": "2.0", "method": "eth_call", "params": [{"method": "no"}], "id": 1}, "eth_call"),
        ({"params": {"jsonrpc": "1"}, "method": "tools/call", "jsonrpc": "2.0"}, "tools/call"),
        ({"method": "getinfo", "params": [], "id": 1}, "getinfo"),
        ([{"jsonrpc": "2.0", "method": m} for m in ("b", "a", "b")], "[a, b]"),
        # near misses: ordinary REST
        ({"method": "card", "amount": 1}, None),
        ({"method": "card", "params": {"n": 1}, "id": 1}, None),
        ({"method": "card", "params": [], "id": 1, "amount": 3}, None),
        ({"jsonrpc": "2.0", "id": 1, "result": {"method": "x"}}, None),
        ({"a": {"jsonrpc": "2.0", "method": "x"}}, None),
        ({"jsonrpc": "2.0", "method": 7}, None),
        ({"query": "shoes"}, None),
        ({"query": "query the shoes"}, None),
        ({"query": "query {shoes and boots"}, "{and, boots, shoes}"),  # cannot be told from a document cut off
        ({"query": {"match_all": {}}}, None),
        ({"query": '{"a": 1}'}, None),
        ({"query": "{}"}, None),
        ({"query": "{ ?s ?p ?o }"}, None),
        ({"query": ""}, None),
        ({"operationName": "nightly", "variables": {}, "host": "x"}, None),
        ({"operationName": "nightly"}, None),
        ({"documentId": "42", "pages": 3}, None),
        ({"extensions": {"persistedQuery": 1}, "name": "x"}, None),
        ([{"jsonrpc": "2.0", "method": "a"}, {"method": "b"}], None),
        ([{"jsonrpc": "2.0", "method": "a"}, 1], None),
        ([[{"jsonrpc": "2.0", "method": "a"}]], None),
        ([], None),
        ("null", None),
        ('"jsonrpc"', None),
        ('{"jsonrpc":"2.0","method":', None),
        ('{"jsonrpc":"2.0","method":"a"', "a"),  # cut off when it was stored
    ],
)
def test_json(body: Any, operation: str | None) -> None:
    assert asked(body) == operation


@each(
    ("body", "kind", "headers", "operation"),
    [
        (ENVELOPE.format("schemas.xmlsoap.org/soap/", "/"), "text/xml", (), "GetOrder"),
        (ENVELOPE.format("www.w3.org/2003/05/soap-", ""), "application/soap+xml", (), "GetOrder"),
        (ENVELOPE.format("schemas.xmlsoap.org/soap/", "/"), "text/xml", ((b"SOAPAction", b'""'),), "GetOrder"),
        ("<x/>", "text/xml", ((b"SOAPAction", b'"http://shop.example/orders/ListOrders"'),), "ListOrders"),
        ("<x/>", "text/xml", ((b"SOAPACTION", b"urn:schemas-upnp-org:service:Play:1#Browse"),), "Browse"),
        ("<x/>", 'application/soap+xml; charset=utf-8; action="urn:PayOrder"', (), "PayOrder"),
        ("<methodCall> <methodName> shop.list </methodName></methodCall>", "text/xml", (), "shop.list"),
        (ENVELOPE.format("shop.example/", "/"), "text/xml", (), None),  # some other envelope
        (ENVELOPE.format("schemas.xmlsoap.org/soap/", "/"), "text/plain", (), None),
        ("<order><Body><GetOrder/></Body></order>", "application/xml", (), None),
        ("{}", "application/json", ((b"SOAPAction", b"GetOrder"),), None),
        ("<Envelope", "text/xml", (), None),
        (DOCUMENT, "application/graphql", (), "query GetOrder"),
        ("shoes", "application/graphql", (), None),
        ("Action=RunInstances&Version=2016-11-15", "application/x-www-form-urlencoded", (), "RunInstances"),
        ("Action=RunInstances", "application/x-www-form-urlencoded", (), None),
        ("action=approve&Version=2016-11-15", "application/x-www-form-urlencoded", (), None),
        ("query=%7Border%7D", "application/x-www-form-urlencoded", (), "{order}"),
        ("query=shoes", "application/x-www-form-urlencoded", (), None),
        ("{}", "application/x-amz-json-1.0", ((b"X-Amz-Target", b"Dynamo_2012.GetItem"),), "Dynamo_2012.GetItem"),
        ("{}", "application/json", ((b"X-Amz-Target", b"Dynamo_2012.GetItem"),), None),
        (
            '--b\r\nContent-Disposition: form-data; name="operations"\r\n\r\n{"query":"mutation Up {up}"}\r\n--b--',
            "multipart/form-data; boundary=b",
            (),
            "mutation Up",
        ),
        ('--b\r\nX: y; name="operations"\r\n\r\nnone\r\n--b--', "multipart/form-data", (), None),
        ('{"jsonrpc":"2.0","method":"a"}', "text/plain", (), None),
        ('{"jsonrpc":"2.0","method":"a"}', "application/vnd.x+json; charset=utf-8", (), "a"),
        ('{"jsonrpc":"2.0","method":"a\\n\\u001b[31m\\u202eb"}', "application/json", (), "a [31m b"),
        ('{"jsonrpc":"2.0","method":"a"}', "application/json", ((b"Content-Encoding", b"gzip"),), None),  # it is not
    ],
)  # fmt: skip
def test_other_bodies(body: str, kind: str, headers: Headers, operation: str | None) -> None:
    assert asked(body, kind, headers=headers) == operation


@each(
    ("method", "target", "operation"),
    [
        ("GET", "/graphql?query=query%20Q%20%7Border%7D", "query Q"),
        ("GET", "/graphql?query={a:order{id}}&operationName=", "{order}"),
        ("GET", f'/graphql?extensions={{"persistedQuery":{{"sha256Hash":"{HASH}"}}}}', "persisted 3f2a9c1b4d5e"),
        ("GET", "/?Action=ListUsers&Version=2010-05-08", "ListUsers"),
        ("POST", "/wp-admin/admin-ajax.php?action=heartbeat", "heartbeat"),
        ("GET", "/search?query=shoes", None),
        ("GET", "/orders/7?action=approve", None),
        ("GET", "/orders?Action=ListUsers", None),
        ("GET", "/x.php?action=%3Cscript%3E", None),
        ("GET", "/graphql", None),
    ],
)
def test_targets(method: str, target: str, operation: str | None) -> None:
    assert asked(method=method, target=target) == operation


def test_content_codings_and_byte_order_marks_come_off() -> None:
    body = json.dumps({"query": DOCUMENT}).encode()
    assert asked(gzip.compress(body), headers=((b"Content-Encoding", b"gzip"),)) == "query GetOrder"
    assert asked(b"\xef\xbb\xbf" + body) == "query GetOrder"
    assert asked(b'{"query":1}' + "é".encode("utf-16")) is None


def test_only_the_head_is_looked_at() -> None:
    call = {"jsonrpc": "2.0", "method": "a", "params": ["x" * HEAD]}
    assert asked(call) == "a"
    assert asked({"params": ["x" * HEAD], "jsonrpc": "2.0", "method": "a"}) is None
    assert asked([call, {"jsonrpc": "2.0", "method": "never seen"}]) == "[a]"


@pytest.mark.slow
@each(
    ("body", "kind"),
    [
        ('{"method":' + "[" * 10_000_000, "application/json"),
        ('{"method":"x","q":' + '"\\' * 5_000_000, "application/json"),
        ('{"query":"{' + "{" * 10_000_000, "application/json"),
        ('{"query":"{' + '\\"\\"\\"' * 1_000_000, "application/json"),
        ("<!--" * 2_500_000, "text/xml"),
        ('<Envelope xmlns="http://schemas.xmlsoap.org/soap/envelope/"><Body>' + " " * 10_000_000, "text/xml"),
        ("<methodCall><methodName>" + " " * 10_000_000, "text/xml"),
        ("query=&" * 1_000_000, "application/x-www-form-urlencoded"),
        ('name="operations"\r\n' * 500_000, "multipart/form-data"),
        ("#" * 10_000_000, "application/graphql"),
    ],
)
def test_ten_hostile_megabytes_take_no_time(body: str, kind: str) -> None:
    data = body.encode()
    before = process_time()
    asked(data, kind)
    assert process_time() - before < 5


KINDS = [
    "application/json",
    "application/graphql",
    "text/xml",
    "application/x-www-form-urlencoded",
    "multipart/form-data",
]
PIECES = ['{"', '"', "query", "jsonrpc", ":", "{", "}", "[", "]", "2.0", "method", ",", "<Envelope", ">", "Body", "\\"]


@given(st.one_of(st.binary(max_size=60), st.lists(st.sampled_from(PIECES)).map(lambda p: "".join(p).encode())))
@settings(max_examples=150, deadline=None)
def test_anything_is_an_operation_fit_to_show_or_none(body: bytes) -> None:
    for kind in KINDS:
        operation = asked(body, kind, target="/x?query=" + body.decode("latin-1").replace("#", ""))
        assert operation is None or (operation.isprintable() and 0 < len(operation) <= 120)
