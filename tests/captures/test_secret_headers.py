from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from captures.redacting.secret_headers import authorization, cookie, in_urls, set_cookie, through_percent
from tests.corpus import each


def hide(value: str) -> str:
    return f"<{value}>"


def named(name: str, value: str) -> str:
    return value if name == "lang" else f"<{value}>"


@each(
    ("value", "expected"),
    [
        ("Bearer abc.def==", "Bearer <abc.def==>"),
        ("bearer   x", "bearer   <x>"),
        ("Bearer a=b", "Bearer <a=b>"),
        ("rawkey", "<rawkey>"),
        ("Token abc", "Token <abc>"),
        ('Token token="abc", realm="r"', 'Token token="<abc>", realm="r"'),
        ("Negotiate YII=", "Negotiate <YII=>"),
        ("Basic not-base64!", "Basic <not-base64!>"),
        (
            'Digest username="bob", realm="r", nonce="n", uri="/x", nc=00000001, qop=auth, response="6629"',
            'Digest username="<bob>", realm="r", nonce="<n>", uri="/x", nc=00000001, qop=auth, response="<6629>"',
        ),
        (
            "AWS4-HMAC-SHA256 Credential=AKIA/20130524/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=fe5f",
            "AWS4-HMAC-SHA256 Credential=<AKIA>/20130524/us-east-1/s3/aws4_request, SignedHeaders=host, "
            "Signature=<fe5f>",
        ),
        ("Bearer ", "<Bearer >"),
    ],
)
def test_authorization(value: str, expected: str) -> None:
    assert authorization(value, hide) == expected


def test_basic_stays_decodable() -> None:
    changed = authorization("Basic " + base64.b64encode(b"bob:pass:word").decode(), hide)
    assert base64.b64decode(changed.removeprefix("Basic ")) == b"bob:<pass:word>"


def test_a_basic_name_that_is_the_secret_is_hidden() -> None:
    for pair in (b"sk_live_51H:", b"a-token-in-place-of-a-name:x-oauth-basic"):
        changed = base64.b64decode(
            authorization("Basic " + base64.b64encode(pair).decode(), hide).removeprefix("Basic ")
        )
        assert changed.startswith(b"<" + pair.partition(b":")[0] + b">:")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("a=1; b=2", "a=<1>; b=<2>"),
        ("a=1;b=2; ", "a=<1>;b=<2>; "),
        ('a="q"; lang=en; e=', 'a="<q>"; lang=en; e='),
        ("a=x=y", "a=<x=y>"),
        ("naked", "<naked>"),
        ("", ""),
    ],
)
def test_cookie(value: str, expected: str) -> None:
    assert cookie(value, named) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("sid=x; Path=/; HttpOnly; SameSite=Lax", "sid=<x>; Path=/; HttpOnly; SameSite=Lax"),
        ("sid=; Max-Age=0", "sid=; Max-Age=0"),
        ("lang=en; Path=/", "lang=en; Path=/"),
    ],
)
def test_set_cookie(value: str, expected: str) -> None:
    assert set_cookie(value, named) == expected


def test_urls_in_values() -> None:
    def by_name(name: str, value: str) -> str:
        return value.upper() if name == "token" else value

    value = '<https://x/y?token=abc&b=1>; rel="next", <https://x/z?b=2#token=d%2Be>'
    assert in_urls(value, by_name) == '<https://x/y?token=ABC&b=1>; rel="next", <https://x/z?b=2#token=D%2BE>'


@pytest.mark.parametrize(
    ("raw", "plain", "plus"),
    [("a%2Bb+c", "a+b c", True), ("a+b", "a+b", False), ("s%3Aabc.def", "s:abc.def", False), ("a%20b", "a b", True),
     ("a/b:c", "a/b:c", True), ("%C3%A9", "é", True)],
)  # fmt: skip
def test_through_percent_hides_the_decoded_form(raw: str, plain: str, plus: bool) -> None:
    seen: list[str] = []

    def same_shape(value: str) -> str:
        seen.append(value)
        return value.replace("a", "z").replace("é", "è")

    changed = through_percent(raw, same_shape, plus=plus)
    assert seen == [plain]
    assert changed == raw.replace("a", "z").replace("%C3%A9", "%C3%A8")


@given(st.text())
def test_any_header_text_is_taken(value: str) -> None:
    authorization(value, lambda _: "x")
    cookie(value, lambda *_: "x")
    set_cookie(value, lambda *_: "x")
    in_urls(value, lambda *_: "x")
