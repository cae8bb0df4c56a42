"""Dependencies handed over in variables: those of the recording and those of ``retape.toml``."""

from __future__ import annotations

from typing import Any

import pytest

from captures.config import Config
from captures.errors import ConfigError
from captures.model import Session
from replayer.handovers import configured_dependencies, handed_over, server_of
from replayer.stubs import Server


def config(**dependencies: Any) -> Config:
    return Config(data={"dependencies": dependencies})


def test_only_those_with_a_variable_are_handed_over() -> None:
    found = configured_dependencies(
        config(
            named="https://a.test", pay={"url": "https://pay.test/v2", "env": "PAY"}, bare={"url": "http://b.test"},
            **{"the-bank": {"url": "http://bank.test:81", "env": ""}},
        )
    )  # fmt: skip
    assert found == {"pay": ("https://pay.test/v2", "PAY"), "the-bank": ("http://bank.test:81", "THE_BANK_URL")}


@pytest.mark.parametrize("entry", [{"url": 3, "env": "A"}, {"url": "ftp://a.test", "env": "A"}, {"url": "x", "env": 1}])
def test_a_wrong_entry_is_named(entry: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=r"\[dependencies\] pay"):
        configured_dependencies(config(pay=entry))


def test_what_is_configured_now_wins() -> None:
    recorded = {name: {"url": f"http://{name}.old", "env": name.upper()} for name in ("pay", "stock", "audit")}
    session = Session(1, "record", 0.0, None, meta={"dependencies": recorded})
    configured = {"pay": ("https://pay.new", "PAY"), "inventory": ("http://stock.new", "STOCK")}
    assert handed_over([session], configured) == {"audit": ("http://audit.old", "AUDIT"), **configured}


def test_the_server_of_a_base_url() -> None:
    assert server_of("https://Pay.test/v2/") == (Server("https", "pay.test", 443), "/v2")
    assert server_of("http://[::1]:81") == (Server("http", "::1", 81), "")
    with pytest.raises(ValueError, match="not an http or https URL"):
        server_of("pay.test")
