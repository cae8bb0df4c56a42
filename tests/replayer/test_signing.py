"""JWTs: claims that name values made anew are signed again where a key is given, and left alone where none is."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import Any

import pytest

from captures.model import Request, header
from replayer.bindings import Binding, Bindings
from replayer.rewriting import apply
from replayer.signing import Signer, claims_of
from tests.replayer.tapes import NOW, ORDER, request

NEW = "b7d9a0c4-1f0e-4a61-8f3c-0e5d2c9b7a66"
KEY = b"a signing key of this test"
LATER = NOW + 86_400 * 90 + 0.25


def part(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def token(claims: dict[str, Any], algorithm: str = "HS256", key: bytes = KEY) -> str:
    text = f"{part({'typ': 'JWT', 'alg': algorithm})}.{part(claims)}"
    digest = {"HS256": hashlib.sha256, "HS512": hashlib.sha512}.get(algorithm, hashlib.sha256)
    signature = base64.urlsafe_b64encode(hmac.digest(key, text.encode(), digest)).decode().rstrip("=")
    return f"{text}.{signature}"


def bound() -> Bindings:
    bindings = Bindings()
    bindings.bind(Binding(ORDER, NEW, "exchange 1 $.id", order=1))
    bindings.bind(Binding("17", "23", "exchange 1 $.no", "order", order=1))
    return bindings


def bearer(text: str) -> Request:
    return request(target="/me", headers=((b"Authorization", f"Bearer {text}".encode()),))


def sent(asked: Request, bindings: Bindings | None = None, *, key: bytes | None = KEY) -> tuple[str, list[str]]:
    signer = Signer(key, lambda: LATER) if key else None
    told, changes = apply(bindings or bound(), asked, before=9, signer=signer, sent=NOW)
    raw = header(told.headers, "authorization") or b""
    return raw.decode().removeprefix("Bearer "), [f"{change.where}: {change.why}" for change in changes]


@pytest.mark.parametrize("algorithm", ["HS256", "HS512"])
def test_claims_are_carried_and_times_moved_and_the_signature_is_right(algorithm: str) -> None:
    claims = {"sub": ORDER, "order_id": 17, "n": 17, "iat": int(NOW) - 60, "exp": int(NOW) + 3600, "scope": "a b"}
    told, changes = sent(bearer(token(claims, algorithm)))
    fresh = {**claims, "sub": NEW, "order_id": 23, "iat": int(LATER) - 60, "exp": int(LATER) + 3600}
    assert told == token(fresh, algorithm)
    assert changes == [
        "header authorization, JWT: chained from exchange 1 $.no (id of order)",
        "header authorization, JWT: chained from exchange 1 $.id",
        "header authorization: JWT signed again with the jwt_key of [replay.auth], its times moved to now",
    ]


def test_a_token_without_values_of_this_replay_is_made_valid_now() -> None:
    told, _ = sent(bearer(token({"sub": "ann", "exp": int(NOW) + 60})), Bindings())
    assert told == token({"sub": "ann", "exp": int(LATER) + 60})


def test_without_a_key_it_is_left_alone_and_said() -> None:
    asked = token({"sub": ORDER})
    assert sent(bearer(asked), key=None) == (
        asked,
        [
            "header authorization: not changed: a JWT names values that were made anew, and it cannot be signed: "
            "no [replay.auth] jwt_key is given"
        ],
    )
    assert sent(bearer(token({"sub": "ann"})), key=None)[1] == []


def test_what_others_sign_is_left_alone_and_said() -> None:
    asked = token({"sub": ORDER}, "RS256")
    told, changes = sent(bearer(asked))
    assert told == asked
    assert "its algorithm is not HMAC" in changes[0]


def test_a_token_that_this_replay_minted_is_no_recorded_one() -> None:
    old, new = token({"sub": ORDER, "jti": "1"}), token({"sub": ORDER, "jti": "2"})
    bindings = bound()
    bindings.bind(Binding(old, new, "exchange 2 $.token", order=2))
    assert sent(bearer(old), bindings) == (new, ["header authorization: chained from exchange 2 $.token"])


def test_in_cookies_and_bodies() -> None:
    old, new = token({"sub": ORDER}), token({"sub": NEW})
    asked = request("POST", "/x", {"token": old, "a": 1}, headers=((b"Cookie", f"a=1; t={old}".encode()),))
    told, _ = apply(bound(), asked, before=9, signer=Signer(KEY, lambda: LATER), sent=NOW)
    assert json.loads(told.body) == {"token": new, "a": 1}
    assert header(told.headers, "cookie") == f"a=1; t={new}".encode()


@pytest.mark.parametrize("text", ["eyJhbGciOiJub25lIn0.eyJhIjoxfQ.", "eyJ!!!.eyJ.x", "eyJhbGciOiJIUzI1NiJ9.eyJ_w.sig"])
def test_what_only_looks_like_one_is_left_alone(text: str) -> None:
    assert sent(bearer(text))[0] == text


def test_claims_are_shown_as_they_were_written() -> None:
    assert claims_of(token({"a": 1})) == '{"a": 1}'
    assert claims_of("eyJ.eyJ_w.x") is None


def test_claims_that_redaction_replaced_are_not_signed() -> None:
    asked = bearer(token({"sub": "ann", "role": "jioew", "exp": int(NOW) + 60}))
    signer = Signer(KEY, lambda: LATER)
    places = frozenset({"header authorization"})
    told, changes = apply(Bindings(), asked, before=9, signer=signer, sent=NOW, pseudonyms=places)
    assert told == asked
    assert [change.where for change in changes] == ["header authorization"]
    assert "not signed" in changes[0].why
    elsewhere = frozenset({"header cookie", "body"})
    assert apply(Bindings(), asked, before=9, signer=signer, sent=NOW, pseudonyms=elsewhere)[0] != asked
