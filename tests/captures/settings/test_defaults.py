"""The defaults in the table of keys are those that programs use: nobody has a second opinion."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from captures.config import Config, Source
from captures.settings.keys import leaves
from recorder.plan import ProxyPlan
from recorder.settings import Asked, settle
from replayer.plan import ReplayPlan
from replayer.settings import settings_of
from tests.corpus import each

NOW = datetime(2026, 1, 1, tzinfo=UTC)
LISTENING = Asked(inbound=("0=http://x",))


@each(
    "name",
    ["max_body", "max_messages", "max_queue", "workers", "drain", "ready_timeout", "inject_trace", "insecure_upstream"],
)
def test_of_recording(name: str) -> None:
    used = getattr(settle(LISTENING, Config(), now=NOW, port=1), name)
    assert used == Config().value("record", name)
    if name in ProxyPlan.__dataclass_fields__:
        assert ProxyPlan.__dataclass_fields__[name].default == used


@each(
    "name",
    ["timeout", "ready_timeout", "on_miss", "exhausted", "concurrency", "order", "connections", "http_version",
     "stub_latency", "clock", "host", "isolate"],
)  # fmt: skip
def test_of_replaying(name: str) -> None:
    used = settings_of(Config(), {"headers": ()})[name]
    assert used == Config().value("replay", name)
    assert ReplayPlan.__dataclass_fields__[name].default == used


@each(
    ("section", "key", "given", "value"),
    [
        ("record", "max_body", "1MB", 1_000_000),
        ("record", "max_body", 5, 5),
        ("record", "drain", "1m30s", 90.0),
        ("record", "inbound", "8080", ["8080"]),
        ("record", "inbound", ["8080", 8081], ["8080", 8081]),
        ("record", "workers", 2.0, 2),
        ("record", "upstream_ca", "ca.pem", Path("/repo/ca.pem")),
        ("record", "upstream_ca", "/etc/ca.pem", Path("/etc/ca.pem")),
        ("replay", "timeout", "500ms", 0.5),
        ("replay", "timeout", 3, 3.0),
        ("record", "label", None, None),
    ],
)
def test_a_value_is_read_as_programs_want_it(section: str, key: str, given: Any, value: Any) -> None:
    data = {} if given is None else {section: {key: given}}
    read = Config((), data, (Source(Path("/repo/retape.toml"), data),)).value(section, key)
    assert (read, type(read)) == (value, type(value))


def test_every_default_can_be_read() -> None:
    for table, key in leaves():
        Config().value(table.name, key.name)
