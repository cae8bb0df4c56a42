from __future__ import annotations

import tomllib
from dataclasses import replace
from typing import Any

import pytest

from captures.model import Request
from diffing.rulebook.rules import RuleBook, parse_rules
from replayer.stubbing.accepting import Accepting
from replayer.stubbing.edits import accepting_rules, edits
from tests.corpus import each
from tests.replayer.stubbing.test_accepting import recorded
from tests.replayer.tapes import NOW, request

BODY = {"amount": 100, "at": "2026-05-28T10:00:00Z", "lines": [{"sku": "A"}]}
BASE = request("POST", "/api/v2/payments?dry=0", BODY, host="pay.test")
NAME, ENDPOINT = "pay POST /api/v2/payments", "POST /orders"


def changed(**body: Any) -> Request:
    return request("POST", "/api/v2/payments?dry=0", {**BODY, **body}, host="pay.test")


@each(
    ("call", "script"),
    [
        (BASE, []),
        (replace(BASE, method="PUT"), ["replace method 'PUT' by 'POST'"]),
        (replace(BASE, host="p.test"), ["replace host 'p.test' by 'pay.test'"]),
        (replace(BASE, scheme="https", port=443), ["replace scheme 'https' by 'http'", "replace port 443 by 80"]),
        (replace(BASE, target=b"/api/v2/charges?dry=0"), ["replace path segment 3 'charges' by 'payments'"]),
        (replace(BASE, target=b"/v2/payments?dry=0"), ["add path segment 1 'api'"]),
        (replace(BASE, target=b"/api/v2/eu/payments?dry=0"), ["remove path segment 3 'eu'"]),
        (replace(BASE, target=b"/api/v2/payments?dry=1"), ["replace query dry '1' by '0'"]),
        (replace(BASE, target=b"/api/v2/payments"), ["add query dry '0'"]),
        (replace(BASE, target=b"/api/v2/payments?dry=0&x="), ["remove query x ''"]),
        (replace(BASE, headers=(*BASE.headers, (b"Accept", b"text/csv"))), ["remove header accept 'text/csv'"]),
        (changed(amount="100"), ["replace body $.amount '100' by 100"]),
        (changed(tip=1), ["remove body $.tip 1"]),
        (changed(lines=[{"sku": "B"}, {"sku": "A"}]), ["remove body $.lines[1] 'dict of 1'"]),
        (replace(BASE, headers=(*BASE.headers, (b"Traceparent", b"00-1-2-3"), (b"User-Agent", b"x"))), []),
    ],
)  # fmt: skip
def test_each_axis_is_one_edit(call: Request, script: list[str]) -> None:
    assert [edit.sentence() for edit in edits(BASE, call)][: len(script) or None] == script


def test_the_body_is_told_though_the_path_has_moved() -> None:
    call = replace(changed(amount=101), target=b"/api/v3/payments?dry=0")
    assert [edit.where for edit in edits(BASE, call)] == ["path segment 2", "body $.amount"]


@pytest.mark.parametrize(
    "call",
    [
        changed(amount=104),
        changed(at="2026-05-29T11:30:00Z"),
        changed(tip=1),
        replace(BASE, target=b"/api/v2/payments?dry=1"),
        replace(BASE, target=b"/api/v2/payments"),
        replace(changed(amount=104), target=b"/api/v2/payments-eu?dry=0"),
    ],
)
def test_the_rules_that_are_told_can_be_pasted_and_do_accept_the_call(call: Request) -> None:
    tables = accepting_rules(NAME, ENDPOINT, BASE, call)
    pasted = tomllib.loads("\n\n".join(tables))["rules"]
    book = RuleBook(parse_rules(pasted))
    accepted = Accepting(book, lambda _: NAME, lambda _: ENDPOINT)(recorded(BASE), call, NOW + 60)
    assert accepted == tuple(rule.id for rule in book.rules)
    assert len(tables) == len([edit for edit in edits(BASE, call) if edit.counts])


def test_no_rule_makes_up_for_another_method() -> None:
    assert accepting_rules(NAME, ENDPOINT, BASE, replace(BASE, method="PUT")) == []
