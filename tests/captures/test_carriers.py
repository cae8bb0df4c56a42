"""Secrets by every carrier a stranger thought of, and what looks like one and is ordinary."""

from __future__ import annotations

import base64
import time
from dataclasses import replace

import pytest

from captures.model import Direction, Exchange, Headers, Message, Request, Response, Timing
from captures.redacting.redaction import Redactor, fingerprint
from captures.redacting.scanning import redacted_again
from captures.redacting.secret_messages import message_redactor
from tests.corpus import each

SECRET = "Zq7fakeSECRET91x"
KEY = b"0123456789abcdef0123"


def exchange(
    target: str = "/x", sent: Headers = (), body: bytes = b"", received: Headers = (), answer: bytes = b""
) -> Exchange:
    request = Request("POST", "http", "shop.test", 80, target.encode(), headers=sent, body=body)
    return Exchange(1, Direction.INBOUND, request, Timing(0.0), response=Response(200, headers=received, body=answer))


def typed(kind: str) -> Headers:
    return ((b"Content-Type", kind.encode()),) if kind else ()


def redacted(kind: str, body: str) -> str:
    new = Redactor(KEY).exchange(exchange(sent=typed(kind), body=body.encode()))
    assert "unscannable" not in new.notes
    return new.request.body.decode()


@each(
    "target",
    [
        "/x;jsessionid=SECRET?a=1",
        "/x#access_token=SECRET",
        "/x?PHPSESSID=SECRET",
        "/x?reset_token=SECRET",
        "/x?inviteToken=SECRET",
        "/x?code_verifier=SECRET",
        "/x?next=https%253A%252F%252Fh%252Fcb%253Faccess_token%253DSECRET",
        "/graphql?query=mutation%7Blogin(password%3A%22SECRET%22)%7D",
        "http://bob:SECRET@shop.test/x",
    ],
)
def test_targets(target: str) -> None:
    new = Redactor(KEY).exchange(exchange(target.replace("SECRET", SECRET)))
    assert SECRET.encode() not in new.request.target


def test_a_bot_in_a_path() -> None:
    token = "12345678:AA" + "abcdefghij0123456789ABCDEFGHIJ-_x"
    assert token.encode() not in Redactor(KEY).exchange(exchange(f"/bot{token}/sendMessage")).request.target


@each(
    ("name", "value"),
    [
        ("X-Sentry-Auth", "Sentry sentry_version=7, sentry_key=SECRET"),
        ("X-WSSE", 'UsernameToken Username="bob", PasswordDigest="SECRET"'),
        ("AuthToken", "SECRET"),
        ("X-OTP", "SECRET"),
        ("Cookie2", "sid=SECRET"),
        ("Authorization", "ApiKey realm=x SECRET"),
        ("Authorization", "Custom a=b c SECRET"),
        ("Set-Cookie", "a=1; Expires=Wed, 21 Oct 2026 07:28:00 GMT; Path=/, session=SECRET; HttpOnly"),
        ("Location", "https://h/x;jsessionid=SECRET"),
    ],
)
def test_headers(name: str, value: str) -> None:
    sent = ((name.encode(), value.replace("SECRET", SECRET).encode()),)
    assert SECRET.encode() not in Redactor(KEY).exchange(exchange(sent=sent)).request.headers[0][1]


@each(
    ("kind", "body"),
    [
        ("text/plain", "login failed: password=SECRET"),
        ("application/yaml", "db:\n  password: SECRET\n"),
        ("application/octet-stream", "a=b&password=SECRET"),
        ("application/octet-stream", "DB_PASSWORD=SECRET\nA=b"),
        ("application/octet-stream", '{"credentials": {"a": "SECRET"}}'),
        ("application/vnd.acme.thing", "<a><password>SECRET</password></a>"),
        ("text/plain", "<a><password>SECRET</password></a>"),
        ("", "<a><password>SECRET</password></a>"),
        ("application/x-www-form-urlencoded", '{"password":"SECRET"}'),
        ("application/x-www-form-urlencoded", "<a><password>SECRET</password></a>"),
        ("application/x-www-form-urlencoded", "a=1\npassword=SECRET"),
        ("application/json", "<html><p>password=SECRET</p></html>"),
        ("application/json", "<a><password>SECRET</password></a>"),
        ("application/xml", '{"credentials": {"a": "SECRET"}}'),
        ("text/event-stream", 'data: {"token":\ndata: "SECRET"}\n\n'),
        ("text/event-stream", 'event: a\rdata: {"token":"SECRET"}\r\r'),
        ("application/soap+xml", "<body>&lt;password&gt;SECRET&lt;/password&gt;</body>"),
        ("text/xml", "<member><name>password</name><value><string>SECRET</string></value></member>"),
        ("text/xml", "<dict><key>password</key><string>SECRET</string></dict>"),
        ("text/html", '<a href="/x?a=1&amp;token=SECRET">'),
        ("text/html", "<p>Password: SECRET</p>"),
        ("application/json", r'{"query": "mutation { login(user: \"a\", password: \"SECRET\") { ok } }"}'),
        ("application/json", '{"message": "login failed: password=SECRET"}'),
        ("application/json", '{"env": ["DB_PASSWORD=SECRET"]}'),
        ("application/json", r'{"manifest": "db:\n  password: SECRET\n"}'),
        ("application/json", '{"xml": "<a><password>SECRET</password></a>"}'),
        ("application/json", '{"grant_type": "authorization_code", "code": "SECRET"}'),
        ("text/plain", 'curl -H "Authorization: token SECRET" https://h'),
        ("text/plain", '{"user"=>"bob", "password"=>"SECRET"}'),
        ("text/plain", '{"token":"SECRET'),
        ("application/json", """{"m": "{'user': 'bob', 'password': 'SECRET'}"}"""),
        ("multipart/mixed; boundary=B", "--B\r\nX-Api-Key: SECRET\r\n\r\nx\r\n--B--\r\n"),
        (
            "multipart/mixed; boundary=B",
            "--B\r\nContent-Type: application/http\r\n\r\nGET /x HTTP/1.1\r\nX-Api-Key: SECRET\r\n\r\n\r\n--B--\r\n",
        ),
    ],
)
def test_bodies(kind: str, body: str) -> None:
    new = redacted(kind, body.replace("SECRET", SECRET))
    assert SECRET not in new
    assert len(new) == len(body.replace("SECRET", SECRET))


def test_places_do_not_tell_a_secret_that_is_a_name() -> None:
    new = Redactor(KEY).exchange(
        exchange(
            f"/x?{SECRET}[password]=abc1234567",
            sent=((b"X-Api-Key", SECRET.encode()),),
            received=typed("application/json"),
            answer=b'{"%s": {"password": "abcdefgh123"}}' % SECRET.encode(),
        )
    )
    assert SECRET not in repr(new)


@each(
    ("kind", "body"),
    [
        ("application/json", '{"errors": [{"message": "Password: must be at least 8"}, {"m": "token: expired"}]}'),
        ("application/json", '{"a": "Cookie: disabled", "b": "Authorization: required, please ask"}'),
        ("application/json", '{"text": "Passwort vergessen? Token: abgelaufen. Sitzung: Donnerstag"}'),
        (
            "application/json",
            '{"query": "mutation Login($password: String!, $t: ID!) { login(password: $password, token: $t) { id } }"}',
        ),
        ("application/json", '{"code": "const token: string = getToken(); password: this.form.password1"}'),
        ("application/json", '{"stop_token": "<|endoftext|>", "next_page_token": "CiAKGjBpNDd2Nmp2Zml2cXRwYjBp"}'),
        ("application/json", '{"properties": {"password": {"type": "string", "minLength": 8}}}'),
        ("text/html", "<p>Session: 12 minutes</p><script>let s={session:session1}; password: null</script>"),
        ("text/plain", "INFO session=started auth=ok key=value pass: 12 fail: 0"),
        ("application/xml", "<o><key>color</key><string>red</string><d>&lt;b&gt;bold&lt;/b&gt;</d></o>"),
        ("application/x-www-form-urlencoded", "order=ORD-123456789&next=%2Fcart%3Fitem%3D12"),
    ],
)
def test_ordinary_bodies_stay(kind: str, body: str) -> None:
    assert redacted(kind, body) == body


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Access-Control-Allow-Credentials", "true"),
        ("WWW-Authenticate", 'Bearer realm="x", error="invalid_token"'),
        ("Idempotency-Key", "8e03978e-40d5-43dd-bc93-6894a57f9324"),
        ("X-Hub-Signature-256", "sha256=" + "ab12" * 16),
        ("Set-Cookie", "; Expires=Wed, 21 Oct 2026 07:28:00 GMT"),
    ],
)
def test_ordinary_headers_stay(name: str, value: str) -> None:
    before = exchange(sent=((name.encode(), value.encode()),), target="/a;v=1;w=2/b?x=1")
    assert Redactor(KEY).exchange(before).request == before.request


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("binary", "CONNECT\nlogin:guest\npasscode:SECRET\n\n\0"),
        ("text", 'a["{\\"password\\":\\"SECRET\\"}"]'),
        ("text", '{"token":"SECRET'),
        ("event", 'data: {"token":\ndata: "SECRET"}\n\n'),
    ],
)
def test_messages(kind: str, body: str) -> None:
    message = Message(1, 1, True, kind, 0.0, body.replace("SECRET", SECRET).encode())
    new = message_redactor(Redactor(KEY))(exchange())(message)
    assert new is not None
    assert SECRET.encode() not in new.body


@pytest.mark.slow
def test_a_long_conversation_does_not_run_into_the_limit_of_one_text() -> None:
    redact = message_redactor(Redactor(KEY))(exchange())
    body = b"&".join(b"token=x%d" % number for number in range(90_000))
    for _ in range(4):
        assert redact(Message(1, 1, True, "text", 0.0, body)) is not None


def test_what_an_own_export_holds_is_not_replaced_twice() -> None:
    redactor = Redactor(KEY)
    once = redactor.exchange(exchange("/x?token=t-12&reset_token=a1b2c3d4e5", body=b"password=hunter2&a=1"))
    noted = replace(once, notes={**once.notes, "redaction_key": fingerprint(KEY)})
    again = redacted_again(noted, Redactor(KEY), fingerprint(KEY))
    assert again.request == once.request
    assert "redaction_key" not in again.notes
    other = b"another key of some length"
    assert redacted_again(noted, Redactor(other), fingerprint(other)).request != once.request


@pytest.mark.slow
def test_numbers_like_an_iban_take_no_more_than_a_while() -> None:
    start = time.process_time()
    new = Redactor(KEY).exchange(exchange(sent=typed("text/plain"), body=b"DE89 " * 400_000))
    assert time.process_time() - start < 10
    assert new.request.body == b""
    assert "like an IBAN" in new.notes["unscannable"][0]


@pytest.mark.slow
def test_many_packed_texts_take_no_longer_than_one_after_another() -> None:
    packed = base64.b64encode(b"Basic hello world, mail ada@shop.de") + b" "

    def seconds(count: int) -> float:
        start = time.process_time()
        Redactor(KEY).exchange(exchange(sent=typed("text/plain"), body=packed * count))
        return time.process_time() - start

    seconds(10)
    assert seconds(16_000) < 12 * max(seconds(4_000), 0.01)
