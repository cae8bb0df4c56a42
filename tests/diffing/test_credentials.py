"""Refused for want of a secret: told from drift, one axis at a time."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from captures.model import Direction, Exchange, Request, Response, Timing
from diffing.exchange import Context, compare_exchange
from diffing.messages.credentials import HandedOut, wanting
from diffing.model import Column
from tests.corpus import each

RECORDED = Exchange(
    1,
    Direction.INBOUND,
    Request("GET", "http", "shop", 80, b"/me", ((b"Cookie", b"sid=pseudonym"),)),
    Timing(1.0),
    Response(200),
    notes={"redacted": {"request.header cookie": 1}},
)
REFUSED = replace(RECORDED, id=2, replay_of=1, response=Response(401), notes={})


def change(where: str) -> dict[str, Any]:
    return {"changes": [{"where": where, "why": "chained from exchange 9 $.token"}]}


def redacted(place: str) -> dict[str, Any]:
    return {"redacted": {place: 1}}


LOGIN = Response(302, ((b"Location", b"/login?next=/me"),))
FORM = Response(200, ((b"Content-Type", b"text/html"),), b"<form><input name=\"p\" TYPE='password'></form>")
SENT = replace(RECORDED, request=Request("POST", "http", "shop", 80, b"/login"), response=LOGIN,
               notes=redacted("request.form password"))  # fmt: skip
SIGN_UP = replace(SENT, request=replace(SENT.request, target=b"/users"))
CASES = [
    ("the base", RECORDED, REFUSED, True),
    ("a live cookie was sent", RECORDED, replace(REFUSED, notes=change("header cookie")), False),
    ("another header was live", RECORDED, replace(REFUSED, notes=change("header x-csrf")), True),
    ("nothing was redacted", replace(RECORDED, notes={}), REFUSED, False),
    ("only its answer was", replace(RECORDED, notes=redacted("response.header set-cookie")), REFUSED, False),
    ("recorded as not found", replace(RECORDED, response=Response(404)), REFUSED, True),
    ("recorded as refused, too", replace(RECORDED, response=Response(401)), REFUSED, False),
    ("answered", RECORDED, replace(REFUSED, response=Response(200)), False),
    ("not found is no refusal", RECORDED, replace(REFUSED, response=Response(404)), False),
    ("sent to the login page", RECORDED, replace(REFUSED, response=LOGIN), True),
    ("moved", RECORDED, replace(REFUSED, response=Response(302, ((b"Location", b"/you"),))), False),
    ("a bad request is no refusal of a cookie", RECORDED, replace(REFUSED, response=Response(400)), False),
    ("but of a password", replace(RECORDED, notes=redacted("request.body $.password")),
     replace(REFUSED, response=Response(422)), True),
    ("which is never minted", replace(RECORDED, notes=redacted("request.body $.password")),
     replace(REFUSED, notes=change("body")), True),
    ("a token is", replace(RECORDED, notes=redacted("request.body $.refresh_token")),
     replace(REFUSED, notes=change("body")), False),
    ("a password, and the page asks for it again", SENT, replace(REFUSED, response=FORM), True),
    ("a page without such a field", SENT, replace(REFUSED, response=Response(200, (), b"<input type=text>")), False),
    ("a cookie, and a page asks for a password", replace(RECORDED, response=LOGIN),
     replace(REFUSED, response=FORM), False),
    ("a sign-up", SIGN_UP, replace(REFUSED, response=FORM), False),
    ("a page that was no redirect", replace(SENT, response=Response(201)), replace(REFUSED, response=FORM), False),
    ("a note that it was not changed", RECORDED, replace(REFUSED, notes={"changes": [
        {"where": "header cookie", "why": "not signed again: …"}]}), True),
]  # fmt: skip


@each(("recorded", "replayed", "unjudged"), [row[1:] for row in CASES], ids=[row[0] for row in CASES])
def test_when_a_refusal_says_nothing_about_the_build(recorded: Exchange, replayed: Exchange, unjudged: bool) -> None:
    assert (wanting(recorded, replayed) is not None) is unjudged


def test_it_is_inconclusive_not_drift_and_says_what_to_do() -> None:
    judgement = compare_exchange(RECORDED, REFUSED, Context())
    assert judgement.column is Column.FAILED
    assert judgement.findings == ()
    (sentence,) = judgement.inconclusive
    assert "header cookie" in sentence
    assert "--header" in sentence
    assert "pseudonym" in sentence
    assert "sid=" not in sentence


def asking(number: int, cookie: bytes = b"sid=pseudonym", answer: Response | None = None, *places: str) -> Exchange:
    request = replace(RECORDED.request, headers=((b"Cookie", cookie),) if cookie else ())
    notes = {"redacted": dict.fromkeys(places or ("request.header cookie",), 1)}
    return replace(RECORDED, id=number, request=request, response=answer or Response(200), notes=notes)


SET = Response(200, ((b"Set-Cookie", b"sid=pseudonym; HttpOnly"),))


@pytest.mark.parametrize(
    ("before", "unjudged"),
    [
        ([], True),
        ([asking(1, b"", SET, "response.header set-cookie")], False),
        ([asking(9, b"", SET, "response.header set-cookie")], True),  # later
        ([asking(1, b"sid=pseudonym", SET, "request.header cookie", "response.header set-cookie")], True),  # an echo
        ([asking(1), asking(2, b"", SET, "response.header set-cookie")], True),  # a client had it before
    ],
)
def test_what_the_recorded_build_handed_out_is_nothing_to_record_together(
    before: list[Exchange], unjudged: bool
) -> None:
    context = HandedOut()
    for one in sorted((*before, asking(5)), key=lambda one: one.id):
        context.learn(one)
    assert (wanting(asking(5), REFUSED, context) is not None) is unjudged


def test_what_was_handed_out_is_forgotten_in_time() -> None:
    context = HandedOut(limit=8)
    context.learn(asking(1, b"", SET, "response.header set-cookie"))
    for number in range(2, 40):
        context.learn(asking(number, b"sid=pseudonym%d" % number))
    assert wanting(asking(50), REFUSED, context) is not None


def looking_up(number: int, target: bytes, *places: str, method: str = "GET", body: bytes = b"") -> Exchange:
    request = Request(method, "http", "shop", 80, target, body=body)
    return replace(RECORDED, id=number, request=request, notes={"redacted": dict.fromkeys(places, 1)})


ADA = b"q@wkxbzr.example.com"
IN_PATH = looking_up(5, b"/people/" + ADA, "request.path (email)")
IN_QUERY = looking_up(5, b"/people?mail=q%40wkxbzr.example.com", "request.query mail (email)")
MISSED = replace(REFUSED, response=Response(404))


@pytest.mark.parametrize(
    ("recorded", "before", "says"),
    [
        (IN_PATH, [], 'leave out "email"'),
        (IN_QUERY, [], '[redact] keep = ["mail"]'),
        (IN_QUERY, [looking_up(2, b"/people", method="POST", body=b'{"mail": "' + ADA + b'"}')], None),  # it made her
        (IN_PATH, [looking_up(2, b"/people", method="POST", body=b'{"mail": "' + ADA + b'"}')], None),
        (IN_PATH, [looking_up(7, b"/people", method="POST", body=b'{"mail": "' + ADA + b'"}')], 'leave out "email"'),
        (IN_PATH, [looking_up(2, b"/people", method="POST", body=b'{"mail": "q@another.example.com"}')], '"email"'),
        (replace(IN_PATH, notes={"redacted": {"request.header cookie": 1}}), [], None),
    ],
)
def test_a_person_of_the_seed_data_is_not_found_by_a_pseudonym(
    recorded: Exchange, before: list[Exchange], says: str | None
) -> None:
    context = HandedOut()
    for one in sorted((*before, recorded), key=lambda one: one.id):
        context.learn(one)
    sentence = wanting(recorded, MISSED, context)
    assert (sentence is None) is (says is None)
    if sentence is not None and says is not None:
        assert says in sentence
        assert "not found (404) because its" in sentence
        assert "wkxbzr" not in sentence


def test_a_login_by_address_and_password_names_both() -> None:
    places = ("request.body $.user.email (email)", "request.body $.password")
    sentence = wanting(looking_up(5, b"/login", *places, method="POST"), REFUSED, HandedOut()) or ""
    assert '[redact] keep = ["password", "email"]' in sentence
