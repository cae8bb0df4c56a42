"""Who reaches a recorder: this machine alone, unless somebody said otherwise."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow

LISTENING = "0A"  # the state in /proc/net/tcp (Documentation/networking/proc_net_tcp.rst)


@contextmanager
def recording(folder: Path, *arguments: str) -> Iterator[list[dict[str, Any]]]:
    """The events of a recorder up to *ready*."""
    process = subprocess.Popen(
        [sys.executable, "-m", "retape", "record", "--format", "json", "-o", "x.sqlite", *arguments],
        cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    events: list[dict[str, Any]] = []
    try:
        assert process.stdout is not None
        for line in process.stdout:
            events.append(json.loads(line))
            if events[-1]["event"] == "ready":
                break
        assert events[-1]["event"] == "ready"
        yield events
    finally:
        process.terminate()
        assert process.communicate(timeout=60) is not None


def bound(events: list[dict[str, Any]]) -> dict[str, str]:
    """What the kernel says each listener is bound to, by role."""
    table = [row.split() for name in ("tcp", "tcp6") for row in Path(f"/proc/net/{name}").read_text().splitlines()[1:]]
    sockets = {int(row[1].split(":")[1], 16): row[1].split(":")[0] for row in table if row[3] == LISTENING}
    return {event["role"]: sockets[event["port"]] for event in events if event["event"] == "listening"}


def test_loopback_by_default(tmp_path: Path) -> None:
    arguments = ("--inbound", "0=http://127.0.0.1:9", "--outbound", "0", "--dependency", "pay=http://127.0.0.1:9")
    with recording(tmp_path, *arguments, "--metrics", "0") as events:
        assert bound(events) == dict.fromkeys(("inbound", "outbound", "dependency", "metrics"), "0100007F")
        assert not [event for event in events if event["event"] == "warning"]


def test_another_address_is_said_once(tmp_path: Path) -> None:
    wild = ("--inbound", "0.0.0.0:0=http://127.0.0.1:9", "--outbound", "0.0.0.0:0", "--metrics", "[::]:0")
    with recording(tmp_path, *wild) as events:
        where = bound(events)
        assert where == {"inbound": "0" * 8, "outbound": "0" * 8, "metrics": "0" * 32}
        (warning,) = [event for event in events if event["event"] == "warning"]
        ports = {event["role"]: event["port"] for event in events if event["event"] == "listening"}
        assert warning["what"] == "exposed"
        assert warning["where"] == f"0.0.0.0:{ports['inbound']}, 0.0.0.0:{ports['outbound']}"
        assert "loopback" in warning["hint"]
