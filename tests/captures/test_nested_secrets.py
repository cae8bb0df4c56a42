"""Secrets in texts in texts: JSON in strings, base64, percent-encoding, up to a bound; beyond it nothing is kept."""

from __future__ import annotations

import base64
import gzip
import json
import math
import time
from collections.abc import Callable
from urllib.parse import quote

import pytest

from captures.model import Exchange, Headers
from captures.redacting import bounds
from captures.redacting.redaction import Redactor, pseudonym
from tests.captures.making import JSON, exchange
from tests.captures.test_redaction import everything

KEY = b"k" * 32
SECRET = "Zq8-hunter2/x"
STAND_IN = pseudonym(KEY, SECRET)
INNER = json.dumps({"user": {"password": SECRET, "n": 1.50}})
WRAPPED = base64.encodebytes(json.dumps({"a": "b" * 90, "password": SECRET, "z": "y" * 50}).encode()).decode()


def in_json(text: str) -> str:
    return json.dumps({"m": text, "id": 1})


def in_base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def in_url_base64(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def in_gzip(text: str) -> str:
    return base64.b64encode(gzip.compress(text.encode(), mtime=0)).decode()


def in_percent(text: str) -> str:
    return quote(text, safe="")


LAYERS: list[Callable[[str], str]] = [in_json, in_base64, in_url_base64, in_gzip, in_percent]


def opened(text: str, layers: list[Callable[[str], str]]) -> str:
    """The inverse of ``layers``, the first of which is the innermost."""
    from urllib.parse import unquote

    for layer in reversed(layers):
        if layer is in_json:
            text = json.loads(text)["m"]
        elif layer is in_percent:
            text = unquote(text)
        else:
            data = base64.b64decode(text + "=" * (-len(text) % 4), b"-_" if layer is in_url_base64 else b"+/")
            text = (gzip.decompress(data) if layer is in_gzip else data).decode()
    return text


def put(layers: list[Callable[[str], str]], text: str = INNER) -> str:
    for layer in layers:
        text = layer(text)
    return text


@pytest.mark.parametrize("first", LAYERS)
@pytest.mark.parametrize("second", LAYERS)
@pytest.mark.parametrize("third", [in_json, in_base64])
def test_three_layers_of_any_sort(
    first: Callable[[str], str], second: Callable[[str], str], third: Callable[[str], str]
) -> None:
    layers = [first, second, third]
    text = put(layers)
    expected = INNER.replace(SECRET, STAND_IN)
    carriers: list[tuple[Exchange, Callable[[Exchange], str]]] = [
        (exchange(headers=JSON, body=in_json(text).encode()), lambda new: json.loads(new.request.body)["m"]),
        (exchange(headers=((b"X-State", text.encode()),)), lambda new: new.request.headers[0][1].decode()),
    ]
    for one, read in carriers:
        new = Redactor(KEY).exchange(one)
        assert not new.notes.get("unscannable")
        assert opened(read(new), layers) == expected
        again = Redactor(KEY).exchange(new)
        assert (again.request, again.response) == (new.request, new.response)


@pytest.mark.parametrize("depth", range(1, bounds.NESTED))
def test_json_in_json_to_the_bound(depth: int) -> None:
    new = Redactor(KEY).exchange(exchange(headers=JSON, body=put([in_json] * depth).encode()))
    assert opened(new.request.body.decode(), [in_json] * depth) == INNER.replace(SECRET, STAND_IN)


@pytest.mark.parametrize("layer", [in_json, in_base64, in_percent])
def test_beyond_the_bound_nothing_is_kept(layer: Callable[[str], str]) -> None:
    text = put([layer] * (bounds.NESTED + 2))
    new = Redactor(KEY).exchange(exchange(headers=JSON, body=in_json(text).encode()))
    assert new.request.body == b""
    assert new.body_truncated
    assert new.notes["unscannable"] == [
        "request.body: declared application/json: texts in texts, more than 8 levels deep"
    ]
    if layer is not in_json:  # where a value can be replaced as a whole it is
        query = Redactor(KEY).exchange(
            exchange(target=f"/x?a={text}&b=1".encode(), headers=((b"X-State", text.encode()),))
        )
        assert text not in everything(query).decode()
        assert query.request.target.endswith(b"&b=1")
        assert not query.body_truncated


BODIES: list[tuple[str, str]] = [
    ("text/plain", in_base64(INNER)),
    ("text/plain", f"got {in_base64('x=1&password=' + SECRET)} from them"),
    ("text/plain", WRAPPED),
    ("application/octet-stream", in_base64(INNER)),
    ("", in_base64(INNER)),
    ("application/x-www-form-urlencoded", f"a={in_url_base64(INNER)}"),
    ("application/x-www-form-urlencoded", f"a={quote(quote(INNER))}"),
    ("application/json", json.dumps({"data": WRAPPED})),
    ("application/json", json.dumps([f"user=bob&password={quote(SECRET, safe='')}"])),
    ("application/json", json.dumps({"a": f"at {quote(INNER)} x"})),
    ("application/json", json.dumps({"a": in_base64(f"<a><password>{SECRET}</password></a>")})),
    ("text/html", f"<script>var s = atob('{in_base64(INNER)}')</script>"),
    ("application/xml", f"<a><b>{in_base64(INNER)}</b></a>"),
    ("multipart/form-data; boundary=B",
     f'--B\r\nContent-Disposition: form-data; name="a"\r\n\r\n{in_base64(INNER)}\r\n--B--\r\n'),
    ("multipart/mixed; boundary=B", "--B\r\nContent-Type: application/json\r\n"
     f"Content-Transfer-Encoding: base64\r\n\r\n{WRAPPED}\r\n--B--\r\n"),
    ("text/event-stream", f"data: {in_base64(INNER)}\n\n"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "body"), BODIES)
def test_encoded_in_bodies_of_every_kind(kind: str, body: str) -> None:
    headers: Headers = ((b"Content-Type", kind.encode()),) if kind else ()
    new = Redactor(KEY).exchange(exchange(headers=headers, body=body.encode()))
    assert sum(new.notes["redacted"].values()) == 1
    assert not new.notes.get("unscannable")
    for form in (SECRET, quote(SECRET), quote(SECRET, safe="")):
        assert form.encode() not in new.request.body
    for one in body.split():
        if in_base64(INNER) in one or one in WRAPPED.split()[1:3]:
            assert one.encode() not in new.request.body
    assert Redactor(KEY).exchange(new).request == new.request


@pytest.mark.parametrize(
    ("name", "value"),
    [("X-Debug", INNER), ("X-Params", f"user=bob; password={SECRET}"),
    ("X-State", quote(INNER)),
     ("X-State", in_base64(INNER)),
    ("Location", f"https://h/?state={in_url_base64(INNER)}"),
     ("Location", f"https://h/cb?state={quote(quote(INNER))}"),
    ("Link", f'<https://h/?q={quote(INNER)}>; rel="next"')],
)  # fmt: skip
def test_encoded_in_headers(name: str, value: str) -> None:
    new = Redactor(KEY).exchange(exchange(headers=((name.encode(), value.encode()),)))
    assert new.request.headers[0][1] != value.encode()
    assert SECRET.encode() not in everything(new)
    (place,) = new.notes["redacted"]
    assert place.startswith(f"request.header {name.lower()}")


@pytest.mark.parametrize(
    "target",
    [
        f"/x?filter={quote(INNER)}",
        f"/x?filter={quote(quote(INNER))}",
        f"/x?a={in_url_base64(INNER)}",
        f"/x/{in_url_base64(INNER)}/y",
    ],
)
def test_encoded_in_targets(target: str) -> None:
    new = Redactor(KEY).exchange(exchange(target=target.encode()))
    assert new.request.target != target.encode()
    assert not new.body_truncated
    assert Redactor(KEY).exchange(new).request == new.request


def test_what_is_encoded_and_holds_nothing_stays() -> None:
    cursor = in_base64(json.dumps({"after": 17, "order": "asc", "id": "550e8400-e29b-41d4-a716-446655440000"}))
    png = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(range(200))).decode()
    value = {
        "cursor": cursor,
        "image": png,
        "hash": "da39a3ee5e6b4b0d3255bfef95601890afd80709",
        "q": quote('{"a": "b c"}'),
    }
    one = exchange(target=f"/x?cursor={quote(cursor)}".encode(), headers=JSON, body=json.dumps(value).encode())
    assert Redactor(KEY).exchange(one) is one


class Clock:
    """Time that goes on by one second with every look."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        self.now += 1
        return self.now


BIG = json.dumps({"rows": [{"password": f"x{number}"} for number in range(3_000)]}).encode()


@pytest.mark.parametrize(
    ("kind", "body"),
    [("application/json", BIG), ("text/plain", b"password=abcd1 " * 3_000),
     ("application/x-www-form-urlencoded", b"token=abcd1&" * 3_000),
     ("text/xml", b"<a><password>x1y2z3</password>" * 3_000), ("text/csv", b"user,password\n" + b"a,b1b2b3\n" * 3_000)],
)  # fmt: skip
def test_what_takes_too_long_is_not_kept(kind: str, body: bytes) -> None:
    one = exchange(
        headers=((b"Content-Type", kind.encode()),), body=body, response_headers=JSON, response_body=b'{"token":"abc"}'
    )
    new = Redactor(KEY, seconds=500, clock=Clock()).exchange(one)
    assert new.request.body == b""
    assert new.body_truncated
    (reason,) = new.notes["unscannable"]
    assert reason.endswith("the search for secrets took too long")
    assert new.response is not None
    assert new.response.body == json.dumps({"token": pseudonym(KEY, "abc")}, separators=(",", ":")).encode()
    for patient in (Redactor(KEY, seconds=math.inf, clock=Clock()), Redactor(KEY, seconds=10_000, clock=Clock())):
        assert not patient.exchange(one).body_truncated
    assert not Redactor(KEY, seconds=500, clock=Clock()).inspect(one).unscannable


def test_the_search_for_echoes_takes_its_time_too() -> None:
    keys = [f"key-of-a-test-{number}-{number:x}" for number in range(300)]
    listed = json.dumps({"secrets": keys}).encode()
    one = exchange(
        headers=JSON,
        body=listed,
        response_headers=((b"Content-Type", b"text/html"),),
        response_body=b"<p>" + b"x" * 400_000,
    )
    new = Redactor(KEY, seconds=400, clock=Clock()).exchange(one)
    assert new.response is not None
    assert new.response.body == one.response.body  # type: ignore[union-attr]
    slow = Redactor(KEY, seconds=2, clock=Clock()).exchange(replace_body(one))
    assert slow.response is not None
    assert slow.response.body == b""
    assert slow.notes["unscannable"] == ["response.body: the search for secrets took too long"]


def replace_body(one: Exchange) -> Exchange:
    """The same, its secrets in a header, where no time is measured."""
    keys = [f"key-of-a-test-{number}-{number:x}" for number in range(300)]
    return exchange(
        headers=((b"Cookie", "; ".join(f"c{index}={key}" for index, key in enumerate(keys)).encode()),),
        response_headers=((b"Content-Type", b"text/html"),),
        response_body=b"<p>" + b"x" * 400_000,
    )


@pytest.mark.slow
@pytest.mark.parametrize("layer", [in_json, in_base64, in_percent])
def test_large_texts_in_texts_cost_little(layer: Callable[[str], str]) -> None:
    rows = [{"id": number, "name": "a thing", "note": 'some "words"'} for number in range(4_000)]
    body = in_json(layer(json.dumps({"rows": rows, "password": SECRET})))
    started = time.process_time()
    new = Redactor(KEY).exchange(exchange(headers=JSON, body=body.encode()))
    assert time.process_time() - started < 12  # quadratic would be minutes
    assert new.notes["redacted"]
    assert SECRET.encode() not in everything(new)
