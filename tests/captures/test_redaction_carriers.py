"""No secret of any kind, in whatever it is carried, reaches the bytes of the file; equal ones stay equal."""

from __future__ import annotations

import base64
import json
import random
import string
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote
from xml.sax.saxutils import escape, quoteattr

import pytest

from captures.formats.codings import content_encoded
from captures.model import Exchange, Headers
from captures.redacting.known_tokens import token_pseudonym
from captures.redacting.personal_data import luhn
from captures.redacting.redaction import RedactionPolicy, Redactor, pseudonym
from captures.store import Capture
from captures.writer import CaptureWriter
from tests.captures.making import JSON, exchange
from tests.captures.test_known_tokens import PEM, drawn
from tests.captures.test_redaction import everything
from tests.corpus import each

KEY = b"k" * 32
ALNUM = string.ascii_letters + string.digits


def _typed(kind: str) -> Headers:
    return ((b"Content-Type", kind.encode()),)


def _card(draw: random.Random) -> str:
    digits = "4539" + "".join(draw.choices("0123456789", k=11))
    return digits + str((10 - luhn(digits + "0")) % 10)


def _iban(draw: random.Random) -> str:
    account = "".join(draw.choices("0123456789", k=10))
    check = 98 - int(f"50010517{account}131400") % 97
    return f"DE{check:02d}50010517{account}"


def _jwt(draw: random.Random) -> str:
    parts = [b'{"alg":"HS256"}', json.dumps({"sub": drawn(ALNUM, 9, draw.random())}).encode()]
    return ".".join([base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts] + [drawn(ALNUM, 43)])


SECRETS: dict[str, Callable[[random.Random], str]] = {
    "email": lambda draw: "".join(draw.choices(string.ascii_lowercase, k=9)) + "@shop.io",
    "card": _card,
    "iban": _iban,
    "phone": lambda draw: "+4930" + "".join(draw.choices("0123456789", k=7)),
    "token": lambda draw: "ghp_" + "".join(draw.choices(ALNUM, k=36)),
    "access key": lambda draw: "AKIA" + "".join(draw.choices(string.ascii_uppercase + "234567", k=16)),
    "jwt": _jwt,
}


def _json(value: str) -> bytes:
    return json.dumps({"a": [{"note": value, "n": 1.50}]}).encode()


def _coded(coding: str) -> Callable[[str], Exchange]:
    headers: Headers = ((b"Content-Encoding", coding.encode()), *JSON)
    return lambda value: exchange(
        response_headers=headers, response_body=content_encoded(_json(value), headers, b"\x78\x9c")
    )


def _multipart(value: str, more: str = "") -> Exchange:
    body = f'--B\r\nContent-Disposition: form-data; name="note"\r\n{more}\r\nis {value} so\r\n--B--\r\n'
    return exchange(headers=_typed("multipart/form-data; boundary=B"), body=body.encode())


def _body(kind: str, write: Callable[[str], str]) -> Callable[[str], Exchange]:
    return lambda value: exchange(response_headers=_typed(kind), response_body=write(value).encode())


CARRIERS: dict[str, Callable[[str], Exchange]] = {
    "header": lambda value: exchange(headers=((b"X-Note", value.encode()),)),
    "header in a sentence": lambda value: exchange(response_headers=((b"X-Note", f"for {value}; ok".encode()),)),
    "cookie": lambda value: exchange(headers=((b"Cookie", f"who={value}".encode()),)),
    "set-cookie": lambda value: exchange(response_headers=((b"Set-Cookie", f"who={quote(value)}; Path=/".encode()),)),
    "query": lambda value: exchange(target=f"/x?q={quote(value, safe='')}&a=1".encode()),
    "query, unencoded": lambda value: exchange(target=f"/x?q={value.replace('+', '%2B')}".encode()),
    "name in a query": lambda value: exchange(target=f"/x?{quote(value, safe='')}=1".encode()),
    "path": lambda value: exchange(target=f"/cards/{quote(value)}/x".encode()),
    "location": lambda value: exchange(response_headers=((b"Location", f"https://h/?to={quote(value)}".encode()),)),
    "json": lambda value: exchange(headers=JSON, body=_json(value)),
    "json, escaped": lambda value: exchange(
        headers=JSON, body=('{"a": "' + "".join(f"\\u{ord(c):04x}" for c in value) + '"}').encode()
    ),
    "json in json": lambda value: exchange(headers=JSON, body=json.dumps({"m": _json(value).decode()}).encode()),
    "json, after an escape": lambda value: exchange(headers=JSON, body=json.dumps({"m": f"to\n{value}\n"}).encode()),
    "name in json": lambda value: exchange(headers=JSON, body=json.dumps({value: {"a": "b\n"}}).encode()),
    "json, cut off": lambda value: exchange(headers=JSON, body=_json(value)[:-3], body_truncated=True),
    "json in utf-16": lambda value: exchange(headers=JSON, body=_json(value).decode().encode("utf-16")),
    "json without a type": lambda value: exchange(body=_json(value)),
    "json lines": _body("application/x-ndjson", lambda value: f"{_json(value).decode()}\n" * 2),
    "events": _body("text/event-stream", lambda value: f"event: x\nid: {value}\ndata: {_json(value).decode()}\n\n"),
    "events of text": _body("text/event-stream", lambda value: f"data: for {value}\n\n"),
    "form": lambda value: exchange(
        headers=_typed("application/x-www-form-urlencoded"), body=f"a=1&b={quote(value, safe='')}".encode()
    ),
    "multipart": _multipart,
    "multipart, a file": lambda value: _multipart(value, "Content-Type: text/csv\r\n"),
    "xml": _body("application/xml", lambda value: f"<a><b>{escape(value)}</b></a>"),
    "xml, attribute": _body("text/xml; charset=utf-8", lambda value: f"<a b={quoteattr(value)}/>"),
    "xml, cdata": _body("application/soap+xml", lambda value: f"<a><![CDATA[{value}]]></a>"),
    "html": _body("text/html", lambda value: f"<p>to {escape(value)}</p><script>var a = '{value}';</script>"),
    "html, link": _body("text/html", lambda value: f'<a href="mailto:{quote(value)}">x</a>'),
    "html, form": _body("text/html", lambda value: f'<input name="note" value={quoteattr(value)}>'),
    "script": _body("application/javascript", lambda value: f'f({{to:"{value}"}})'),
    "text": _body("text/plain; charset=iso-8859-1", lambda value: f"seen {value}, said \u00e9"),
    "text without a type": lambda value: exchange(body=f"seen {value} twice".encode()),
    "table": _body("text/csv", lambda value: f"a,b\n1,{value}\n"),
    "yaml": _body("application/yaml", lambda value: f"to: {value}\n"),
    "url in json": lambda value: exchange(
        headers=JSON, body=json.dumps({"next": f"https://h/x?to={quote(value, safe='')}&a=1"}).encode()
    ),
    "base64 in json": lambda value: exchange(
        headers=JSON, body=json.dumps({"data": base64.b64encode(f"it is for {value} only".encode()).decode()}).encode()
    ),
    "gzip": _coded("gzip"),
    "brotli": _coded("br"),
    "zstd": _coded("zstd"),
    "deflate, gzip": _coded("deflate"),
    "bytes": lambda value: exchange(
        headers=_typed("application/grpc"),
        body=b"\0\0\0\0\x40\x0a" + bytes((len(value),)) + value.encode() + b"\x32\x01a",
    ),
}  # fmt: skip


def _forms(secret: str) -> list[bytes]:
    return [secret.encode(), quote(secret, safe="").encode(), quote(secret).encode(), secret.encode("utf-16-le")]


@each("carrier", CARRIERS)
def test_no_secret_leaves_and_none_is_replaced_twice(carrier: str) -> None:
    for kind in SECRETS:  # in one test: there are three hundred pairs
        _is_replaced_once(carrier, kind)


def _is_replaced_once(carrier: str, kind: str) -> None:
    secret = SECRETS[kind](random.Random(f"{carrier} {kind}"))
    one = CARRIERS[carrier](secret)
    new = Redactor(KEY).exchange(one)
    whole = everything(new)
    for form in _forms(secret):
        assert form not in whole, kind
    encoded = base64.b64encode(f"it is for {secret} only".encode())
    assert encoded not in whole
    assert not new.notes.get("unscannable")
    assert new.notes["redacted"], kind
    again = Redactor(KEY)  # which knows nothing of the first
    assert again.exchange(new).request == new.request, kind
    assert again.exchange(new).response == new.response
    if carrier in ("json", "html", "text", "path", "query, unencoded"):
        shown = pseudonym(KEY, secret)
        assert shown.encode() in whole or quote(shown).encode() in whole or quote(shown, safe="").encode() in whole


NAMED: dict[str, Callable[[str], Exchange]] = {
    "json": lambda value: exchange(headers=JSON, body=json.dumps({"user": {"password": value}}).encode()),
    "form": lambda value: exchange(
        headers=_typed("application/x-www-form-urlencoded"), body=f"password={quote(value, safe='')}".encode()
    ),
    "query": lambda value: exchange(target=f"/x?api_key={quote(value, safe='')}".encode()),
    "xml element": _body("application/xml", lambda value: f"<a><Password>\n {escape(value)} </Password><b>1</b></a>"),
    "xml with prefix": _body("application/soap+xml", lambda value: f'<w:Password T="x">{escape(value)}</w:Password>'),
    "xml, cdata": _body("text/xml", lambda value: f"<password><![CDATA[{value}]]></password>"),
    "xml, nested": _body("text/xml", lambda value: f"<Credentials><User>x1</User><K>{escape(value)}</K></Credentials>"),
    "xml attribute": _body("text/xml", lambda value: f"<a apiKey={quoteattr(value)} b='1'/>"),
    "xml pair": _body("text/xml", lambda value: f'<p name="db.password" value={quoteattr(value)}/>'),
    "xml pair, content": _body("text/xml", lambda value: f'<entry key="secret">{escape(value)}</entry>'),
    "html hidden field": _body("text/html", lambda value: f'<input name="access_token" value={quoteattr(value)}>'),
    "html password": _body("text/html", lambda value: f'<input type="password" name="p" value={quoteattr(value)}>'),
    "html meta": _body("text/html", lambda value: f'<meta name="api-key" content={quoteattr(value)}>'),
    "html data attribute": _body("text/html", lambda value: f'<div data-auth-token={quoteattr(value)}>x</div>'),
    "script": _body("text/html", lambda value: f'<script>var c = {{"apiKey": "{value}"}}; x.token="{value}"</script>'),
    "settings": _body("text/plain", lambda value: f"DEBUG=1\nDB_PASSWORD={value}\nport: 80\n"),
    "settings, quoted": _body("text/plain", lambda value: f"# test\npassword: '{value}'\n"),
    "log": _body("text/plain", lambda value: f"12:00 login user=ada password={value} from ::1\n"),
    "table": _body("text/csv", lambda value: f"user,password\r\nada,{value}\r\nbob,\r\n"),
    "path": lambda value: exchange(target=f"/invites/{quote(value, safe='')}?a=1".encode()),
}  # fmt: skip


@each("carrier", NAMED)
def test_secrets_by_name(carrier: str) -> None:
    for secret in ("S3cr3t-Value-0001", "hunter22", "Zq8.tR4_uW1~"):
        _is_replaced_by_name(carrier, secret)


def _is_replaced_by_name(carrier: str, secret: str) -> None:
    policy = RedactionPolicy.from_config({"paths": ["/invites/{token}"]})
    one = NAMED[carrier](secret)
    new = Redactor(KEY, policy).exchange(one)
    whole = everything(new)
    assert secret.encode() not in whole
    shown = pseudonym(KEY, secret)
    assert shown.encode() in whole or quote(shown, safe="").encode() in whole
    assert not new.notes.get("unscannable")
    again = Redactor(KEY, policy).exchange(new)  # by one that knows nothing of the first
    assert (again.request, again.response) == (new.request, new.response)
    bodies = [(one.request.body, new.request.body)]
    if one.response is not None and new.response is not None:
        bodies.append((one.response.body, new.response.body))
    for before, after in bodies:  # every other byte stays
        if carrier != "xml, nested":
            assert after.replace(shown.encode(), secret.encode()) == before


@pytest.mark.slow
def test_nothing_of_it_is_in_the_file(tmp_path: Path) -> None:
    draw = random.Random(7)
    made: list[tuple[str, Exchange]] = []
    for number, (carrier, write) in enumerate(CARRIERS.items()):
        for kind, secret_of in SECRETS.items():
            secret = secret_of(draw)
            one = write(secret)
            made.append(
                (
                    secret,
                    Exchange(**{**_fields(one), "id": len(made) + 1, "notes": {"n": f"{carrier} {kind} {number}"}}),
                )
            )
    path = tmp_path / "c.sqlite"
    with CaptureWriter(path, mode="record", prepare=Redactor(KEY).exchange) as writer:
        for _, one in made:
            assert writer.put(one)
    raw = path.read_bytes()
    with Capture.open(path) as opened:
        stored = b"".join(everything(one) for one in opened.exchanges())
    for secret, _ in made:
        for form in _forms(secret):
            assert form not in raw, secret
            assert form not in stored, secret


def _fields(one: Exchange) -> dict[str, object]:
    return {name: getattr(one, name) for name in Exchange.__slots__}


def test_a_private_key_in_json_and_in_text() -> None:
    body = json.dumps({"type": "service_account", "data": PEM}).encode()
    for one in (exchange(headers=JSON, body=body), exchange(headers=_typed("text/plain"), body=PEM.encode())):
        whole = everything(Redactor(KEY).exchange(one))
        assert b"BEGIN RSA PRIVATE KEY" in whole
        for line in PEM.splitlines()[1:-1]:
            assert line.encode() not in whole


def test_equal_stays_equal_across_captures() -> None:
    token = "ghp_" + drawn(ALNUM, 36)
    one, other = (Redactor(KEY).exchange(CARRIERS[name](token)) for name in ("json", "path"))
    assert (token_pseudonym(KEY, token) or "").encode() in one.request.body
    assert (token_pseudonym(KEY, token) or "").encode() in other.request.target
