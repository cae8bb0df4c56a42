"""Each request differs from one that is answered on one axis."""

from __future__ import annotations

from dataclasses import replace

import pytest

from replayer.review.guard import LIMIT, Guard, Head, headers_of
from tests.corpus import each

GUARD = replace(Guard.of("127.0.0.1", 8000), token="t" * 43, session="s" * 43, key="k" * 43)
COOKIE = f"{GUARD.cookie_name}={GUARD.session}"
PAGE = {"host": "127.0.0.1:8000", "cookie": COOKIE}
ASKS = {**PAGE, "x-retape-review": GUARD.key, "sec-fetch-site": "same-origin"}
WRITES = {**ASKS, "origin": "http://127.0.0.1:8000", "content-type": "application/json", "content-length": "2"}


def status(guard: Guard, method: str, target: str, headers: dict[str, str], *more: tuple[str, str]) -> int:
    pairs = headers_of([*((name, value) for name, value in headers.items() if value), *more])
    refusal = guard.refusal(Head(method, target, pairs))
    return int(refusal.status) if refusal else 200


@each(
    ("method", "target", "headers", "wanted"),
    [
        ("GET", "/", PAGE, 200),
        ("HEAD", "/", PAGE, 200),
        ("GET", "/api/state", ASKS, 200),
        ("GET", "/api/state", ASKS | {"sec-fetch-site": ""}, 200),  # a browser that does not send it
        ("POST", "/api/accept", WRITES, 200),
        ("POST", "/api/accept", WRITES | {"content-type": "application/json; charset=utf-8"}, 200),
        ("GET", f"/?token={GUARD.token}", {"host": "localhost:8000"}, 200),
        ("GET", f"/?token={GUARD.token}", {"host": "[::1]:8000"}, 200),
        # the cookie, and who it is for
        ("GET", "/", PAGE | {"cookie": ""}, 403),
        ("GET", "/", PAGE | {"cookie": f"{GUARD.cookie_name}=x"}, 403),
        ("GET", "/", PAGE | {"cookie": f"{GUARD.cookie_name}={GUARD.token}"}, 403),
        ("GET", "/", PAGE | {"cookie": f"other={GUARD.session}"}, 403),
        ("GET", "/", PAGE | {"cookie": f"{GUARD.cookie_name}=\u00fc"}, 403),
        ("GET", "/?token=", {"host": "127.0.0.1:8000"}, 403),
        ("GET", f"/?token={GUARD.token[:-1]}", {"host": "127.0.0.1:8000"}, 403),
        ("GET", f"/?token={GUARD.session}", {"host": "127.0.0.1:8000"}, 403),
        ("POST", f"/?token={GUARD.token}", {"host": "127.0.0.1:8000"}, 403),
        ("GET", f"/api/state?token={GUARD.token}", {"host": "127.0.0.1:8000"}, 403),
        ("GET", "/nothing", {"host": "127.0.0.1:8000"}, 403),  # nor is it said what exists
        # the key, which other ports of this host are not sent
        ("GET", "/api/state", ASKS | {"x-retape-review": ""}, 403),
        ("GET", "/api/state", ASKS | {"x-retape-review": GUARD.session}, 403),
        ("POST", "/", WRITES | {"x-retape-review": ""}, 403),
        # a name that was made to resolve to us
        ("GET", "/", PAGE | {"host": "evil.test:8000"}, 403),
        ("GET", "/", PAGE | {"host": "127.0.0.1.evil.test:8000"}, 403),
        ("GET", "/", PAGE | {"host": "127.0.0.1:8001"}, 403),
        ("GET", "/", PAGE | {"host": "127.0.0.1"}, 403),
        ("GET", "/", PAGE | {"host": "192.0.2.1:8000"}, 403),
        ("GET", "/", PAGE | {"host": ""}, 403),
        ("GET", f"/?token={GUARD.token}", {"host": "evil.test:8000"}, 403),
        # another site
        ("GET", "/api/state", ASKS | {"sec-fetch-site": "cross-site"}, 403),
        ("GET", "/api/state", ASKS | {"sec-fetch-site": "same-site"}, 403),
        ("POST", "/api/accept", WRITES | {"sec-fetch-site": "none"}, 403),
        ("POST", "/api/accept", WRITES | {"origin": ""}, 403),
        ("POST", "/api/accept", WRITES | {"origin": "null"}, 403),
        ("POST", "/api/accept", WRITES | {"origin": "http://evil.test"}, 403),
        ("POST", "/api/accept", WRITES | {"origin": "http://127.0.0.1:9000"}, 403),
        ("POST", "/api/accept", WRITES | {"origin": "http://localhost:8000"}, 403),
        ("POST", "/api/accept", WRITES | {"origin": "https://127.0.0.1:8000"}, 403),
        # what a form can send, and what has no end
        ("POST", "/api/accept", WRITES | {"content-type": "text/plain"}, 415),
        ("POST", "/api/accept", WRITES | {"content-type": "application/x-www-form-urlencoded"}, 415),
        ("POST", "/api/accept", WRITES | {"content-type": ""}, 415),
        ("POST", "/api/accept", WRITES | {"content-length": ""}, 411),
        ("POST", "/api/accept", WRITES | {"content-length": "-1"}, 411),
        ("POST", "/api/accept", WRITES | {"content-length": "²"}, 411),
        ("POST", "/api/accept", WRITES | {"transfer-encoding": "chunked"}, 411),
        ("POST", "/api/accept", WRITES | {"content-length": str(LIMIT)}, 200),
        ("POST", "/api/accept", WRITES | {"content-length": str(LIMIT + 1)}, 413),
        ("POST", "/api/accept", WRITES | {"content-length": "9" * 5000}, 413),
        # what there is none of
        ("OPTIONS", "/api/accept", WRITES, 405),
        ("PUT", "/api/accept", WRITES, 405),
        ("DELETE", "/", PAGE, 405),
    ],
)
def test_who_may_ask_for_what(method: str, target: str, headers: dict[str, str], wanted: int) -> None:
    assert status(GUARD, method, target, headers) == wanted


@pytest.mark.parametrize("name", ["host", "x-retape-review", "origin", "content-type", "content-length"])
def test_a_header_that_is_there_twice_says_nothing(name: str) -> None:
    """Which of two is meant is what proxies and servers disagree about."""
    assert status(GUARD, "POST", "/api/accept", WRITES) == 200
    assert status(GUARD, "POST", "/api/accept", WRITES, (name, WRITES[name])) >= 400


def test_a_cookie_among_others_is_found() -> None:
    assert status(GUARD, "GET", "/", PAGE | {"cookie": f"a=b; {COOKIE}; c=d"}) == 200
    assert status(GUARD, "GET", "/", PAGE | {"cookie": f'x={{"a": [1, 2]}}; {COOKIE}'}) == 200
    assert status(GUARD, "GET", "/", PAGE | {"cookie": ""}, ("cookie", "a=b"), ("cookie", COOKIE)) == 200


@each(
    ("listening", "host", "allowed"),
    [
        ("0.0.0.0", "192.0.2.7:8000", True),
        ("0.0.0.0", "localhost:8000", True),
        ("0.0.0.0", "[2001:db8::1]:8000", True),
        ("0.0.0.0", "evil.test:8000", False),
        ("0.0.0.0", "192.0.2.7:80", False),
        ("::", "192.0.2.7:8000", True),
        ("192.0.2.7", "192.0.2.7:8000", True),
        ("192.0.2.7", "127.0.0.1:8000", False),
        ("box.lan", "BOX.lan:8000", True),
        ("box.lan", "192.0.2.7:8000", False),
        ("localhost", "127.0.0.1:8000", True),
        ("::1", "[::1]:8000", True),
    ],
)
def test_the_names_it_is_served_under(listening: str, host: str, allowed: bool) -> None:
    guard = Guard.of(listening, 8000)
    headers = {"host": host, "cookie": f"{guard.cookie_name}={guard.session}"}
    assert (status(guard, "GET", "/", headers) == 200) is allowed


def test_secrets_are_long_differ_and_do_not_show() -> None:
    guards = [Guard.of("127.0.0.1", 8000) for _ in range(2)]
    known = [secret for guard in guards for secret in (guard.token, guard.session, guard.key)]
    assert len(set(known)) == 6
    assert all(len(secret) * 6 >= 128 for secret in known)
    assert not any(secret in repr(guards) for secret in known)


def test_the_cookie_is_for_this_server_alone() -> None:
    assert GUARD.cookie.split("; ")[1:] == ["Path=/", "HttpOnly", "SameSite=Strict"]
