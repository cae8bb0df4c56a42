"""What a stranger found in a capture, row by row: none of it may come back."""

from __future__ import annotations

import base64
import gzip
import json
import time
from typing import Any

import pytest

from captures.model import Exchange, Headers, header
from captures.redacting.redaction import RedactionPolicy, Redactor, pseudonym
from tests.captures.making import JSON, exchange
from tests.captures.test_redaction import everything
from tests.corpus import each

KEY = b"k" * 32
SECRET = "S3cr3t-Value-0001"
PAYLOAD = base64.urlsafe_b64encode(b'{"sub":"bob-the-builder","exp":1}').rstrip(b"=").decode()
JWT = f"eyJhbGciOiJIUzI1NiJ9.{PAYLOAD}.c2lnbmF0dXJlLWJ5dGVz"
FORM: Headers = ((b"Content-Type", b"application/x-www-form-urlencoded"),)
PLAIN: Headers = ((b"Content-Type", b"text/plain"),)
EVENTS: Headers = ((b"Content-Type", b"text/event-stream; charset=utf-8"),)
PARTS: Headers = ((b"Content-Type", b"multipart/form-data; boundary=B"),)
BASIC = base64.b64encode(f"bob:{SECRET}".encode()).decode()


def redacted(one: Exchange, **section: Any) -> Exchange:
    return Redactor(KEY, RedactionPolicy.from_config(section)).exchange(one)


def part(disposition: str, content: str = SECRET) -> bytes:
    return f"--B\r\nContent-Disposition: form-data; {disposition}\r\n\r\n{content}\r\n--B--\r\n".encode()


def nested(value: Any, times: int) -> bytes:
    text = json.dumps(value)
    for _ in range(times):
        text = json.dumps({"Message": text, "id": 1})
    return text.encode()


@each(
    "name",
    ["Session-Token", "X-Acme-Token", "x_acme_token", "X-Auth", "X-Access-Key", "Stripe-Key", "X-Subscription-Key",
     "Api_Key", "Jwt", "X-Jwt", "Grpc-Metadata-Authorization", "X-Session-Id",
     "X-Secret-Thing", "X-Webhook-Secret"],
)  # fmt: skip
def test_headers_by_name(name: str) -> None:
    value = f"Bearer {SECRET}" if name.endswith("Authorization") else SECRET
    assert SECRET.encode() not in everything(redacted(exchange(headers=((name.encode(), value.encode()),))))


@each(
    ("name", "value"),
    [("X-Forwarded-Uri", f"/a?token={SECRET}"), ("X-Original-Uri", f"/a?user%5Bpassword%5D={SECRET}"),
     ("Sec-WebSocket-Protocol", f"chat, bearer, {SECRET}"),
     ("Sec-WebSocket-Protocol", f"base64url.bearer.authorization.k8s.io.{SECRET}"),
     ("Location", f"https://bob:{SECRET}@h/"), ("Location", f"/cb?code={SECRET}&state=1"),
     ("X-Debug", f"Bearer {SECRET}"), ("X-User", JWT)],
)  # fmt: skip
def test_headers_by_what_they_hold(name: str, value: str) -> None:
    whole = everything(redacted(exchange(headers=((name.encode(), value.encode()),))))
    assert SECRET.encode() not in whole
    assert JWT.encode() not in whole


@pytest.mark.parametrize(
    "name", ["X-Request-Id", "Traceparent", "Idempotency-Key", "X-Correlation-Id", "X-Next-Page-Token", "X-Author"]
)
def test_headers_that_stay(name: str) -> None:
    one = exchange(headers=((name.encode(), SECRET.encode()), (b"Sec-WebSocket-Protocol", b"graphql-ws, chat")))
    assert redacted(one) is one


NAMES = [
    "user[password]", "user%5Bpassword%5D", "login[password]", "user[token]", "auth.password",
    "user[tokens][0][secret]", "session_id", "sessionid", "sid", "secret_token", "auth_token_v2", "password2",
    "old_password_hash", "private_key_pem", "webhook_secret", "device_token", "sig", "signature", "subscription-key",
    "session", "auth", "pass", "assertion",
]  # fmt: skip


@each("name", NAMES)
def test_fields_by_name(name: str) -> None:
    plain = name.replace("%5B", "[").replace("%5D", "]")
    pair = f"a=1&{name}={SECRET}".encode()
    for one in (
        exchange(target=b"/x?" + pair),
        exchange(headers=FORM, body=pair),
        exchange(body=pair),
        exchange(headers=PLAIN, body=pair),
        exchange(headers=JSON, body=json.dumps({"a": {plain: SECRET}}).encode()),
        exchange(headers=PLAIN, body=json.dumps({"a": {plain: SECRET}}).encode()),
        exchange(headers=EVENTS, body=b"event: x\ndata: " + json.dumps({plain: SECRET}).encode() + b"\n\n"),
        exchange(headers=JSON, body=json.dumps([{"name": plain, "value": SECRET}]).encode()),
        exchange(headers=JSON, body=json.dumps({"next": f"https://h/?a=1&{name}={SECRET}"}).encode()),
        exchange(headers=PARTS, body=part(f'name="{plain}"')),
        exchange(headers=JSON, body=nested({plain: SECRET}, 1)),
        exchange(headers=JSON, body=nested({plain: SECRET}, 2)),
    ):
        new = redacted(one)
        assert SECRET.encode() not in everything(new), one.request
        assert pseudonym(KEY, SECRET).encode() in everything(new)
        assert not new.body_truncated
        again = Redactor(KEY)
        again.leave(new)
        assert again.exchange(new) is new  # a replay sends it as it was recorded


@pytest.mark.parametrize(
    "value",
    [{"id": SECRET, "key": SECRET, "code": SECRET, "session": "open", "auth": "none", "pass": 12, "tokens": 1234567890},
     {"password_reset_required": "yes", "passwordChangedAt": "2024-01-31T00:00:00Z", "plan": "Basic subscription"},
     {"sid": "12", "side": "left", "signature": "present", "text": "a Bearer token is needed"},
     {"name": "password rules", "value": SECRET}, {"home": "https://example.com/a@b?page=2"}],
)  # fmt: skip
def test_what_stays_in_json(value: Any) -> None:
    one = exchange(headers=JSON, body=json.dumps(value).encode())
    assert redacted(one) is one


def test_lists_and_objects_of_secrets() -> None:
    body = json.dumps({"secrets": {"a": [SECRET]}, "tokens": [SECRET, "abc"]}).encode()
    assert SECRET.encode() not in redacted(exchange(headers=JSON, body=body)).request.body


@pytest.mark.parametrize(
    ("query", "hidden"),
    [("key=AIzaSyD4ysecret0001", True), ("key=uploads", False), ("key=uploads/2024/cat-pictures.png", False),
     ("code=4%2F0AX4XfWh&state=1", True), ("code=4%2F0AX4XfWh", False)],
)  # fmt: skip
def test_parameters_that_are_secret_by_their_neighbours(query: str, hidden: bool) -> None:
    new = redacted(exchange(target=f"/x?{query}".encode())).request.target.decode()
    assert (query.split("&")[0] not in new) is hidden


@pytest.mark.parametrize("headers", [JSON, PLAIN, FORM, EVENTS, PARTS, ()])
@each("value", [f"Bearer {SECRET}", f"Basic {BASIC}", JWT, f"postgres://user:{SECRET}@db/x"])
def test_credentials_by_their_form(headers: Headers, value: str) -> None:
    body = json.dumps({"a": [value]}).encode() if headers in (JSON, ()) else f"seen {value} here".encode()
    if headers == FORM:
        body = b"a=" + value.replace(" ", "+").encode()
    if headers == PARTS:
        body = part("name=x", value)
    one = exchange(headers=headers, body=body, target=b"/x?q=" + value.replace(" ", "%20").encode())
    new = redacted(one)
    again = Redactor(KEY)
    again.leave(new)
    assert again.exchange(new) is new
    whole = everything(new)
    for secret in (SECRET, BASIC, JWT):
        assert secret.encode() not in whole


def test_a_url_with_escaped_slashes() -> None:
    body = rf'{{"u":"redis:\/\/:{SECRET}@h"}}'.encode()
    assert SECRET.encode() not in redacted(exchange(headers=JSON, body=body)).request.body


def test_json_in_json_stays_json() -> None:
    body = nested({"password": 'q"uo\\te-1', "n": 1.50}, 2)
    new = redacted(exchange(headers=JSON, body=body)).request.body
    inner = json.loads(json.loads(json.loads(new)["Message"])["Message"])
    assert inner == {"password": pseudonym(KEY, 'q"uo\\te-1'), "n": 1.5}


def test_the_encoded_form_of_basic_credentials_is_found_too() -> None:
    one = exchange(
        target=f"/x?a={BASIC.rstrip('=')}".encode(),
        headers=((b"Authorization", f"Basic {BASIC}".encode()), (b"X-Seen", BASIC.encode()), *PLAIN),
        body=f"got {BASIC}".encode(),
        response_headers=((b"Content-Type", b"text/html"),),
        response_body=f"<p>{BASIC}</p>".encode(),
    )
    whole = everything(redacted(one))
    assert BASIC.rstrip("=").encode() not in whole


def test_a_cookie_header_as_a_whole_is_found() -> None:
    line = b"sid=abc; theme=q1"
    new = redacted(exchange(headers=((b"Cookie", line),), response_headers=PLAIN, response_body=b"Cookie: " + line))
    assert line not in everything(new)


def test_short_passwords_are_found_where_they_stand_alone() -> None:
    one = exchange(
        headers=FORM, body=b"password=hunter2", response_headers=PLAIN, response_body=b"bad: hunter2, not hunter22"
    )
    new = redacted(one).response
    assert new is not None
    assert new.body == f"bad: {pseudonym(KEY, 'hunter2')}, not hunter22".encode()
    login = (b"Authorization", b"Basic " + base64.b64encode(b"bob:hunter2"))
    assert b"hunter2" not in everything(redacted(exchange(headers=(login, *PLAIN), body=b"hunter2?")))


def test_parts_that_are_files_or_named_in_the_extended_notation() -> None:
    for disposition in ('name="private_key"; filename="id"', "name*=UTF-8''api%5Fkey"):
        new = redacted(exchange(headers=PARTS, body=part(disposition)))
        assert SECRET.encode() not in new.request.body
        assert not new.body_truncated
    assert redacted(exchange(headers=PARTS, body=part('name="token"; filename="f"', "x" * 70_000))).body_truncated


@pytest.mark.parametrize(
    "body",
    [gzip.compress(json.dumps({"password": SECRET}).encode(), mtime=0), b"\x93\xfe\x00\x01" + SECRET.encode(),
     f"{{'password': '{SECRET}'}}".encode(), f"{{password: '{SECRET}'}}".encode()],
)  # fmt: skip
def test_what_is_declared_json_and_cannot_be_read_is_not_kept(body: bytes) -> None:
    new = redacted(exchange(headers=JSON, body=body))
    assert new.request.body == b""
    assert new.body_truncated
    assert new.notes["unscannable"]


def test_old_charsets_that_name_no_secret_are_kept() -> None:
    one = exchange(headers=JSON, body='{"name": "café"}'.encode("latin-1"))
    assert redacted(one) is one


def test_kept_names_are_kept_inside_too() -> None:
    one = exchange(target=f"/x?user[password]={SECRET}".encode(), headers=JSON, body=nested({"password": SECRET}, 1))
    assert redacted(one, keep=["password"]) is one
    assert header(redacted(one).request.headers, "content-type") == b"application/json"


@pytest.mark.parametrize(
    "text", [";" * 200_000, "://" + "a:" * 100_000, "eyJ" * 70_000, "?a" * 100_000, "Bearer " * 30_000]
)
@pytest.mark.parametrize("headers", [JSON, PLAIN])
@pytest.mark.slow
def test_hostile_text_costs_little(headers: Headers, text: str) -> None:
    body = f"{text} x@y = eyJ".encode()
    if headers == JSON:
        body = json.dumps({"password": SECRET, "a": body.decode()}).encode()
    started = time.process_time()
    redacted(exchange(headers=headers, body=body))
    assert time.process_time() - started < 12  # quadratic would be minutes


def test_a_csrf_token_stays_with_the_page_that_shows_it_and_goes_with_the_cookie_that_holds_it() -> None:
    form = (b"Content-Type", b"application/x-www-form-urlencoded")
    body = f"csrf_token={SECRET}&name=a".encode()
    assert redacted(exchange(headers=(form, (b"X-CSRF-Token", SECRET.encode())), body=body)).request.body == body
    double = redacted(exchange(headers=(form, (b"Cookie", f"csrf={SECRET}".encode())), body=body))
    assert SECRET.encode() not in everything(double)
    stand_in = (header(double.request.headers, "cookie") or b"").removeprefix(b"csrf=")
    assert double.request.body == b"csrf_token=" + stand_in + b"&name=a"


def test_a_token_in_the_name_of_a_header() -> None:
    token = "ghp_" + "a1B2" * 9
    new = redacted(exchange(headers=((token.encode(), b"1"), (b"Accept", b"*/*"))))
    assert token.encode() not in b"".join(name for name, _ in new.request.headers)
    assert new.request.headers[1] == (b"Accept", b"*/*")
    assert list(new.notes["redacted"]) == ["request.header name (token)"]


@pytest.mark.parametrize("lead", [b"", b"\0\0\0\0\x14\x0a\x12ada.lovelace@b.exam", b"\x12\x03abc\x1a\x05hello"])
def test_strings_of_a_binary_message_wherever_they_begin(lead: bytes) -> None:
    token = "ghp_" + "a1B2" * 9
    long = f"{'x y ' * 40}{token} {'z ' * 20}"
    for text in (token, long):
        size = bytes((len(text),)) if len(text) < 128 else bytes((len(text) & 127 | 128, len(text) >> 7))
        body = lead + b"\0\0\0\0\x2a\x0a" + size + text.encode()
        new = redacted(exchange(headers=((b"Content-Type", b"application/grpc"),), body=body)).request.body
        assert token.encode() not in new
        assert len(new) == len(body)
