"""The plugin's options, their ini twins, and what of them the process beside pytest is told."""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence
from typing import Any

import pytest

from retape_pytest.companion import Companion, CompanionFailed

OPTIONS = (
    ("target", "URL", "URL of a running build to run pins against; its outbound calls are not stubbed or compared."),
    ("command", "CMD", "command that starts the build to run pins against; {port} in it becomes a free port."),
    ("ready", "URL|PATH", "the build is ready when this answers below 500 (default: its port accepts a connection)."),
    ("ready-timeout", "SECONDS", "how long the build may take to start (default: 60)."),
    ("fail-on", "LEVEL", "fail a pin from this level of drift: error, warning or info (default: warning)."),
    ("capture", "PATH", "what retape_stubs answers from where no marker says: a capture, a pin, a folder of pins."),
)
SWITCHES = (
    (
        "isolate",
        "start the command anew for every pin, for builds whose answers depend on what other pins left behind.",
    ),
)
COMPANION = pytest.StashKey[Companion]()


def option(config: pytest.Config, name: str) -> str:
    """What the command line or the ini file says."""
    return str(config.getoption(f"--retape-{name}", None) or config.getini(f"retape_{name.replace('-', '_')}") or "")


def companion_of(config: pytest.Config) -> Companion:
    """The one of this session (of this xdist worker)."""
    return config.stash.setdefault(COMPANION, Companion())


def build(session: pytest.Session, command: str | Sequence[str] | None = None) -> dict[str, Any]:
    """How the build is started, for :meth:`Companion.ask`. ``command``: instead of that of the options."""
    config = session.config
    told = option(config, "command") if command is None else command
    return {
        "command": words(told) if isinstance(told, str) else list(told),
        "target": option(config, "target"),
        "ready": option(config, "ready"),
        "ready_timeout": option(config, "ready-timeout") or "60",
        "isolate": bool(config.getoption("--retape-isolate") or config.getini("retape_isolate")),
        "root": str(config.rootpath),
        "pins": [str(item.path) for item in session.items if item.get_closest_marker("retape")],
    }


def words(command: str) -> list[str]:
    """A command line as words. Raises :class:`CompanionFailed`."""
    try:
        return shlex.split(command)
    except ValueError as error:
        raise CompanionFailed(f"--retape-command cannot be read: {error}.\nCheck its quotes.") from error


def updating(config: pytest.Config) -> str:
    """Which pins are rewritten; "" for none. Raises ``pytest.UsageError``, also where CI is set."""
    only = config.getoption("--retape-update", None)
    if only is None:
        return ""
    if only not in ("new", "changed", "all"):
        raise pytest.UsageError(
            f"--retape-update={only}: say new, changed or all, like: --retape-update=changed {only}"
        )
    if os.environ.get("CI"):
        raise pytest.UsageError("CI is set, and no pin is written there: run --retape-update on your machine")
    return str(only)


def reproduce(config: pytest.Config, where: str) -> str:
    """The command that runs the pin ``where`` alone."""
    said = ["pytest", where]
    for name, _, _ in OPTIONS:
        value = config.getoption(f"--retape-{name}", None)
        if value:
            said.append(f"--retape-{name}={value}")
    said += [f"--retape-{name}" for name, _ in SWITCHES if config.getoption(f"--retape-{name}")]
    return shlex.join(said)
