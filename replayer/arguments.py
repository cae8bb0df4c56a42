"""What was asked for on the command line, as a run keeps it: enough to type it again, and no header's value."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from captures.redacting.commands import shown_command

KEPT = (
    "target", "config", "rules", "fail_on", "headers", "host", "timeout", "ready", "ready_timeout", "on_miss",
    "exhausted", "target_ca", "stub_listen", "concurrency", "order", "pacing", "connections", "http_version",
    "stub_latency", "isolate", "clock", "baseline_cmd", "baseline_target",
)  # fmt: skip
"""Not ``only`` and ``shard``, which a run keeps apart, nor where run and reports go."""


def arguments_of(given: Mapping[str, Any]) -> list[list[str]]:
    """``[option, value]`` or ``[flag]`` for each option of :data:`KEPT` that was given; of a header its name."""
    found: list[list[str]] = []
    for name in KEPT:
        value = given.get(name)
        option = "--" + name.replace("_", "-")
        if value is None or value is False:
            continue
        if value is True:
            found.append([option])
        elif name == "headers":
            found += [["--header", str(line).partition(":")[0].strip()] for line in value]
        elif name == "baseline_cmd":
            found.append([option, *shown_command([str(value)])])
        else:
            found.append([option, f"{value:g}" if isinstance(value, float) else str(value)])
    return found
