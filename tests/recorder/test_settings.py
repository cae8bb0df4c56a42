"""Command line and configuration put together."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from captures.config import Config
from captures.errors import ConfigError, UsageError
from recorder.listeners import LOOPBACK, Role, Target
from recorder.settings import Asked, Settings, dependency_urls, parse_duration, settle
from tests.corpus import each

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def settled(config: dict[str, Any] | None = None, **asked: Any) -> Settings:
    return settle(Asked(**asked), Config(data=config or {}), now=NOW, port=4000)


def roles(settings: Settings) -> list[Role]:
    return [one.role for one in settings.listeners]


def test_the_default_file_is_named_by_the_time() -> None:
    assert settled(outbound="0").capture == Path("retape-20260102T030405Z.sqlite")


def test_a_command_gets_an_outbound_proxy() -> None:
    settings = settled(command=("python", "worker.py"))
    assert roles(settings) == [Role.OUTBOUND]
    assert not settings.await_ready
    assert settings.port == 4000


def test_a_command_that_is_told_its_port_is_asked_through_us() -> None:
    settings = settled(command=("python", "app.py", "--port={port}"))
    assert roles(settings) == [Role.INBOUND, Role.OUTBOUND]
    assert settings.listeners[0].target == Target("http", LOOPBACK, 4000)
    assert settings.await_ready


def test_an_inbound_target_elsewhere_is_not_awaited() -> None:
    settings = settled(command=("x",), inbound=("0=http://other:1",))
    assert not settings.await_ready


@each(
    ("asked", "words"),
    [
        ({"inbound": ("0=http://127.0.0.1:1",), "ready_timeout": -1.0}, "--ready-timeout -1 is no time to wait"),
        ({"inbound": ("0=http://127.0.0.1:1",), "ready_timeout": float("nan")}, "--ready-timeout nan"),
        ({}, "nothing to record"),
        ({"inbound": ("8080",)}, "where should the traffic go"),
        ({"outbound": "0", "upstream_ca": Path("/nowhere.pem")}, "does not exist"),
        ({"outbound": "0", "duration": "soon"}, "not a duration"),
        ({"outbound": "8081", "metrics": "8081"}, "a listener has that port"),
        ({"outbound": "0.0.0.0:8081", "metrics": "8081"}, "a listener has that port"),
        ({"outbound": "8081", "metrics": "0.0.0.0:8081"}, "a listener has that port"),
        ({"outbound": "8081", "metrics": "x"}, "is not a port"),
    ],
)
def test_refused(asked: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words) as caught:
        settled(**asked)
    assert caught.value.hint


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"record": {"drain": "long"}}, r"\[record\]: drain = \"long\" must be a time"),
        ({"record": {"drain": float("inf")}}, "drain = inf must be a time"),
        ({"record": {"max_queue": 0}}, "max_queue = 0 must be a size .*, at least 1000000"),
        ({"record": {"inbound": {"a": 1}}}, "must be .*HOST:.PORT"),
        ({"dependencies": {"pay": 3}}, "pay must be a URL"),
        ({"dependencies": {"pay": {"uri": "http://x"}}}, 'unknown key "uri"'),
        ({"dependencies": {"pay": {"env": "X"}}}, "must be text"),
    ],
)
def test_a_wrong_configuration(config: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        settled(config, outbound="0")


@pytest.mark.parametrize(
    ("option", "configured", "size"),
    [("1MB", 5, 1_000_000), ("64KiB", 5, 65_536), ("100", 5, 100), (None, 5, 5), (None, None, 64 * 1024 * 1024)],
)
def test_how_much_of_a_body_is_kept(option: str | None, configured: int | None, size: int) -> None:
    config = {} if configured is None else {"record": {"max_body": configured}}
    assert settled(config, inbound=("0=http://x",), max_body=option).max_body == size


def test_a_size_that_is_none_is_refused() -> None:
    with pytest.raises(UsageError, match="--max-body 'much' is not a size"):
        settled(inbound=("0=http://x",), max_body="much")


def test_configuration_gives_what_the_command_line_leaves_out() -> None:
    config = {
        "record": {"inbound": ["8080=http://a:1"], "outbound": 0, "label": "v1", "drain": 1},
        "dependencies": {"pay": "https://pay.test", "stock": {"url": "http://stock.test:81/v1", "env": "STOCK"}},
    }
    settings = settled(config, command=("x",))
    assert roles(settings) == [Role.INBOUND, Role.OUTBOUND, Role.DEPENDENCY]
    assert settings.names == {"pay.test:443": "pay", "stock.test:81": "stock"}
    assert (settings.label, settings.drain) == ("v1", 1)
    assert dependency_urls(settings.listeners) == {"stock": {"url": "http://stock.test:81/v1", "env": "STOCK"}}
    assert roles(settled(config)) == [Role.INBOUND, Role.OUTBOUND]  # nobody to hand a URL to
    given = settled(config, command=("x",), dependencies=("stock=http://other.test",))
    assert dependency_urls(given.listeners) == {"stock": {"url": "http://other.test:80", "env": "STOCK_URL"}}


@each(
    ("text", "seconds"),
    [("30s", 30), ("90", 90), ("5m", 300), ("1h30m", 5400), ("500ms", 0.5), ("1.5s", 1.5), ("1d", 86400), ("1 m", 60)],
)
def test_durations(text: str, seconds: float) -> None:
    assert parse_duration(text, "--for") == seconds


@pytest.mark.parametrize("text", ["", "s", "-1s", "0", "1y", "1s?"])
def test_no_durations(text: str) -> None:
    with pytest.raises(UsageError, match="--for"):
        parse_duration(text, "--for")


def test_the_numbers_are_served_on_request_and_on_loopback() -> None:
    assert settled(outbound="0").metrics is None
    assert settled(outbound="0", metrics="9180").metrics == (LOOPBACK, 9180)
    assert settled({"record": {"metrics": 0}}, outbound="0").metrics == (LOOPBACK, 0)
    assert settled({"record": {"metrics": "9180"}}, outbound="0", metrics="0.0.0.0:9181").metrics == ("0.0.0.0", 9181)


def test_an_upstream_ca_that_holds_no_certificate(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("not a certificate\n")
    with pytest.raises(UsageError, match="holds no PEM certificate") as caught:
        settled(outbound="0", upstream_ca=tmp_path / "ca.pem")
    assert caught.value.hint
