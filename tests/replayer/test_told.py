"""Values that nothing but their name or their provenance shows to be made anew: cookies, tokens, codes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from captures.model import Headers, Request, Response
from replayer.bindings import Bindings
from replayer.chaining import absorb
from replayer.rewriting import apply
from tests.corpus import each
from tests.replayer.tapes import NOW, request, response

FORM: Headers = ((b"Content-Type", b"application/x-www-form-urlencoded"),)


def answered(bindings: Bindings, number: int, asked: Request, recorded: Response, live: Response) -> None:
    apply(bindings, asked, before=number)
    absorb(bindings, asked, recorded, live, f"exchange {number}", at=NOW, order=number)


def minted(recorded: Any, live: Any, asked: Request | None = None) -> Bindings:
    bindings = Bindings()
    asked = asked or request("POST", "/things", {"sku": "A"})
    answered(bindings, 1, asked, response(201, recorded), response(201, live))
    return bindings


def page(text: str, **cookies: str) -> Response:
    told = tuple((b"Set-Cookie", f"{name}={value}; Path=/; HttpOnly".encode()) for name, value in cookies.items())
    return Response(200, ((b"Content-Type", b"text/html"), *told), text.encode(), b"OK")


def form(text: str, headers: Headers = ()) -> Request:
    return replace(request("POST", "/do"), headers=(*FORM, *headers), body=text.encode())


@pytest.mark.parametrize(
    ("old", "new"), [("eeelklvtteon", "pozdwivealda"), ("8", "9"), ("dark", "light"), ("a%2Fb", "x_-")]
)
def test_a_cookie_comes_back_under_its_name_whatever_it_looks_like(old: str, new: str) -> None:
    bindings = Bindings()
    answered(bindings, 1, request(target="/start"), page("", sid=old), page("", sid=new))
    sent, changes = apply(
        bindings,
        request(target=f"/{old}?x={old}", headers=((b"Cookie", f"a={old}; sid={old}; b=1".encode()),)),
        before=2,
    )
    assert (b"Cookie", f"a={old}; sid={new}; b=1".encode()) in sent.headers
    assert sent.target.decode() == f"/{old}?x={old}"
    assert [change.where for change in changes] == ["header cookie"]


def test_the_cookie_that_was_set_last_counts() -> None:
    bindings = Bindings()
    for number, new in ((1, "first"), (2, "second")):
        answered(bindings, number, request(target="/start"), page("", sid="abcd"), page("", sid=new))
    sent, _ = apply(bindings, request(headers=((b"Cookie", b"sid=abcd"),)), before=3)
    assert (b"Cookie", b"sid=second") in sent.headers


@pytest.mark.parametrize(
    "markup",
    [
        '<input type="hidden" name="csrf_token" value="{}">',
        "<meta name='csrf-token' content='{}'>",
        '<script>window.__CSRF__ = "{}";</script>',
        "<script>var c = {{csrfToken: '{}'}}</script>",
    ],
)
@each(("old", "new"), [("qqhfceqkfp", "obxjynjlqu"), ("_bcdefgh", "abcdefg-"), ("abcz1234", "-x_y")])
def test_a_csrf_token_comes_back_under_a_name_that_tells(markup: str, old: str, new: str) -> None:
    bindings = Bindings()
    answered(bindings, 1, request(target="/start"), page(markup.format(old)), page(markup.format(new)))
    asked = form(f"authenticity_token={old}&say={old}", ((b"X-CSRF-Token", old.encode()),))
    sent, _ = apply(bindings, asked, before=2)
    assert sent.body.decode() == f"authenticity_token={new}&say={old}"
    assert (b"X-CSRF-Token", new.encode()) in sent.headers


@pytest.mark.parametrize("name", ["access_token", "token", "accessToken", "id_token"])
def test_a_token_in_an_answer_comes_back_as_bearer(name: str) -> None:
    bindings = minted({name: "abcdefghijklmnopqrst"}, {name: "zyxwvutsrqponmlkjihg"})
    asked = request(
        headers=((b"Authorization", b"Bearer abcdefghijklmnopqrst"), (b"X-Auth-Token", b"abcdefghijklmnopqrst"))
    )
    sent, _ = apply(bindings, asked, before=2)
    assert (b"Authorization", b"Bearer zyxwvutsrqponmlkjihg") in sent.headers
    assert (b"X-Auth-Token", b"zyxwvutsrqponmlkjihg") in sent.headers


@pytest.mark.parametrize(
    ("recorded", "live", "brought", "expected"),
    [
        ({"code": "482913"}, {"code": "001822"}, {"code": "482913"}, {"code": "001822"}),
        ({"code": "QWERTZ"}, {"code": "QW2RTZ"}, {"coupon": "QWERTZ"}, {"coupon": "QW2RTZ"}),
        ({"anything": "k3Xq9Lm2"}, {"anything": "abcdefgh"}, {"other": "k3Xq9Lm2"}, {"other": "abcdefgh"}),
    ],
)
def test_what_a_write_handed_out_comes_back_exactly(recorded: Any, live: Any, brought: Any, expected: Any) -> None:
    sent, changes = apply(minted(recorded, live), request("POST", "/redeem", brought), before=2)
    assert sent.body == request("POST", "/redeem", expected).body
    assert changes


def test_the_code_of_something_that_is_read_is_data() -> None:
    bindings = minted({"code": "AB12CD"}, {"code": "EF34GH"}, request(target="/products/shirt"))
    asked = request("POST", "/redeem", {"code": "AB12CD"})
    assert apply(bindings, asked, before=2) == (asked, [])


def test_what_a_client_said_first_is_its_own() -> None:
    bindings = Bindings()
    apply(bindings, request("POST", "/coupons", {"wanted": "SUMMER26"}), before=1)
    answered(
        bindings,
        2,
        request("POST", "/coupons", {}),
        response(201, {"code": "SUMMER26"}),
        response(201, {"code": "OTHER1"}),
    )
    asked = request("POST", "/redeem", {"code": "SUMMER26"})
    assert apply(bindings, asked, before=3) == (asked, [])


@pytest.mark.parametrize("region", [("us-east-1", "eu-west-2"), ("v1beta1", "v2beta1"), ("1920x1080", "800x600")])
def test_a_setting_of_words_and_numbers_is_none(region: tuple[str, str]) -> None:
    bindings = minted({"region": region[0]}, {"region": region[1]})
    asked = request("POST", "/things", {"region": region[0]})
    assert apply(bindings, asked, before=2) == (asked, [])


@pytest.mark.parametrize("live", ["ABCD-EFGH", "AB2D-EFGH", "7843-2947", "2345-6789-X"])
@each("recorded", ["AB2D-EFGH", "QWER-TZUI"])
def test_whether_an_id_is_bound_does_not_depend_on_the_new_one(recorded: str, live: str) -> None:
    bindings = minted({"id": recorded}, {"id": live}, request("POST", "/docs", {}))
    assert apply(bindings, request(target=f"/docs/{recorded}"), before=2)[0].target == f"/docs/{live}".encode()


@pytest.mark.parametrize("slug", ["alpha-3a9c1f", "gamma-7749bf"])
def test_a_slug_with_something_drawn_in_it_is_known_anywhere(slug: str) -> None:
    bindings = minted({"id": 42, "slug": slug}, {"id": 43, "slug": "gamma-abcdef"}, request("POST", "/articles", {}))
    assert apply(bindings, request(target=f"/by-slug/{slug}"), before=2)[0].target == b"/by-slug/gamma-abcdef"


def test_a_thing_is_named_by_its_own_name() -> None:
    bindings = minted({"cart": "aXbQzWpR"}, {"cart": "abcdefgh"}, request("POST", "/carts", {}))
    sent, _ = apply(bindings, request("POST", "/carts/aXbQzWpR/items", {}), before=2)
    assert sent.target == b"/carts/abcdefgh/items"


@pytest.mark.parametrize("name", ["id", "number"])
@pytest.mark.parametrize("method", ["GET", "DELETE", "PUT"])
def test_one_digit_is_an_id_once_a_request_names_the_thing_by_it(name: str, method: str) -> None:
    bindings = minted({name: 2, "size": 2}, {name: 9, "size": 9}, request("POST", "/todos", {"title": "x"}))
    before = request("POST", "/notes", {"todo_id": 2, "size": 2})
    assert apply(bindings, before, before=2) == (before, [])
    sent, changes = apply(bindings, request(method, "/todos/2?page=2", {"todo_id": 2, "size": 2}), before=3)
    assert sent.target == b"/todos/9?page=2"
    assert sent.body == request("PUT", "/", {"todo_id": 9, "size": 2}).body
    assert [change.where for change in changes] == ["target", "body"]
    other = request("GET", "/users/2/todos")
    assert apply(bindings, other, before=4) == (other, [])


def test_one_digit_that_location_names_is_an_id_at_once() -> None:
    bindings = Bindings()
    sides = [response(201, {"id": n}, headers=((b"Location", f"/todos/{n}".encode()),)) for n in (2, 9)]
    answered(bindings, 1, request("POST", "/todos", {"title": "x"}), *sides)
    sent, _ = apply(bindings, request("POST", "/notes?after=2", {"todo_id": 2, "n": 2}), before=2)
    assert sent.body == request("POST", "/notes", {"todo_id": 9, "n": 2}).body
    assert sent.target == b"/notes?after=2"
    assert apply(bindings, request(target="/todos?after=2&limit=2"), before=3)[0].target == b"/todos?after=9&limit=2"


@pytest.mark.parametrize(
    "asked", [request(target="/todos"), request("POST", "/lists", {}), request("POST", "/todos/search", {})]
)
def test_one_digit_that_nothing_made_there_is_none(asked: Request) -> None:
    bindings = minted({"id": 2}, {"id": 9}, asked)
    later = request(target="/todos/2")
    assert apply(bindings, later, before=2) == (later, [])


@pytest.mark.parametrize("value", ["HQZUVEQM", "042917", "fwscojvrdrcggbsl"])
def test_an_id_of_letters_alone_counts_once_a_request_names_the_thing_by_it(value: str) -> None:
    bindings = minted({"id": value, "name": value}, {"id": "CE964W27", "name": value}, request("POST", "/docs", {}))
    elsewhere = request(target=f"/users/{value}?q={value}")
    assert apply(bindings, elsewhere, before=2) == (elsewhere, [])
    assert apply(bindings, request(target=f"/docs/{value}"), before=3)[0].target == b"/docs/CE964W27"


@pytest.mark.parametrize("value", ["basic", "premium", "PLUS"])
def test_a_word_is_no_id(value: str) -> None:
    bindings = minted({"id": value}, {"id": "gold"}, request("POST", "/plans", {}))
    asked = request(target=f"/plans/{value}")
    assert apply(bindings, asked, before=2) == (asked, [])


def test_eight_hexadecimal_digits_may_happen_to_have_no_letter() -> None:
    bindings = minted({"id": "31686167"}, {"id": "3168a16f"}, request("POST", "/docs", {}))
    assert apply(bindings, request(target="/docs/31686167"), before=2)[0].target == b"/docs/3168a16f"
