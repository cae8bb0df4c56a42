"""Dependencies handed over in variables: those of the recording and those of ``retape.toml``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from captures.config import Config
from captures.errors import ConfigError
from captures.model import Session
from captures.store import Capture
from replayer.handovers import configured_dependencies, handed_over, moved_listeners, server_of
from replayer.stubs import Server
from tests.replayer.tapes import Tape, request, response


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


def test_where_listeners_were_and_are(tmp_path: Path) -> None:
    """What a client put into Host by itself is no listener of ours, nor is one that stayed where it was."""
    handed = {"pay": ("http://pay.test/v2", "PAY"), "stock": ("http://stock.test", "STOCK"), "new": ("http://n", "NEW")}
    now = {"PAY": "http://127.0.0.1:7001/v2", "STOCK": "http://127.0.0.1:7002", "NEW": "http://127.0.0.1:7003"}
    said = [("pay", "127.0.0.1:6001"), ("pay", "[::1]:6009"), ("pay", "pay.test"), ("pay", "10.0.0.1:80"), ("pay", 5),
            ("stock", "127.0.0.1:7002"), ("other", "127.0.0.1:6003"), ("pay", "127.0.0.1"), ("pay", None)]  # fmt: skip
    with Tape(tmp_path / "c.sqlite") as tape:
        first = tape.inbound(request(), response())
        for name, host in said:
            tape.outbound(first, request(host=f"{name}.test"), response(), notes={"host": host} if host else {})
    with Capture.open(tmp_path / "c.sqlite") as source:
        assert moved_listeners(source, handed, now) == [
            ("127.0.0.1:6001", "127.0.0.1:7001"), ("[::1]:6009", "127.0.0.1:7001"),
        ]  # fmt: skip
        assert moved_listeners(source, {}, {}) == []
