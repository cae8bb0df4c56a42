"""LISTEN, TARGET and NAME=URL[@ENV]."""

from __future__ import annotations

import pytest

from captures.errors import UsageError
from recorder.listeners import (
    LOOPBACK,
    Listener,
    Role,
    Target,
    check_distinct,
    is_loopback,
    parse_dependency,
    parse_inbound,
    parse_listen,
    parse_outbound,
    parse_target,
)
from tests.corpus import each

SERVICE = Target("http", LOOPBACK, 4000)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("8080", (LOOPBACK, 8080)),
        ("0", (LOOPBACK, 0)),
        (":8080", (LOOPBACK, 8080)),
        ("0.0.0.0:8080", ("0.0.0.0", 8080)),
        ("[::1]:8080", ("::1", 8080)),
        ("localhost:1", ("localhost", 1)),
    ],
)
def test_listen(text: str, expected: tuple[str, int]) -> None:
    assert parse_listen(text, "--inbound") == expected


@each(
    ("host", "alone"),
    [("127.0.0.1", True), ("127.9.9.9", True), ("::1", True), ("localhost", True), ("0.0.0.0", False), ("::", False),
     ("192.0.2.1", False), ("a.test", False)],
)  # fmt: skip
def test_who_reaches_it(host: str, alone: bool) -> None:
    assert is_loopback(host) is alone


@pytest.mark.parametrize("text", ["", "http", "127.0.0.1:", "65536", "-1", "8080/", "127.0.0.1:x"])
def test_listen_refuses(text: str) -> None:
    with pytest.raises(UsageError, match="--inbound") as caught:
        parse_listen(text, "--inbound")
    assert caught.value.hint


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("http://Shop:8000", (Target("http", "shop", 8000), "")),
        ("https://api.test", (Target("https", "api.test", 443), "")),
        ("http://api.test/", (Target("http", "api.test", 80), "")),
        ("https://api.test/v2/", (Target("https", "api.test", 443), "/v2")),
        ("localhost:8000", (Target("http", "localhost", 8000), "")),
        ("http://[::1]:8000", (Target("http", "::1", 8000), "")),
    ],
)
def test_target(text: str, expected: tuple[Target, str]) -> None:
    assert parse_target(text, "--inbound") == expected


@pytest.mark.parametrize(
    "text", ["ftp://x", "http://", "http://x:99999", "http://user:pw@x", "http://x?y", "http://x#y", "//"]
)
def test_target_refuses(text: str) -> None:
    with pytest.raises(UsageError, match="--inbound") as caught:
        parse_target(text, "--inbound")
    assert "pw" not in caught.value.message


def test_inbound() -> None:
    assert parse_inbound("8080=http://x:1", None) == Listener(Role.INBOUND, LOOPBACK, 8080, Target("http", "x", 1))
    assert parse_inbound("8080", SERVICE) == Listener(Role.INBOUND, LOOPBACK, 8080, SERVICE)
    with pytest.raises(UsageError, match="where should the traffic go"):
        parse_inbound("8080", None)
    with pytest.raises(UsageError, match="has no path"):
        parse_inbound("8080=http://x:1/api", None)


def test_outbound() -> None:
    assert parse_outbound("0") == Listener(Role.OUTBOUND, LOOPBACK, 0)


@pytest.mark.parametrize(
    ("text", "name", "url", "path", "variable"),
    [
        ("payments=https://api.pay.test", "payments", "https://api.pay.test:443", "", "PAYMENTS_URL"),
        ("payments=https://api.pay.test/v2@PAY", "payments", "https://api.pay.test:443", "/v2", "PAY"),
        ("stock-room=http://127.0.0.1:9@STOCK_URL", "stock-room", "http://127.0.0.1:9", "", "STOCK_URL"),
        ("stock-room=http://127.0.0.1:9", "stock-room", "http://127.0.0.1:9", "", "STOCK_ROOM_URL"),
    ],
)
def test_dependency(text: str, name: str, url: str, path: str, variable: str) -> None:
    one = parse_dependency(text)
    assert one.target is not None
    assert (one.name, one.target.url, one.path, one.variable) == (name, url, path, variable)


@pytest.mark.parametrize("text", ["payments", "=http://x", "payments=", "payments=ftp://x"])
def test_dependency_refuses(text: str) -> None:
    with pytest.raises(UsageError, match="--dependency"):
        parse_dependency(text)


@pytest.mark.parametrize(
    ("texts", "words"),
    [
        (["a=http://x", "a=http://y"], "called 'a'"),
        (["a=http://x@U", "b=http://y@U"], "handed over in U"),
    ],
)
def test_dependencies_are_distinct(texts: list[str], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        check_distinct(parse_dependency(text) for text in texts)


def test_ports_are_distinct_unless_free_ones() -> None:
    check_distinct([parse_outbound("0"), parse_inbound("0", SERVICE)])
    with pytest.raises(UsageError, match=r"Two listeners want 127\.0\.0\.1:80"):
        check_distinct([parse_outbound("80"), parse_inbound("80", SERVICE)])


@pytest.mark.parametrize("text", ["80=http://127.0.0.1:80", "80=http://localhost:80", "0.0.0.0:80=http://localhost:80"])
def test_a_listener_that_would_call_itself(text: str) -> None:
    with pytest.raises(UsageError, match="pass requests on to itself"):
        check_distinct([parse_inbound(text, None)])


@pytest.mark.parametrize(
    "text", ["80=http://127.0.0.2:80", "80=http://127.0.0.1:81", "127.0.0.2:80=http://localhost:80"]
)
def test_a_listener_in_front_of_a_neighbour(text: str) -> None:
    check_distinct([parse_inbound(text, None)])


def test_a_listener_survives_the_pipe() -> None:
    one = parse_dependency("a=https://x/v2")
    back = Listener.from_json(one.to_json())
    assert (back.role, back.target, back.name) == (one.role, one.target, one.name)
