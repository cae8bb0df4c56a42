"""Which field an answer complains of, in the forms that frameworks have."""

from __future__ import annotations

import json
from typing import Any

from captures.model import Headers, Request, Response
from diffing.contract.rejection import REFUSALS, fault, is_rejected
from tests.corpus import each

JSON: Headers = ((b"Content-Type", b"application/json"),)
SENT = {"customer_id": "c1", "email": "x", "items": [{"sku": "A", "qty": 1}]}


def said(refusal: Any, sent: Any = SENT, target: bytes = b"/orders?limit=5") -> str:
    request = Request("POST", "http", "127.0.0.1", 80, target, JSON, json.dumps(sent).encode())
    body = refusal.encode() if isinstance(refusal, str) else json.dumps(refusal).encode()
    headers = ((b"Content-Type", b"text/plain"),) if isinstance(refusal, str) else JSON
    return fault(request, Response(422, headers, body)).removeprefix("the answer names ")


FORMS = [
    ({"errors": {"email": ["is invalid"], "customer_id": ["can't be blank"]}}, "`email`, `customer_id`"),
    ({"errors": {"items": {"0": {"sku": ["unknown"]}}}}, "`sku`"),
    ({"violations": [{"propertyPath": "email", "message": "no"}]}, "`email`"),
    ({"details": [{"path": ["items", 0, "qty"], "message": "must be a number"}]}, "`items[0].qty`"),
    ({"error": {"details": [{"field": "email", "issue": "taken"}]}}, "`email`"),
    ({"errors": [{"instancePath": "/items/0/sku", "message": "must be string"}]}, "`items[0].sku`"),
    ({"detail": [{"loc": ["query", "limit"], "msg": "too large"}]}, "`limit`"),
    ({"detail": "limit must not exceed 3"}, "`limit`"),
    ({"message": "Validation failed: customer_id is unknown, email is taken"}, "`customer_id`, `email`"),
    ({"error": "Unknown field `qty`"}, "`qty`"),
    ({"error": "no such customer_id here"}, "`customer_id`"),
    ("invalid value for email", "`email`"),
    ("an email was sent", ""),
    ("bad customer_id", "`customer_id`"),
    ({"error": "Bad request"}, ""),
    ({"error": "The request body is not valid JSON"}, ""),
    ({"errors": {"tenant": ["is required"]}}, "`tenant`, which the recorded request does not send"),
    ({"errors": [{"name": n, "reason": "no"} for n in "abcd"]}, "`a`, `b`, `c` and more, which the recorded request"),
    ("", ""),
]


@each(("refusal", "names"), FORMS)
def test_the_field_is_named(refusal: Any, names: str) -> None:
    assert said(refusal).startswith(names)
    assert bool(said(refusal)) == bool(names)


def test_values_are_never_told() -> None:
    told = said({"errors": [{"field": "email", "value": "s3cr3t", "message": "s3cr3t is no address"}]})
    assert "s3cr3t" not in told


def test_odd_bodies_are_no_fault() -> None:
    assert said({"errors": [None, 7, [], {"field": 7}]}) == ""
    assert said({"errors": [{"path": []}]}) == ""
    assert said("\x00\xff") == ""


@each("status", sorted(REFUSALS))
def test_only_what_was_answered_can_be_rejected(status: int) -> None:
    assert is_rejected(200, status)
    assert is_rejected(302, status)
    assert not is_rejected(404, status)
    assert not is_rejected(status, 200)
