from __future__ import annotations

import base64
import gzip
import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from captures.formats.decoding import content_decoded
from captures.model import Exchange, Headers, Response, header
from captures.redacting import hiding, secret_bodies
from captures.redacting.redaction import RedactionPolicy, Redactor, pseudonym
from tests.captures.making import JSON, exchange

KEY = b"k" * 32
TOKEN = "abc123tokenXYZ"


def redacted(one: Exchange, **section: Any) -> Exchange:
    return Redactor(KEY, RedactionPolicy.from_config(section)).exchange(one)


def p(value: str) -> str:
    return pseudonym(KEY, value)


def everything(one: Exchange) -> bytes:
    """Every captured byte of an exchange, content codings off."""
    response = one.response
    sides = [(one.request.headers, one.request.body, one.request.trailers)]
    if response is not None:
        sides.append((response.headers, response.body, response.trailers))
    whole = [one.request.target, json.dumps(dict(one.notes)).encode()]
    for headers, body, trailers in sides:
        whole.extend(value for _, value in (*headers, *trailers))
        whole.append(content_decoded(body, headers))
    return b"\n".join(whole)


def test_nothing_secret_is_the_very_same_object() -> None:
    one = exchange(
        headers=((b"Accept", b"*/*"), *JSON), target=b"/x?q=1", body=b'{"key": 1}', response_body=b"<p>token=1</p>"
    )
    assert redacted(one) is one


def test_one_secret_is_one_pseudonym_wherever_it_stands() -> None:
    login = redacted(
        exchange(body=b'{"user":"bob"}', response_headers=JSON, response_body=f'{{"access_token":"{TOKEN}"}}'.encode())
    )
    form = (b"Content-Type", b"application/x-www-form-urlencoded")
    use = redacted(
        exchange(
            target=f"/x?api_key={TOKEN}".encode(),
            headers=((b"Authorization", f"Bearer {TOKEN}".encode()), (b"Cookie", f"t={TOKEN}".encode()), form),
            body=f"token={TOKEN}".encode(),
            response_headers=((b"Set-Cookie", f"t={TOKEN}; HttpOnly".encode()),),
        )
    )
    new = p(TOKEN)
    assert login.response is not None
    assert login.response.body == f'{{"access_token":"{new}"}}'.encode()
    assert use.request.target == f"/x?api_key={new}".encode()
    assert use.request.headers == (
        (b"Authorization", f"Bearer {new}".encode()),
        (b"Cookie", f"t={new}".encode()),
        form,
    )
    assert use.request.body == f"token={new}".encode()
    assert use.response is not None
    assert use.response.headers == ((b"Set-Cookie", f"t={new}; HttpOnly".encode()),)
    assert use.notes["redacted"] == {
        "request.header authorization": 1,
        "request.header cookie": 1,
        "request.query api_key": 1,
        "response.header set-cookie": 1,
        "request.form token": 1,
    }


def test_only_the_secret_literal_of_a_body_changes() -> None:
    body = b'{ "b" : 1.50,\n "pass\\u0077ord" :"hunter2" , "a":[true, {"x":"\\u00e9", "pin_token": 5}], "token": 1234 }'
    changed = redacted(exchange(headers=JSON, body=body)).request.body
    assert changed == body.replace(b"hunter2", p("hunter2").encode()).replace(b"1234", p("1234").encode())


def test_everything_under_a_secret_member_goes() -> None:
    body = b'{"credentials": {"user": "bob", "keys": ["one", 22, null, true]}, "user": "bob"}'
    value = json.loads(redacted(exchange(headers=JSON, body=body)).request.body)
    assert value == {
        "credentials": {"user": p("bob"), "keys": [p("one"), int(p("22")), None, True]},
        "user": "bob",
    }


@pytest.mark.parametrize("coding", ["gzip", "br", "zstd", "deflate", "gzip, br"])
def test_a_coded_body_is_coded_again(coding: str) -> None:
    from captures.formats.codings import content_encoded

    headers: Headers = ((b"Content-Encoding", coding.encode()), *JSON)
    packed = b"x"
    for name in coding.split(", "):
        packed = content_encoded(
            b'{"token":"abcdefgh"}' if name == coding.split(", ")[0] else packed,
            ((b"Content-Encoding", name.encode()),),
            b"\x78\x9c",
        )
    one = redacted(exchange(response_headers=headers, response_body=packed))
    assert one.response is not None
    assert content_decoded(one.response.body, headers) == f'{{"token":"{p("abcdefgh")}"}}'.encode()


def test_configured_places() -> None:
    one = exchange(
        target=b"/x?session=abc&q=1",
        headers=((b"X-Tenant", b"acme"), *JSON),
        body=b'{"card": {"number": 4111111111111111, "brand": "visa"}, "people": [{"ssn": "078-05-1120"}]}',
    )
    new = redacted(one, headers=["X-Tenant"], query=["session"], json=["$.card.number", "$..ssn"])
    assert new.request.target == f"/x?session={p('abc')}&q=1".encode()
    assert header(new.request.headers, "x-tenant") == p("acme").encode()
    value = json.loads(new.request.body)
    assert value["card"] == {"number": int(p("4111111111111111")), "brand": "visa"}
    assert value["people"] == [{"ssn": p("078-05-1120")}]
    assert redacted(one) is one


def test_a_configured_name_written_with_escapes_is_found() -> None:
    body = json.dumps({"密": "geheim12"}).encode()
    assert b"\\u" in body
    assert json.loads(redacted(exchange(headers=JSON, body=body), json=["$.密"]).request.body) == {"密": p("geheim12")}


def test_kept_names() -> None:
    one = exchange(
        target=b"/?token=abc",
        headers=((b"Cookie", b"lang=en; sid=abc"), (b"X-Api-Key", b"k"), *JSON),
        body=b'{"token":"x"}',
    )
    new = redacted(one, keep=["lang", "token", "X-Api-Key"])
    assert new.request.target == b"/?token=abc"
    assert new.request.headers == ((b"Cookie", f"lang=en; sid={p('abc')}".encode()), (b"X-Api-Key", b"k"), *JSON)
    assert new.request.body == b'{"token":"x"}'


def test_a_kept_authorization_keeps_its_token_too() -> None:
    """A token is a secret by its form in any header, but for those that the user wants kept."""
    token, other = (f"Bearer eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhIn0.{letter * 43}".encode() for letter in "st")
    one = exchange(headers=((b"Authorization", token), (b"X-Other", other)))
    kept, hidden = redacted(one, keep=["authorization"]).request.headers
    assert kept == (b"Authorization", token)
    assert hidden[1] != other


def test_basic_credentials_stay_decodable() -> None:
    new = redacted(exchange(headers=((b"authorization", b"Basic " + base64.b64encode(b"bob:hunter2")),)))
    (value,) = [value for _, value in new.request.headers]
    assert base64.b64decode(value.removeprefix(b"Basic ")) == f"bob:{p('hunter2')}".encode()


def test_echoes_are_found_in_bodies_targets_and_headers() -> None:
    one = exchange(
        target=f"/t/{TOKEN}".encode(),
        headers=((b"Authorization", f"Bearer {TOKEN}".encode()), (b"Host", TOKEN.encode())),
        response_headers=((b"X-Debug", f"token was {TOKEN}".encode()), (b"Content-Type", b"text/html")),
        response_body=f"<p>{TOKEN}</p>".encode(),
        notes={"miss": {"nearest": f"/t/{TOKEN}"}},
    )
    new = redacted(one)
    assert header(new.request.headers, "host") == TOKEN.encode()  # frames the message: never touched
    rest = replace(new, request=replace(new.request, headers=new.request.headers[:1]))
    assert TOKEN.encode() not in everything(rest)
    assert everything(rest).count(p(TOKEN).encode()) == 5


def test_a_secret_of_the_response_is_found_in_the_request_too() -> None:
    one = exchange(
        target=f"/x?q={TOKEN}".encode(), response_headers=JSON, response_body=f'{{"secret":"{TOKEN}"}}'.encode()
    )
    assert redacted(one).request.target == f"/x?q={p(TOKEN)}".encode()


def test_a_short_cookie_is_found_under_its_name() -> None:
    one = exchange(
        target=b"/set?a=b&c=b",
        headers=((b"Cookie", b"a=b"),),
        response_headers=JSON,
        response_body=b'{"cookies": {"a": "b", "c": "b"}, "b": "a"}',
    )
    new = redacted(one)
    b = p("b").encode()
    assert new.request.target == b"/set?a=" + b + b"&c=b"
    assert new.response is not None
    assert new.response.body == b'{"cookies": {"a": "' + b + b'", "c": "b"}, "b": "a"}'


def test_headers_echoed_as_json_are_read_like_headers() -> None:
    body = json.dumps({"headers": {"Authorization": f"Bearer {TOKEN}", "Cookie": "a=b; c=d", "X-Api-Key": "kkk"}})
    new = redacted(exchange(response_headers=JSON, response_body=body.encode()))
    assert new.response is not None
    assert json.loads(new.response.body)["headers"] == {
        "Authorization": f"Bearer {p(TOKEN)}",
        "Cookie": f"a={p('b')}; c={p('d')}",
        "X-Api-Key": p("kkk"),
    }


def test_location_and_trailers() -> None:
    one = exchange(response_headers=((b"Location", b"https://app/cb?state=1&access_token=abc#id_token=def"),))
    assert one.response is not None
    one = replace(one, response=replace(one.response, trailers=((b"X-Auth-Token", b"ttt"),)))
    new = redacted(one)
    assert new.response is not None
    assert new.response.headers == (
        (b"Location", f"https://app/cb?state=1&access_token={p('abc')}#id_token={p('def')}".encode()),
    )
    assert new.response.trailers == ((b"X-Auth-Token", p("ttt").encode()),)


def test_a_url_in_any_header_holds_the_token_of_the_request_it_leads_to() -> None:
    """Kinto's Next-Page: its token is secret by its name, in the request as in the header that gave it."""
    first = redacted(exchange(response_headers=((b"Next-Page", b"http://app/x?_limit=3&_token=eyJhIjoxfQ"),)))
    second = redacted(exchange(target=b"/x?_limit=3&_token=eyJhIjoxfQ"))
    assert first.response is not None
    token = second.request.target.rpartition(b"=")[2]
    assert token != b"eyJhIjoxfQ"
    assert first.response.headers == ((b"Next-Page", b"http://app/x?_limit=3&_token=" + token),)


def test_header_names_order_and_duplicates_stay() -> None:
    lines: Headers = ((b"COOKIE", b"a=1"), (b"x", b"1"), (b"cookie", b"a=1;  b=2"), (b"X", b"1"), (b"Cookie", b""))
    new = redacted(exchange(headers=lines)).request.headers
    assert [name for name, _ in new] == [name for name, _ in lines]
    assert new[2][1].startswith(new[0][1] + b";  b=")


def test_bytes_that_are_no_utf8_are_taken() -> None:
    new = redacted(exchange(headers=((b"X-Api-Key", b"caf\xe9-1"),), target=b"/?token=%ff%fe&x=\xff"))
    assert b"caf\xe9" not in new.request.headers[0][1]
    assert new.request.headers[0][1][3] > 0x7F  # a byte, no character of two
    assert new.request.target.endswith(b"&x=\xff")


def test_what_should_be_searched_and_cannot_be_is_not_kept() -> None:
    for headers, body in [
        (JSON, b'{"password": "hunter2'),
        (JSON, b'{"password": "hunter2"} trailing'),
        (JSON, b'{"a":"\xff", "token": "hunter2"}'),
        ((*JSON, (b"Content-Encoding", b"gzip")), b'{"password": "hunter2"}'),
        (
            ((b"Content-Type", b"multipart/form-data; boundary=B"),),
            b'--B\r\nContent-Disposition: form-data; name="password"\r\n\r\nhunter2',
        ),
    ]:
        new = redacted(exchange(headers=headers, body=body, response_body=b"fine"))
        assert new.request.body == b""
        assert new.body_truncated
        (reason,) = new.notes["unscannable"]
        assert reason.startswith(("request.body: declared ", "request.body: content coding: "))
        assert "hunter2" not in reason
        assert new.response is not None
        assert new.response.body == b"fine"


@pytest.mark.parametrize("body", [b"<html>invalid token</html>", b'{"a": "token', b"nothing", b'{"a":1}{"b":2}'])
def test_broken_json_that_names_no_secret_is_kept(body: bytes) -> None:
    one = exchange(headers=JSON, body=body)
    assert redacted(one) is one


def test_what_was_a_pseudonym_before_is_left() -> None:
    recorded = redacted(
        exchange(
            headers=((b"Cookie", b"sid=secret-1; n=1"),),
            response_headers=JSON,
            response_body=f'{{"token":"{TOKEN}"}}'.encode(),
        )
    )
    redactor = Redactor(KEY)
    redactor.leave(recorded)
    assert redactor.exchange(recorded) is recorded
    fresh = redactor.exchange(
        exchange(headers=((b"Authorization", b"Bearer " + p(TOKEN).encode()), (b"Cookie", b"sid=fresh-22")))
    )
    assert fresh.request.headers == (
        (b"Authorization", b"Bearer " + p(TOKEN).encode()),
        (b"Cookie", f"sid={p('fresh-22')}".encode()),
    )


def test_trouble_inside_closes_the_exchange(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("hunter2")

    monkeypatch.setattr(secret_bodies.BodyRedactor, "search", broken)
    one = exchange(
        target=b"/?token=hunter2",
        headers=((b"Cookie", b"hunter2"),),
        body=b"hunter2",
        response_body=b"hunter2",
        notes={"a": "hunter2"},
    )
    new = redacted(one)
    assert b"hunter2" not in everything(new)
    assert new.body_truncated
    assert new.notes == {"unscannable": ["redaction failed: ZeroDivisionError"]}
    assert (new.id, new.request.method, new.timing) == (one.id, one.request.method, one.timing)


SECRET = "S3cr3t-Value-0001"
BODIES = [
    (b"application/json", json.dumps({"a": [{"client_secret": SECRET}]}).encode()),
    (b"application/x-www-form-urlencoded", f"a=1&password={SECRET}".encode()),
    (
        b"multipart/form-data; boundary=B",
        f'--B\r\nContent-Disposition: form-data; name="token"\r\n\r\n{SECRET}\r\n--B--'.encode(),
    ),
    (b"application/x-ndjson", f'{{"a":1}}\n{{"token":"{SECRET}"}}\n'.encode()),
    (b"text/plain", f"key: {SECRET}".encode()),
    (b"", f'[{{"token": "{SECRET}"}}]'.encode()),
]


@given(
    request=st.sampled_from(BODIES),
    response=st.sampled_from(BODIES),
    packed=st.booleans(),
    names=st.lists(st.sampled_from([b"Authorization", b"cookie", b"X-API-KEY", b"X-Other"]), min_size=1, max_size=4),
)
def test_no_byte_of_a_secret_is_left(
    request: tuple[bytes, bytes], response: tuple[bytes, bytes], packed: bool, names: list[bytes]
) -> None:
    bearer = (b"Proxy-Authorization", b"Bearer " + SECRET.encode())
    headers = (*((name, b"v=" + SECRET.encode()) for name in names), bearer, (b"Content-Type", request[0]))
    answered: Headers = ((b"Content-Type", response[0]), *(((b"Content-Encoding", b"gzip"),) if packed else ()))
    body = gzip.compress(response[1]) if packed else response[1]
    new = redacted(
        exchange(
            target=b"/?access_token=" + SECRET.encode(),
            headers=headers,
            body=request[1],
            response_headers=answered,
            response_body=body,
        )
    )
    assert SECRET.encode() not in everything(new)
    assert not new.body_truncated


NAMES = st.sampled_from([b"Content-Type", b"Content-Encoding", b"Cookie", b"Authorization", b"Location"])


@given(st.binary(max_size=200), st.lists(st.tuples(NAMES, st.binary(max_size=40)), max_size=4), st.binary(max_size=60))
def test_never_raises_and_never_closes_by_trouble(
    body: bytes, headers: list[tuple[bytes, bytes]], target: bytes
) -> None:
    one = exchange(
        target=target, headers=tuple(headers), body=body, response_headers=tuple(headers), response_body=body
    )
    new = redacted(one)
    assert not any("redaction failed" in reason for reason in new.notes.get("unscannable", ()))


@pytest.mark.parametrize("value", ["a%20b", "17", "short", "Plainword12", "two+words+more", "a" * 11])
def test_a_field_known_to_be_harmless_stays_and_is_still_looked_at(value: str) -> None:
    redactor = Redactor(KEY)
    plain = exchange(target=f"/x?n={value}&m=1".encode())
    assert redactor.exchange(plain) is plain
    assert redactor.exchange(plain) is plain
    jwt = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJl"
    for secret in (jwt, f"https%3A%2F%2Fann:{TOKEN}@shop", "eyJhbGciOiJIUzI1NiJ9%2EeyJzdWIiOiIxMjM0In0%2Ec2lnbmF0dXJl"):
        assert redactor.exchange(exchange(target=f"/x?n={secret}".encode())).request.target != f"/x?n={secret}".encode()
    cookie = exchange(target=f"/x?n={value}".encode(), headers=((b"Cookie", f"n={value}".encode()),))
    assert redactor.exchange(cookie) == Redactor(KEY).exchange(cookie)


def test_a_recorded_pseudonym_that_was_forgotten_is_replaced_like_a_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hiding, "_ISSUED", 2)
    redactor = Redactor(KEY)
    for number in (1, 2, 1, 3):
        redactor.leave(exchange(target=f"/x?token=pseudonym-{number}".encode()))
    kept = [exchange(target=f"/x?token=pseudonym-{number}".encode()) for number in (1, 3)]
    assert [redactor.exchange(one) for one in kept] == kept
    assert redactor.exchange(exchange(target=b"/x?token=pseudonym-2")).request.target != b"/x?token=pseudonym-2"


def test_content_length_follows_a_body_that_has_another_length() -> None:
    body = b'{"mail": "ada@shop.io"}'
    told: Headers = ((b"content-LENGTH", b"%d" % len(body)), *JSON)
    new = redacted(exchange(headers=told, body=body, response_headers=told, response_body=body))
    assert new.response is not None
    for message in (new.request, new.response):
        assert len(message.body) != len(body)
        assert message.headers == ((b"content-LENGTH", b"%d" % len(message.body)), *JSON)
    other: Headers = ((b"Content-Length", b"99"), *JSON)  # of a body that was cut off
    assert redacted(exchange(headers=other, body=body)).request.headers == other


def test_what_is_secret_in_a_place_is_not_in_the_notes() -> None:
    new = redacted(exchange(headers=JSON, body=b'{"ada@shop.io": {"token": "abcdefgh"}}', target=b"/?ada%40shop.io=1"))
    assert new.notes["redacted"] == {
        "request.query name (email)": 1,
        "request.body $['<email>'].token": 1,
        "request.body text (email)": 1,
    }


def test_a_reason_phrase_is_searched() -> None:
    response = Response(404, reason=b"No customer ada@shop.io here")
    new = redacted(exchange(response=response)).response
    assert new is not None
    assert b"ada@shop.io" not in new.reason
    assert new.reason.startswith(b"No customer ")


def test_a_secret_that_was_met_is_known_in_a_later_path() -> None:
    redactor = Redactor(KEY)
    first = redactor.exchange(
        exchange(response_headers=JSON, response_body=f'{{"invite_token":"{TOKEN}9q7w5e1"}}'.encode())
    )
    later = redactor.exchange(exchange(target=f"/invites/{TOKEN}9q7w5e1/accept".encode()))
    assert first.response is not None
    assert later.request.target.split(b"/")[2] in first.response.body
    assert TOKEN.encode() not in later.request.target
