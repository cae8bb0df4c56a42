"""The user's rules at the stub server: a call that differs where it may has its stub, and the rule is named."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from captures.model import Direction, Exchange, Request, Timing
from diffing.rulebook.rules import RuleBook, parse_rules
from replayer.plan import OnMiss
from replayer.stubbing.accepting import Accepting
from tests.corpus import each
from tests.replayer.desks import desk_of
from tests.replayer.tapes import NOW, Tape, request, response

BODY = {"amount": 100, "note": "first", "at": NOW, "lines": [{"sku": "A", "seen": 1}, {"sku": "B", "seen": 2}]}
BASE = request("POST", "/charges?page=1", BODY, host="pay.test")
NAME = "pay POST /charges"
WHERE = f"outbound {NAME} request"


def recorded(asked: Request, identity: int = 1) -> Exchange:
    return Exchange(identity, Direction.OUTBOUND, asked, Timing(NOW))


def body(**changed: Any) -> Request:
    return request("POST", "/charges?page=1", {**BODY, **changed}, host="pay.test")


def ids(call: Request, *rules: dict[str, Any], endpoint: str = "POST /orders") -> tuple[str, ...] | None:
    entries = [{"id": f"r{number}", **rule} for number, rule in enumerate(rules)]
    return Accepting(RuleBook(parse_rules(entries)), lambda _: NAME, lambda _: endpoint)(recorded(BASE), call, NOW + 60)


NUMBER = {"location": f"{WHERE}.body $.amount", "expect": "number", "tolerance": "5%"}
SEEN = {"location": f"{WHERE}.body $.lines[*].seen", "expect": "integer"}
PAGE = {"location": f"{WHERE}.query page", "expect": "string"}


@each(
    ("call", "rules", "accepted"),
    [
        (body(amount=104), [NUMBER], ("r0",)),
        (body(amount=106), [NUMBER], None),  # broken
        (body(amount=104, note="second"), [NUMBER], None),  # another place differs
        (body(amount=104, extra=1), [NUMBER], None),
        (body(lines=[{"sku": "A", "seen": 9}, {"sku": "B", "seen": 8}]), [SEEN], ("r0",)),
        (body(lines=[{"sku": "A", "seen": 9}]), [SEEN], None),
        (body(amount=101, lines=[{"sku": "A", "seen": 9}, {"sku": "B", "seen": 2}]), [NUMBER, SEEN], ("r0", "r1")),
        (body(amount=True), [{"location": f"{WHERE}.body $.amount", "expect": "type"}], None),
        (replace(BASE, target=b"/charges?page=2"), [PAGE], ("r0",)),
        (replace(BASE, target=b"/charges?page=2&z=1"), [PAGE], None),
        (replace(BASE, target=b"/fees?page=1"), [{"location": f"{WHERE}.target", "expect": "string"}], ("r0",)),
        (body(note="x"), [{"location": "outbound other POST /charges request.body $.note", "expect": "string"}], None),
        (body(note="x"), [{"location": "outbound * request.body $.note", "expect": "string"}], ("r0",)),
        (body(note="x"), [{"location": f"{WHERE}.body $.note", "expect": "string", "endpoint": "GET /*"}], None),
        (body(amount=104, at=NOW + 50), [NUMBER], ("r0",)),  # volatile values may differ beside it
        (body(amount=104, at="soon"), [NUMBER], None),
        (body(amount=104, at={"now": 1}), [NUMBER], None),
        (body(at=NOW + 50), [{"location": f"{WHERE}.body $.at", "expect": "equal"}], None),  # the rule's last word
    ],
)  # fmt: skip
def test_a_rule_must_stand_at_every_place_that_differs(
    call: Request, rules: list[dict[str, Any]], accepted: tuple[str, ...] | None
) -> None:
    assert ids(call, *rules) == accepted


def test_forms_have_places_too() -> None:
    kind = ((b"Content-Type", b"application/x-www-form-urlencoded"),)
    one = Request("POST", "http", "pay.test", 80, b"/", kind, b"a=1&nonce=x")
    rule = {"id": "nonce", "location": f"{WHERE}.body $.nonce", "expect": "string"}
    accepts = Accepting(RuleBook(parse_rules([rule])), lambda _: NAME, lambda _: "")
    assert accepts(recorded(one), replace(one, body=b"a=1&nonce=y"), NOW) == ("nonce",)
    assert accepts(recorded(one), replace(one, body=b"a=2&nonce=y"), NOW) is None


def test_the_desk_serves_such_a_call_as_volatile_names_the_rule_and_repeats_the_last_answer(tmp_path: Path) -> None:
    def record(tape: Tape) -> None:
        order = tape.inbound(request("POST", "/orders"), response(201))
        tape.outbound(order, BASE, response(200, "first"))
        tape.outbound(order, replace(BASE, body=BASE.body.replace(b"100", b"200")), response(200, "second"))

    rules = [{"id": "fees", "endpoint": "POST /orders", **NUMBER}]
    with desk_of(tmp_path / "c.sqlite", record, rules=rules, on_miss=OnMiss.STRICT) as at:
        at.begin(1)
        assert at.body(body(amount=205)) == b'"second"'
        assert at.notes == {"matched": "volatile", "rules": ["fees"]}
        assert at.body(body(amount=203)) == b'"second"'
        assert at.notes == {"matched": "exhausted", "rules": ["fees"]}
        assert at.ask(body(amount=150)).response.status == 502  # type: ignore[union-attr]
        assert at.body(body(amount=101)) == b'"first"'
