"""Command line and configuration put together."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from captures.config import Config
from captures.errors import ConfigError, UsageError
from recorder.listeners import LOOPBACK, Role, Target
from recorder.settings import Asked, Settings, dependency_urls, parse_duration, settle, shown_command

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


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({}, "nothing to record"),
        ({"inbound": ("8080",)}, "where should the traffic go"),
        ({"outbound": "0", "upstream_ca": Path("/nowhere.pem")}, "does not exist"),
        ({"outbound": "0", "duration": "soon"}, "not a duration"),
    ],
)
def test_refused(asked: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words) as caught:
        settled(**asked)
    assert caught.value.hint


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"record": {"drain": "long"}}, "drain must be a number"),
        ({"record": {"inbound": {"a": 1}}}, "must be text"),
        ({"dependencies": {"pay": 3}}, "pay must be a URL"),
        ({"dependencies": {"pay": {"uri": "http://x"}}}, 'unknown key "uri"'),
        ({"dependencies": {"pay": {"env": "X"}}}, "must be text"),
    ],
)
def test_a_wrong_configuration(config: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        settled(config, outbound="0")


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


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("30s", 30), ("90", 90), ("5m", 300), ("1h30m", 5400), ("500ms", 0.5), ("1.5s", 1.5), ("1d", 86400)],
)
def test_durations(text: str, seconds: float) -> None:
    assert parse_duration(text, "--for") == seconds


@pytest.mark.parametrize("text", ["", "s", "-1s", "0", "1w", "1 m", "1s?"])
def test_no_durations(text: str) -> None:
    with pytest.raises(UsageError, match="--for"):
        parse_duration(text, "--for")


def test_secrets_in_the_command_are_not_kept() -> None:
    words = ["app", "--db-password=hunter2", "API_KEY=abc", "--port=80", "--key"]
    assert shown_command(words) == ["app", "--db-password=***", "API_KEY=***", "--port=80", "--key"]


def test_an_upstream_ca_that_holds_no_certificate(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("not a certificate\n")
    with pytest.raises(UsageError, match="holds no PEM certificate") as caught:
        settled(outbound="0", upstream_ca=tmp_path / "ca.pem")
    assert caught.value.hint
