from __future__ import annotations

import gzip
import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from captures.model import Exchange, Headers, Response
from captures.redacting import secret_bodies
from captures.redacting.redaction import RedactionPolicy, Redactor, pseudonym
from tests.captures.making import JSON, exchange

KEY = b"k" * 32
SECRET = "sk4live9Zq81kXw2"
BODY = b'{"name": "a thing", "id": 17}'
DATE = ((b"Date", b"Sun, 29 Nov 2026 20:00:00 GMT"),)


def pair() -> tuple[Exchange, Exchange]:
    """A recorded exchange without a secret, and its replay, which is equal but for a date."""
    recorded = exchange(
        target=b"/things/17?page=1",
        headers=((b"Accept", b"*/*"),),
        body=b'{"a": 1}',
        response_headers=JSON,
        response_body=BODY,
    )
    assert recorded.response is not None
    return recorded, replace(recorded, response=replace(recorded.response, headers=(*DATE, *JSON)))


def everything(one: Exchange) -> bytes:
    response = one.response or Response(0)
    headers = (*one.request.headers, *one.request.trailers, *response.headers, *response.trailers)
    bodies = [one.request.target, one.request.body, response.body]
    return b"\n".join([*bodies, *(value for _, value in headers)])


def test_what_is_equal_is_not_searched_again(monkeypatch: pytest.MonkeyPatch) -> None:
    recorded, live = pair()
    redactor = Redactor(KEY)
    left = redactor.leave(recorded)

    def never(*_: object) -> None:
        raise AssertionError("it was searched")

    monkeypatch.setattr(secret_bodies.BodyRedactor, "search", never)
    assert redactor.exchange(live, left) is live


def with_response(one: Exchange, **changes: object) -> Exchange:
    assert one.response is not None
    return replace(one, response=replace(one.response, **changes))  # type: ignore[arg-type]


_S = SECRET.encode()
TOKEN = b'{"name": "a thing", "token": "' + _S + b'"}'


@pytest.mark.parametrize(
    "newly",
    [
        pytest.param(lambda one: with_response(one, body=TOKEN), id="response body"),
        pytest.param(lambda one: with_response(one, headers=(*JSON, (b"Set-Cookie", b"sid=" + _S))), id="cookie"),
        pytest.param(lambda one: with_response(one, headers=(*JSON, (b"X-Api-Key", _S))), id="header by name"),
        pytest.param(lambda one: with_response(one, headers=(*JSON, (b"Note", b"Bearer " + _S))), id="header by form"),
        pytest.param(lambda one: with_response(one, headers=(*JSON, (b"Next", b"/x?token=" + _S))), id="url in header"),
        pytest.param(lambda one: with_response(one, trailers=((b"X-Api-Key", _S),)), id="response trailer"),
        pytest.param(
            lambda one: replace(one, request=replace(one.request, target=b"/things/17?token=" + _S)), id="target"
        ),
        pytest.param(lambda one: replace(one, request=replace(one.request, body=TOKEN, headers=JSON)), id="request"),
        pytest.param(
            lambda one: replace(one, request=replace(one.request, headers=((b"Authorization", b"Bearer " + _S),))),
            id="request header",
        ),
        pytest.param(
            lambda one: replace(one, request=replace(one.request, trailers=((b"X-Api-Key", _S),))),
            id="request trailer",
        ),
    ],
)
def test_a_secret_that_is_new_in_one_place_is_replaced_there_and_in_what_stayed_equal(newly: object) -> None:
    recorded, live = pair()
    recorded = with_response(recorded, body=b'{"seen": "' + _S + b'"}')  # under no name, so it was not known for one
    live = newly(with_response(live, body=b'{"seen": "' + _S + b'"}'))  # type: ignore[operator]
    redactor = Redactor(KEY)
    written = redactor.exchange(live, redactor.leave(recorded))
    assert SECRET.encode() not in everything(written)
    assert pseudonym(KEY, SECRET).encode() in everything(written)
    assert written == Redactor(KEY).exchange(live)


def test_the_real_secret_in_the_place_of_its_pseudonym_is_replaced() -> None:
    live = exchange(response_headers=JSON, response_body=TOKEN)
    recorded = Redactor(KEY).exchange(live)
    assert recorded.response is not None
    assert SECRET.encode() not in recorded.response.body
    redactor = Redactor(KEY)
    written = redactor.exchange(live, redactor.leave(recorded))
    assert written.response == recorded.response
    again = redactor.exchange(recorded, redactor.leave(recorded))
    assert again is recorded


@pytest.mark.parametrize(
    "about",
    [
        ((b"Content-Type", b"application/json"),),
        ((b"content-TYPE", b"application/x-www-form-urlencoded"), (b"X", b"1")),
    ],
)
def test_equal_bytes_that_are_read_another_way_are_searched(about: Headers) -> None:
    body = TOKEN if b"json" in about[0][1] else b"token=" + _S
    css: Headers = ((b"Content-Type", b"text/css"),)
    recorded = exchange(response_headers=css, response_body=body)
    redactor = Redactor(KEY)
    left = redactor.leave(recorded)
    assert redactor.exchange(recorded, left) is recorded
    written = redactor.exchange(exchange(response_headers=about, response_body=body), left)
    assert SECRET.encode() not in everything(written)


def test_equal_bytes_with_a_content_coding_that_was_not_there_are_searched() -> None:
    packed = gzip.compress(TOKEN, mtime=0)
    plain: Headers = ((b"Content-Type", b"application/octet-stream"),)
    coded: Headers = ((b"Content-Type", b"application/json"), (b"Content-Encoding", b"gzip"))
    redactor = Redactor(KEY)
    left = redactor.leave(exchange(response_headers=plain, response_body=packed))
    live = exchange(response_headers=coded, response_body=packed)
    written = redactor.exchange(live, left)
    assert written.response is not None
    assert SECRET.encode() not in gzip.decompress(written.response.body)


def test_given_secrets_are_looked_for_in_what_is_equal_too() -> None:
    recorded, _ = pair()
    live = recorded = with_response(recorded, body=b'{"seen": "' + _S + b'"}')
    redactor = Redactor(KEY)
    left = redactor.leave(recorded)
    redactor.hide([SECRET])
    assert SECRET.encode() not in everything(redactor.exchange(live, left))


def test_an_answer_where_none_was_recorded_is_searched() -> None:
    recorded, live = pair()
    redactor = Redactor(KEY)
    left = redactor.leave(replace(recorded, response=None))
    assert SECRET.encode() not in everything(redactor.exchange(with_response(live, body=TOKEN), left))


def test_of_a_recording_that_cannot_be_searched_nothing_is_known() -> None:
    broken = exchange(response_headers=JSON, response_body=b'{"token": "half')
    redactor = Redactor(KEY)
    assert redactor.leave(broken) is None
    assert redactor.exchange(broken, None).body_truncated


def test_trouble_with_what_is_new_closes_the_exchange(monkeypatch: pytest.MonkeyPatch) -> None:
    recorded, live = pair()
    redactor = Redactor(KEY)
    left = redactor.leave(recorded)

    def broken(*_: object) -> None:
        raise ZeroDivisionError(SECRET)

    monkeypatch.setattr(secret_bodies.BodyRedactor, "search", broken)
    written = redactor.exchange(with_response(live, body=TOKEN), left)
    assert written.notes == {"unscannable": ["redaction failed: ZeroDivisionError"]}
    assert SECRET.encode() not in everything(written)


def test_a_body_known_to_be_without_secrets_is_searched_for_a_cookie_of_its_exchange() -> None:
    body = b'{"flavour": "' + _S + b'"}'
    redactor = Redactor(KEY)
    plain = exchange(response_headers=JSON, response_body=body)
    assert redactor.exchange(plain) is plain
    assert redactor.exchange(plain) is plain
    with_cookie = exchange(headers=((b"Cookie", b"flavour=" + _S),), response_headers=JSON, response_body=body)
    assert SECRET.encode() not in everything(redactor.exchange(with_cookie))


def test_a_body_known_to_be_without_secrets_is_searched_when_it_is_read_another_way() -> None:
    redactor = Redactor(KEY)
    css = exchange(response_headers=((b"Content-Type", b"text/css"),), response_body=TOKEN)
    assert redactor.exchange(css) is css
    read = exchange(response_headers=JSON, response_body=TOKEN)
    assert SECRET.encode() not in everything(redactor.exchange(read))


_WORDS = st.sampled_from([SECRET, "other8Fz11Kq04", "a thing", "17"])
_NAMES = st.sampled_from(["token", "name", "n", "password"])
_LINES = st.lists(
    st.sampled_from(
        [
            *JSON,
            *DATE,
            (b"Content-Type", b"text/plain"),
            (b"Cookie", f"n={SECRET}".encode()),
            (b"Authorization", f"Bearer {SECRET}".encode()),
            (b"X-Note", f"see {SECRET}".encode()),
            (b"Location", b"/x?token=other8Fz11Kq04"),
        ]
    ),
    max_size=3,
).map(tuple)
_BODIES = st.dictionaries(_NAMES, _WORDS, max_size=3).map(lambda value: json.dumps(value).encode())
_EXCHANGES = st.builds(
    lambda headers, body, response_headers, response_body, word: exchange(
        target=f"/x?n={word.replace(' ', '+')}".encode(),
        headers=headers,
        body=body,
        response_headers=response_headers,
        response_body=response_body,
    ),
    _LINES, _BODIES, _LINES, _BODIES, _WORDS,
)  # fmt: skip


@given(recorded=_EXCHANGES, other=_EXCHANGES, parts=st.lists(st.booleans(), min_size=5, max_size=5))
@pytest.mark.slow
def test_to_know_the_recorded_one_changes_nothing(recorded: Exchange, other: Exchange, parts: list[bool]) -> None:
    assert recorded.response is not None
    assert other.response is not None
    live = replace(
        recorded,
        request=replace(
            recorded.request,
            target=(recorded if parts[0] else other).request.target,
            headers=(recorded if parts[1] else other).request.headers,
            body=(recorded if parts[2] else other).request.body,
        ),
        response=replace(
            recorded.response,
            headers=(recorded.response if parts[3] else other.response).headers,
            body=(recorded.response if parts[4] else other.response).body,
        ),
    )
    knowing, asking = Redactor(KEY, RedactionPolicy()), Redactor(KEY, RedactionPolicy())
    left = knowing.leave(recorded)
    asking.leave(recorded)
    assert knowing.exchange(live, left) == asking.exchange(live)
